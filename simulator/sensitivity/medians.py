"""Quantiles of weighted draws, infinite ones among them, and the Monte Carlo error of a shift."""

import numpy as np

NEAR = 0.05  # of probability, either side of the median, over which its density is measured


def quantile(draws: np.ndarray, weights: np.ndarray | None, p: float) -> float:
    """The draw below or at which a share `p` of the weights lies; arrays (sample,).

    Without weights that of a run's summary, which interpolates where all draws are finite.
    """
    plain = weights is None and np.isfinite(draws).all()
    method = "linear" if plain else "inverted_cdf"
    return float(np.quantile(draws, p, method=method, weights=weights))


def moved(before: np.ndarray, median: float) -> float:
    """Where a median lies among other draws, as probability from their own: -0.5 to 0.5."""
    return float((before < median).mean() + (before == median).mean() / 2 - 0.5)


def shift_error(draws: np.ndarray, weights: np.ndarray, block: np.ndarray) -> float | None:
    """Monte Carlo error of the shift of the median of the same draws by weights (sample,).

    None where a median has no density that could be measured: infinite draws are near.
    """
    one, other = influence(draws, weights), influence(draws, None)
    return None if one is None or other is None else spread(one - other, block)


def spread(influence: np.ndarray, block: np.ndarray) -> float:
    """Standard error of what draws have this influence on; blocks feel autocorrelation."""
    sums = np.bincount(block, influence)
    return float(np.sqrt(sums.size * sums.var(ddof=1)))


def influence(draws: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
    """How far each draw moves the median; (sample,). None where infinite draws are near."""
    low, at, high = (quantile(draws, weights, p) for p in (0.5 - NEAR, 0.5, 0.5 + NEAR))
    if not np.isfinite([low, at, high]).all():
        return None
    share = 1 / draws.size if weights is None else weights
    return share * (0.5 - (draws <= at)) * (high - low) / (2 * NEAR)
