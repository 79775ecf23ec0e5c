"""Variance shares of beliefs from the draws of a run, where beliefs depend on one another.

With Y an output (in OOM, or ranks), X the beliefs of a posterior, and X_-i all but one of them:

- first = Var(E[Y | X_i]) / Var(Y): the spread that goes with a belief, also through what it is
  correlated with; what knowing it would take away. Shares of dependent beliefs overlap.
- total = (Var(E[Y | X]) - Var(E[Y | X_-i])) / Var(Y): what only this belief can tell, alone and
  together with others. For independent beliefs first <= total; where others tell the same, total is
  smaller (Kucherenko et al. 2012, "Estimation of global sensitivity indices for models with
  dependent variables"). Near zero beside a large first: another belief carries it as well.
- together = Var(E[Y | X]) / Var(Y): the rest is how benchmarks, systems and series differ, and
  chance.

E[Y | .] is least squares on cubic polynomials of the normal scores of beliefs, and in `total` and
`together` also on products of two of those beliefs that matter most (PAIRED); exact for linear and
quadratic models, otherwise a lower bound, which `together` tells. A jackknife over blocks of
draws takes away the bias of many columns, autocorrelation included, and gives standard errors.
Small shares can come out slightly below zero; that is their error.
"""

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from simulator.sensitivity.given import scores

PAIRED = 12  # beliefs at most whose products are columns
DRAWS_PER_COLUMN = 20
DEGREES = 3, 2, 1


type Figure = Callable[[np.ndarray], np.ndarray]


class Estimate(NamedTuple):
    """A figure per output and its Monte Carlo standard error; shape (..., output)."""

    value: np.ndarray
    error: np.ndarray


class Shares(NamedTuple):
    """Estimates by belief; `total` has no implied beliefs, and is empty with too few draws."""

    rank: dict[str, Estimate]
    first: dict[str, Estimate]
    total: dict[str, Estimate]
    together: Estimate | None


def shares(
    beliefs: dict[str, np.ndarray],
    outputs: np.ndarray,
    block: np.ndarray,
    implied: frozenset[str] = frozenset(),
) -> Shares:
    """Rank correlation, first-order and total shares of outputs (output, sample), see above.

    `beliefs` are (sample,) by name, `block` (sample,) says which draws belong together; `implied`
    beliefs are functions of others and have no total.
    """
    if not beliefs:
        return Shares({}, {}, {}, None)
    names = [*beliefs]
    own = [name for name in names if name not in implied]
    columns = _columns(beliefs, own, block)
    first = _first(columns, outputs, block)
    ranks = np.array([rankdata(row) for row in (*beliefs.values(), *outputs)])
    rank = _jackknife(ranks, block, lambda c: _correlation(c, len(names)))
    total, together = {}, None
    if _degree(own, block):
        total, together = _totals(own, columns, first, outputs, block)
    return Shares(_by(names, rank), first, total, together)


def first_order(
    beliefs: dict[str, np.ndarray],
    outputs: np.ndarray,
    block: np.ndarray,
    implied: frozenset[str] = frozenset(),
) -> dict[str, Estimate]:
    """The first-order shares of `shares` alone."""
    own = [name for name in beliefs if name not in implied]
    return _first(_columns(beliefs, own, block), outputs, block) if beliefs else {}


def _columns(
    beliefs: dict[str, np.ndarray], own: list[str], block: np.ndarray
) -> dict[str, np.ndarray]:
    """Polynomials of each belief, (degree, sample): of as high a degree as the draws allow."""
    z = np.array([scores(draws) for draws in beliefs.values()])
    return dict(zip(beliefs, _powers(z, _degree(own, block) or 1), strict=True))


def _degree(own: list[str], block: np.ndarray) -> int | None:
    return next((d for d in DEGREES if d * len(own) <= _room(block)), None)


def _first(
    columns: dict[str, np.ndarray], outputs: np.ndarray, block: np.ndarray
) -> dict[str, Estimate]:
    width = len(next(iter(columns.values())))
    own = [_at(i, width) for i in range(len(columns))]
    found = _jackknife(
        np.vstack([*columns.values(), outputs]),
        block,
        lambda c: np.array([_explained(c, each, len(outputs)) for each in own]),
    )
    return _by([*columns], found)


