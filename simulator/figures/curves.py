"""Response curves: scores against both kinds of compute, with the points they were fitted to."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from simulator import equations
from simulator.columns import Row
from simulator.faults import BadInput, Fault, nearest
from simulator.figures import provenance, shapes, style, ticks
from simulator.figures.provenance import conditions, scenario_of
from simulator.run import Run
from simulator.units import significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {  # in the order of the chart that the argument is about
    "rl": ("RL training compute", style.VERMILLION),
    "inference": ("inference compute", style.BLUE),
}
AROUND = 0.3  # OOM on either side of the longest curve
GRID = 49


def curve_scores(run: Run, curve: str, oom: np.ndarray) -> np.ndarray:
    """Scores of a curve of the run at every draw, shape (draw, compute).

    `oom` is compute over the geometric mean of its points. The expected score, without the noise of
    a point. Raises BadInput for a curve that is not among the evidence.
    """
    draws = _drawn(run)
    if curve not in draws["drawn_curve"]:
        known = draws["drawn_curve"].values.tolist()
        raise BadInput(
            [Fault(run.id, "curve", f"{curve!r} is not one of it", nearest(curve, known))]
        )
    slope = shapes.flat(draws["curve_slope"].sel(curve=curve))[:, None]
    own = draws.sel(drawn_curve=curve)
    level = shapes.flat(own["curve_level"])[:, None]
    if "curve_asymptote" in own:
        ends = (shapes.flat(own[name])[:, None] for name in ("curve_start", "curve_asymptote"))
        return equations.saturating_score(oom, level, slope, *ends)
    if run.spec["structure"]["response"] == "linear":
        return level + slope / 100 * oom
    return equations.logistic(equations.logit(level) + slope / equations.POINTS_PER_LOGIT * oom)


def response(
    run: Run,
    *,
    system: str | None = None,
    figure: "Figure | None" = None,
    width: float = style.PAGE,
) -> "Figure":
    """Score against RL compute and against inference compute, side by side, of one system.

    Points, median curve, and 50% and 90% of the probability of the curve itself. Both log axes span
    equally many OOM, so that a slope looks as steep as it is. By default a system that was measured
    in both kinds; one measured in one has one panel. Raises BadInput for a run without its points.
    """
    curves = _curves(run, system)
    half = max(np.ptp(_compute(points)) for points in curves.values()) / 2 + AROUND
    with style.sheet(figure, [run], width, min(0.45 * width + 0.6, 3.0)) as figure:
        panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
        for axes, (kind, points) in zip(panels, curves.items(), strict=True):
            _panel(run, axes, kind, points, half)
        panels[0].set_ylabel("score")
        panels[0].legend(loc="upper left")
        name, benchmark = (next(iter(curves.values()))[0][key] for key in ("system", "benchmark"))
        provenance.heading(figure, [run], f"{style.plain(name)} on {style.plain(benchmark)}")
    return figure


def response_caption(run: Run, *, system: str | None = None) -> str:
    """What the response curves show, under which conditions."""
    curves = _curves(run, system)
    name = next(iter(curves.values()))[0]["system"]
    said = f"Scores of {style.plain(name)} against compute on a log axis: published points, the"
    said += " median curve, and bands that hold 50% and 90% of the probability of the curve, not of"
    said += " further points."
    for kind, points in curves.items():
        source = ", ".join(sorted({row["source"] for row in points}))
        said += f" Slope in {KINDS[kind][0]} where steepest: {_slope(run, points)} ({source})."
    return f"{said} {conditions(run)}"


def _panel(run: Run, axes: "Axes", kind: str, points: list[Row], half: float) -> None:
    label, colour = KINDS[kind]
    oom = _compute(points)
    middle = oom.mean()  # from which the model measures compute
    centre = (oom.min() + oom.max()) / 2
    grid = np.linspace(centre - half, centre + half, GRID)
    scores = curve_scores(run, points[0]["curve"], grid - middle)
    x = ticks.powered(grid)
    shapes.fill_bands(axes, x, shapes.bands(scores, (50, 90)), colour)
    axes.plot(x, shapes.quantile(scores, 0.5), color=colour, label="median", gid="median")
    seen = [row["score"] for row in points]
    axes.plot(10**oom, seen, "o", color=style.BLACK, ms=2.8, label="published", gid="points")
    unit = points[0]["compute_unit"]
    ticks.log_axis(axes.xaxis, x[0], x[-1], "x" if unit == "relative" else "1", 3)
    ticks.percent_axis(axes.yaxis)
    axes.set_ylim(0, 1)
    axes.grid(axis="y", color="0.9", lw=0.5)
    axes.set_xlabel(label if unit == "relative" else f"{label}, {style.plain(unit)}")
    room = "\n" if style.narrow(axes.get_figure(root=True)) else " "
    axes.text(0.98, 0.03, f"{_slope(run, points)}".replace(" (", f"{room}("), ha="right",
              va="bottom", transform=axes.transAxes, fontsize=style.SMALL + 0.5)  # fmt: skip


def _slope(run: Run, points: list[Row]) -> str:
    draws = shapes.flat(run.draws["posterior"]["curve_slope"].sel(curve=points[0]["curve"]))
    low, middle, high = (significant(q, 2) for q in shapes.quantile(draws, (0.05, 0.5, 0.95)))
    return f"{middle} points per 10x (90%: {low} to {high})"


def _compute(points: list[Row]) -> np.ndarray:
    return np.log10([row["compute"] for row in points])


def _curves(run: Run, system: str | None) -> dict[str, list[Row]]:
    """The points of a system's curve in each kind of compute that it was measured in."""
    _drawn(run)
    rows = scenario_of(run.path).evidence.rows("response_points")
    systems: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        of = systems.setdefault(row["system"], {}).setdefault(row["kind"], [])
        if not of or of[0]["curve"] == row["curve"]:  # of several curves of a kind, the first
            of.append(row)
    if system is None:
        system = max(systems, key=lambda name: len(systems[name]))
    if system not in systems:
        fault = Fault(run.id, "system", f"{system!r} has no points in it", nearest(system, systems))
        raise BadInput([fault])
    return {kind: systems[system][kind] for kind in KINDS if kind in systems[system]}


def _drawn(run: Run) -> xr.Dataset:
    draws = run.draws["posterior"].dataset
    if "drawn_curve" not in draws.dims:
        rule, fix = "is not conditional on points of a curve", "ask a run that has such evidence"
        raise BadInput([Fault(run.id, "response", rule, fix)])
    return draws
