"""Metaculus: a cumulative distribution on its 201 points, or the probability of a yes.

The rules are those of its server: every step at least 0.01/200 and at most 0.2; 0 and 1 exactly at
closed ends, 0.001 and more beyond open ones; a probability of yes from 0.001 to 0.999.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simulator.exports.item import Item, about, stamp
from simulator.faults import BadInput, Fault
from simulator.questions import answer
from simulator.questions.distribution import TINY, Forecast
from simulator.questions.question import Question, Range
from simulator.units import significant

STEPS = 200
FINE = 20  # places in a step
OPEN = 0.001  # at the least beyond an open end, and of a yes or a no
EVEN = 0.0104  # spread evenly: above the rule's 0.01, which its clients do not round
CAP = 0.2 - 1e-6
BEYOND = 0.01  # at the most beyond a closed end, where the question says nothing can be


def check(questions: Sequence[Question]) -> Iterator[Fault]:
    """A distribution needs a range."""
    for question in questions:
        if question.at is None and question.range is None:
            fix = "add it to the question, or --low and --high"
            yield Fault(question.id, "range", "is missing: metaculus needs one", fix)


def write(items: Sequence[Item]) -> str:
    """One JSON object; the three fields that the server takes are among those of each forecast."""
    faults = [fault for item in items for fault in _beyond(item)]
    if faults:
        raise BadInput(faults)
    found = {
        "for": "https://www.metaculus.com/api/questions/forecast/",
        "from": stamp(items),
        "about": about(items),
        "forecasts": [_yes(item) if item.question.at is not None else _cdf(item) for item in items],
    }
    return json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _yes(item: Item) -> dict[str, Any]:
    probability = answer.probability(item.question, item.forecast)["probability"]
    return _entry(item, probability_yes=min(max(probability, OPEN), 1 - OPEN))


def _cdf(item: Item) -> dict[str, Any]:
    found = item.question.range
    assert found is not None  # check has seen to it
    cdf = standardised(shares(item.forecast, found), found)
    return _entry(item, continuous_cdf=cdf.tolist()) | {
        "range": found.model_dump() | {"zero_point": zero_point(found)},
        "unit": item.forecast.unit,
        "error": error(item.forecast, cdf, found),
    }


def _entry(item: Item, **given: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("probability_yes", "probability_yes_per_category", "continuous_cdf"))
    return {"id": item.question.id, "text": item.question.text, "question": None, **empty, **given}


def _beyond(item: Item) -> Iterator[Fault]:
    """Faults of a forecast that reaches past a closed end of its range."""
    found, forecast = item.question.range, item.forecast
    if item.question.at is not None or found is None:
        return
    ends = {
        "low": (not found.open_low, float(shares(forecast, found)[0])),
        "high": (not found.open_high, forecast.sf(found.high)),
    }
    for end, (closed, share) in ends.items():
        if closed and share > BEYOND:
            rule = (
                f"{significant(100 * share, 2)}% of the forecast lies beyond it, and it is closed"
            )
            fix = f"move it, or leave it open (open_{end} = true, no --closed-{end})"
            yield Fault(item.question.id, f"range.{end}", rule, fix)


def zero_point(found: Range) -> float | None:
    """Zero point of a log scale; None of a linear one."""
    return (found.zero_point or 0.0) if found.scale == "log" else None


def locations(found: Range) -> np.ndarray:
    """The values at the 201 points, in the unit of the question."""
    at = np.linspace(0, 1, STEPS + 1)
    zero = zero_point(found)
    if zero is None:
        return found.low + (found.high - found.low) * at
    return zero + (found.low - zero) * ((found.high - zero) / (found.low - zero)) ** at


def shares(forecast: Forecast, found: Range) -> np.ndarray:
    """The cumulative probabilities of a forecast at the 201 points: at the first, of less."""
    cdf = np.array(forecast.cdf(locations(found)), dtype=float)
    cdf[0] = (forecast.draws < forecast.inside(found.low) - TINY).mean()
    return cdf


def standardised(cdf: np.ndarray, found: Range) -> np.ndarray:
    """The distribution nearest to one on the 201 points that the server takes."""
    cdf = np.array(cdf, dtype=float)
    cdf[0] *= found.open_low
    cdf[-1] = cdf[-1] if found.open_high else 1.0
    even = EVEN * np.linspace(0, 1, STEPS + 1) + OPEN * found.open_low
    kept = cdf * (1 - EVEN - OPEN * (found.open_low + found.open_high))
    return np.round(capped(kept, CAP - EVEN / STEPS) + even, 10)


def capped(cdf: np.ndarray, cap: float) -> np.ndarray:
    """The cumulative probabilities whose steps are at most `cap`, mass moved as little as can be.

    Least squares over where each share of the mass lies: what is too dense is spread around its
    place, by isotonic regression of place less the room that the mass below needs.
    """
    from scipy.optimize import isotonic_regression

    steps = np.arange(cdf.size)
    if np.diff(cdf).max() <= cap:
        return cdf
    place = np.linspace(0, steps[-1], FINE * steps[-1] + 1)
    mass = np.interp(place, steps, cdf)
    room = place - mass / cap
    apart = isotonic_regression(room, weights=np.gradient(mass) + 1e-12).x
    ends = -mass[0] / cap, steps[-1] - mass[-1] / cap
    return np.interp(steps, np.clip(apart, *ends) + mass / cap, mass)


def error(forecast: Forecast, cdf: np.ndarray, found: Range) -> dict[str, Any]:
    """How far the 201 points, read with straight lines between them, are from the draws in range.

    `probability`: the largest difference of cumulative probabilities. `quantile`: the largest
    difference of a quantile from 5% to 95%, as a share of the width of the range on its scale.
    """
    at, points = np.linspace(0, 1, STEPS + 1), _at(locations(found), found)
    values, counts = np.unique(_at(forecast.outside(forecast.draws), found), return_counts=True)
    above = np.cumsum(counts) / forecast.size
    read = np.interp(values, points, cdf)
    inside = (values >= 0) & (values <= 1)
    off = np.maximum(abs(read - above), abs(read - (above - counts / forecast.size)))
    worst = max(off[inside].max(initial=0.0), abs(cdf - shares(forecast, found)).max())
    levels = np.linspace(0.05, 0.95, 19)
    true = np.clip(_at(np.atleast_1d(forecast.quantile(levels)), found), 0, 1)
    given = np.clip(np.interp(levels, cdf, at), 0, 1)
    narrow = "narrower than the platform takes: at most 0.2 a step of its range"
    return {
        "probability": round(float(worst), 6),
        "quantile": round(float(abs(given - true).max()), 6),
        **({"why": narrow} if np.diff(cdf).max() > CAP - 1e-5 else {}),
    }


def _at(values: np.ndarray, found: Range) -> np.ndarray:
    """Where values are on the scale of a range: 0 at its low end, 1 at its high end."""
    zero = zero_point(found)
    if zero is None:
        return (values - found.low) / (found.high - found.low)
    with np.errstate(divide="ignore"):
        width = np.log((found.high - zero) / (found.low - zero))
        return np.log(np.maximum(values - zero, 0) / (found.low - zero)) / width
