"""Scenarios: what the shipped ones say, how files and overrides combine, what the digest sees."""

import copy
import datetime as dt
import math
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simulator.beliefs import Correlation, cholesky
from simulator.faults import BadInput
from simulator.overrides import parse_override
from simulator.quantities import BELIEFS, SLOPES
from simulator.scenario import load_scenario
from simulator.texts import SHIPPED, shipped

base = cache(lambda: load_scenario("base"))


def belief(name, **said):
    """A belief table of a quantity, stated by some distribution."""
    return {"unit": BELIEFS[name].unit, "source": "judgement", "why": "test"} | said


def constant(name, value):
    return belief(name, family="constant", value=value)


def lognormal(name, low, high):
    return belief(name, family="lognormal", quantiles={"q05": low, "q95": high})


def loaded(folder, name="child", **spec):
    """A scenario written to a file and loaded from it."""
    path = folder / f"{name}.toml"
    path.write_text(tomli_w.dumps({"name": name} | spec), "utf-8")
    return load_scenario(path)


def set_(*texts, on="base"):
    """A shipped scenario under --set options."""
    return load_scenario(on, dict(parse_override(text) for text in texts))


# --- shipped scenarios ----------------------------------------------------------------------------


def test_shipped_names_are_the_files():
    assert shipped() == ["base", "epoch-2026", "ord-2025", "skeptic"]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_belief_is_argued_and_finite(name):
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.beliefs.keys() <= BELIEFS.keys()
    used = {key for key, quantity in BELIEFS.items() if scenario.structure.uses(quantity)}
    assert used - scenario.beliefs.keys() < set(SLOPES)
    assert scenario.beliefs.keys() <= used
    for stated in scenario.beliefs.values():
        assert stated.source
        assert stated.why
        assert stated.unit == BELIEFS[stated.name].unit
        assert sorted(stated.quantiles().values()) == list(stated.quantiles().values())


@pytest.mark.parametrize("name", shipped())
def test_beliefs_are_in_the_order_of_the_vocabulary(name):
    stated = load_scenario(name).beliefs
    assert list(stated) == [key for key in BELIEFS if key in stated]


@pytest.mark.parametrize(
    ("name", "low", "high"), [("base", "q25", "q75"), ("epoch-2026", "q05", "q95")]
)
def test_who_reads_5_to_10_as_which_interval(name, low, high):
    quantiles = load_scenario(name).beliefs["cost_decline_factor"].quantiles()
    assert (quantiles[low], quantiles[high]) == pytest.approx((5, 10), rel=1e-12)


def test_ord_is_a_reading_in_constants():
    scenario = load_scenario("ord-2025")
    values = {b.name: b.location for b in scenario.beliefs.values() if b.constant}
    assert values == {
        "inference_slope": 34.9,
        "slope_ratio": 0.5,
        "benchmark_ratio_spread": 0.0,
        "algorithm_slope_factor": 1.0,
        "algorithm_shift_oom": 0.0,
        "algorithm_ceiling_gain": 0.0,
        "hardware_decline_factor": 1.0,
        "competition_decline_factor": 1.0,
        "cost_decline_factor": 1.0,
        "newest_price_factor": 1.0,
        "slowdown_half_life_years": math.inf,
        "transfer_exponent": 1.0,
        "cost_floor_fraction": 0.0,
    }
    assert scenario.correlations == ()
    assert {row["source"] for table in scenario.evidence.tables.values() for row in table} == {
        "openai-o1"
    }


def test_loading_imports_no_numerical_library():
    code = "import simulator, sys; simulator.load_scenario('base'); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "scipy", "pymc", "pytensor", "numba", "xarray", "pandas", "matplotlib"}
    assert heavy.isdisjoint(run.stdout.split())


# --- extends --------------------------------------------------------------------------------------


def test_a_child_differs_from_its_parent_by_the_beliefs_it_states(tmp_path):
    child = loaded(tmp_path, extends="base", prior={"curve_noise": constant("curve_noise", 0.1)})
    changed = {key for key in BELIEFS if child.beliefs.get(key) != base().beliefs.get(key)}
    assert changed == {"curve_noise"}
    assert (child.tasks, child.forecast) == (base().tasks, base().forecast)


