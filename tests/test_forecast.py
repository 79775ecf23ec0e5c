"""Outputs from draws made by hand, so that every answer is known beforehand."""

import datetime as dt

import made
import numpy as np
import pytest
import xarray as xr
from made import TODAY
from scipy.stats import norm

from simulator import equations, load_scenario
from simulator.forecast import project

SHAPE = (2, 3)


def draws(shape=SHAPE, **changes):
    """A posterior whose every draw is the same, or as given."""
    return made.tenfold(shape, **changes)


def task(cost=50_000.0, debut=TODAY, resembles="typical", **more):
    return {"cost_usd": cost, "debut": debut, "resembles": resembles, **more}


def scenario(tasks=None, **forecast):
    asked = {
        "today": TODAY,
        "horizon": dt.date(2046, 1, 1),
        "algorithm_baseline": dt.date(2024, 1, 1),
        "inference_factors": [10.0, 100.0],
        "dates": [dt.date(2027, 1, 1), dt.date(2028, 1, 1)],
        "ages_years": [0.0, 1.0, 2.0],
        "thresholds_usd": [5000.0, 500.0],
    }
    chosen = {"task": tasks or {"t": task()}, "forecast": asked | forecast}
    return load_scenario("base", chosen | {"structure.cost": "trend"})


def cost(outputs, name="t"):
    return 10 ** outputs["task_cost_oom_usd"].sel(task=name)


def years(outputs, name="t"):
    return outputs["years_to_threshold"].sel(task=name)


def test_50_000_dollars_are_5_000_after_a_year_and_500_after_two():
    found = cost(project(scenario(), draws(), 1))
    assert np.allclose(found, [5000, 500], rtol=1e-12)


def test_the_sample_dims_come_first_and_units_are_stated():
    outputs = project(scenario(), draws(), 1)
    for output in outputs.values():
        assert output.dims[:2] == ("chain", "draw")
        assert output.attrs["units"]


# --- the multiplier -------------------------------------------------------------------------------


def test_half_the_slope_squares_the_factor_and_twice_the_slope_with_a_shift_undoes_it():
    found = project(scenario(), draws(), 1)["required_rl_multiplier_oom"].sel(benchmark="typical")
    assert np.allclose(found.sel(algorithm="as_published"), [2, 4])
    assert np.allclose(found.sel(algorithm="today"), [0.5, 1.5])


def test_a_seen_benchmark_has_its_own_ratio_and_a_new_one_strays():
    seen = xr.DataArray(
        np.full((*SHAPE, 1), 0.25), {"benchmark": ["aime"]}, ("chain", "draw", "benchmark")
    )
    outputs = project(scenario(), draws().assign(benchmark_slope_ratio=seen), 1)
    found = outputs["required_rl_multiplier_oom"].sel(algorithm="as_published", inference_factor=10)
    assert (found.sel(benchmark="aime") == 4).all()
    assert len(np.unique(found.sel(benchmark="new"))) == 6


def test_a_new_benchmark_strays_by_the_stated_spread():
    """The sd of 40,000 log ratios at z = 5: 6e-7 false alarms. The control, 1.1 times it, fails."""
    many = draws((4, 10_000))
    outputs = project(scenario(), many, 1)
    oom = outputs["required_rl_multiplier_oom"].sel(
        algorithm="as_published", inference_factor=10, benchmark="new"
    )
    spread = np.log(1 / oom.values).std()

    def agrees(expected):
        return abs(spread / expected - 1) < 5 / np.sqrt(2 * 40_000)

    assert agrees(0.3)
    assert not agrees(0.33)


def test_a_ratio_of_nothing_needs_infinite_compute_and_is_no_nan():
    with np.errstate(divide="ignore"):
        outputs = project(scenario(), draws(slope_ratio=0.0), 1)
    found = outputs["required_rl_multiplier_oom"].sel(benchmark="typical")
    assert np.isposinf(found).all()


