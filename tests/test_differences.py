"""From one run to another: what changed, and steps that add up."""

import json

import made
import numpy as np
import pytest

from simulator import cli, load_scenario, seal, simulate
from simulator.average import average
from simulator.differences import diff, shown
from simulator.differences.changes import between, items
from simulator.faults import BadInput
from simulator.reweight import reweight
from simulator.run import runs_in
from simulator.scenario import sealed_scenario

SURE = 4.5  # standard errors; with 33 outputs, 1 in 4,000 each, a false alarm in 1 of 100 seeds
TRANSFER = {"q05": 0.6, "q95": 0.97}


@pytest.fixture(scope="module")
def quick(tmp_path_factory, compiled_code):
    """Runs of the beliefs alone under overrides, each sampled once."""
    folder, kept = tmp_path_factory.mktemp("quick"), {}

    def run(seed=1, **overrides):
        key = json.dumps([seed, overrides])
        if key not in kept:
            news = {"evidence.sources": "none"} | {
                k.replace("__", "."): v for k, v in overrides.items()
            }
            scenario = load_scenario("base", news).with_sampler(draws=1000)
            kept[key] = simulate(scenario, seed, into=folder)
        return kept[key]

    return run


def assert_adds_up(found):
    """Every chain of finite changes ends where the total says."""
    told = 0
    for output in found.outputs:
        steps = [step["change"] for step in output["steps"]]
        if None not in (*steps, output["total"]):
            assert sum(steps) == pytest.approx(output["total"], abs=1e-9)
            told += 1
    assert told


def test_a_run_does_not_differ_from_itself(quick):
    found = diff(quick(), quick())
    assert found.changes == {}
    assert found.steps == []
    assert all(output["total"] == 0 for output in found.outputs if output["before"] is not None)


def test_another_seed_differs_by_its_monte_carlo_error(quick):
    found = diff(quick(), quick(seed=2))
    assert {section: [row["name"] for row in rows] for section, rows in found.changes.items()} == {
        "sampler": ["seed"]
    }
    assert found.steps == [{"labels": ["sampling anew"], "by": "sampling"}]
    assert_within_error(found, -1)


def assert_within_error(found, step):
    seen = 0
    for output in found.outputs:
        one = output["steps"][step]
        if one["change"] is not None and one["error"] is not None:
            assert abs(one["change"]) <= SURE * one["error"] + 1e-12, output["label"]
            seen += 1
    assert seen > 10


def test_a_belief_that_is_moved_gives_what_reweighting_seals(quick, tmp_path):
    overrides = {"prior.transfer_exponent.quantiles": TRANSFER}
    other = reweight(quick(), overrides, into=tmp_path)
    found = diff(quick(), other)
    assert [(step["labels"], step["by"]) for step in found.steps] == [
        (["transfer_exponent"], "moved"),
        (["sampling anew"], "sampling"),
    ]
    for output in found.outputs:
        assert output["steps"][0]["median"] == pytest.approx(output["after"])
    assert found.changes["made by"][0]["after"] == f"reweighting {quick().id}"
    (row,) = found.changes["beliefs"]
    assert row == {"name": "transfer_exponent", "unit": "1",
                   "before": "0.781 [0.400, 0.950]", "after": row["after"]}  # fmt: skip
    assert "[0.600, 0.970]" in row["after"]


def test_steps_by_weights_agree_with_sampling(base_run, tmp_path):
    """What is left after the weights is Monte Carlo error; without them, as control, it is not."""
    overrides = {
        "prior.algorithm_slope_factor.quantiles": {"q05": 1.2, "q95": 6.0},
        "prior.slowdown_half_life_years.quantiles": {"q05": 1.0, "q95": 8.0},
    }
    other = simulate(load_scenario("base", overrides), seed=2, into=tmp_path)
    found = diff(base_run, other)
    assert [step["by"] for step in found.steps] == ["weights", "moved", "sampling"]
    assert_adds_up(found)
    assert_within_error(found, -1)
    assert any(
        abs(output["total"]) > SURE * output["total_error"]
        for output in found.outputs
        if output["total_error"]
    )
    assert found.changes.keys() == {"beliefs", "sampler"}


