"""`simulator batch`: many scenarios from one file."""

from pathlib import Path

import click

from simulator.batch import TIMEOUT_MINUTES
from simulator.faults import BadInput, Fault
from simulator.options import BAD_INPUT, SOME_FAILED, as_json, emit, watched

FOLDER = click.Path(path_type=Path)


@click.group("batch", short_help="Many scenarios from one file.")
def command() -> None:
    """Many scenarios from one FILE: check, run, continue, look, collect."""


@command.command("check", short_help="What a file comes to; time and disk, by a short trial.")
@click.argument("file", type=FOLDER)
@click.option("--trial/--no-trial", default=True, help="Sample one briefly, to estimate.")
@click.option("--jobs", type=click.IntRange(1), help="Processes; one per processor by default.")
@as_json
def check(file: Path, trial: bool, jobs: int | None, as_json: bool) -> int:
    """How many scenarios FILE makes, what they share, and what they will take."""
    from simulator.batch.estimate import check as checked

    found = checked(file, trial, jobs)
    if as_json:
        emit(found)
    else:
        from simulator.batch.shown import print_check

        print_check(found)
    return BAD_INPUT if found["faults"] else 0


@command.command("run", short_help="Sample what is missing of a file.")
@click.argument("file", type=FOLDER)
@click.option("--into", type=FOLDER, help="Folder of the batch.  [default: runs/NAME]")
@click.option("--jobs", type=click.IntRange(1), help="Processes; one per processor by default.")
@click.option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster, in place of processes.")
@click.option("--timeout", "minutes", type=click.FloatRange(0, min_open=True), metavar="MINUTES",
              default=TIMEOUT_MINUTES, show_default=True,
              help="A scenario that takes longer is ended and recorded as failed.")  # fmt: skip
@click.option("--limit", type=click.IntRange(0), help="Do at most so many now.")
@click.option("--shard", metavar="I/N", help="Only every N-th scenario, from the I-th on.")
@click.option("--reweight", is_flag=True, help="Reweight a run done before where trustworthy.")
@as_json
def run(
    file: Path,
    into: Path | None,
    jobs: int | None,
    scheduler: str | None,
    minutes: float,
    limit: int | None,
    shard: str | None,
    reweight: bool,
    as_json: bool,
) -> int:
    """Sample what is missing of FILE; again and again, until nothing is."""
    from simulator.batch.engine import run_batch
    from simulator.batch.file import read_batch
    from simulator.batch.pool import processors
    from simulator.progress import Lines

    if jobs and not scheduler and jobs > (many := processors()):
        click.echo(f"note: {many} processors here, so {many} processes, not {jobs}", err=True)
    into = into or Path("runs") / read_batch(file).name
    try:
        with watched() as display:
            tally = run_batch(
                file, into, jobs=jobs, scheduler=scheduler, limit=limit,
                shard=_shard(shard), reweight=reweight, timeout_minutes=minutes,
                observer=display or Lines(),
            )  # fmt: skip
    except KeyboardInterrupt:
        click.echo(f"what is done stays in {into}; the same command goes on from there", err=True)
        raise
    if as_json:
        emit(tally.to_json())
    else:
        from simulator.batch.shown import print_tally

        print_tally(tally)
    if tally.stopped:
        click.echo(f"error: {tally.stopped}", err=True)
        return BAD_INPUT
    return SOME_FAILED if tally.failed else 0


@command.command("status", short_help="What is done, what failed and why, what is missing.")
@click.argument("folder", type=FOLDER, metavar="DIR")
@as_json
def status(folder: Path, as_json: bool) -> int:
    """What of a batch is done, what failed and why, and what is missing."""
    from simulator.batch.status import print_status
    from simulator.batch.status import status as found

    if as_json:
        emit(found(folder))
    else:
        print_status(found(folder))
    return 0


@command.command("collect", short_help="All runs as one table or labelled object.")
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--format", "form", type=click.Choice(["parquet", "netcdf", "zarr"]),
              default="parquet", show_default=True)  # fmt: skip
@click.option("--draws", type=click.IntRange(1), help="So many draws of each run, too.")
@click.option("--out", type=FOLDER, help="File or folder to write.  [default: in DIR]")
@as_json
def collect(folder: Path, form: str, draws: int | None, out: Path | None, as_json: bool) -> int:
    """All quantiles of a batch as one table or labelled object, with its axes as dimensions."""
    from simulator.batch.collect import collect as collected

    path = collected(folder, form, draws=draws, out=out)
    if as_json:
        emit({"path": path, "format": form})
    else:
        click.echo(path)
    return 0


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    first, slash, of = text.partition("/")
    if slash and first.isdecimal() and of.isdecimal() and 1 <= int(first) <= int(of):
        return int(first), int(of)
    raise BadInput([Fault("--shard", text, "must be I/N with 1 <= I <= N", "as in 3/16")])
