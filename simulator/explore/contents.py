"""What the page says of its run, where it starts, and how much thinning changed."""

import datetime as dt
from typing import Any

import xarray as xr

from simulator import equations, labels, seal, summary, units
from simulator.dates import MONTHS, decimal_year
from simulator.explore.packed import Thinning, packed
from simulator.explore.settings import FACTORS, RANGES, Settings
from simulator.explore.subject import DEEPEST, Subject
from simulator.forecast import multipliers

SHOWN = ("q05", "q50", "q95")
COMPARED = ("required_rl_multiplier_oom", "task_cost_oom_usd", "years_to_threshold")
COMPARED += ("break_even_uses_oom", "persistence_years")


def contents(about: Subject) -> dict[str, Any]:
    """All data of a page, as JSON takes it."""
    scenario, forecast = about.scenario, about.scenario.forecast
    draws, thin = packed(about)
    today = decimal_year(forecast.today)
    return {
        "run": _run(about),
        "structure": scenario.structure.model_dump(),
        "draws": draws,
        "benchmarks": {
            name: labels.BENCHMARKS.get(name, name) for name in multipliers.benchmarks(about.draws)
        },
        "algorithms": labels.RECIPES,
        "tasks": {
            name: {"cost_usd": task.cost_usd, "threshold_usd": _threshold(about, task)}
            for name, task in scenario.tasks.items()
        },
        "dates": [[date.isoformat(), decimal_year(date)] for date in _dates(about)],
        "today": today,
        "since_baseline_years": today - decimal_year(forecast.algorithm_baseline),
        "first_year_oom": _first_year_oom(about.draws).median().item(),
        "horizon": forecast.horizon.year,
        "from_score": forecast.from_score,
        "rl_spend_usd": forecast.rl_spend_usd,
        "cost_per_use_usd": forecast.cost_per_use_usd,
        "ranges": {name: [low, summary.number(high)] for name, (low, high) in RANGES.items()},
        "factors": FACTORS,
        "defaults": defaults(about)._asdict() | {"date": defaults(about).date.isoformat()},
        "thinned": _thinned(about, thin),
    }


def defaults(about: Subject) -> Settings:
    """Where the page starts: the posterior, at the headline's factor, date and first task."""
    scenario = about.scenario
    forecast = scenario.forecast
    name, task = next(iter(scenario.tasks.items()), ("", None))
    ahead = [date for date in sorted(forecast.dates) if date >= forecast.today]
    return Settings(
        inference_factor=labels.usual_factor(forecast.inference_factors) or 100.0,
        benchmark="new",
        algorithm="today",
        task=name,
        cost_usd=task.cost_usd if task else 1.0,
        threshold_usd=_threshold(about, task) if task else 1.0,
        date=[*ahead, forecast.horizon, forecast.horizon][min(1, len(ahead))],
    )


def _threshold(about: Subject, task: Any) -> float:
    """The highest threshold of the scenario that is at most half of what the task costs."""
    below = [x for x in about.scenario.forecast.thresholds_usd if x <= task.cost_usd / 2]
    return max(below, default=task.cost_usd / 10)


def _dates(about: Subject) -> list[dt.date]:
    """Months from today to the horizon, and the dates of the scenario."""
    forecast = about.scenario.forecast
    today, months = forecast.today, []
    for count in range(12 * (forecast.horizon.year - today.year + 1)):
        year, month = divmod(today.year * 12 + today.month - 1 + count, 12)
        months.append(dt.date(year, month + 1, min(today.day, MONTHS[month])))
    dates = {*months, *forecast.dates, forecast.horizon}
    return sorted(date for date in dates if today <= date <= forecast.horizon)


def _first_year_oom(draws: xr.Dataset) -> xr.DataArray:
    shape = draws["decline_ageing_years"], draws["decline_remaining_fraction"]
    return draws["decline_rate_at_debut"] * equations.ageing(1.0, *shape)


def _run(about: Subject) -> dict[str, Any]:
    run = about.run
    failed = [
        {"name": name, "value": units.significant(check.value, 4), "worst": check.worst}
        for name, check in run.checks.items()
        if not check.passed
    ]
    return {
        "id": run.id,
        "scenario": run.scenario,
        "title": run.spec.get("title", ""),
        "seed": str(run.seed),
        "created": run.created,
        "digest": seal.manifest(run.path)["digest"],
        "checks": len(run.checks),
        "failed": failed,
        "conditioned": bool(about.scenario.evidence.size),
        "changes": [*run.record.get("reweighted", {}).get("changes", ())],
    }


# --- thinning -------------------------------------------------------------------------------------


def _thinned(about: Subject, thin: Thinning) -> dict[str, Any]:
    """How many draws and paths are in the page, and what that does to the run's quantiles."""
    sizes = about.draws.sizes
    every = thin.step * thin.every
    rows = [row for row in _compared(about, thin) if every > 1]
    floor = about.draws["cost_floor_fraction"].min().item()
    apart = max((row["apart_oom"] for row in rows), default=0.0)
    return {
        "draws": sizes["chain"] * len(range(0, sizes["draw"], thin.step)),
        "paths": sizes["chain"] * len(range(0, sizes["draw"], every)),
        "of": sizes["chain"] * sizes["draw"],
        "rows": rows,
        "apart": f"{units.significant(100 * (10**apart - 1), 2)}%",
        "floorless": about.scenario.structure.cost == "staircase" and floor <= 10.0**-DEEPEST,
    }


def _compared(about: Subject, thin: Thinning) -> list[dict[str, Any]]:
    """Quantiles of the run's own forecast at the page's start, of all draws and of those here."""
    start, out = defaults(about), []
    for name in COMPARED:
        if name not in about.run.forecast:
            continue
        draws = about.run.forecast[name]
        thinned = (thin.draws if name == "required_rl_multiplier_oom" else thin.paths)(draws)
        fewer = {_key(row): row for row in summary.rows_of(thinned.to_dataset(), None)}
        for row in summary.rows_of(draws.to_dataset(), None):
            if _at(row["coords"], start, about):
                said = f"{labels.heading(row)}: {labels.label(row)}"
                here = fewer[_key(row)]
                compared = {"name": said, "all": _shown(row), "here": _shown(here)}
                out.append(compared | {"apart_oom": _apart(row, here)})
    return out


def _apart(row: dict[str, Any], here: dict[str, Any]) -> float:
    """How far two medians in OOM are apart; those in years, and infinite ones, do not say."""
    said = row["unit"].startswith("OOM") and None not in (row["q50"], here["q50"])
    return abs(row["q50"] - here["q50"]) if said else 0.0


def _shown(row: dict[str, Any]) -> list[str]:
    return [units.show(row[q], row["unit"]) for q in SHOWN]


def _key(row: dict[str, Any]) -> str:
    return str(row["coords"])


def _at(coords: dict[str, Any], start: Settings, about: Subject) -> bool:
    asked = {
        "inference_factor": [start.inference_factor],
        "benchmark": ["new"],
        "date": [start.date.isoformat()],
        "decision_date": [start.date.isoformat()],
        "task": list(about.scenario.tasks),
    }
    if "threshold" in coords:
        task = about.scenario.tasks.get(coords["task"])
        if task is None or coords["threshold"] != _threshold(about, task):
            return False
    return all(coords[dim] in asked[dim] for dim in coords if dim in asked)
