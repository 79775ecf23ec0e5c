"""Backtests: hand truths of the scores, what was asked and known, and no peeking."""

import datetime as dt
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from simulator import BadInput, cli, load_scenario, scores
from simulator import backtest as module
from simulator.backtest import backtest, conditioned, forecasts, new_slope, pooled, score
from simulator.evidence import usd
from simulator.hindsight import CostQuestion, SlopeQuestion, later, pasts
from simulator.streams import SAMPLE

DAY = dt.date(2025, 6, 30)
HORIZONS = {"6m": 6, "12m": 12}
FLAT = {"prior.cost_decline_factor": {"family": "constant", "value": 10}}


def date(text):
    return dt.date.fromisoformat(text)


def past(scenario, day=DAY, until=None, horizons=("6m", "12m")):
    (found,) = pasts(scenario, [day], until, horizons)
    return found


def question(outcome, record=1.0, series="a", as_of=DAY):
    return CostQuestion(series, "b", as_of, record, as_of, "6m", later(as_of, 6), outcome)


@pytest.fixture
def base():
    return load_scenario("base")


@pytest.fixture
def quick(sampled, monkeypatch):
    """Fits replaced by draws of the beliefs alone: all that needs no conditioning, in no time."""

    def fake(scenario, seed, watch):
        draws = sampled(scenario.name, {"evidence.sources": "none", **known}, draws=100)
        return draws, list(failed)

    known, failed = {}, []
    monkeypatch.setattr(module, "_fit", fake)
    return known, failed


# --- scores ---------------------------------------------------------------------------------------


def test_crps_by_hand():
    assert scores.crps(np.array([2.0]), 0.5) == 1.5  # of a point, its error
    assert scores.crps(np.array([0.0, 1.0]), 0.3) == pytest.approx(0.5 - 0.25)
    normal = np.random.default_rng(1).normal(size=200_000)
    assert scores.crps(normal, 0.0) == pytest.approx((math.sqrt(2) - 1) / math.sqrt(math.pi), 1e-2)


def test_crps_exists_where_a_forecast_has_no_mean():
    wild = np.array([0.0, 1e300])
    assert scores.crps(wild, 0.0) == pytest.approx(scores.LIMIT / 4)
    assert scores.crps(wild + 5.0, 5.0, origin=5.0) == pytest.approx(scores.LIMIT / 4)


def test_log_score_by_hand():
    sure = np.full(10, 0.3 + 1e-15)
    least = scores.SPREAD * scores.BIN / scores.SPAN
    assert scores.log_score(sure, 0.3, origin=0.3) == pytest.approx(math.log(0.99 + least))
    assert scores.log_score(sure, 0.3 - 1e-15, origin=0.3) == pytest.approx(math.log(0.99 + least))
    assert scores.log_score(sure, -9.0) == pytest.approx(math.log(least))


def test_a_tie_is_counted_in_part():
    lump = np.array([-2.0, -1.0, 0.0, 0.0])  # a half of the probability on no change
    ends = scores.pit_ends(lump, 1e-13)
    assert ends == (0.5, 1.0)
    assert scores.covered(ends, 50) == pytest.approx(0.5)  # from 0.5 to 0.75 of 0.5 to 1
    assert scores.covered(ends, 90) == pytest.approx(0.9)
    assert scores.pit(ends, 0.5) == 0.75


@pytest.mark.parametrize("level", scores.LEVELS)
def test_a_right_forecast_with_an_atom_covers_what_it_says(level):
    rng = np.random.default_rng(2)
    falls = -rng.exponential(0.4, 6000) * (rng.uniform(size=6000) > 0.4)
    draws, outcomes = falls[:3000], falls[3000:]
    covered = np.mean([scores.covered(scores.pit_ends(draws, o), level) for o in outcomes])
    assert covered == pytest.approx(level / 100, abs=0.03)


def test_an_overconfident_forecast_shows():
    rng = np.random.default_rng(3)
    draws = rng.normal(0, 0.3, 2000)
    rows = [
        score(question(o, as_of=DAY + dt.timedelta(i)), draws, 3 * draws, 1)
        for i, o in enumerate(rng.normal(0, 1, 400))
    ]
    (row,) = (r for r in pooled(rows) if not r["by"])
    assert row["covered_90"]["mean"] == pytest.approx(0.38, abs=0.06)
    assert row["gain_over_before_evidence"]["mean"] < 0  # the wide one was right
    places = np.array([r["pit"] for r in rows])
    assert np.mean((places < 0.05) | (places > 0.95)) > 0.5


def test_standard_errors_are_those_of_clusters():
    assert scores.clustered([1, 1, 3, 3], "aabb") == (2.0, 1.0)
    x = np.random.default_rng(4).normal(size=50)
    alone = scores.clustered(x, range(50))
    assert alone.se == pytest.approx(x.std(ddof=1) / math.sqrt(50))
    twice = scores.clustered([*x, *x], [*range(50), *range(50)])
    assert twice.se == pytest.approx(alone.se)  # saying it twice adds nothing
    assert math.isnan(scores.clustered([1, 2], "aa").se)


