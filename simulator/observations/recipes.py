"""RL recipes fitted on one set of problems, and published rates of progress, as arrays."""

from collections.abc import Sequence

import numpy as np

from simulator import equations
from simulator.dates import decimal_year
from simulator.evidence import Row
from simulator.observations.arrays import (
    NOTHING,
    Observations,
    index,
    interval_se,
    is_one,
    labels,
    numbers,
    unique,
)

BASELINE = "grpo"  # the recipe of the o1 era, against which algorithmic gains are measured
REFERENCE_SCORE = 0.45  # which all recipes reach, in the middle of the baseline's own curve
SEED_SE = 0.0175  # of a pass rate, from one seed to another


def recipes(rows: Sequence[Row]) -> Observations:
    """Steepest slope of every variant; asymptote and compute to the reference score by family.

    Together they are the three parameters of a recipe's curve, each where it is well measured.
    Rows without a start are other models or problems. Without a baseline there is no gain.
    """
    kept = [row for row in rows if row["start"] is not None]
    fitted = [row for row in kept if row["table"] == "recipes"]
    fitted.sort(key=lambda row: row["family"] != BASELINE)
    families = labels([row["family"] for row in fitted])
    if BASELINE not in families or len(families) < 2:
        return NOTHING
    kept = [row for row in kept if row["family"] in families]
    slope = [equations.sigmoid_steepest(*_curve(row)[:3]) for row in fitted]
    compute = [equations.sigmoid_compute(REFERENCE_SCORE, *_curve(row)) for row in fitted]
    first = {row["family"]: row for row in reversed(fitted)}
    since = decimal_year(first[BASELINE]["recipe_date"])
    years = [decimal_year(first[f]["recipe_date"]) - since for f in families.tolist()]
    every = [equations.sigmoid_steepest(*_curve(row)[:3]) for row in kept]
    return Observations(
        {
            "family": families,
            "new_family": families[1:],
            "recipe": unique([row["recipe"] for row in kept]),
            "fitted_recipe": unique([row["recipe"] for row in fitted]),
        },
        {
            "recipe_family": ("recipe", index([row["family"] for row in kept], families)),
            "fitted_family": ("fitted_recipe", index([r["family"] for r in fitted], families)),
            "new_family_years": ("new_family", np.array(years[1:])),
            # Seeds move a score; along its curve that is the more compute the flatter the curve.
            "reference_se": ("fitted_recipe", 100 * SEED_SE / np.array(slope)),
        },
        {
            "recipe_slope_ln": ("recipe", np.log(every)),
            "recipe_asymptote_score": ("fitted_recipe", numbers(fitted, "asymptote")),
            "recipe_compute_oom_hours": ("fitted_recipe", np.log10(compute)),
        },
    )


def _curve(row: Row) -> tuple[float, float, float, float]:
    return row["asymptote"], row["steepness"], row["start"], row["c_mid_gpu_hours"]


def progress(rows: Sequence[Row]) -> Observations:
    """Published rates per year, of algorithms, of hardware and of competition."""
    if not rows:
        return NOTHING
    return Observations(
        {"rate": unique([f"{row['study']}: {row['component']}" for row in rows])},
        {
            "rate_is_hardware": ("rate", is_one(rows, "component", "hardware")),
            "rate_is_competition": ("rate", is_one(rows, "component", "competition")),
            "rate_se": ("rate", interval_se(rows)),
        },
        {"progress_oom_per_year": ("rate", np.log10(numbers(rows, "factor")))},
    )
