"""The tornado of one output, as a file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.faults import BadInput, Fault
from simulator.run import Run
from simulator.units import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = 10
KINDS = (".png", ".svg")


def refuse(file: Path) -> None:
    """BadInput where no figure can be written, before any work."""
    if file.suffix.lower() not in KINDS:
        raise BadInput([Fault("--into", str(file), "must end in .png or .svg", "name it so")])
    if not file.parent.is_dir():
        raise BadInput([Fault("--into", str(file), "is in no folder", "make that first")])


def save(run: Run, outputs: Sequence[str], file: Path) -> None:
    """Write the tornado of the first output asked for; whole or not at all."""
    from matplotlib.figure import Figure

    from simulator.sensitivity.given import given
    from simulator.sensitivity.learning import tornado_rows

    figure = Figure(figsize=(7, 4), layout="constrained")
    tornado(tornado_rows(run, known=given(run, outputs)), axes=figure.subplots())
    figure.text(0.01, 0.005, run.id, ha="left", fontsize=6, color="0.4")
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        figure.savefig(part, format=file.suffix[1:].lower(), dpi=200)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def tornado(rows: list[dict[str, Any]], *, axes: "Axes") -> "Axes":
    """Bars from the median at a belief's 5% quantile to that at its 95% quantile, longest on top.

    Ends that are infinite reach the edge, with an arrow.
    """
    rows = rows[:BARS][::-1]
    unit, base = rows[0]["unit"], rows[0]["base"]
    finite = [v for row in rows for v in (row["low"], row["base"], row["high"]) if v is not None]
    room = 0.18 * (max(finite) - min(finite) or 1.0)
    left, right = min(finite) - room, max(finite) + room
    for y, row in enumerate(rows):
        for end, colour, word in (("low", "#0072B2", "low"), ("high", "#D55E00", "high")):
            at = right if row[end] is None else row[end]
            start = right if base is None else base
            axes.barh(y, at - start, left=start, color=colour, label=word if y == 0 else None)
            side = "left" if at >= start else "right"
            text = f" {show(row[end], unit)} "
            axes.text(min(at, right), y, text, ha=side, va="center", fontsize=7, clip_on=False)
    axes.set_yticks(range(len(rows)), [row["label"] for row in rows], fontsize=8)
    axes.set_xlim(left, right)
    ticks = [t for t in axes.get_xticks() if left <= t <= right]
    axes.set_xticks(ticks, [show(float(t), unit) for t in ticks], fontsize=7)
    if base is not None:
        axes.axvline(base, color="0.2", lw=0.8)
    axes.set_title(f"{rows[0]['output']}: median", fontsize=9)
    axes.set_xlabel("where a belief is at its 5% (low) and at its 95% quantile (high)", fontsize=8)
    axes.legend(fontsize=7, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
