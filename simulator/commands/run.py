"""`simulator run`: sample a scenario and seal the answer."""

import sys
from pathlib import Path
from typing import Any

import click

from simulator.options import CHECK_FAILED, as_json, choosing, chosen, emit, sampling, seeded


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
    from simulator import tables
    from simulator.pipeline import simulate

    loaded = chosen(scenario, **choices).with_sampler(draws=draws, tune=tune, chains=chains)
    if sys.stderr.isatty():
        from simulator.progress import Display

        with Display() as display:
            run = simulate(loaded, seed, into, display)
    else:
        run = simulate(loaded, seed, into)
    if as_json:
        emit(run.to_json())
    else:
        tables.print_run(run)
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in run.seconds.items())
    click.echo(f"{sum(run.seconds.values()):.1f} s: {stages}", err=True)
    return 0 if run.passed or allow_failed_checks else CHECK_FAILED
