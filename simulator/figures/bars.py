"""The tornado: how far an answer moves with each thing that it depends on."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.faults import BadInput, Fault
from simulator.figures import provenance, scale, shapes, style
from simulator.figures.provenance import conditions
from simulator.run import Run
from simulator.units import INFINITE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIELDS = ("label", "low", "high", "base")
LOW, HIGH = (style.SKY, "at its low end"), (style.ORANGE, "at its high end")
BAR = 0.19  # inches from a bar to the next


def tornado(
    rows: Sequence[Mapping[str, Any]],
    *,
    unit: str = "OOM",
    title: str = "",
    run: Run | None = None,
    axes: "Axes | None" = None,
    width: float = style.PAGE,
) -> "Axes":
    """A bar per row from `low` to `high` around `base`, the widest on top.

    Rows hold `label`, and the answer at the low and at the high end of what the label names and as
    it is, in `unit` (of simulator.quantities: in OOM, factors and dollars are on a log axis). None
    and infinity lie beyond the axis and are written out. Raises BadInput for rows without these.
    """
    found = _read(rows, unit)
    of, of_runs = scale.of_unit(unit), [run] if run else []
    with style.canvas(axes, of_runs, width, 0.95 + BAR * len(found)) as axes:
        finite = np.array([x for _, *ends in found for x in ends if np.isfinite(x)] or [0.0])
        pad = 0.12 * np.ptp(finite) or 0.5
        least, most = finite.min() - pad, finite.max() + pad
        for y, (_, low, high, base) in enumerate(found):
            ends = ((low, *LOW), (high, *HIGH))
            # Where both lie on one side, the nearer one is drawn over the farther.
            for end, colour, name in sorted(ends, key=lambda e: -abs(e[0] - base)):
                at = np.clip(end, least, most)
                left, right = of.placed(np.array(sorted((np.clip(base, least, most), at)))).tolist()
                axes.barh(y, right - left, left=left, height=0.7, color=colour, lw=0,
                          label=None if y else name)  # fmt: skip
                if np.isinf(end):
                    axes.text(of.placed(at), y, f" {INFINITE.get(unit, 'infinite')} ",
                              ha="right" if end > 0 else "left", va="center",
                              fontsize=style.SMALL, gid="infinite")  # fmt: skip
        bases = {base for *_, base in found if np.isfinite(base)}
        if len(bases) == 1:
            axes.axvline(of.placed(bases.pop()), color=style.BLACK, lw=0.8)
        names = ["\n".join(style.lines(name, width / 3)[:2]) for name, *_ in found]
        axes.set_yticks(range(len(found)), names, parse_math=False)
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.spines["left"].set_visible(False)
        of.set(axes.xaxis, least, most, 4 if style.narrow(axes.get_figure(root=True)) else 7)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(_named(unit))
        handles, labels = axes.get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda i: labels[i] == HIGH[1])
        legend = [handles[i] for i in order], [labels[i] for i in order]
        provenance.titled(axes, of_runs, title, legend)
    return axes


def tornado_caption(
    rows: Sequence[Mapping[str, Any]], *, unit: str = "OOM", title: str = "", run: Run | None = None
) -> str:
    """What the tornado shows: the widest bar in numbers."""
    name, low, high, base = _read(rows, unit)[0]
    ends = " and ".join(shapes.said(x, unit) for x in (low, high))
    said = f"{title + ': ' if title else ''}where the answer lies with each quantity at its low and"
    said += f" at its high end, widest first. {name} moves it most: {ends}"
    said += f", from {shapes.said(base, unit)}." if np.isfinite(base) else "."
    return f"{said} {conditions(run)}" if run else said


def _read(rows: Sequence[Mapping[str, Any]], unit: str) -> list[tuple[str, float, float, float]]:
    """Label, low, high and base on even distances, widest first."""
    faults = [
        Fault(f"row {i}", key, "is missing", "a row has label, low, high and base")
        for i, row in enumerate(rows, 1)
        for key in FIELDS
        if key not in row
    ]
    if not rows:
        faults = [Fault("tornado", "rows", "are none", "give one row or more")]
    if faults:
        raise BadInput(faults)
    of = scale.of_unit(unit)
    read = [
        (style.plain(row["label"], 40), *(of.even(_number(row[key])).item() for key in FIELDS[1:]))
        for row in rows
    ]
    return sorted(
        read, key=lambda row: -abs(np.clip(row[1], -1e9, 1e9) - np.clip(row[2], -1e9, 1e9))
    )


def _number(value: Any) -> float:
    return np.inf if value is None else float(value)


def _named(unit: str) -> str:
    return {"OOM": "times as much", "OOM USD": "US dollars", "x": "times as much"}.get(unit, unit)