# --- thresholds -----------------------------------------------------------------------------------


def test_a_threshold_is_reached_where_the_cost_equals_it():
    fading = draws(decline_remaining_fraction=0.3, slowdown_half_life_years=4.0)
    found = years(project(scenario(thresholds_usd=[5000.0, 700.0]), fading, 1))
    arguments = (np.log10(50_000), -np.inf, 0.0, 1.0, 1.0, 0.3, 4.0)
    reached = equations.cost_oom(found, *arguments)
    assert np.allclose(reached, np.log10([5000, 700]), atol=1e-8, rtol=0)


def test_a_threshold_already_met_takes_no_time():
    assert (years(project(scenario(thresholds_usd=[50_000.0, 1e6]), draws(), 1)) == 0).all()


def test_a_threshold_past_the_horizon_takes_for_ever():
    outputs = project(
        scenario(horizon=dt.date(2028, 1, 1), thresholds_usd=[501.0, 499.0]), draws(), 1
    )
    assert np.isfinite(years(outputs).sel(threshold=501)).all()
    assert np.isposinf(years(outputs).sel(threshold=499)).all()


def test_a_cost_that_does_not_fall_never_reaches_a_lower_threshold():
    outputs = project(scenario(), draws(decline_rate_at_debut=0.0), 1)
    assert np.isposinf(years(outputs)).all()
    assert np.allclose(cost(outputs), 50_000)


def test_a_millionfold_fall_takes_six_years_at_tenfold():
    outputs = project(scenario(thresholds_usd=[0.05]), draws(), 1)
    assert np.allclose(years(outputs), 6)


@pytest.mark.parametrize("share", [0.1, 0.01, 0.003, 1e-3, 0.07])
def test_a_floor_at_the_threshold_is_reached_as_if_there_were_no_floor(share):
    asked = scenario(thresholds_usd=[50_000 * share])
    floored = years(project(asked, draws(cost_floor_fraction=share), 1))
    assert np.allclose(floored, -np.log10(share), atol=1e-6)


# --- dates, floors, slowdowns, transfer -----------------------------------------------------------


def test_a_task_has_no_cost_before_its_debut():
    found = cost(project(scenario({"t": task(debut=dt.date(2027, 7, 1))}), draws(), 1))
    assert np.isposinf(found.isel(date=0)).all()
    assert np.isfinite(found.isel(date=1)).all()


def test_a_cost_stated_later_is_met_on_that_day():
    debut = dt.date(2024, 1, 1)
    priced = scenario(
        {"t": task(debut=debut, priced=dt.date(2025, 1, 1))}, thresholds_usd=[5e5, 5e4]
    )
    outputs = project(priced, draws(), 1)
    assert np.allclose(years(outputs), [0, 1])
    assert np.allclose(cost(outputs), [500, 50])


def test_no_task_gets_cheaper_than_its_floor_as_a_share_of_todays_cost():
    aged = scenario({"t": task(debut=dt.date(2025, 1, 1))}, thresholds_usd=[50.0, 49.0])
    outputs = project(aged, draws(cost_floor_fraction=0.01), 1)
    assert np.allclose(cost(outputs), [500, 50])
    late = project(
        scenario({"t": task(debut=dt.date(2025, 1, 1))}), draws(cost_floor_fraction=0.5), 1
    )
    assert np.allclose(cost(late), 2500)


def test_the_decline_slows_from_today_on():
    outputs = project(scenario(), draws(slowdown_half_life_years=1.0), 1)
    fallen = np.array([0.5, 0.75]) / np.log(2)  # integral of 2**-t
    assert np.allclose(np.log10(50_000 / cost(outputs)), fallen)


def test_a_slowdown_that_began_before_a_debut_has_slowed_the_task_already():
    later = scenario({"t": task(debut=dt.date(2027, 1, 1))})
    found = cost(project(later, draws(slowdown_half_life_years=1.0), 1)).isel(date=1)
    assert np.allclose(np.log10(50_000 / found), 0.25 / np.log(2))


