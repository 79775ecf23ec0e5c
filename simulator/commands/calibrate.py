"""`simulator calibrate`: does the sampler find the posterior, on data the model itself draws?"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator import seal
from simulator.options import CHECK_FAILED, as_json, choosing, chosen, emit, seeded, watched

if TYPE_CHECKING:
    from simulator.calibration import Calibration

SHOWN = 8


@click.command("calibrate", short_help="Is the sampler honest?")
@click.argument("scenario")
@click.option("--simulations", type=click.IntRange(20, 100_000), default=200, show_default=True,
              help="Data sets to draw and to sample.")  # fmt: skip
@click.option("--truths", type=click.Choice(["prior", "posterior"]), default="posterior",
              show_default=True,
              help="Near the evidence; those of a wide prior are a stress test.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), help="Simulations at a time; changes no number.")
@seeded
@click.option("--into", type=click.Path(path_type=Path), help="Seal the ranks in this folder.")
@choosing
@as_json
def command(
    scenario: str,
    simulations: int,
    truths: str,
    jobs: int | None,
    seed: int | None,
    into: Path | None,
    as_json: bool,
    **choices: Any,
) -> int:
    """Draw truths and data from SCENARIO's own model; each truth must rank uniformly."""
    loaded = chosen(scenario, **choices)
    if into:
        seal.refuse_unwritable(into)
    since = time.perf_counter()
    with watched() as observer:
        from simulator.calibration import calibrate

        found = calibrate(loaded, simulations, seed, jobs, truths, observer)
    path = found.save(into) if into else None
    if as_json:
        emit(_json(found) | {"path": path})
    else:
        _print(found, path)
    click.echo(f"{time.perf_counter() - since:.1f} s", err=True)
    return 0 if found.passed else CHECK_FAILED


def _json(found: "Calibration") -> dict[str, Any]:
    return {
        "scenario": found.scenario,
        "seed": found.seed,
        "truths": found.truths,
        "simulations": len(found.failed),
        "passed": found.passed,
        "level": found.level,
        "outside": found.outside,
        "failed_simulations": int(found.failed.sum()),
        "divergent_simulations": int((found.divergences > 0).sum()),
        "quantities": {name: verdict._asdict() for name, verdict in found.verdicts.items()},
    }


def _print(found: "Calibration", path: Path | None) -> None:
    from simulator import tables

    verdicts, outside = found.verdicts, found.outside
    total = f"{len(verdicts)} quantities"
    if outside:
        said, color = f"{len(outside)} of {total} OUTSIDE", "red"
    else:
        said, color = f"all {total} inside", "green"
    said = tables.style(f"{said} the simultaneous 99% bands", fg=color)
    tables.say(f"{found.scenario}, truths from the {found.truths}: {said}, {_count(found)}")
    tables.say(_failures(found) + "\n")
    body = [
        [name, f"{v.deviation:+.3f}", f"{v.p_value:.2g}", v.direction]
        for name, v in list(verdicts.items())[: max(SHOWN, len(outside))]
    ]
    tables.print_grid(["", "deviation", "p-value", "direction"], body)
    tables.say(
        f"Outside is a p-value below {found.level:.2g}: one false alarm in 100 calibrations."
    )
    if path:
        click.echo(f"\n{path}")


def _count(found: "Calibration") -> str:
    return f"{len(found.failed)} simulations"


def _failures(found: "Calibration") -> str:
    if not found.failed.any():
        return "No simulation failed its own diagnostics"
    divergent = int((found.divergences > 0).sum())
    said = f"{int(found.failed.sum())} of {_count(found)} failed their own diagnostics"
    return f"{said}, {divergent} with divergences; their ranks count all the same"
