"""A forecast of one number: the draws of a run, asked in the units that people use.

Draws stay as they were sampled, (chain, draw), in OOM where the quantity spans orders of magnitude.
What goes in and comes out is in dollars, multiples or years. Infinite draws are larger than any
number and are never dropped.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator import diagnostics, streams
from simulator.faults import BadInput, Fault
from simulator.questions.askable import ASKABLE, Askable
from simulator.units import show

if TYPE_CHECKING:
    from scipy.stats import rv_histogram

FORMAT = "simulator-forecast-1"
BINS = 1000
NARROW = 1e-9  # width of the bin of one value, as a share of it
TINY = 1e-12  # what a threshold in round figures may miss a draw by, in OOM


@dataclass(frozen=True, eq=False)
class Forecast:
    """The distribution of one number, by its draws.

    `draws` has shape (chain, draw) and holds the quantity as kept: log10 of `unit` where
    `askable.oom`. Draws of one run share their index, so that forecasts of it are joint draw by
    draw. `provenance` says which run it is from and whether its checks passed.
    """

    askable: Askable
    coords: Mapping[str, Any]
    draws: np.ndarray
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def quantity(self) -> str:
        """Its name."""
        return self.askable.name

    @property
    def unit(self) -> str:
        """Unit of every value that goes in or comes out."""
        return self.askable.unit

    @property
    def size(self) -> int:
        """Number of draws."""
        return self.draws.size

    @property
    def prob_infinite(self) -> float:
        """Share of draws that are infinite: never, or out of reach."""
        return float(np.isposinf(self.draws).mean())

    def __repr__(self) -> str:
        low, high = self.interval(0.9)
        said = f"{self.say(self.quantile(0.5))}, 90% from {self.say(low)} to {self.say(high)}"
        failed = "FAILED CHECKS, " if self.provenance.get("status", "passed") != "passed" else ""
        about = "".join(f", {_shown(value)}" for value in self.coords.values())
        run = f"; {self.provenance['run']}" if "run" in self.provenance else ""
        return f"<Forecast {failed}{self.quantity}{about}: {said}{run}>"

    def say(self, value: float) -> str:
        """A value of it as people write it."""
        kept = self.inside(value)
        return show(None if kept == math.inf else kept, self.askable.kept_unit)

    # --- the distribution -------------------------------------------------------------------------

    def quantile(self, p: Any) -> Any:
        """The values that hold so much probability at or below them, shaped as `p`.

        Interpolated in what is kept; next to infinite draws, which have no neighbour, the draw
        itself. Raises ValueError for what is no probability.
        """
        levels = np.asarray(p, dtype=float)
        if not ((levels >= 0) & (levels <= 1)).all():
            raise ValueError(f"{p!r} is not between 0 and 1")
        method = "linear" if np.isfinite(self.draws).all() else "inverted_cdf"
        return _plain(self.outside(np.quantile(self.draws, levels, method=method)))

    def cdf(self, x: Any) -> Any:
        """The probability of `x` or less, shaped as `x`: the share of draws."""
        at = np.vectorize(self.inside, otypes=[float])(np.asarray(x, dtype=float))
        ordered = np.sort(self.draws, axis=None)
        return _plain(np.searchsorted(ordered, at + TINY, side="right") / ordered.size)

    def sf(self, x: Any) -> Any:
        """The probability of more than `x`, shaped as `x`."""
        return _plain(1 - np.asarray(self.cdf(x)))

    def probability(self, *, below: Any = None, above: Any = None) -> float:
        """The probability of `below` or less, of more than `above`, or of both.

        Thresholds may carry their unit ("$500"). The share of draws: an answer to a person never
        says 0% or 100%, see simulator.questions.answer. Raises BadInput for another unit, or where
        nothing lies between the two.
        """
        low = -math.inf if above is None else self._threshold(above, "above")
        high = math.inf if below is None else self._threshold(below, "below")
        if above is None and below is None:
            raise BadInput([Fault("probability", "usage", "needs below or above", "name one")])
        if low >= high:
            rule = f"nothing is above {above} and below {below}"
            raise BadInput([Fault("probability", "range", rule, "swap them")])
        return float(self.holds(low, high).mean())

    def holds(self, low: float, high: float) -> np.ndarray:
        """Which draws are above `low` and at `high` or below, both as kept; shape (chain, draw)."""
        under = self.draws <= high + TINY if math.isfinite(high) else np.ones_like(self.draws, bool)
        return under & ~(self.draws <= low + TINY) if math.isfinite(low) else under

    def interval(self, mass: float = 0.9) -> tuple[float, float]:
        """The interval of so much probability, with as much below as above it."""
        if not 0 < mass < 1:
            raise ValueError(f"{mass!r} is not a mass between 0 and 1")
        low, high = self.quantile([(1 - mass) / 2, (1 + mass) / 2])
        return float(low), float(high)

    def sample(self, n: int | None = None, seed: int = 0) -> np.ndarray:
        """So many draws, taken with equal chances and put back; without `n`, all in their order.

        The same `n` and `seed` take the same ones from every forecast of a run: they are joint.
        """
        every = self.draws.ravel()
        if n is not None:
            every = every[streams.stream(seed, "sample of a forecast").integers(every.size, size=n)]
        return np.asarray(self.outside(every))

    def mcse_quantile(self, p: float) -> float:
        """Monte Carlo standard error of a quantile, as kept (in OOM where `askable.oom`)."""
        with np.errstate(invalid="ignore"):
            return diagnostics.mcse_quantile(self.draws, p)

    def to_scipy(self) -> "rv_histogram":
        """A frozen `scipy.stats` distribution in the unit of the forecast.

        A histogram of bins of equal probability. Raises ValueError where some draws are infinite,
        which it could not hold.
        """
        from scipy.stats import rv_histogram

        edges, masses = self.bins()
        return rv_histogram((masses / np.diff(edges), edges), density=True)

    def bins(self, most: int = BINS) -> tuple[np.ndarray, np.ndarray]:
        """Edges, in the unit of the forecast and rising, and the probability between each two.

        Draws that are equal share a narrow bin. Raises ValueError where some draws are infinite.
        """
        if self.prob_infinite:
            share = f"{100 * self.prob_infinite:.2g}%"
            raise ValueError(f"{self.quantity} is infinite in {share} of draws; see given_finite()")
        values = np.sort(np.asarray(self.outside(self.draws), dtype=float), axis=None)
        at = np.linspace(0, values.size - 1, min(most, values.size) + 1).round().astype(int)
        edges = np.unique(values[at])
        # What several draws share, and the first value, gets a narrow bin of its own.
        last = np.searchsorted(values, edges, side="right")
        shared = last - np.searchsorted(values, edges) > 1
        shared[0] = True
        ends = edges[shared] - NARROW * np.maximum(abs(edges[shared]), NARROW)
        edges = np.unique(np.concatenate([edges, ends]))
        return edges, np.diff(np.searchsorted(values, edges, side="right")) / values.size

    def given_finite(self) -> "Forecast":
        """The forecast given that it is finite, as one chain; its provenance says on what."""
        kept = self.draws[np.isfinite(self.draws)]
        said = {"given": "finite", "prob_infinite": self.prob_infinite}
        return Forecast(self.askable, self.coords, kept[None], {**self.provenance, **said})

    # --- units ------------------------------------------------------------------------------------

    def inside(self, value: float) -> float:
        """A value as it is kept; what is at or below zero is below every draw in OOM."""
        if self.askable.oom:
            return math.log10(value) if value > 0 else -math.inf
        return float(value)

    def outside(self, kept: Any) -> Any:
        """What is kept, in the unit of the forecast; infinite past the largest number."""
        with np.errstate(over="ignore"):
            return 10.0 ** np.asarray(kept) if self.askable.oom else np.asarray(kept)

    def _threshold(self, text: Any, what: str) -> float:
        try:
            return self.askable.inside(self.askable.number(text))
        except ValueError as error:
            fix = f"write a number of {self.unit}"
            raise BadInput([Fault("probability", what, str(error), fix)]) from None

    # --- files ------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data; infinite draws are the texts "inf" and "-inf".

        `edges` and `masses` are what `rv_histogram` takes; absent where some draws are infinite,
        or are past the largest number in the unit of the forecast.
        """
        found = {
            "format": FORMAT,
            "quantity": self.quantity,
            "unit": self.unit,
            "coords": {name: label(value) for name, value in self.coords.items()},
            "provenance": dict(self.provenance),
            "kept_as": f"log10 of {self.unit}" if self.askable.oom else self.unit,
            "draws": [[_written(x) for x in chain] for chain in self.draws.tolist()],
        }
        if np.isfinite(self.outside(self.draws)).all() and np.isfinite(self.draws).all():
            edges, masses = self.bins()
            found |= {"edges": edges.tolist(), "masses": masses.tolist()}
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | str) -> "Forecast":
        """What `to_json` wrote, as data or text. Raises BadInput where it is none."""
        try:
            found = json.loads(data) if isinstance(data, str) else data
            if found["format"] != FORMAT:
                raise ValueError(f"format is {found['format']!r}, not {FORMAT!r}")
            kept = np.array([[float(x) for x in chain] for chain in found["draws"]], dtype=float)
            if kept.ndim != 2 or not kept.size or np.isnan(kept).any():
                raise ValueError("draws must be numbers, as many in every chain")
            asked = ASKABLE[found["quantity"]]
            if found["unit"] != asked.unit:
                raise ValueError(f"{asked.name} is in {asked.unit}, not {found['unit']}")
            return cls(asked, dict(found["coords"]), kept, dict(found["provenance"]))
        except (KeyError, TypeError, ValueError) as error:
            rule = f"is not a forecast as to_json writes them ({error})"
            raise BadInput([Fault("forecast", "json", rule, "write it again")]) from None


def _plain(values: Any) -> Any:
    array = np.asarray(values)
    return float(array) if array.ndim == 0 else array


def _written(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def label(value: Any) -> Any:
    """A coordinate as JSON has it."""
    return value if isinstance(value, (int, float, str)) else str(value)


def _shown(value: Any) -> str:
    return f"{value:,.15g}" if isinstance(value, float) else str(value)
