"""SIPmath 3.0, which spreadsheets read: each forecast a metalog, their dependence a copula."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simulator.exports import fit, metalog
from simulator.exports.item import Item, about, stamp
from simulator.faults import BadInput, Fault
from simulator.questions.distribution import Forecast

LESS = 1 - 1e-9


def write(items: Sequence[Item]) -> str:
    """One JSON library; BadInput with every forecast that no feasible metalog is near."""
    fits = {item.name: _fit(item) for item in items}
    faults = [found for found in fits.values() if isinstance(found, Fault)]
    if faults:
        raise BadInput(faults)
    joint = len(items) > 1
    streams: dict[str, Any] = {"rng": [_stream(item) for item in items]}
    shared = {}
    if joint:
        streams["copula"] = [_copula(items)]
        shared["globalVariables"] = [{"name": "correlationMatrix", "value": _correlations(items)}]
    said = about(items)
    library = {
        "name": f"simulator_{said.get('scenario', 'forecast')}",
        "objectType": "sipModel",
        "libraryType": "SIPmath_3_0",
        "dateCreated": str(said.get("created", ""))[:10],
        "provenance": stamp(items),
        "version": "1",
        **shared,
        "U01": streams,
        "sips": [_sip(item, joint, *fits[item.name]) for item in items],
    }
    return json.dumps(library, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _fit(item: Item) -> tuple[metalog.Metalog, fit.FitError, float | None] | Fault:
    """The nearest feasible metalog, its error, and its lower bound; or why there is none.

    Bounded below by zero, where every draw is above it, it is that of their natural logarithms.
    """
    found = []
    if item.forecast.askable.oom or (item.forecast.draws > 0).all():
        found += [(error, made, 0.0) for error, made in _feasible(item.forecast, log=True)]
    if not item.forecast.askable.oom:
        found += [(error, made, None) for error, made in _feasible(item.forecast, log=False)]
    rule = "no feasible metalog of 7 to 16 terms is near its draws"
    if found:
        error, made, low = min(found, key=lambda each: each[0].ks)
        if error.good:
            return made, error, low
        rule = f"its best metalog is too far from its draws: {error}"
    return Fault(item.question.id, "sip", rule, "use a format that takes the draws themselves")


def _feasible(forecast: Forecast, log: bool) -> Iterator[tuple[fit.FitError, metalog.Metalog]]:
    scale = fit.scale(forecast, log)
    values = scale.there(forecast.draws)
    if np.isfinite(values).all():
        tried = [metalog.fitted(values, terms) for terms in metalog.TERMS]
        if not any(made.feasible for made in tried):
            tried = [metalog.rising(values, terms) for terms in (9, 12)]
        yield from ((_error(forecast, made, scale), made) for made in tried if made.feasible)


def _error(forecast: Forecast, made: metalog.Metalog, scale: fit.Scale) -> fit.FitError:
    return fit.error(
        forecast,
        lambda kept: made.cdf(scale.there(kept)),
        lambda p: scale.back(made.quantile(p)),
    )


def _stream(item: Item) -> dict[str, Any]:
    """A random stream of the forecast's own, so that libraries used side by side share none."""
    named = f"{item.forecast.provenance.get('run')} {item.name}"
    variable = int.from_bytes(hashlib.sha256(named.encode()).digest()[:8]) % 10**7 + 1
    seeds = {"entity": 1, "varId": variable, "seed3": 0, "seed4": 0}
    return {
        "name": f"rng_{item.name}",
        "function": "HDR_2_0",
        "arguments": {"counter": "PM_Index", **seeds},
    }


def _copula(items: Sequence[Item]) -> dict[str, Any]:
    return {
        "name": "Gaussian",
        "function": "GaussianCopula",
        "arguments": {
            "correlationMatrix": {"type": "globalVariables", "value": "correlationMatrix"},
            "rng": [f"rng_{item.name}" for item in items],
        },
        "copulaLayer": [f"layer_{item.name}" for item in items],
    }


def _correlations(items: Sequence[Item]) -> dict[str, Any]:
    """The correlations of normal scores, by pairs: with them the copula keeps rank dependence.

    Those of one are a hair less, so that readers can factorise the matrix of equal forecasts.
    """
    from scipy.stats import norm, rankdata

    names = [item.name for item in items]
    scores = [norm.ppf((rankdata(i.forecast.draws.ravel()) - 0.5) / i.forecast.size) for i in items]
    found = np.atleast_2d(np.corrcoef(scores))
    matrix = [
        {"row": names[i], "col": names[j], "value": 1.0 if i == j else LESS * float(found[i, j])}
        for j in range(len(names))
        for i in range(j, len(names))
    ]
    return {"columns": names, "rows": names, "matrix": matrix}


def _sip(
    item: Item, joint: bool, made: metalog.Metalog, error: fit.FitError, low: float | None
) -> dict[str, Any]:
    bound = {} if low is None else {"lowerBound": low}
    rng = {"source": "rng", "name": f"rng_{item.name}"}
    layer = {"source": "copula", "name": "Gaussian", "copulaLayer": f"layer_{item.name}"}
    p05, p50, p95 = np.atleast_1d(item.forecast.quantile([0.05, 0.5, 0.95])).tolist()
    return {
        "name": item.name,
        "ref": layer if joint else rng,
        "function": "Metalog_1_0",
        "arguments": {**bound, "aCoefficients": made.coefficients.tolist()},
        "metadata": {
            "text": item.question.text,
            "unit": item.forecast.unit,
            "P05": p05,
            "P50": p50,
            "P95": p95,
            "fit": error._asdict(),
        },
    }
