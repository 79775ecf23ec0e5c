"""`simulator run`: sample a scenario and seal the answer."""

from pathlib import Path
from typing import Any

import click

from simulator.options import as_json, choosing, chosen, finished, sampling, seeded, watched


@click.command("run", short_help="Sample a scenario and seal the answer as a run.")
@click.argument("scenario")
@seeded
@click.option("--into", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
              help="Folder for the run.")  # fmt: skip
@sampling
@choosing
@click.option("--allow-failed-checks", is_flag=True, help="Exit with 0 when a check fails.")
@as_json
def command(
    scenario: str,
    seed: int | None,
    into: Path,
    draws: int | None,
    tune: int | None,
    chains: int | None,
    allow_failed_checks: bool,
    as_json: bool,
    **choices: Any,
) -> int:
    """Sample SCENARIO (a file or a shipped name) and seal the answer as a run."""
    from simulator.pipeline import simulate

    loaded = chosen(scenario, **choices).with_sampler(draws=draws, tune=tune, chains=chains)
    with watched() as observer:
        run = simulate(loaded, seed, into, observer)
    return finished(run, as_json, allow_failed_checks)
