"""Recipes against the o1-era one: what is published of their curves, and what the model says."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import equations as eq
from simulator import load_scenario
from simulator.forecast.recipes import by_score

PUBLISHED = {0.45: 1.5, 0.47: 2.9, 0.48: 5.3}  # GRPO's GPU-hours over ScaleRL's, by pass rate
BASE = load_scenario("base")
ROWS = [row for row in BASE.evidence.rows("recipes") if row["table"] == "recipes"]
START = np.mean([row["start"] for row in ROWS])


def curve(family):
    (row,) = (row for row in ROWS if row["family"] == family)
    return tuple(row[key] for key in ("asymptote", "steepness", "start", "c_mid_gpu_hours"))


def asked(scores):
    return load_scenario("base", {"forecast.recipe_scores": list(scores)})


def posterior(**families):
    """A single draw of (slope, asymptote, OOM to 0.45) by family."""
    names = list(families)
    slope, top, reference = zip(*families.values(), strict=True)

    def of(values):
        return (("chain", "draw", "family"), np.array([[values]], float))

    figures = {"slope": slope, "asymptote": top, "reference_oom": reference}
    return xr.Dataset({f"recipe_{k}": of(v) for k, v in figures.items()}, {"family": names})


GRPO, SCALE_RL = (5.93, 0.49, 3.33), (23.7, 0.61, 3.15)


def found(scores, **families):
    out = by_score(asked(scores), posterior(**families))
    return out["recipe_compute_oom"].squeeze(), out["baseline_compute_factor"].squeeze()


# --- published curves -----------------------------------------------------------------------------


@pytest.mark.parametrize(("score", "factor"), PUBLISHED.items())
def test_grpo_takes_so_many_times_the_gpu_hours_of_scale_rl(score, factor):
    hours = {name: eq.sigmoid_compute(score, *curve(name)) for name in ("grpo", "scalerl")}
    assert hours["grpo"] / hours["scalerl"] == pytest.approx(factor, rel=0.02)


def test_grpo_never_reaches_one_half():
    top, steepness, start, c_mid = curve("grpo")
    assert eq.sigmoid_score(1e30, top, steepness, start, c_mid) < 0.5
    slope = eq.sigmoid_steepest(top, steepness, start)
    assert np.isposinf(eq.saturating_jump_oom(0.45, 0.50, slope, start, top))


@pytest.mark.parametrize("score", PUBLISHED)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["family"])
def test_slope_asymptote_and_one_point_are_the_whole_curve(row, score):
    top, steepness, start, c_mid = curve(row["family"])
    slope = eq.sigmoid_steepest(top, steepness, start)
    oom = np.log10(eq.sigmoid_compute(0.45, top, steepness, start, c_mid))
    oom += eq.saturating_jump_oom(0.45, score, slope, start, top)
    assert 10**oom == pytest.approx(eq.sigmoid_compute(score, top, steepness, start, c_mid))


def test_the_published_curves_give_the_published_factors_through_the_forecast():
    """With one start for all curves, that of their mean, to 5%."""
    families = {}
    for name in ("grpo", "scalerl"):
        top, steepness, start, c_mid = curve(name)
        reference = np.log10(eq.sigmoid_compute(0.45, top, steepness, start, c_mid))
        families[name] = (eq.sigmoid_steepest(top, steepness, start), top, reference)
    _, factor = found([*PUBLISHED, 0.5], **families)
    by_score_of = factor.sel(family="scalerl").values.tolist()
    assert by_score_of[:3] == pytest.approx([*PUBLISHED.values()], rel=0.05)
    assert by_score_of[3] == np.inf


# --- ceilings -------------------------------------------------------------------------------------


def test_compute_is_infinite_from_the_asymptote_on():
    below = np.nextafter(0.49, 0)
    compute, _ = found([0.45, below, 0.49, 0.5], grpo=GRPO, scalerl=SCALE_RL)
    grpo = compute.sel(family="grpo")
    assert grpo[0] == pytest.approx(3.33)
    assert np.isfinite(grpo[1])
    assert np.isposinf(grpo[2:]).all()
    assert np.isfinite(compute.sel(family="scalerl")).all()


def test_a_recipe_that_alone_never_gets_there_saves_nothing():
    _, factor = found([0.47, 0.5, 0.62], grpo=GRPO, scalerl=SCALE_RL, low=(10.0, 0.46, 3.2))
    assert factor.sel(family="low").values.tolist() == [0, np.inf, np.inf]
    assert factor.sel(family="scalerl").values[1:].tolist() == [np.inf, np.inf]
    assert factor.sel(family="grpo").values.tolist() == [1, np.inf, np.inf]


def test_a_score_that_all_have_from_the_start_takes_no_compute_of_any():
    compute, factor = found([0.1, 0.3], grpo=GRPO, scalerl=SCALE_RL)
    assert np.isneginf(compute).all()
    assert (factor == 1).all()


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0.01, 0.99), min_size=2, max_size=6, unique=True),
    st.floats(0.1, 100),
    st.floats(0.4501, 0.9999),
)
def test_a_higher_score_never_takes_less_and_nothing_is_nan(scores, slope, top):
    scores = sorted(scores)
    compute, factor = found(scores, grpo=GRPO, other=(slope, top, 3.0))
    assert not np.isnan(compute).any()
    assert not np.isnan(factor).any()
    assert (np.isposinf(compute.sel(family="other")) == (np.array(scores) >= top)).all()
    own = compute.sel(family="other").values
    assert (own[1:] >= own[:-1]).all()


# --- the posterior --------------------------------------------------------------------------------


def factors(run, score):
    return run.forecast["baseline_compute_factor"].sel(family="scalerl", score=score).values


@pytest.mark.parametrize(("score", "published"), PUBLISHED.items())
def test_the_posterior_holds_the_published_factor(base_run, score, published):
    draws = factors(base_run, score).ravel()
    low, high = np.quantile(draws, [0.05, 0.95], method="inverted_cdf")
    assert low < published < high


def test_the_higher_the_score_the_likelier_only_scale_rl_gets_there(base_run):
    infinite = [np.isinf(factors(base_run, score)).mean() for score in (0.45, 0.47, 0.48, 0.5)]
    assert infinite[0] == 0
    assert infinite == sorted(infinite)
    assert infinite[-1] > 0.5
    assert infinite[1] < 0.5


def test_the_posterior_asymptotes_are_near_the_published_ones(base_run):
    """Within two seeds' error, 0.035 of a pass rate."""
    asymptote = base_run.draws["posterior"]["recipe_asymptote"].median(("chain", "draw"))
    for name in ("grpo", "scalerl", "minimax", "magistral", "dapo"):
        assert float(asymptote.sel(family=name)) == pytest.approx(curve(name)[0], abs=0.035)