# --- questions ------------------------------------------------------------------------------------


def test_ends_of_months_stay_ends_of_months():
    assert later(date("2025-06-30"), 6) == date("2025-12-31")
    assert later(date("2024-08-31"), 6) == date("2025-02-28")
    assert later(date("2025-01-15"), 12) == date("2026-01-15")
    assert later(date("2025-01-30"), 1) == date("2025-02-28")


def test_what_could_be_asked_and_what_came_of_it(base):
    asked = past(base)
    costs = {(q.series, q.horizon): q for q in asked.costs}
    aime = costs["aime-25", "6m"]
    assert (aime.record_usd, aime.debut) == (0.000605, date("2024-09-12"))
    assert aime.outcome == pytest.approx(math.log10(0.000232))
    assert ("arc-agi-1-25", "6m") in costs
    assert ("arc-agi-1-25", "12m") not in costs  # not watched until 2026-06-30
    assert asked.not_begun == 2  # arc-agi-1 at 75% and 85%
    assert "frontiermath-27" not in {series for series, _ in costs}  # not watched for long enough
    assert all(q.target > DAY for q in asked.slopes)


def test_until_ends_what_is_known_now(base):
    asked = past(base, until="2025-12-31")
    assert {q.horizon for q in asked.costs} == {"6m"}
    assert max(q.target for q in asked.slopes) <= date("2025-12-31")


def test_default_days_all_have_a_cost_to_score(base):
    days = pasts(base, (), None, ("6m", "12m"))
    assert len(days) == 5
    assert all(day.costs for day in days)
    assert days[-1].as_of == date("2025-12-31")


# --- forecasts ------------------------------------------------------------------------------------


def test_forecast_is_what_a_user_is_told(quick, base):
    """Beliefs in exactly 10x a year forecast, and score, exactly as the naive 10x does."""
    known, _ = quick
    known |= FLAT
    scenario = load_scenario("epoch-2026", FLAT | {"evidence.sources": "all"})
    found = backtest(scenario, [DAY])
    for row in found.scores:
        if row["kind"] == "cost":
            years = {"6m": 0.5, "12m": 1}[row["horizon"]]
            assert row["q50"] == pytest.approx(row["record"] - years, abs=0.01)
            assert row["crps"] == pytest.approx(row["crps_tenfold"], abs=0.01)


def test_a_series_unknown_to_the_draws_is_like_its_benchmark_or_like_none():
    asked = question(0.0)._replace(series="s", benchmark="b")
    assert module._resembles(asked, xr.Dataset(coords={"series": ["s"]})) == "s"
    assert module._resembles(asked, xr.Dataset(coords={"cost_benchmark": ["b"]})) == "b"
    assert module._resembles(asked, xr.Dataset(coords={"series": ["t"]})) == "new"


def test_slope_of_a_new_system_strays_as_believed(base):
    def constant(value):
        return (SAMPLE, np.full((4, 5000), float(value)))

    draws = xr.Dataset(
        {
            "inference_slope": constant(25),
            "slope_ratio": constant(0.5),
            "algorithm_slope_factor": constant(3),
            "benchmark_slope_spread": constant(0.4),
            "benchmark_ratio_spread": constant(0),
            "system_slope_spread": constant(0.3),
            "benchmark_slope_ln": (("benchmark", *SAMPLE), np.full((1, 4, 5000), math.log(50))),
            "benchmark_slope_ratio": (("benchmark", *SAMPLE), np.full((1, 4, 5000), 0.25)),
        },
        {"benchmark": ["seen"]},
    )
    row = {"curve": "c", "benchmark": "seen", "kind": "inference", "recipe": None, "se": 1e-9}

    def spread(**changes):
        slope = new_slope(base, SlopeQuestion(row | changes, DAY), draws, 1)
        return float(np.median(slope)), float(np.log(slope).std())

    assert spread() == pytest.approx((2, 0.3), rel=0.03)
    assert spread(kind="rl", recipe="baseline")[0] == pytest.approx(0.5, rel=0.03)
    assert spread(kind="rl", recipe="today")[0] == pytest.approx(1.5, rel=0.03)
    assert spread(benchmark="unseen") == pytest.approx((1, 0.5), rel=0.03)
    assert spread(benchmark="unseen", kind="rl", recipe="baseline")[0] == pytest.approx(0.5, 0.03)
    noisy = new_slope(base, SlopeQuestion(row | {"se": 1.0}, DAY), draws, 1)
    assert float(noisy.std()) == pytest.approx(math.hypot(1, 2 * 0.32), rel=0.05)


# --- no peeking -----------------------------------------------------------------------------------


def tampered(scenario, day, how):
    """The scenario with its evidence from after the day changed or gone, and watched for longer."""

    def other(row):
        if row["date"] <= day:
            end = row.get("observed_until")
            return row | ({"observed_until": end + dt.timedelta(99)} if end else {})
        numbers = {k: 3 * v for k, v in row.items() if isinstance(v, float)}
        return None if how == "deleted" else row | numbers

    tables = {
        name: tuple(new for row in rows if (new := other(row)))
        for name, rows in scenario.evidence.tables.items()
    }
    return replace(scenario, evidence=scenario.evidence._replace(tables=tables))