def test_settings_merge_key_by_key_and_tasks_by_name(tmp_path):
    task = {"cost_usd": 7, "debut": "2026", "resembles": "typical"}
    child = loaded(tmp_path, extends="base", sampler={"draws": 50}, task={"new one": task})
    assert child.sampler == base().sampler.model_copy(update={"draws": 50})
    assert list(child.tasks) == [*base().tasks, "new one"]


def test_slopes_are_inherited_together_or_not_at_all(tmp_path):
    prior = {"slope_ratio": constant("slope_ratio", 0.5), "rl_slope": constant("rl_slope", 17)}
    child = loaded(tmp_path, extends="base", correlation=[], prior=prior)
    assert child.beliefs.keys() & set(SLOPES) == prior.keys()
    with pytest.raises(BadInput, match="state two of"):
        loaded(tmp_path, extends="base", correlation=[], prior={"rl_slope": prior["rl_slope"]})


def test_extends_is_relative_to_the_file_and_chains(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    loaded(tmp_path, "parent", extends="skeptic", sampler={"draws": 11})
    loaded(tmp_path / "deep", "middle", extends="../parent.toml", sampler={"chains": 2})
    monkeypatch.chdir("/")
    child = loaded(tmp_path / "deep", extends="middle.toml")
    assert (child.sampler.draws, child.sampler.chains) == (11, 2)
    assert child.beliefs == load_scenario("skeptic").beliefs


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_circle_of_extends_is_refused(tmp_path, names):
    for name, parent in zip(names, [*names[1:], names[0]], strict=True):
        (tmp_path / f"{name}.toml").write_text(f'extends = "{parent}.toml"\nname = "{name}"')
    with pytest.raises(BadInput, match="extends: must not come back to itself"):
        load_scenario(tmp_path / "a.toml")


# --- digest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped())
def test_a_resolved_scenario_written_and_loaded_again_is_the_same(tmp_path, name):
    scenario = load_scenario(name)
    again = loaded(tmp_path, **scenario.spec)
    assert again == scenario
    assert again.digest == scenario.digest


def test_the_digest_changes_with_every_belief_and_setting():
    changes = [{f"prior.{name}": constant(name, 0.5)} for name in base().beliefs]
    changes += [
        {"sampler.draws": 5},
        {"sampler.chains": 3},
        {"forecast.ages_years": [1]},
        {"task.$50,000 task.cost_usd": 1},
        {"correlation": []},
        {"evidence.sources": "none"},
        {"evidence.as_of": dt.date(2026, 1, 1)},
    ]
    uncorrelated = [{"correlation": []} | change for change in changes]
    digests = {load_scenario("base", change).digest for change in uncorrelated}
    assert len(digests | {base().digest}) == len(changes) + 1


def test_the_digest_does_not_change_with_the_order_of_keys(tmp_path):
    def backwards(table):
        if not isinstance(table, dict):
            return table
        return {key: backwards(table[key]) for key in reversed(table)}

    spec = base().spec
    assert list(backwards(spec)) != list(spec)
    assert loaded(tmp_path, **backwards(spec)).digest == base().digest


def test_the_digest_leaves_out_the_seed():
    assert base().with_sampler(seed=1).digest == base().with_sampler(seed=2).digest


def test_the_digest_sees_the_evidence_in_use_and_no_other(tmp_path):
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    points = tmp_path / "evidence" / "response_points.csv"
    before = {name: load_scenario(tmp_path / f"{name}.toml").digest for name in shipped()}
    assert before == {name: load_scenario(name).digest for name in shipped()}
    text = points.read_text("utf-8")
    lines = text.splitlines(keepends=True)

    points.write_text("".join(line for line in lines if not line.startswith("composer")), "utf-8")
    after = {name: load_scenario(tmp_path / f"{name}.toml").digest for name in shipped()}
    assert {name for name in shipped() if after[name] == before[name]} == {"ord-2025"}

    points.write_text(text.replace("0.3298", "0.3299", 1), "utf-8")
    assert load_scenario(tmp_path / "ord-2025.toml").digest != before["ord-2025"]


def test_with_sampler_checks_and_leaves_the_original_alone():
    changed = base().with_sampler(draws=7, chains=None)
    assert (changed.sampler.draws, changed.sampler.chains) == (7, base().sampler.chains)
    assert changed.spec["sampler"]["draws"] == 7
    assert base().spec["sampler"]["draws"] == base().sampler.draws == 1000
    with pytest.raises(BadInput, match=r"sampler\.draws"):
        base().with_sampler(draws=0)


# --- --set ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("sampler.draws=5", "sampler.draws", 5),
        (" sampler.draws = 5 ", "sampler.draws", 5),
        ("name=my-run", "name", "my-run"),
        ("title=a = b", "title", "a = b"),
        ("title=", "title", ""),
        ("forecast.today=2026-10-01", "forecast.today", dt.date(2026, 10, 1)),
        ("evidence.as_of=2025-12", "evidence.as_of", "2025-12"),
        ('evidence.sources=["scalerl"]', "evidence.sources", ["scalerl"]),
        (
            "prior.rl_slope.quantiles={q05=5,q95=9}",
            "prior.rl_slope.quantiles",
            {"q05": 5, "q95": 9},
        ),
    ],
)
def test_an_override_is_a_key_and_a_toml_value_or_plain_text(text, key, value):
    assert parse_override(text) == (key, value)


