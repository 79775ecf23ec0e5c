"""Answers frozen on the day that they were given, so that the world can score them later."""

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulator import __version__, seal
from simulator.outcome import dump
from simulator.questions import answer
from simulator.questions.question import Question
from simulator.questions.source import Mixed, Source
from simulator.run import Run

FORMAT = "simulator-frozen-1"
FILE = "forecasts.json"
SPENDS = ("rl_spend_usd", "cost_per_use_usd")  # which break-even uses are asked for


def freeze(run: Run, questions: Sequence[Question], into: Path) -> Path:
    """Seal the answers to questions, draws and prior included, as a new folder in `into`.

    Its name begins with today's date and ends with the digest of what it holds. Raises BadInput or
    OSError where nothing can be written; nothing half written is left.
    """
    seal.refuse_unwritable(into, 400_000 * len(questions))
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    at = answer.posterior(run)
    about = {"id": run.id, "scenario": run.scenario, "seed": run.seed, "status": run.status}
    items = [_item(asked, run, dt.date.fromisoformat(now[:10])) for asked in questions]
    about |= {"digest": run.record["scenario_digest"], "created": run.created}
    spends = {
        one.run.id: {key: getattr(one.scenario.forecast, key) for key in SPENDS}
        for one in at.sources
    }
    frozen = {"format": FORMAT, "frozen": now, "simulator": __version__, "run": about,
              "spends": spends, "items": items}  # fmt: skip
    text = dump(frozen)
    digest = hashlib.sha256(json.dumps(items, sort_keys=True, default=str).encode()).hexdigest()[
        :10
    ]
    name = f"{now[:10].replace('-', '')}-{run.scenario}-{digest}"
    return seal.seal(into, name, {FILE: text}, {"format": FORMAT, "frozen": now, "run": about})


def _item(asked: Question, run: Run, today: dt.date) -> dict[str, Any]:
    """One question with its answer and all that it was made from."""
    at = answer.posterior(run)
    found, before = answer.forecasts(asked, run)
    tasks = {one.run.id: one.run.spec["task"][asked.task] for one in at.sources if asked.task}
    return {
        "question": written(asked),
        "task": tasks or None,
        "answer": answer.said(asked, run, found, before),
        "forecast": found.to_json(),
        "prior": before.to_json() if before else None,
        "cost_at_freezing_usd": _cost_now(asked, at, today),
    }


def _cost_now(asked: Question, at: Source | Mixed, today: dt.date) -> float | None:
    """Median cost on this day of a task whose cost is asked for, which naive forecasters start
    from; None before its debut and of anything else."""
    if asked.quantity != "task_cost":
        return None
    debuts = [each.scenario.tasks[asked.task].debut for each in at.sources]
    if not max(debuts) <= today <= asked.date:
        return None
    coords = asked.coords | {"date": today}
    return float(10 ** np.median(at.values(asked.askable, coords)))


def written(asked: Question) -> dict[str, Any]:
    """A question as a file holds it, with what was left unsaid."""
    said = asked.model_dump(mode="json", exclude_none=True)
    return said | {k: v for k, v in said.items() if k in asked.coords}
