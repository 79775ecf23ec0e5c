"""Reweighting: densities against scipy, closed forms, what a refit gives, refusals, the command.

False alarms: each statistical test below stays inside its bound but for a chance under 1e-4, and
the seeds are fixed.
"""

import json
import shlex
from dataclasses import replace

import made
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simulator import BadInput, cli, importance, load_scenario, open_run, simulate
from simulator.average import average
from simulator.beliefs import Correlation
from simulator.diagnostics import mcse_median
from simulator.overrides import parse_override, written
from simulator.prior import Belief
from simulator.reweight import reweight
from simulator.run import runs_in
from simulator.scenario import sealed_scenario

SHAPE = 4, 250
MEDIUM = {"draws": 100, "tune": 300}  # enough for identities, not for the gate


def believed(*beliefs, correlations=(), of=None):
    """A scenario that believes (name, family, location, scale), and nothing else."""
    named = {b[0]: Belief(*b, "", "", "", "") for b in beliefs}
    return replace(of or made.scenario(), beliefs=named, correlations=tuple(correlations))


def faults_of(call, *args, **how):
    with pytest.raises(BadInput) as caught:
        call(*args, **how)
    return caught.value.faults


# --- densities ------------------------------------------------------------------------------------

SCIPY = {
    "normal": lambda x, m, s: stats.norm.logpdf(x, m, s),
    "lognormal": lambda x, m, s: stats.lognorm.logpdf(x, s, scale=np.exp(m)),
    "logitnormal": lambda x, m, s: (
        stats.norm.logpdf(np.log(x / (1 - x)), m, s) - np.log(x) - np.log(1 - x)
    ),
    "uniform": lambda x, m, s: stats.uniform.logpdf(x, m, s),
    "loguniform": lambda x, m, s: stats.loguniform.logpdf(x, np.exp(m), np.exp(m + s)),
}


@pytest.mark.parametrize("family", SCIPY)
@settings(deadline=None)
@given(
    location=st.floats(-3, 3),
    scale=st.floats(0.1, 3),
    z=st.lists(st.floats(-4, 4), min_size=1, max_size=5),
)
def test_densities_are_those_of_scipy(family, location, scale, z):
    scenario = believed(("algorithm_shift_oom", family, location, scale))
    belief = scenario.beliefs["algorithm_shift_oom"]
    x = importance.at(belief, np.array(z))
    found = importance.log_density(scenario, {belief.name: x})[belief.name]
    np.testing.assert_allclose(found, SCIPY[family](x, location, scale), rtol=1e-6, atol=1e-6)
    behind = importance.normals(scenario, {belief.name: x})[1][belief.name]
    np.testing.assert_allclose(behind, z, atol=1e-4)


@pytest.mark.parametrize(("family", "x"), [("lognormal", -1), ("logitnormal", 1.5),
                                           ("uniform", 2), ("loguniform", 9)])  # fmt: skip
def test_outside_its_support_a_belief_has_no_density(family, x):
    scenario = believed(("algorithm_shift_oom", family, 0.0, 1.0))
    found = importance.log_density(scenario, {"algorithm_shift_oom": np.array([x, 0.9 + x * 0])})
    assert found["algorithm_shift_oom"][0] == -np.inf


def test_correlated_beliefs_have_their_joint_density():
    pair = Correlation(("algorithm_shift_oom", "decline_ageing_years"), 0.6)
    scenario = believed(
        ("algorithm_shift_oom", "normal", 1.0, 2.0),
        ("decline_ageing_years", "lognormal", 0.5, 0.4),
        correlations=[pair],
    )
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=50), np.exp(rng.normal(size=50))
    found = importance.log_density(scenario, {"algorithm_shift_oom": x, "decline_ageing_years": y})
    cov = pair.normal * 0.8
    joint = stats.multivariate_normal([1.0, 0.5], [[4.0, cov], [cov, 0.16]])
    expected = joint.logpdf(np.stack([x, np.log(y)], axis=-1)) - np.log(y)
    np.testing.assert_allclose(sum(found.values()), expected, rtol=1e-12)


