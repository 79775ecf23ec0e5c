"""The tornado of one output, as a file."""

from collections.abc import Sequence
from pathlib import Path

from simulator import figures
from simulator.run import Run
from simulator.sensitivity.given import given
from simulator.sensitivity.learning import tornado_rows

BARS = 10
KINDS = tuple(f".{kind}" for kind in figures.FORMATS)


def save(run: Run, outputs: Sequence[str], file: Path) -> None:
    """Write the tornado of the first output asked for; whole or not at all."""
    rows = tornado_rows(run, known=given(run, outputs))[:BARS]
    about = {"unit": rows[0]["unit"], "title": f"{rows[0]['output']}: median"}
    drawn = figures.tornado(rows, run=run, **about)
    figures.save(drawn.figure, file, about["title"], figures.caption("tornado", rows, **about))
