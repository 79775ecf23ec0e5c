"""Figures as files: small, the same bytes every time, and whole or not at all."""

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator import seal
from simulator.faults import BadInput, Fault, nearest
from simulator.figures import Plot, style
from simulator.whole import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
# Readers without that font take the next widest, in which nothing grows out of its place.
ROOT = """font-family="'DejaVu Sans', Verdana, sans-serif" \
stroke-linejoin="round" stroke-linecap="butt\""""
DPI = 300  # of PNG: for print


def svg(
    figure: "Figure", salt: str = "figure", title: str = "", said: str = "", inline: bool = False
) -> str:
    """A figure as SVG text: the same bytes every time, and text stays text.

    `salt` keeps names inside it apart from those of other figures on a page; `title` and `said` are
    what a screen reader says. With `inline` it is the element alone, to stand in a page.
    """
    import matplotlib

    with style.context(), style.any_letters():
        matplotlib.rcParams["svg.hashsalt"] = f"simulator {salt}"
        about = {"Title": style.plain(title, 200), "Description": style.plain(said, 4000)}
        told = {key: text for key, text in about.items() if text}
        text = drawn(figure, "svg", metadata={"Date": None, "Creator": None} | told).decode()
    text = re.sub(r' d="[^"]*"', lambda path: _thin(path[0]), text)
    text = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", re.sub(r">\n\s+<", ">\n<", text))
    # Said once, and to this figure alone: a style sheet in it would be one of the whole page.
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    text = text.replace("; font-family: 'DejaVu Sans'", "")
    text = text.replace("<svg ", f"<svg {ROOT} ", 1)
    return text[text.index("<svg ") :] if inline else text


def _thin(path: str) -> str:
    """A path to a hundredth of a point, which is finer than any screen, without blanks."""
    rounded = re.sub(r"(\.\d\d)\d+", r"\1", path)
    return re.sub(r"\s*\n([A-Za-z])\s*", r"\1", rounded)


def png(figure: "Figure") -> bytes:
    """A figure as PNG."""
    with style.context(), style.any_letters():
        return drawn(figure, "png", metadata={"Software": None})


def drawn(figure: "Figure", format: str, dpi: float = DPI, metadata: Any = None) -> bytes:
    """A figure on white: drawn once, where `savefig` draws one that has a layout twice."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    own = {"canvas": figure.canvas, "dpi": figure.dpi, "facecolor": figure.get_facecolor()}
    made = BytesIO()
    try:
        canvas = (FigureCanvasAgg if format == "png" else FigureCanvasSVG)(figure)
        figure.set(dpi=dpi, facecolor="white")
        getattr(canvas, f"print_{format}")(made, metadata=metadata)
    finally:
        figure.set(**own)
    return made.getvalue()


def save(figure: "Figure", file: Path, title: str = "", said: str = "") -> Path:
    """Write a figure as its file's name ends, .png or .svg: whole or not at all, over an older one.

    Raises BadInput for another ending or where nothing can be written.
    """
    format = file.suffix.removeprefix(".")
    if format not in FORMATS:
        rule = f"must end in {' or '.join(f'.{known}' for known in FORMATS)}"
        raise BadInput([Fault(str(file), "format", rule, "rename it")])
    seal.refuse_unwritable(file.parent)
    made = png(figure) if format == "png" else svg(figure, file.stem, title, said).encode()
    with whole(file) as opened:
        opened.write_bytes(made)
    return file


def write(
    plots: Iterable[Plot], into: Path, format: str = "png", width: float = style.PAGE
) -> Iterator[tuple[Plot, Path]]:
    """Draw figures into a folder, one after another, as `save` writes them.

    Raises BadInput for an unknown format or where nothing can be written, before drawing.
    """
    if format not in FORMATS:
        raise BadInput([Fault("--format", format, "is unknown", nearest(format, FORMATS))])
    seal.refuse_unwritable(into)
    for plot in plots:
        file = into / f"{plot.stem}.{format}"
        yield plot, save(plot.draw(width), file, plot.title, plot.caption)
