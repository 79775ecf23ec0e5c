"""The gate: each broken sample fails the check of its name, a sound one passes them all."""

import math

import arviz as az
import numpy as np
import pytest
import xarray as xr

from simulator import diagnostics
from simulator.diagnostics import check

SHAPE = (4, 1000)


def rng():
    return np.random.default_rng(20261001)


def tree(draws, *, energy=None, diverging=0, prior=None):
    """A run's draws with one variable x, and another that is sound."""
    shape = np.shape(draws)
    free = rng().normal(size=shape) if energy is None else energy
    divergences = np.arange(math.prod(shape)).reshape(shape) < diverging
    groups = {
        "prior": {"x": rng().normal(size=(2, 50)) if prior is None else prior},
        "posterior": {"x": draws, "sound": rng().normal(size=shape)},
        "sample_stats": {"energy": free, "diverging": divergences},
    }
    dims = ("chain", "draw")
    datasets = {
        group: xr.Dataset({n: (dims, values) for n, values in variables.items()})
        for group, variables in groups.items()
    }
    datasets["prior"]["sound"] = dims, rng().normal(size=datasets["prior"]["x"].shape)
    return xr.DataTree.from_dict(datasets)


def failed(draws, forecast=None, **more):
    checks = check(tree(draws, **more), xr.Dataset() if forecast is None else forecast)
    return {name for name, outcome in checks.items() if not outcome.passed}


def sound(shape=SHAPE):
    return np.random.default_rng(1).normal(size=shape)


def autocorrelated(phi=0.99):
    steps = sound()
    walk = np.zeros(SHAPE)
    for i in range(1, SHAPE[1]):
        walk[:, i] = phi * walk[:, i - 1] + np.sqrt(1 - phi**2) * steps[:, i]
    return walk


def changed(at, value):
    draws = sound()
    draws[at] = value
    return draws


def funnel():
    """Neal's funnel as a stuck sampler leaves it: chains in the neck that never come out."""
    log_scale = 3 * sound()
    log_scale[0] = -9 + 0.01 * log_scale[0]
    return np.exp(log_scale / 2) * np.random.default_rng(2).normal(size=SHAPE)


MIXING = {"r_hat_at_most_1_01", "ess_bulk_at_least_400", "ess_tail_at_least_400"}


def test_a_sound_sample_passes():
    assert failed(sound()) == set()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_single_draw_that_is_not_finite_fails(bad):
    found = failed(changed((2, 500), bad))
    assert "draws_finite" in found
    assert found <= {"draws_finite"} | MIXING


@pytest.mark.parametrize(("value", "broken"), [(np.inf, False), (-np.inf, True), (np.nan, True)])
def test_a_belief_that_may_be_endless_may_be_nothing_else_that_is_not_finite(value, broken):
    name = min(diagnostics.ENDLESS)
    sample = tree(changed((2, 500), value)).map_over_datasets(
        lambda group: group.rename({"x": name}) if "x" in group else group
    )
    assert check(sample, xr.Dataset())["draws_finite"].passed is not broken


def test_a_constant_fails_unless_the_scenario_fixes_it():
    assert "draws_vary" in failed(np.ones(SHAPE))
    assert failed(np.ones(SHAPE), prior=np.ones((2, 50))) == set()


def test_a_chain_stuck_on_one_value_fails():
    assert "r_hat_at_most_1_01" in failed(changed(0, 0.3)) <= MIXING


def test_a_chain_that_found_another_place_fails():
    assert "r_hat_at_most_1_01" in failed(sound() + 5 * np.eye(4)[:, :1]) <= MIXING


def test_chains_of_another_scale_fail_though_their_middle_agrees():
    assert "r_hat_at_most_1_01" in failed(sound() * np.array([[5.0], [1], [1], [1]])) <= MIXING


def test_slow_mixing_fails():
    assert {"ess_bulk_at_least_400", "ess_tail_at_least_400"} <= failed(autocorrelated()) <= MIXING


def test_a_single_chain_fails_and_cannot_show_that_it_mixed():
    assert failed(sound((1, 4000))) == {"chains_at_least_4", "r_hat_at_most_1_01"}


def test_fifty_draws_fail():
    assert {"ess_bulk_at_least_400", "ess_tail_at_least_400"} <= failed(sound((4, 50))) <= MIXING


def test_one_divergence_fails():
    assert failed(sound(), diverging=1) == {"no_divergences"}


