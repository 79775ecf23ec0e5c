"""`simulator list`: the runs in a folder."""

from pathlib import Path

import click

from simulator.faults import BadInput, Fault
from simulator.options import as_json, emit


@click.command("list", short_help="The runs in a folder.")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@as_json
def command(folder: Path, as_json: bool) -> None:
    """The runs in FOLDER (default: runs)."""
    from simulator.run import runs_in

    if not folder.is_dir() and folder != Path("runs"):
        raise BadInput([Fault(str(folder), "folder", "does not exist", "check the path")])
    found = runs_in(folder)
    if as_json:
        keys = ("id", "scenario", "seed", "status", "created", "path")
        emit({"runs": [{k: getattr(run, k) for k in keys} for run in found]})
        return
    from simulator import tables

    if found:
        tables.print_runs(found)
    else:
        click.echo(f"no runs in {folder}; make one with: simulator run base", err=True)
