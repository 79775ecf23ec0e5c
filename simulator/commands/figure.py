"""`simulator figure`: figures of a run, for print or for a page."""

import textwrap
from pathlib import Path

import click

from simulator.faults import BadInput, Fault
from simulator.figures import COLUMN, OF_A_RUN, PAGE
from simulator.options import as_json, emit, opened, watched

WIDTHS = {"column": COLUMN, "page": PAGE}


@click.command(
    "figure",
    short_help="Figures of a run, as PNG or SVG.",
    epilog="\b\nFigures:\n" + "\n".join(f"  {name:<12}{s}" for name, s in OF_A_RUN.items()),
)
@click.argument("run")
@click.option("--plot", "names", multiple=True, metavar="NAME", help="Only this; repeatable.")
@click.option("--into", type=click.Path(path_type=Path), help="Folder.  [default: RUN-figures]")
@click.option("--format", "kind", type=click.Choice(["png", "svg"]), default="png",
              show_default=True)  # fmt: skip
@click.option("--width", type=click.Choice([*WIDTHS]), default="page", show_default=True,
              help="Of a page (7 inches), or of a column (3.5).")  # fmt: skip
@as_json
def command(
    run: str, names: tuple[str, ...], into: Path | None, kind: str, width: str, as_json: bool
) -> int:
    """Draw the figures of RUN, all that it has or those named, into the folder beside it.

    Each comes with its caption, and says in small print from which run it is.
    """
    from simulator import figures

    figures.refuse_unknown(names)  # before a run is read
    found = opened(run)
    asked = figures.plots(found, names)
    folder = into or found.path.with_name(f"{found.path.name}-figures")
    if folder.resolve().is_relative_to(found.path.resolve()):
        rule = "is in the folder of the run, which is sealed"
        raise BadInput([Fault("--into", str(into), rule, "choose another place")])
    made = []
    with watched() as display:
        for plot, file in figures.write(asked, folder, kind, WIDTHS[width]):
            if display:
                display.stage(f"drawing; {plot.stem} is done")
            made.append({"figure": plot.name, "file": str(file), "caption": plot.caption})
    if as_json:
        emit({"run": found.id, "status": found.status, "figures": made})
        return 0
    from simulator import tables

    tables.print_checks(found)
    for one in made:
        tables.say(f"\n{one['file']}")
        for line in textwrap.wrap(one["caption"], tables.width()):
            tables.say(tables.style(line, dim=True))
    return 0
