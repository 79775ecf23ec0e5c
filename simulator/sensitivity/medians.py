"""Quantiles of weighted draws, infinite ones among them, and the Monte Carlo error of a shift."""

import numpy as np

NEAR = 0.05  # of probability, either side of the median, over which its density is measured


def quantile(draws: np.ndarray, weights: np.ndarray | None, p: float) -> float:
    """The smallest draw below or at which a share `p` of the weights lies; arrays (sample,)."""
    return float(np.quantile(draws, p, method="inverted_cdf", weights=weights))


def moved(before: np.ndarray, median: float) -> float:
    """Where a median lies among other draws, as probability from their own: -0.5 to 0.5."""
    return float((before < median).mean() + (before == median).mean() / 2 - 0.5)


def shift_error(draws: np.ndarray, weights: np.ndarray, block: np.ndarray) -> float | None:
    """Monte Carlo error of the shift of the median of the same draws by weights (sample,).

    By the influence of each draw on both medians, summed in blocks, which feels autocorrelation.
    None where a median has no density that could be measured: infinite draws are near.
    """
    plain = np.full(draws.size, 1 / draws.size)
    one, other = _influence(draws, weights), _influence(draws, plain)
    if one is None or other is None:
        return None
    sums = np.bincount(block, one - other)
    return float(np.sqrt(sums.size * sums.var(ddof=1)))


def _influence(draws: np.ndarray, weights: np.ndarray) -> np.ndarray | None:
    low, at, high = (quantile(draws, weights, p) for p in (0.5 - NEAR, 0.5, 0.5 + NEAR))
    if not np.isfinite([low, at, high]).all():
        return None
    return weights * (0.5 - (draws <= at)) * (high - low) / (2 * NEAR)
