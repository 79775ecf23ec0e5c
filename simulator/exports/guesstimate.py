"""Guesstimate: for each forecast a column of samples to paste, and a 90% interval where it fits.

A pasted column holds at most 5,000 samples. An interval above zero is read as lognormal, another as
normal; it is left out where that is too far from the draws, and README.txt says so.
"""

from collections.abc import Sequence

import numpy as np

from simulator.exports import fit
from simulator.exports.item import Item, line, stamp

MOST = 5_000
Z95 = 1.645  # as Guesstimate rounds it


def write(items: Sequence[Item]) -> dict[str, bytes]:
    """The files of a folder: README.txt, and per forecast its samples and its interval."""
    said, files = [stamp(items), ""], {}
    for item in items:
        values = item.forecast.sample(MOST if item.forecast.size > MOST else None)
        files[f"{item.name}_samples.csv"] = "".join(f"{_decimal(v)}\n" for v in values.tolist())
        error = _error(item)
        said += [f"{item.name}: {line(item.question.text)} ({item.forecast.unit})"]
        if error is None or not error.good:
            why = "its ends are one value" if error is None else str(error)
            said += [f"  no interval, paste the samples: {why}"]
        else:
            low, high = item.forecast.interval(0.9)
            files[f"{item.name}_interval.txt"] = f"[{_decimal(low)}, {_decimal(high)}]\n"
            said += [f"  the interval as {_shape(low)}: {error}"]
    files["README.txt"] = "".join(f"{text}\n" for text in said)
    return {name: text.encode() for name, text in files.items()}


def _shape(low: float) -> str:
    return "lognormal" if low > 0 else "normal"


def _error(item: Item) -> fit.FitError | None:
    """How far what Guesstimate makes of the interval is from the draws; None where it is no
    interval."""
    from scipy.stats import norm

    forecast = item.forecast
    low, high = forecast.interval(0.9)
    if not low < high:
        return None
    log = low > 0
    a, b = np.log([low, high]) if log else (low, high)
    made = norm((a + b) / 2, (b - a) / (2 * Z95))
    there, back = fit.scale(forecast, log)
    return fit.error(forecast, lambda kept: made.cdf(there(kept)), lambda p: back(made.ppf(p)))


def _decimal(value: float) -> str:
    """A number without an exponent, which intervals do not take."""
    return np.format_float_positional(value, precision=8, fractional=False, trim="-")
