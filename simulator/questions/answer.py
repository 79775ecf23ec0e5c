"""Answers: a probability or a distribution, with its error, its prior and how far it reaches."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator import diagnostics
from simulator.faults import BadInput
from simulator.prior import TABLED
from simulator.questions import reach
from simulator.questions.askable import NUMBERS
from simulator.questions.distribution import Forecast, label
from simulator.questions.question import Question, question, read_questions
from simulator.questions.source import Mixed, Source, parents, source
from simulator.run import Run
from simulator.scenario import sealed_scenario
from simulator.summary import NAMES, number

type Answer = dict[str, Any]


def distribution(run: Run, quantity: str, **coords: Any) -> Forecast:
    """The forecast of one number of a run, computed from its draws without sampling anew.

    Coords are those of a question: task, date, inference_factor, benchmark, algorithm, ... at any
    value, stored or not. Raises BadInput with every fault.
    """
    about = {"threshold_usd" if k == "threshold" else k: v for k, v in coords.items()}
    asked = checked([question(quantity, **{k: _plain(k, v) for k, v in about.items()})], run)
    return forecast(asked[0], posterior(run))


def _plain(name: str, value: Any) -> Any:
    """Dates in any form, also NumPy's; numbers as questions hold them."""
    if name == "date":
        return str(value)[:10]
    if name in NUMBERS and not isinstance(value, str):
        return float(value)
    return value


def posterior(run: Run) -> Source | Mixed:
    """The source of a run's answers, kept with the run so that nothing is computed twice."""
    if "posterior" not in run.sources:
        run.sources["posterior"] = source(run)
    return run.sources["posterior"]


def prior(run: Run) -> Source | Mixed | None:
    """The same before any evidence, kept as well; None where no evidence was used."""
    if "prior" not in run.sources:
        run.sources["prior"] = source(run, "prior") if posterior(run).observed else None
    return run.sources["prior"]


def checked(listed: Sequence[Any], run: Run, where: str = "question") -> list[Question]:
    """Questions in order for this run, no draw read; BadInput with every fault of all of them."""
    questions, faults = (), []
    for one in parents(run).values():
        questions, bad = read_questions(list(listed), where, sealed_scenario(one.path).known)
        faults += bad
    if faults:
        raise BadInput(faults)
    return list(questions)


def forecast(asked: Question, at: Source | Mixed) -> Forecast:
    """What a question asks for, with the run that it is from."""
    run = at.run
    provenance = {
        "run": run.id,
        "scenario": run.scenario,
        "digest": run.record["scenario_digest"],
        "seed": run.seed,
        "status": run.status,
        "created": run.created,
        "group": at.group,
    }
    values = at.values(asked.askable, asked.coords)
    return Forecast(asked.askable, asked.coords, values, provenance)


def answers(run: Run, questions: Sequence[Question]) -> list[Answer]:
    """Answers in the order of the questions; see `answer`."""
    return [answer(asked, run) for asked in questions]


def answer(asked: Question, run: Run) -> Answer:
    """One answer as plain data; see `said`."""
    return said(asked, run, *forecasts(asked, run))


def forecasts(asked: Question, run: Run) -> tuple[Forecast, Forecast | None]:
    """What a question asks for, and the same before any evidence where some was used."""
    before = prior(run)
    return forecast(asked, posterior(run)), None if before is None else forecast(asked, before)


def said(asked: Question, run: Run, found: Forecast, before: Forecast | None) -> Answer:
    """The answer that forecasts give, as plain data.

    With a threshold: probability, relation ("=", or "<" and ">" where no draw says otherwise; then
    the probability is one over the effective draws, or all but that), mcse. Without: quantiles
    q05 ... q95 in the unit of the quantity, None where infinite, prob_infinite, and mcse_q05,
    mcse_q50, mcse_q95 as kept (OOM where `kept_as` says so). Under `prior` the same before any
    evidence, None where none was used; under `beyond` how far the question reaches.
    """
    figures = probability if asked.at is not None else quantiles
    return {
        "id": asked.id,
        "text": asked.text,
        "quantity": asked.quantity,
        "unit": found.unit,
        "coords": {name: label(value) for name, value in found.coords.items()},
        "threshold": asked.at,
        "direction": asked.direction,
        **figures(asked, found),
        "prior": None if before is None else figures(asked, before),
        "beyond": reach.beyond(posterior(run), asked, found),
    }


def probability(asked: Question, found: Forecast) -> Answer:
    """How likely it is, never surely: what no draw shows is less likely than one effective draw."""
    at = found.inside(float(asked.at))  # type: ignore[arg-type]
    below = asked.direction == "below"
    held = found.holds(-math.inf, at) if below else found.holds(at, math.inf)
    share, size = float(held.mean()), effective(found.draws)
    finest = 1 / size
    if share < finest:
        return {"probability": finest, "relation": "<", "mcse": None}
    if share > 1 - finest:
        return {"probability": 1 - finest, "relation": ">", "mcse": None}
    return {
        "probability": share,
        "relation": "=",
        "mcse": diagnostics.mcse_mean(held.astype(float)),
    }


def quantiles(asked: Question, found: Forecast) -> Answer:
    """The five quantiles, how likely it is infinite, and the errors of three."""
    values = np.atleast_1d(found.quantile(TABLED)).tolist()
    ends = zip(NAMES, TABLED, strict=True)
    return {
        **{k: number(v) for k, v in zip(NAMES, values, strict=True)},
        "prob_infinite": found.prob_infinite,
        **{f"mcse_{k}": number(found.mcse_quantile(p)) for k, p in ends if k in THREE},
        "kept_as": f"log10 of {found.unit}" if found.askable.oom else found.unit,
    }


THREE = ("q05", "q50", "q95")


def effective(draws: np.ndarray) -> float:
    """Draws that chains are worth, for a share of them; one where they do not say."""
    size = diagnostics.mixing(draws).ess_bulk
    return max(size, 1.0) if math.isfinite(size) else float(draws.size)