def _totals(
    own: list[str],
    columns: dict[str, np.ndarray],
    first: dict[str, Estimate],
    outputs: np.ndarray,
    block: np.ndarray,
) -> tuple[dict[str, Estimate], Estimate]:
    """Total shares by belief, and what all explain together: a regression per block left out."""
    width = len(columns[own[0]])
    largest = {name: one.value.max() for name, one in first.items()}
    free = _room(block) - width * len(own)
    count = min(PAIRED, int((1 + np.sqrt(1 + 8 * max(free, 0))) / 2))
    crossed = sorted(own, key=lambda name: -largest[name])[:count]
    pairs = [*combinations(crossed, 2)]
    products = [columns[a][0] * columns[b][0] for a, b in pairs]
    last = width * len(own) + len(pairs)
    mine = {
        name: np.array(
            [*_at(i, width), *(width * len(own) + j for j, p in enumerate(pairs) if name in p)]
        )
        for i, name in enumerate(own)
    }

    def figures(c: np.ndarray) -> np.ndarray:
        inverse = np.linalg.inv(_firm(c[:last, :last]))
        beta = inverse @ c[:last, last:]
        spread = np.diag(c)[last:]
        alone = [(beta[i] * np.linalg.solve(inverse[np.ix_(i, i)], beta[i])).sum(axis=0) / spread
                 for i in mine.values()]  # fmt: skip
        return np.array([*alone, (beta * c[:last, last:]).sum(axis=0) / spread])

    parts = [*(columns[name] for name in own), *([np.array(products)] if pairs else []), outputs]
    found = _jackknife(np.vstack(parts), block, figures)
    every = _by([*own, "together"], found)
    return {name: every[name] for name in own}, every["together"]


def _room(block: np.ndarray) -> int:
    return block.size // DRAWS_PER_COLUMN


def _at(i: int, width: int) -> range:
    return range(i * width, (i + 1) * width)


def _powers(z: np.ndarray, degree: int) -> np.ndarray:
    """Hermite polynomials of normal scores, shape (belief, degree, sample): hardly correlated."""
    every = [z, (z**2 - 1) / np.sqrt(2), (z**3 - 3 * z) / np.sqrt(6)]
    return np.stack(every[:degree], axis=1)


def _explained(c: np.ndarray, own: range, outputs: int) -> np.ndarray:
    cross = c[own, -outputs:]
    beta = np.linalg.solve(_firm(c[np.ix_(own, own)]), cross)
    return (beta * cross).sum(axis=0) / np.diag(c)[-outputs:]


def _firm(c: np.ndarray) -> np.ndarray:
    """A covariance that has an inverse also where a belief follows from others."""
    return c + 1e-9 * np.eye(len(c))


def _correlation(c: np.ndarray, inputs: int) -> np.ndarray:
    sd = np.sqrt(np.diag(c))
    return c[:inputs, inputs:] / np.outer(sd[:inputs], sd[inputs:])


def _by(names: list[str], found: Estimate) -> dict[str, Estimate]:
    each = zip(names, found.value, found.error, strict=True)
    return {name: Estimate(value, error) for name, value, error in each}


def _jackknife(rows: np.ndarray, block: np.ndarray, figure: Figure) -> Estimate:
    """A function of the covariance of `rows` (variable, sample), corrected for bias, with errors.

    Sums by block suffice, so that leaving one out costs no pass over the draws.
    """
    with threadpool_limits(1):  # of matrices so small, many threads make hundreds of times the work
        return _jackknifed(rows, block, figure)


def _jackknifed(rows: np.ndarray, block: np.ndarray, figure: Figure) -> Estimate:
    rows = rows - rows.mean(axis=1, keepdims=True)
    blocks = [rows[:, block == one] for one in np.unique(block)]
    counts = np.array([part.shape[1] for part in blocks])
    sums = np.array([part.sum(axis=1) for part in blocks])
    squares = np.array([part @ part.T for part in blocks])

    def of(count: int, total: np.ndarray, square: np.ndarray) -> np.ndarray:
        mean = total / count
        return figure(square / count - np.outer(mean, mean))

    size, whole = counts.sum(), (sums.sum(axis=0), squares.sum(axis=0))
    every = of(size, *whole)
    left = np.array([of(size - n, whole[0] - s, whole[1] - q)
                     for n, s, q in zip(counts, sums, squares, strict=True)])  # fmt: skip
    value = len(blocks) * every - (len(blocks) - 1) * left.mean(axis=0)
    error = np.sqrt((len(blocks) - 1) * left.var(axis=0))
    return Estimate(value, error)
