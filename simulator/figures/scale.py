"""How the values of a quantity lie on an axis: as logarithms, to be logged, or as they are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.figures import shapes, ticks
from simulator.quantities import QUANTITIES

if TYPE_CHECKING:
    from matplotlib.axis import Axis

WIDE = 100
LOGGED = ("x", "x per year")  # what is a factor lies on a log axis


class Scale(NamedTuple):
    """From values of a quantity to even distances, and on to an axis in its unit."""

    unit: str
    log: bool
    already: bool  # the values are OOM

    def even(self, values: Any) -> Any:
        """Values as distances that the axis shows as equal."""
        if not self.log or self.already:
            return np.asarray(values, float)
        with np.errstate(divide="ignore"):
            return np.log10(np.asarray(values, float))

    def placed(self, even: Any) -> Any:
        """Such distances as what is plotted; infinite ones at the far end."""
        return ticks.powered(even) if self.log else even

    def set(self, axis: "Axis", low: float, high: float, most: int = 5) -> None:
        """Limits, given as distances, and marks in the unit."""
        if self.log:
            # A quantity in OOM is read as what it is a power of.
            ticks.log_axis(axis, *self.placed(np.array([low, high])), self.unit, most)
            return
        (axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim)(low, high)
        ticks.linear_axis(axis, self.unit, most)


def of_unit(unit: str) -> Scale:
    """The scale of values in a unit."""
    already = unit.startswith("OOM") and "per" not in unit
    return Scale(unit, already or unit in LOGGED, already)


def of_quantity(name: str, draws: Sequence[np.ndarray]) -> Scale:
    """The scale of a quantity with these draws: what can only be positive is a matter of factors.

    So is a share that is known to no more than a factor of WIDE. An OOM that is believed in as
    such, as a shift is, and can be negative, is not.
    """
    quantity = QUANTITIES[name]
    found = of_unit(quantity.unit)
    if quantity.support == "real":
        return found._replace(log=False, already=False)
    if quantity.support is None or any((d <= 0).any() for d in draws):
        return found
    if quantity.support == "positive":
        return found._replace(log=True)
    low, high = (shapes.quantile(np.concatenate([*map(np.ravel, draws)]), p) for p in (0.05, 0.95))
    return found._replace(log=bool(high > WIDE * low))
