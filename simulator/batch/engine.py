"""A batch from file to folder of runs: what is missing is handed out, and nothing is done twice."""

import time
from collections.abc import Callable, Container, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from simulator import seal
from simulator.batch import TIMEOUT_MINUTES
from simulator.batch.plan import Item, Plan, plan
from simulator.batch.pool import local, processes, processors
from simulator.batch.store import Store
from simulator.batch.work import Order, Report

EACH = 8  # one in so many of a kind is sampled before others are made from it
PARENTS = 3  # runs that are tried in turn; more would take the time that sampling takes

type Kind = tuple[str, int]
type Phase = list[tuple[Item, tuple[str, ...]]]


class Observer(Protocol):
    """Told how a batch goes."""

    def batch(self, tally: "Tally") -> None:
        """Something was done."""


class Silence:
    """An observer that does nothing."""

    def batch(self, tally: "Tally") -> None: ...


@dataclass
class Tally:
    """How far a batch is: counts of its distinct scenarios, or of the shard asked for."""

    name: str
    path: Path
    labels: dict[str, str]  # by key, of those to be done now
    faulty: int  # bad input
    total: int
    before: int  # done when it began
    limit: int  # how many of the others were to be done
    failed_before: int = 0  # of those done before: by their checks, or damaged since
    reports: list[Report] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    @property
    def done(self) -> int:
        return self.before + sum(report.status in ("passed", "failed") for report in self.reports)

    @property
    def failed(self) -> int:
        """Bad input, failed checks and errors; also of what was done before."""
        now = sum(report.status != "passed" for report in self.reports)
        return self.faulty + self.failed_before + now

    @property
    def per_minute(self) -> float:
        seconds = self.seconds or time.monotonic() - self.began
        return 60 * len(self.reports) / max(seconds, 1e-9)

    @property
    def minutes_left(self) -> float:
        """At the rate so far; infinite before the first report."""
        left = self.limit - len(self.reports)
        return left / self.per_minute if self.reports else float("inf")

    @property
    def peak_mb(self) -> float:
        """The most memory that one worker has had."""
        return max((report.peak_mb for report in self.reports), default=0.0)

    def to_json(self) -> dict[str, Any]:
        """As one plain object."""
        return {
            "name": self.name,
            "path": str(self.path),
            "total": self.total,
            "done": self.done,
            "done_before": self.before,
            "failed_before": self.failed_before,
            "bad_input": self.faulty,
            "failed": self.failed,
            "seconds": self.seconds,
            "per_minute": self.per_minute,
            "peak_mb": self.peak_mb,
            "reports": [report._asdict() for report in self.reports],
        }

    @property
    def stopped(self) -> str:
        """Why it ended before its time, if it did."""
        return next((report.why for report in self.reports if report.status == "stop"), "")


def run_batch(
    file: str | Path,
    into: str | Path,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    limit: int | None = None,
    shard: tuple[int, int] = (1, 1),
    reweight: bool = False,
    timeout_minutes: float = TIMEOUT_MINUTES,
    observer: Observer | None = None,
) -> Tally:
    """Sample what is missing of a batch into its folder; again and again, until nothing is.

    `jobs` processes work on this machine (one per processor by default and at most), or the workers
    of a Dask `scheduler`; their number changes no number in any run. `shard` (i, n) takes every
    n-th of the scenarios from the i-th on. A process that takes longer than `timeout_minutes` of
    one scenario is killed and the scenario recorded as failed; a Dask cluster has no such limit.
    Raises BadInput with the faults of the file, or where nothing can be
    written; those of single scenarios are recorded, as is whatever else fails, and stop nothing.
    """
    planned = plan(file)
    store = Store(into)
    seal.refuse_unwritable(store.path)
    store.keep_plan(planned)
    for item in planned.faulty:
        store.fail(item, "bad input", "; ".join(map(str, item.faults)))
    first, of = shard
    mine = planned.distinct[first - 1 :: of]
    done = store.runs()
    missing = [item for item in mine if item.key not in done]
    chosen = _spread(missing)[:limit]
    tally = Tally(
        name=planned.name,
        path=store.path,
        labels={item.key: item.label for item in chosen},
        faulty=len(planned.faulty),
        total=len(mine),
        before=len(mine) - len(missing),
        limit=len(chosen),
        failed_before=sum(not _passed(done[item.key]) for item in mine if item.key in done),
    )
    observer = observer or Silence()
    observer.batch(tally)
    if chosen:
        hand_out = _hand_out(store, planned.base, jobs, scheduler, timeout_minutes)
        phases: list[Phase] = [[(item, ()) for item in chosen]]
        if reweight:
            phases = _phases(chosen, mine, planned, done)
        with closing(_reports(phases, hand_out)) as reports:
            for report in reports:
                tally.reports.append(report)
                observer.batch(tally)
                if report.status == "stop":
                    break
    tally.seconds = time.monotonic() - tally.began
    return tally


def _passed(run: Path) -> bool:
    try:
        return seal.manifest(run)["about"].get("status") == "passed"
    except seal.Damaged:
        return False


def _hand_out(
    store: Store, base: str, jobs: int | None, scheduler: str | None, timeout_minutes: float
) -> Callable[[Phase], Iterator[Report]]:
    """How items are handed out, each with the runs that may be reweighted instead."""

    def orders(phase: Phase, threads: int) -> list[Order]:
        return [Order.of(item, store, base, threads, parents) for item, parents in phase]

    def here(phase: Phase) -> Iterator[Report]:
        many = min(processes(jobs), len(phase))
        return local(orders(phase, max(processors() // many, 1)), many, timeout_minutes)

    def there(phase: Phase) -> Iterator[Report]:
        from simulator.batch.cluster import remote

        return remote(orders(phase, 1), scheduler)

    return here if scheduler is None else there


def _reports(
    phases: list[Phase], hand_out: Callable[[Phase], Iterator[Report]]
) -> Iterator[Report]:
    for phase in phases:
        if phase:
            with closing(hand_out(phase)) as reports:
                yield from reports


def _phases(
    chosen: list[Item], mine: list[Item], planned: Plan, done: Container[str]
) -> list[Phase]:
    """First one in EACH of every kind; then the others, each with the nearest runs of its kind.

    Of one kind are scenarios that differ in beliefs or questions alone, with one seed. Near is what
    is listed near. Which are sampled first does not depend on what is done already.
    """
    place = {item.key: n for n, item in enumerate(planned.distinct)}
    sampled = {item.key for items in _by_kind(mine).values() for item in items[::EACH]}
    firsts = [item for item in chosen if item.key in sampled]
    known = _by_kind([*(item for item in planned.distinct if item.key in done), *firsts])

    def nearest(item: Item) -> tuple[str, ...]:
        runs = known.get(item.kind, [])
        near = sorted(runs, key=lambda run: abs(place[run.key] - place[item.key]))
        return tuple(run.folder for run in near[:PARENTS])

    rest = [(item, nearest(item)) for item in chosen if item.key not in sampled]
    return [[(item, ()) for item in firsts], rest]


def _by_kind(items: list[Item]) -> dict[Kind, list[Item]]:
    kinds: dict[Kind, list[Item]] = {}
    for item in items:
        kinds.setdefault(item.kind, []).append(item)
    return kinds


def _spread(items: list[Item]) -> list[Item]:
    """One of each shape first, so that what has to be compiled is compiled side by side."""
    firsts = {item.shape: item for item in reversed(items)}
    first = [item for item in items if firsts[item.shape] is item]
    return first + [item for item in items if firsts[item.shape] is not item]
