"""A batch on a Dask cluster that is already there; its workers see the batch's folder."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from simulator.batch.pool import AGAIN
from simulator.batch.work import Order, Report, lost, work
from simulator.faults import BadInput, Fault

WAIT = "30s"  # for the scheduler to answer
TRIES = 5  # of an order that the cluster loses together with a worker that died of another


def remote(orders: Sequence[Order], scheduler: str) -> Iterator[Report]:
    """Reports of all orders as they come from the workers of a scheduler.

    A task that kills its worker is not given to another one. Raises BadInput where there is no
    Dask, or nobody answers.
    """
    client, as_completed = _client(scheduler)
    with client:
        tries: Counter[str] = Counter()
        orders_of = {_submit(client, order, tries): order for order in orders}
        running = as_completed(list(orders_of), loop=client.loop)
        for future in running:
            order = orders_of.pop(future)
            report = _report(future, order)
            if report is None and tries[order.item["key"]] >= TRIES:
                report = lost(order, "crashed", f"the cluster lost it {TRIES} times")
            if report is None or report.status == "elsewhere":
                if report:
                    tries[order.item["key"]] -= 1
                    time.sleep(AGAIN)
                again = _submit(client, order, tries)
                orders_of[again] = order
                running.add(again)
            else:
                yield report


def _client(scheduler: str) -> tuple[Any, Any]:
    try:
        from distributed import Client, as_completed
    except ImportError:
        fix = "install the extra: pip install '.[cluster]'"
        raise BadInput([Fault("--scheduler", scheduler, "needs dask.distributed", fix)]) from None
    try:
        return Client(scheduler, timeout=WAIT, set_as_default=False), as_completed
    except (OSError, ValueError, TimeoutError) as error:
        fix = "start one, or check the address, as in tcp://host:8786"
        fault = Fault("--scheduler", scheduler, f"does not answer ({error})", fix)
        raise BadInput([fault]) from None


def _submit(client: Any, order: Order, tries: Counter[str]) -> Any:
    key = order.item["key"]
    tries[key] += 1
    name = f"simulate-{key}-{time.time_ns()}"
    return client.submit(work, order, key=name, retries=0, pure=False)


def _report(future: Any, order: Order) -> Report | None:
    """What came of a task; None where it was lost through no fault of its own."""
    if future.status in ("cancelled", "lost"):
        return None
    if future.status == "finished":
        return Report(*future.result())
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return lost(order, "killed", "with its worker; is memory short?")
    return lost(order, "crashed", f"{type(error).__name__}: {error}")
