"""Records as a compound Poisson process: counted by quarter, and drawn ahead as paths."""

import datetime as dt
import tracemalloc
from itertools import pairwise

import made
import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made import TODAY
from scipy.stats import norm

from simulator import load_scenario
from simulator.dates import decimal_year
from simulator.evidence import Evidence
from simulator.forecast import project
from simulator.forecast import staircase as module
from simulator.forecast.costs import Decline, Trend
from simulator.forecast.staircase import Staircase
from simulator.inference import predictions, prior_draws
from simulator.model import build
from simulator.observations import observe
from simulator.schema import Structure

STEPS = Structure(cost="staircase")
WORST = norm.isf(5e-7)  # sd of a figure at 1e-6 false alarms, both sides
SHAPE = (4, 5000)


# --- records as counts ----------------------------------------------------------------------------


def record(series, date, cost, until):
    return {
        "source": "s",
        "date": dt.date.fromisoformat(date),
        "series": series,
        "benchmark": "aime",
        "cost_usd": cost,
        "output_tokens": None,
        "usd_per_million_tokens": None,
        "observed_until": dt.date.fromisoformat(until),
    }


def counted(*rows):
    seen = observe(Evidence({"cost_records": rows}, {}), STEPS)
    arrays = {name: array for name, (_, array) in (seen.constant | seen.observed).items()}
    return seen, arrays


MADE = (
    record("a", "2024-01-01", 10.0, "2024-09-01"),
    record("a", "2024-04-01", 1.0, "2024-09-01"),  # at 0.25 years: the end of the first quarter
    record("a", "2024-05-01", 0.5, "2024-09-01"),
    record("b", "2024-03-01", 7.0, "2024-08-01"),  # a debut and nothing after it
)


def test_two_made_series_are_counted_by_quarter_of_their_age():
    seen, of = counted(*MADE)
    assert seen.coords["series"].tolist() == ["a", "b"]
    assert of["quarter_series"].tolist() == [0, 0, 0, 1, 1]
    assert of["quarter_from"].tolist() == [0, 0.25, 0.5, 0, 0.25]
    assert of["quarter_to"] == pytest.approx([0.25, 0.5, 8 / 12, 0.25, 5 / 12])
    assert of["records_in_quarter"].tolist() == [1, 1, 0, 0, 0]
    assert of["record_fall_oom"] == pytest.approx([1, np.log10(2)])


def test_a_series_of_debuts_only_has_quarters_and_no_falls():
    _, of = counted(MADE[3])
    assert of["records_in_quarter"].tolist() == [0, 0]
    assert "record_fall_oom" not in of


def test_the_order_of_the_rows_does_not_matter_to_the_counts():
    _, forth = counted(*MADE)
    _, back = counted(*MADE[::-1])
    assert forth.keys() == back.keys()
    assert all((forth[name] == back[name]).all() for name in forth)


def test_a_series_seen_on_its_first_day_only_is_watched_for_some_time():
    _, of = counted(record("a", "2024-01-01", 1.0, "2024-01-01"))
    assert of["records_in_quarter"].tolist() == [0]
    assert (of["quarter_to"] > of["quarter_from"]).all()


def test_a_second_record_of_the_last_day_is_not_lost():
    day = "2024-01-01"
    _, of = counted(record("a", day, 2.0, day), record("a", day, 1.0, day))
    assert of["records_in_quarter"].tolist() == [1]
    assert of["record_fall_oom"] == pytest.approx([np.log10(2)])


@settings(deadline=None)
@given(st.lists(st.integers(0, 1500), min_size=1, max_size=12, unique=True), st.integers(0, 400))
def test_all_the_time_watched_is_counted_once_and_every_record_but_the_first(days, after):
    start = dt.date(2023, 1, 1)
    dates = [start + dt.timedelta(day) for day in sorted(days)]
    until = (dates[-1] + dt.timedelta(after)).isoformat()
    costs = 10.0 ** -np.arange(len(dates))
    rows = [record("a", d.isoformat(), c, until) for d, c in zip(dates, costs, strict=True)]
    _, of = counted(*rows)
    watched = decimal_year(dt.date.fromisoformat(until)) - decimal_year(dates[0])
    assert (of["quarter_to"] - of["quarter_from"]).sum() == pytest.approx(watched, abs=1e-8)
    assert of["records_in_quarter"].sum() == len(dates) - 1
    assert (of["quarter_from"][1:] == of["quarter_to"][:-1]).all()


def test_a_belief_in_rising_costs_predicts_no_records():
    rising = {"structure.cost": "staircase", "evidence.sources": ["epoch-plunging"]}
    rising |= {"prior.cost_decline_factor.quantiles": {"q05": 0.1, "q95": 0.9}}
    scenario = load_scenario("base", rising)
    model = build(scenario, observe(scenario.evidence, scenario.structure))
    prior = prior_draws(model, 1, (1, 20), "prior")
    counts = predictions(model, prior, "prior_predictive", 1)["prior_predictive"]
    assert (counts["records_in_quarter"] == 0).any()
    assert (counts["records_in_quarter"] >= 0).all()


