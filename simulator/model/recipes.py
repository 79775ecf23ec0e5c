"""RL recipes of one comparison, and published rates of progress.

A recipe's curve has three parameters (asymptote, steepness, midpoint). They enter as the three that
are well measured and mean something by themselves: steepest slope, asymptote above a score that all
recipes reach, and compute at which it reaches that score. A hierarchy over recipe families, each
measured from the o1-era baseline, whose own errors are thereby in every gain.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from simulator import equations
from simulator.model.strays import around, stray
from simulator.observations.recipes import REFERENCE_SCORE, SEED_SE


def recipes(belief: dict, data: dict, years: pt.TensorVariable) -> None:
    """Curves of the families that were fitted, conditioned on what was published of them."""
    slope_ln = _of_all(
        "recipe_slope_ln_of",
        np.log(10.0),
        pm.Normal("baseline_slope_effect"),
        pt.log(belief["algorithm_slope_factor"]),
        belief["recipe_slope_spread"],
        equations.WELL_KNOWN,  # one family has many variants
    )
    ceiling = _of_all(
        "recipe_ceiling_logit_of",
        -2.0,
        1.5 * pm.Normal("baseline_ceiling_effect"),
        belief["algorithm_ceiling_gain"],
        belief["recipe_ceiling_spread"],
    )
    saved = belief["algorithm_shift_oom"] / years * data["new_family_years"]
    saved = saved + stray("recipe_shift_effect", belief["recipe_shift_spread"], "new_family")
    baseline = 3.3 + 0.5 * pm.Normal("baseline_reference_effect")
    reference = _with_baseline(baseline, baseline - saved)
    asymptote = REFERENCE_SCORE + (1 - REFERENCE_SCORE) * pt.sigmoid(ceiling)
    pm.Deterministic("recipe_slope", pt.exp(slope_ln), dims="family")
    pm.Deterministic("recipe_asymptote", asymptote, dims="family")
    pm.Deterministic("recipe_reference_oom", reference, dims="family")
    pm.Normal(
        "recipe_slope_ln",
        slope_ln[data["recipe_family"]],
        belief["recipe_variant_spread"],
        observed=data["recipe_slope_ln"],
        dims="recipe",
    )
    fitted = data["fitted_family"]
    pm.Normal(
        "recipe_asymptote_score",
        asymptote[fitted],
        SEED_SE,
        observed=data["recipe_asymptote_score"],
        dims="fitted_recipe",
    )
    pm.Normal(
        "recipe_compute_oom_hours",
        reference[fitted],
        data["reference_se"],
        observed=data["recipe_compute_oom_hours"],
        dims="fitted_recipe",
    )


def _of_all(
    name: str,
    typical: float,
    baseline: pt.TensorVariable,
    gain: pt.TensorVariable,
    spread: pt.TensorVariable,
    known: float = equations.KNOWN,
) -> pt.TensorVariable:
    """A parameter of every family: that of the baseline and, around it plus the gain, the others'.

    The baseline is given by its difference from what is typical.
    """
    baseline = typical + baseline
    others = around(name, baseline + gain, spread, "new_family", known, typical)
    pm.Deterministic(name, others, dims="new_family")
    return _with_baseline(baseline, others)


def _with_baseline(baseline: pt.TensorVariable, others: pt.TensorVariable) -> pt.TensorVariable:
    return pt.concatenate([pt.atleast_1d(baseline), others])


def progress(belief: dict, data: dict, years: pt.TensorVariable) -> None:
    """Published rates: of hardware and competition as they are, of algorithms with the gap between
    their subject (language models at large) and ours (RL), one gap for all studies."""
    name = "models_progress_oom_per_year"
    ours = belief["algorithm_shift_oom"] / years
    algorithm = around(name, ours, belief["progress_transfer_spread"])
    pm.Deterministic(name, algorithm)
    hardware, competition = data["rate_is_hardware"], data["rate_is_competition"]
    rate = (
        hardware * pt.log10(belief["hardware_decline_factor"])
        + competition * pt.log10(belief["competition_decline_factor"])
        + (1 - hardware - competition) * algorithm
    )
    pm.Normal(
        "progress_oom_per_year",
        rate,
        pt.sqrt(data["rate_se"] ** 2 + belief["progress_rate_spread"] ** 2),
        observed=data["progress_oom_per_year"],
        dims="rate",
    )
