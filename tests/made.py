"""Runs and forecasts made by hand, for tests of what works on several of them."""

import datetime as dt
from dataclasses import replace

import numpy as np
import xarray as xr
from hypothesis import strategies as st

from simulator import load_scenario, summary
from simulator.exports.item import Item
from simulator.outcome import Outcome, seal_run
from simulator.questions.askable import ASKABLE
from simulator.questions.distribution import Forecast
from simulator.questions.question import Question
from simulator.run import Check

SHAPE = 4, 250
TODAY = dt.date(2026, 1, 1)
TENFOLD = {  # a typical cost falls tenfold a year for ever, at half Ord's RL slope
    "slope_ratio": 0.5,
    "benchmark_ratio_spread": 0.3,
    "algorithm_slope_factor": 2.0,
    "algorithm_shift_oom": 0.5,
    "decline_rate_at_debut": 1.0,
    "decline_ageing_years": 1.0,
    "decline_remaining_fraction": 1.0,
    "decline_benchmark_spread": 0.2,
    "decline_series_spread": 0.2,
    "slowdown_half_life_years": np.inf,
    "transfer_exponent": 1.0,
    "cost_floor_fraction": 0.0,
    "hardware_decline_factor": 1.5,
    "competition_decline_factor": 1.25,
    "newest_price_factor": 4.0,
    "newest_half_life_years": np.inf,
    "record_drop_oom": 0.3,
}


def scenario(response="logit", cost="trend", **overrides):
    """The base scenario without evidence, of any structure, also those that are not built."""
    loaded = load_scenario("base", {"evidence.sources": "none"} | overrides)
    return replace(loaded, spec=loaded.spec | {"structure": {"response": response, "cost": cost}})


def dataset(**variables):
    """Draws by name, each (chain, draw) or a pair of further dims and array."""
    chains, draws = SHAPE
    made = {}
    for name, variable in variables.items():
        dims, array = variable if isinstance(variable, tuple) else ((), variable)
        made[name] = (("chain", "draw", *dims), np.asarray(array, dtype=float))
    return xr.Dataset(made, {"chain": np.arange(chains), "draw": np.arange(draws)})


def tenfold(shape, **changes):
    """Draws that are all the same, those of TENFOLD, or as given."""
    return xr.Dataset(
        {
            name: (("chain", "draw"), np.broadcast_to(np.asarray(value, float), shape))
            for name, value in (TENFOLD | changes).items()
        }
    )


def forecast(multiplier, years=None, benchmarks=("new",)):
    """A forecast with a multiplier per benchmark, and years to one threshold."""
    dims = ("inference_factor", "benchmark", "algorithm")
    cells = np.stack([multiplier + i for i in range(len(benchmarks))], axis=-1)
    made = dataset(
        required_rl_multiplier_oom=(dims, np.stack([cells, cells / 2], axis=-1)[:, :, None]),
        years_to_threshold=(("task", "threshold"), (years if years is not None else multiplier)[
            ..., None, None]),
    )  # fmt: skip
    return made.assign_coords(
        inference_factor=[100.0],
        benchmark=list(benchmarks),
        algorithm=["as_published", "today"],
        task=["a task"],
        threshold=[500.0],
    )


def seal(into, seed=1, of=None, log_likelihood=None, observed=None, outputs=None, passed=True):
    """A sealed run of hand-made draws."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(SHAPE)
    groups = {
        "prior": dataset(slope_ratio=np.exp(rng.standard_normal(SHAPE))),
        "posterior": dataset(slope_ratio=np.exp(z), only_here=z) if seed == 7 else
        dataset(slope_ratio=np.exp(z)),
    }  # fmt: skip
    if log_likelihood:
        groups["log_likelihood"] = dataset(
            **{name: ((dim,), array) for name, (dim, array) in log_likelihood.items()}
        )
        groups["observed_data"] = xr.Dataset(observed)
        for group in ("log_likelihood", "observed_data"):
            sizes = groups[group].sizes
            labels = {dim: np.arange(sizes[dim]) for dim in sizes if dim not in ("chain", "draw")}
            groups[group] = groups[group].assign_coords(labels)
    draws = xr.DataTree.from_dict(groups)
    outputs = forecast(5 + z) if outputs is None else outputs
    rows = summary.summarise(draws, outputs, None)
    checks = {"by_hand": Check(passed, 0.0)}
    return seal_run(into, of or scenario(), seed, Outcome(draws, outputs, checks, rows, [], {}))


FROM = {
    "run": "20260101-made-00000000",
    "scenario": "made",
    "digest": "0123456789",
    "seed": 1,
    "status": "passed",
    "created": "2026-01-01T00:00:00+00:00",
    "group": "posterior",
}


def item(draws, quantity="task_cost", status="passed", **said):
    """What is exported: a question and its forecast with these draws, in the question's unit."""
    asked = ASKABLE[quantity]
    with np.errstate(divide="ignore"):
        kept = np.log10(draws) if asked.oom else np.asarray(draws, dtype=float)
    table = {"id": "made", "text": "made by hand", "quantity": quantity} | said
    question = Question.model_validate(table)
    return Item(question, Forecast(asked, {}, np.atleast_2d(kept), FROM | {"status": status}))


@st.composite
def shapes(draw, infinite=True):
    """Draws of any shape, (2, n): spread over up to eight orders of magnitude, lumped, equal, with
    ties, sometimes 5% infinite; in the unit of a quantity that is above zero."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, width = draw(st.integers(20, 400)), draw(st.floats(0.01, 8))
    middle = draw(st.floats(-4, 4))
    z = {
        "normal": rng.standard_normal((2, n)) / 4,
        "skewed": rng.exponential(0.3, (2, n)) - 0.5,
        "lumped": rng.choice([-0.5, 0.4], (2, n)) + rng.standard_normal((2, n)) / 50,
        "tied": np.round(2 * rng.standard_normal((2, n))) / 8,
        "floor": np.maximum(rng.standard_normal((2, n)) / 4, 0),
        "one": np.zeros((2, n)),
    }[draw(st.sampled_from(["normal", "skewed", "lumped", "tied", "floor", "one"]))]
    values = 10.0 ** (middle + width * z)
    if infinite and draw(st.booleans()):
        values[rng.random((2, n)) < 0.05] = np.inf
    return values