def test_a_correlated_uniform_has_its_joint_density():
    pair = Correlation(("algorithm_shift_oom", "decline_ageing_years"), -0.5)
    scenario = believed(
        ("algorithm_shift_oom", "normal", 0.0, 1.0),
        ("decline_ageing_years", "uniform", 1.0, 4.0),
        correlations=[pair],
    )
    x, u = np.array([-1.0, 0.3, 2.0]), np.array([0.1, 0.5, 0.99])
    values = {"algorithm_shift_oom": x, "decline_ageing_years": 1 + 4 * u}
    r = pair.normal
    joint = stats.multivariate_normal([0, 0], [[1, r], [r, 1]])
    z = stats.norm.ppf(u)
    expected = joint.logpdf(np.stack([x, z], axis=-1)) - stats.norm.logpdf(z) - np.log(4)
    found = importance.log_density(scenario, values)
    np.testing.assert_allclose(sum(found.values()), expected, rtol=1e-10)


def test_slopes_stated_otherwise_are_the_same_question():
    old = believed(("rl_slope", "lognormal", 2.0, 0.9), ("inference_slope", "lognormal", 3.0, 0.8))
    new = believed(
        ("inference_slope", "lognormal", 2.8, 0.7), ("slope_ratio", "logitnormal", -0.5, 0.6)
    )
    rng = np.random.default_rng(0)
    rl, inference = np.exp(rng.normal(2, 0.9, SHAPE)), np.exp(rng.normal(3, 0.8, SHAPE))
    draws = made.dataset(rl_slope=rl, inference_slope=inference, slope_ratio=rl / inference)
    before = stats.norm.logpdf(np.log(rl), 2, 0.9) + stats.norm.logpdf(np.log(inference), 3, 0.8)
    ratio = rl / inference
    with np.errstate(divide="ignore", invalid="ignore"):
        after = stats.norm.logpdf(np.log(inference), 2.8, 0.7) + np.where(
            ratio < 1, stats.norm.logpdf(np.log(ratio / (1 - ratio)), -0.5, 0.6) - np.log1p(-ratio),
            -np.inf,
        )  # fmt: skip
    expected = importance.smoothed(after - before)
    found = importance.weights(draws, old, new)
    np.testing.assert_allclose(found.log, expected.log, atol=1e-9)
    assert found.pareto_k == pytest.approx(expected.pareto_k)


def test_what_a_run_stored_is_found_again(base_run):
    scenario = sealed_scenario(base_run.path)
    posterior = base_run.draws["posterior"]
    values = {name: posterior[name].values for name in scenario.beliefs}
    behind = importance.normals(scenario, values)[1]
    for name, z in behind.items():
        stored = base_run.draws["unconstrained_posterior"][name]
        np.testing.assert_allclose(z, stored, atol=1e-6)
        np.testing.assert_allclose(
            importance.standard(z), base_run.draws["log_prior"][name], atol=1e-6
        )


# --- weights and resampling -----------------------------------------------------------------------

OLD = believed(("algorithm_shift_oom", "normal", 0.0, 2.0))
NEW = believed(("algorithm_shift_oom", "normal", 1.0, 1.5))
DATUM, NOISE = 0.5, 1.0


def conjugate(mean, sd):
    """Mean and sd of a normal after one observation of known noise."""
    precision = 1 / sd**2 + 1 / NOISE**2
    return (mean / sd**2 + DATUM / NOISE**2) / precision, precision**-0.5


def test_a_conjugate_posterior_becomes_that_of_the_other_prior():
    """Mean and sd at 4 standard errors; draws without weights must be off by far more."""
    rng = np.random.default_rng(1)
    x = rng.normal(*conjugate(0.0, 2.0), (4, 2500))
    draws = xr.Dataset({"algorithm_shift_oom": (("chain", "draw"), x)})
    found = importance.weights(draws, OLD, NEW)
    assert found.good
    mean, sd = conjugate(1.0, 1.5)
    taken = x.ravel()[importance.resampled(found.log, 1)]
    error = sd / found.effective_size**0.5
    assert abs(taken.mean() - mean) < 4 * error
    assert abs(taken.std() - sd) < 4 * error
    for p in (0.05, 0.5, 0.95):
        truth = stats.norm.ppf(p, mean, sd)
        assert abs(np.quantile(taken, p) - truth) < 4 * 2.2 * error
    assert abs(x.mean() - mean) > 8 * error  # negative control: the weights forgotten


def test_a_narrower_uniform_keeps_the_draws_inside():
    old = believed(("decline_ageing_years", "uniform", 1.0, 4.0))
    new = believed(("decline_ageing_years", "uniform", 2.0, 1.0))
    x = np.random.default_rng(0).uniform(1, 5, SHAPE)
    found = importance.weights(made.dataset(decline_ageing_years=x), old, new)
    inside = (x > 2) & (x < 3)
    assert found.pareto_k == -np.inf
    assert found.effective_size == pytest.approx(inside.sum())
    np.testing.assert_allclose(np.exp(found.log), inside / inside.sum())


