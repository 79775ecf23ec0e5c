"""Two runs and the way between them, as people read it in a terminal."""

from itertools import groupby
from typing import Any

from simulator import tables
from simulator.differences import Difference
from simulator.run import Run
from simulator.units import error, power, show

HOW = {
    "weights": "by weights on the draws",
    "moved": "on the same draws: no observation speaks to it",
    "questions": "asked of the same draws",
    "sampling": "between the two runs' own draws",
    "refit": "sampled",
    "joint": "together: weights do not tell them apart; --refit samples what lies between",
}
NOTHING = 1e-9
FIRST = 24  # columns of labels, at the least

type Row = dict[str, Any]


def print_difference(found: Difference, runs: list[Run]) -> None:
    """What failed first, then what changed, then the way of each headline."""
    for name, run in zip("AB", runs, strict=True):
        tables.say(tables.style(f"{name}: {run.id}", bold=True))
        tables.print_checks(run)
    tables.say()
    _print_changes(found.changes)
    if found.outputs:
        tables.say()
        _print_steps(found.steps)
        _print_outputs(found)
    if found.not_comparable:
        names = "; ".join(f"{row['output']} ({row['only_in']})" for row in found.not_comparable)
        tables.note(f"Not comparable, in one of them only: {names}.")


def _print_changes(changes: dict[str, list[Row]]) -> None:
    if not changes:
        tables.say("nothing differs")
        return
    body: list[list[str]] = []
    for section, rows in changes.items():
        body.append([section])
        body += [[f"  {_named(row)}", row["before"], row["after"]] for row in rows]
    tables.print_grid(["", "A", "B"], body)


def _named(row: Row) -> str:
    return f"{row['name']}, {row['unit']}" if row["unit"] else row["name"]


def _print_steps(steps: list[Row]) -> None:
    for i, step in enumerate(steps, 1):
        tables.say(f"step {i}: {'; '.join(step['labels'])} ({HOW[step['by']]})")


def _print_outputs(found: Difference) -> None:
    header = ["", "A", *(f"step {i + 1}" for i in range(len(found.steps))), "B"]
    body = _across(found.outputs)
    full = [row[1:] for row in (header, *body) if len(row) > 1]
    needed = sum(2 + max(map(len, column)) for column in zip(*full, strict=True))
    tables.say()
    if FIRST + needed <= tables.width():
        tables.print_grid(header, body)
    else:
        tables.print_grid(["", "change", "median"], _down(found.outputs))
    said = "Medians of A and B, and by how much each step moves it, with its Monte Carlo error;"
    said += " x0.5 halves it, - leaves it as it is. Steps multiply (of years: add) to the whole way"
    said += " from A to B. never: so the median is after the step; from never: so it was before."
    tables.note(said)


def _across(outputs: list[Row]) -> list[list[str]]:
    body: list[list[str]] = []
    for title, rows in groupby(outputs, key=lambda row: row["heading"]):
        body.append([title])
        for row in rows:
            unit = row["unit"]
            steps = [moved(step, unit) for step in row["steps"]]
            ends = show(row["before"], unit), show(row["after"], unit)
            body.append([f"  {row['label']}", ends[0], *steps, ends[1]])
    return body


def _down(outputs: list[Row]) -> list[list[str]]:
    """A line per step that changes something instead, where columns do not fit."""
    body: list[list[str]] = []
    for row in outputs:
        unit = row["unit"]
        body.append([f"{row['heading']}, {row['label']}"])
        body.append(["  A", "", show(row["before"], unit)])
        for i, step in enumerate(row["steps"], 1):
            name = f"  step {i}" + (", B" if i == len(row["steps"]) else "")
            by = moved(step, unit)
            if by != "-" or i == len(row["steps"]):
                body.append([name, by, show(step["median"], unit)])
    return body


def moved(step: Row, unit: str) -> str:
    """A change of a median with its error: a factor where the unit is OOM, else a difference."""
    by, spread = step["change"], step["error"]
    if by is None:
        return show(step["median"], unit) if step["median"] is None else "from never"
    if abs(by) < NOTHING and (spread or 0) < NOTHING:
        return "-"
    if unit.startswith("OOM") and "per" not in unit:
        return f"x{power(by).rstrip()} {error(spread, unit)}".rstrip()
    return f"{by:+.2f}" + ("" if spread is None else f" ±{spread:.2f}")