# --- paths ----------------------------------------------------------------------------------------


def full(value, shape=SHAPE):
    return xr.DataArray(np.broadcast_to(np.asarray(value, float), shape), dims=("chain", "draw"))


def decline(rate=2.0, ageing=1.0, remaining=0.4, half_life=6.0, shape=SHAPE, **changes):
    asked = {"debut": 2025.0, "priced_age": 0.0, "today_age": 1.0, "horizon_age": 10.0}
    asked |= {"cost_oom_usd": 3.0, "floor_oom": full(-np.inf, shape)}
    arguments = tuple(full(x, shape) for x in (rate, ageing, remaining, half_life))
    return Decline(**(asked | changes), arguments=arguments)


@settings(deadline=None)
@given(
    rate=st.floats(0.01, 4),
    ageing=st.floats(0.05, 50),
    remaining=st.floats(0, 1),
    half_life=st.floats(0.05, 50),
    today_age=st.floats(0, 5),
    age=st.floats(0, 10),
)
@example(rate=1.0, ageing=0.05078125, remaining=0.0, half_life=1.0, today_age=0.0, age=2.0)
def test_the_age_of_a_fall_is_where_the_fall_is_so_large(age, **asked):
    """Also where it has all but ended, and many ages have the same fall but for its last bits."""
    falling = decline(shape=SMALL, **asked)
    fallen = falling.expected(age)
    found = falling.age_of(fallen)
    assert (found <= 10.0).all()
    assert np.allclose(falling.expected(np.asarray(found)), fallen, rtol=1e-9, atol=1e-12)
    assert np.isposinf(falling.age_of(falling.expected(10.0) * 1.001)).all()
    assert (falling.age_of(-fallen) == 0).all()


def stairs(drop=0.4, seed=1, name="t", shape=SHAPE, **changes):
    falling = decline(shape=shape, **changes)
    return Staircase(falling, full(drop, shape), seed, name)


AGE = 5.0
EXPECTED = float(decline(shape=(1, 1)).expected(AGE)[0, 0])


def off_mean(path, expected, age=AGE):
    """How many standard errors the mean fall is off."""
    fallen = (path.start - path.cost(age)).values
    return abs(fallen.mean() - expected) / (fallen.std() / np.sqrt(fallen.size))


def test_the_mean_fall_is_that_of_the_trend():
    """20,000 paths at 1e-6 false alarms; the control, 3% more, must fail."""
    path = stairs()
    trend = Trend(path.decline)
    assert np.allclose(trend.start - trend.cost(AGE), EXPECTED)
    assert off_mean(path, EXPECTED) < WORST
    assert off_mean(path, 1.03 * EXPECTED) > WORST


def test_the_variance_is_that_of_a_compound_poisson():
    """Lambda E[fall^2], which is 2 drop^2 for exponential falls, at 1e-6; control: equal ones."""
    fallen = (stairs().start - stairs().cost(AGE)).values.ravel()
    squares = (fallen - EXPECTED) ** 2
    error = squares.std() / np.sqrt(squares.size)

    def agrees(moment):
        return abs(squares.mean() - EXPECTED / 0.4 * moment * 0.4**2) < WORST * error

    assert agrees(2.0)
    assert not agrees(1.0)


@pytest.mark.parametrize("age", [0.05, 0.2, 1.0])
def test_no_record_comes_by_an_age_with_the_probability_of_poisson(age):
    """exp(-Lambda) in 20,000 paths at 1e-6; the control, a fifth more records, must fail."""
    path = stairs()
    still = float((path.cost(age) == path.start).mean())
    records = float(path.decline.expected(age)[0, 0]) / 0.4

    def agrees(more):
        p = np.exp(-records * more)
        return abs(still - p) < WORST * np.sqrt(p * (1 - p) / path.start.size)

    assert agrees(1.0)
    assert not agrees(1.2)


def test_records_and_costs_only_fall():
    path = stairs()
    assert len(path.blocks) > 1
    for _, clock, fallen in path.blocks:
        assert (np.diff(clock, axis=0) > 0).all()
        assert (np.diff(fallen, axis=0) > 0).all()
    costs = [path.cost(age) for age in (0, 0.3, 1, 2, 5, 10)]
    assert all((later <= earlier).all() for earlier, later in pairwise(costs))
    assert (costs[0] == 3).all()


SMALL = (2, 40)
PATH = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "drop": st.floats(0.05, 2),
        "rate": st.floats(0.05, 4),
        "remaining": st.floats(0, 1),
        "half_life": st.floats(0.5, 50),
        "today_age": st.floats(0, 5),
        "priced_age": st.floats(0, 4),
        "floor_oom": st.sampled_from([-np.inf, -3.0, -1.0, 0.0]).map(lambda x: full(x, SMALL)),
    }
)


@settings(deadline=None, max_examples=50)
@given(PATH, st.floats(0, 10), st.floats(-3, 6))
def test_a_threshold_is_reached_by_an_age_exactly_where_the_cost_is_below_it_then(asked, age, usd):
    path = stairs(shape=SMALL, **asked)
    # A cost that equals the threshold but for its last bits has reached it.
    met, years = path.cost(age) <= usd + 1e-12, path.first_age(usd)
    assert (met == (years <= age)).all()
    assert not np.isnan(years).any()


