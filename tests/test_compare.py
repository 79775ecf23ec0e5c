"""Comparing runs: exact cases, changes of measure, refusals, and what is printed."""

import json
from dataclasses import replace

import made
import numpy as np
import pytest
import xarray as xr
from scipy.stats import multivariate_normal, norm, t

from simulator import BadInput, cli, load_scenario, simulate, tables
from simulator import marginal as marginals
from simulator.compare import compare
from simulator.grouped import Grouped, Second
from simulator.loo import good_k, score
from simulator.marginal import Marginal

PRIOR_SD = 10.0


def conjugate(into, seed, y, mean=0.0, name="score_logit", density=None, **how):
    """A run on y_i ~ N(theta, 1), theta ~ N(mean, 10²), whose posterior is known."""
    precision = len(y) + PRIOR_SD**-2
    location = (y.sum() + mean * PRIOR_SD**-2) / precision
    rng = np.random.default_rng(100 + seed)
    size = np.prod(made.SHAPE)  # stratified, so that the posterior is all but exact
    z = norm.ppf((rng.permutation(size) + rng.random(size)) / size).reshape(made.SHAPE)
    theta = location + z / np.sqrt(precision)
    likelihood = norm.logpdf(y, theta[..., None]) if density is None else density(y, theta)
    shown = how.pop("observed", y)
    return made.seal(
        into,
        seed,
        log_likelihood={name: ("point", likelihood)},
        observed={name: ("point", shown)},
        **how,
    )


@pytest.fixture(scope="module")
def y():
    return np.random.default_rng(3).normal(1.0, 1.0, 40)