@pytest.mark.parametrize("how", ["changed", "deleted"])
def test_nothing_dated_later_is_conditioned_on_or_asked_with(base, sampled, how):
    other = tampered(base, DAY, how)
    before, after = past(base), past(other)
    then, same = conditioned(base, before), conditioned(other, before)
    assert then.evidence.tables == same.evidence.tables
    assert (then.forecast, then.beliefs, then.tasks) == (same.forecast, same.beliefs, same.tasks)
    assert then.forecast.today == DAY
    assert [q._replace(outcome=0) for q in before.costs] == [
        q._replace(outcome=0)
        for q in after.costs
        if (q.series, q.horizon) in {(b.series, b.horizon) for b in before.costs}
    ]
    draws = sampled("base", {"evidence.sources": "none"}, draws=100)["posterior"].dataset
    ours = list(forecasts(then, draws, before._replace(slopes=()), 1))
    theirs = list(forecasts(same, draws, after._replace(slopes=(), costs=before.costs), 1))
    assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_no_forecast_of_a_fit_depends_on_what_came_later(base):
    day = date("2024-12-31")
    scenario = base.with_sampler(draws=200, tune=300)
    found = [
        backtest(tampered(scenario, day, "changed") if i else scenario, [day], horizons=["6m"])
        for i in range(2)
    ]
    ours, theirs = ([row for row in f.scores if row["kind"] == "cost"] for f in found)
    assert ours
    for a, b in zip(ours, theirs, strict=True):
        assert [a[q] for q in ("q05", "q50", "q95")] == [b[q] for q in ("q05", "q50", "q95")]
    assert [a["outcome"] for a in ours] != [b["outcome"] for b in theirs]


# --- bad input and the command --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--as-of", "soon"], "is not a date"),
        (["--as-of", "2020"], "before any evidence"),
        (["--as-of", "2024-06"], "algorithm_baseline"),
        (["--as-of", "2025-06-30", "--until", "2025-06-30"], "must be before --until"),
        (["--as-of", "2025-06-30", "--as-of", "2025-06"], "must not repeat"),
        (["--as-of", "2026-10-31"], "has an outcome"),
        (["--horizon", "6x"], "number of months"),
        (["--horizon", "0m"], "number of months"),
        (["--horizon", "6m,6m"], "must not repeat"),
        (["--horizon", ","], "names no horizon"),
        (["--horizon", "9y"], "no quarter end"),
        (["--until", "late"], "is not a date"),
        (["--set", "evidence.sources=none"], "nothing came of"),
        (["--evidence", "nobody"], "no source"),
        (["--draws", "0"], "draws"),
    ],
    ids=str,
)
def test_bad_input_is_said_before_any_sampling(capsys, monkeypatch, words, said):
    monkeypatch.setattr(module, "_fit", None)  # calling it would raise TypeError
    assert cli.run(["backtest", "base", *words]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert not captured.out


def test_all_faults_at_once(base):
    with pytest.raises(BadInput) as error:
        backtest(base, ["soon", "2020"], "never", ["6x", "1y"])
    assert len(error.value.faults) == 5


def test_json_holds_scores_pools_and_fits(quick, capsys):
    words = ["backtest", "base", "--as-of", "2025-03-31", "--as-of", "2025-06-30", "--json"]
    assert cli.run(words) == 0
    captured = capsys.readouterr()
    assert "as of 2025-03-31, 1 of 2" in captured.err
    found = json.loads(captured.out)
    assert found.keys() >= {"scenario", "structure", "seed", "scores", "pooled", "fits", "scoring"}
    assert [fit["as_of"] for fit in found["fits"]] == ["2025-03-31", "2025-06-30"]
    count = sum(row["kind"] == "cost" for row in found["scores"])
    (row,) = (r for r in found["pooled"] if r["kind"] == "cost" and not r["by"])
    assert row["count"] == count > row["clusters"]
    crps = [row["crps"] for row in found["scores"] if row["kind"] == "cost"]
    assert row["crps"]["mean"] == pytest.approx(sum(crps) / count)


@pytest.mark.parametrize("columns", [80, 120])
def test_tables_fit_the_terminal(quick, capsys, monkeypatch, columns):
    for home in ("simulator.tables.width", "simulator.score_tables.width"):
        monkeypatch.setattr(home, lambda: columns)
    words = ["backtest", "base", "--as-of", "2025-06-30", "--all", "--structures"]
    assert cli.run(words) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    assert "2025-06-30, 12m" in out
    assert "kinder" in " ".join(out.split())


def test_a_poor_fit_is_said_and_exits_3(quick, capsys):
    _, failed = quick
    failed.append("r_hat_at_most_1_01")
    assert cli.run(["backtest", "base", "--as-of", "2025-06-30"]) == 3
    assert "FAILED r_hat" in capsys.readouterr().out


def test_costs_from_tokens():
    row = {"cost_usd": None, "output_tokens": 2e6, "usd_per_million_tokens": 3.0}
    assert usd(row) == 6.0
