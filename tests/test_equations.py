"""The equations against truths worked out by hand, numerical integrals and algebra."""

import numpy as np
import pytensor.tensor as pt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from simulator import equations as eq

FACTOR = st.floats(1, 1e6)
POSITIVE = st.floats(0.05, 20)
SHARE = st.floats(0, 1)
SCORE = st.floats(0.01, 0.99)
AGE = st.decimals(0, 30, places=2).map(float)
# rate, ageing years, remaining fraction, half-life
DECLINE = st.tuples(st.floats(0, 3), st.floats(0.1, 10), SHARE, st.floats(0.2, 50))


# --- the multiplier -------------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "oom"), [(1, 0), (10, 2), (100, 4), (1000, 6)])
def test_half_the_slope_squares_the_factor(factor, oom):
    assert eq.required_rl_multiplier_oom(factor, 0.5) == oom


def test_recipes_of_twice_the_slope_undo_half_the_slope():
    assert eq.required_rl_multiplier_oom(100, 0.5, slope_factor=2) == 2


def test_a_shift_saves_its_own_oom():
    assert eq.required_rl_multiplier_oom(100, 0.5, 1, 0.7) == pytest.approx(3.3)


@given(FACTOR, FACTOR, POSITIVE, POSITIVE)
def test_factors_multiply_where_ooms_add(a, b, ratio, steeper):
    def oom(factor):
        return eq.required_rl_multiplier_oom(factor, ratio, steeper)

    assert oom(a * b) == pytest.approx(oom(a) + oom(b), abs=1e-9)


@given(FACTOR, POSITIVE, POSITIVE)
def test_slope_ratio_and_slope_factor_act_as_their_product(factor, ratio, steeper):
    assert eq.required_rl_multiplier_oom(factor, ratio, steeper) == pytest.approx(
        eq.required_rl_multiplier_oom(factor, ratio * steeper)
    )


# --- response curves ------------------------------------------------------------------------------


def test_a_third_to_two_thirds_over_two_oom_takes_four_oom_from_20_to_80_percent():
    slope = 25 * (eq.logit(2 / 3) - eq.logit(1 / 3)) / 2
    assert eq.saturating_jump_oom(0.2, 0.8, slope, 0.0, 1.0) == pytest.approx(4, rel=1e-14)


@given(SCORE, SCORE, SCORE, st.floats(1, 500), st.floats(0, 0.3), st.floats(0.7, 1))
def test_jumps_between_the_ends_of_a_curve_add_and_reverse(low, middle, high, slope, start, top):
    low, middle, high = (start + (top - start) * part for part in (low, middle, high))

    def jump(a, b):
        return eq.saturating_jump_oom(a, b, slope, start, top)

    assert jump(low, high) == pytest.approx(jump(low, middle) + jump(middle, high), abs=1e-9)
    assert jump(low, high) == pytest.approx(-jump(high, low), abs=1e-9)


@given(SCORE)
def test_logit_is_odd_around_one_half(score):
    assert eq.logit(1 - score) == pytest.approx(-eq.logit(score), abs=1e-12)


def test_points_per_logit_is_the_steepest_slope_of_a_logistic_curve():
    x = np.linspace(-5, 5, 10_001)
    steepest = np.gradient(100 / (1 + np.exp(-x)), x).max()
    assert steepest == pytest.approx(eq.POINTS_PER_LOGIT, rel=1e-6)


SCALE_RL, GRPO = (0.610, 1.97, 0.401, 2580), (0.490, 1.17, 0.402, 1839)


@given(st.sampled_from([SCALE_RL, GRPO]), st.floats(0.01, 0.99))
def test_compute_and_score_of_a_recipe_invert_each_other(recipe, part):
    asymptote, _, start, _ = recipe
    score = start + part * (asymptote - start)
    assert eq.sigmoid_score(eq.sigmoid_compute(score, *recipe), *recipe) == pytest.approx(score)


@pytest.mark.parametrize("recipe", [SCALE_RL, GRPO])
def test_steepest_slope_of_a_recipe_is_that_of_its_curve(recipe):
    x = np.linspace(0, 7, 100_001)
    points = 100 * eq.sigmoid_score(10**x, *recipe)
    assert np.gradient(points, x).max() == pytest.approx(eq.sigmoid_steepest(*recipe[:3]), rel=1e-6)


# --- decline --------------------------------------------------------------------------------------


@given(AGE, POSITIVE, SHARE)
def test_ageing_is_the_integral_of_the_rate_share(age, years, remaining):
    integral, _ = quad(eq.rate_share, 0, age, args=(years, remaining))
    assert eq.ageing(age, years, remaining) == pytest.approx(integral, abs=1e-8)


@given(st.floats(-2, 2), POSITIVE, SHARE)
def test_rate_at_debut_gives_back_the_first_year(first_year, years, remaining):
    rate = eq.rate_at_debut(first_year, years, remaining)
    assert rate * eq.ageing(1.0, years, remaining) == pytest.approx(first_year)


