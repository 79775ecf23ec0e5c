"""A cost that falls by records: they come at random at the expected rate, each an exponential fall.

A path is drawn in the time in which records come once a unit (the expected fall over the mean
fall), and read at any age through that clock. Where a path would have a great many records it is
drawn with some of them together, which is exact at the moments drawn.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr

from simulator import streams
from simulator.forecast.costs import Decline
from simulator.streams import SAMPLE

STEPS = 256  # records of a path that are drawn one by one; a longer path is drawn in so many steps
BLOCK = 32  # records drawn at a time


class Block(NamedTuple):
    """The next records of the paths that have not come to their end; shape (record, path)."""

    paths: np.ndarray  # by number
    clock: np.ndarray
    fallen: np.ndarray


class Staircase:
    """One path of the cost at every draw; `drop` is the mean fall of a record in OOM.

    `blocks` are its records where they were drawn before, for a decline no slower than this one.
    """

    def __init__(
        self,
        decline: Decline,
        drop: xr.DataArray,
        seed: int,
        name: str,
        blocks: list[Block] | None = None,
    ):
        self.decline, self.drop = decline, drop.transpose(*SAMPLE)
        if blocks is None:
            blocks = records(self.time(decline.horizon_age), drop, seed, name)
        self.blocks = blocks
        self.start = decline.cost_oom_usd + self._fallen(decline.priced_age)
        self.floor = self.start - self._fallen(decline.today_age) + decline.floor_oom

    def cost(self, age: float) -> xr.DataArray:
        """Cost in OOM USD at an age in years from debut on."""
        # As plain arrays: labels would take longer than the terms.
        fallen = self._fallen(age)
        return fallen.copy(data=np.maximum(self.start.values - fallen.values, self.floor.values))

    def first_age(self, threshold: float) -> xr.DataArray:
        """Age at which the cost first is at the threshold (OOM USD) or below; may be infinite."""
        start = self.start.values.ravel()
        time = np.full(start.shape, np.nan)
        for paths, clock, fallen in reversed(self.blocks):
            there = start[paths] - fallen <= threshold + 1e-12
            found = there.any(axis=0)
            time[paths[found]] = clock[there.argmax(axis=0)[found], found]
        years = self.decline.age_of(
            self.start.copy(data=time.reshape(self.start.shape)) * self.drop
        )
        reachable = np.isfinite(years) & (self.floor <= threshold + 1e-12)
        return xr.where(self.start <= threshold, 0.0, years.where(reachable, np.inf))

    def time(self, age: float) -> xr.DataArray:
        """The clock at an age: records come once a unit of it."""
        expected = self.decline.expected(age)
        return expected.copy(data=expected.values / self.drop.values)

    def _fallen(self, age: float) -> xr.DataArray:
        time = self.time(age)
        now, so_far = time.values.ravel(), np.zeros(time.size)
        for paths, clock, fallen in self.blocks:
            past = (clock <= now[paths]).view(np.uint8).sum(axis=0, dtype=np.uint8)
            some = past > 0
            so_far[paths[some]] = fallen[past[some] - 1, some]
        return time.copy(data=so_far.reshape(time.shape))


def records(span: xr.DataArray, drop: xr.DataArray, seed: int, name: str) -> list[Block]:
    """When records come, on the clock of one a unit, and the fall up to each; until past `span`.

    Few paths have many records, so only those are carried on.
    """
    span, drop = (np.asarray(x.transpose(*SAMPLE)) for x in (span, drop))
    together, shape = np.maximum(np.ceil(span / STEPS), 1.0), span.shape
    span, drop = span.ravel(), drop.ravel()
    paths = np.arange(span.size)
    clock = fallen = np.zeros(span.size)
    blocks: list[Block] = []
    while not blocks or paths.size:
        ahead = np.zeros(span.size, dtype=bool)
        ahead[paths] = True
        waits, falls = (
            _sums(together, ahead.reshape(shape), seed, name, what, len(blocks))
            for what in ("wait", "fall")
        )
        falls *= drop[paths]
        for sums, before in ((waits, clock), (falls, fallen)):
            np.cumsum(sums, axis=0, out=sums)
            sums += before
        blocks.append(Block(paths, waits, falls))
        further = waits[-1] <= span[paths]
        clock, fallen, paths = waits[-1, further], falls[-1, further], paths[further]
    return blocks


def _sums(
    count: np.ndarray, ahead: np.ndarray, seed: int, name: str, what: str, block: int
) -> np.ndarray:
    """The next BLOCK sums of so many standard exponentials, (record, path), of the paths `ahead`.

    From a stream per chain and block, draw after draw: a longer sample begins with the shorter one.
    """
    drawn = [np.zeros((0, BLOCK))]
    for chain in np.flatnonzero(ahead.any(axis=1)):
        last = np.flatnonzero(ahead[chain])[-1] + 1  # what comes after it is not needed
        sums = streams.stream(seed, "task", name, what, block, chain).standard_gamma(
            np.broadcast_to(count[chain, :last, None], (last, BLOCK))
        )
        drawn.append(sums[ahead[chain, :last]])
    return np.ascontiguousarray(np.concatenate(drawn).T)
