"""`simulator explore`: a page of a run in which every setting can be moved."""

from pathlib import Path

import click

from simulator.options import as_json, emit, opened, warn_of_failure


@click.command("explore", short_help="A page in which every setting can be moved.")
@click.argument("run")
@click.option("--task", "tasks", multiple=True, metavar="NAME",
              help="Only these tasks of RUN; may be given several times.")  # fmt: skip
@click.option("--out", metavar="FILE",
              help="File to write, or - for stdout.  [default: beside RUN]")  # fmt: skip
@as_json
def command(run: str, tasks: tuple[str, ...], out: str | None, as_json: bool) -> int:
    """Write one HTML page with RUN's draws inside, which works offline and from a phone.

    An older page of this kind is replaced; any other file is refused.
    """
    from simulator import explore

    found = opened(run)
    warn_of_failure(found)
    if out == "-":
        click.echo(explore.explore(found, tasks), nl=False)
        return 0
    path = explore.write(found, Path(out) if out else None, tasks)
    if as_json:
        emit({"run": found.id, "status": found.status, "path": path, "bytes": path.stat().st_size})
    else:
        click.echo(path)
    return 0
