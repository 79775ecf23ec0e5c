"""SciPy: a forecast as JSON, which `Forecast.from_json` reads whole and three lines as a SciPy
distribution. Those lines are in the file, under `scipy`."""

import json
from collections.abc import Sequence

import numpy as np

from simulator.exports import fit
from simulator.exports.item import Item, about, stamp
from simulator.exports.joint import probabilities, values
from simulator.questions.distribution import Forecast

LINES = (
    "import json, numpy as np, pathlib, scipy.stats",
    "found = json.loads(pathlib.Path(path).read_text('utf-8'))",
    "dist = scipy.stats.rv_histogram("
    "(found['masses'] / np.diff(found['edges']), np.array(found['edges'])), density=True)",
)


def write(items: Sequence[Item]) -> str:
    """One forecast: all of `Forecast.to_json`, and a histogram of its finite draws with its error.

    Infinite draws have the probability `prob_infinite`, which the histogram leaves out.
    """
    values(items)
    (item,) = items
    found = {"stamp": stamp(items), "about": about(items), "question": item.question.text}
    if item.question.threshold is not None:
        found |= {"threshold": item.question.at, "direction": item.question.direction}
        found["answer"] = probabilities(items)[item.name]
    found |= item.forecast.to_json()
    found["prob_infinite"] = item.forecast.prob_infinite
    if item.forecast.prob_infinite < 1:
        finite = item.forecast.given_finite() if item.forecast.prob_infinite else item.forecast
        edges, masses = finite.bins()
        found |= {"edges": edges.tolist(), "masses": masses.tolist(), "scipy": list(LINES)}
        found["error"] = str(_error(finite))
    body = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found.items())
    return f"{{{body}}}\n"


def _error(finite: Forecast) -> fit.FitError:
    """Of the histogram, which unlike a smooth fit has a bin of its own for draws that are equal."""
    found = finite.to_scipy()
    values = np.sort(finite.sample())
    ks = abs(found.cdf(values) - np.searchsorted(values, values, side="right") / values.size).max()

    def quantile(p: np.ndarray) -> list[float]:
        return [finite.inside(x) for x in found.ppf(p).tolist()]

    kept = fit.error(finite, lambda x: found.cdf(finite.outside(x)), quantile)
    return kept._replace(ks=float(ks))
