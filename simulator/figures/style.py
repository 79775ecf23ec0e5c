"""One style for every figure: colours, sizes, and safe text. For its axes see ticks.py.

Nothing global changes: artists are made inside `context`, which puts back what it found.
"""

import re
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from simulator import units
from simulator.figures import COLUMN, PAGE
from simulator.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


SMALL, TEXT, TITLE = 5.5, 7.0, 8.0  # points
# Okabe and Ito: told apart by colour-blind readers, and in lightness by those who print in grey.
BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, BLACK, GREY = "#CC79A7", "#56B4E9", "#000000", "#666666"
RECIPES = {  # of RL, by algorithm: colour, mark, and line
    "as_published": (VERMILLION, "o", "-"),
    "today": (BLUE, "s", (0, (4, 1.5))),
}
MASSES = {90: 0.18, 80: 0.38, 50: 0.65}  # percent in a central interval: how dark its band is
BLANK = 0.45  # of the size, between two words: a blank, and what letters keep around them
FONT = ["DejaVu Sans"]  # it comes with Matplotlib, so that text is as wide everywhere

SETTINGS: dict[str, Any] = {
    "font.family": FONT,
    "font.size": TEXT,
    "axes.titlesize": TITLE,
    "axes.titlelocation": "left",
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.fontsize": TEXT - 0.5,
    "legend.frameon": False,
    "legend.borderaxespad": 0.2,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.2,
    "hatch.linewidth": 0.5,
    "text.parse_math": False,  # a name with dollars in it is a name
    "text.usetex": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "simulator",
    "svg.id": None,
    "figure.dpi": 100,
}


@contextmanager
def context() -> Iterator[None]:
    """Matplotlib's defaults with this style on top, for as long as it lasts."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


@contextmanager
def canvas(axes: "Axes | None", of: Sequence[Run], width: float, height: float) -> Iterator["Axes"]:
    """Axes to draw on in this style: those given, or those of a figure of its own (inches).

    A figure of its own says in small print where it comes from. Wherever it is drawn, that of a run
    which failed a check says so first.
    """
    from simulator.figures import provenance

    with context():
        own = axes is None
        drawn = blank(width, height).add_subplot() if axes is None else axes
        finish(drawn)
        yield drawn
        provenance.mark(drawn, of)
        if own:
            provenance.small_print(drawn.figure, of)


@contextmanager
def sheet(
    figure: "Figure | None", of: Sequence[Run], width: float, height: float
) -> Iterator["Figure"]:
    """A figure of several axes, as `canvas` is of one; height in inches where it is new."""
    from simulator.figures import provenance

    with context():
        drawn = blank(width, height) if figure is None else figure
        yield drawn
        for axes in drawn.axes:
            finish(axes)
        if figure is None:
            provenance.small_print(drawn, of)


def blank(width: float, height: float) -> "Figure":
    """An empty figure that no window knows of; inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.03, wspace=0.05, hspace=0.05)
    return figure


def finish(axes: "Axes") -> None:
    """Ticks are made when they are first drawn, in whatever style reigns then."""
    axes.tick_params(labelsize=TEXT - 0.5, width=0.6, length=2.5, color=GREY, labelcolor="black")
    axes.tick_params(which="minor", width=0.4, length=1.5, color=GREY)


def narrow(figure: "Figure") -> bool:
    """Whether a figure is about as wide as a column."""
    return figure.get_figwidth() < (COLUMN + PAGE) / 2


def tint(colour: str, strength: float) -> tuple[float, ...]:
    """A colour on white, so strong."""
    from matplotlib.colors import to_rgb

    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))


# --- text -----------------------------------------------------------------------------------------


def plain(text: object, most: int = 60) -> str:
    """A name on one line, without what a file or a reader would take for a command, cut."""
    spaced = re.sub(r"\s+", " ", str(text)).strip()
    kept = "".join(c if unicodedata.category(c)[0] != "C" else "\N{REPLACEMENT CHARACTER}"
                   for c in spaced)  # fmt: skip
    return kept if len(kept) <= most else kept[: most - 1] + "…"


def lines(text: str, inches: float, size: float = TEXT) -> list[str]:
    """Text in lines that are no wider; a word that is wider alone is broken."""
    found, taken = [""], 0.0
    for word in text.split(" "):
        wide = width_of(word, size)
        if found[-1] and taken + BLANK * size / 72 + wide <= inches:
            found[-1] += f" {word}"
            taken += BLANK * size / 72 + wide
            continue
        found.append(word if wide <= inches else "")
        for letter in word if wide > inches else "":
            if width_of(found[-1] + letter, size) > inches:
                found.append("")
            found[-1] += letter
        taken = width_of(found[-1], size)
    return [line for line in found if line]


@lru_cache(maxsize=4096)  # to lay text out takes milliseconds, and the same words come again
def width_of(text: str, size: float) -> float:
    """Inches that a word takes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with any_letters():
        font = FontProperties(family=FONT, size=size)
        return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


@contextmanager
def any_letters() -> Iterator[None]:
    """That the font lacks a letter of some name is no reason to warn, let alone to stop."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def share(probability: float) -> str:
    """A probability as a percentage; one that is there is not called none."""
    percent = 100 * probability
    if 0 < percent < 0.1:
        return "<0.1%"
    if 99.9 < percent < 100:
        return ">99.9%"
    return f"{units.significant(percent, 2)}%" if percent < 99.5 else f"{percent:.3g}%"
