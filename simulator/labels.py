"""How a row of a summary is called, under which heading it stands, and which rows come first."""

from collections.abc import Iterator, Sequence
from typing import Any

type Row = dict[str, Any]

RECIPES = {"as_published": "o1-era recipe", "today": "today's recipe"}
BENCHMARKS = {"new": "new benchmark", "typical": "typical benchmark"}


def heading(row: Row) -> str:
    """The quantity that a row belongs to, and what it is about."""
    coords = row["coords"]
    match row["quantity"]:
        case "required_rl_multiplier_oom":
            return f"RL compute for {coords['inference_factor']:,.15g}x inference"
        case "task_cost_oom_usd":
            return f"Cost of: {coords['task']}"
        case "years_to_threshold":
            return f"Years to cost: {coords['task']}"
        case "cost_decline_factor_by_age":
            return "Fall of cost per year, typical"
        case "decline_split":
            return f"Fall per year in {coords['date'][:7]} of what is new today"
        case "newest_price_oom":
            return "Price of the newest capability over today's"
        case "recipe_compute_oom":
            return f"GPU-hours to a pass rate: {coords['family']}"
        case "baseline_compute_factor":
            return f"o1-era recipe's compute over that of: {coords['family']}"
        case "break_even_uses_oom":
            return (
                f"Uses that make RL once cheaper than {coords['inference_factor']:,.15g}x inference"
            )
        case "persistence_years":
            return "Years until falling prices undo"
        case "jump_rl_oom" | "jump_inference_oom" | "inference_share":
            return "From score to score"
    return "Beliefs"


def label(row: Row) -> str:
    """What tells a row from the others under its heading."""
    match row["quantity"], row["coords"]:
        case _, {"benchmark": benchmark, "algorithm": algorithm}:
            return f"{BENCHMARKS.get(benchmark, benchmark)}, {RECIPES[algorithm]}"
        case _, {"decision_date": date, "algorithm": algorithm}:
            return f"{date}, {RECIPES[algorithm]}"
        case "jump_rl_oom", {"algorithm": algorithm}:
            return f"RL compute, {RECIPES[algorithm]}"
        case "jump_inference_oom", _:
            return "inference compute"
        case "inference_share", {"tokens": tokens}:
            return f"share of the gain from {tokens:,.15g}x inference"
        case _, {"component": component}:
            return component
        case _, {"date": date}:
            return date
        case _, {"threshold": threshold}:
            return f"${threshold:,.15g} or less"
        case _, {"age": age}:
            return f"at age {age:g} years"
        case _, {"score": score}:
            return f"{score:g}"
        case _, {"inference_factor": factor}:
            return f"{factor:,.15g}x"
    return row["quantity"]


def headline(rows: list[Row]) -> Iterator[Row]:
    """The rows that answer what most people ask."""
    factors = [r["coords"]["inference_factor"] for r in rows if "inference_factor" in r["coords"]]
    factor = usual_factor(factors)
    dates = sorted({row["coords"]["date"] for row in rows if "date" in row["coords"]})
    near = (*dates[:2], *dates[-1:])
    for row in rows:
        match row["quantity"], row["coords"]:
            case "required_rl_multiplier_oom", {"inference_factor": f, "benchmark": "new" | "aime"}:
                if f == factor:
                    yield row
            case "break_even_uses_oom", {"inference_factor": f, "decision_date": date}:
                if f == factor and date not in dates[2:]:
                    yield row
            case "task_cost_oom_usd", {"date": date} if date in near:
                yield row
            case "years_to_threshold", _ if not (at_once(row) or out_of_reach(row)):
                yield row
            case "cost_decline_factor_by_age" | "persistence_years", _:
                yield row


def usual_factor(factors: Sequence[float]) -> float | None:
    """The factor of inference that people ask for: 100, or else the first."""
    return 100 if 100 in factors else next(iter(factors), None)


def at_once(row: Row) -> bool:
    """Whether a threshold is as good as reached at debut."""
    return row["q50"] is not None and row["q50"] < 0.1


def out_of_reach(row: Row) -> bool:
    """Whether a threshold is as good as never reached."""
    return row["prob_infinite"] >= 0.95