def test_transfer_slows_real_tasks_and_spares_benchmarks():
    tasks = {"t": task(), "b": task(kind="benchmark")}
    outputs = project(scenario(tasks), draws(transfer_exponent=0.5), 1)
    assert np.allclose(cost(outputs), 50_000 / np.sqrt([10, 100]))
    assert np.allclose(cost(outputs, "b"), [5000, 500])


def test_the_factor_by_age_falls_from_the_rate_at_debut_to_what_remains():
    fading = draws(decline_rate_at_debut=2.0, decline_remaining_fraction=0.5)
    found = project(scenario(ages_years=[0.0, 1.0, 100.0]), fading, 1)["cost_decline_factor_by_age"]
    assert np.allclose(found, [100, 10 ** (1 + np.exp(-1)), 10])


def test_a_task_follows_the_benchmark_it_resembles():
    steep = xr.DataArray(
        np.full((*SHAPE, 1), 2.0), {"cost_benchmark": ["gpqa"]}, ("chain", "draw", "cost_benchmark")
    )
    posterior = draws(decline_series_spread=0.0).assign(benchmark_decline=steep)
    found = cost(project(scenario({"t": task(resembles="gpqa")}), posterior, 1))
    assert np.allclose(found, [500, 5])


# --- the split of the decline, and the newest price -----------------------------------------------