def test_a_funnel_with_a_chain_in_its_neck_fails():
    found = failed(funnel(), diverging=37)
    assert {"no_divergences", "r_hat_at_most_1_01"} <= found


def test_energy_that_moves_too_little_fails():
    assert failed(sound(), energy=autocorrelated(0.95)) == {"e_bfmi_at_least_0_3"}


def test_the_energy_of_a_thinned_sample_is_judged_as_it_was_before():
    draws = tree(sound())
    draws["sample_stats"].attrs["e_bfmi"] = 0.2
    assert not check(draws, xr.Dataset())["e_bfmi_at_least_0_3"].passed


def test_an_output_that_is_not_a_number_fails_and_an_infinite_one_does_not():
    def output(value):
        return xr.Dataset({"cost": (("chain", "draw"), changed((0, 0), value))})

    assert failed(sound(), output(np.nan)) == {"outputs_not_nan"}
    assert failed(sound(), output(np.inf)) == set()


def test_the_worst_element_is_named():
    draws = sound((*SHAPE, 3))
    draws[0, :, 1] += 5
    dims = ("chain", "draw", "series")
    tall = tree(sound())
    posterior = xr.Dataset({"level": (dims, draws)}, {"series": ["a", "b", "c"]})
    groups = {"prior": posterior[{"draw": slice(50)}], "posterior": posterior}
    checks = check(
        xr.DataTree.from_dict(groups | {"sample_stats": tall["sample_stats"].dataset}),
        xr.Dataset(),
    )
    assert checks["r_hat_at_most_1_01"].worst == "level[b]"


def test_every_number_that_decides_is_given():
    checks = check(tree(sound(), diverging=3), xr.Dataset())
    assert checks["no_divergences"].value == 3
    assert checks["chains_at_least_4"].value == 4
    assert 1 <= checks["r_hat_at_most_1_01"].value < 1.01


def test_figures_of_the_same_draws_are_computed_once(monkeypatch):
    draws, asked = np.random.default_rng(4).normal(size=(*SHAPE, 2)), []
    figure = diagnostics.ess_tail
    monkeypatch.setattr(diagnostics, "ess_tail", lambda one: asked.append(1) or figure(one))
    found = [diagnostics.mixing(draws[..., i]) for i in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert diagnostics.mixed(draws[..., 0].copy())
    assert len(asked) == 2


# --- the figures are ArviZ's ----------------------------------------------------------------------

SAMPLES = {
    "independent": sound(),
    "autocorrelated": autocorrelated(0.9),
    "heavy-tailed": np.random.default_rng(3).standard_cauchy(SHAPE),
    "one chain": sound((1, 500)),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_figures_agree_with_arviz(sample):
    draws = SAMPLES[sample]
    data = az.from_dict({"posterior": {"x": draws}})

    def theirs(of, **how):
        return of(data, **how)["x"].item()

    assert diagnostics.r_hat(draws) == pytest.approx(theirs(az.rhat), nan_ok=True)
    assert diagnostics.ess_bulk(draws) == pytest.approx(theirs(az.ess))
    tail = theirs(az.ess, method="tail", prob=(0.05, 0.95))
    assert diagnostics.ess_tail(draws) == pytest.approx(tail)
    mcse = theirs(az.mcse, method="quantile", prob=0.5)
    assert diagnostics.mcse_median(draws) == pytest.approx(mcse)


ODD = {
    "ties": np.round(sound()),
    "constant": np.ones(SHAPE),
    "mostly infinite": np.where(sound() < 0.5, np.inf, sound()),
    "one infinite chain": changed(0, np.inf),
    "all infinite": np.full(SHAPE, -np.inf),
    "not a number": changed((1, 3), np.nan),
    **{f"{n} draws": sound()[:, :n] for n in (3, 4, 7, 8, 9, 999)},
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("sample", SAMPLES | ODD)
def test_figures_from_one_ranking_are_those_from_two_to_the_last_bit(sample):
    draws = (SAMPLES | ODD)[sample]
    each = [of(draws) for of in (diagnostics.r_hat, diagnostics.ess_bulk, diagnostics.ess_tail)]
    assert np.array_equal(diagnostics.mixing(draws), each, equal_nan=True)


def test_e_bfmi_agrees_with_arviz():
    energy = autocorrelated(0.8)
    data = xr.DataTree.from_dict(
        {"sample_stats": xr.Dataset({"energy": (("chain", "draw"), energy)})}
    )
    assert diagnostics.e_bfmi(energy) == pytest.approx(az.bfmi(data)["energy"].values)
