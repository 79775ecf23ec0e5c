"""Fitted forms in place of draws: normal, lognormal or metalog, where one is near enough."""

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from simulator.exports import fit, metalog
from simulator.questions.distribution import Forecast

TERMS = range(5, 11)  # of a metalog; the fewest that do


class Form(NamedTuple):
    """A family with its numbers: mean and standard deviation of the value (normal) or of its
    natural logarithm (lognormal), or the coefficients of a metalog of what is kept."""

    family: Literal["normal", "lognormal", "metalog"]
    numbers: tuple[float, ...]
    error: fit.FitError


def fitted(forecast: Forecast) -> Form | str:
    """The first of them that is good by its KS distance, or why there is none."""
    if not np.isfinite(forecast.draws).all():
        return f"infinite in {100 * forecast.prob_infinite:.2g}% of draws"
    if np.ptp(forecast.draws) == 0:
        return "all draws are equal"
    best = None
    for form in _forms(forecast):
        if form.error.good:
            return form
        best = form if best is None else min(best, form, key=lambda each: each.error.ks)
    assert best is not None
    return f"the best, {best.family}, is bad: {best.error}"


def _forms(forecast: Forecast) -> Iterator[Form]:
    from scipy.stats import lognorm, norm

    kept, oom = forecast.draws, forecast.askable.oom
    mean, sd = float(kept.mean()), float(kept.std())
    normal = norm(mean, sd)
    error = fit.error(forecast, normal.cdf, normal.ppf)
    if oom:
        yield Form("lognormal", (math.log(10) * mean, math.log(10) * sd), error)
    else:
        yield Form("normal", (mean, sd), error)
    if not oom and kept.min() > 0:
        mean, sd = float(np.log(kept).mean()), float(np.log(kept).std())
        lognormal = lognorm(sd, scale=math.exp(mean))
        error = fit.error(forecast, lognormal.cdf, lognormal.ppf)
        yield Form("lognormal", (mean, sd), error)
    for terms in TERMS:
        found = metalog.fitted(kept, terms)
        if found.feasible:
            error = fit.error(forecast, found.cdf, found.quantile)
            yield Form("metalog", tuple(found.coefficients.tolist()), error)


def formula(form: Form, power: str, oom: bool) -> str:
    """A metalog as source, of `logit` and of `m`, probability less a half."""
    terms = []
    for k, number in enumerate(form.numbers, start=1):
        order = {1: 0, 2: 0, 3: 1, 4: 1}.get(k, (k - 1) // 2)
        logit = k in (2, 3) or (k > 4 and k % 2 == 0)
        middle = f" * m {power} {order}" if order > 1 else " * m" * order
        terms.append(f"({number:.10g}){middle}{' * logit' * logit}")
    kept = " + ".join(terms)
    return f"10 {power} ({kept})" if oom else kept
