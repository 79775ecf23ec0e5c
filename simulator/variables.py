"""What else stands in the files of a run: effects, data, statistics and the labels of dimensions.

The vocabulary of `quantities.py` is what people state and ask for. Here is the rest, so that every
variable of every group says its unit and its meaning to whoever opens the file.
"""

from typing import TYPE_CHECKING

from simulator.quantities import QUANTITIES, Quantity

if TYPE_CHECKING:
    import xarray as xr

PLACE = "from 0"  # how an index says where it points

EFFECTS = {
    "benchmark_slope_ln": Quantity("ln points per OOM", "log inference slope of each benchmark"),
    "benchmark_ratio_effect": Quantity("sd", "stray of each benchmark's log slope ratio"),
    "system_slope_ln": Quantity("ln points per OOM", "log inference slope of each system"),
    "curve_noise_effect": Quantity("sd", "stray of each drawn curve's log scale of noise"),
    "curve_asymptote_share_effect": Quantity("sd", "stray of each drawn curve's asymptote share"),
    "curve_start_fraction_effect": Quantity("sd", "stray of each drawn curve's start fraction"),
    "baseline_slope_effect": Quantity("sd", "stray of the o1-era recipe's log slope"),
    "baseline_ceiling_effect": Quantity("sd", "stray of the o1-era recipe's asymptote, log odds"),
    "baseline_reference_effect": Quantity(
        "sd", "stray of the compute at which the o1-era recipe reaches the reference score"
    ),
    "recipe_slope_ln_of": Quantity("ln points per OOM", "log slope of each newer RL recipe"),
    "recipe_ceiling_logit_of": Quantity(
        "logit", "asymptote of each newer RL recipe, in log odds above a score that all reach"
    ),
    "recipe_shift_effect": Quantity("sd", "stray of the compute that each newer recipe saves"),
    "models_progress_oom_per_year": Quantity(
        "OOM per year", "algorithmic progress of language models at large"
    ),
    "benchmark_decline_effect": Quantity("sd", "stray of each benchmark's log rate of decline"),
    "series_decline_effect": Quantity("sd", "stray of each series' log rate of decline"),
    "estimator_bias": Quantity("OOM per year", "what each estimator adds to the decline"),
}

OBSERVED = {
    "score_logit": Quantity("logit", "score at each point of a drawn curve, log odds"),
    "score": Quantity("1", "score at each point of a drawn curve"),
    "slope_logit_per_oom": Quantity("logit per OOM", "published slope of each further curve"),
    "slope_per_oom": Quantity("score per OOM", "published slope of each further curve, as a chord"),
    "exchange_ratio_ln": Quantity(
        "ln", "log of pre-training slope over inference slope, from trades at equal score"
    ),
    "recipe_slope_ln": Quantity("ln points per OOM", "log steepest slope of each recipe variant"),
    "recipe_asymptote_score": Quantity("1", "asymptote of each fitted recipe"),
    "recipe_compute_oom_hours": Quantity(
        "OOM GPU-hours", "compute at which each fitted recipe reaches the reference score"
    ),
    "progress_oom_per_year": Quantity("OOM per year", "published rate of progress"),
    "record_oom_usd": Quantity("OOM USD", "cost of each record"),
    "records_in_quarter": Quantity("records", "records in each quarter of a series' age"),
    "record_fall_oom": Quantity("OOM", "fall of the cost from each record to the next"),
    "annual_factor_oom": Quantity("OOM per year", "published annual factor of decline"),
}

CONSTANT = {
    "curve_is_rl": Quantity("1", "whether the curve is over RL compute, 1 or 0"),
    "curve_is_today": Quantity("1", "whether the curve is of a recipe of today, 1 or 0"),
    "curve_benchmark": Quantity("1", f"place of the curve's benchmark in benchmark, {PLACE}"),
    "curve_system": Quantity("1", f"place of the curve's system in system, {PLACE}"),
    "system_benchmark": Quantity("1", f"place of the system's benchmark in benchmark, {PLACE}"),
    "system_is_rl": Quantity("1", "whether the system is sampled by a curve of RL, 1 or 0"),
    "system_is_today": Quantity("1", "whether that curve is of a recipe of today, 1 or 0"),
    "point_curve": Quantity("1", f"place of the point's curve in drawn_curve, {PLACE}"),
    "point_compute_oom": Quantity("OOM", "compute at each point, from the middle of its curve"),
    "slope_se": Quantity("as the slope", "standard error of each published slope"),
    "slope_chord": Quantity("score per logit", "chord over the scores that each slope spans"),
    "exchange_se": Quantity("ln", "standard error of each log ratio of slopes"),
    "recipe_family": Quantity("1", f"place of the variant's family in family, {PLACE}"),
    "fitted_family": Quantity("1", f"place of the fitted recipe's family in family, {PLACE}"),
    "new_family_years": Quantity("years", "from the o1-era recipe to each newer one"),
    "reference_se": Quantity("OOM", "standard error of the compute to the reference score"),
    "rate_is_hardware": Quantity("1", "whether the rate is of hardware, 1 or 0"),
    "rate_is_competition": Quantity("1", "whether the rate is of competition, 1 or 0"),
    "rate_se": Quantity("OOM per year", "standard error of each published rate"),
    "series_benchmark": Quantity("1", f"place of the series' benchmark in cost_benchmark, {PLACE}"),
    "series_debut": Quantity("year", "first record of each series, decimal year"),
    "series_middle_age": Quantity("years", "mean age of each series' records"),
    "record_series": Quantity("1", f"place of the record's series in series, {PLACE}"),
    "record_age": Quantity("years", "age of the series in the middle of each record's reign"),
    "quarter_series": Quantity("1", f"place of the quarter's series in series, {PLACE}"),
    "quarter_from": Quantity("years", "age of the series at the start of each quarter"),
    "quarter_to": Quantity("years", "age of the series at the end of each quarter"),
    "factor_benchmark": Quantity(
        "1", f"place of the factor's benchmark in cost_benchmark, {PLACE}"
    ),
    "factor_estimator": Quantity("1", f"place of the factor's estimator in estimator, {PLACE}"),
    "factor_without_hardware": Quantity(
        "1", "whether falling prices of hardware were taken out, 1 or 0"
    ),
    "factor_age_from": Quantity("years", "youngest age that each factor covers"),
    "factor_age_to": Quantity("years", "oldest age that each factor covers"),
    "factor_se": Quantity("OOM per year", "standard error of each published factor"),
}

