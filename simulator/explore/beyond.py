"""Records after a run's own horizon, which only declines faster than its own come to.

A page has room for the records that the run itself follows, so it draws those after them anew: from
a hash of path and record, which Python and a browser compute alike. Waits have no memory, so these
may begin where the run ends; a path of several records a step loses less than one step in 256. A
path that would have very many (under beliefs alone some have billions) has fewer and as many times
larger ones: it is at its floor long before.
"""

import numpy as np

from simulator import streams
from simulator.forecast.staircase import BLOCK, Block

MOST = 1024  # records of a path that are drawn one by one, as in paths.js


def key(seed: int, name: str) -> int:
    """The 32 bits that tell the tasks and runs of a hash apart."""
    return streams.integer(seed, "task", name, "beyond") & 0xFFFFFFFF


def extended(
    blocks: list[Block], span: np.ndarray, end: np.ndarray, drop: np.ndarray, key: int
) -> list[Block]:
    """Records of the run up to its `span`, then others up to `end`; clocks of shape (path,).

    A clock that is not a number is of no record.
    """
    so_far, found = np.zeros(span.size), []
    for paths, clock, fallen in blocks:
        own = clock <= span[paths]
        found.append(Block(paths, np.where(own, clock, np.nan), np.where(own, fallen, 0.0)))
        so_far[paths] = np.maximum(so_far[paths], found[-1].fallen.max(axis=0))
    paths, clock, count = np.flatnonzero(span < end), span.copy(), 0
    larger = np.maximum(np.ceil((end - span) / MOST), 1.0)
    while paths.size:
        numbers = count + np.arange(BLOCK)[:, None]
        waits, falls = (
            exponentials(key, paths, 2 * numbers + i).cumsum(axis=0) * larger[paths] for i in (0, 1)
        )
        waits += clock[paths]
        falls = falls * drop[paths] + so_far[paths]
        found.append(Block(paths, waits, falls))
        clock[paths], so_far[paths] = waits[-1], falls[-1]
        paths, count = paths[waits[-1] <= end[paths]], count + BLOCK
    return found


def exponentials(key: int, paths: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Standard exponentials by path and number, as good as random."""
    mixed = _mixed(_mixed(np.uint32(key) + paths.astype(np.uint32)) + numbers.astype(np.uint32))
    return -np.log((mixed + 0.5) / 2.0**32)


def _mixed(x: np.ndarray) -> np.ndarray:
    """A hash of 32 bits with little bias: lowbias32 of hash-prospector, in the public domain."""
    x = (x ^ (x >> 16)) * np.uint32(0x21F0AAAD)
    x = (x ^ (x >> 15)) * np.uint32(0xD35A2D97)
    return x ^ (x >> 15)
