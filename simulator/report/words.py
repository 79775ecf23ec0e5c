"""The answer in three sentences of plain words, made from the numbers of a run."""

from typing import Any

from simulator.labels import usual_factor
from simulator.run import Run
from simulator.units import show

type Row = dict[str, Any]

BENCHMARK = "new"


def answer(run: Run) -> list[str]:
    """Three sentences: what the multiplier is, what a task will cost, what the evidence did."""
    rows = [row for row in run.rows if row["quantity"] in ("required_rl_multiplier_oom",
                                                           "task_cost_oom_usd",
                                                           "years_to_threshold")]  # fmt: skip
    pair, cost = _multipliers(rows), _cost(rows)
    said = [_of_multiplier(pair), _of_cost(rows, cost, _until(run)), _of_evidence(run, pair, cost)]
    return [sentence for sentence in said if sentence]


def range_of(row: Row, prior: bool = False) -> str:
    """The 5% and 95% quantiles of a row, or of its prior, in its unit."""
    found = row["prior"] if prior else row
    low, high = show(found["q05"], row["unit"]).strip(), show(found["q95"], row["unit"]).strip()
    return f"{low} to {high}"


def middle(row: Row) -> str:
    """The median of a row in its unit."""
    return show(row["q50"], row["unit"]).strip()


def _multipliers(rows: list[Row]) -> dict[str, Row]:
    """The multiplier on a benchmark not seen, by algorithm."""
    found = [row for row in rows if row["quantity"] == "required_rl_multiplier_oom"]
    factor = usual_factor([row["coords"]["inference_factor"] for row in found])
    return {
        row["coords"]["algorithm"]: row
        for row in found
        if row["coords"]["inference_factor"] == factor and row["coords"]["benchmark"] == BENCHMARK
    }


def _cost(rows: list[Row]) -> Row | None:
    """The cost of the first task at the second date, or at the only one."""
    found = [row for row in rows if row["quantity"] == "task_cost_oom_usd"]
    first = [row for row in found if row["coords"]["task"] == found[0]["coords"]["task"]]
    return first[min(1, len(first) - 1)] if first else None


def _of_multiplier(pair: dict[str, Row]) -> str:
    if {"as_published", "today"} - pair.keys():
        return ""
    then, now = pair["as_published"], pair["today"]
    factor = f"{then['coords']['inference_factor']:,.15g}"
    said = f"On a benchmark not seen before, what {factor} times the inference compute buys takes "
    said += f"{middle(then)} the RL compute by the curves of the o1 era (the median; 90% of the "
    said += f"probability from {range_of(then)}), and {middle(now)} by today's recipes "
    return said + f"(90% from {range_of(now)})."


def _until(run: Run) -> str:
    """How far the forecast looks; runs of an average may differ in it."""
    known = "parents" not in run.record
    return f"by {run.spec['forecast']['horizon']}" if known else "within the horizon"


def _of_cost(rows: list[Row], cost: Row | None, until: str) -> str:
    if cost is None:
        return ""
    task, date = cost["coords"]["task"], cost["coords"]["date"]
    said = f"The cost of “{task}” on {date} is put at {middle(cost)} (the median; 90% from "
    said += f"{range_of(cost)})"
    levels = [
        row
        for row in rows
        if row["quantity"] == "years_to_threshold"
        and row["coords"]["task"] == task
        and 0.05 < row["prob_infinite"] < 0.95
    ]
    if levels:
        level = levels[len(levels) // 2]
        never = 100 * level["prob_infinite"]
        said += ", and the probability that it does not come down to "
        said += f"${level['coords']['threshold']:,.15g} {until} is {never:.0f}%"
    return f"{said}."


def _of_evidence(run: Run, pair: dict[str, Row], cost: Row | None) -> str:
    shown = [row for row in (pair.get("as_published"), cost) if row]
    if not shown:
        return ""
    if not all(row["prior"] for row in shown):
        if parents := run.record.get("parents"):  # which began from different beliefs
            return f"This mixes {len(parents)} runs: what evidence did is in the report of each."
        return "Nothing was observed: these are the beliefs alone."
    said = [f"from {range_of(row, prior=True)}" for row in shown]
    names = ["the o1-era multiplier", "the cost"][-len(shown) :]
    before = " and ".join(f"{name} ran {text}" for name, text in zip(names, said, strict=True))
    return f"Before any evidence {before}: {_verdict(shown, names)}."


def _verdict(shown: list[Row], names: list[str]) -> str:
    """How much of each interval's width, in OOM, the evidence took away."""
    taken = []
    for row, name in zip(shown, names, strict=True):
        ends = row["q05"], row["q95"], row["prior"]["q05"], row["prior"]["q95"]
        if None in ends:
            continue
        share = 1 - (ends[1] - ends[0]) / (ends[3] - ends[2])
        taken.append(f"{100 * share:.0f}% of the range of {name}" if share >= 0.01 else
                     f"none of the range of {name}")  # fmt: skip
    if not taken:
        return "some of these ranges have no end"
    return f"in orders of magnitude, the evidence removed {' and '.join(taken)}"
