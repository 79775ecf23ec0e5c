"""`simulator average`: one run whose draws mix those of others."""

from pathlib import Path

import click

from simulator.options import CHECK_FAILED, all_opened, as_json, emit


@click.command("average", short_help="Mix runs into one.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--weights",
    default="equal",
    show_default=True,
    metavar="stacking|equal|FILE",
    help="Proportions; FILE is TOML, JSON or CSV of run id and weight.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder for the run.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=1,
    show_default=True,
    help="Of the choice of draws.",
)
@click.option("--allow-failed-checks", is_flag=True, help="Exit with 0 when a check fails.")
@as_json
def command(
    runs: tuple[str, ...],
    weights: str,
    into: Path,
    seed: int,
    allow_failed_checks: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Mix the draws of RUNs and seal the mixture as a run, with what their differences make."""
    found = all_opened(runs)
    from simulator.average import average

    run = average(found, weights, into=into, seed=seed)
    if as_json:
        emit(run.to_json())
    else:
        from simulator import comparisons, tables

        tables.print_run(run)
        comparisons.print_average(run)
    return 0 if run.passed or allow_failed_checks else CHECK_FAILED
