"""Axes in the units that people read: where the marks are, and what is said at them."""

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from simulator import units
from simulator.figures.style import BLANK, TEXT, width_of

if TYPE_CHECKING:
    from matplotlib.axis import Axis

EDGE = 0.04  # of an axis at its ends, where a mark would run into the neighbour's
FARTHEST = 300.0  # OOM that a float on a log axis holds
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def reading(value: float, unit: str) -> str:
    """A mark of an axis in its unit: $5, 10,000x, 10¹⁹x, 20 y."""
    one = units.show(0.0 if unit.startswith("OOM") else 1.0, unit)
    # Cents keep both of their digits.
    cents = unit == "OOM USD" and 0.1 <= value < 1
    return re.sub(r"1\.0+", f"{value:.2f}" if cents else _figure(value), one).rstrip()


def _figure(value: float) -> str:
    """A round number, without digits that say nothing."""
    oom = math.log10(value) if value > 0 else 0.0
    if oom <= -6.5 or oom >= 15:
        return "10" + f"{oom:.0f}".translate(SUPERSCRIPT)
    if oom < -4.5:
        return f"{value:.{math.ceil(-oom - 1e-9)}f}"
    text = units.power(oom) if value > 0 else units.significant(value, 2)
    return re.sub(r"\.(?=\D|$)", "", re.sub(r"(\.\d*?)0+(?=\D|$)", r"\1", text))


def powered(oom: Any) -> Any:
    """Ten to so many OOM, as far as a log axis goes; infinite draws are at its far end."""
    import numpy as np

    return 10 ** np.clip(oom, -FARTHEST, FARTHEST)


def log_axis(axis: "Axis", low: float, high: float, unit: str, most: int = 6) -> None:
    """A log axis from low to high (in the unit itself), marked at round numbers as people read.

    With so many marks at the most, and fewer where their words would run into each other.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    set_scale, set_limits = (
        (axis.axes.set_xscale, axis.axes.set_xlim)
        if axis.axis_name == "x"
        else (axis.axes.set_yscale, axis.axes.set_ylim)
    )
    set_limits(low, high)  # first: without limits, a new scale looks for some itself
    set_scale("log")
    edge = (high / low) ** EDGE
    ways = (round_marks(low * edge, high / edge, n) for n in range(most, 0, -1))
    marks = next(way for way in ways if _legible(axis, way, high / low, unit))
    axis.set_major_locator(FixedLocator(marks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: reading(value, unit)))


def _legible(axis: "Axis", marks: list[float], span: float, unit: str) -> bool:
    """Whether what is said at marks has room side by side on a log axis over a factor `span`."""
    if axis.axis_name != "x":
        return True
    inches = axis.axes.get_window_extent().width / axis.get_figure(root=True).dpi
    per_ln = inches / math.log(span)
    said = [(per_ln * math.log(x), width_of(reading(x, unit), TEXT)) for x in marks]
    return all(
        right - left > (wide + next_wide) / 2 + BLANK * TEXT / 72
        for (left, wide), (right, next_wide) in pairwise(said)
    )


def round_marks(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers between two: powers of ten, or those and 2 and 5 times them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 5), (1, 3), (1,)):
        # Not 10.0**n, which is not the number that people write where n is below zero.
        marks = [float(f"{k}e{n}") for n in range(first, last + 1) for k in steps]
        inside = [x for x in marks if low <= x <= high]
        if len(inside) <= most:
            return inside
    exponents = range(first, last + 1)
    for stride in range(2, len(exponents) + 1):
        inside = [x for n in exponents if n % stride == 0 and low <= (x := float(f"1e{n}")) <= high]
        if len(inside) <= most:
            return inside
    return []


def linear_axis(axis: "Axis", unit: str, most: int = 5) -> None:
    """A plain axis, marked in its unit; OOM are then what they are, not what they are powers of."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most))
    unit = "" if unit.startswith("OOM") else unit
    axis.set_major_formatter(FuncFormatter(lambda value, _: reading(value, unit)))


def percent_axis(axis: "Axis", most: int = 5) -> None:
    """Shares from 0 to 1 as percentages."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}%"))


def date_axis(axis: "Axis", first: Any, last: Any, most: int = 7) -> None:
    """Days from first to last, marked at the start of every year, or of every so many."""
    import numpy as np
    from matplotlib.dates import DateFormatter, date2num
    from matplotlib.ticker import FixedLocator

    axis.axes.set_xlim(first, last)
    low, high = (int(str(np.datetime64(day, "Y"))) for day in (first, last))
    ends = date2num(first), date2num(last)
    edge = EDGE * (ends[1] - ends[0])
    for stride in range(1, high - low + 2):
        years = [f"{year}-01-01" for year in range(low, high + 1) if year % stride == 0]
        marks = [d for y in years if ends[0] <= (d := date2num(np.datetime64(y))) <= ends[1] - edge]
        if len(marks) <= most:
            break
    axis.set_major_locator(FixedLocator(marks))
    axis.set_major_formatter(DateFormatter("%Y"))
