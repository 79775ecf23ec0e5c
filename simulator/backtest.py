"""Would it have been right: forecasts from what was known on a past day, scored by what came after.

One fit for each as-of date, and then exactly what a user would have been told: the cost of a
benchmark task that is as cheap as its record on that day, and the published slope of a new system.
Nothing dated after the as-of date reaches a forecast; the outcomes are read from the full evidence.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from simulator import equations, forecast, scores, streams
from simulator.dates import decimal_year
from simulator.evidence import select
from simulator.forecast.effects import effect
from simulator.forecast.multipliers import inference_slope, slope_ratio
from simulator.hindsight import CostQuestion, Past, SlopeQuestion, pasts
from simulator.observations.curves import chord
from simulator.pipeline import Observer, Silence, Stopwatch
from simulator.scenario import Scenario
from simulator.schema import Task

TENFOLD = 1.0  # OOM per year of the naive forecaster who has heard that prices fall 10x a year

type Row = dict[str, Any]
type Question = CostQuestion | SlopeQuestion


class Backtest(NamedTuple):
    """Scores of one scenario: a row per question, rows pooled over them, and how each fit went."""

    scenario: str
    structure: dict[str, str]
    seed: int
    scores: list[Row]
    pooled: list[Row]
    fits: list[Row]

    @property
    def passed(self) -> bool:
        """Whether every fit passed its checks."""
        return not any(fit["failed_checks"] for fit in self.fits)

    def to_json(self) -> Row:
        """The backtest as one plain object, with how it was scored."""
        scoring = {
            "crps_limit": scores.LIMIT,
            "log_score_bin": scores.BIN,
            "log_score_spread": scores.SPREAD,  # this much of a forecast ...
            "log_score_span": scores.SPAN,  # ... is spread evenly over this many units
            "standard_errors": "clustered by series (cost) and by benchmark (slope)",
        }
        return self._asdict() | {"scoring": scoring}


def backtest(
    scenario: Scenario,
    as_of: Sequence[str | dt.date] = (),
    until: str | dt.date | None = None,
    horizons: Sequence[str] = ("6m", "12m"),
    seed: int | None = None,
    observer: Observer | None = None,
) -> Backtest:
    """Condition on what was known at each as-of date, predict what came after, score it.

    Without dates: the last quarter ends that leave the shortest horizon an outcome. `until` ends
    what counts as known now (default: when each series was last observed). Raises BadInput before
    any sampling where there is nothing to know or to score.
    """
    days = pasts(scenario, as_of, until, horizons)
    observer = observer or Silence()
    seed = scenario.sampler.seed if seed is None else seed
    rows, fits = [], []
    for number, past in enumerate(days, 1):
        observer.stage(f"as of {past.as_of}, {number} of {len(days)}")
        found, fit = _score_past(scenario, past, seed, observer)
        rows += found
        fits.append(fit)
    structure = scenario.structure.model_dump()
    return Backtest(scenario.name, structure, seed, rows, list(pooled(rows)), fits)


def conditioned(scenario: Scenario, past: Past) -> Scenario:
    """The scenario on that day: its evidence up to then, its forecast from then on, no tasks.

    The text that it was loaded from is left as it is.
    """
    asked = scenario.forecast
    targets = sorted({q.target for q in past.costs})
    changes = {
        "today": past.as_of,
        "dates": targets or asked.dates,
        "horizon": max(asked.horizon, *targets, past.as_of + dt.timedelta(days=366)),
        "thresholds_usd": asked.thresholds_usd[:1],
    }
    return replace(
        scenario,
        evidence=select(scenario.evidence, None, past.as_of),
        forecast=asked.model_copy(update=changes),
        tasks={},
    )


def _score_past(
    scenario: Scenario, past: Past, seed: int, observer: Observer
) -> tuple[list[Row], Row]:
    watch = Stopwatch(observer)
    then = conditioned(scenario, past)
    draws, failed = _fit(then, seed, watch)
    watch.stage("project")
    known, before = (forecasts(then, draws[g].dataset, past, seed) for g in ("posterior", "prior"))
    rows = [
        score(question, ours, believed, seed)
        for question, ours, believed in zip(past.questions, known, before, strict=True)
    ]
    watch.stage("")
    fit = {
        "as_of": past.as_of.isoformat(),
        "observations": then.evidence.size,
        "failed_checks": failed,
        "series_not_begun": past.not_begun,
        "seconds": {stage: round(s, 1) for stage, s in watch.seconds.items()},
    }
    return rows, fit


def _fit(scenario: Scenario, seed: int, watch: Stopwatch) -> tuple[xr.DataTree, list[str]]:
    from simulator import diagnostics, inference, model, observations

    watch.stage("build")
    observed = observations.observe(scenario.evidence, scenario.structure)
    graph = model.build(scenario, observed)
    draws = inference.sample(scenario, graph, observed, seed, stage=watch.stage)
    checks = diagnostics.check(draws, xr.Dataset())
    return draws, [name for name, check in checks.items() if not check.passed]


# --- forecasts ------------------------------------------------------------------------------------


def forecasts(scenario: Scenario, draws: xr.Dataset, past: Past, seed: int) -> Iterator[np.ndarray]:
    """The predictive draws of each question of a day, costs first, flat."""
    if past.costs:
        costs = _costs(scenario, draws, past.costs, seed)
        for question in past.costs:
            date = np.datetime64(question.target, "ns")
            yield costs.sel(task=question.series, date=date).values.ravel()
    for question in past.slopes:
        yield new_slope(scenario, question, draws, seed).values.ravel()


def _costs(
    scenario: Scenario, draws: xr.Dataset, questions: Iterable[CostQuestion], seed: int
) -> xr.DataArray:
    """What the tool says of a task that costs what the record of its series did on that day."""
    tasks = {
        q.series: Task(
            cost_usd=q.record_usd,
            debut=q.debut,
            priced=q.as_of,
            resembles=_resembles(q, draws),
            kind="benchmark",
        )
        for q in questions
    }
    return forecast.project(replace(scenario, tasks=tasks), draws, seed)["task_cost_oom_usd"]


def _resembles(question: CostQuestion, draws: xr.Dataset) -> str:
    """The narrowest thing that the draws know of: the series, its benchmark, or nothing like it."""
    if question.series in draws.get("series", ()):
        return question.series
    return question.benchmark if question.benchmark in draws.get("cost_benchmark", ()) else "new"


def new_slope(
    scenario: Scenario, question: SlopeQuestion, draws: xr.Dataset, seed: int
) -> xr.DataArray:
    """The slope that will be published for a system not seen yet: its own effect, and its error."""
    row = question.row
    known = question.benchmark in draws.get("benchmark", ())
    benchmark = question.benchmark if known else "new"
    points = inference_slope(draws, seed, benchmark)
    if row["kind"] == "rl":
        points = points * slope_ratio(draws, seed, benchmark)
    if row["recipe"] == "today":
        points = points * draws["algorithm_slope_factor"]
    system = effect(draws, seed, "backtest", question.subject, "system")
    points = points * np.exp(draws["system_slope_spread"] * system)
    error = row["se"] * effect(draws, seed, "backtest", question.subject, "error")
    return points / points_per_logit(scenario, row) + error


def points_per_logit(scenario: Scenario, row: Row) -> float:
    """What a slope of one logit is in points: at mid-scale, or along the scores of a chord."""
    if scenario.structure.response == "linear":
        return 100 * chord(row["lowest_score"], row["highest_score"])
    return equations.POINTS_PER_LOGIT


# --- scores ---------------------------------------------------------------------------------------


def score(question: Question, draws: np.ndarray, before: np.ndarray, seed: int) -> Row:
    """Every score of one forecast, beside those of the beliefs alone and of naive forecasters."""
    outcome, origin = question.outcome, question.origin
    ends = scores.pit_ends(draws, outcome)
    uniform = streams.stream(seed, "pit", *question.name).uniform()
    quantiles = np.quantile(draws, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    row = {
        "kind": question.kind,
        "as_of": question.as_of.isoformat(),
        "horizon": question.horizon,
        "target": question.target.isoformat(),
        "subject": question.subject,
        "benchmark": question.benchmark,
        "cluster": question.cluster,
        "unit": question.unit,
        "outcome": outcome,
        **dict(zip(("q05", "q25", "q50", "q75", "q95"), quantiles, strict=True)),
        "crps": scores.crps(draws, outcome, origin),
        "crps_before_evidence": scores.crps(before, outcome, origin),
        "crps_no_change": None,
        "crps_tenfold": None,
        "log_score": scores.log_score(draws, outcome, origin),
        "pit": scores.pit(ends, uniform),
        "pit_ends": list(ends),
        **{f"covered_{level}": scores.covered(ends, level) for level in scores.LEVELS},
    }
    if isinstance(question, CostQuestion):
        years = decimal_year(question.target) - decimal_year(question.as_of)
        row["record"] = origin
        row["crps_no_change"] = abs(outcome - origin)
        row["crps_tenfold"] = abs(outcome - (origin - TENFOLD * years))
    return row


POOLED = ("crps", "crps_before_evidence", "crps_no_change", "crps_tenfold", "log_score", "pit")
POOLED += tuple(f"covered_{level}" for level in scores.LEVELS)
GROUPS = (("as_of", "horizon"), ("horizon",), ("subject",), ())  # what a pooled row is of


def pooled(rows: Sequence[Row]) -> Iterator[Row]:
    """Mean scores with clustered errors: by date and horizon, by horizon, by series, and of all.

    `gain_over_…` is the CRPS of another forecaster less ours, on the same questions.
    """
    for kind in dict.fromkeys(row["kind"] for row in rows):
        of_kind = [row for row in rows if row["kind"] == kind]
        for group in GROUPS if kind == "cost" else (("as_of",), ()):
            for key in dict.fromkeys(tuple(row[name] for name in group) for row in of_kind):
                held = [row for row in of_kind if tuple(row[n] for n in group) == key]
                yield {"kind": kind, "by": dict(zip(group, key, strict=True)), **_pool(held)}


def _pool(rows: Sequence[Row]) -> Row:
    clusters = [row["cluster"] for row in rows]

    def mean(values: list[float | None]) -> Row | None:
        if None in values:
            return None
        found = scores.clustered(values, clusters)
        return {"mean": found.mean, "se": found.se if np.isfinite(found.se) else None}

    gains = {
        f"gain_over_{other}": mean(
            [
                None if row[f"crps_{other}"] is None else row[f"crps_{other}"] - row["crps"]
                for row in rows
            ]
        )
        for other in ("before_evidence", "no_change", "tenfold")
    }
    figures = {name: mean([row[name] for row in rows]) for name in POOLED}
    return {"count": len(rows), "clusters": len({*clusters}), **figures, **gains}