def test_weights_without_a_finite_variance_are_refused():
    old, new = (believed(("algorithm_shift_oom", "normal", 0.0, s)) for s in (1.0, 5.0))
    x = np.random.default_rng(0).normal(size=SHAPE)
    found = importance.weights(made.dataset(algorithm_shift_oom=x), old, new)
    assert found.threshold == pytest.approx(1 - 1 / 3)
    assert not found.good


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=8, max_size=40), st.integers(0, 99))
def test_every_draw_comes_as_often_as_it_weighs(weight, seed):
    share = np.array([*weight, 1.0])[: 2 * ((len(weight) + 1) // 2)]
    share[0] += 0.1
    share = share / share.sum()
    with np.errstate(divide="ignore"):
        index = importance.resampled(np.log(share).reshape(2, -1), seed).ravel()
    counts = np.bincount(index, minlength=share.size)
    assert (np.diff(index) >= 0).all(), "duplicates stand side by side"
    assert (np.abs(counts - share * share.size) < 1 + 1e-9).all()
    assert not counts[share == 0].any()


def test_a_chain_of_more_weight_takes_more_room():
    log = np.log(np.repeat([[1.0], [3.0], [2.0], [2.0]], 250, axis=1) / 2000)
    index = importance.resampled(log, 1)
    np.testing.assert_allclose(np.bincount(index.ravel() // 250), [125, 375, 250, 250], atol=1)


def test_equal_weights_take_every_draw_once():
    log = np.full(SHAPE, -np.log(1000))
    np.testing.assert_array_equal(importance.resampled(log, 3).ravel(), np.arange(1000))


def test_the_stated_error_holds_the_loss_by_weights():
    """Medians over 300 repetitions, in their own standard errors, have a spread of one (within
    15%, over 3 errors of a spread from 300); without the order of draws it is far more."""
    rng = np.random.default_rng(5)
    scores, shuffled = [], []
    for repeat in range(300):
        x = rng.normal(size=SHAPE)
        found = importance.smoothed(1.0 * x)  # the normal around one
        taken = x.ravel()[importance.resampled(found.log, repeat)]
        scores.append((np.median(taken) - 1) / mcse_median(taken))
        mixed = rng.permutation(taken.ravel()).reshape(SHAPE)
        shuffled.append((np.median(mixed) - 1) / mcse_median(mixed))
    assert 0.85 < np.sqrt(np.mean(np.square(scores))) < 1.15
    assert np.sqrt(np.mean(np.square(shuffled))) > 1.3  # negative control


# --- a run ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parent(compiled_code, tmp_path_factory):
    """A short run of the base scenario."""
    return simulate(
        load_scenario("base").with_sampler(**MEDIUM), into=tmp_path_factory.mktemp("parent")
    )


def identical(one, other, *groups):
    for group in groups:
        assert {*one[group].data_vars} == {*other[group].data_vars}
        for name, variable in one[group].data_vars.items():
            np.testing.assert_array_equal(variable, other[group][name], str(name))


def test_the_sealed_scenario_is_the_one_that_ran(parent, monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.texts.SHIPPED", tmp_path)  # what is shipped may change
    assert sealed_scenario(parent.path).digest == parent.record["scenario_digest"]


def test_no_change_is_the_same_run(parent, tmp_path):
    found = open_run(reweight(parent, {}, into=tmp_path).path)
    every = {*parent.draws.children} - {"sample_stats"}
    assert {*found.draws.children} == every
    identical(found.draws, parent.draws, *every)
    assert found.forecast.equals(parent.forecast)
    assert found.record["reweighted"]["pareto_k"] is None
    assert found.record["reweighted"]["left_out"] == ["sample_stats"]
    assert found.rows == parent.rows


MOVE = {
    "prior.transfer_exponent.quantiles": {"q05": 0.6, "q95": 0.97},
    "prior.slowdown_half_life_years.value": "never",
    "prior.cost_floor_fraction": {"family": "loguniform", "low": 1e-8, "high": 1e-1},
}


def test_beliefs_of_the_forecast_alone_give_what_a_refit_gives(parent, tmp_path):
    found = reweight(parent, MOVE, into=tmp_path)
    scenario = load_scenario("base", MOVE).with_sampler(**MEDIUM)
    refit = simulate(scenario, seed=parent.seed, into=tmp_path)
    groups = {*parent.draws.children} - {"sample_stats"}
    identical(found.draws, refit.draws, *groups)
    assert found.forecast.equals(refit.forecast)
    assert found.record["scenario_digest"] == refit.record["scenario_digest"]
    assert found.record["reweighted"]["effective_size"] == pytest.approx(400)
    assert len(found.record["reweighted"]["moved"]) == 3


@pytest.fixture(scope="module")
def weighed(base_run, tmp_path_factory):
    change = {"prior.rl_slope.quantiles": {"q05": 4, "q95": 30}, "forecast.ages_years": [0, 5]}
    return reweight(base_run, change, into=tmp_path_factory.mktemp("weighed"))


def test_all_groups_are_resampled_alike(base_run, weighed):
    def keys(run):  # a draw may be the same as the one before, what it predicts is not
        return run.draws["posterior_predictive"]["score_logit"].values[..., 0].ravel()

    index = {x: i for i, x in enumerate(keys(base_run))}
    place = [index[x] for x in keys(weighed)]
    assert 1 < len({*place}) < len(place)
    own = {"rl_slope", "inference_slope"}  # stated anew, and what is correlated with it
    for group in ("posterior", "posterior_predictive", "log_likelihood", "log_prior",
                  "unconstrained_posterior"):  # fmt: skip
        for name, variable in weighed.draws[group].data_vars.items():
            before = base_run.draws[group][name].values
            if group == "posterior" or name not in own:
                flat = before.reshape(-1, *before.shape[2:])[place]
                np.testing.assert_array_equal(variable, flat.reshape(variable.shape))
            else:
                assert not np.isin(variable, before).all() or name == "inference_slope"


def test_densities_and_prior_are_those_of_the_new_beliefs(weighed):
    scenario = sealed_scenario(weighed.path)
    posterior, prior = weighed.draws["posterior"], weighed.draws["prior"]
    values = {name: posterior[name].values for name in scenario.beliefs}
    for name, z in importance.normals(scenario, values)[1].items():
        np.testing.assert_allclose(weighed.draws["unconstrained_posterior"][name], z, atol=1e-6)
    before = {name: prior[name].values for name in scenario.beliefs}
    for name, z in importance.normals(scenario, before)[1].items():
        assert stats.kstest(z.ravel(), "norm").pvalue > 1e-6, name
    derived = prior["slope_ratio"] * prior["inference_slope"]
    np.testing.assert_allclose(derived, prior["rl_slope"], rtol=1e-12)
    assert weighed.forecast["age"].values.tolist() == [0, 5]


def test_the_prior_is_drawn_as_a_refit_draws_it(parent, tmp_path):
    from simulator import graphs, inference, model, observations

    change = {"prior.curve_noise.quantiles": {"q05": 0.02, "q95": 0.25}}
    found = reweight(parent, change, into=tmp_path)
    scenario = load_scenario("base", change)
    graph = model.build(scenario, observations.observe(scenario.evidence, scenario.structure))
    draws = graphs.completion(graph)(inference.prior_draws(graph, parent.seed, (4, 100), "prior"))
    expected = inference.tree(graph, draws, "prior")
    expected |= inference.predictions(graph, draws, "prior_predictive", parent.seed)
    identical(found.draws, expected, *expected)


@pytest.mark.parametrize("response", ["logit", "linear", "saturating"])
@pytest.mark.parametrize("cost", ["trend", "staircase"])
def test_no_observation_depends_on_what_is_moved(response, cost):
    from pytensor.graph.traversal import ancestors

    from simulator.model import build
    from simulator.observations import observe

    scenario = load_scenario("base", {"structure": {"response": response, "cost": cost}})
    graph = build(scenario, observe(scenario.evidence, scenario.structure))
    seen = {node.name for node in ancestors(graph.observed_RVs)}
    assert "cost_decline_factor_z" in seen  # negative control
    assert not seen & {f"{name}_z" for name in importance.MOVABLE}
    derived = [d for d in graph.deterministics if d.name not in scenario.beliefs]
    of_derived = {node.name for node in ancestors(derived)}
    assert not of_derived & {f"{name}_z" for name in importance.MOVABLE}


def test_a_run_of_no_evidence_is_weighed_too(tmp_path):
    scenario = load_scenario("base", {"evidence.sources": "none"})
    before = simulate(scenario.with_sampler(draws=500), into=tmp_path)
    change = {"prior.decline_ageing_years.quantiles": {"q05": 0.5, "q95": 3}}
    found = reweight(before, change, into=tmp_path)
    row = next(r for r in found.rows if r["quantity"] == "decline_ageing_years")
    truth = load_scenario("base", change).beliefs["decline_ageing_years"].quantile(0.5)
    assert abs(row["q50"] - truth) < 4 * row["mcse_q50"]
    assert row["prior"] is None


# --- refusals -------------------------------------------------------------------------------------


def test_beliefs_far_from_the_draws_are_refused_with_the_way_out(base_run, tmp_path):
    change = {"prior.rl_slope.quantiles": {"q05": 60, "q95": 90}}
    (fault,) = faults_of(reweight, base_run, change, into=tmp_path / "new")
    assert "prior.rl_slope" in fault.key
    assert "Pareto k is" in fault.rule
    assert "above 0.70" in fault.rule
    words = shlex.split(fault.fix.removeprefix("refit: "))
    assert words[:2] == ["simulator", "run"]
    assert words[2].endswith(f"{base_run.id}/scenario.toml")
    assert words[words.index("--seed") + 1] == str(base_run.seed)
    assert dict([parse_override(words[words.index("--set") + 1])]) == change
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"evidence.as_of": "2025-06-30"}, "evidence.as_of"),
        ({"evidence.sources": ["scalerl"]}, "evidence.sources"),
        ({"structure.response": "linear"}, "structure.response"),
        ({"sampler.draws": 2000}, "sampler.draws"),
        ({"sampler.seed": 3}, "sampler.seed"),
        ({"forecast.today": "2026-12-01"}, "forecast.today"),
        ({"forecast.algorithm_baseline": "2024-01-01"}, "forecast.algorithm_baseline"),
        ({"prior.curve_noise.value": 0.1}, "prior.curve_noise"),
        ({"prior.rl_slope.value": 17}, "correlation[0]"),
        (
            {"prior.algorithm_shift_oom": {"family": "uniform", "low": -9, "high": 9},
             "prior.decline_ageing_years": {"family": "constant", "value": 1}},
            "prior.decline_ageing_years",
        ),
        (
            {"prior.rl_slope": "derived", "correlation": [],
             "prior.slope_ratio": {"family": "constant", "value": 0.5}},
            "prior.slope_ratio",
        ),
        ({"prior.rl_slope.unit": "kg"}, "prior.rl_slope.unit"),
        ({"task.new thing": {"cost_usd": 1, "debut": "2026", "resembles": "nobody"}},
         "task.new thing.resembles"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_the_draws_cannot_answer_is_refused_by_key(parent, tmp_path, change, key):
    faults = faults_of(reweight, parent, change, into=tmp_path / "new")
    assert [fault.key for fault in faults] == [key]
    assert all(fault.fix for fault in faults)
    assert not (tmp_path / "new").exists()


def test_all_faults_are_said_at_once(parent, tmp_path):
    change = {
        "prior.rl_slope.unit": "kg",
        "structure.response": "linear",
        "prior.curve_noise.value": 0.1,
        "evidence.as_of": "2025-06-30",
    }
    faults = faults_of(reweight, parent, change, into=tmp_path)
    assert {fault.key for fault in faults} == {
        *("prior.rl_slope.unit", "structure.response", "prior.curve_noise", "evidence.as_of")
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("uniform", 0.0, 1.0), ("uniform", -0.1, 1.1)),
        (("uniform", 0.0, 1.0), ("normal", 0.5, 0.1)),
        (("lognormal", 0.0, 1.0), ("normal", 1.0, 0.1)),
        (("logitnormal", 0.0, 1.0), ("lognormal", -1.0, 0.1)),
        (("loguniform", 0.0, 1.0), ("loguniform", 0.0, 1.2)),
    ],
)
def test_a_support_that_no_draw_reaches_is_refused(old, new):
    faults = [*importance.conflicts(*(believed(("algorithm_shift_oom", *b)) for b in (old, new)))]
    assert [fault.key for fault in faults] == ["prior.algorithm_shift_oom"]
    assert "reaches from" in faults[0].rule
    assert not [*importance.conflicts(*(believed(("algorithm_shift_oom", *b)) for b in (new, new)))]


def test_what_can_be_moved_is_still_refused_as_a_weight():
    """Weights alone, as a batch takes them, cannot reach what no draw reaches."""
    old, new = (believed(("cost_floor_fraction", "loguniform", -9.0, w)) for w in (4.0, 6.0))
    assert importance.movable(old, new) == {"cost_floor_fraction"}
    (fault,) = faults_of(
        importance.weights,
        made.dataset(cost_floor_fraction=np.exp(-8.0 * np.ones(SHAPE))),
        old,
        new,
    )
    assert fault.key == "prior.cost_floor_fraction"


def test_a_constant_has_no_draws_to_weigh():
    one, two = (believed(("curve_noise", "constant", x, 0.0)) for x in (0.1, 0.2))
    (fault,) = importance.conflicts(one, two)
    assert fault.key == "prior.curve_noise"
    assert not [*importance.conflicts(one, one)]


def test_slopes_kept_inside_ends_cannot_be_stated_otherwise():
    old = believed(("rl_slope", "uniform", 1.0, 9.0), ("inference_slope", "lognormal", 3.0, 0.8))
    new = believed(("inference_slope", "lognormal", 3.0, 0.8), ("slope_ratio", "lognormal", 0, 1))
    assert [fault.key for fault in importance.conflicts(old, new)] == ["prior.rl_slope"]


def test_draws_outside_their_own_belief_are_refused():
    old, new = (believed(("decline_ageing_years", "uniform", 1.0, w)) for w in (4.0, 2.0))
    (fault,) = faults_of(importance.weights, made.dataset(decline_ageing_years=np.full(SHAPE, 9.0)),
                         old, new)  # fmt: skip
    assert "outside its own belief" in fault.rule


def test_averages_and_reweighted_runs_are_refused(parent, tmp_path):
    again = reweight(parent, {}, into=tmp_path)
    for run in (again, average([parent], into=tmp_path)):
        (fault,) = faults_of(reweight, run, {}, into=tmp_path / "new")
        assert (fault.file, fault.key) == (run.id, "run")


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=5), st.floats(-1e9, 1e9) | st.integers(-9, 9)
                       | st.text(max_size=5) | st.booleans(), max_size=3))  # fmt: skip
