"""RL once or inference at every use, and how long the burden lasts, worked out by hand."""

import datetime as dt

import made
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import TODAY

from simulator import load_scenario
from simulator.forecast import project

SHAPE = (2, 5)
PLAIN = {  # no stray from benchmark to benchmark, nothing gained by algorithms or chips
    "benchmark_ratio_spread": 0.0,
    "algorithm_slope_factor": 1.0,
    "algorithm_shift_oom": 0.0,
    "decline_benchmark_spread": 0.0,
    "decline_series_spread": 0.0,
    "hardware_decline_factor": 1.0,
    "competition_decline_factor": 1.0,
}
FACTORS = [1.0, 10.0, 100.0]


def draws(**changes):
    return made.tenfold(SHAPE, **PLAIN | changes)


def projected(posterior, **more):
    asked = {
        "today": TODAY,
        "horizon": dt.date(2046, 1, 1),
        "algorithm_baseline": dt.date(2024, 1, 1),
        "inference_factors": FACTORS,
        "dates": [dt.date(2027, 1, 1), dt.date(2030, 1, 1)],
        "rl_spend_usd": 1e6,
        "cost_per_use_usd": 0.5,
    }
    chosen = {f"forecast.{key}": value for key, value in asked.items()}
    return project(load_scenario("base", {"structure.cost": "trend"} | chosen | more), posterior, 1)


def uses(outputs, factor=100.0, algorithm="as_published", date=0):
    found = outputs["break_even_uses_oom"].sel(inference_factor=factor, algorithm=algorithm)
    return found.isel(decision_date=date).values


def lasts(outputs, factor=100.0):
    return outputs["persistence_years"].sel(inference_factor=factor).values


# --- persistence ----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=15)
@given(st.floats(0.2, 5))
def test_under_a_constant_rate_a_factor_lasts_its_oom_over_the_rate(rate):
    outputs = projected(draws(decline_rate_at_debut=rate))
    for factor in FACTORS:
        assert lasts(outputs, factor) == pytest.approx(np.log10(factor) / rate, abs=1e-6)


def test_a_factor_of_100_at_5_to_10x_a_year_lasts_2_to_2_9_years():
    years = [lasts(projected(draws(decline_rate_at_debut=np.log10(x))))[0, 0] for x in (10, 5)]
    assert years == pytest.approx([2, 2.86], abs=0.005)


def test_a_transfer_of_a_half_doubles_it_and_a_floor_makes_it_last_for_ever():
    assert lasts(projected(draws(transfer_exponent=0.5))) == pytest.approx(4)
    floored = projected(draws(cost_floor_fraction=0.05))
    assert lasts(floored, 10.0) == pytest.approx(1)
    assert np.isposinf(lasts(floored)).all()


def test_a_slowdown_may_leave_it_unpaid_for_ever():
    # A rate of one that halves each year falls 1/ln 2 = 1.44 OOM in all.
    outputs = projected(draws(slowdown_half_life_years=1.0))
    assert lasts(outputs, 10.0) == pytest.approx(-np.log2(1 - np.log(2)))
    assert np.isposinf(lasts(outputs)).all()


@pytest.mark.parametrize("cost", ["trend", "staircase"])
def test_a_factor_of_one_is_no_burden_and_a_larger_one_lasts_longer(cost):
    outputs = projected(draws(), **{"structure.cost": cost})
    assert (lasts(outputs, 1.0) == 0).all()
    assert (lasts(outputs, 10.0) <= lasts(outputs)).all()


# --- break-even -----------------------------------------------------------------------------------


def test_ten_thousand_millions_over_99_half_dollars_are_200_million_uses():
    """M = 10^4 by the square law; 10^4 x $10^6 = N x (100 - 1) x $0.5."""
    assert 10 ** uses(projected(draws())) == pytest.approx(1e10 / 49.5)
    assert 10 ** uses(projected(draws()), 10.0) == pytest.approx(1e8 / 4.5)


@settings(deadline=None, max_examples=15)
@given(st.floats(1e3, 1e10), st.floats(1e-4, 1e3), st.floats(0.2, 3), st.floats(-1, 3))
def test_spends_are_equal_at_break_even(spend, use, ratio, shift):
    asked = {"forecast.rl_spend_usd": spend, "forecast.cost_per_use_usd": use}
    outputs = projected(draws(slope_ratio=ratio, algorithm_shift_oom=shift), **asked)
    oom = outputs["required_rl_multiplier_oom"].sel(benchmark="new", inference_factor=100.0)
    for algorithm in ("as_published", "today"):
        rl = oom.sel(algorithm=algorithm) + np.log10(spend)
        inference = uses(outputs, algorithm=algorithm) + np.log10(99 * use)
        np.testing.assert_allclose(rl, inference, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cost", ["trend", "staircase"])
def test_a_factor_of_one_never_breaks_even(cost):
    outputs = projected(draws(), **{"structure.cost": cost})
    assert np.isposinf(outputs["break_even_uses_oom"].sel(inference_factor=1.0)).all()
    assert np.isfinite(outputs["break_even_uses_oom"].drop_sel(inference_factor=1.0)).all()


def test_where_no_rl_suffices_it_never_breaks_even():
    with np.errstate(divide="ignore"):
        outputs = projected(draws(slope_ratio=0.0))
    assert np.isposinf(uses(outputs)).all()


def test_uses_that_get_tenfold_cheaper_put_it_off_tenfold():
    outputs = projected(draws())
    assert uses(outputs, date=1) - uses(outputs) == pytest.approx(1)
    assert uses(outputs, date=2) - uses(outputs) == pytest.approx(4)


def test_todays_algorithms_go_on_saving_and_bring_it_nearer():
    """One OOM saved in the two years from the baseline: half an OOM in each one to come."""
    outputs = projected(draws(algorithm_shift_oom=1.0, decline_rate_at_debut=0.0))
    drops = [uses(outputs, algorithm="today", date=i) for i in range(3)]
    assert drops[0] - uses(outputs) == pytest.approx(-1)
    assert drops[1] - drops[0] == pytest.approx(-0.5)
    assert drops[2] - drops[0] == pytest.approx(-2)
    assert uses(outputs, date=2) == pytest.approx(uses(outputs))  # the published one stands still


def test_cheaper_chips_bring_it_nearer_for_any_recipe_and_less_where_rates_slow():
    chips = draws(hardware_decline_factor=2.0, decline_rate_at_debut=0.0)
    assert uses(projected(chips), date=1) - uses(projected(chips)) == pytest.approx(-np.log10(2))
    slow = chips.assign(slowdown_half_life_years=chips["hardware_decline_factor"] / 2)
    saved = uses(projected(slow)) - uses(projected(slow), date=1)
    assert saved == pytest.approx(np.log10(2) * 0.5 / np.log(2))


def test_the_dates_of_the_choice_are_today_and_those_asked_for():
    found = projected(draws())["break_even_uses_oom"]["decision_date"].values
    assert found.astype("datetime64[D]").astype(str).tolist() == [
        "2026-01-01",
        "2027-01-01",
        "2030-01-01",
    ]
