"""A cost that falls by records: they come at random at the expected rate, each an exponential fall.

A path is drawn in the time in which records come once a unit (the expected fall over the mean
fall), and read at any age through that clock. Where a path would have a great many records it is
drawn with some of them together, which is exact at the moments drawn.
"""

import numpy as np
import xarray as xr

from simulator import streams
from simulator.forecast.costs import Decline
from simulator.streams import SAMPLE

STEPS = 256  # records of a path that are drawn one by one; a longer path is drawn in so many steps


class Staircase:
    """One path of the cost at every draw; `drop` is the mean fall of a record in OOM."""

    def __init__(self, decline: Decline, drop: xr.DataArray, seed: int, name: str):
        self.decline, self.drop = decline, drop
        self.clock, self.fallen = _records(self._time(decline.horizon_age), drop, seed, name)
        self.start = decline.cost_oom_usd + self._fallen(decline.priced_age)
        self.floor = self.start - self._fallen(decline.today_age) + decline.floor_oom

    def cost(self, age: float) -> xr.DataArray:
        """Cost in OOM USD at an age in years from debut on."""
        return np.maximum(self.start - self._fallen(age), self.floor)

    def first_age(self, threshold: float) -> xr.DataArray:
        """Age at which the cost first is at the threshold (OOM USD) or below; may be infinite."""
        there = self.start - self.fallen <= threshold + 1e-12
        time = self.clock.isel(record=there.argmax("record"))
        years = self.decline.age_of(time * self.drop)
        reachable = there.any("record") & (self.floor <= threshold + 1e-12)
        return xr.where(self.start <= threshold, 0.0, years.where(reachable, np.inf))

    def _time(self, age: float) -> xr.DataArray:
        return self.decline.expected(age) / self.drop

    def _fallen(self, age: float) -> xr.DataArray:
        past = (self.clock <= self._time(age)).sum("record")
        return self.fallen.isel(record=past - 1).where(past > 0, 0.0)


def _records(
    span: xr.DataArray, drop: xr.DataArray, seed: int, name: str
) -> tuple[xr.DataArray, xr.DataArray]:
    """When records come, on the clock of one a unit, and the fall up to each; until past `span`."""
    span, drop = (np.asarray(x.transpose(*SAMPLE)) for x in (span, drop))
    together = np.maximum(np.ceil(span / STEPS), 1.0)
    clock, fallen = [np.zeros_like(span)], [np.zeros_like(span)]
    while len(clock) == 1 or (clock[-1] <= span).any():
        step = len(clock)
        wait = _gammas(together, seed, name, "wait", step)
        fall = _gammas(together, seed, name, "fall", step)
        clock.append(clock[-1] + wait)
        fallen.append(fallen[-1] + fall * drop)
    return _path(clock), _path(fallen)


def _path(steps: list[np.ndarray]) -> xr.DataArray:
    return xr.DataArray(np.stack(steps[1:]), dims=("record", *SAMPLE))


def _gammas(count: np.ndarray, seed: int, name: str, what: str, step: int) -> np.ndarray:
    """Sums of so many standard exponentials (chain, draw), from a stream per chain and step."""
    return np.stack(
        [
            streams.stream(seed, "task", name, what, step, chain).standard_gamma(row)
            for chain, row in enumerate(count)
        ]
    )