def varied(seed=1, shape=SHAPE):
    """Draws that differ in everything that the split is made of."""
    rng = np.random.default_rng(seed)
    return draws(
        shape,
        decline_rate_at_debut=rng.uniform(-0.2, 3, shape),
        decline_ageing_years=rng.uniform(0.2, 5, shape),
        decline_remaining_fraction=rng.uniform(0, 1, shape),
        slowdown_half_life_years=rng.uniform(1, 30, shape),
        hardware_decline_factor=rng.uniform(0.8, 3, shape),
        competition_decline_factor=rng.uniform(0.8, 4, shape),
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_of_the_decline_multiply_to_the_total_at_every_draw(seed):
    split = project(scenario(), varied(seed), 1)["decline_split"]
    total, parts = split.sel(component="total"), split.drop_sel(component="total")
    assert parts["component"].values.tolist() == ["hardware", "competition", "algorithms"]
    np.testing.assert_allclose(parts.prod("component"), total, rtol=1e-12)


def test_what_hardware_and_competition_do_not_explain_of_tenfold_is_algorithms():
    split = project(scenario(), draws(), 1)["decline_split"].isel(date=0)
    found = {name: float(split.sel(component=name)[0, 0]) for name in split["component"].values}
    parts = {"total": 10, "hardware": 1.5, "competition": 1.25, "algorithms": 10 / 1.5 / 1.25}
    assert found == pytest.approx(parts)


def test_parts_and_total_slow_by_the_same_share():
    slowing = draws(slowdown_half_life_years=1.0)
    split = np.log10(project(scenario(), slowing, 1)["decline_split"])
    np.testing.assert_allclose(split.isel(date=1), split.isel(date=0) / 2, rtol=1e-12)


def test_the_total_is_the_rate_at_which_a_new_capability_falls_on_that_day():
    fading = draws(decline_remaining_fraction=0.3, slowdown_half_life_years=4.0)
    total = project(scenario(), fading, 1)["decline_split"].sel(component="total").isel(date=1)

    def fallen(age):
        return equations.fallen_oom(age, 0.0, 1.0, 1.0, 0.3, 4.0)

    assert np.allclose(np.log10(total), (fallen(2 + 1e-5) - fallen(2 - 1e-5)) / 2e-5, rtol=1e-8)


def test_the_newest_price_rises_fourfold_a_year_unless_its_rise_halves():
    found = project(scenario(), draws(), 1)["newest_price_oom"]
    assert np.allclose(10**found, [4, 16])
    halving = project(scenario(), draws(newest_half_life_years=1.0), 1)["newest_price_oom"]
    assert np.allclose(halving, np.log10(4) * np.array([0.5, 0.75]) / np.log(2))


# --- what must be finite --------------------------------------------------------------------------


def test_the_outputs_that_may_not_be_infinite_are_named():
    outputs = project(scenario(), draws(), 1)
    finite = {name for name, output in outputs.items() if output.attrs["finite"]}
    assert finite == {
        "required_rl_multiplier_oom",
        "cost_decline_factor_by_age",
        "decline_split",
        "newest_price_oom",
    }


# --- streams --------------------------------------------------------------------------------------


def test_what_else_is_asked_for_changes_no_other_draw():
    tasks = {"t": task(resembles="new"), "u": task(resembles="new")}
    few = project(scenario({"t": tasks["t"]}), draws(), 1)
    more = scenario(
        tasks,
        inference_factors=[3.0, 10.0, 100.0],
        dates=[dt.date(2027, 1, 1), dt.date(2028, 1, 1), dt.date(2030, 1, 1)],
        thresholds_usd=[5000.0, 500.0, 1.0],
        ages_years=[0.0, 1.0, 2.0, 5.0],
    )
    xr.testing.assert_identical(few, project(more, draws(), 1).sel(few.coords))


@pytest.mark.parametrize("own", ["decline_benchmark_spread", "decline_series_spread"])
def test_two_new_tasks_stray_apart_by_either_spread(own):
    tasks = {"t": task(resembles="new"), "u": task(resembles="new")}
    spreads = {"decline_benchmark_spread": 0.0, "decline_series_spread": 0.0} | {own: 0.2}
    outputs = project(scenario(tasks), draws(**spreads), 1)
    assert (cost(outputs, "t") != cost(outputs, "u")).all()


# --- the published positions ----------------------------------------------------------------------


def test_ord_2025_before_evidence_is_exactly_a_square_for_every_benchmark(sampled):
    overrides = {"evidence.sources": "none"}
    posterior = sampled("ord-2025", overrides, draws=50)["posterior"].dataset
    asked = load_scenario("ord-2025", overrides)
    outputs = project(asked, posterior, 1)
    found = outputs["required_rl_multiplier_oom"].transpose("inference_factor", ...)
    for factor, oom in {10: 2.0, 100: 4.0}.items():
        assert found.sel(inference_factor=factor).values == pytest.approx(oom, abs=1e-12)
    unchanged = outputs["task_cost_oom_usd"].sel(task="$50,000 task")
    assert np.allclose(unchanged, np.log10(50_000))


def test_epoch_2026_before_evidence_asks_500_to_2_000_dollars_after_two_years(sampled):
    """Three quantiles of 40,000 independent draws at z = 5: 2e-6 false alarms.

    The control, 4-9x a year in place of 5-10x, must fail.
    """
    overrides = {"evidence.sources": "none", "task": {"t": task(debut=dt.date(2025, 1, 1))}}
    overrides |= {"forecast.dates": [dt.date(2027, 1, 1)]}
    posterior = sampled("epoch-2026", {"evidence.sources": "none"}, draws=10_000)["posterior"]
    outputs = project(load_scenario("epoch-2026", overrides), posterior.dataset, 1)
    found = np.quantile(outputs["task_cost_oom_usd"], [0.05, 0.5, 0.95])

    def agrees(slow, fast):
        p = np.array([0.05, 0.5, 0.95])
        low, high = np.log10(50_000) - 2 * np.log10([fast, slow])
        sd = (high - low) / (2 * norm.ppf(0.95))
        expected = (low + high) / 2 + sd * norm.ppf(p)
        error = sd * np.sqrt(p * (1 - p) / 40_000) / norm.pdf(norm.ppf(p))
        return (abs(found - expected) < 5 * error).all()

    assert agrees(5, 10)
    assert not agrees(4, 9)
    assert np.allclose(10**found, [500, 1000, 2000], rtol=0.03)
