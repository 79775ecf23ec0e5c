"""The three links, logit, linear and saturating, from the o1 panels to the RL multiplier.

Ord reads the panels as 0.2 to 0.8 over 2 OOM of inference and 1/3 to 2/3 over 2 OOM of RL.
"""

import datetime as dt

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import equations as eq
from simulator import load_scenario, simulate
from simulator.evidence import Evidence
from simulator.forecast import project
from simulator.forecast.multipliers import multiplier, rl_jump, systems
from simulator.observations import observe
from simulator.schema import Structure

SHARE = st.floats(1e-3, 1 - 1e-3)
SLOPE = st.floats(0.01, 1000)
GAIN = st.floats(-5, 5)
RATIO = st.floats(0.05, 20)
FACTORS = np.array([1.0, 10.0, 100.0, 1000.0])


def one(**figures):
    """A dataset of a single draw."""
    return xr.Dataset({n: (("chain", "draw"), [[float(v)]]) for n, v in figures.items()})


def draws(asymptote=0.9, start_fraction=0.1, slope=30.0, ratio=0.5, steeper=1.0, shift=0.0, gain=0):
    return one(
        asymptote_share=asymptote,
        asymptote_spread=0.5,
        start_fraction=start_fraction,
        start_spread=0.5,
        inference_slope=slope,
        slope_ratio=ratio,
        benchmark_slope_spread=0.3,
        benchmark_ratio_spread=0.2,
        algorithm_slope_factor=steeper,
        algorithm_shift_oom=shift,
        algorithm_ceiling_gain=gain,
    )


def asked(response, from_score=0.2):
    forecast = {"inference_factors": FACTORS.tolist(), "from_score": from_score}
    chosen = {f"forecast.{key}": value for key, value in forecast.items()}
    return load_scenario("base", chosen | {"structure.response": response})


LOGIT, SATURATING = asked("logit"), asked("saturating")


def found(scenario, posterior, benchmark="typical", algorithm="as_published"):
    return (
        multiplier(scenario, posterior, 1).sel(benchmark=benchmark, algorithm=algorithm).squeeze()
    )


# --- the o1 panels --------------------------------------------------------------------------------


def test_the_choice_of_link_alone_moves_the_o1_jump_from_4_to_3_6_oom():
    in_logits = eq.POINTS_PER_LOGIT * (eq.logit(2 / 3) - eq.logit(1 / 3)) / 2  # points per OOM
    assert in_logits == pytest.approx(25 * np.log(2))
    assert eq.saturating_jump_oom(0.2, 0.8, in_logits, 0.0, 1.0) == pytest.approx(4)
    on_a_line = 100 * (2 / 3 - 1 / 3) / 2
    assert 100 * (0.8 - 0.2) / on_a_line == pytest.approx(3.6)
    assert pytest.approx(2.5, rel=0.01) == 10 ** (4 - 3.6)


@pytest.mark.parametrize(
    ("response", "slope"),
    [
        # Steepest slopes of both panels read at their ends: 0.2 to 0.8 and 1/3 to 2/3 over 2 OOM.
        ("logit", lambda low, high: 25 * (eq.logit(high) - eq.logit(low)) / 2),
        ("linear", lambda low, high: 100 * (high - low) / 2),
    ],
)
def test_100x_inference_is_worth_what_the_panels_read_at_their_ends_say(response, slope):
    inference, rl = slope(0.2, 0.8), slope(1 / 3, 2 / 3)
    oom = found(asked(response), draws(slope=inference, ratio=rl / inference))
    assert oom.sel(inference_factor=100) == pytest.approx({"logit": 4, "linear": 3.6}[response])


def test_published_slopes_become_chords_under_a_straight_line():
    """1.2 logits per OOM from 0.2 to 0.8 are 0.6/2.77 of a score each; no ends given: a quarter."""
    row = {"source": "s", "date": dt.date(2025, 1, 1), "kind": "inference", "recipe": ""}
    row |= {"benchmark": "aime", "slope_logit_per_oom": 1.2, "se": 0.3}
    spans = {"wide": (0.2, 0.8), "unknown": (None, None), "high": (0.9, 0.99), "point": (0.5, 0.5)}
    rows = [
        row | {"curve": c, "lowest_score": a, "highest_score": b} for c, (a, b) in spans.items()
    ]
    evidence = Evidence({"response_slopes": tuple(rows)}, {})
    line = observe(evidence, Structure(response="linear"))
    chords = [0.6 / (2 * np.log(4)), 0.25, 0.09 / np.log(11), 0.25]
    assert line.observed["slope_per_oom"][1] == pytest.approx(np.multiply(1.2, chords))
    assert line.constant["slope_se"][1] == pytest.approx(np.multiply(0.3, chords))
    for response in ("logit", "saturating"):
        other = observe(evidence, Structure(response=response))
        assert other.observed["slope_logit_per_oom"][1].tolist() == [1.2] * 4
        assert other.constant["slope_se"][1].tolist() == [0.3] * 4


