"""The evidence tables: their columns, what a cell may hold, and how the cells of a row relate."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

type Row = dict[str, Any]


class Column(NamedTuple):
    """What a cell may hold: text, one of `choices`, or a number strictly inside (low, high)."""

    number: bool = False
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    optional: bool = False


TEXT = Column()
NOTE = Column(optional=True)
REAL = Column(number=True)
POSITIVE = Column(number=True, low=0)
FRACTION = Column(number=True, low=0, high=1)
KIND = Column(choices=("rl", "inference"))
RECIPE = Column(choices=("baseline", "today"), optional=True)


def _maybe(column: Column) -> Column:
    return column._replace(optional=True)


TABLES: dict[str, dict[str, Column]] = {
    "response_points": {
        "curve": TEXT,
        "system": TEXT,
        "kind": KIND,
        "recipe": RECIPE,
        "benchmark": TEXT,
        "compute": POSITIVE,
        "compute_unit": TEXT,
        "score": FRACTION,
    },
    "response_slopes": {
        "curve": TEXT,
        "kind": KIND,
        "recipe": RECIPE,
        "benchmark": TEXT,
        "slope_logit_per_oom": REAL,
        "se": POSITIVE,
        "lowest_score": _maybe(FRACTION),
        "highest_score": _maybe(FRACTION),
        "span_oom": _maybe(POSITIVE),
        "points": _maybe(POSITIVE),
    },
    "exchange_rates": {
        "study": TEXT,
        "training_kind": Column(choices=("pretraining",)),
        "inference_oom_low": POSITIVE,
        "inference_oom_high": POSITIVE,
        "training_oom_low": POSITIVE,
        "training_oom_high": POSITIVE,
    },
    "recipes": {
        "table": Column(choices=("recipes", "table1", "leave_one_out")),
        "family": TEXT,
        "recipe": TEXT,
        "asymptote": FRACTION,
        "steepness": POSITIVE,
        "start": _maybe(FRACTION),
        "c_mid_gpu_hours": _maybe(POSITIVE),
        "recipe_date": Column(),
    },
    "cost_records": {
        "series": TEXT,
        "benchmark": TEXT,
        "score_level": FRACTION,
        "model": TEXT,
        "cost_usd": _maybe(POSITIVE),
        "output_tokens": _maybe(POSITIVE),
        "usd_per_million_tokens": _maybe(POSITIVE),
        "observed_until": Column(),
        "vintage_note": NOTE,
    },
    "annual_factors": {
        "benchmark": TEXT,
        "series": TEXT,
        "estimator": TEXT,
        "factor": POSITIVE,
        "q05": _maybe(POSITIVE),
        "q95": _maybe(POSITIVE),
        "age_from_years": Column(number=True, low=-1e-9),
        "age_to_years": POSITIVE,
    },
    "progress_rates": {
        "study": TEXT,
        "component": Column(choices=("algorithm", "hardware", "competition")),
        "factor": POSITIVE,
        "q05": _maybe(POSITIVE),
        "q95": _maybe(POSITIVE),
    },
}
EVERY = {"source": TEXT, "locator": TEXT, "date": Column()}
DATES = {"date", "recipe_date", "observed_until"}


class Rule(NamedTuple):
    """A relation between cells of one row that holds wherever its columns exist."""

    columns: tuple[str, ...]
    holds: Callable[[Row], bool]
    rule: str
    fix: str


RULES = (
    Rule(
        ("factor", "q05", "q95"),
        lambda r: (
            (r["q05"] is None) == (r["q95"] is None)
            and (r["q05"] is None or r["q05"] < r["factor"] < r["q95"])
        ),
        "must lie between q05 and q95, both or neither given",
        "order them, or leave both empty",
    ),
    Rule(
        ("age_to_years", "age_from_years"),
        lambda r: r["age_from_years"] < r["age_to_years"],
        "must be greater than age_from_years",
        "order them",
    ),
    Rule(
        ("inference_oom_high", "inference_oom_low", "training_oom_low", "training_oom_high"),
        lambda r: (
            r["inference_oom_low"] <= r["inference_oom_high"]
            and r["training_oom_low"] <= r["training_oom_high"]
        ),
        "the low end of a range must not exceed its high end",
        "order them",
    ),
    Rule(
        ("cost_usd", "output_tokens", "usd_per_million_tokens"),
        lambda r: (
            (r["cost_usd"] is None)
            == (r["output_tokens"] is not None)
            == (r["usd_per_million_tokens"] is not None)
        ),
        "give either a cost, or tokens and a price",
        "fill in one of the two",
    ),
    Rule(
        ("observed_until", "date"),
        lambda r: r["date"] <= r["observed_until"],
        "must not be before the date",
        "order them",
    ),
    Rule(
        ("recipe", "kind", "curve"),
        lambda r: (r["recipe"] is not None) == (r["kind"] == "rl"),
        "must be given for an RL curve and for no other",
        "write baseline (o1-era) or today, or leave it empty",
    ),
    Rule(
        ("asymptote", "start"),
        lambda r: r["start"] is None or r["start"] < r["asymptote"],
        "must be greater than start",
        "order them",
    ),
)
