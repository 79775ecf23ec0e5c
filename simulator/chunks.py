"""Draws in chunks of bounded size, by any number of threads, kept as histograms only.

What a chunk holds depends on its number alone, and counts are whole. So the numbers do not depend
on the threads, more paths begin with the fewer, and memory does not grow with them.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import numpy as np

from simulator.histogram import OOM, Bins, Histogram

# Draws of a chunk, two megabytes for each result. Less would fit the cache better, and threads
# would wait for the interpreter more than they work.
SIZE = 262_144

# Named results of chunk i, of which the first n are wanted; any further ones are ignored.
type Draw = Callable[[int, int], Mapping[str, np.ndarray]]
type Watch = Callable[[int], None]


def stream(
    draw: Draw,
    paths: int,
    bins: Mapping[str, Bins] | None = None,
    *,
    size: int = SIZE,
    threads: int = 1,
    watch: Watch | None = None,
) -> dict[str, Histogram]:
    """The histogram of every result over so many paths, in chunks of `size`.

    `draw(i, n)` gives at least the first n results of chunk i by name: arrays of the thread's own,
    from streams of the chunk's own. It is called from `threads` threads. `bins` are by name, OOM
    where it has none. `watch` is told, from any thread, how many paths were done just now.
    """
    if paths < 1 or size < 1 or threads < 1:
        raise ValueError("paths, size and threads must be at least 1")
    left = iter(range(-(-paths // size)))  # shared: each thread takes the next
    found: dict[str, Histogram] = {}
    lock, stop = Lock(), Event()

    def work() -> None:
        scratch = np.empty(size)
        try:
            for chunk in left:
                if stop.is_set():
                    return
                count = min(size, paths - chunk * size)
                for name, results in draw(chunk, count).items():
                    part = Histogram((bins or {}).get(name, OOM))
                    part.add(results[:count], scratch)
                    with lock:
                        found.setdefault(name, Histogram(part.bins)).merge(part)
                if watch:
                    watch(count)
        except BaseException:
            stop.set()  # the others need not go on
            raise

    with ThreadPoolExecutor(threads) as pool:
        try:
            for job in [pool.submit(work) for _ in range(threads)]:
                job.result()
        except BaseException:  # an interrupt of the waiting, too
            stop.set()
            raise
    return found
