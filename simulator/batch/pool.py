"""Worker processes on this machine, handed out orders; one that dies takes only its own with it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import wait

from simulator.batch import TIMEOUT_MINUTES
from simulator.batch.work import Order, Report, lost

MEMORY_MB = 2000  # a worker that has grown beyond this is replaced by a fresh one
AGAIN = 1.0  # seconds until an order that another process has is asked for again
SAFE = ["-P"] if sys.flags.safe_path else []  # no folder called simulator where the user stands
WORKER = [sys.executable, *SAFE, "-m", "simulator.batch.worker"]
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def processors() -> int:
    """How many processors this process may use."""
    known = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1


def processes(jobs: int | None) -> int:
    """How many processes to start where `jobs` are asked for: one per processor at most.

    More would share the processors and need the memory of all.
    """
    return min(jobs or processors(), processors())


def local(
    orders: Iterable[Order], jobs: int, timeout_minutes: float = TIMEOUT_MINUTES
) -> Iterator[Report]:
    """Reports of all orders as they come, from `jobs` processes.

    An order that another process is working on is asked for again until that one is done or gone.
    A worker that takes longer than `timeout_minutes` of one order is killed, and the order fails.
    Closing the generator, or an interrupt, kills the workers; nothing partial is left behind.
    """
    waiting, later = deque(orders), list[tuple[float, Order]]()
    workers: list[_Worker] = []
    try:
        while True:
            now = time.monotonic()
            waiting += [order for due, order in later if due <= now]
            later = [(due, order) for due, order in later if due > now]
            _hand_out(waiting, workers, jobs)
            busy = [worker for worker in workers if worker.order]
            if not busy and not later:
                return
            ready = {*wait([worker.reports for worker in busy], AGAIN)}
            late = time.monotonic() - 60 * timeout_minutes
            for worker in busy:
                if worker.reports in ready:
                    order, report = worker.order, worker.report()
                elif worker.since < late:
                    order, report = worker.order, worker.timed_out(timeout_minutes)
                else:
                    continue
                if worker.dead or report.peak_mb > MEMORY_MB:
                    worker.kill()
                    workers.remove(worker)
                if report.status == "elsewhere":
                    later.append((now + AGAIN, order))
                else:
                    yield report
    finally:
        for worker in workers:
            worker.kill()


def _hand_out(waiting: "deque[Order]", workers: list["_Worker"], jobs: int) -> None:
    idle = [worker for worker in workers if not worker.order]
    while waiting and (idle or len(workers) < jobs):
        if not idle:
            idle = [_Worker()]
            workers += idle
        idle.pop().take(waiting.popleft())


class _Worker:
    """A process and the order that it has, if any."""

    def __init__(self) -> None:
        self.order: Order | None = None
        self.since = 0.0
        self.dead = False
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._process = subprocess.Popen(
            WORKER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=os.environ | dict.fromkeys(ONE_THREAD, "1"),
            start_new_session=True,  # an interrupt at the terminal is the parent's to handle
        )
        self.reports = self._process.stdout

    def take(self, order: Order) -> None:
        self.order, self.since = order, time.monotonic()
        with suppress(BrokenPipeError):  # it is dead, which its reports will say
            self._process.stdin.write(json.dumps(order._asdict(), default=str).encode() + b"\n")
            self._process.stdin.flush()

    def report(self) -> Report:
        """What it has to say of its order; that it died, if it did."""
        line = self.reports.readline()
        order, self.order = self.order, None
        if line.endswith(b"\n"):
            return Report(**json.loads(line))
        self.dead = True
        code = self._process.wait()
        if code < 0:
            return lost(order, "killed", f"by {signal.Signals(-code).name}; is memory short?")
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        return lost(order, "crashed", said[-1] if said else f"its worker exited with {code}")

    def timed_out(self, minutes: float) -> Report:
        """End it, and what to say of its order."""
        self.dead = True
        self._process.kill()
        self._process.wait()  # before its order is looked at: it may be done at the last moment
        return lost(self.order, "timed out", f"after {minutes:g} minutes; see --timeout")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self.reports, self._said):
            with suppress(OSError):
                stream.close()
