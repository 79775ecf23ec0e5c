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
BLOCK = 32  # records drawn at a time


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
    clock, fallen = np.zeros((1, *span.shape)), np.zeros((1, *span.shape))
    block = 0
    while not block or (clock[-1] <= span).any():
        waits, falls = (_sums(together, seed, name, what, block) for what in ("wait", "fall"))
        clock = np.concatenate([clock, clock[-1] + np.cumsum(waits, axis=0)])
        fallen = np.concatenate([fallen, fallen[-1] + np.cumsum(falls * drop, axis=0)])
        block += 1
    dims = ("record", *SAMPLE)
    return xr.DataArray(clock[1:], dims=dims), xr.DataArray(fallen[1:], dims=dims)


def _sums(count: np.ndarray, seed: int, name: str, what: str, block: int) -> np.ndarray:
    """The next BLOCK sums of so many standard exponentials, (record, chain, draw).

    From a stream per chain and block, draw after draw: a longer sample begins with the shorter one.
    """
    chains = [
        streams.stream(seed, "task", name, what, block, chain).standard_gamma(
            np.broadcast_to(row[:, None], (len(row), BLOCK))
        )
        for chain, row in enumerate(count)
    ]
    return np.stack(chains).transpose(2, 0, 1)
