"""Your own tasks against a run: which fall to the cost of a person first, and how many by when.

    ./scripts/simulate run base
    .venv/bin/python scripts/own_tasks.py runs/<id> scripts/tasks.csv

tasks.csv beside this script is the table to copy and fill in. What stands below is what a model of
your own would start from: `tasks` returns plain rows. Expected counts need no more than the
probabilities; a number that depends on several tasks together would need their joint draws.
"""

import csv
import sys

from simulator import open_run
from simulator.faults import BadInput
from simulator.questions.tasks import tasks
from simulator.seal import Damaged


def main(arguments: list[str]) -> None:
    """Print the tasks by median date, and the expected number undercut by each date."""
    if len(arguments) != 2:
        raise SystemExit("usage: own_tasks.py RUN TASKS.csv")
    with open(arguments[1], newline="", encoding="utf-8-sig") as file:
        rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]
    try:
        found = tasks(open_run(arguments[0]), rows)
    except (BadInput, Damaged, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None
    for row in sorted(found, key=lambda row: row["undercut"]["q50"] or "never"):
        low, middle, high = (row["undercut"][q] or "never" for q in ("q05", "q50", "q95"))
        print(f"{middle:10}  (90%: {low} to {high})  {row['name']!r}")
    for days in zip(*(row["by"] for row in found), strict=True):
        expected = sum(day["probability"] or 0 for day in days)
        print(f"by {days[0]['date']}: {expected:.1f} of {len(found)} expected to be undercut")


if __name__ == "__main__":
    main(sys.argv[1:])
