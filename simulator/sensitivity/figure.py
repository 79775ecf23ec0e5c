"""The tornado of one output, as a file."""

from collections.abc import Sequence
from pathlib import Path

from simulator import figures, seal
from simulator.faults import BadInput, Fault
from simulator.run import Run
from simulator.sensitivity.given import given
from simulator.sensitivity.learning import tornado_rows

BARS = 10


def refuse(file: Path) -> None:
    """BadInput where no figure can be written, before any work."""
    kinds = [f".{kind}" for kind in figures.FORMATS]
    if file.suffix.lower() not in kinds:
        raise BadInput(
            [Fault("--into", str(file), f"must end in {' or '.join(kinds)}", "name it so")]
        )
    if not file.parent.is_dir():
        raise BadInput([Fault("--into", str(file), "is in no folder", "make that first")])
    seal.refuse_unwritable(file.parent)


def save(run: Run, outputs: Sequence[str], file: Path) -> None:
    """Write the tornado of the first output asked for; whole or not at all."""
    rows = tornado_rows(run, known=given(run, outputs))[:BARS]
    about = {"unit": rows[0]["unit"], "title": f"{rows[0]['output']}: median"}
    drawn = figures.tornado(rows, run=run, **about)
    figures.save(drawn.figure, file, about["title"], figures.caption("tornado", rows, **about))
