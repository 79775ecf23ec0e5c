"""Every ArviZ call that our groups promise works on the draws of a sealed run as it is opened."""

import warnings

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from simulator import open_run

FEW = {"var_names": ["slope_ratio", "cost_decline_factor"]}
ONE = {"var_names": ["slope_ratio"]}
SCORES = {"var_names": ["score_logit"]}


@pytest.fixture(scope="module")
def draws(base_run):
    return open_run(base_run.path).draws


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


# A belief that the scenario fixes has draws of one value, which have no R-hat: 0/0 in ArviZ.
CONSTANTS = pytest.mark.filterwarnings("ignore:invalid value encountered in scalar divide")


@CONSTANTS
@pytest.mark.parametrize("call", [az.rhat, az.ess, az.mcse, az.hdi, az.eti])
def test_figures_cover_every_posterior_variable(draws, call):
    found = call(draws)
    assert found.data_vars.keys() == draws["posterior"].data_vars.keys()


@pytest.mark.parametrize("kind", ["all", "stats", "diagnostics"])
def test_summary(draws, kind):
    assert list(az.summary(draws, kind=kind, ci_prob=0.9, **FEW).index) == FEW["var_names"]


def test_extract(draws):
    assert az.extract(draws, **ONE).sizes["sample"] == 4000


def test_thin(draws):
    assert az.thin(draws, factor=10, **FEW).sizes["draw"] == 100


@pytest.mark.parametrize(
    "plot",
    [
        az.plot_forest,
        az.plot_ridge,
        az.plot_dist,
        az.plot_trace,
        az.plot_trace_dist,
        az.plot_rank,
        az.plot_rank_dist,
        az.plot_ess,
        az.plot_ess_evolution,
        az.plot_mcse,
        az.plot_autocorr,
        az.plot_pair,
        az.plot_parallel,
        az.plot_prior_posterior,
        az.plot_convergence_dist,
    ],
    ids=lambda plot: plot.__name__,
)
def test_posterior_plots(draws, plot):
    assert plot(draws, backend="matplotlib", **FEW) is not None


def test_plot_forest_of_a_labelled_dimension(draws):
    az.plot_forest(draws, var_names=["benchmark_slope_ratio"], backend="matplotlib")


@pytest.mark.parametrize("group", ["prior", "unconstrained_posterior"])
def test_other_groups_plot_like_the_posterior(draws, group):
    az.plot_dist(draws, group=group, var_names=["rl_slope"], backend="matplotlib")


def test_plot_bf(draws):
    az.plot_bf(draws, var_names=["slope_ratio"], ref_val=0.5, backend="matplotlib")


# --- sampler --------------------------------------------------------------------------------------


@CONSTANTS
def test_diagnose_reports_every_check(draws):
    _, found = az.diagnose(draws, show_diagnostics=False, return_diagnostics=True)
    assert {"divergent", "treedepth", "bfmi"} <= found.keys()


def test_bfmi_and_plot_energy(draws):
    assert az.bfmi(draws)["energy"].sizes == {"chain": 4}
    az.plot_energy(draws, backend="matplotlib")


# --- leave one out --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def elpd(draws):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # high Pareto k is a finding, not a fault
        return {n: az.loo(draws, var_name=n, pointwise=True) for n in draws["log_likelihood"]}


def test_loo_of_every_kind_of_observation(draws, elpd):
    for name, found in elpd.items():
        assert found.n_data_points == draws["observed_data"][name].size
        assert np.isfinite(found.elpd)


def test_plot_khat(elpd):
    az.plot_khat(elpd["score_logit"], backend="matplotlib")


def test_compare(elpd):
    table = az.compare({"one": elpd["score_logit"], "same": elpd["score_logit"]})
    assert set(table.index) == {"one", "same"}


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
class TestLeaveOneOut:
    def test_loo_pit(self, draws):
        found = az.loo_pit(draws, **SCORES)["score_logit"]
        assert ((found >= 0) & (found <= 1)).all()

    def test_plot_loo_pit(self, draws):
        az.plot_loo_pit(draws, backend="matplotlib", **SCORES)

    def test_plot_loo_interval(self, draws):
        # ArviZ 1.3 goes through all predictive variables, whatever var_names says.
        groups = ("posterior_predictive", "observed_data", "log_likelihood")
        one = {group: draws[group].dataset[["score_logit"]] for group in groups}
        data = xr.DataTree.from_dict({"posterior": draws["posterior"].dataset} | one)
        az.plot_loo_interval(data, backend="matplotlib", **SCORES)

    def test_loo_expectations(self, draws):
        mean, _ = az.loo_expectations(draws, var_name="score_logit")
        assert np.isfinite(mean).all()

    def test_loo_score(self, draws):
        assert np.isfinite(az.loo_score(draws, var_name="score_logit").mean)

    def test_loo_metrics(self, draws):
        assert np.isfinite(az.loo_metrics(draws, var_name="score_logit").mean)


# --- prior and likelihood -------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["prior", "likelihood"])
def test_psense(draws, group):
    assert az.psense(draws, group=group, **FEW).data_vars.keys() == set(FEW["var_names"])


def test_psense_summary(draws):
    assert list(az.psense_summary(draws, **FEW).index) == FEW["var_names"]


def test_psense_of_one_belief_and_one_kind_of_observation(draws):
    table = az.psense_summary(
        draws, prior_var_names=["rl_slope"], likelihood_var_names=["score_logit"], **ONE
    )
    assert np.isfinite(table[["prior", "likelihood"]].astype(float)).all(axis=None)


@pytest.mark.parametrize("plot", [az.plot_psense_dist, az.plot_psense_quantities])
def test_psense_plots(draws, plot):
    plot(draws, backend="matplotlib", **ONE)


@pytest.mark.filterwarnings("ignore:(?s)This plot always uses the `observed_data` group")
@pytest.mark.parametrize("group", ["posterior_predictive", "prior_predictive"])
@pytest.mark.parametrize(
    "plot",
    [az.plot_ppc_dist, az.plot_ppc_pit, az.plot_ppc_interval, az.plot_ppc_tstat],
    ids=lambda plot: plot.__name__,
)
def test_predictive_checks(draws, plot, group):
    plot(draws, group=group, backend="matplotlib", **SCORES)


def test_plot_lm(draws):
    az.plot_lm(draws, x="point_compute_oom", y="score_logit", smooth=False, backend="matplotlib")
