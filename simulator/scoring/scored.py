"""Scores of frozen forecasts against what came, by question and overall, beside naive forecasters.

Everything is scored as it is kept: in OOM where a quantity spans orders of magnitude. Far from the
origin all values are one, so that what never happens has a place, and every score exists.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulator import scores, streams, uniformity
from simulator.backtest import TENFOLD
from simulator.dates import decimal_year
from simulator.faults import BadInput, Fault
from simulator.questions.answer import probability
from simulator.questions.distribution import Forecast
from simulator.scoring.frozen import Frozen, read_frozen
from simulator.scoring.outcomes import (
    Outcome,
    hindsight,
    read_outcomes,
    refuse_none,
    unknown_days,
)

# Beyond so much, as kept, all values are one: of a year, from the day of freezing on.
FAR = {"OOM": 12.0, "years": 20.0, "year": 20.0}
FURTHER = 1000.0  # in any other unit
FEW = 10  # questions; of fewer nothing follows
BINS = 20  # of the test of uniform PITs
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # of said probabilities, for their calibration
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
DISTRIBUTION = ("crps", "crps_before_evidence", "crps_no_change", "crps_tenfold", "log_score")
DISTRIBUTION += ("log_score_before_evidence", "interval_score", "interval_score_before_evidence")
DISTRIBUTION += ("pit", *(f"covered_{level}" for level in scores.LEVELS))
PROBABILITY = ("brier", "brier_before_evidence", "brier_half", "log_score")
PROBABILITY += ("log_score_before_evidence", "log_score_half")

type Row = dict[str, Any]


class Scored(NamedTuple):
    """A row per forecast scored, means over them, and what was left out and why.

    `hindsight` are forecasts frozen when the outcome may have been known, `open` questions without
    an outcome, `strange` outcomes of no question, `undated` outcomes of which hindsight cannot be
    told. `latest_only` says whether means are over the latest freezing of each question alone.
    """

    rows: list[Row]
    pooled: list[Row]
    calibration: list[Row]
    hindsight: list[Row]
    open: list[str]
    strange: list[str]
    undated: list[str]
    latest_only: bool

    def to_json(self) -> Row:
        """The scores as one plain object, with how they were made."""
        scoring = {
            "far": FAR | {"other": FURTHER},
            "log_score_bin": scores.BIN,
            "log_score_spread": scores.SPREAD,  # this much of a forecast ...
            "log_score_span": scores.SPAN,  # ... is spread evenly over this many units
            "interval_score_levels": scores.LEVELS,
            "standard_errors": "clustered by question",
        }
        return self._asdict() | {"scoring": scoring}


def score(forecasts: str | Path, outcomes: str | Path, every: bool = False) -> Scored:
    """Score a folder of frozen forecasts against a CSV of outcomes.

    Of several freezings of a question by one scenario each is scored, and the latest before the
    outcome counts overall; with `every` they all do. What was frozen on the day of the outcome or
    later is hindsight and is not scored. Raises BadInput with every fault, also where nothing is
    left to score, and seal.Damaged.
    """
    found = read_frozen(Path(forecasts))
    questions = {each.question.id: each.question for each in found}
    came = read_outcomes(Path(outcomes), questions)
    refuse_none(Path(outcomes), came)
    rows, late = [], []
    for each in found:
        outcome = came.known.get(each.question.id)
        if outcome is not None and hindsight(each.frozen, outcome):
            late.append(_about(each) | {"outcome_date": str(outcome.date)})
        elif outcome is not None:
            rows.append(scored(each, outcome))
    if not rows:
        first = late[0]
        rule = f"{first['id']} was frozen on {first['frozen'][:10]}, its outcome is of "
        rule += f"{first['outcome_date']}: hindsight, as are all others"
        raise BadInput([Fault(str(forecasts), "frozen", rule, "score what was frozen before")])
    latest = {(row["scenario"], row["id"]): row for row in rows}
    for row in rows:  # the earliest first, so the last one stays
        row["latest"] = latest[row["scenario"], row["id"]] is row
    counted = [row for row in rows if every or row["latest"]]
    return Scored(
        rows,
        list(pooled(counted)),
        calibration(counted),
        late,
        came.open,
        came.strange,
        unknown_days(came),
        not every,
    )


def scored(each: Frozen, outcome: Outcome) -> Row:
    """Every score of one forecast, beside those of the beliefs alone and of naive forecasters."""
    about = _about(each) | {"outcome_date": outcome.date and str(outcome.date)}
    if each.question.threshold is not None:
        return about | _of_probability(each, outcome.value)
    return about | _of_distribution(each, outcome.value)


def _about(each: Frozen) -> Row:
    return {
        "id": each.question.id,
        "text": each.question.text,
        "quantity": each.question.quantity,
        "scenario": each.run["scenario"],
        "run": each.run["id"],
        "status": each.run["status"],
        "folder": str(each.folder),
        "frozen": each.frozen.isoformat(),
    }


# --- probabilities --------------------------------------------------------------------------------


def _of_probability(each: Frozen, outcome: float) -> Row:
    said = float(each.answer["probability"])
    before = None if each.prior is None else probability(each.question, each.prior)["probability"]
    return {
        "kind": "probability",
        "probability": said,
        "relation": each.answer["relation"],
        "probability_before_evidence": before,
        "outcome": outcome,
        "brier": scores.brier(said, outcome),
        "brier_before_evidence": None if before is None else scores.brier(before, outcome),
        "brier_half": scores.brier(0.5, outcome),
        "log_score": _log(said, outcome),
        "log_score_before_evidence": None if before is None else _log(before, outcome),
        "log_score_half": _log(0.5, outcome),
    }


def _log(probability: float, outcome: float) -> float:
    return float(np.log(probability if outcome else 1 - probability))


def calibration(rows: Iterable[Row]) -> list[Row]:
    """Probabilities in bins: how many, said on average, how many came, and how many would of a
    calibrated forecaster, between which bounds nine times of ten."""
    of = [row for row in rows if row["kind"] == "probability"]
    found = []
    for low, high in pairwise(EDGES):
        held = [r for r in of if low <= r["probability"] < high]
        if held:
            said = np.array([row["probability"] for row in held])
            mass = np.ones(1)
            for p in said:
                mass = np.convolve(mass, [1 - p, p])
            least, most = np.searchsorted(mass.cumsum(), (0.05, 0.95)).tolist()
            found.append({
                "from": low, "to": high, "count": len(held), "said": float(said.mean()),
                "came": int(sum(row["outcome"] for row in held)), "least": least, "most": most,
            })  # fmt: skip
    return found


# --- distributions --------------------------------------------------------------------------------


def _of_distribution(each: Frozen, outcome: float) -> Row:
    asked = each.question.askable
    far = FAR.get("OOM" if asked.oom else asked.unit, FURTHER)
    origin = decimal_year(each.frozen.date()) if asked.unit == "year" else 0.0
    ends = origin - far, origin + far
    came = float(np.clip(each.forecast.inside(outcome), *ends))

    def near(forecast: Forecast) -> np.ndarray:
        return np.clip(forecast.draws.ravel(), *ends)

    def error(value: float | None) -> float | None:
        return None if value is None else abs(float(np.clip(value, *ends)) - came)

    draws, prior = near(each.forecast), None if each.prior is None else near(each.prior)
    now = each.cost_at_freezing_usd and float(np.log10(each.cost_at_freezing_usd))
    held = scores.pit_ends(draws, came)
    name = each.question.id, each.run["id"], each.frozen.isoformat()

    def both(what: str, of: Any) -> Row:
        before = None if prior is None else of(prior)
        return {what: of(draws), f"{what}_before_evidence": before}

    return {
        "kind": "distribution",
        "scale": "OOM" if asked.oom else "years" if asked.unit == "year" else asked.unit,
        "unit": asked.kept_unit,
        "outcome": came,
        "outcome_far": ends[1],  # where never is
        **{q: float(np.quantile(draws, p)) for q, p in QUANTILES.items()},
        **both("crps", lambda x: scores.crps(x, came, origin, far)),
        "crps_no_change": error(now),
        "crps_tenfold": error(None if now is None else now - TENFOLD * _years(each)),
        **both("log_score", lambda x: scores.log_score(x, came, now or origin)),
        **both("interval_score", lambda x: scores.interval_score(x, came)),
        "pit": scores.pit(held, streams.stream(0, "pit", *name).uniform()),
        "pit_ends": list(held),
        **{f"covered_{level}": scores.covered(held, level) for level in scores.LEVELS},
    }  # fmt: skip


def _years(each: Frozen) -> float:
    return decimal_year(each.question.date) - decimal_year(each.frozen.date())


# --- overall --------------------------------------------------------------------------------------


def pooled(rows: Sequence[Row]) -> Iterator[Row]:
    """Means by scenario, kind and scale, with the standard errors of questions as clusters.

    `gain_over_…` is the CRPS or Brier score of another forecaster less ours on the same questions.
    `few` says that nothing follows from so few. `uniform` judges the PITs of the latest freezings.
    """
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        own = [row for row in rows if row["scenario"] == scenario]
        for scale in sorted({row["scale"] for row in own if row["kind"] == "distribution"}):
            held = [row for row in own if row.get("scale") == scale]
            about = {"scenario": scenario, "kind": "distribution", "scale": scale}
            others = ("before_evidence", "no_change", "tenfold")
            yield about | _pool(held, DISTRIBUTION, "crps", others) | {"uniform": _uniform(held)}
        if held := [row for row in own if row["kind"] == "probability"]:
            about = {"scenario": scenario, "kind": "probability", "scale": "probability"}
            yield about | _pool(held, PROBABILITY, "brier", ("before_evidence", "half"))


def _pool(rows: list[Row], names: Iterable[str], score: str, others: Iterable[str]) -> Row:
    def mean(of: str, less: str | None = None) -> Row | None:
        """Over the questions that have it; None where none has."""
        told = [r for r in rows if r[of] is not None]
        if not told:
            return None
        values = [r[of] - (r[less] if less else 0.0) for r in told]
        found = scores.clustered(values, [r["id"] for r in told])
        se = found.se if np.isfinite(found.se) else None
        return {"mean": found.mean, "se": se, "count": len(told)}

    questions = len({row["id"] for row in rows})
    figures: Mapping[str, Row | None] = {name: mean(name) for name in names}
    gains = {f"gain_over_{other}": mean(f"{score}_{other}", score) for other in others}
    about = {"count": len(rows), "questions": questions, "few": questions < FEW}
    return about | figures | gains


def _uniform(rows: list[Row]) -> Row | None:
    """Whether PITs are uniform, one a question; None of few."""
    pits = np.array([row["pit"] for row in rows if row["latest"]])
    if len(pits) < FEW:
        return None
    found = uniformity.judge(np.minimum((pits * BINS).astype(int), BINS - 1), BINS)
    return {"p_value": found.p_value, "said": found.direction.replace("posterior", "forecast")}
