"""What a person waiting at a terminal sees: the stage, and while sampling a bar for all chains."""

import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

STAGES = {
    "import": "loading PyMC",
    "build": "building the model",
    "compile": "compiling the model (a minute or two the first time, then kept)",
    "sample": "sampling",
    "predict": "predicting and scoring every observation",
    "project": "projecting costs and multipliers",
    "check": "checking the draws",
    "seal": "writing and sealing the run",
    "simulate": "simulating",
    "open": "reading the draws",
    "weigh": "weighing the draws",
}


class Display:
    """An observer that draws on a terminal; use it as a context manager."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=None)
        self._since = time.perf_counter()

    def __enter__(self) -> "Display":
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def stage(self, name: str) -> None:
        """A stage begins."""
        said = STAGES.get(name, name)
        self._since = time.perf_counter()
        self._progress.reset(self._task, description=said, total=None)

    def chains(self, progress: list[Any]) -> None:
        """Draws so far of all chains, tuning included."""
        done = sum(chain.finished_draws for chain in progress)
        total = sum(chain.total_draws for chain in progress)
        divergent = sum(chain.divergences for chain in progress if not chain.tuning)
        said = "sampling" + (f", {divergent} divergences" if divergent else "")
        self._progress.update(self._task, description=said, completed=done, total=total)

    def simulated(self, done: int, total: int, failed: int) -> None:
        """Simulations so far, their rate and the time left."""
        rate = done / max(time.perf_counter() - self._since, 1e-9)
        said = f"simulation {done} of {total}, {60 * rate:.0f} a minute"
        said += f", {(total - done) / rate / 60:.0f} min left"
        said += f", {failed} failed their diagnostics" if failed else ""
        self._progress.update(self._task, description=said, completed=done, total=total)

    def paths(self, done: int, total: int) -> None:
        """Paths so far, their rate and the time left."""
        rate = done / max(time.perf_counter() - self._since, 1e-9)
        said = (
            f"{done:,} of {total:,} paths, {rate:,.0f} a second, {(total - done) / rate:.0f} s left"
        )
        self._progress.update(self._task, description=said, completed=done, total=total)

    def tasks(self, done: int, total: int) -> None:
        """Tasks so far and the time left."""
        left = (time.perf_counter() - self._since) / max(done, 1) * (total - done)
        said = f"task {done:,} of {total:,}, {left:,.0f} s left"
        self._progress.update(self._task, description=said, completed=done, total=total)

    def batch(self, tally: Any) -> None:
        """Scenarios of a batch so far, their rate and the time left."""
        done, total = len(tally.reports), tally.limit
        said = f"scenario {done:,} of {total:,}"
        if done:
            said += f", {tally.per_minute:.1f} a minute, {tally.minutes_left:.0f} min left"
        said += f", {tally.failed:,} failed" if tally.failed else ""
        self._progress.update(self._task, description=said, completed=done, total=total)


class Lines:
    """An observer of a batch that writes a line now and then, for logs."""

    EVERY = 30.0  # seconds

    def __init__(self) -> None:
        self._last = time.monotonic()

    def batch(self, tally: Any) -> None:
        """As above."""
        if time.monotonic() - self._last < self.EVERY:
            return
        self._last = time.monotonic()
        left = f"{tally.minutes_left:.0f} min left"
        said = f"{len(tally.reports):,} of {tally.limit:,}, {tally.failed:,} failed"
        print(f"{said}, {tally.per_minute:.1f} a minute, {left}", file=sys.stderr, flush=True)
