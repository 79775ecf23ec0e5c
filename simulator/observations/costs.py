"""Record staircases and published annual factors, as arrays for one structure of cost."""

from collections.abc import Sequence

import numpy as np

from simulator.dates import decimal_year
from simulator.evidence import Row, usd
from simulator.observations.arrays import (
    NOTHING,
    Observations,
    index,
    interval_se,
    is_one,
    labels,
    means,
    numbered,
    numbers,
    unique,
)

QUARTER = 0.25  # years; records are counted by quarter of their series' age
INSTANT = 1e-9  # years; the least that a series is watched, and the least age of a later record


def costs(records: Sequence[Row], factors: Sequence[Row], cost: str) -> Observations:
    """Records, in the terms of a structure, and factors over the benchmarks of both."""
    if not records and not factors:
        return NOTHING
    benchmarks = labels(sorted({row["benchmark"] for row in (*records, *factors)}))
    parts = Observations({"cost_benchmark": benchmarks}, {}, {})
    if records:
        staircases = Staircases(records)
        parts.coords["series"] = staircases.series
        parts.constant.update(
            series_benchmark=("series", index(staircases.benchmark, benchmarks)),
            series_debut=("series", staircases.debut),
        )
        (_add_trend if cost == "trend" else _add_steps)(parts, staircases)
    if factors:
        _add_factors(parts, factors, benchmarks)
    return parts


class Staircases:
    """All records by series and date: times in decimal years, costs in OOM USD."""

    def __init__(self, rows: Sequence[Row]):
        rows = sorted(rows, key=lambda row: (row["series"], row["date"]))
        of = {row["series"]: row for row in rows}
        self.series = labels([row["series"] for row in rows])
        self.group = index([row["series"] for row in rows], self.series)
        self.cost = np.log10([usd(row) for row in rows])
        self.time = np.array([decimal_year(row["date"]) for row in rows])
        self.first = np.append(True, self.group[1:] != self.group[:-1])
        self.debut = self.time[self.first]
        self.benchmark = [of[s]["benchmark"] for s in self.series.tolist()]
        # The last record is unbroken up to the end of observation, which is information too.
        last = np.append(self.first[1:], True)
        until = np.array([decimal_year(row["observed_until"]) for row in rows])
        self.until = np.maximum(until, self.time)[last]
        self.end = np.where(last, self.until[self.group], np.append(self.time[1:], 0.0))


def _add_trend(parts: Observations, steps: Staircases) -> None:
    """Each record's cost at the middle of its reign: so quiet times count, and all count alike."""
    age = (steps.time + steps.end) / 2 - steps.debut[steps.group]
    parts.coords["record"] = numbered(steps.series[steps.group])
    parts.constant.update(
        record_series=("record", steps.group),
        record_age=("record", age),
        # The level is that of the middle of a series, where it does not pull on the slope.
        series_middle_age=("series", means(age, steps.group, len(steps.series))),
    )
    parts.observed["record_oom_usd"] = ("record", steps.cost)


def _add_steps(parts: Observations, steps: Staircases) -> None:
    """How many records came in each quarter of a series' age, and how far each fell."""
    watched = np.maximum(steps.until - steps.debut, INSTANT)
    age = np.maximum(steps.time - steps.debut[steps.group], INSTANT)[~steps.first]
    whose = steps.group[~steps.first]
    starts, series = [], []
    for i, years in enumerate(watched.tolist()):
        own = np.arange(0, years, QUARTER)
        starts.append(own)
        series.append(np.full(len(own), i))
    start, of = np.concatenate(starts), np.concatenate(series)
    end = np.minimum(start + QUARTER, watched[of])
    count = [
        np.sum((whose == i) & (age > low) & (age <= high))
        for i, low, high in zip(of, start, end, strict=True)
    ]
    parts.coords["quarter"] = unique(
        [f"{steps.series[i]} {s:g} y" for i, s in zip(of, start, strict=True)]
    )
    parts.constant.update(
        quarter_series=("quarter", of.astype("int64")),
        quarter_from=("quarter", start),
        quarter_to=("quarter", end),
    )
    parts.observed["records_in_quarter"] = ("quarter", np.array(count, dtype="int64"))
    if len(whose):
        parts.coords["step"] = unique(steps.series[whose].tolist())
        drop = -np.diff(steps.cost)[~steps.first[1:]]
        parts.observed["record_fall_oom"] = ("step", drop)


def _add_factors(parts: Observations, factors: Sequence[Row], benchmarks: np.ndarray) -> None:
    estimators = labels(sorted({row["estimator"] for row in factors}))
    names = [f"{r['source']}: {r['series']}, {r['estimator']}" for r in factors]
    parts.coords.update(estimator=estimators, factor=unique(names))
    parts.constant.update(
        factor_benchmark=("factor", index([row["benchmark"] for row in factors], benchmarks)),
        factor_estimator=("factor", index([row["estimator"] for row in factors], estimators)),
        factor_without_hardware=("factor", is_one(factors, "estimator", "hardware_adjusted")),
        factor_age_from=("factor", np.maximum(numbers(factors, "age_from_years"), 0.0)),
        factor_age_to=("factor", numbers(factors, "age_to_years")),
        factor_se=("factor", interval_se(factors)),
    )
    parts.observed["annual_factor_oom"] = ("factor", np.log10(numbers(factors, "factor")))
