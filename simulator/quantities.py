"""The vocabulary: every quantity's name, unit and meaning, stated once.

The same names stand in scenario files, in the PyMC model, in xarray and in every table.
"""

from typing import Literal, NamedTuple

Support = Literal["positive", "fraction", "real"]


class Quantity(NamedTuple):
    """A named quantity: its unit, what it means and, for a belief, the values it can take.

    `support` is None for what is only ever computed. `may` lists values outside the support that
    a constant may state all the same ("never", or exactly 0 or 1). `structure` names the only one
    that uses a belief, where not all do.
    """

    unit: str
    meaning: str
    support: Support | None = None
    may: tuple[float, ...] = ()
    structure: str = ""

    @property
    def attrs(self) -> dict[str, str]:
        """Unit and meaning as xarray and netCDF know them."""
        return {"units": self.unit, "long_name": self.meaning}


# Any two of these are stated; the third follows from rl_slope = slope_ratio * inference_slope.
SLOPES = ("rl_slope", "inference_slope", "slope_ratio")

BELIEFS: dict[str, Quantity] = {
    "rl_slope": Quantity(
        "points per OOM",
        "RL slope of a typical benchmark, percentage points per tenfold compute where steepest",
        "positive",
    ),
    "inference_slope": Quantity(
        "points per OOM",
        "inference slope of a typical benchmark, points per tenfold compute where steepest",
        "positive",
    ),
    "slope_ratio": Quantity("1", "RL slope over inference slope, typical benchmark", "positive"),
    "benchmark_slope_spread": Quantity(
        "ln", "sd of log inference slope from benchmark to benchmark", "positive", (0.0,)
    ),
    "benchmark_ratio_spread": Quantity(
        "ln", "sd of log slope ratio from benchmark to benchmark", "positive", (0.0,)
    ),
    "system_slope_spread": Quantity(
        "ln", "sd of log slope from system to system on one benchmark", "positive", (0.0,)
    ),
    "curve_noise": Quantity(
        "logit", "scale of a score around its curve, typical published curve", "positive"
    ),
    "curve_noise_spread": Quantity(
        "ln", "sd of that log scale from curve to curve", "positive", (0.0,)
    ),
    "asymptote_share": Quantity(
        "1",
        "share of the score missing in the middle of a typical curve that compute can still gain",
        "fraction",
        structure="saturating",
    ),
    "asymptote_spread": Quantity(
        "logit", "sd of that share from curve to curve", "positive", (0.0,), "saturating"
    ),
    "start_fraction": Quantity(
        "1",
        "score before any of the compute, as a share of that in the middle of a typical curve",
        "fraction",
        structure="saturating",
    ),
    "start_spread": Quantity(
        "logit", "sd of that start from curve to curve", "positive", (0.0,), "saturating"
    ),
    "pretraining_slope_factor": Quantity("x", "slope of pre-training over slope of RL", "positive"),
    "algorithm_slope_factor": Quantity(
        "x", "slope under today's RL recipes over slope under the o1-era baseline", "positive"
    ),
    "algorithm_shift_oom": Quantity(
        "OOM", "RL compute that today's recipes save at a fixed score, against the baseline", "real"
    ),
    "algorithm_ceiling_gain": Quantity(
        "logit",
        "gain of the asymptote, in log odds above a score that all reach, of today's recipes",
        "real",
    ),
    "recipe_slope_spread": Quantity(
        "ln", "sd of log slope factor from recipe family to family", "positive", (0.0,)
    ),
    "recipe_variant_spread": Quantity(
        "ln", "sd of log slope factor among variants of one family, seeds included", "positive"
    ),
    "recipe_shift_spread": Quantity(
        "OOM", "sd of the compute saved from recipe family to family", "positive"
    ),
    "recipe_ceiling_spread": Quantity(
        "logit", "sd of the gain of the asymptote from recipe family to family", "positive"
    ),
    "progress_rate_spread": Quantity(
        "OOM per year", "sd of published rates of progress around the truth", "positive"
    ),
    "progress_transfer_spread": Quantity(
        "OOM per year",
        "sd of the gap between progress of language models at large and of RL",
        "positive",
    ),
    "hardware_decline_factor": Quantity(
        "x per year", "fall of price for the same computation", "positive"
    ),
    "competition_decline_factor": Quantity(
        "x per year", "fall of price by competition, the same model on the same chips", "positive"
    ),
    "cost_decline_factor": Quantity(
        "x per year",
        "fall of the cost of a fixed capability, mean over its first year",
        "positive",
    ),
    "decline_ageing_years": Quantity(
        "years", "time in which the decline slows towards its remaining rate", "positive"
    ),
    "decline_remaining_fraction": Quantity(
        "1", "share of the rate at debut that remains for an old capability", "fraction", (0.0, 1.0)
    ),
    "decline_benchmark_spread": Quantity(
        "ln", "sd of log rate of decline from benchmark to benchmark", "positive", (0.0,)
    ),
    "decline_series_spread": Quantity(
        "ln",
        "sd of log rate of decline among levels and tasks of one benchmark",
        "positive",
        (0.0,),
    ),
    "record_noise_oom": Quantity(
        "OOM", "scale of a record cost around its trend", "positive", structure="trend"
    ),
    "record_drop_oom": Quantity(
        "OOM", "mean fall of the cost from a record to the next", "positive", structure="staircase"
    ),
    "estimator_spread_oom": Quantity(
        "OOM per year", "sd of what an estimator adds to the decline it reports", "positive"
    ),
    "factor_noise_oom": Quantity(
        "OOM per year", "error of a published annual factor beyond its interval", "positive"
    ),
    "slowdown_half_life_years": Quantity(
        "years",
        "time in which every rate of decline halves from today on",
        "positive",
        (float("inf"),),
    ),
    "transfer_exponent": Quantity(
        "1", "share of a benchmark's decline that real tasks see", "fraction", (1.0,)
    ),
    "cost_floor_fraction": Quantity(
        "1", "lowest cost a task can reach, as a share of its cost today", "fraction", (0.0,)
    ),
    "newest_price_factor": Quantity(
        "x per year", "rise of what it costs to run the newest capability", "positive"
    ),
    "newest_half_life_years": Quantity(
        "years", "time in which that rise halves from today on", "positive", (float("inf"),)
    ),
}

