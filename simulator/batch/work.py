"""One scenario of a batch, wherever it is worked on: what is asked for and what came of it.

Orders and reports are plain data, so that they pass to any process on any machine that sees the
batch's folder.
"""

import errno
import resource
import sys
import time
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from simulator import outcome, seal
from simulator.batch.plan import Item
from simulator.batch.store import Store
from simulator.faults import BadInput, Fault
from simulator.run import Run, open_run
from simulator.scenario import Scenario, variants

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}


class Order(NamedTuple):
    """A scenario to be sampled into the folder of its batch."""

    store: str
    base: str
    item: dict[str, Any]  # the fields of an Item, without faults
    threads: int = 1
    parents: Sequence[str] = ()  # folders of runs that may be reweighted instead

    @classmethod
    def of(
        cls, item: Item, store: Store, base: str, threads: int, parents: Sequence[str] = ()
    ) -> "Order":
        fields = ("key", "at", "set", "seed", "scenario", "shape")
        return cls(str(store.path), base, {f: getattr(item, f) for f in fields}, threads, parents)


class Report(NamedTuple):
    """What came of an order.

    `status` is passed or failed (by its checks; `kind` says if it was reweighted), elsewhere
    (another process has it), error (with `kind` and `why`), or stop: nothing more can be written.
    """

    key: str
    status: str
    kind: str = ""
    why: str = ""
    seconds: float = 0.0
    peak_mb: float = 0.0


def work(order: Order) -> Report:
    """Sample and seal, unless it is done already or at work; an error is recorded and reported."""
    store, item = Store(order.store), Item(**order.item)
    since = time.perf_counter()
    with store.held(item.key) as ours:
        if not ours:
            return Report(item.key, "elsewhere")
        report = _done(store, item) or _worked(store, item, order)
        if report.status == "error":
            store.fail(item, report.kind, report.why)
        elif report.status != "stop":
            store.forgive(item.key)
    seconds = time.perf_counter() - since
    return report._replace(seconds=round(seconds, 3), peak_mb=peak_mb())


def lost(order: Order, kind: str, why: str) -> Report:
    """What to say of an order whose worker is gone; it may have been done just before."""
    store, item = Store(order.store), Item(**order.item)
    report = _done(store, item) or _error(item, kind, why)
    if report.status == "error":
        store.fail(item, kind, why)
    return report


def peak_mb() -> float:
    """The most memory that this process has had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


_vary = cache(variants)  # a worker reads the files of its batch once


def _done(store: Store, item: Item) -> Report | None:
    path = store.path / item.folder
    if not path.exists():
        return None
    try:
        return Report(item.key, seal.manifest(path)["about"]["status"])
    except seal.Damaged as error:
        return _error(item, "damaged", f"{error}; move it away")


def _worked(store: Store, item: Item, order: Order) -> Report:
    try:
        scenario = _vary(order.base)(item.set)
        _refuse_change(scenario, item)
        if run := _reweighted(store, item, scenario, order.parents):
            return Report(item.key, run.status, "reweighted")
        from simulator.pipeline import simulate

        run = simulate(scenario, item.seed, store.path, name=item.folder, threads=order.threads)
    except FileExistsError:  # made by someone whom no lock reached
        return _done(store, item) or _error(item, "crashed", "its folder came and went")
    except BadInput as error:
        full = any(fault.key == "--into" for fault in error.faults)
        why = "; ".join(str(fault) for fault in error.faults)
        return Report(item.key, "stop", "disk", why) if full else _error(item, "bad input", why)
    except OSError as error:
        why = f"{error.filename or store.path}: {error.strerror or error}"
        if error.errno in FULL:
            return Report(item.key, "stop", "disk", why)
        return _error(item, "crashed", why)
    except Exception as error:  # whatever it is, the rest of the batch goes on
        return _error(item, "crashed", f"{type(error).__name__}: {error}")
    return Report(item.key, run.status)


def _reweighted(store: Store, item: Item, scenario: Scenario, parents: Sequence[str]) -> Run | None:
    """A run done before as this scenario has it; None where none can be trusted to say so."""
    for name in parents:
        if not (store.path / name).exists():
            continue
        from simulator.reweight import trusted

        if run := trusted(open_run(store.path / name), scenario, store.path, item.folder):
            return run
    return None


def _error(item: Item, kind: str, why: str) -> Report:
    return Report(item.key, "error", kind, why)


def _refuse_change(scenario: Scenario, item: Item) -> None:
    if outcome.key(scenario.digest, item.seed) != item.key:
        rule = "or its evidence has changed since the batch was planned"
        raise BadInput([Fault(scenario.name, "scenario", rule, "run the batch again")])