def test_the_rate_falls_from_one_to_what_remains():
    assert eq.rate_share(0.0, 2, 0.3) == 1
    assert eq.rate_share(1000.0, 2, 0.3) == pytest.approx(0.3)


@settings(deadline=None)
@given(AGE, AGE, DECLINE)
def test_what_has_fallen_is_the_integral_of_the_slowed_rate(age, today, decline):
    cut, arguments = min(age, today), (today, *decline)
    integral = sum(quad(eq.falling_oom, *ends, arguments)[0] for ends in ((0, cut), (cut, age)))
    assert eq.fallen_oom(age, today, *decline) == pytest.approx(integral, abs=1e-6)


def test_a_rate_ages_and_slows_at_once():
    """2 OOM a year at debut; at 1.5 years half of 0.4 and all of 0.6 e^-1 of it, by hand."""
    of_debut = 0.5 * (0.4 + 0.6 / np.e)
    assert eq.falling_oom(1.5, 0.5, 2.0, 1.5, 0.4, 1.0) == pytest.approx(2.0 * of_debut)


@given(AGE, AGE, DECLINE)
def test_an_infinite_half_life_is_no_slowdown(age, today, decline):
    rate, years, remaining, _ = decline
    expected = rate * eq.ageing(age, years, remaining)
    found = eq.fallen_oom(age, today, rate, years, remaining, np.inf)
    assert found == pytest.approx(expected, abs=1e-12)


@given(AGE, AGE, AGE, DECLINE)
def test_cost_never_rises_with_age_and_never_undercuts_its_floor(a, b, today, decline):
    floor = -1.0
    early, late = (eq.cost_oom(age, 4.0, floor, today, *decline) for age in sorted((a, b)))
    assert early >= late - 1e-12
    assert floor <= late <= 4.0


def test_50_000_dollars_at_tenfold_a_year_are_5_000_and_then_500():
    decline = (1.0, 1.0, 1.0, np.inf)  # constant: nothing fades, nothing slows
    costs = 10 ** eq.cost_oom(np.array([0, 1, 2]), np.log10(50_000), -np.inf, 0.0, *decline)
    assert costs == pytest.approx([50_000, 5_000, 500], rel=1e-12)


def test_a_rate_that_halves_every_year_from_today_on_falls_by_its_finite_sum():
    fallen = eq.fallen_oom(1e6, 0.0, 1.0, 1.0, 1.0, 1.0)
    assert fallen == pytest.approx(1 / np.log(2))


# --- one line for all types -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equation", "arguments"),
    [
        (eq.logit, (0.3,)),
        (eq.required_rl_multiplier_oom, (100.0, 0.4, 1.5, 0.2)),
        (eq.logistic, (0.3,)),
        (eq.saturating_steepness, (17.0, 0.1, 0.9)),
        (eq.saturating_score, (2.0, 0.2, 17.0, 0.1, 0.9)),
        (eq.sigmoid_score, (5000.0, *map(float, SCALE_RL))),
        (eq.sigmoid_compute, (0.45, *map(float, SCALE_RL))),
        (eq.sigmoid_steepest, (0.61, 1.97, 0.4)),
        (eq.ageing, (2.0, 1.5, 0.4)),
        (eq.rate_at_debut, (1.2, 1.5, 0.4)),
        (eq.rate_share, (2.0, 1.5, 0.4)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_floats_arrays_labelled_arrays_and_tensors_agree(equation, arguments):
    expected = equation(*arguments)
    array = equation(*(np.full(3, a) for a in arguments))
    labelled = equation(*(xr.DataArray([a, a], dims="draw") for a in arguments))
    tensor = equation(*(pt.constant(a, dtype="float64") for a in arguments))
    assert array == pytest.approx([expected] * 3, rel=1e-14)
    assert labelled.dims == ("draw",)
    assert labelled.values == pytest.approx([expected] * 2, rel=1e-14)
    assert tensor.eval(mode="FAST_COMPILE") == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("equation", "arguments"),
    [
        (eq.cost_oom, (3.0, 4.0, -1.0, 1.0, 0.9, 1.5, 0.4, 5.0)),
        (eq.saturating_jump_oom, (0.2, 0.8, 17.0, 0.1, 0.9)),
        (eq.raised, (0.6, 0.2, 0.7)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_for_numpy_agrees_for_floats_arrays_and_labelled_arrays(equation, arguments):
    expected = equation(*arguments)
    array = equation(*(np.full(3, a) for a in arguments))
    labelled = equation(*(xr.DataArray([a, a], dims="draw") for a in arguments))
    assert array == pytest.approx([expected] * 3, rel=1e-14)
    assert labelled.values == pytest.approx([expected] * 2, rel=1e-14)