@pytest.mark.parametrize("response", ["linear", "saturating"])
def test_other_links_than_logit_are_fitted_to_the_scores_themselves(response):
    evidence = load_scenario("base", {"evidence.sources": ["openai-o1"]}).evidence
    seen = observe(evidence, Structure(response=response))
    scores = [row["score"] for row in evidence.rows("response_points")]
    assert seen.observed["score"][1].tolist() == scores
    assert "score_logit" not in seen.observed


# --- saturating, from 0 to 1: the logit link ------------------------------------------------------


@given(SHARE, SHARE, SLOPE)
def test_a_jump_between_0_and_1_is_that_in_log_odds(low, high, slope):
    oom = eq.saturating_jump_oom(low, high, slope, 0.0, 1.0)
    expected = 25 * (eq.logit(high) - eq.logit(low)) / slope
    assert oom == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(SHARE, st.floats(-3, 3), SLOPE)
def test_a_score_between_0_and_1_moves_in_log_odds(score, oom, slope):
    moved = eq.saturating_score(oom, score, slope, 0.0, 1.0)
    assert moved == pytest.approx(eq.logistic(eq.logit(score) + slope / 25 * oom))


@settings(deadline=None, max_examples=50)
@given(st.floats(1, 40), RATIO, st.floats(0.5, 5), st.floats(-1, 2))
def test_multipliers_with_ends_0_and_1_are_those_of_the_logit_link(slope, ratio, steeper, shift):
    nearly = draws(1 - 1e-12, 1e-15, slope, ratio, steeper, shift)
    for algorithm in ("as_published", "today"):
        mine = found(SATURATING, nearly, algorithm=algorithm)
        theirs = found(LOGIT, nearly, algorithm=algorithm)
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


@given(SHARE, st.floats(-4, 4), SLOPE, st.floats(0, 0.4), st.floats(0.6, 1))
def test_a_jump_undoes_the_score_that_compute_bought(part, oom, slope, start, top):
    score = start + (0.1 + 0.8 * part) * (top - start)
    moved = eq.saturating_score(oom, score, slope, start, top)
    if 1e-6 < (moved - start) / (top - start) < 1 - 1e-6:
        back = eq.saturating_jump_oom(score, moved, slope, start, top)
        assert back == pytest.approx(oom, abs=1e-4)


def test_the_steepest_slope_of_a_saturating_curve_is_the_one_stated():
    x = np.linspace(-5, 5, 100_001)
    points = 100 * eq.saturating_score(x, 0.45, 30.0, 0.1, 0.8)
    assert np.gradient(points, x).max() == pytest.approx(30, rel=1e-6)


def test_the_sigmoid_of_a_published_recipe_is_the_saturating_curve():
    top, steepness, start, c_mid = 0.610, 1.97, 0.401, 2580
    slope = eq.sigmoid_steepest(top, steepness, start)
    for compute in (500, 2580, 9000):
        oom = np.log10(compute / c_mid)
        mine = eq.saturating_score(oom, (start + top) / 2, slope, start, top)
        assert mine == pytest.approx(eq.sigmoid_score(compute, top, steepness, start, c_mid))


# --- ceilings -------------------------------------------------------------------------------------


def jump(above, asymptote, below=0.3, slope=20.0, factor=1.0, start=0.05, gain=0.0):
    system = one(start=start, rl_asymptote=asymptote, rl_slope=slope)
    posterior = draws(steeper=factor, gain=gain)
    return rl_jump(below, xr.DataArray(above), system, posterior).squeeze()


@settings(deadline=None, max_examples=50)
@given(st.floats(0.3, 0.999), st.floats(0.06, 0.999))
def test_rl_compute_is_infinite_exactly_from_its_asymptote_on(above, asymptote):
    oom = jump(above, asymptote).sel(algorithm="as_published")
    assert np.isposinf(oom) == (above >= asymptote)


def test_at_the_asymptote_itself_no_compute_suffices():
    assert np.isfinite(jump(np.nextafter(0.7, 0), 0.7).sel(algorithm="as_published"))
    assert np.isposinf(jump(0.7, 0.7).sel(algorithm="as_published"))


@settings(deadline=None, max_examples=50)
@given(
    st.floats(1e-6, 1 - 1e-9),
    st.floats(1e-6, 1 - 1e-6),
    st.floats(1e-3, 1e4),
    st.floats(1e-4, 1e3),
    st.floats(1e-3, 1e3),
    st.floats(-20, 20),
    st.integers(0, 2**32),
)
def test_a_multiplier_is_never_nan(asymptote, start, slope, ratio, steeper, gain, seed):
    """New benchmarks have asymptotes of their own: RL may end below where the jump starts."""
    posterior = draws(asymptote, start, slope, ratio, steeper, 0.5, gain)
    posterior = posterior.assign(asymptote_spread=posterior["asymptote_spread"] * 6)
    oom = multiplier(SATURATING, posterior, seed)
    assert not np.isnan(oom).any()
    assert not np.isneginf(oom).any()


