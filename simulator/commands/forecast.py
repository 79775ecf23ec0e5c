"""`simulator forecast`: many more paths of a run's forecast, in bounded memory."""

import os
import time
from threading import Lock

import click

from simulator.faults import BadInput
from simulator.options import as_json, emit, opened, replaced, watched
from simulator.run import Run

THREADS = 2  # more wait for the interpreter longer than they work


@click.command("forecast", short_help="Many more paths than a run has draws.")
@click.argument("run")
@click.option("--paths", type=click.IntRange(1), default=1_000_000, show_default=True,
              help="At least as many as RUN has draws.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
              help="A key under task. or forecast., as in forecast.dates='[2030]' or "
              "task.mine='{cost_usd=2000,debut=2026-12-01,resembles=\"new\"}'.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1),
              help="Default: RUN's own, so that the first paths are its forecast.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 256), help="Threads; changes no number.")
@click.option("--all", "everything", is_flag=True, help="Every output, not the headline only.")
@as_json
def command(
    run: str,
    paths: int,
    settings: tuple[str, ...],
    seed: int | None,
    jobs: int | None,
    everything: bool,
    as_json: bool,
) -> int:
    """Follow many more paths than RUN has draws, with tasks and dates it may not have.

    Only what differs from path to path is shown: costs of tasks and years to thresholds, which fall
    by chance in steps, the multiplier of a new benchmark, and the burden. Everything else is a
    function of the draws, to which more paths add nothing.
    """
    overrides, faults = replaced(settings)
    if faults:
        raise BadInput(faults)
    found = opened(run)
    since = time.perf_counter()
    rows = _watched(found, paths, seed, jobs or min(os.cpu_count() or 1, THREADS), overrides)
    taken = time.perf_counter() - since
    if as_json:
        asked = {"paths": paths, "seed": found.seed if seed is None else seed, "set": overrides}
        emit({"run": found.id, "status": found.status, "asked": asked, "answer": rows})
    else:
        _print(found, paths, rows, everything)
    click.echo(f"{taken:.1f} s, {paths / taken:,.0f} paths a second", err=True)
    return 0


def _watched(found: Run, paths: int, seed: int | None, jobs: int, overrides: dict) -> list[dict]:
    from simulator.paths import further

    about = {"seed": seed, "jobs": jobs, "overrides": overrides}
    done, lock = 0, Lock()
    with watched() as display:
        if display is None:
            return further(found, paths, **about)
        display.stage("project")

        def watch(more: int) -> None:
            nonlocal done
            with lock:
                done += more
                display.paths(done, paths)

        return further(found, paths, watch=watch, **about)


def _print(found: Run, paths: int, rows: list[dict], everything: bool) -> None:
    from simulator import histogram, labels, tables

    tables.print_checks(found)
    tables.say(f"\n{paths:,} paths\n")
    tables.print_quantiles(rows if everything else list(labels.headline(rows)))
    bound = f"{100 * (10**histogram.OOM.bound - 1):.2f}% or {histogram.YEARS.bound} years"
    said = f"± is of the posterior's draws and the paths together. Quantiles are read to {bound}."
    if outside := max(row["prob_outside"] for row in rows):
        low, high, _ = histogram.OOM
        said += f" Up to {100 * outside:.2g}% of a quantity lies beyond 10^{low:g} or 10^{high:g},"
        said += " and counts as infinite in quantiles alone."
    tables.say(tables.style(said, dim=True))
