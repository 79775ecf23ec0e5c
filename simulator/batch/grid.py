"""The axes of a batch as dimensions: their names, their labels, and where an item stands."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from simulator.quantities import QUANTITIES

HOLES = 8  # cells per item up to which the axes span an array
SMALL = 10_000  # cells that are few enough in any case
FIGURES = ("q05", "q25", "q50", "q75", "q95", "mcse_q50", "ess_bulk", "ess_tail", "r_hat")
FIGURES += ("prob_infinite",)
# What an axis must not be called: dimensions of outputs and draws, columns of tables, variables.
TAKEN = {
    *("inference_factor", "benchmark", "algorithm", "age", "date", "component", "decision_date"),
    *("task", "threshold", "family", "score", "tokens"),
    *("chain", "draw", "sample", "quantile", "scenario"),
    *("key", "run", "status", "why", "seconds", "quantity", "unit", "point_"),
    *FIGURES,
    *QUANTITIES,
}


def names(labels: Iterable[str]) -> dict[str, str]:
    """A name for each label that every format and query language can hold, and no two alike.

    Letters, digits and underscores; `axis_` comes before what would be empty, start with a digit,
    or be taken. Case alone does not tell names apart, as in SQL and in some file systems.
    """
    found: dict[str, str] = {}
    used = {name.casefold() for name in TAKEN}
    for label in labels:
        plain = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", label)).strip("_")[:60]
        if not plain or plain[0].isdecimal() or plain.casefold() in used:
            plain = f"axis_{plain}".rstrip("_")
        name, n = plain, 2
        while name.casefold() in used:
            name, n = f"{plain}_{n}", n + 1
        found[label] = name
        used.add(name.casefold())
    return found


class Grid:
    """The cells that the axes of a plan span.

    Where they would be mostly holes, the only dimension is `scenario`, with an element per item and
    the axes as its coordinates.
    """

    def __init__(self, plan: Mapping[str, Any]):
        dims, items, points = plan["dims"], plan["items"], plan["points"]
        self.names = names([*dims, *(f"point {name}" for name in points)])
        levels = {axis: [json.dumps(level) for level in of] for axis, of in dims.items()}
        where = {axis: {level: i for i, level in enumerate(of)} for axis, of in levels.items()}
        places = {
            axis: np.array([where[axis][json.dumps(item["at"][axis])] for item in items], int)
            for axis in dims
        }
        labels = {axis: text_or_number(of) for axis, of in dims.items()}
        shape = tuple(len(of) for of in dims.values())
        cells = int(np.prod(shape, dtype=float))
        #: Columns by name, an entry per item.
        self.columns = {self.names[axis]: labels[axis][places[axis]] for axis in dims}
        for name, values in points.items():
            column = self.names[f"point {name}"]
            self.columns[column] = text_or_number(values)[places["point"]]
        self.dense = cells <= max(HOLES * len(items), SMALL)
        if self.dense:
            self.cell = (
                np.ravel_multi_index([*places.values()], shape) if shape else np.zeros(1, int)
            )
            self.sizes = dict(zip(map(self.names.get, dims), shape, strict=True))
            coords = {self.names[axis]: (self.names[axis], labels[axis]) for axis in dims}
            for name, values in points.items():
                coords[self.names[f"point {name}"]] = (self.names["point"], text_or_number(values))
        else:
            self.cell = np.arange(len(items))
            self.sizes = {"scenario": len(items)}
            keys = np.array([item["key"] for item in items], "U")
            coords = {"scenario": ("scenario", keys)}
            coords |= {name: ("scenario", column) for name, column in self.columns.items()}
        #: What people called an axis, by name.
        self.written = {name: label for label, name in self.names.items()}
        #: Coordinates of every dataset.
        self.coords = {
            name: (dim, values, {"label": self.written.get(name, name)})
            for name, (dim, values) in coords.items()
        }

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return int(np.prod([*self.sizes.values()], dtype=int))

    def dataset(self, further: Mapping[str, Any]) -> xr.Dataset:
        """A dataset with the axes and further coordinates, and no variable yet."""
        return xr.Dataset(coords=self.coords | further)

    def variable(
        self, array: np.ndarray, dims: Sequence[str], shape: Sequence[int], attrs: Mapping[str, Any]
    ) -> xr.Variable:
        """A variable over the axes and further dims; `array` starts with the cells."""
        spread = array.reshape((*self.sizes.values(), *shape))
        return xr.Variable((*self.sizes, *dims), spread, dict(attrs))

    def filled(self, values: Sequence[Any], hole: Any) -> np.ndarray:
        """One value per item, put into its cell."""
        dtype = float if isinstance(hole, float) else f"U{max(map(len, [*values, hole]))}"
        array = np.full(self.cells, hole, dtype)
        array[self.cell] = values
        return array


def text_or_number(values: Sequence[Any]) -> np.ndarray:
    """Labels as numbers where all are, as text else."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return np.array(values, float if any(isinstance(v, float) for v in values) else int)
    return np.array([v if isinstance(v, str) else json.dumps(v) for v in values], "U")
