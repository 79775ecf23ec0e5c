"""Predictive checks: right models pass, wrong ones are named, and nothing is judged by itself."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtri
from scipy.stats import kstest, norm

from simulator import cli, load_scenario, open_run, simulate
from simulator import run as running
from simulator.predictive import check as check_sets
from simulator.predictive import conflict, independent, left_out, pits, ranks

BUDGET = 0.05 / 2
SETS = {"score_logit", "slope_logit_per_oom", "records_in_quarter", "annual_factor_oom"}


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def test_places_of_counts_are_uniform(rng):
    replicates = rng.poisson(1.3, (4000, 3000))
    assert kstest(pits(rng.poisson(1.3, 3000), replicates, rng), "uniform").pvalue > 0.01
    assert kstest(ranks(replicates[:, :1], rng)[:, 0], "uniform").pvalue > 0.01


def test_places_by_hand(rng):
    replicates = np.array([[0.0], [1.0], [2.0]])
    assert 0.25 <= pits(np.array([0.5]), replicates, rng)[0] <= 0.5
    assert ranks(replicates, rng)[:, 0].tolist() == pytest.approx([1 / 6, 3 / 6, 5 / 6])


@pytest.mark.parametrize(
    ("mean", "sd", "said"),
    [(0, 1, ""), (0, 2, "too narrow"), (0, 0.4, "too wide"), (1, 1, "shifted")],
)
def test_a_wrong_prediction_is_named(rng, mean, sd, said):
    replicates = rng.normal(size=(2000, 60))
    z = rng.normal(size=60)
    came = mean + sd * (z - z.mean()) / z.std()
    row = conflict(came, replicates, BUDGET, rng)
    assert row["said"] == said
    flat = np.zeros_like(replicates)  # a likelihood that teaches nothing
    assert (
        left_out(came, replicates, flat + rng.normal(0, 1e-3, flat.shape), BUDGET, rng)["said"]
        == said
    )


def test_what_a_set_shares_is_allowed_for(rng):
    """Sixty observations that share a level are one observation of it, not sixty."""
    shared = rng.normal(0, 1, (2000, 1)) + rng.normal(0, 0.1, (2000, 60))
    came = 1.2 + rng.normal(0, 0.1, 60)
    assert conflict(came, shared, BUDGET, rng)["said"] == ""
    alone = rng.normal(0, np.hypot(1, 0.1), (2000, 60))
    assert conflict(came, alone, BUDGET, rng)["said"] == "too wide, shifted"


def test_false_alarms_keep_to_the_budget(rng):
    """Of right sets, no more than two budgets (spread and mean) are called off."""
    replicates = rng.normal(size=(1000, 1)) + rng.normal(size=(1000, 12))
    sets = rng.normal(size=(400, 1)) + rng.normal(size=(400, 12))
    before = np.mean([conflict(came, replicates, BUDGET, rng)["said"] != "" for came in sets])
    assert before < 0.09
    after = [independent(rng.normal(size=12)) for _ in range(2000)]
    alarms = np.mean([min(f.spread_tail, f.mean_tail) < BUDGET for f in after])
    assert alarms == pytest.approx(0.05, abs=0.015)


def test_an_observation_alone_is_judged_by_its_place(rng):
    replicates = rng.normal(size=(2000, 1))
    assert conflict(np.array([0.3]), replicates, BUDGET, rng)["said"] == ""
    assert conflict(np.array([5.0]), replicates, BUDGET, rng)["said"] == "shifted"


def test_leaving_out_is_that_of_the_exact_posterior(rng):
    """Normal observations around an unknown mean: predictions without one are known exactly."""
    came = rng.normal(size=12)
    draws = 40_000
    mean = rng.normal(came.mean(), 1 / np.sqrt(12), draws)[:, None]
    replicates = mean + rng.normal(size=(draws, 12))
    row = left_out(came, replicates, norm.logpdf(came, mean, 1), BUDGET, rng)
    others = (came.sum() - came) / 11
    exact = norm.cdf(came, others, np.sqrt(1 + 1 / 11))
    assert row["not_usable"] == 0
    assert row["spread"] == pytest.approx(ndtri(exact).std(ddof=1), rel=0.03)
    seen = norm.cdf(came, came.mean(), np.sqrt(1 + 1 / 12))
    assert row["spread"] > ndtri(seen).std(ddof=1)  # having seen it flatters


def test_what_cannot_be_left_out_is_counted(rng):
    likelihood = np.full((1000, 2), -1.0) + rng.normal(0, 0.01, (1000, 2))
    likelihood[0, 1] = -400.0  # one draw carries everything
    likelihood[1:40, 1] = -np.geomspace(300, 10, 39)
    row = left_out(np.zeros(2), rng.normal(size=(1000, 2)), likelihood, BUDGET, rng)
    assert row["not_usable"] == 1


def test_a_run_stores_and_shows_its_sets(base_run, capsys):
    rows = {row["variable"]: row for row in base_run.predictive}
    assert rows.keys() >= SETS
    observed = open_run(base_run.path).draws["observed_data"].dataset
    assert {k: row["count"] for k, row in rows.items()} == {k: v.size for k, v in observed.items()}
    assert all(row["left_out"]["said"] == "" for row in rows.values())
    assert cli.run(["show", str(base_run.path)]) == 0
    assert "Observations against their predictions" in capsys.readouterr().out


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal(base_run, capsys, monkeypatch, columns):
    from simulator import score_tables

    for home in ("simulator.tables.width", "simulator.score_tables.width"):
        monkeypatch.setattr(home, lambda: columns)
    score_tables.print_predictive(base_run.predictive)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


def test_the_same_draws_give_the_same_rows(base_run):
    assert check_sets(base_run.draws, base_run.seed) == base_run.predictive


def test_wrong_noise_is_flagged(base_run):
    """Predictions of scores ten times too sure, from the draws of a sound run."""
    tree = base_run.draws
    kept = {name: group.dataset.copy() for name, group in tree.children.items()}
    middle = kept["posterior_predictive"]["score_logit"].median(("chain", "draw"))
    sure = middle + (kept["posterior_predictive"]["score_logit"] - middle) / 10
    kept["posterior_predictive"]["score_logit"] = sure
    kept["log_likelihood"]["score_logit"] = kept["log_likelihood"]["score_logit"] / 100
    rows = {row["variable"]: row for row in check_sets(xr.DataTree.from_dict(kept), 1)}
    assert rows["score_logit"]["left_out"]["said"].startswith("too narrow")


def test_runs_without_evidence_or_of_old_have_none(tmp_path, capsys):
    run = simulate(load_scenario("ord-2025", {"evidence.sources": "none"}), into=tmp_path)
    assert run.predictive == []
    assert cli.run(["show", str(run.path)]) == 0
    assert "Observations" not in capsys.readouterr().out
    old = tmp_path / "old"
    shutil.copytree(run.path, old)
    old.chmod(0o700)
    (old / "predictive.json").chmod(0o600)
    (old / "predictive.json").unlink()
    about = json.loads((old / "manifest.json").read_text())["about"]
    assert running.Run(old, about).predictive == []
