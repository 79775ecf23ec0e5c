"""Every ArviZ call that our groups promise works on the file of a sealed run, and on a batch."""

import warnings

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from simulator import equations, load_scenario, open_batch, open_run
from simulator.batch.engine import run_batch
from simulator.model import build
from simulator.observations import observe
from simulator.variables import DIMENSIONS, STATISTICS, meaning

FEW = {"var_names": ["slope_ratio", "cost_decline_factor"]}
ONE = {"var_names": ["slope_ratio"]}
SCORES = {"var_names": ["score_logit"]}


@pytest.fixture(scope="module")
def draws(base_run):
    """The file as ArviZ reads it from disk, by no code of ours."""
    with az.from_netcdf(base_run.path / "draws.nc") as tree:
        return tree.load()  # a second tree of a file that is open crashes the netCDF library


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


def test_all_readers_find_the_same(base_run, draws, tmp_path):
    ours = open_run(base_run.path).draws
    assert ours.identical(draws)
    with xr.open_datatree(base_run.path / "draws.nc") as plain:
        assert ours.identical(plain.load())
    ours.to_zarr(tmp_path / "draws.zarr", consolidated=False)
    stored = az.from_zarr(tmp_path / "draws.zarr", consolidated=False)
    for name, group in ours.children.items():
        assert group.dataset.equals(stored[name].dataset.load()), name


# --- what every variable says of itself -----------------------------------------------------------


def test_every_variable_of_every_group_says_unit_and_meaning(base_run, draws):
    for name, group in draws.children.items():
        for variable in group.data_vars.values():
            assert variable.attrs["units"], (name, variable.name)
            assert variable.attrs["long_name"], (name, variable.name)
        for dim in group.dims:  # coordinates that read as they are
            assert group[dim].attrs["long_name"], (name, dim)
            assert group[dim].dtype.kind in "US" or dim in ("chain", "draw"), (name, dim)
            assert len({*group[dim].values.tolist()}) == group.sizes[dim]
    assert draws["observed_data"]["point"].values[0] == "o1_train 1"
    for dim in base_run.forecast.dims:
        assert base_run.forecast[dim].attrs["long_name"], dim


@pytest.mark.parametrize("response", ["logit", "linear", "saturating"])
@pytest.mark.parametrize("cost", ["staircase", "trend"])
def test_every_structure_is_described(response, cost):
    scenario = load_scenario("base", {"structure.response": response, "structure.cost": cost})
    observed = observe(scenario.evidence, scenario.structure)
    model = build(scenario, observed)
    assert observed.coords.keys() <= DIMENSIONS.keys()
    asked = {"constant_data": observed.constant, "observed_data": observed.observed}
    asked |= {"log_likelihood": observed.observed, "posterior_predictive": observed.observed}
    free = [rv.name.removesuffix("_z") for rv in model.free_RVs]
    asked |= {"log_prior": free, "unconstrained_posterior": free}
    asked["posterior"] = [
        v.name for v in model.unobserved_value_vars if v.name in model and not v.name.endswith("_z")
    ]
    for group, names in asked.items():
        assert [name for name in names if not meaning(group, name)] == [], group
    assert meaning("posterior", "of nobody") is None


def test_densities_and_normals_are_not_in_the_unit_of_the_belief(draws):
    assert draws["posterior"]["rl_slope"].attrs["units"] == "points per OOM"
    assert draws["unconstrained_posterior"]["rl_slope"].attrs["units"] == "sd"
    assert draws["log_prior"]["rl_slope"].attrs["units"] == "nat"
    assert draws["sample_stats"].data_vars.keys() == STATISTICS.keys()
    level = draws["unconstrained_posterior"]["curve_level"]  # in units of how well it is known
    assert level.attrs["units"] == f"{equations.WELL_KNOWN} logit"


# --- posterior ------------------------------------------------------------------------------------

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
    assert np.isfinite(
        az.bayes_factor(draws, var_names="slope_ratio", ref_vals=0.5)["slope_ratio"]
    ).all()


def test_plot_pair_marks_divergences_and_focuses(draws):
    pair = {"var_names": ["slope_ratio", "rl_slope"], "visuals": {"divergence": True}}
    az.plot_pair(draws, backend="matplotlib", **pair)
    az.plot_pair_focus(draws, focus_var="slope_ratio", var_names=["rl_slope"], backend="matplotlib")


@pytest.mark.parametrize("call", [az.mean, az.median, az.mode, az.std, az.mad, az.iqr, az.kde])
def test_what_a_distribution_is_like(draws, call):
    assert call(draws, **FEW) is not None