@settings(deadline=None, max_examples=50)
@given(SHARE, st.integers(0, 2**16))
def test_the_scenarios_seed_can_put_the_rl_asymptote_below_the_start_of_the_jump(share, seed):
    posterior = draws().assign(asymptote_spread=draws()["asymptote_spread"] * 6)
    own = systems(posterior, seed, "new")
    below = own["start"] + share * (own["inference_asymptote"] - own["start"])
    oom = rl_jump(below, below + 1e-3, own, posterior).sel(algorithm="as_published")
    assert (np.isposinf(oom) == (below + 1e-3 >= own["rl_asymptote"])).all()


@settings(deadline=None, max_examples=50)
@given(st.floats(0.35, 0.9), SLOPE, st.floats(1, 10), st.floats(0.32, 0.95), st.floats(0, 0.05))
def test_more_slope_or_a_higher_asymptote_never_takes_more_compute(above, slope, more, top, up):
    least = jump(above, top, slope=slope).sel(algorithm="as_published")
    assert jump(above, top, slope=slope * more).sel(algorithm="as_published") <= least
    assert jump(above, top, slope=slope, factor=more).sel(algorithm="today") <= least * (1 + 1e-9)
    in_logits = 25 * (top - 0.05)  # of one steepness, as a higher curve of one slope is longer
    raised = jump(above, top + up, slope=slope * (top + up - 0.05) / (in_logits / 25))
    assert raised.sel(algorithm="as_published") <= least * (1 + 1e-9)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(1, 1e6), min_size=2, max_size=2), RATIO)
def test_more_inference_never_takes_less_rl_compute(factors, ratio):
    low, high = sorted(factors)
    posterior, own = draws(ratio=ratio), systems(draws(ratio=ratio), 1, "typical")
    below = own["start"] + 0.2 * (own["inference_asymptote"] - own["start"])
    above = [eq.saturating_score(np.log10(k), below, 30, own["start"], 0.9) for k in (low, high)]
    less, more = (rl_jump(below, score, own, posterior) for score in above)
    assert (less <= more + 1e-9).all()


@given(SHARE, SHARE, st.floats(0, 10))
def test_a_gain_never_lowers_a_ceiling_nor_lifts_it_over_one(asymptote, above, gain):
    raised = eq.raised(asymptote, above, gain)
    assert asymptote - 1e-9 <= raised <= 1


@given(SHARE, SHARE, st.lists(GAIN, min_size=2, max_size=2))
def test_a_larger_gain_raises_higher(asymptote, above, gains):
    low, high = sorted(gains)
    assert eq.raised(asymptote, above, low) <= eq.raised(asymptote, above, high)


def test_a_gain_of_ln_4_lifts_half_of_the_way_to_four_fifths():
    assert eq.raised(0.6, 0.2, np.log(4)) == pytest.approx(0.2 + 0.8 * 0.8)
    assert eq.raised(0.6, 0.2, 0.0) == pytest.approx(0.6)


@settings(deadline=None, max_examples=50)
@given(SHARE, SHARE, st.floats(0, 5))
def test_today_reaches_every_score_that_the_baseline_reaches(above, asymptote, gain):
    oom = jump(0.3 + 0.69 * above, 0.1 + 0.89 * asymptote, gain=gain)
    if np.isfinite(oom.sel(algorithm="as_published")):
        assert np.isfinite(oom.sel(algorithm="today"))


def test_a_share_of_the_curve_decides_where_the_jump_starts():
    """From 0.2 of the way at 30 points per OOM: 100x inference, steepness 30/(25 x 0.81)."""
    way = eq.logistic(eq.logit(0.2) + 2 * 30 / (25 * 0.81))
    by_hand = (eq.logit(way) - eq.logit(0.2)) / (15 / (25 * 0.81))
    oom = found(SATURATING, draws()).sel(inference_factor=100)  # one asymptote for both kinds
    assert oom == pytest.approx(by_hand)
    assert oom == pytest.approx(4)


# --- a run ----------------------------------------------------------------------------------------


def test_a_saturating_run_says_how_likely_no_amount_suffices_and_passes(compiled_code, tmp_path):
    run = simulate(load_scenario("base", {"structure.response": "saturating"}), into=tmp_path)
    assert run.passed, {name: check for name, check in run.checks.items() if not check.passed}
    where = {"inference_factor": 100.0, "benchmark": "new", "algorithm": "as_published"}
    (row,) = (row for row in run.rows if row["coords"] == where)
    infinite = np.isinf(run.forecast["required_rl_multiplier_oom"].sel(where)).mean()
    assert row["prob_infinite"] == infinite
    assert 0 < row["prob_infinite"] < 1
    assert not run.forecast["required_rl_multiplier_oom"].attrs["finite"]
    posterior = run.draws["posterior"]
    assert (posterior["curve_asymptote"] > posterior["curve_start"]).all()
    again = project(
        load_scenario("base", {"structure.response": "saturating"}), posterior.dataset, run.seed
    )
    xr.testing.assert_allclose(again, run.forecast)