def test_questions_are_asked_of_the_same_draws(quick):
    other = quick(forecast__dates=["2027-10-01", "2031-01-01"], forecast__horizon="2040-01-01")
    found = diff(quick(), other)
    assert [step["by"] for step in found.steps] == ["questions", "sampling"]
    assert {row["name"] for row in found.changes["forecast"]} == {"dates", "horizon"}
    assert all(row["only_in"] in (quick().id, other.id) for row in found.not_comparable)
    assert any("2036" in row["output"] for row in found.not_comparable)
    for output in found.outputs:
        assert output["steps"][-1]["change"] in (None, pytest.approx(0, abs=1e-9))


def test_what_weights_do_not_reach_is_one_step_and_refits_tell_it_apart(quick, tmp_path):
    other = quick(structure__response="linear", prior__recipe_slope_spread__value=0.3)
    found = diff(quick(), other)
    (step,) = found.steps
    assert step["by"] == "joint"
    assert {"recipe_slope_spread", "sampling anew"} <= {*step["labels"]}
    assert_adds_up(found)
    told = diff(quick(), other, refit=True, into=tmp_path)
    assert [step["by"] for step in told.steps] == ["refit", "refit"]
    assert_adds_up(told)
    (between_them,) = runs_in(tmp_path)
    again = diff(quick(), other, refit=True, into=tmp_path)
    assert again.outputs == told.outputs
    assert [run.id for run in runs_in(tmp_path)] == [between_them.id]
    for one, both in zip(found.outputs, told.outputs, strict=True):
        assert one["total"] == both["total"]


def test_mixtures_take_what_they_are_told_to_and_end_at_the_other(base_run, quick):
    runs = [base_run, quick(prior__transfer_exponent__quantiles=TRANSFER)]
    scenarios = [sealed_scenario(run.path) for run in runs]
    every = items(*scenarios)
    assert {item.kind for item in every} == {"belief", "removed"}
    begin, end = (between(runs, scenarios, taken) for taken in ((), every))
    assert begin.evidence.tables == scenarios[0].evidence.tables
    assert begin.beliefs == scenarios[0].beliefs
    assert end.evidence.size == 0
    assert {n: b[1:4] for n, b in end.beliefs.items()} == {
        n: b[1:4] for n, b in scenarios[1].beliefs.items()
    }
    without = [item for item in every if item.names != ("openai-o1",)]
    (table,) = (rows for rows in between(runs, scenarios, without).evidence.tables.values() if rows)
    assert {row["source"] for row in table} == {"openai-o1"}


def test_an_average_is_refused_and_a_failed_run_said_first(tmp_path, capsys):
    one, other = (made.seal(tmp_path, seed=i, passed=False) for i in (1, 2))
    with pytest.raises(BadInput) as caught:
        diff(average([one, other], into=tmp_path), one)
    assert "is an average" in caught.value.faults[0].rule
    assert cli.run(["diff", str(one.path), str(other.path)]) == 0
    out = capsys.readouterr().out
    assert "FAILED 1 of 1 checks" in out[: out.index("sampler")]


def test_the_command_prints_one_object(tmp_path, capsys):
    one, other = (
        made.seal(
            tmp_path, seed=i, outputs=made.forecast(np.full(made.SHAPE, 5.0) + i, years=years)
        )
        for i, years in ((1, np.full(made.SHAPE, 3.0)), (2, np.full(made.SHAPE, np.inf)))
    )
    assert cli.run(["diff", str(one.path), str(other.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"runs", "changes", "steps", "outputs", "not_comparable"}
    by = {output["quantity"]: output for output in found["outputs"]}
    assert by["years_to_threshold"]["after"] is None
    assert by["years_to_threshold"]["total"] is None


def test_refits_need_a_folder_to_write_in(quick, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises((BadInput, OSError, seal.Damaged)):
        diff(quick(), quick(seed=2), refit=True, into=tmp_path / "file")


@pytest.mark.parametrize(
    ("change", "error", "unit", "said"),
    [
        (-0.30103, 0.0086, "OOM", "x0.50 ±2%"),
        (1.25, 0.1, "years", "+1.25 ±0.10"),
        (0.0, 0.0, "OOM USD", "-"),
        (None, None, "years", "never"),
    ],
)
def test_changes_are_factors_of_ooms_and_differences_of_years(change, error, unit, said):
    step = {"change": change, "error": error, "median": None}
    assert shown.moved(step, unit) == said