def test_ci_in_rope_and_distances_of_prior_and_posterior(draws):
    assert 0 <= az.ci_in_rope(draws, rope=(0.4, 0.6), **ONE)["slope_ratio"] <= 100
    for distance in (az.wasserstein, az.kl_divergence):
        assert distance(draws["prior"].dataset, draws["posterior"].dataset, **ONE) is not None


def test_bayesian_r2(draws):
    assert az.bayesian_r2(draws, pred_mean="curve_level", scale="curve_noise") is not None


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
    az.plot_compare(table, backend="matplotlib")


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

    def test_loo_of_single_observations(self, draws):
        assert np.isfinite(az.loo_i(0, draws, var_name="score_logit").elpd)
        assert np.isfinite(az.loo_r2(draws, var_name="score_logit")).all()

    def test_plot_ecdf_pit(self, draws):
        found = az.loo_pit(draws, **SCORES).rename(point="sample")
        ranks = xr.DataTree.from_dict({"loo_pit": found})
        az.plot_ecdf_pit(ranks, group="loo_pit", sample_dims="sample", backend="matplotlib")

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


def test_plot_ppc_rootogram_of_counts(draws):
    az.plot_ppc_rootogram(draws, var_names=["records_in_quarter"], backend="matplotlib")


@pytest.mark.parametrize(
    ("x", "y"), [("point_compute_oom", "score_logit"), ("quarter_from", "records_in_quarter")]
)
def test_plot_lm(draws, x, y):
    az.plot_lm(draws, x=x, y=y, smooth=False, backend="matplotlib")


# --- a batch --------------------------------------------------------------------------------------

BATCH = """
name = "walk"
base = "base"
set = { "sampler.draws" = 100, "sampler.tune" = 200 }

[[axis]]
name = "who"
[[axis.level]]
name = "as in base"
[[axis.level]]
name = "little reaches real tasks"
set = { "prior.transfer_exponent.quantiles" = { q05 = 0.1, q95 = 0.4 } }
"""
BELIEFS = {"var_names": ["slope_ratio", "transfer_exponent"]}


@pytest.fixture(scope="module")
def batch(compiled_code, tmp_path_factory):
    folder = tmp_path_factory.mktemp("walk")
    (folder / "walk.toml").write_text(BATCH, "utf-8")
    run_batch(folder / "walk.toml", folder / "batch", jobs=1)
    return folder / "batch"


@pytest.fixture(scope="module")
def over(batch):
    return open_batch(batch, draws=100)


def test_every_variable_and_label_of_a_batch_says_what_it_is(over):
    for name, group in over.children.items():
        for variable in group.data_vars.values():
            assert variable.attrs["long_name"], (name, variable.name)
            assert "units" in variable.attrs or variable.dtype.kind == "U", (name, variable.name)
        for dim in group.dims:
            assert group[dim].attrs.keys() & {"long_name", "label"}, (name, dim)


@pytest.mark.parametrize(
    "call",
    [az.rhat, az.ess, az.mcse, az.hdi, az.eti, az.thin, az.mean, az.median, az.mode, az.iqr],
    ids=lambda call: call.__name__,
)
def test_figures_over_scenarios(over, call):
    found = call(over, **BELIEFS)
    found = found.dataset if isinstance(found, xr.DataTree) else found
    assert found["slope_ratio"].sizes["who"] == 2


def test_summary_and_extract_over_scenarios(over):
    assert len(az.summary(over, ci_prob=0.9, **BELIEFS)) == 4
    assert az.extract(over, **BELIEFS).sizes["sample"] == 400
    assert az.diagnose(over, show_diagnostics=False)  # 100 draws are too few, and it says so


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
        az.plot_convergence_dist,
    ],
    ids=lambda plot: plot.__name__,
)
def test_plots_over_scenarios(over, plot):
    assert plot(over, backend="matplotlib", **BELIEFS) is not None


def test_outputs_over_scenarios(over):
    asked = {"var_names": ["required_rl_multiplier_oom"], "group": "predictions"}
    where = {"inference_factor": 100, "benchmark": ["new"]}
    az.plot_forest(over, coords=where, backend="matplotlib", **asked)


def test_what_a_batch_leaves_out_is_in_the_run_that_it_names(batch, over):
    cell = over["status"]["run"].sel(who="as in base").item()
    whole = open_run(batch / cell).draws
    assert np.isfinite(az.bfmi(whole)["energy"]).all()
    assert az.psense_summary(whole, **ONE) is not None
