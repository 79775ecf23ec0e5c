"""Draws as shapes: central bands and densities, in which infinite draws are never lost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator import units
from simulator.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 96  # of a density; more make a larger file and no other picture


class Band(NamedTuple):
    """A central interval: its mass in percent, and its ends."""

    mass: int
    low: np.ndarray
    high: np.ndarray


class Density(NamedTuple):
    """A density between two ends, with the mass that it leaves below, above and at infinity.

    Areas are shares of all draws: the finite ones beyond the ends and the infinite ones are missing
    from it. Where all draws are equal there is no density, and `x` is that one value.
    """

    x: np.ndarray
    y: np.ndarray
    below: float
    above: float
    infinite: float

    @property
    def left_out(self) -> float:
        """The share of draws beyond the ends that are finite."""
        return self.below + self.above


def quantile(draws: Any, p: Any) -> np.ndarray:
    """Quantiles over the first dimension; infinite draws are larger than any number."""
    draws = np.asarray(draws, float)
    if np.isfinite(draws).all():
        return np.quantile(draws, p, axis=0)
    # Between an infinite draw and a finite one there is nothing to interpolate; column by column,
    # as a summary does it.
    flat = draws.reshape(len(draws), -1)
    found = [
        np.quantile(c, p, method="linear" if np.isfinite(c).all() else "inverted_cdf")
        for c in flat.T
    ]
    return np.stack(found, axis=-1).reshape(np.shape(p) + draws.shape[1:])


def bands(draws: Any, masses: Sequence[int] = tuple(style.MASSES)) -> list[Band]:
    """Central bands of draws of shape (draw, ...), widest first."""
    masses = sorted(masses, reverse=True)
    ends = quantile(draws, [(100 + side * m) / 200 for m in masses for side in (-1, 1)])
    return [Band(*band) for band in zip(masses, ends[::2], ends[1::2], strict=True)]


def density(draws: np.ndarray, low: float, high: float, points: int = POINTS) -> Density:
    """The density of flat draws between two ends."""
    from arviz_stats.base import array_stats

    draws = np.ravel(draws)
    inside = draws[(draws >= low) & (draws <= high)]
    rest = (
        float((draws < low).mean()),
        float(((draws > high) & np.isfinite(draws)).mean()),
        float(np.isinf(draws).mean()),
    )
    if inside.size < 2 or np.ptp(inside) < 1e-12:
        return Density(inside[:1], np.zeros(0), *rest)
    # A hard end of the draws, as of a share, stays one.
    ends = max(low, inside.min()), min(high, inside.max())
    x, y, _ = array_stats.kde(inside, custom_lims=ends, grid_len=512)
    grid = np.linspace(*ends, points)
    return Density(grid, np.interp(grid, x, y) * inside.size / draws.size, *rest)


def fill_bands(axes: "Axes", x: Any, found: Sequence[Band], colour: str, name: str = "",
               step: Any = None) -> None:  # fmt: skip
    """Bands over x, darker where narrower; values in the unit of the axis."""
    for band in found:
        # Opaque tints: a band has the colour that the legend gives it, whatever lies under it.
        drawn = axes.fill_between(
            x,
            band.low,
            band.high,
            color=style.tint(colour, style.MASSES[band.mass]),
            lw=0,
            step=step,
        )
        drawn.set_gid(f"band-{band.mass}")
        drawn.set_label(f"{name}{band.mass}%")


def flat(variable: Any) -> np.ndarray:
    """Draws of a variable with dims chain and draw, one after another: (draw, ...)."""
    values = variable.transpose("chain", "draw", ...).values
    return values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])


def said(value: float, unit: str) -> str:
    """A quantile with its unit, in a sentence; one that is infinite in its word for that."""
    return units.show(float(value) if np.isfinite(value) else None, unit).strip()


def span(
    draws: Sequence[np.ndarray],
    ends: tuple[float, float] = (0.005, 0.995),
    marks: Sequence[float] = (),
) -> tuple[float, float]:
    """From one quantile of some draws to another, with some marks; finite, and never equal."""
    finite = [d[np.isfinite(d)] for d in map(np.ravel, draws)]
    ends = [np.quantile(d, ends) for d in finite if d.size]
    everything = np.concatenate([*ends, np.asarray(marks, float)])
    low, high = (everything.min(), everything.max()) if everything.size else (0.0, 1.0)
    pad = 0.03 * (high - low) or 0.5
    return float(low - pad), float(high + pad)
