"""`simulator report`: one page to forward, of a run or of a batch."""

import sys
from pathlib import Path

import click

from simulator.options import opened, warn_of_failure, watched


@click.command("report", short_help="One HTML page to forward: answer, figures, reasons, sources.")
@click.argument("run")
@click.option("--out", metavar="FILE", help="Default: beside the run. - is stdout.")
def command(run: str, out: str | None) -> int:
    """Write one HTML page of RUN: the answer in words, figures, what moved it, evidence, beliefs,
    limits. Of a batch's folder it compares the scenarios. The page needs no network."""
    from simulator.report import page

    if (Path(run) / "plan.json").is_file():
        folder = Path(run).absolute()
        file = _file(out, folder.parent, folder.name)
        with watched() as observer:
            text = page.of_batch(folder, observer)
    else:
        found = opened(run)
        warn_of_failure(found)
        file = _file(out, found.path.parent, found.id)
        with watched() as observer:
            text = page.of_run(found, observer)
    if file is None:
        sys.stdout.write(text)
    else:
        click.echo(page.write(text, file))
    return 0


def _file(out: str | None, folder: Path, name: str) -> Path | None:
    """Where the page goes, known to be free before any work; None is stdout."""
    from simulator.report import page
    from simulator.whole import refuse

    if out == "-":
        return None
    file = Path(out) if out else folder / f"{name}-report.html"
    refuse(file, "--out", beginning=page.BEGINNING)
    return file
