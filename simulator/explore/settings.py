"""What can be set in the page: questions, and four factors that override the posterior.

Each factor is one where the posterior stands. Python and the page share their names and ranges.
"""

import datetime as dt
import math
from typing import NamedTuple

import numpy as np
import xarray as xr

NEVER = math.inf  # as a factor of the half-life: rates do not slow


class Settings(NamedTuple):
    """One view of the page."""

    inference_factor: float
    benchmark: str
    algorithm: str
    task: str
    cost_usd: float  # of the task, at the date for which the scenario states it
    threshold_usd: float
    date: dt.date
    slope_ratio_factor: float = 1.0
    algorithm_gain_factor: float = 1.0
    decline_rate_factor: float = 1.0
    half_life_factor: float = 1.0


RANGES = {
    "inference_factor": (2.0, 1e6),
    "cost_usd": (1e-6, 1e9),
    "threshold_usd": (1e-9, 1e9),
    "slope_ratio_factor": (0.25, 4.0),
    "algorithm_gain_factor": (0.0, 3.0),
    "decline_rate_factor": (0.25, 3.2),
    "half_life_factor": (0.1, NEVER),
}
FACTORS = tuple(name for name in Settings._fields if name in Settings._field_defaults)


def overridden(draws: xr.Dataset, settings: Settings) -> xr.Dataset:
    """Draws as the factors have them.

    The gain of today's recipe scales in logs: at 0 it is none, at 2 that of two such steps.
    """
    gain = settings.algorithm_gain_factor
    changed = {
        "algorithm_slope_factor": draws["algorithm_slope_factor"] ** gain,
        "algorithm_shift_oom": draws["algorithm_shift_oom"] * gain,
        "decline_rate_at_debut": draws["decline_rate_at_debut"] * settings.decline_rate_factor,
        "slowdown_half_life_years": _longer(draws, settings.half_life_factor),
    }
    for name in ("slope_ratio", "benchmark_slope_ratio"):
        if name in draws:
            changed[name] = draws[name] * settings.slope_ratio_factor
    if "algorithm_ceiling_gain" in draws:
        changed["algorithm_ceiling_gain"] = draws["algorithm_ceiling_gain"] * gain
    return draws.assign(changed)


def fastest(draws: xr.Dataset) -> xr.Dataset:
    """Draws of the fastest decline that can be set."""
    rate = draws["decline_rate_at_debut"] * RANGES["decline_rate_factor"][1]
    return draws.assign(decline_rate_at_debut=rate, slowdown_half_life_years=_longer(draws, NEVER))


def _longer(draws: xr.Dataset, factor: float) -> xr.DataArray:
    half_life = draws["slowdown_half_life_years"]
    return half_life * factor if np.isfinite(factor) else xr.full_like(half_life, NEVER)