def test_what_is_written_is_read_back(value):
    for one in (value, [*value.values()]):
        assert parse_override(written("prior.rl_slope", one)) == ("prior.rl_slope", one)


# --- the command ----------------------------------------------------------------------------------


def test_the_command_says_what_it_is_made_from(base_run, tmp_path, capsys):
    words = ["reweight", str(base_run.path), "--into", str(tmp_path)]
    setting = ["--set", "prior.record_drop_oom.quantiles={q05=0.2,q95=0.8}"]
    assert cli.run([*words, *setting]) == 0
    first, _, third, *_ = capsys.readouterr().out.splitlines()
    assert f"reweighted from {base_run.id}: all" in first
    assert "prior.record_drop_oom.quantiles; Pareto k" in third
    (found,) = runs_in(tmp_path)
    for command in ("show", "verify"):
        assert cli.run([command, str(found.path)]) == 0
    assert "reweighted from" in capsys.readouterr().out
    assert cli.run(["show", str(found.path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["reweighted"]
    assert said["parent"]["id"] == base_run.id
    assert said["changes"] == {"prior.record_drop_oom.quantiles": {"q05": 0.2, "q95": 0.8}}
    assert said["pareto_k"] < said["pareto_k_threshold"] == 0.7
    assert 400 < said["effective_size"] < 4000


def test_refusals_exit_2(base_run, tmp_path, capsys):
    words = ["reweight", str(base_run.path), "--into", str(tmp_path / "new")]
    assert cli.run([*words, "--set", "prior.rl_slope.quantiles={q05=60,q95=90}"]) == 2
    captured = capsys.readouterr()
    assert "refit: simulator run" in captured.err
    assert not captured.out
    assert cli.run([*words, "--set", "nothing", "--set", "structure.cost=trend"]) == 2
    assert not (tmp_path / "new").exists()


def test_a_failed_parent_fails_what_is_made_from_it(parent, tmp_path, capsys):
    assert not parent.passed  # so few draws
    words = ["reweight", str(parent.path), "--into", str(tmp_path), "--json"]
    words += ["--set", "forecast.inference_factors=[50]"]
    assert cli.run(words) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["checks"]["parents_passed"] == {"passed": False, "value": 1, "worst": parent.id}
    assert found["checks"]["pareto_k"]["passed"]
    assert cli.run([*words, "--allow-failed-checks"]) == 0
