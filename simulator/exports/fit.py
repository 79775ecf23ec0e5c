"""How far a fitted form is from the draws that it stands for."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from simulator.questions.distribution import Forecast

WORST_KS = 0.05
LN10, TINY = math.log(10), 1e-300
LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)  # at which quantiles are compared


class FitError(NamedTuple):
    """`ks`: the largest difference of two cumulative probabilities. `quantile`: the largest
    difference of two quantiles (1% to 99%) as kept, in OOM where `kept_as` says log10."""

    ks: float
    quantile: float
    level: float
    kept_as: str

    @property
    def good(self) -> bool:
        """Whether the fit may be handed out."""
        return self.ks <= WORST_KS

    def __str__(self) -> str:
        return (
            f"KS distance {self.ks:.3f}, worst quantile error {self.quantile:.3g} "
            f"({self.kept_as}) at {100 * self.level:g}%"
        )


class Scale(NamedTuple):
    """Where a form is fitted: values in their unit or their natural logarithms, `there` from what
    is kept and `back` to it."""

    there: Callable[[Any], np.ndarray]
    back: Callable[[Any], np.ndarray]


def scale(forecast: Forecast, log: bool) -> Scale:
    """The values of a forecast, or their natural logarithms."""
    if forecast.askable.oom and log:
        return Scale(lambda kept: LN10 * np.asarray(kept), lambda x: np.asarray(x) / LN10)
    if forecast.askable.oom:
        return Scale(forecast.outside, lambda x: np.log10(np.maximum(x, TINY)))
    if log:
        return Scale(lambda kept: np.log(np.maximum(kept, TINY)), np.exp)
    return Scale(np.asarray, np.asarray)


def error(
    forecast: Forecast, cdf: Callable[[np.ndarray], Any], quantile: Callable[[np.ndarray], Any]
) -> FitError:
    """The error of a fit to the draws of a finite forecast; `cdf` and `quantile` are as kept."""
    values, counts = np.unique(forecast.draws, return_counts=True)
    above = np.cumsum(counts) / forecast.size
    fitted = np.asarray(cdf(values))
    ks = max(abs(fitted - above).max(), abs(fitted - (above - counts / forecast.size)).max())
    levels = np.array(LEVELS)
    off = abs(np.asarray(quantile(levels)) - np.quantile(forecast.draws, levels))
    worst = int(np.argmax(off))
    unit = forecast.unit
    kept_as = f"log10 of {unit}" if forecast.askable.oom else unit
    return FitError(float(ks), float(off[worst]), LEVELS[worst], kept_as)
