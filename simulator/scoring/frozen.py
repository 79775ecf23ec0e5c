"""Forecasts as they were frozen: read back from their sealed folders, every byte proven first."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from simulator import seal
from simulator.faults import BadInput, Fault
from simulator.questions.distribution import Forecast
from simulator.questions.freeze import FILE, FORMAT
from simulator.questions.question import Question, read_questions

type Row = dict[str, Any]


class Frozen(NamedTuple):
    """One question's forecast on the day it was frozen; `prior` is None where all was belief.

    `answer` is as in simulator.questions.answer, `run` says what made it. `cost_at_freezing_usd`,
    the forecast's median on that day, is there for costs of tasks alone.
    """

    folder: Path
    frozen: dt.datetime
    run: Row
    question: Question
    answer: Row
    forecast: Forecast
    prior: Forecast | None
    cost_at_freezing_usd: float | None


def read_frozen(folder: Path) -> list[Frozen]:
    """Every forecast in a frozen folder, or in a folder of such, the earliest first.

    Raises seal.Damaged with every fault of all of them, BadInput where there is none or where one
    id stands for different questions.
    """
    paths = list(_folders(folder))
    if not paths:
        rule, fix = "holds no frozen forecasts", "make some with: simulator ask RUN --freeze DIR"
        raise BadInput([Fault(str(folder), "folder", rule, fix)])
    _prove(folder, paths)
    found, faults = [], []
    for path in paths:
        try:
            found += _read(path)
        except BadInput as error:
            faults += error.faults
    found.sort(key=lambda each: each.frozen)
    faults += _twofold(found)
    if faults:
        raise BadInput(faults)
    return found


def _folders(folder: Path) -> Iterator[Path]:
    """What was frozen there, also where a part of it is missing; other sealed folders are not."""
    if not folder.is_dir():
        return
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] != "."]
    for path in (folder, *inside):
        if (path / FILE).exists() or _is_frozen(path):
            yield path


def _is_frozen(path: Path) -> bool:
    try:
        return seal.manifest(path)["about"].get("format") == FORMAT
    except (seal.Damaged, OSError):
        return False


def _prove(folder: Path, paths: list[Path]) -> None:
    damaged = []
    for path in paths:
        try:
            seal.verify(path)
        except seal.Damaged as error:
            damaged.append(error)
    if len(damaged) == 1:
        raise damaged[0]
    if damaged:
        raise seal.Damaged(folder, [f"{d.path.name}: {f}" for d in damaged for f in d.faults])


def _read(path: Path) -> list[Frozen]:
    where = str(path / FILE)
    try:
        text = json.loads((path / FILE).read_text("utf-8"))
        if text["format"] != FORMAT:
            raise ValueError(f"format {text['format']!r}, read here is {FORMAT!r}")
        moment = dt.datetime.fromisoformat(text["frozen"])
        if moment.tzinfo is None:
            raise ValueError("its moment is of no time zone")
        return [_item(path, moment.astimezone(dt.UTC), text["run"], x) for x in text["items"]]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        rule = f"is not as forecasts are frozen ({error})"
        raise BadInput(
            [Fault(where, "json", rule, "update the simulator, or leave it out")]
        ) from None


def _item(path: Path, moment: dt.datetime, run: Row, item: Row) -> Frozen:
    questions, faults = read_questions([item["question"]], str(path / FILE), None)
    if faults:
        raise BadInput(faults)
    (question,), answer = questions, item["answer"]
    if question.threshold is not None and not 0 < float(answer["probability"]) < 1:
        raise ValueError(f"{question.id} has no probability between 0 and 1")
    prior = None if item["prior"] is None else Forecast.from_json(item["prior"])
    return Frozen(
        path,
        moment,
        {"id": str(run["id"]), "scenario": str(run["scenario"]), "status": str(run["status"])},
        question,
        answer,
        Forecast.from_json(item["forecast"]),
        prior,
        item.get("cost_at_freezing_usd"),
    )


def _twofold(found: list[Frozen]) -> Iterator[Fault]:
    """Ids that ask different things in different folders, so that one outcome answers neither."""
    first: dict[str, Frozen] = {}
    for each in found:
        one = first.setdefault(each.question.id, each)
        if _asked(one.question) != _asked(each.question):
            rule = f"asks something else than in {one.folder.name}"
            fix = "score the folders one by one"
            yield Fault(str(each.folder), f"question.{each.question.id}", rule, fix)


def _asked(question: Question) -> tuple:
    """What it asks, without the words."""
    return question.quantity, question.coords, question.at, question.direction
