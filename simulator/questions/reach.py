"""How far a question reaches beyond what was observed, in words."""

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np

from simulator.dates import decimal_year
from simulator.evidence import Evidence
from simulator.questions.askable import ASKABLE, USUAL
from simulator.questions.distribution import Forecast
from simulator.questions.question import Question
from simulator.questions.source import Mixed, Source
from simulator.units import show, significant

FEW_OOM, FEW_YEARS = 0.05, 0.05  # what is too little to speak of


def beyond(at: Source | Mixed, asked: Question, forecast: Forecast) -> list[str]:
    """What in the question lies beyond the evidence of its run; empty where nothing does."""
    said = [each for source in at.sources for each in _of(source, asked, forecast)]
    return list(dict.fromkeys(said))


def _of(source: Source, asked: Question, forecast: Forecast) -> list[str]:
    found = source.scenario.evidence
    if not found.size:
        return ["nothing was observed: this is belief alone"]
    return [*_compute(source, found, forecast), *_time(source, found, asked, forecast)]


def _compute(source: Source, found: Evidence, forecast: Forecast) -> Iterator[str]:
    """Factors of compute against the widest range over which any one curve was measured."""
    asked = forecast.coords.get("inference_factor")
    if asked is None:
        return
    if (further := math.log10(asked) - _span(found, "inference")) > FEW_OOM:
        yield f"{show(further, 'OOM')} past the widest range of inference compute observed"
    if forecast.quantity == "required_rl_multiplier":
        whose, middle = "its median", float(np.median(forecast.draws))
    elif forecast.quantity == "break_even_uses":
        whose, middle = "the median of its RL multiplier", _multiplier(source, forecast)
    else:
        return
    if not math.isfinite(middle):
        yield "no RL curve was observed to reach this far"
    elif (further := middle - _span(found, "rl")) > FEW_OOM:
        yield (f"{whose} is {show(further, 'OOM')} past the widest range of RL compute observed")


def _multiplier(source: Source, forecast: Forecast) -> float:
    """The median multiplier, in OOM, of which break-even uses are made."""
    about = {name: forecast.coords[name] for name in ("inference_factor", "algorithm")}
    asked = ASKABLE["required_rl_multiplier"]
    return float(np.median(source.values(asked, {**about, "benchmark": USUAL["benchmark"]})))


def _span(found: Evidence, kind: str) -> float:
    """The widest range of compute, in OOM, of any curve of this kind; 0 where there is none."""
    points: dict[str, list[float]] = {}
    for row in found.rows("response_points"):
        if row["kind"] == kind:
            points.setdefault(row["curve"], []).append(math.log10(row["compute"]))
    spans = [max(xs) - min(xs) for xs in points.values()]
    slopes = [r["span_oom"] for r in found.rows("response_slopes") if r["kind"] == kind]
    return max((*spans, *(s for s in slopes if s)), default=0.0)


def _time(source: Source, found: Evidence, asked: Question, forecast: Forecast) -> Iterator[str]:
    """Dates against the end of observation, ages against the oldest level that was observed."""
    records = found.rows("cost_records")
    task = source.scenario.tasks.get(forecast.coords.get("task", ""))
    since = task.debut if task else source.scenario.forecast.today
    year = _year(asked, forecast, since)
    if not records:
        return
    if (years := forecast.coords.get("age", 0.0) - _oldest(found)) > FEW_YEARS:
        yield f"{significant(years, 2)} years older than any level that was observed"
    if year is None:
        return
    whose = "" if "date" in forecast.coords or asked.at is not None else "its median is "
    end = max(row["observed_until"] or row["date"] for row in records)
    if not math.isfinite(year):
        yield f"its median lies past the horizon, {source.scenario.forecast.horizon}"
    elif (years := year - decimal_year(end)) > FEW_YEARS:
        yield f"{whose}{significant(years, 2)} years past the end of observation, {end}"
    if task is None:
        return
    if math.inf > (years := year - decimal_year(task.debut) - _oldest(found)) > FEW_YEARS:
        yield f"{whose}{significant(years, 2)} years older than any level that was observed"
    if not any(task.resembles in (row["series"], row["benchmark"]) for row in records):
        yield "no cost of such a task was observed"


def _year(asked: Question, forecast: Forecast, since: dt.date) -> float | None:
    """The moment that a question is about, as a decimal year; None where it is about none.

    Without a date or a threshold it is the median of when; years count from `since`.
    """
    if "date" in forecast.coords:
        return decimal_year(forecast.coords["date"])
    if forecast.unit not in ("year", "years") or not forecast.coords:
        return None
    at = float(np.median(forecast.draws)) if asked.at is None else asked.at
    return at if forecast.unit == "year" else decimal_year(since) + at


def _oldest(found: Evidence) -> float:
    """Years over which the level observed longest was observed, by records or by a factor."""
    firsts: dict[str, dt.date] = {}
    lasts: dict[str, dt.date] = {}
    for row in found.rows("cost_records"):
        name, until = row["series"], row["observed_until"] or row["date"]
        firsts[name] = min(firsts.get(name, row["date"]), row["date"])
        lasts[name] = max(lasts.get(name, until), until)
    spans = [decimal_year(lasts[name]) - decimal_year(firsts[name]) for name in firsts]
    return max((*spans, *(row["age_to_years"] for row in found.rows("annual_factors"))))
