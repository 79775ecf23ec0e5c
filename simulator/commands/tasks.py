"""`simulator tasks`: when AI does a user's own tasks for what a person costs."""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click

from simulator.faults import BadInput, Fault
from simulator.options import as_json, emit, opened, watched


@click.command("tasks", short_help="When AI does your own tasks for what people cost.")
@click.argument("run")
@click.argument("table", type=click.Path(path_type=Path), metavar="TASKS.csv")
@click.option("--by", "dates", multiple=True, metavar="DATE",
              help="Repeatable. Default: the dates of the forecast, and the horizon.")  # fmt: skip
@click.option("--out", metavar="FILE.csv|-", help="Write a line per task there; - is stdout.")
@click.option("--all", "everything", is_flag=True, help="The cost at each date too.")
@as_json
def command(
    run: str, table: Path, dates: tuple[str, ...], out: str | None, everything: bool, as_json: bool
) -> int:
    """When, and how likely, the cost of each task falls to what a person costs.

    TASKS.csv has the columns name, cost_usd (today's cost by AI, at its debut), debut (a date) and
    human_cost_usd, and may have resembles (a benchmark; else new), kind (real, or benchmark) and
    priced (the date of cost_usd where that is not the debut).
    """
    from simulator.questions import task_tables as shown
    from simulator.questions import tasks as own

    if out == "-" and as_json:
        raise BadInput([Fault("--out", "usage", "and --json both want stdout", "name a file")])
    if out is not None:
        shown.refuse_out(out, table)
    stated, faults = own.read(table)
    found = _opened(run, faults)
    asked = own.checked(found, stated, faults, dates)
    kept: list[dict[str, Any]] = []
    with watched() as display:
        rows = _kept(_watched(found, asked, display), kept, None if as_json else shown.MOST)
        if out is None:
            deque(rows if as_json else islice(rows, shown.MOST), maxlen=0)
        else:
            with shown.written(out) as file:
                shown.write_csv(file, rows, found)
    if as_json:
        emit({"run": found.id, "status": found.status, "tasks": kept})
    elif out != "-":
        from simulator import tables

        tables.print_checks(found)
        shown.print_tasks(kept, len(asked.own), str(asked.scenario.forecast.horizon), everything)
        if out is not None:
            click.echo(f"\n{out}")
    return 0


def _watched(found: Any, asked: Any, display: Any) -> Iterator[dict[str, Any]]:
    from simulator.questions.tasks import undercutting

    for done, row in enumerate(undercutting(found, asked), 1):
        if display is not None:
            display.tasks(done, len(asked.own))
        yield row


def _kept(rows: Iterator, kept: list, most: int | None) -> Iterator[dict[str, Any]]:
    """The same rows, the first of them kept to be shown."""
    for row in rows:
        if most is None or len(kept) < most:
            kept.append(row)
        yield row


def _opened(run: str, faults: list[Fault]) -> Any:
    """The run; that there is none is one fault among the others."""
    from simulator.questions.sheets import refuse

    try:
        return opened(run)
    except BadInput as error:
        refuse([*error.faults, *faults])
