"""A worker process: orders come as lines of JSON on its input, reports go out on its output.

It ends with whoever started it: when its input closes it stops at once, in the middle of a run too,
which leaves nothing behind that shows.
"""

import json
import os
import queue
import sys
import threading

from simulator.batch.work import Order, work


def main() -> None:
    """Work on orders until there are no more."""
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no report
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    while line := orders.get():
        report = work(Order(**json.loads(line)))
        reports.write(json.dumps(report._asdict()) + "\n")
        reports.flush()


def _listen(orders: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        orders.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