STATISTICS = {
    "tree_depth": Quantity("1", "doublings of the sampler's path"),
    "reached_max_treedepth": Quantity("1", "whether the path was cut at its greatest length"),
    "acceptance_rate": Quantity("1", "mean acceptance along the path"),
    "lp": Quantity("nat", "log density of the posterior, up to a constant"),
    "diverging": Quantity("1", "whether the path diverged"),
    "energy": Quantity("nat", "energy at each draw"),
    "energy_error": Quantity("nat", "error of the energy from the path's start to its end"),
    "n_steps": Quantity("1", "steps of the path"),
    "step_size": Quantity("1", "length of a step"),
}

DIMENSIONS = {
    "chain": Quantity("", "chain of the sampler"),
    "draw": Quantity("", "draw within its chain"),
    "benchmark": Quantity("", "benchmark of scores; new is one that was not seen"),
    "curve": Quantity("", "published response curve"),
    "drawn_curve": Quantity("", "published response curve whose points are known"),
    "system": Quantity("", "system on a benchmark"),
    "family": Quantity("", "family of RL recipes, the o1-era one first"),
    "new_family": Quantity("", "family of RL recipes after the o1-era one"),
    "cost_benchmark": Quantity("", "benchmark of costs"),
    "series": Quantity("", "record costs of one level of a benchmark"),
    "estimator": Quantity("", "way in which an annual factor was estimated"),
    "point": Quantity("", "point of a drawn curve, by its curve"),
    "slope": Quantity("", "published slope, by its curve"),
    "exchange": Quantity("", "study of trades of compute"),
    "recipe": Quantity("", "RL recipe, variants included"),
    "fitted_recipe": Quantity("", "RL recipe with a fitted curve"),
    "rate": Quantity("", "published rate of progress, by study and component"),
    "record": Quantity("", "record cost, by its series"),
    "quarter": Quantity("", "quarter of a series' age, by its series and start"),
    "step": Quantity("", "fall from a record to the next, by its series"),
    "factor": Quantity("", "published annual factor, by source, series and estimator"),
    "inference_factor": Quantity("x", "factor of inference compute"),
    "algorithm": Quantity("", "RL recipe: as_published is the o1-era one"),
    "age": Quantity("years", "age of the capability"),
    "component": Quantity("", "part of the decline"),
    "date": Quantity("", "date of the forecast"),
    "decision_date": Quantity("", "date at which one decides"),
    "task": Quantity("", "task whose cost is forecast"),
    "threshold": Quantity("USD", "cost to be reached"),
    "score": Quantity("1", "score to be reached"),
    "quantile": Quantity("1", "share of the probability below"),
    "structure": Quantity("", "structure of the model that the draw is from"),
    "parent": Quantity("", "run that the draw is from"),
}

STRAYS = {  # sampled neither as what they are in the posterior nor as standard normals
    "benchmark_slope_ln",
    "benchmark_ratio_effect",
    "system_slope_ln",
    "recipe_slope_ln_of",
    "recipe_ceiling_logit_of",
    "recipe_shift_effect",
    "models_progress_oom_per_year",
    "benchmark_decline_effect",
    "series_decline_effect",
    "estimator_bias",
}

SCALED = {  # sampled in units of how well they are measured
    "curve_level": Quantity(
        "0.05 logit", "log odds of the score in the middle of each drawn curve, as it is sampled"
    ),
}

DATA = OBSERVED | CONSTANT | STATISTICS
SAMPLED = QUANTITIES | EFFECTS


def meaning(group: str, name: str) -> Quantity | None:
    """Unit and meaning of a variable in a group of a run's draws; None if it is not known."""
    match group:
        case "unconstrained_posterior":
            return _sampled(name)
        case "log_prior":
            return _density(_sampled(name))
        case "log_likelihood":
            return _density(OBSERVED.get(name))
        case "prior" | "posterior" | "predictions":
            return SAMPLED.get(name)
    return DATA.get(name)


def _sampled(name: str) -> Quantity | None:
    """What the sampler moves of a variable."""
    if name not in SAMPLED or name in SCALED:
        return SCALED.get(name)
    behind = "" if name in EFFECTS else "the standard normal behind: "
    if name in STRAYS:
        behind = "what is sampled, longer than a standard normal where the spread is wide: "
    return Quantity("sd", behind + SAMPLED[name].meaning)


def _density(of: Quantity | None) -> Quantity | None:
    return of and Quantity("nat", f"log density of {of.meaning}")


def describe(group: "xr.Dataset", of: str) -> "xr.Dataset":
    """The group named `of`: its variables and coordinates now say unit and meaning, if known."""
    for name, variable in group.data_vars.items():
        if known := meaning(of, str(name)):
            variable.attrs |= known.attrs
    for name, coordinate in group.coords.items():
        if known := DIMENSIONS.get(str(name)):
            coordinate.attrs |= {key: said for key, said in known.attrs.items() if said}
    return group
