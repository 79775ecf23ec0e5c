"""Response curves and exchange rates between kinds of compute, as arrays."""

from collections.abc import Sequence

import numpy as np

from simulator import equations
from simulator.evidence import Row
from simulator.observations.arrays import (
    NOTHING,
    Z90,
    Observations,
    index,
    is_one,
    labels,
    means,
    numbered,
    numbers,
    unique,
)


def responses(points: Sequence[Row], slopes: Sequence[Row], response: str) -> Observations:
    """Points of curves, then slopes of further curves: one `curve` dimension for both.

    The logit link is fitted to log odds, the others to scores.
    """
    if not points and not slopes:
        return NOTHING
    first = {row["curve"]: row for row in reversed(points)}  # a curve's first row speaks for it
    drawn = labels([row["curve"] for row in points])
    named = unique([*drawn, *(row["curve"] for row in slopes)])
    rows = [*(first[c] for c in drawn.tolist()), *slopes]
    systems = [f"{r['benchmark']}: {r.get('system', r['curve'])}" for r in rows]
    of = dict(zip(systems, (row["benchmark"] for row in rows), strict=True))
    benchmarks = labels(sorted({row["benchmark"] for row in rows}))
    seen_in = _seen_in(systems, rows)
    parts = Observations(
        {"benchmark": benchmarks, "curve": named, "system": labels(systems)},
        {
            "curve_is_rl": ("curve", is_one(rows, "kind", "rl")),
            "curve_is_today": ("curve", is_one(rows, "recipe", "today")),
            "curve_benchmark": ("curve", index([row["benchmark"] for row in rows], benchmarks)),
            "curve_system": ("curve", index(systems, labels(systems))),
            "system_benchmark": ("system", index(list(of.values()), benchmarks)),
            "system_is_rl": ("system", is_one(seen_in, "kind", "rl")),
            "system_is_today": ("system", is_one(seen_in, "recipe", "today")),
        },
        {},
    )
    if points:
        _add_points(parts, points, drawn, response)
    if slopes:
        parts.coords["slope"] = named[len(drawn) :]
        _add_slopes(parts, slopes, response)
    return parts


def _seen_in(systems: Sequence[str], rows: Sequence[Row]) -> list[Row]:
    """The curve that each system is known by: its first of inference, or else its first."""
    found: dict[str, Row] = {}
    for system, row in zip(systems, rows, strict=True):
        if system not in found or found[system]["kind"] == "rl" != row["kind"]:
            found[system] = row
    return list(found.values())


def _add_points(
    parts: Observations, points: Sequence[Row], drawn: np.ndarray, response: str
) -> None:
    x = np.log10(numbers(points, "compute"))
    curve = index([row["curve"] for row in points], drawn)
    score = numbers(points, "score")
    parts.coords.update(drawn_curve=drawn, point=numbered(drawn[curve]))
    parts.constant.update(
        point_curve=("point", curve),
        # Only differences in compute have meaning; centred, level and slope are independent.
        point_compute_oom=("point", x - means(x, curve, len(drawn))[curve]),
    )
    if response == "logit":
        parts.observed["score_logit"] = ("point", equations.logit(score))
    else:
        parts.observed["score"] = ("point", score)


def _add_slopes(parts: Observations, slopes: Sequence[Row], response: str) -> None:
    """Published slopes in log odds; for a straight line, the chord over the scores they span."""
    se, slope = numbers(slopes, "se"), numbers(slopes, "slope_logit_per_oom")
    if response != "linear":
        parts.constant["slope_se"] = ("slope", se)
        parts.observed["slope_logit_per_oom"] = ("slope", slope)
        return
    spans = np.array([chord(row["lowest_score"], row["highest_score"]) for row in slopes])
    parts.constant["slope_chord"] = ("slope", spans)
    parts.constant["slope_se"] = ("slope", se * spans)
    parts.observed["slope_per_oom"] = ("slope", slope * spans)


def chord(low: float | None, high: float | None) -> float:
    """Score per logit between two scores; at one half where they are not given."""
    if low is None or high is None or low == high:
        return equations.POINTS_PER_LOGIT / 100
    return (high - low) / (equations.logit(high) - equations.logit(low))


def exchange(rows: Sequence[Row]) -> Observations:
    """Log of pre-training slope over inference slope, from trades at equal score."""
    if not rows:
        return NOTHING
    low = np.log(numbers(rows, "inference_oom_low") / numbers(rows, "training_oom_high"))
    high = np.log(numbers(rows, "inference_oom_high") / numbers(rows, "training_oom_low"))
    return Observations(
        {"exchange": unique([row["study"] for row in rows])},
        {"exchange_se": ("exchange", (high - low) / (2 * Z90))},
        {"exchange_ratio_ln": ("exchange", (low + high) / 2)},
    )
