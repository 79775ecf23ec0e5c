"""Figures as files: small, the same bytes every time, and whole or not at all."""

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from simulator import seal
from simulator.faults import BadInput, Fault, nearest
from simulator.figures import Plot, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
DPI = 300  # of PNG: for print


def svg(figure: "Figure", salt: str = "figure", title: str = "", said: str = "") -> str:
    """A figure as SVG text for a web page: text stays text, and no date is in it.

    `salt` keeps names inside it apart from those of other figures on the page; `title` and `said`
    are what a screen reader says.
    """
    import matplotlib

    with _ready():
        matplotlib.rcParams["svg.hashsalt"] = f"simulator {salt}"
        made = BytesIO()
        about = {"Date": None, "Creator": None, "Title": title or None, "Description": said or None}
        figure.savefig(made, format="svg", metadata=about)
    text = made.getvalue().decode()
    text = re.sub(r' d="[^"]*"', lambda path: _thin(path[0]), text)
    text = re.sub(r">\n\s+<", ">\n<", text)
    # Readers without that font take the next widest, in which nothing grows out of its place.
    return text.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")


def _thin(path: str) -> str:
    """A path to a hundredth of a point, which is finer than any screen, without blanks."""
    rounded = re.sub(r"(\.\d\d)\d+", r"\1", path)
    return re.sub(r"\s*\n([A-Za-z])\s*", r"\1", rounded)


def png(figure: "Figure") -> bytes:
    """A figure as PNG."""
    with _ready():
        made = BytesIO()
        figure.savefig(made, format="png", dpi=DPI, metadata={"Software": None})
    return made.getvalue()


def write(
    plots: Iterable[Plot], into: Path, format: str = "png", width: float = style.PAGE
) -> Iterator[tuple[Plot, Path]]:
    """Draw figures into a folder, one after another; each appears whole and replaces an older one.

    Raises BadInput for an unknown format or where nothing can be written, before drawing.
    """
    if format not in FORMATS:
        raise BadInput([Fault("--format", format, "is unknown", nearest(format, FORMATS))])
    seal.refuse_unwritable(into)
    into.mkdir(parents=True, exist_ok=True)
    seal.sweep(into)
    with seal.draft(into, "figures") as partial:
        for plot in plots:
            figure = plot.draw(width)
            made = (
                png(figure)
                if format == "png"
                else svg(figure, plot.stem, plot.stem, plot.caption).encode()
            )
            file = partial / f"{plot.stem}.{format}"
            with file.open("xb") as open_file:
                open_file.write(made)
                open_file.flush()
                os.fsync(open_file.fileno())
            yield plot, file.replace(into / file.name)


@contextmanager
def _ready() -> Iterator[None]:
    """In this style; that a font lacks a letter of some name is no reason to stop."""
    with style.context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
