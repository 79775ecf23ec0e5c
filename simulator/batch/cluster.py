"""A batch on a Dask cluster that is already there; its workers see the batch's folder."""

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any

from simulator.batch.pool import AGAIN
from simulator.batch.work import Order, Report, lost, work
from simulator.faults import BadInput, Fault

WAIT = "30s"  # for the scheduler to answer
TRIES = 2  # of an order that was lost with a worker, which may have died of another


def remote(orders: Sequence[Order], scheduler: str) -> Iterator[Report]:
    """Reports of all orders as they come from the workers of a scheduler.

    No more are handed out than the cluster has threads, so that a worker which dies of one order
    takes few others with it; those are handed out again. Raises BadInput where there is no Dask, or
    nobody answers.
    """
    client, as_completed = _client(scheduler)
    with client:
        tries: Counter[str] = Counter()
        waiting, orders_of = deque(orders), dict[Any, Order]()
        running = as_completed(loop=client.loop)

        def hand_out() -> None:
            while waiting and len(orders_of) < max(sum(client.nthreads().values()), 1):
                order = waiting.popleft()
                tries[order.item["key"]] += 1
                future = _submit(client, order)
                orders_of[future] = order
                running.add(future)

        hand_out()
        for future in running:
            order = orders_of.pop(future)
            report = _report(future, order, last=tries[order.item["key"]] >= TRIES)
            if report is None:
                waiting.append(order)
            elif report.status == "elsewhere":
                tries[order.item["key"]] -= 1
                waiting.append(order)
                time.sleep(AGAIN)
            else:
                yield report
            hand_out()


def _client(scheduler: str) -> tuple[Any, Any]:
    try:
        from distributed import Client, as_completed
        from distributed.comm import get_address_host_port
    except ImportError:
        fix = "install the extra: pip install '.[cluster]'"
        raise BadInput([Fault("--scheduler", scheduler, "needs dask.distributed", fix)]) from None
    try:
        get_address_host_port(scheduler, strict=True)  # first: a client that fails on it lives on
        return Client(scheduler, timeout=WAIT, set_as_default=False), as_completed
    except (OSError, ValueError, TimeoutError) as error:
        fix = "start one, or check the address, as in tcp://host:8786"
        fault = Fault("--scheduler", scheduler, f"does not answer ({error})", fix)
        raise BadInput([fault]) from None


def _submit(client: Any, order: Order) -> Any:
    name = f"simulate-{order.item['key']}-{time.time_ns()}"
    return client.submit(work, order, key=name, retries=0, pure=False)


def _report(future: Any, order: Order, last: bool) -> Report | None:
    """What came of a task; None where it may not have been its own fault and was not the last."""
    if future.status == "finished":
        return Report(*future.result())
    error = future.exception() if future.status == "error" else None
    if error is None or type(error).__name__ == "KilledWorker":
        why = f"{TRIES} times with its worker; is memory short?"
        return lost(order, "killed", why) if last else None
    return lost(order, "crashed", f"{type(error).__name__}: {error}")