@settings(deadline=None, max_examples=50)
@given(PATH)
def test_a_path_passes_through_its_price_and_stops_at_its_floor(asked):
    path = stairs(shape=SMALL, **asked)
    late = path.cost(10.0)
    floored = path.cost(path.decline.today_age) + asked["floor_oom"]
    assert (late >= floored - 1e-9).all()
    if np.isneginf(asked["floor_oom"]).all():
        assert np.allclose(path.cost(asked["priced_age"]), 3.0)
        assert (path.start >= 3.0).all()


def test_what_would_rise_stands_still():
    path = stairs(rate=-1.0, shape=SMALL)
    assert (path.cost(9.0) == 3.0).all()
    assert np.isposinf(path.first_age(2.9)).all()
    assert (path.first_age(3.0) == 0).all()


def test_a_path_of_thousands_of_records_is_short_and_lags_by_half_a_step():
    """30,000 records of 1e-3 OOM in steps of 118: by renewal theory (118 - 1)/2 records behind.

    1,000 paths at 1e-6 false alarms; the control, no lag at all, must fail.
    """
    small = (2, 500)
    tracemalloc.start()
    path = stairs(drop=1e-3, rate=3.0, remaining=1.0, half_life=np.inf, shape=small)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(block.clock) for block in path.blocks) < 2 * module.STEPS
    assert peak < 8 * 2 * 500 * module.STEPS * 10  # bytes: ten arrays of the size of a path
    assert off_mean(path, 30 - 0.0585, age=10.0) < WORST
    assert off_mean(path, 30.0, age=10.0) > WORST


# --- in a scenario --------------------------------------------------------------------------------


def posterior(shape=SMALL, **changes):
    return made.tenfold(shape, **changes)


def projected(draws, seed=1, tasks=None, **forecast):
    asked = {
        "today": TODAY,
        "horizon": dt.date(2036, 1, 1),
        "algorithm_baseline": dt.date(2024, 1, 1),
        "dates": [dt.date(2027, 1, 1), dt.date(2029, 1, 1)],
        "thresholds_usd": [5000.0, 500.0],
    }
    tasks = tasks or {"t": task()}
    chosen = {"task": tasks, "structure.cost": "staircase"}
    chosen |= {f"forecast.{key}": value for key, value in (asked | forecast).items()}
    return project(load_scenario("base", chosen), draws, seed)


def task(**more):
    return {"cost_usd": 50_000.0, "debut": TODAY, "resembles": "typical"} | more


def fallen(outputs, date=-1, name="t"):
    return np.log10(50_000) - outputs["task_cost_oom_usd"].sel(task=name).isel(date=date)


def test_transfer_shrinks_every_fall_of_a_real_task_and_leaves_its_dates():
    tasks = {"t": task(), "b": task(kind="benchmark")}
    whole = projected(posterior(), tasks=tasks)
    half = projected(posterior(transfer_exponent=0.5), tasks=tasks)
    np.testing.assert_allclose(fallen(half), fallen(whole) / 2, rtol=1e-12)
    xr.testing.assert_equal(fallen(half, name="b"), fallen(whole, name="b"))


def test_a_slowdown_lets_records_wait_and_an_infinite_one_changes_nothing():
    slow = fallen(projected(posterior(slowdown_half_life_years=1.0)))
    assert (slow <= fallen(projected(posterior()))).all()
    assert (slow < fallen(projected(posterior()))).any()


def test_no_path_gets_below_the_floor_of_todays_cost():
    floored = projected(posterior(cost_floor_fraction=0.1), thresholds_usd=[5000.0, 4999.0])
    assert (fallen(floored) <= 1 + 1e-12).all()
    years = floored["years_to_threshold"].sel(task="t")
    assert np.isposinf(years.sel(threshold=4999)).all()
    assert np.isfinite(years.sel(threshold=5000)).any()


def test_a_longer_sample_and_more_chains_begin_with_the_shorter_one():
    short = projected(posterior((2, 10)))
    long = projected(posterior((3, 25))).isel(chain=slice(2), draw=slice(10))
    xr.testing.assert_identical(short, long)


def test_another_task_date_or_threshold_changes_no_path():
    few = projected(posterior())
    more = projected(
        posterior(),
        tasks={"s": task(resembles="new"), "t": task()},
        dates=[dt.date(2026, 6, 1), dt.date(2027, 1, 1), dt.date(2029, 1, 1)],
        thresholds_usd=[5000.0, 500.0, 5.0],
    )
    for name in ("task_cost_oom_usd", "years_to_threshold", "persistence_years"):
        xr.testing.assert_identical(few[name], more[name].sel(few[name].coords))


def test_tasks_and_seeds_have_paths_of_their_own():
    outputs = projected(posterior(), tasks={"t": task(), "u": task()})
    assert (fallen(outputs) != fallen(outputs, name="u")).any()
    assert (fallen(outputs) != fallen(projected(posterior(), seed=2))).any()