@pytest.fixture(scope="module")
def pair(y, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return conjugate(folder, 1, y), conjugate(folder, 2, y)


def exact(y, mean=0.0):
    """Leave-one-out log densities in closed form."""
    out = []
    for i in range(len(y)):
        rest = np.delete(y, i)
        precision = len(rest) + PRIOR_SD**-2
        location = (rest.sum() + mean * PRIOR_SD**-2) / precision
        out.append(norm.logpdf(y[i], location, np.sqrt(1 + 1 / precision)))
    return np.array(out)


# --- closed forms ---------------------------------------------------------------------------------


def test_leave_one_out_is_that_of_the_conjugate_model(pair, y):
    np.testing.assert_allclose(score(pair[0], "score_logit").elpd, exact(y), atol=0.02)


def test_two_seeds_of_one_model_give_no_preference(pair):
    found = compare(pair).loo
    assert found["verdict"] == "no preference"
    assert [row["preference"] for row in found["table"]] == ["best", "no preference"]
    assert found["observations"] == 40
    assert sum(row["weight"] for row in found["table"]) == pytest.approx(1, abs=1e-12)


def test_a_worse_model_is_told_by_its_exact_difference(pair, y, tmp_path):
    def shifted(y, theta):
        return norm.logpdf(y, theta[..., None] + 1.5)

    worse = conjugate(tmp_path, 3, y, density=shifted)
    found = compare([worse, pair[0]]).loo
    best, other = found["table"]
    assert (best["run"], other["run"]) == (pair[0].id, worse.id)
    assert other["preference"] == "worse"
    assert found["verdict"] == f"{pair[0].id} predicts better"
    by_hand = exact(y - 1.5).sum() - exact(y).sum()  # the location prior hardly matters
    posterior_unmoved = other["elpd_diff"]
    assert posterior_unmoved < -4
    assert posterior_unmoved < by_hand + 1  # its posterior was not even fitted


def test_a_score_in_fractions_is_compared_in_logits(pair, y, tmp_path):
    fraction = 1 / (1 + np.exp(-y))

    def of_fraction(y, theta):
        return norm.logpdf(y, theta[..., None]) - np.log(fraction * (1 - fraction))

    of = made.scenario(response="linear")
    other = conjugate(tmp_path, 1, y, name="score", density=of_fraction, observed=fraction, of=of)
    found = compare([pair[0], other])
    assert found.loo["shared"] == {"score_logit": 40}
    assert found.loo["table"][1]["elpd_diff"] == pytest.approx(0, abs=1e-9)
    assert [run["structure"] for run in found.runs] == ["logit+trend", "linear+trend"]


def test_slopes_in_fractions_are_compared_in_logits(tmp_path):
    rng = np.random.default_rng(1)
    density, chord = rng.normal(-1, 0.1, (*made.SHAPE, 12)), rng.uniform(0.1, 0.25, 12)
    one = made.seal(
        tmp_path,
        1,
        log_likelihood={"slope_logit_per_oom": ("slope", density)},
        observed={"slope_logit_per_oom": ("slope", np.ones(12))},
    )
    two = made.seal(
        tmp_path,
        2,
        log_likelihood={"slope_per_oom": ("slope", density - np.log(chord))},
        observed={"slope_per_oom": ("slope", chord)},
    )
    two.draws["constant_data"] = xr.Dataset({"slope_chord": ("slope", chord)})
    assert compare([one, two]).loo["table"][1]["elpd_diff"] == pytest.approx(0, abs=1e-9)


def test_an_effect_integrated_out_is_the_conditional_of_a_multivariate_normal():
    rng = np.random.default_rng(0)
    y, mean, step = rng.normal(size=3), rng.normal(size=(5, 3)), rng.uniform(0.2, 3, (5, 3))
    sigma, effect = rng.uniform(0.05, 1, (5, 3)), np.repeat(rng.normal(size=(5, 1)), 3, axis=1)
    grouped = Grouped(mean, sigma, np.zeros(3, int), effect, step)
    found = Marginal(grouped, y, None).densities(np.arange(3))
    for s in range(5):
        location = mean[s] - step[s] * effect[s]
        covariance = np.outer(step[s], step[s]) + np.diag(sigma[s] ** 2)
        whole = multivariate_normal(location, covariance).logpdf(y)
        for i in range(3):
            rest = np.delete(np.arange(3), i)
            others = multivariate_normal(location[rest], covariance[np.ix_(rest, rest)])
            assert found[s, i] == pytest.approx(whole - others.logpdf(y[rest]), abs=1e-6)


@pytest.mark.parametrize("of_mean", [True, False], ids=["part of the mean", "sigma"])
def test_two_effects_integrated_out_agree_with_a_fine_grid(of_mean):
    y, part = np.array([0.3, -0.6]), np.array([[1.2, -0.7]])
    ones = np.ones((1, 2))
    second = Second(0.4 * ones, 0.5 * ones, part if of_mean else None)
    grouped = Grouped(0.1 * ones, 0.3 * ones, np.zeros(2, int), -0.2 * ones, 2 * ones)
    found = Marginal(grouped._replace(second=second), y, 4).densities(np.arange(2), both=True)
    a, b = np.meshgrid(np.linspace(-8, 8, 4001), np.linspace(-8, 8, 401))
    growth = np.exp(0.5 * (b - 0.4))
    each = [
        t.pdf(
            y[i],
            4,
            0.1 + 2 * (a + 0.2) + (part[0, i] * (growth - 1) if of_mean else 0),
            0.3 * (1 if of_mean else growth),
        )
        for i in range(2)
    ]
    prior = norm.pdf(a) * norm.pdf(b)
    for i in range(2):
        by_hand = np.log((each[0] * each[1] * prior).sum() / (each[1 - i] * prior).sum())
        assert found[0, i] == pytest.approx(by_hand, abs=2e-3)


# --- the real thing -------------------------------------------------------------------------------


# With 4,000 draws each, the elpd of two seeds differed by 0.55 (root mean square of 78 pairs), and
# the arithmetic of another machine is as good as another seed. 1e-6 false alarms, both sides.
TOLD_APART = norm.isf(5e-7) * 0.55


def beside_base(base_run, into, **changes):
    other = simulate(load_scenario("base", changes), seed=2, into=into)
    return compare([base_run, other], leave_out_high_k=True).loo


def test_two_seeds_of_the_base_scenario_are_not_told_apart(base_run, tmp_path):
    found = beside_base(base_run, tmp_path)
    assert found["verdict"] == "no preference"
    observed = base_run.draws["observed_data"].dataset
    count = sum(variable.size for variable in observed.values())
    assert len(found["left_out"]) <= 5  # with nothing integrated out there were dozens
    assert len(found["reference"]) == 3
    assert found["observations"] + len(found["left_out"]) + 3 == count
    assert abs(found["table"][1]["elpd_diff"]) < TOLD_APART


def test_a_belief_that_records_fall_a_thousandfold_is(base_run, tmp_path):
    steep = {"prior.record_drop_oom.quantiles": {"q05": 2, "q95": 4}}
    found = beside_base(base_run, tmp_path, **steep)
    assert found["verdict"] == f"{base_run.id} predicts better"
    assert abs(found["table"][1]["elpd_diff"]) > TOLD_APART


def test_every_known_formula_is_that_of_the_base_run(base_run):
    names = base_run.draws["log_likelihood"].data_vars
    for name in names:
        known = marginals.marginals(base_run, str(name))
        assert len(known) == len(marginals.FORMULAS.get(name, ())), name


def test_a_formula_that_is_not_the_model_s_is_not_used(base_run, monkeypatch):
    monkeypatch.setattr("simulator.grouped.SEED_SE", 0.3)
    assert not marginals.marginals(base_run, "recipe_asymptote_score")


# --- refusals -------------------------------------------------------------------------------------


def refused(*runs, **how):
    with pytest.raises(BadInput) as caught:
        compare(runs, **how)
    return caught.value.faults


def test_one_run_or_one_twice_is_refused(pair):
    assert refused(pair[0])[0].rule == "takes two runs or more"
    assert refused(pair[0], pair[0])[0].rule == "is named twice"


def test_a_run_without_likelihood_is_refused_but_its_answers_compare(pair, tmp_path):
    bare = made.seal(tmp_path, 5)
    (fault,) = refused(pair[0], bare)
    assert fault.file == bare.id
    found = compare([pair[0], bare], headline_only=True)
    assert found.loo is None
    assert {*found.headline[0]["runs"]} == {pair[0].id, bare.id}


def test_other_evidence_is_refused_by_table(y, tmp_path):
    evidence = load_scenario("base").evidence
    some = {"recipes": evidence.rows("recipes")}
    fewer = {"recipes": evidence.rows("recipes")[1:]}
    one, two = (
        conjugate(tmp_path, i, y, of=replace(made.scenario(), evidence=evidence._replace(tables=e)))
        for i, e in enumerate((some, fewer), 1)
    )
    (fault,) = refused(one, two)
    assert "evidence-recipes.csv" in fault.rule


def test_structures_that_score_other_events_are_left_out_by_name(y, tmp_path):
    def of(seed, name):
        rng = np.random.default_rng(seed)
        shared = norm.logpdf(y, rng.normal(0, 0.1, (*made.SHAPE, 1)))
        both = {"score_logit": ("point", shared), name: ("record", shared)}
        observed = {"score_logit": ("point", y), name: ("record", y)}
        return made.seal(tmp_path, seed, log_likelihood=both, observed=observed)

    found = compare([of(1, "record_oom_usd"), of(2, "records_in_quarter")]).loo
    assert {*found["shared"]} == {"score_logit"}
    assert {row["variable"] for row in found["not_shared"]} == {
        "record_oom_usd",
        "records_in_quarter",
    }
    assert all("simulator backtest" in row["reason"] for row in found["not_shared"])


def test_nothing_shared_is_refused(y, tmp_path):
    one = conjugate(tmp_path, 1, y, name="records_in_quarter")
    two = conjugate(tmp_path, 2, y, name="record_oom_usd")
    assert "no observed variable in common" in refused(one, two)[0].rule


def test_a_high_k_is_refused_by_name_unless_left_out_of_all(pair, y, tmp_path):
    def wild(y, theta):  # one observation that the posterior all but hangs on
        density = norm.logpdf(y, theta[..., None])
        density[..., 7] = norm.logpdf(0, 12 * (theta - theta.mean()), 1)
        return density

    other = conjugate(tmp_path, 3, y, density=wild)
    limit = good_k(1000)
    assert limit == pytest.approx(2 / 3)
    assert score(other, "score_logit").k[7] > limit
    (fault,) = refused(pair[0], other)
    assert fault.file == other.id
    assert "score_logit 7" in fault.rule
    found = compare([pair[0], other], leave_out_high_k=True).loo
    assert [row["observation"] for row in found["left_out"]] == ["7"]
    assert found["observations"] == 39
    assert found["table"][1]["elpd_diff"] == pytest.approx(0, abs=0.2)


# --- the command ----------------------------------------------------------------------------------


def called(capsys, *words):
    code = cli.run(["compare", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_json_is_one_object_with_the_contract(pair, capsys):
    code, out, _ = called(capsys, *(run.path for run in pair), "--json")
    found = json.loads(out)
    assert code == 0
    assert {"runs", "headline", "loo"} == found.keys()
    assert found["loo"].keys() >= {"table", "verdict", "shared", "not_shared", "left_out", "good_k"}
    row = found["headline"][0]
    assert row["quantity"] == "required_rl_multiplier_oom"
    assert {"q05", "q50", "q95"} <= row["runs"][pair[0].id].keys()


def test_a_refusal_exits_2_and_prints_no_table(pair, tmp_path, capsys):
    bare = made.seal(tmp_path, 5)
    code, out, err = called(capsys, pair[0].path, bare.path)
    assert (code, out) == (2, "")
    assert "--headline-only" in err
    code, out, _ = called(capsys, pair[0].path, bare.path, "--headline-only")
    assert code == 0
    assert "elpd" not in out


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("count", [2, 6])
def test_no_line_is_wider_than_the_terminal(pair, tmp_path, monkeypatch, capsys, columns, count):
    monkeypatch.setattr(tables, "width", lambda: columns)
    monkeypatch.setattr("simulator.comparisons.width", lambda: columns)
    more = [made.seal(tmp_path, seed).path for seed in range(11, 9 + count)]
    _, out, _ = called(capsys, *(run.path for run in pair), *more, "--headline-only")
    assert max(map(len, out.splitlines())) <= columns
    assert out.count("[") >= 3 * count  # every run has its intervals


def test_a_failed_run_is_said_before_its_figures(pair, tmp_path, capsys):
    bad = made.seal(tmp_path, 5, passed=False)
    _, out, _ = called(capsys, pair[0].path, bad.path, "--headline-only")
    assert "FAILED checks: B" in out
    assert out.index("FAILED") < out.index("RL compute")


def test_what_was_left_out_is_printed(pair, y, tmp_path, capsys):
    def wild(y, theta):
        density = norm.logpdf(y, theta[..., None])
        density[..., 7] = norm.logpdf(0, 12 * (theta - theta.mean()), 1)
        return density

    other = conjugate(tmp_path, 3, y, density=wild)
    _, out, _ = called(capsys, pair[0].path, other.path, "--leave-out-high-k")
    assert "LEFT OUT" in out
    assert "score_logit 7" in out
    assert "fewer than 100" in out