@pytest.mark.parametrize("text", ["", "name", "=3", " =3", "a={", "a=[1", "a='x", 'a="x'])
def test_an_override_in_no_known_form_is_refused(text):
    with pytest.raises(BadInput, match="--set"):
        parse_override(text)


def test_quantiles_replace_quantiles_and_cite_the_command_line():
    stated = set_("prior.rl_slope.quantiles={q25=10,q75=20}").beliefs["rl_slope"]
    assert stated.family == "lognormal"
    assert (stated.quantile(0.25), stated.quantile(0.75)) == pytest.approx((10, 20))
    assert stated.source == "command-line"
    assert stated.unit == BELIEFS["rl_slope"].unit


def test_a_value_makes_a_constant():
    stated = set_("prior.curve_noise.value=0.1").beliefs["curve_noise"]
    assert (stated.constant, stated.location, stated.source) == (True, 0.1, "command-line")


def test_never_is_a_value_without_quotes():
    stated = set_("prior.slowdown_half_life_years.value=never").beliefs["slowdown_half_life_years"]
    assert stated.location == math.inf


def test_a_family_comes_with_its_parameters_in_one_table_or_one_by_one():
    whole = set_("prior.cost_floor_fraction={family='uniform',low=0.1,high=0.2}")
    single = set_("prior.cost_floor_fraction.low=0.1", "prior.cost_floor_fraction.high=0.2")
    assert [s.beliefs["cost_floor_fraction"].family for s in (whole, single)] == [
        "uniform",
        "loguniform",
    ]
    for scenario in (whole, single):
        stated = scenario.beliefs["cost_floor_fraction"]
        assert (stated.quantile(1e-12), stated.quantile(1 - 1e-12)) == pytest.approx((0.1, 0.2))


def test_a_whole_table_states_a_belief_that_no_file_stated():
    scenario = set_(
        "prior.inference_slope=derived",
        "prior.slope_ratio={family='lognormal',quantiles={q05=0.1,q95=1}}",
        "correlation=[]",
    )
    assert scenario.beliefs.keys() & set(SLOPES) == {"rl_slope", "slope_ratio"}
    assert scenario.beliefs["slope_ratio"].unit == "1"


def test_a_number_of_a_quantile_can_be_set_alone():
    stated = set_("prior.rl_slope.quantiles.q05=3").beliefs["rl_slope"]
    assert (stated.quantile(0.05), stated.quantile(0.95)) == pytest.approx((3, 40))
    assert stated.source == "command-line"


def test_a_family_set_alone_cites_the_command_line():
    stated = set_("prior.rl_slope.family=loguniform").beliefs["rl_slope"]
    assert (stated.family, stated.source) == ("loguniform", "command-line")


def test_evidence_can_be_chosen():
    scenario = set_('evidence.sources=["scalerl","tan-rl"]', "evidence.as_of=2025-11")
    kept = {row["source"] for table in scenario.evidence.tables.values() for row in table}
    assert kept == {"scalerl"}
    assert set_("evidence.sources=none").evidence.size == 0


