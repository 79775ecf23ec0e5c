"""How good a forecast was: proper scores, coverage and their errors, for ensembles with atoms.

A forecast is an ensemble of draws. It may put a lump of probability on one value (a price that does
not move), so that an outcome can tie with many draws at once: what equals the outcome to within TIE
counts in part on either side, and no score depends on how such ties happen to be broken.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

TIE = 1e-9  # values closer than this are the same value; arithmetic on draws leaves 1e-15
BIN = 0.1  # width of the bins of the log score, in the forecast's unit
LIMIT = 8.0  # units from the origin beyond which the CRPS tells no values apart
SPAN, SPREAD = 4.0, 0.01  # smoothing: a hundredth of each forecast lies evenly over this many units
LEVELS = (50, 80, 90)  # percent of the probability in a central interval

type Ends = tuple[float, float]


class Mean(NamedTuple):
    """A mean of scores and its standard error; NaN where one cluster alone tells nothing."""

    mean: float
    se: float


def crps(draws: np.ndarray, outcome: float, origin: float = 0.0, limit: float = LIMIT) -> float:
    """Continuous ranked probability score in the unit of the forecast; of a point, its error.

    Beyond `limit` of `origin` all values are one: the score stays proper, and exists where a
    forecast has no mean.
    """
    from scoringrules import crps_ensemble  # loads Numba, which takes a second

    ends = origin - limit, origin + limit
    near, came = np.clip(draws.ravel(), *ends), np.clip(np.float64(outcome), *ends)
    return float(crps_ensemble(came, near, backend="numpy"))


def interval_score(draws: np.ndarray, outcome: float) -> float:
    """Weighted interval score of the median and the central intervals of LEVELS; finite draws.

    Twice the mean quantile score of their ends: scoringrules 0.11 adds the median itself, not its
    distance from the outcome, in `weighted_interval_score` without Numba.
    """
    from scoringrules import quantile_score

    tails = [(1 - level / 100) / 2 for level in LEVELS]
    levels = np.array([0.5, *tails, *(1 - tail for tail in tails)])
    found = quantile_score(outcome, np.quantile(draws, levels), levels, backend="numpy")
    return float(2 * np.mean(found))


def brier(probability: float, outcome: float) -> float:
    """Brier score of a probability; the outcome is 1 or 0."""
    from scoringrules import brier_score

    return float(brier_score(outcome, probability, backend="numpy"))


def log_score(draws: np.ndarray, outcome: float, origin: float = 0.0) -> float:
    """Log of the probability given to the outcome's bin; the larger the better.

    Bins are BIN wide and one is centred on `origin`, so that a lump there lies in a single bin.
    SPREAD of the forecast lies evenly over SPAN, so that no outcome costs infinitely much.
    """
    place = np.floor((outcome - origin) / BIN + 0.5)
    share = float(np.mean(np.floor((draws - origin) / BIN + 0.5) == place))
    return float(np.log((1 - SPREAD) * share + SPREAD * BIN / SPAN))


def pit_ends(draws: np.ndarray, outcome: float) -> Ends:
    """Probability below the outcome, and at or below it: apart only where the outcome is tied."""
    below = float(np.mean(draws < outcome - TIE))
    return below, below + float(np.mean(np.abs(draws - outcome) <= TIE))


def covered(ends: Ends, level: int) -> float:
    """Whether the central interval of `level` percent holds the outcome; of a tie, what share.

    So a right forecast covers `level` percent on average, whatever lumps it has.
    """
    low, high = ends
    tail = (1 - level / 100) / 2
    if high <= low:
        return float(tail <= low <= 1 - tail)
    inside = min(high, 1 - tail) - max(low, tail)
    return max(inside, 0.0) / (high - low)


def pit(ends: Ends, uniform: float) -> float:
    """Probability integral transform, a tie broken by a uniform number: uniform if all is right."""
    return ends[0] + uniform * (ends[1] - ends[0])


def clustered(values: Sequence[float], clusters: Sequence[Hashable]) -> Mean:
    """Mean with the standard error of independent clusters, whatever happens inside of them.

    The sandwich estimate with its G/(G-1): sums of deviations by cluster, squared. With a handful
    of clusters it is itself rough.
    """
    x = np.asarray(values, dtype="float64")
    labels = list(dict.fromkeys(clusters))
    group = np.array([labels.index(c) for c in clusters])
    mean = float(x.mean())
    if len(labels) < 2:
        return Mean(mean, float("nan"))
    sums = np.bincount(group, x - mean, len(labels))
    count = len(labels)
    return Mean(mean, float(np.sqrt(count / (count - 1) * np.square(sums).sum()) / len(x)))
