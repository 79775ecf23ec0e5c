"""What a run says in numbers: quantiles with their Monte Carlo error, and no mean of anything.

Some outputs have no mean (a multiplier is ten to a ratio), some have infinite draws. So every
quantity gets the same five quantiles, in which infinite draws count as larger than any number, and
the probability of being infinite.
"""

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from simulator import diagnostics
from simulator.prior import TABLED
from simulator.quantities import BELIEFS, QUANTITIES
from simulator.scenario import Scenario

NAMES = [f"q{round(100 * p):02d}" for p in TABLED]

type Row = dict[str, Any]


def summarise(draws: xr.DataTree, forecast: xr.Dataset, prior: xr.Dataset | None) -> list[Row]:
    """One row per element of every output, then of every belief.

    A row holds quantity, unit, coords, q05 ... q95, mcse_q50, ess_bulk, ess_tail, r_hat,
    prob_infinite, and under `prior` the same quantiles before any evidence (None: no evidence was
    used). Quantiles that are infinite are None, as are figures that a constant does not have.
    """
    posterior = draws["posterior"].dataset
    beliefs = posterior[[name for name in BELIEFS if name in posterior]]
    before = None if prior is None else draws["prior"].dataset
    return rows_of(forecast, prior) + rows_of(beliefs, before)


def rows_of(draws: xr.Dataset, prior: xr.Dataset | None) -> list[Row]:
    """One such row per element of every quantity, in the order of the vocabulary."""
    return [row for name in QUANTITIES if name in draws for row in _rows(draws[name], prior)]


def quantiles(draws: np.ndarray) -> dict[str, float]:
    """The 5/25/50/75/95% quantiles by name; infinite draws are larger than any number."""
    # Between an infinite draw and a finite one there is nothing to interpolate.
    method = "linear" if np.isfinite(draws).all() else "inverted_cdf"
    return dict(zip(NAMES, np.quantile(draws, TABLED, method=method).tolist(), strict=True))


def beliefs_table(scenario: Scenario, rows: list[Row]) -> list[Row]:
    """Each stated belief: its prior quantiles, exact, beside the posterior's."""
    posterior = {row["quantity"]: row for row in rows if not row["coords"]}
    return [
        {
            "quantity": name,
            "unit": belief.unit,
            "family": belief.family,
            "source": belief.source,
            "why": belief.why,
            "prior": _finite(belief.quantiles()),
            "posterior": {k: posterior[name][k] for k in NAMES},
        }
        for name, belief in scenario.beliefs.items()
    ]


def _rows(variable: xr.DataArray, prior: xr.Dataset | None) -> Iterator[Row]:
    name = str(variable.name)
    labelled = zip(_coords(variable), diagnostics.elements(variable).items(), strict=True)
    before = {} if prior is None else diagnostics.elements(prior[name])
    for coords, (label, draws) in labelled:
        constant = bool((draws == draws[0, 0]).all())
        mixing = {} if constant else _finite(diagnostics.mixing(draws)._asdict())
        yield {
            "quantity": name,
            "unit": QUANTITIES[name].unit,
            "coords": coords,
            **_finite(quantiles(draws)),
            "mcse_q50": 0.0 if constant else _error(draws),
            **{key: mixing.get(key) for key in ("ess_bulk", "ess_tail", "r_hat")},
            "prob_infinite": float(np.isinf(draws).mean()),
            "prior": _finite(quantiles(before[label])) if label in before else None,
        }


def _coords(variable: xr.DataArray) -> list[dict[str, str | float]]:
    dims = [dim for dim in variable.dims if dim not in ("chain", "draw")]
    labels = [[_label(v) for v in variable[dim].values] for dim in dims]
    return [dict(zip(map(str, dims), each, strict=True)) for each in product(*labels)]


def _label(value: Any) -> str | float:
    if isinstance(value, np.datetime64):
        return str(value)[:10]
    return value.item() if isinstance(value, np.generic) else value


def _error(draws: np.ndarray) -> float | None:
    with np.errstate(invalid="ignore"):
        return number(diagnostics.mcse_median(draws))


def _finite(figures: dict[str, float]) -> dict[str, float | None]:
    return {key: number(value) for key, value in figures.items()}


def number(value: float) -> float | None:
    """A figure as JSON has it: None where it is not finite."""
    return float(value) if math.isfinite(value) else None
