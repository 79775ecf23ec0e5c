"""How far a question reaches beyond what was observed, in words."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from simulator.columns import Row
from simulator.dates import decimal_year
from simulator.evidence import Evidence
from simulator.questions.distribution import Forecast
from simulator.questions.question import Question
from simulator.questions.source import Mixed, Source
from simulator.schema import Task
from simulator.units import significant

FEW_OOM, FEW_YEARS = 0.05, 0.05  # what is too little to speak of


def beyond(at: Source | Mixed, asked: Question, forecast: Forecast) -> list[str]:
    """What in the question lies beyond the evidence of its run; empty where nothing does."""
    said = [each for source in at.sources for each in _of(source, asked, forecast)]
    return list(dict.fromkeys(said))


def _of(source: Source, asked: Question, forecast: Forecast) -> list[str]:
    found = source.scenario.evidence
    if not found.size:
        return ["nothing was observed: this is belief alone"]
    return [*_compute(found, forecast), *_time(source, found, asked, forecast.coords)]


def _compute(found: Evidence, forecast: Forecast) -> Iterator[str]:
    """Factors of compute against the widest range over which any one curve was measured."""
    asked = forecast.coords.get("inference_factor")
    if asked is None:
        return
    if (further := math.log10(asked) - _span(found, "inference")) > FEW_OOM:
        yield f"{significant(10**further, 2)}x past the widest range of inference compute observed"
    if forecast.quantity != "required_rl_multiplier":
        return
    middle = float(np.median(forecast.draws))
    if not math.isfinite(middle):
        yield "no RL curve was observed to reach this far"
    elif (further := middle - _span(found, "rl")) > FEW_OOM:
        yield (
            f"its median is {significant(10**further, 2)}x past the widest range of RL compute "
            "observed"
        )


def _span(found: Evidence, kind: str) -> float:
    """The widest range of compute, in OOM, of any curve of this kind; 0 where there is none."""
    points: dict[str, list[float]] = {}
    for row in found.rows("response_points"):
        if row["kind"] == kind:
            points.setdefault(row["curve"], []).append(math.log10(row["compute"]))
    spans = [max(xs) - min(xs) for xs in points.values()]
    slopes = [r["span_oom"] for r in found.rows("response_slopes") if r["kind"] == kind]
    return max((*spans, *(s for s in slopes if s)), default=0.0)


def _time(
    source: Source, found: Evidence, asked: Question, coords: Mapping[str, Any]
) -> Iterator[str]:
    """Dates against the end of observation, ages against the oldest level that was observed."""
    records = found.rows("cost_records")
    task = source.scenario.tasks.get(coords.get("task", ""))
    year = _year(asked, coords, task)
    if year is None or not records:
        return
    end = max(row["observed_until"] or row["date"] for row in records)
    if (years := year - decimal_year(end)) > FEW_YEARS:
        yield f"{significant(years, 2)} years past the end of observation, {end}"
    if task is None:
        return
    if (years := year - decimal_year(task.debut) - _oldest(records)) > FEW_YEARS:
        yield f"{significant(years, 2)} years older than any level that was observed"
    if not any(task.resembles in (row["series"], row["benchmark"]) for row in records):
        yield "no cost of such a task was observed"


def _year(asked: Question, coords: Mapping[str, Any], task: Task | None) -> float | None:
    """The moment that a question is about, as a decimal year; None where it is about none."""
    if "date" in coords:
        return decimal_year(coords["date"])
    match asked.askable.unit, asked.at:
        case "year", float(at):
            return at
        case "years", float(at) if task:
            return decimal_year(task.debut) + at
    return None


def _oldest(records: Sequence[Row]) -> float:
    """Years over which the level observed longest was observed."""
    firsts: dict[str, dt.date] = {}
    lasts: dict[str, dt.date] = {}
    for row in records:
        name, until = row["series"], row["observed_until"] or row["date"]
        firsts[name] = min(firsts.get(name, row["date"]), row["date"])
        lasts[name] = max(lasts.get(name, until), until)
    return max(decimal_year(lasts[name]) - decimal_year(firsts[name]) for name in firsts)
