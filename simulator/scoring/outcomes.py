"""What came of the questions: a small CSV of ids and outcomes, read with every fault at once."""

import datetime as dt
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from simulator.dates import FORMS, decimal_year, last_day
from simulator.faults import BadInput, Fault, nearest
from simulator.questions.question import Question
from simulator.questions.sheets import Line, number, read_sheet, refuse
from simulator.units import INFINITE

YES, NO = ("yes", "true"), ("no", "false")
NEVER = ("never", "inf", "infinite", "infinity", "out of reach")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Outcome(NamedTuple):
    """What came: 1 or 0 of a probability, else a value in the question's unit, maybe infinite.

    `date` is the day on which it was known: as stated, or else the day that the question is about.
    """

    value: float
    date: dt.date | None
    source: str


class Outcomes(NamedTuple):
    """Outcomes by question id, the ids that have none yet, and ids that no forecast has."""

    known: dict[str, Outcome]
    open: list[str]
    strange: list[str]


def read_outcomes(path: Path, questions: Mapping[str, Question]) -> Outcomes:
    """Columns id and outcome, and perhaps date and source; BadInput with every fault.

    An outcome is a number in the question's unit, also with it ("$500"), never, or yes or no where
    a probability was asked for; a number there is held against the threshold. An empty one, and a
    question without a row, is open.
    """
    sheet = read_sheet(path, ("id", "outcome"), ("date", "source"))
    faults, known, first = list(sheet.faults), {}, {}
    for line in sheet.lines:
        name = line.cells["id"]
        if first.setdefault(name, line.where) != line.where:
            rule = f"has an outcome in {first[name]} already"
            faults.append(Fault(line.where, repr(name), rule, "keep one of them"))
        elif name in questions and line.cells["outcome"]:
            found, bad = _outcome(line, questions[name], sheet.separator)
            faults += bad
            known |= {name: found} if found else {}
    strange = [name for name in first if name not in questions]
    if first and len(strange) == len(first):
        fix = nearest(strange[0], questions)
        faults.append(Fault(str(path), "id", "none of them is that of a frozen question", fix))
    refuse(faults)
    return Outcomes(known, [name for name in questions if name not in known], strange)


def _outcome(line: Line, question: Question, separator: str) -> tuple[Outcome | None, list[Fault]]:
    faults = []
    value, date = math.nan, None
    try:
        value = _value(line.cells["outcome"], question, separator)
    except ValueError as error:
        unit = question.askable.unit
        fix = f"write a number of {unit}" if question.threshold is None else (
            f"write yes, no, or a number of {unit}"
        )  # fmt: skip
        faults.append(Fault(line.where, "outcome", str(error), fix))
    try:
        date = last_day(line.cells["date"]) if line.cells.get("date") else question.date
    except ValueError as error:
        faults.append(Fault(line.where, "date", str(error), f"write a date as {FORMS}"))
    if date and question.date and question.threshold is None and date < question.date:
        rule = f"{date} is before the day that the question is about, {question.date}"
        faults.append(Fault(line.where, "date", rule, "write the day on which it was known"))
    return (None, faults) if faults else (Outcome(value, date, line.cells.get("source", "")), [])


def _value(text: str, question: Question, separator: str) -> float:
    """An outcome as a number; raises ValueError in words where it is none."""
    asked, word = question.askable, text.casefold()
    if question.threshold is not None and word in (*YES, *NO):
        return float(word in YES)
    if word in (*YES, *NO):
        raise ValueError(f"{text!r} does not answer how much {asked.name} is")
    if word in NEVER:
        if asked.kept_unit not in INFINITE:
            raise ValueError(f"{asked.name} is never infinite")
        value = math.inf
    elif asked.unit == "year" and DAY.fullmatch(text):
        value = decimal_year(last_day(text))
    else:
        value = asked.number(number(text, separator))
    if asked.positive and value <= 0:
        raise ValueError(f"{text!r} is not above 0 {asked.unit}")
    if asked.unit == "years" and value < 0:
        raise ValueError(f"{text!r} is before the debut")
    if question.threshold is None:
        return value
    return float((value <= question.at) == (question.direction == "below"))


def hindsight(frozen: dt.datetime, outcome: Outcome) -> bool:
    """Whether the outcome may have been known: not frozen before the day on which it was."""
    return outcome.date is not None and frozen.date() >= outcome.date


def unknown_days(found: Outcomes) -> list[str]:
    """Questions whose outcome is of no stated day, so that hindsight cannot be told."""
    return [name for name, outcome in found.known.items() if outcome.date is None]


def refuse_none(path: Path, found: Outcomes) -> None:
    """BadInput where no question has an outcome."""
    if not found.known:
        rule, fix = "gives no frozen question an outcome", "wait, or check its ids"
        raise BadInput([Fault(str(path), "outcome", rule, fix)])
