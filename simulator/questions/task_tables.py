"""What people read of their own tasks: a table in the terminal, and a CSV file for spreadsheets."""

import csv
import math
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from simulator.faults import BadInput, Fault
from simulator.questions.sheets import cell, plain
from simulator.questions.shown import share
from simulator.tables import MIDDLE, note, print_grid, say, style, width
from simulator.units import show, significant
from simulator.whole import refuse, whole

if TYPE_CHECKING:
    from simulator.run import Run

type Row = dict[str, Any]

NAMES = ("q05", "q25", "q50", "q75", "q95")
WORDS = {"=": "equal", "<": "below", ">": "above"}  # a sign would begin a formula
ENDS = ("q05", "q50", "q95")
STATED = ("name", "cost_usd", "debut", "human_cost_usd", "resembles", "kind", "priced")
MOST = 100  # rows that a terminal is shown
READING = """\
by: how likely it is that AI does the task for what a person costs, or less, by that date. when: the
date on which it comes to that; 5% of the probability lies before the 5% column, 5% after the 95%
column; never is before the horizon, {horizon}. Costs of people are held as stated."""


def print_tasks(rows: list[Row], count: int, horizon: str, everything: bool = False) -> None:
    """Probabilities by date and the date itself, a line per task; with `everything` costs too."""
    wide = width() >= MIDDLE
    dates = [day["date"] for day in rows[0]["by"]]
    near = (3 if wide else 2) if len(dates) > (4 if wide else 3) else len(dates) - 1
    shown = [*range(near), len(dates) - 1]
    body = [
        [
            plain(row["name"]),
            *([_usd(row["cost_usd"])] if wide else []),
            _usd(row["human_cost_usd"]),
            *(_share(row["by"][i]) for i in shown),
            *(_month(row["undercut"][q]) for q in ENDS),
            *([share(row["undercut"]["never"])] if wide else []),
        ]
        for row in rows
    ]
    by = [dates[i][:7] for i in shown]
    by[0] = f"by {by[0]}"
    header = [
        "",
        *(["AI"] if wide else []),
        "person",
        *by,
        "when 5%",
        "50%",
        "95%",
        *(["never"] if wide else []),
    ]
    say()
    print_grid(header, body)
    if everything:
        _print_costs(rows)
    if count > len(rows):
        say(f"… and {count - len(rows):,} more: --out FILE.csv writes all")
    note(f"{READING.format(horizon=horizon)} {_errors(rows)}")
    if said := _beyond(rows):
        for line in textwrap.wrap(f"beyond the evidence by {dates[-1]}: {said}", width()):
            say(style(line, fg="yellow"))


def _print_costs(rows: list[Row]) -> None:
    wide = width() >= MIDDLE
    body: list[list[str]] = []
    for row in rows:
        title = f"Cost of: {plain(row['name'])}"
        body.append([title if len(title) <= width() else f"{title[: width() - 1]}…"])
        for day in row["by"]:
            if day["cost_usd"] is not None:
                cost = (_usd(day["cost_usd"][q]) for q in ENDS)
                prior = [share(day["prior"]) if day["prior"] else ""] if wide else []
                body.append([f"  {day['date']}", *cost, _share(day), *prior])
    heads = ["5%", "50%", "95%", "undercut", *(["before any evidence"] if wide else [])]
    say()
    print_grid(["", *heads], body)


def _errors(rows: list[Row]) -> str:
    shares = [day["mcse"] for row in rows for day in row["by"] if day["mcse"] is not None]
    years = [row["undercut"]["mcse_q50"] for row in rows if row["undercut"]["mcse_q50"] is not None]
    said = []
    if shares:
        said.append(f"{significant(100 * max(shares), 1)} points of a probability")
    if years:
        said.append(f"{significant(12 * max(years), 1)} months of a median date")
    return f"Monte Carlo standard errors: at most {' and '.join(said)}." if said else ""


def _beyond(rows: list[Row]) -> str:
    """How far the last date reaches, and for how many of the tasks."""
    counts = Counter(said for row in rows for said in row["beyond"]).most_common(3)
    return "; ".join(f"{said} ({count} of {len(rows)})" for said, count in counts)


def _usd(value: float | None) -> str:
    return show(None if value is None else math.log10(value), "OOM USD").strip()


def _share(day: Row) -> str:
    return "-" if day["probability"] is None else share(day)


def _month(date: str | None) -> str:
    return "never" if date is None else date[:7]


# --- CSV ------------------------------------------------------------------------------------------


def write_csv(file: IO[str], rows: Iterable[Row], run: "Run") -> None:
    """One line per task: what was stated, then by date, then the date itself, then the run.

    Texts are quoted and harmless (see simulator.questions.sheets.cell), numbers are not quoted, and
    what there is not before a debut is empty. What is not before the horizon is the word never.
    """
    writer = csv.writer(file, quoting=csv.QUOTE_STRINGS, lineterminator="\n")
    about = {"run": run.id, "status": run.status, "digest": run.record["scenario_digest"]}
    for i, row in enumerate(rows):
        flat = dict(_flat(row)) | about
        if i == 0:
            writer.writerow(flat)
        writer.writerow([cell(x) if isinstance(x, str) else x for x in flat.values()])


def _flat(row: Row) -> Iterator[tuple[str, Any]]:
    for name in STATED:
        yield name, row[name]
    for day in row["by"]:
        date, cost, prior = day["date"], day["cost_usd"] or {}, day["prior"] or {}
        yield f"probability_{date}", day["probability"]
        yield f"relation_{date}", day["relation"] and WORDS[day["relation"]]
        yield f"mcse_{date}", day["mcse"]
        yield f"prior_probability_{date}", prior.get("probability")
        for q in ENDS:
            yield f"cost_usd_{q}_{date}", cost.get(q)
    when = row["undercut"]
    for q in NAMES:
        yield f"undercut_{q}", when[q] or "never"
    yield "probability_never", when["never"]["probability"]
    yield "relation_never", WORDS[when["never"]["relation"]]
    yield "mcse_undercut_q50_years", when["mcse_q50"]


@contextmanager
def written(out: str) -> Iterator[IO[str]]:
    """A text file that appears whole or not at all; "-" is stdout."""
    if out == "-":
        yield sys.stdout
        return
    with whole(Path(out)) as made, made.open("w", encoding="utf-8", newline="") as file:
        yield file


def refuse_out(out: str, table: Path) -> None:
    """Raise BadInput where the file cannot be written, or would overwrite the table itself."""
    if out == "-":
        return
    path = Path(out)
    refuse(path, "--out", (".csv",))
    if path.exists() and table.exists() and path.samefile(table):
        raise BadInput([Fault(out, "--out", "is the table that is read", "name another file")])
