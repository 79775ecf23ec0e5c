"""What was said against what came: one figure for probabilities and distributions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binom

from simulator.scoring.scored import FEW, Scored
from simulator.whole import whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
BLUE, ORANGE = "#0072B2", "#D55E00"  # colours that colour-blind readers tell apart
BOUNDS = "nine calibrated forecasters of ten, each place by itself"

type Row = dict[str, Any]


def reliability(axes: "Axes", scored: Scored) -> None:
    """Draw what came against what was said, both as shares; calibrated is on the diagonal.

    Of distributions: the share of outcomes at or below each quantile, a line, in a band that at any
    one quantile holds nine calibrated forecasters of ten. Of probabilities: the share of yes by
    bin, points, with the same bounds.
    """
    axes.plot([0, 1], [0, 1], color="0.5", lw=1, zorder=1)
    rows = [row for row in scored.rows if row["latest"] or not scored.latest_only]
    pits = np.array([row["pit"] for row in rows if row["kind"] == "distribution"])
    if pits.size:
        _outcomes(axes, np.sort(pits))
    asked = sum(row["kind"] == "probability" for row in rows)
    if asked:
        _bins(axes, scored.calibration, asked)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(xlabel="said: quantile, or probability of yes", ylabel="came: at or below it, or yes")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda x, _: f"{100 * x:.0f}%")
    axes.spines[["top", "right"]].set_visible(False)
    below = {"loc": "upper left", "bbox_to_anchor": (-0.02, -0.12), "borderaxespad": 0}
    axes.legend(**below, frameon=False, fontsize=9)
    if max(pits.size, asked) < FEW:
        said = f"fewer than {FEW} questions:\nnothing follows from this"
        axes.text(0.97, 0.04, said, ha="right", va="bottom", color="0.3", fontsize=9)


def _outcomes(axes: "Axes", pits: np.ndarray) -> None:
    levels = np.linspace(0, 1, 201)
    low, high = (binom.ppf(p, pits.size, levels) / pits.size for p in (0.05, 0.95))
    axes.fill_between(levels, low, high, color=BLUE, alpha=0.15, lw=0, step="mid", label=BOUNDS)
    steps = np.arange(pits.size + 1) / pits.size
    label = f"{pits.size} outcomes at or below each quantile"
    axes.stairs(steps, [0, *pits, 1], baseline=None, color=BLUE, lw=2, label=label)


def _bins(axes: "Axes", calibration: Sequence[Row], asked: int) -> None:
    said = np.array([row["said"] for row in calibration])
    count, came, least, most = (
        np.array([row[name] for row in calibration]) for name in ("count", "came", "least", "most")
    )
    axes.vlines(
        said, least / count, most / count, color=ORANGE, alpha=0.4, lw=5, zorder=2, label=BOUNDS
    )
    label = f"{asked} questions of yes or no, by bins"
    axes.plot(said, came / count, "o", color=ORANGE, ms=7, zorder=3, label=label)


def draw(scored: Scored, file: Path) -> None:
    """Write the figure whole or not at all, in the format that its name ends with."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 6.4), layout="constrained")
    axes = figure.subplots()
    reliability(axes, scored)
    axes.set_title("What was said, and what came", loc="left", fontsize=11)
    with whole(file) as made, mpl.rc_context({"svg.hashsalt": "reliability"}):
        figure.savefig(made, dpi=160)
