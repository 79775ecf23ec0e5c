"""Evidence rows as labelled arrays: what the model conditions on, and the labels of its dimensions.

One `Observations` holds everything the PyMC model takes as data. Absent tables leave their arrays
out, so that the model has no empty likelihoods.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulator import equations
from simulator.dates import decimal_year
from simulator.evidence import Evidence, Row

Z90 = 1.6448536269514722  # a 90% interval is this many standard errors either side
BASELINE = "grpo"  # the recipe of the o1 era, against which algorithmic gains are measured
REFERENCE_SCORE = 0.45  # the middle of the baseline's own curve, where a shift means most
UNSTATED_SE = 0.1  # OOM per year; a rate without an interval is not known exactly, but to 26%
BASELINE_ERROR = 0.2  # ln; seed noise of 0.0175 on the baseline's height of 0.088


class Observations(NamedTuple):
    """Coordinates (dimension to labels), constant data and observed data, by name."""

    coords: dict[str, np.ndarray]
    constant: dict[str, tuple[str, np.ndarray]]
    observed: dict[str, tuple[str, np.ndarray]]

    def of(self, dim: str) -> int:
        """Size of a dimension; zero where the evidence has none."""
        return len(self.coords.get(dim, ()))


def observe(evidence: Evidence) -> Observations:
    """Turn the rows in use into arrays.

    Shapes: one entry per point, slope, exchange rate, recipe, record, series, factor or rate.
    """
    parts = [
        _responses(evidence.rows("response_points"), evidence.rows("response_slopes")),
        _exchange(evidence.rows("exchange_rates")),
        _recipes(evidence.rows("recipes")),
        _progress(evidence.rows("progress_rates")),
        _costs(evidence.rows("cost_records"), evidence.rows("annual_factors")),
    ]
    merged = Observations({}, {}, {})
    for part in parts:
        for whole, piece in zip(merged, part, strict=True):
            whole.update(piece)
    return merged


def _labels(values: Sequence[str]) -> np.ndarray:
    return np.array(list(dict.fromkeys(values)), dtype="U")


def _index(values: Sequence[str], labels: np.ndarray) -> np.ndarray:
    place = {label: i for i, label in enumerate(labels.tolist())}
    return np.array([place[v] for v in values], dtype="int64")


def _numbers(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], dtype="float64")


def _means(values: np.ndarray, group: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(group, values, size) / np.bincount(group, minlength=size)


def _unique(names: Sequence[str]) -> np.ndarray:
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return np.array(out, dtype="U")


def _responses(points: Sequence[Row], slopes: Sequence[Row]) -> Observations:
    """Points of curves, then slopes of further curves: one `curve` dimension for both."""
    if not points and not slopes:
        return Observations({}, {}, {})
    first = {row["curve"]: row for row in reversed(points)}  # a curve's first row speaks for it
    drawn = _labels([row["curve"] for row in points])
    named = _unique([*drawn, *(row["curve"] for row in slopes)])
    rows = [*(first[c] for c in drawn.tolist()), *slopes]
    systems = [f"{r['benchmark']}: {r.get('system', r['curve'])}" for r in rows]
    benchmarks = _labels(sorted({row["benchmark"] for row in rows}))
    coords = {"benchmark": benchmarks, "curve": named, "system": _labels(systems)}
    constant = {
        "curve_is_rl": ("curve", np.array([float(row["kind"] == "rl") for row in rows])),
        "curve_is_today": ("curve", np.array([float(row["recipe"] == "today") for row in rows])),
        "curve_benchmark": ("curve", _index([row["benchmark"] for row in rows], benchmarks)),
        "curve_system": ("curve", _index(systems, coords["system"])),
    }
    observed = {}
    if points:
        x = np.log10(_numbers(points, "compute"))
        curve = _index([row["curve"] for row in points], drawn)
        coords |= {"drawn_curve": drawn, "point": np.arange(len(points))}
        constant |= {
            "point_curve": ("point", curve),
            # Only differences in compute have meaning; centred, level and slope are independent.
            "point_compute_oom": ("point", x - _means(x, curve, len(drawn))[curve]),
        }
        observed["score_logit"] = ("point", equations.logit(_numbers(points, "score")))
    if slopes:
        coords["slope"] = named[len(drawn) :]
        constant["slope_se"] = ("slope", _numbers(slopes, "se"))
        observed["slope_logit_per_oom"] = ("slope", _numbers(slopes, "slope_logit_per_oom"))
    return Observations(coords, constant, observed)


def _exchange(rows: Sequence[Row]) -> Observations:
    """Log of pre-training slope over inference slope, from trades at equal score."""
    if not rows:
        return Observations({}, {}, {})
    low = np.log(_numbers(rows, "inference_oom_low") / _numbers(rows, "training_oom_high"))
    high = np.log(_numbers(rows, "inference_oom_high") / _numbers(rows, "training_oom_low"))
    return Observations(
        {"exchange": _unique([row["study"] for row in rows])},
        {"exchange_se": ("exchange", (high - low) / (2 * Z90))},
        {"exchange_ratio_ln": ("exchange", (low + high) / 2)},
    )


def _recipes(rows: Sequence[Row]) -> Observations:
    """Steepest slope, and compute saved at the reference score, against the baseline recipe.

    Rows without a start are other models or problems: no slope to compare. Families other than
    the baseline's own four fitted recipes say nothing of the shift.
    """
    base = next((r for r in rows if r["family"] == BASELINE and r["table"] == "recipes"), None)
    kept = [r for r in rows if r["start"] is not None and r["family"] != BASELINE]
    if base is None or not kept:
        return Observations({}, {}, {})
    families = _labels([row["family"] for row in kept])
    shifted = [r for r in kept if r["table"] == "recipes"]
    steepest = [equations.sigmoid_steepest(*_curve(r)[:3]) for r in (*kept, base)]
    compute = [equations.sigmoid_compute(REFERENCE_SCORE, *_curve(r)) for r in (*shifted, base)]
    years = [decimal_year(r["recipe_date"]) - decimal_year(base["recipe_date"]) for r in shifted]
    return Observations(
        {
            "family": families,
            "recipe": _unique([row["recipe"] for row in kept]),
            "shifted_recipe": _unique([row["recipe"] for row in shifted]),
        },
        {
            "recipe_family": ("recipe", _index([row["family"] for row in kept], families)),
            "recipe_years": ("shifted_recipe", np.array(years)),
        },
        {
            "recipe_slope_factor_ln": ("recipe", np.log(np.array(steepest[:-1]) / steepest[-1])),
            "recipe_shift_oom": (
                "shifted_recipe",
                np.log10(compute[-1] / np.array(compute[:-1])),
            ),
        },
    )


def _curve(row: Row) -> tuple[float, float, float, float]:
    return row["asymptote"], row["steepness"], row["start"], row["c_mid_gpu_hours"]


def _interval_se(rows: Sequence[Row]) -> np.ndarray:
    """Standard error in OOM of a factor with a 90% interval, or UNSTATED_SE without one."""
    intervals = [(row["q05"], row["q95"]) for row in rows]
    return np.array(
        [
            UNSTATED_SE if low is None else np.log10(high / low) / (2 * Z90)
            for low, high in intervals
        ]
    )


def _progress(rows: Sequence[Row]) -> Observations:
    if not rows:
        return Observations({}, {}, {})
    hardware = np.array([float(row["component"] == "hardware") for row in rows])
    return Observations(
        {"rate": _unique([f"{row['study']}: {row['component']}" for row in rows])},
        {"rate_is_hardware": ("rate", hardware), "rate_se": ("rate", _interval_se(rows))},
        {"progress_oom_per_year": ("rate", np.log10(_numbers(rows, "factor")))},
    )


def _costs(records: Sequence[Row], factors: Sequence[Row]) -> Observations:
    """Record staircases and published annual factors."""
    if not records and not factors:
        return Observations({}, {}, {})
    benchmarks = _labels(sorted({row["benchmark"] for row in (*records, *factors)}))
    parts = Observations({"cost_benchmark": benchmarks}, {}, {})
    if records:
        _add_records(parts, records, benchmarks)
    if factors:
        estimators = _labels(sorted({row["estimator"] for row in factors}))
        adjusted = [float(row["estimator"] == "hardware_adjusted") for row in factors]
        parts.coords.update(
            estimator=estimators,
            factor=_unique([f"{r['source']}: {r['series']}, {r['estimator']}" for r in factors]),
        )
        parts.constant.update(
            factor_benchmark=("factor", _index([r["benchmark"] for r in factors], benchmarks)),
            factor_estimator=("factor", _index([r["estimator"] for r in factors], estimators)),
            factor_without_hardware=("factor", np.array(adjusted)),
            factor_age_from=("factor", np.maximum(_numbers(factors, "age_from_years"), 0.0)),
            factor_age_to=("factor", _numbers(factors, "age_to_years")),
            factor_se=("factor", _interval_se(factors)),
        )
        parts.observed["annual_factor_oom"] = ("factor", np.log10(_numbers(factors, "factor")))
    return parts


def _add_records(parts: Observations, rows: Sequence[Row], benchmarks: np.ndarray) -> None:
    rows = sorted(rows, key=lambda row: (row["series"], row["date"]))
    series = _labels([row["series"] for row in rows])
    group = _index([row["series"] for row in rows], series)
    start = np.array([decimal_year(row["date"]) for row in rows])
    debut = np.array([start[group == i].min() for i in range(len(series))])
    age = _reign_middles(rows, start, group) - debut[group]
    of = {row["series"]: row["benchmark"] for row in rows}
    parts.coords.update(series=series, record=np.arange(len(rows)))
    parts.constant.update(
        record_series=("record", group),
        record_age=("record", age),
        series_benchmark=("series", _index([of[s] for s in series.tolist()], benchmarks)),
        series_debut=("series", debut),
        # The level is that of the middle of a series, where it does not pull on the slope.
        series_middle_age=("series", _means(age, group, len(series))),
    )
    parts.observed["record_oom_usd"] = ("record", np.log10([_cost(row) for row in rows]))


def _reign_middles(rows: Sequence[Row], start: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The middle of the time in which each record was the cheapest, in decimal years.

    A record stands until the next, the last one until observation ended. So quiet times count, and
    count alike within a series and at its end, where the record is still unbroken.
    """
    until = np.array([decimal_year(row["observed_until"]) for row in rows])
    followed = np.append(group[1:] == group[:-1], False)
    end = np.where(followed, np.append(start[1:], 0.0), np.maximum(until, start))
    return (start + end) / 2


def _cost(row: Row) -> float:
    if row["cost_usd"] is not None:
        return row["cost_usd"]
    return row["output_tokens"] * row["usd_per_million_tokens"] / 1e6
