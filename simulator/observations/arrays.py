"""Rows of evidence as labelled arrays: the type, and the few ways from columns to arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulator.evidence import Row

Z90 = 1.6448536269514722  # a 90% interval is this many standard errors either side
UNSTATED_SE = 0.1  # OOM per year; a rate without an interval is not known exactly, but to 26%


class Observations(NamedTuple):
    """Coordinates (dimension to labels), constant data and observed data, by name."""

    coords: dict[str, np.ndarray]
    constant: dict[str, tuple[str, np.ndarray]]
    observed: dict[str, tuple[str, np.ndarray]]

    def of(self, dim: str) -> int:
        """Size of a dimension; zero where the evidence has none."""
        return len(self.coords.get(dim, ()))


NOTHING = Observations({}, {}, {})


def labels(values: Sequence[str]) -> np.ndarray:
    """The distinct values, in the order in which they come."""
    return np.array(list(dict.fromkeys(values)), dtype="U")


def unique(names: Sequence[str]) -> np.ndarray:
    """The names, the second of a kind with (2) after it, and so on."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return np.array(out, dtype="U")


def numbered(names: np.ndarray) -> np.ndarray:
    """The names, each with its number among its kind, from 1."""
    place = [np.count_nonzero(names[: i + 1] == name) for i, name in enumerate(names)]
    return np.array([f"{name} {n}" for name, n in zip(names, place, strict=True)], dtype="U")


def index(values: Sequence[str], among: np.ndarray) -> np.ndarray:
    """Where each value stands among the labels."""
    place = {label: i for i, label in enumerate(among.tolist())}
    return np.array([place[v] for v in values], dtype="int64")


def numbers(rows: Sequence[Row], name: str) -> np.ndarray:
    """A column of numbers; NaN where a cell is empty."""
    return np.array([row[name] for row in rows], dtype="float64")


def is_one(rows: Sequence[Row], name: str, value: str) -> np.ndarray:
    """1.0 where a column has this value, 0.0 elsewhere."""
    return np.array([float(row[name] == value) for row in rows])


def means(values: np.ndarray, group: np.ndarray, size: int) -> np.ndarray:
    """Mean of the values in each of `size` groups."""
    return np.bincount(group, values, size) / np.bincount(group, minlength=size)


def interval_se(rows: Sequence[Row]) -> np.ndarray:
    """Standard error in OOM of a factor with a 90% interval, or UNSTATED_SE without one."""
    intervals = [(row["q05"], row["q95"]) for row in rows]
    return np.array(
        [
            UNSTATED_SE if low is None else np.log10(high / low) / (2 * Z90)
            for low, high in intervals
        ]
    )