def test_a_task_is_reached_by_its_name_with_spaces_and_added_as_a_table():
    scenario = set_(
        "task.90-minute software task.cost_usd=5",
        "task.mine={cost_usd=1,debut=2026-01-01,resembles='typical'}",
    )
    assert scenario.tasks["90-minute software task"].cost_usd == 5
    assert scenario.tasks["mine"].debut == dt.date(2026, 1, 1)


def test_a_task_with_a_dot_in_its_name_cannot_be_reached_but_says_so(tmp_path):
    task = {"cost_usd": 7, "debut": "2026", "resembles": "typical"}
    loaded(tmp_path, extends="base", task={"GPT-4.5": task})
    with pytest.raises(BadInput, match="is not in the scenario"):
        load_scenario(tmp_path / "child.toml", {"task.GPT-4.5.cost_usd": 1})


def test_overrides_apply_in_order():
    stated = set_("prior.curve_noise.mu=-2", "prior.curve_noise.sigma=0.1").beliefs["curve_noise"]
    assert (stated.location, stated.scale) == (-2, 0.1)
    assert (
        set_("prior.curve_noise.mu=-2", "prior.curve_noise.value=1").beliefs["curve_noise"].constant
    )


def test_overrides_are_left_as_they_were_given():
    overrides = {"prior.rl_slope": {"value": 17}, "task.x": {"cost_usd": 1, "debut": "2026"}}
    overrides["task.x"]["resembles"] = "new"
    before = copy.deepcopy(overrides)
    load_scenario("base", overrides | {"task.x.cost_usd": 3, "correlation": []})
    assert overrides == before


# --- correlations ---------------------------------------------------------------------------------


def test_a_rank_correlation_of_one_half():
    (stated,) = base().correlations
    assert stated.between == ("rl_slope", "inference_slope")
    assert stated.normal == pytest.approx(2 * math.sin(math.pi / 12), rel=1e-15)
    rng = np.random.default_rng(1)
    r = stated.normal
    draws = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], 100_000)
    assert stats.spearmanr(draws).statistic == pytest.approx(0.5, abs=0.01)


@settings(deadline=None)
@given(st.lists(st.floats(-0.99, 0.99), min_size=6, max_size=6))
def test_weights_give_the_correlations_back_or_there_are_none(ranks):
    names = "abcd"
    pairs = [(x, y) for i, x in enumerate(names) for y in names[i + 1 :]]
    stated = [Correlation(pair, rank) for pair, rank in zip(pairs, ranks, strict=True)]
    wanted = np.eye(4)
    for correlation in stated:
        i, j = map(names.index, correlation.between)
        wanted[i, j] = wanted[j, i] = correlation.normal
    weights = cholesky(stated)
    if weights is None:
        assert np.linalg.eigvalsh(wanted)[0] < 1e-6
    else:
        lower = np.array([[weights[row].get(column, 0) for column in names] for row in names])
        np.testing.assert_allclose(lower @ lower.T, wanted, atol=1e-7)
        np.testing.assert_array_equal(np.triu(lower, 1), 0)


def test_beliefs_named_in_no_correlation_together_are_uncorrelated():
    chain = [Correlation(("a", "b"), 0.5), Correlation(("c", "b"), 0.5)]
    weights = cholesky(chain)
    a, c = weights["a"], weights["c"]
    assert sum(a.get(key, 0) * c[key] for key in c) == pytest.approx(0, abs=1e-15)


def test_correlations_that_exclude_one_another_are_refused():
    names = ["curve_noise", "rl_slope", "inference_slope"]
    pairs = [(names[0], names[1]), (names[1], names[2]), (names[0], names[2])]
    stated = [
        {"between": list(pair), "rank": rank, "why": "test"}
        for pair, rank in zip(pairs, (0.6, 0.6, -0.6), strict=True)
    ]
    with pytest.raises(BadInput, match="no joint distribution"):
        load_scenario("base", {"correlation": stated})
    assert len(load_scenario("base", {"correlation": stated[:2]}).correlations) == 2
