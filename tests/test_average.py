"""Averaging runs: what must hold exactly, closed forms of the shares, refusals, the command."""

import json
import shutil

import arviz as az
import made
import numpy as np
import pytest
import xarray as xr

from simulator import BadInput, cli, open_run
from simulator.average import average
from simulator.run import runs_in
from simulator.spread import nested


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three runs of two structures, with draws that tell where they come from."""
    folder = tmp_path_factory.mktemp("parents")
    slope = {"prior.cost_decline_factor": {"family": "constant", "value": 10}}
    return [
        made.seal(folder, 1),
        made.seal(folder, 2, of=made.scenario(response="linear")),
        made.seal(folder, 3, of=made.scenario(**slope)),
    ]


def same(one, other):
    """Whether two runs hold the same draws, bit for bit."""
    for group in ("prior", "posterior"):
        for name, variable in one.draws[group].data_vars.items():
            np.testing.assert_array_equal(variable, other.draws[group][name])
    for name, variable in one.forecast.data_vars.items():
        np.testing.assert_array_equal(variable, other.forecast[name])


def shares_of(run):
    ids, counts = np.unique(run.draws["posterior"]["parent"], return_counts=True)
    return dict(zip(ids.tolist(), (counts / counts.sum()).tolist(), strict=True))


# --- what must hold -------------------------------------------------------------------------------


def test_a_run_averaged_with_itself_is_itself(runs, tmp_path):
    found = average([runs[0], runs[0].path], into=tmp_path)
    same(found, runs[0])
    assert [p["weight"] for p in found.record["parents"]] == [1.0]
    assert found.rows == runs[0].rows


def test_identical_runs_give_identical_draws(tmp_path):
    one, two = made.seal(tmp_path / "one", 4), made.seal(tmp_path / "one", 4)
    assert one.id != two.id
    found = average([one, two], {one.id: 0.3, two.id: 0.7}, into=tmp_path)
    assert len(found.record["parents"]) == 2
    same(found, one)


def test_every_draw_is_its_parent_s_in_the_stated_proportions(runs, tmp_path):
    weights = dict(zip((run.id for run in runs), (0.2, 0.5, 0.3), strict=True))
    found = average(runs, weights, into=tmp_path)
    parent = found.draws["posterior"]["parent"]
    for run in runs:
        np.testing.assert_array_equal(
            found.draws["posterior"]["slope_ratio"].where(parent == run.id).values,
            run.draws["posterior"]["slope_ratio"].where(parent == run.id).values,
        )
    assert shares_of(found) == pytest.approx(weights, abs=4 * np.sqrt(0.25 / 1000))


def test_the_same_seed_gives_the_same_and_another_another(runs, tmp_path):
    one, two, other = (average(runs, into=tmp_path, seed=seed) for seed in (5, 5, 6))
    same(one, two)
    assert not (one.draws["posterior"]["parent"] == other.draws["posterior"]["parent"]).all()


@pytest.mark.parametrize("weights", [(1 / 3, 1 / 3, 1 / 3), (0.6, 0.1, 0.3)], ids=str)
def test_averaging_an_average_is_averaging_all_at_once(runs, tmp_path, weights):
    a, b, c = weights
    ids = [run.id for run in runs]
    at_once = average(runs, dict(zip(ids, weights, strict=True)), into=tmp_path)
    first = average(runs[:2], {ids[0]: a / (a + b), ids[1]: b / (a + b)}, into=tmp_path)
    second = average([runs[2], first], {first.id: a + b, ids[2]: c}, into=tmp_path)
    same(second, at_once)
    assert (second.forecast["structure"] == at_once.forecast["structure"]).all()
    flat = {p["id"]: p["weight"] for p in second.record["parents"]}
    assert flat == pytest.approx(dict(zip(ids, weights, strict=True)), abs=1e-15)


def test_a_parent_that_comes_in_twice_counts_once_with_both_weights(runs, tmp_path):
    first = average(runs[:2], into=tmp_path)
    both = average([first, runs[0]], into=tmp_path)
    flat = {runs[0].id: 0.75, runs[1].id: 0.25}
    same(both, average(runs[:2], flat, into=tmp_path))


def test_averages_under_different_seeds_still_mix_in_proportion(runs, tmp_path):
    first = average(runs[:2], into=tmp_path, seed=8)
    second = average([first, runs[2]], {first.id: 0.5, runs[2].id: 0.5}, into=tmp_path, seed=9)
    wanted = {runs[0].id: 0.25, runs[1].id: 0.25, runs[2].id: 0.5}
    assert shares_of(second) == pytest.approx(wanted, abs=4 * np.sqrt(0.25 / 1000))


def test_stacking_weights_are_those_of_the_comparison(tmp_path):
    rng = np.random.default_rng(0)

    def predicting(seed, elpd):
        density = elpd + rng.normal(0, 0.05, (*made.SHAPE, len(elpd)))
        seen = {"exchange_ratio_ln": ("exchange", np.zeros(len(elpd)))}
        likelihood = {"exchange_ratio_ln": ("exchange", density)}
        return made.seal(tmp_path, seed, log_likelihood=likelihood, observed=seen)

    # Each predicts half of the observations equally better: by symmetry the weights are equal.
    good, bad = np.full(30, -1.0), np.full(30, -3.0)
    one, two = predicting(1, np.r_[good, bad]), predicting(2, np.r_[bad, good])
    found = average([one, two], "stacking", into=tmp_path)
    weights = [parent["weight"] for parent in found.record["parents"]]
    assert weights == pytest.approx([0.5, 0.5], abs=0.02)
    assert found.record["weights"] == "stacking"


# --- the sealed run -------------------------------------------------------------------------------


def test_the_structure_of_each_draw_survives_and_breaks_nothing(runs, tmp_path):
    found = open_run(average(runs, into=tmp_path).path)
    for group in (found.draws["posterior"].dataset, found.forecast):
        assert {*np.unique(group["structure"])} == {"logit+trend", "linear+trend"}
        assert group["structure"].dims == ("chain", "draw")
    by_form = found.forecast["required_rl_multiplier_oom"].where(
        found.forecast["structure"] == "linear+trend"
    )
    assert 0 < by_form.count() < by_form.size
    assert np.isfinite(az.summary(found.draws, round_to="none")["ess_bulk"]).all()
    assert az.extract(found.draws, var_names=["slope_ratio"]).sizes["sample"] == 1000
    assert {"draws_finite", "ess_bulk_at_least_400", "outputs_not_nan"} <= found.checks.keys()
    assert not {"no_divergences", "e_bfmi_at_least_0_3"} & found.checks.keys()


def test_it_names_its_parents_and_keeps_their_scenarios(runs, tmp_path):
    found = average(runs, into=tmp_path)
    parents = found.record["parents"]
    assert {p["id"] for p in parents} == {run.id for run in runs}
    assert {p["scenario_digest"] for p in parents} == {r.record["scenario_digest"] for r in runs}
    assert sum(p["weight"] for p in parents) == pytest.approx(1, abs=1e-12)
    for parent in parents:
        assert (found.path / f"scenario-{parent['scenario_digest']}.toml").is_file()
    assert [run.id for run in runs_in(tmp_path)] == [found.id]


def test_a_failed_parent_fails_the_average_and_is_named(runs, tmp_path):
    bad = made.seal(tmp_path, 5, passed=False)
    found = average([runs[0], bad], into=tmp_path)
    assert not found.passed
    assert found.checks["parents_passed"] == (False, 1, bad.id)
    nested_once_more = average([found, runs[1]], into=tmp_path)
    assert bad.id in nested_once_more.checks["parents_passed"].worst


def test_what_not_all_have_is_left_out_and_recorded(runs, tmp_path):
    more = made.seal(tmp_path, 7)
    found = average([runs[0], more], into=tmp_path)
    assert "only_here" not in found.draws["posterior"]
    assert "posterior: only_here" in found.record["left_out"]


def test_outputs_are_cut_to_the_labels_that_all_have(runs, tmp_path):
    z = np.random.default_rng(0).standard_normal(made.SHAPE)
    more = made.seal(tmp_path, 6, outputs=made.forecast(z, benchmarks=("aime", "new")))
    found = average([runs[0], more], into=tmp_path)
    assert found.forecast["benchmark"].values.tolist() == ["new"]
    assert "forecast: benchmark aime" in found.record["left_out"]
    from_more = found.forecast["parent"] == more.id
    np.testing.assert_array_equal(
        found.forecast["required_rl_multiplier_oom"].sel(benchmark="new").where(from_more),
        more.forecast["required_rl_multiplier_oom"].sel(benchmark="new").where(from_more),
    )


# --- shares of spread -----------------------------------------------------------------------------


def test_shares_of_groups_without_a_value_in_common_have_a_closed_form():
    n = 50
    draws = np.concatenate([np.arange(n), 1000 + np.arange(n)]).astype(float)
    forms = np.repeat(["a", "b"], n)
    structure, scenario, within = nested(draws, forms, forms)
    assert structure == pytest.approx(3 * n**2 / (4 * n**2 - 1), rel=1e-12)
    assert scenario == pytest.approx(0, abs=1e-12)
    assert structure + scenario + within == pytest.approx(1, rel=1e-12)


def test_nested_shares_by_hand():
    draws = np.array([1.0, 2, 3, 4, 5, 6, np.inf, np.inf])  # ranks 1 to 6, and 7.5 twice
    forms, scenarios = np.repeat(["a", "b"], 4), np.array(list("ppqqrrss"))
    ranks = np.array([1, 2, 3, 4, 5, 6, 7.5, 7.5])
    whole = ((ranks - 4.5) ** 2).sum()
    by_form = 4 * (2.5 - 4.5) ** 2 + 4 * (6.5 - 4.5) ** 2
    by_scenario = sum(2 * (m - 4.5) ** 2 for m in (1.5, 3.5, 5.5, 7.5))
    expected = by_form / whole, (by_scenario - by_form) / whole, 1 - by_scenario / whole
    assert nested(draws, forms, scenarios) == pytest.approx(expected, rel=1e-12)


def test_shares_do_not_see_a_monotone_change_and_a_constant_has_none():
    rng = np.random.default_rng(0)
    forms = np.repeat(["a", "b"], 100)
    draws = rng.standard_normal(200) + (forms == "a")
    assert nested(draws, forms, forms) == nested(np.exp(draws), forms, forms)
    assert nested(np.full(200, np.inf), forms, forms) == (None, None, None)


def test_like_runs_of_two_structures_share_no_spread_by_structure(tmp_path):
    one, two = made.seal(tmp_path, 1), made.seal(tmp_path, 2, of=made.scenario(response="linear"))
    rows = average([one, two], into=tmp_path).to_json()["shares"]
    assert len(rows) == 3
    for row in rows:
        assert row["structure"] < 0.01
        assert row["structure"] + row["scenario"] + row["within"] == pytest.approx(1)


# --- refusals -------------------------------------------------------------------------------------


def refused(runs, *how, **more):
    with pytest.raises(BadInput) as caught:
        average(runs, *how, **more)
    return caught.value.faults


def test_other_shapes_are_refused(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(made, "SHAPE", (4, 100))
    (fault,) = refused([runs[0], made.seal(tmp_path, 8)], into=tmp_path / "new")
    assert "4 chains of 100 draws" in fault.rule
    assert not (tmp_path / "new").exists()


def test_stacking_without_likelihood_is_refused(runs, tmp_path):
    assert {f.key for f in refused(runs, "stacking", into=tmp_path)} == {"log_likelihood"}


def test_no_output_in_common_is_refused(runs, tmp_path):
    z = np.random.default_rng(0).standard_normal(made.SHAPE)
    moved = made.forecast(z).assign_coords(inference_factor=[7.0], task=["another task"])
    faults = refused([runs[0], made.seal(tmp_path, 6, outputs=moved)], into=tmp_path)
    assert faults[0].rule == "have no output in common"


@pytest.mark.parametrize("ending", ["toml", "json", "csv"])
def test_weights_come_from_a_file_of_any_kind(runs, tmp_path, ending):
    one, two = runs[0].id, runs[1].id
    text = {
        "toml": f'"{one}" = 0.25\n"{two}" = 0.75\n',
        "json": json.dumps({"weights": {one: 0.25, two: 0.75}}),
        "csv": f"run,weight\n{one},0.25\n{two},0.75\n",
    }[ending]
    file = tmp_path / f"weights.{ending}"
    file.write_text(text)
    found = average(runs[:2], file, into=tmp_path)
    weights = {p["id"]: p["weight"] for p in found.record["parents"]}
    assert weights == {one: 0.25, two: 0.75}


def test_all_faults_of_weights_are_said_at_once(runs, tmp_path):
    ids = [run.id for run in runs]
    file = tmp_path / "weights.csv"
    file.write_text(f"run,weight\nnobody,0.1\n{ids[0]},-1\n{ids[1]},much\n{ids[1]},nan\n")
    faults = refused(runs, file, into=tmp_path / "new")
    said = [(fault.key, fault.rule) for fault in faults]
    assert ("nobody", "is not one of the runs") in said
    assert (ids[0], "-1 is not 0 or more") in said
    assert (ids[1], "'much' is not a number") in said
    assert (ids[1], "stands twice") in said
    assert (ids[1], "nan is not 0 or more") in said
    assert (ids[2], "has no weight") in said
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("w.csv", "a,b\n", "first line"),
        ("w.json", "[1]", "no object"),
        ("w.json", "{", "not a table"),
        ("w.toml", "= 1", "not a table"),
        ("w.yaml", "", "neither"),
        ("gone.csv", None, "cannot be read"),
    ],
)
def test_a_file_that_holds_no_weights_is_refused(runs, tmp_path, name, text, rule):
    if text is not None:
        (tmp_path / name).write_text(text)
    assert rule in refused(runs, tmp_path / name, into=tmp_path)[0].rule


def test_weights_that_miss_one_are_refused(runs, tmp_path):
    (fault,) = refused(runs[:2], {runs[0].id: 0.3, runs[1].id: 0.3}, into=tmp_path)
    assert (fault.key, fault.rule) == ("sum", "is 0.6, not 1")


def test_two_runs_of_one_name_are_refused(runs, tmp_path):
    other = made.seal(tmp_path, 2)
    other.path.parent.joinpath("x").mkdir()
    moved = tmp_path / "x" / runs[0].id
    shutil.move(other.path, moved)
    assert "two different runs" in refused([runs[0], moved], into=tmp_path)[0].rule


# --- the command ----------------------------------------------------------------------------------


def test_the_command_seals_shows_and_verifies(runs, tmp_path, capsys):
    paths = [str(run.path) for run in runs]
    assert cli.run(["average", *paths, "--into", str(tmp_path), "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert "Share of the spread" in out
    assert "linear+trend" in out
    (found,) = runs_in(tmp_path)
    assert found.seed == 3
    for command in ("show", "verify"):
        assert cli.run([command, str(found.path)]) == 0
    assert "Share of the spread" in capsys.readouterr().out
    assert cli.run(["list", str(tmp_path)]) == 0
    assert found.id in capsys.readouterr().out


def test_json_has_parents_and_shares(runs, tmp_path, capsys):
    paths = [str(run.path) for run in runs]
    assert cli.run(["average", *paths, "--into", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"id", "status", "checks", "summary", "path", "parents", "shares"} <= found.keys()
    assert len(found["parents"]) == 3
    assert {"quantity", "coords", "structure", "scenario", "within"} <= found["shares"][0].keys()


def test_a_failed_parent_is_said_first_and_exits_3(runs, tmp_path, capsys):
    bad = made.seal(tmp_path, 5, passed=False)
    words = ["average", str(runs[0].path), str(bad.path), "--into", str(tmp_path)]
    assert cli.run(words) == 3
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert "FAILED 1 of" in first
    assert bad.id in second
    assert cli.run([*words, "--allow-failed-checks"]) == 0


def test_a_bad_file_of_weights_exits_2_and_seals_nothing(runs, tmp_path, capsys):
    words = ["average", *(str(run.path) for run in runs), "--weights", "nothing.csv"]
    assert cli.run([*words, "--into", str(tmp_path / "new")]) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert "nothing.csv" in captured.err
    assert not (tmp_path / "new").exists()


def test_draws_of_an_average_are_a_tree_of_datasets(runs, tmp_path):
    found = average(runs, into=tmp_path)
    assert isinstance(found.draws, xr.DataTree)
    assert {*found.draws.children} == {"prior", "posterior"}