DERIVED: dict[str, Quantity] = {
    "cost_decline_oom_per_year": Quantity("OOM per year", "log10 of cost_decline_factor"),
    "decline_rate_at_debut": Quantity(
        "OOM per year", "rate of decline at the instant a capability appears, typical benchmark"
    ),
    "curve_slope": Quantity("points per OOM", "slope of each published curve where it is steepest"),
    "benchmark_slope_ratio": Quantity("1", "RL slope over inference slope, by benchmark"),
    "benchmark_decline": Quantity("1", "rate of decline over that of a typical benchmark"),
    "series_decline": Quantity("1", "rate of decline of a series over that of a typical one"),
    "curve_level": Quantity(
        "1", "score of each curve in the middle of its points, as a share of its range"
    ),
    "curve_asymptote": Quantity("1", "score that each drawn curve does not exceed"),
    "curve_start": Quantity("1", "score from which each drawn curve starts"),
    "recipe_slope": Quantity("points per OOM", "slope of each RL recipe where it is steepest"),
    "recipe_asymptote": Quantity("1", "pass rate that each RL recipe does not exceed"),
    "recipe_reference_oom": Quantity(
        "OOM GPU-hours", "compute at which each RL recipe reaches the reference score"
    ),
    "series_level": Quantity("OOM USD", "cost of each series in the middle of its records"),
}

OUTPUTS: dict[str, Quantity] = {
    "required_rl_multiplier_oom": Quantity(
        "OOM", "RL compute that buys what this factor of inference compute buys"
    ),
    "task_cost_oom_usd": Quantity("OOM USD", "cost of one task; infinite before its debut"),
    "years_to_threshold": Quantity(
        "years", "from debut until the task costs the threshold or less; infinite past the horizon"
    ),
    "cost_decline_factor_by_age": Quantity(
        "x per year", "fall of the cost at an age, typical benchmark, no slowdown"
    ),
    "decline_split": Quantity(
        "x per year",
        "fall of the cost of a typical capability that is new today, and the parts it is made of",
    ),
    "newest_price_oom": Quantity("OOM", "price of the newest capability over that of today's"),
    "recipe_compute_oom": Quantity(
        "OOM GPU-hours", "compute at which an RL recipe reaches a score; infinite above its ceiling"
    ),
    "baseline_compute_factor": Quantity(
        "x",
        "compute of the o1-era recipe over that of this one at a score; infinite where the o1-era "
        "recipe never gets there, 0 where only this one does not",
    ),
    "break_even_uses_oom": Quantity(
        "OOM uses",
        "uses above which RL once is cheaper than this factor of inference at every use",
    ),
    "persistence_years": Quantity(
        "years", "until falling prices have undone this factor; infinite past the horizon"
    ),
}

TOKENS = 30.0  # how much longer the chains of the first reasoning models were

# Computed from a run's draws when asked for, not kept with it.
ASKED: dict[str, Quantity] = {
    "jump_rl_oom": Quantity("OOM", "RL compute that lifts a score so far"),
    "jump_inference_oom": Quantity("OOM", "inference compute that lifts a score so far"),
    "inference_share": Quantity(
        "1", "share of the points gained that this factor of inference brings by itself"
    ),
}

QUANTITIES = BELIEFS | DERIVED | OUTPUTS | ASKED
