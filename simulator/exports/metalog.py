"""The metalog distribution: quantile functions that are linear in their coefficients."""

from typing import NamedTuple

import numpy as np

SLOPE = 1e-5  # of quantiles at the least, as a share of their width
TERMS = tuple(range(7, 17))
GRID = np.concatenate([np.geomspace(1e-7, 0.01, 200), np.linspace(0.01, 0.99, 2001)[1:-1],
                       1 - np.geomspace(0.01, 1e-7, 200)])  # fmt: skip


def basis(p: np.ndarray, terms: int) -> np.ndarray:
    """Its terms, four or more, at probabilities: shape (p, term), in the order of Metalog_1_0."""
    p = np.asarray(p, dtype=float)
    logit, middle = np.log(p / (1 - p)), p - 0.5
    columns = [np.ones_like(p), logit, middle * logit, middle]
    higher = range(5, terms + 1)
    columns += [middle ** ((k - 1) // 2) * (1 if k % 2 else logit) for k in higher]
    return np.stack(columns, axis=-1)


class Metalog(NamedTuple):
    """A metalog by its coefficients, unbounded."""

    coefficients: np.ndarray

    def quantile(self, p: np.ndarray) -> np.ndarray:
        """Its quantiles."""
        return basis(p, self.coefficients.size) @ self.coefficients

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Its cumulative probability, to the resolution of the grid."""
        return np.interp(x, self.quantile(GRID), GRID, left=0.0, right=1.0)

    @property
    def feasible(self) -> bool:
        """Whether its quantiles rise all the way, so that it is a distribution."""
        return bool((np.diff(self.quantile(GRID)) > 0).all())


def fitted(values: np.ndarray, terms: int) -> Metalog:
    """The metalog of so many terms whose quantiles are nearest to sorted values."""
    ordered = np.sort(values, axis=None)
    p = (np.arange(ordered.size) + 0.5) / ordered.size
    return Metalog(np.linalg.lstsq(basis(p, terms), ordered, rcond=None)[0])


def rising(values: np.ndarray, terms: int) -> Metalog:
    """The metalog of so many terms that is a distribution and whose quantiles are nearest to
    those of values, in absolute terms: by linear programming, for lumps where `fitted` is none."""
    from scipy.optimize import linprog

    at = np.clip(np.linspace(0, 1, 201), 0.002, 0.998)
    found, near = basis(at, terms), np.eye(at.size)
    steps = np.diff(basis(GRID, terms), axis=0)
    steps /= abs(steps).max(axis=1, keepdims=True)
    limits = np.block([[found, -near], [-found, -near], [-steps, np.zeros((len(steps), at.size))]])
    wanted = np.quantile(values, at, method="hazen")
    width = max(float(np.ptp(wanted)), 1e-9)
    solved = linprog(
        np.repeat([0.0, 1.0], [terms, at.size]),
        A_ub=limits,
        b_ub=np.concatenate([wanted, -wanted, np.full(len(steps), -SLOPE * width)]),
        bounds=[(None, None)] * terms + [(0, None)] * at.size,
    )
    return Metalog(solved.x[:terms] if solved.success else np.zeros(terms))
