"""Scores of frozen forecasts: known truths, closed forms, calibration, and what is refused."""

import datetime as dt
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy.stats import binom, norm

from simulator import cli, scores, seal
from simulator.outcome import dump
from simulator.questions import answer
from simulator.questions.askable import ASKABLE
from simulator.questions.distribution import Forecast
from simulator.questions.freeze import FILE, FORMAT
from simulator.questions.question import Question
from simulator.scoring import reliability, scored, shown
from simulator.scoring.frozen import Frozen, read_frozen
from simulator.scoring.outcomes import Outcome
from simulator.scoring.scored import FAR, FEW, pooled, score

SHAPE = 4, 250
MOMENT = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)
COST = {"quantity": "task_cost", "task": "t", "date": dt.date(2028, 1, 1)}
YEARS = {"quantity": "persistence_years", "inference_factor": 100.0}
YEAR = {"quantity": "year_of_threshold", "task": "t", "threshold_usd": 5.0}
TIMES = {"quantity": "required_rl_multiplier", "inference_factor": 100.0}
BELOW = COST | {"threshold": 500.0, "direction": "below"}


def question(name="q", **about):
    return Question(id=name, text="a question", **(about or COST))


def forecast(asked, kept):
    draws = np.broadcast_to(np.asarray(kept, float), SHAPE).copy()
    return Forecast(ASKABLE[asked.quantity], asked.coords, draws)


def normal(mu=0.0, sigma=1.0):
    """A thousand draws at the quantiles of a normal, so that closed forms hold closely."""
    return norm.ppf((np.arange(math.prod(SHAPE)) + 0.5) / math.prod(SHAPE), mu, sigma).reshape(
        SHAPE
    )


def frozen(asked, kept, prior=None, moment=MOMENT, scenario="base", cost=None, status="passed"):
    """A frozen forecast in memory."""
    found = forecast(asked, kept)
    figures = answer.quantiles if asked.at is None else answer.probability
    return Frozen(
        "folder",
        moment,
        {"id": f"run-{scenario}", "scenario": scenario, "status": status},
        asked,
        figures(asked, found),
        found,
        None if prior is None else forecast(asked, prior),
        cost,
    )


def sealed(into, *items, moment=MOMENT, scenario="base", status="passed", name=None):
    """A folder as `ask --freeze` seals it."""
    run = {"id": f"run-{scenario}", "scenario": scenario, "digest": "0" * 10, "seed": 1}
    run["status"] = status
    listed = [
        {
            "question": x.question.model_dump(mode="json", exclude_none=True),
            "answer": x.answer,
            "forecast": x.forecast.to_json(),
            "prior": x.prior and x.prior.to_json(),
            "cost_at_freezing_usd": x.cost_at_freezing_usd,
        }
        for x in items
    ]
    text = {"format": FORMAT, "frozen": moment.isoformat(), "run": run, "items": listed}
    about = {"format": FORMAT, "frozen": moment.isoformat(), "run": run}
    name = name or f"{moment:%Y%m%d}-{scenario}"
    return seal.seal(into, name, {FILE: dump(text)}, about)


def table(folder, *lines, header="id,outcome,date"):
    path = folder / "outcomes.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def simulator(capsys, *words):
    code = cli.run(list(map(str, words)))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def scored_row(asked, kept, outcome, **more):
    return scored.scored(frozen(asked, kept, **more), Outcome(outcome, None, ""))


# --- known truths ---------------------------------------------------------------------------------


def test_a_point_is_scored_by_its_error_in_powers_of_ten(tmp_path):
    sealed(tmp_path / "f", frozen(question(), 3.0, prior=5.0))
    (row,) = score(tmp_path / "f", table(tmp_path, "q,$10,2028-01-02")).rows
    assert row["crps"] == pytest.approx(2)
    assert row["crps_before_evidence"] == pytest.approx(4)
    assert row["interval_score"] == pytest.approx(2)
    assert (row["pit"], row["covered_90"]) == (0, 0)
    assert row["outcome"] == pytest.approx(1)


def test_a_probability_is_scored_by_brier_and_log():
    kept = np.where(np.arange(1000).reshape(SHAPE) % 10 < 3, 2.0, 3.0)
    yes = scored_row(question(**BELOW), kept, 1.0, prior=3.0)
    assert yes["probability"] == pytest.approx(0.3)
    assert yes["brier"] == pytest.approx(0.49)
    assert yes["log_score"] == pytest.approx(math.log(0.3))
    assert yes["brier_half"] == 0.25
    assert 0.99 < yes["brier_before_evidence"] < 1  # what no draw shows is not impossible
    no = scored_row(question(**BELOW), kept, 0.0)
    assert no["brier"] == pytest.approx(0.09)
    assert no["brier_before_evidence"] is None


@pytest.mark.parametrize("z", [-2.5, -0.3, 0.0, 1.0, 3.0])
@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_a_normal_forecast_has_the_scores_of_the_closed_forms(z, sigma):
    mu = 2.0
    came = mu + z * sigma
    row = scored_row(question(), normal(mu, sigma), 10**came)
    crps = sigma * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi))
    assert row["crps"] == pytest.approx(crps, rel=0.01)
    assert row["pit"] == pytest.approx(norm.cdf(z), abs=0.002)
    edges = (math.floor(came / scores.BIN + 0.5) + np.array([-0.5, 0.5])) * scores.BIN
    held = np.diff(norm.cdf(edges, mu, sigma))[0]
    mixed = (1 - scores.SPREAD) * held + scores.SPREAD * scores.BIN / scores.SPAN
    assert math.exp(row["log_score"]) == pytest.approx(mixed, abs=3 / 1000)  # three draws
    weighted = 0.5 * abs(came - mu)  # Bracher and others (2021), as defined
    for level in scores.LEVELS:
        alpha = 1 - level / 100
        low, high = norm.ppf([alpha / 2, 1 - alpha / 2], mu, sigma)
        missed = max(low - came, 0) + max(came - high, 0)
        weighted += alpha / 2 * (high - low + 2 / alpha * missed)
        assert row[f"covered_{level}"] == float(low <= came <= high)
    assert row["interval_score"] == pytest.approx(weighted / 3.5, rel=0.01)


def test_never_is_larger_than_any_number_and_has_a_place():
    far = FAR["years"]
    kept = np.where(np.arange(1000).reshape(SHAPE) % 10 < 7, 5.0, np.inf)
    row = scored_row(question(**YEARS), kept, math.inf)
    assert row["outcome"] == row["outcome_far"] == row["q95"] == far
    assert row["crps"] == pytest.approx((far - 5) * 0.49)  # (1 - P(never))^2, by the integral
    assert row["pit_ends"] == pytest.approx([0.7, 1.0])
    assert row["log_score"] == pytest.approx(math.log(0.99 * 0.3 + 0.01 * 0.1 / 4))
    assert row["covered_50"] == pytest.approx(0.05 / 0.3)
    late = scored_row(question(**YEARS), kept, 300.0)
    assert late["crps"] == row["crps"]  # past the far value all is one


def test_a_year_is_counted_from_the_day_of_freezing():
    row = scored_row(question(**YEAR), np.inf, 2030.0)
    assert row["crps"] == pytest.approx(2027 + FAR["year"] - 2030)
    assert row["scale"] == "years"


def test_naive_forecasters_of_costs_by_hand():
    row = scored_row(question(), 3.0, 100.0, cost=10_000.0)
    assert row["crps_no_change"] == pytest.approx(2)
    assert row["crps_tenfold"] == pytest.approx(1)  # 2027-01-01 to 2028-01-01
    bare = scored_row(question(), 3.0, 100.0)
    assert bare["crps_no_change"] is bare["crps_tenfold"] is None


DRAWS = st.lists(
    st.one_of(st.floats(-400, 400), st.just(math.inf), st.just(0.0)), min_size=1, max_size=20
)


@settings(deadline=None)
@given(DRAWS, st.one_of(st.floats(1e-300, 1e300), st.just(math.inf)))
def test_every_score_of_any_forecast_exists(draws, outcome):
    kept = np.resize(draws, SHAPE)
    row = scored_row(question(**TIMES), kept, outcome, prior=kept)
    assert 0 <= row["crps"] <= 2 * FAR["OOM"]
    assert row["crps"] == row["crps_before_evidence"]
    assert 0 <= row["pit"] <= 1
    assert all(0 <= row[f"covered_{level}"] <= 1 for level in scores.LEVELS)
    assert row["log_score"] <= 0
    assert row["interval_score"] >= 0
    json.dumps(row, allow_nan=False)


# --- calibration ----------------------------------------------------------------------------------


def judged(sigma, count=300, seed=5):
    """The uniformity of PITs of forecasts of so wide a spread, where the truth's is one."""
    rng = np.random.default_rng(seed)
    rows = []
    for i, mu in enumerate(rng.normal(0, 2, count)):
        row = scored_row(question(f"q{i}"), normal(mu, sigma), 10 ** rng.normal(mu))
        rows.append(row | {"latest": True})
    (found,) = pooled(rows)
    return found


def test_calibrated_forecasts_pass_and_overconfident_ones_do_not():
    """False alarms: 1 in 1,000 for the p-value, 1 in 100,000 for each share at z = 4.4. The
    control, half as wide as the truth, must fail."""
    found = judged(1.0)
    assert found["uniform"]["p_value"] > 0.001
    for level in scores.LEVELS:
        p = level / 100
        assert abs(found[f"covered_{level}"]["mean"] - p) < 4.4 * math.sqrt(p * (1 - p) / 300)
    narrow = judged(0.5)
    assert narrow["uniform"]["p_value"] < 1e-6
    assert narrow["uniform"]["said"] == "forecast too narrow"
    assert narrow["covered_90"]["mean"] < 0.75
    assert narrow["crps"]["mean"] > found["crps"]["mean"]


def test_bounds_of_calibrated_probabilities_are_those_of_the_binomial():
    rows = [{"kind": "probability", "probability": 0.3, "outcome": float(i < 2)} for i in range(12)]
    rows += [{"kind": "probability", "probability": 0.95, "outcome": 1.0}]
    low, high = scored.calibration(rows)
    assert (low["count"], low["came"], low["said"]) == (12, 2, pytest.approx(0.3))
    assert (low["least"], low["most"]) == tuple(binom.ppf([0.05, 0.95], 12, 0.3))
    assert (high["from"], high["count"], high["least"], high["most"]) == (0.8, 1, 0, 1)


def test_means_and_errors_are_those_of_questions():
    rows = [
        scored_row(question(f"q{i}"), float(i), 1.0, prior=5.0) | {"latest": True} for i in range(3)
    ]
    (found,) = pooled(rows)
    assert found["crps"]["mean"] == pytest.approx(1)
    assert found["crps"]["se"] == pytest.approx(1 / math.sqrt(3))
    assert found["gain_over_before_evidence"]["mean"] == pytest.approx(4)
    assert found["gain_over_no_change"] is None
    twice = [*rows, *(row | {"latest": False} for row in rows)]
    (again,) = pooled(twice)
    assert again["crps"]["mean"] == pytest.approx(1)
    assert again["questions"] == 3
    assert again["crps"]["se"] == pytest.approx(found["crps"]["se"])  # saying it twice adds nothing


@pytest.mark.parametrize("count", [FEW - 1, FEW])
def test_of_few_questions_nothing_follows(tmp_path, count):
    items = [frozen(question(f"q{i}"), normal(2)) for i in range(count)]
    sealed(tmp_path / "f", *items)
    path = table(tmp_path, *(f"q{i},{10 ** (2 + i / 9)}," for i in range(count)))
    found = score(tmp_path / "f", path)
    (overall,) = found.pooled
    assert overall["few"] == (count < FEW)
    assert any("nothing follows" in said for said in shown.warnings(found)) == (count < FEW)
    assert (overall["uniform"] is None) == (count < FEW)


# --- several freezings, hindsight -----------------------------------------------------------------


def test_the_latest_before_the_outcome_counts_and_hindsight_is_refused(tmp_path):
    for year, kept in ((2026, 4.0), (2027, 3.0), (2028, 2.0), (2029, 2.0)):
        moment = dt.datetime(year, 6, 1, 10, tzinfo=dt.UTC)
        sealed(tmp_path / "f", frozen(question(**TIMES), kept), moment=moment)
    path = table(tmp_path, "q,100x,2028-06-01")
    found = score(tmp_path / "f", path)
    assert [(row["frozen"][:4], row["latest"]) for row in found.rows] == [
        ("2026", False), ("2027", True),
    ]  # fmt: skip
    assert [row["frozen"][:4] for row in found.hindsight] == ["2028", "2029"]
    assert found.pooled[0]["crps"]["mean"] == pytest.approx(1)
    every = score(tmp_path / "f", path, every=True)
    assert every.pooled[0]["crps"]["mean"] == pytest.approx(1.5)
    assert (every.pooled[0]["count"], every.pooled[0]["questions"]) == (2, 1)


def test_nothing_but_hindsight_is_bad_input(tmp_path, capsys):
    sealed(tmp_path / "f", frozen(question(**TIMES), 3.0))
    code, _, err = simulator(capsys, "score", tmp_path / "f", table(tmp_path, "q,5x,2026-12-31"))
    assert code == 2
    assert "hindsight" in err


def test_an_undated_outcome_is_of_the_day_that_the_question_is_about(tmp_path):
    late = dt.datetime(2028, 1, 1, tzinfo=dt.UTC)
    items = [frozen(question("a"), 3.0), frozen(question("b", **TIMES), 3.0)]
    sealed(tmp_path / "f", *items)
    sealed(tmp_path / "f", *items, moment=late)
    found = score(tmp_path / "f", table(tmp_path, "a,5,", "b,5x,"))
    assert [row["id"] for row in found.hindsight] == ["a"]
    assert found.undated == ["b"]


def test_scenarios_are_forecasters_of_their_own(tmp_path, capsys):
    for scenario, kept in (("base", 3.0), ("skeptic", 4.0)):
        item = frozen(question(**TIMES), kept)
        sealed(tmp_path / "f", item, scenario=scenario, status="failed" if kept > 3 else "passed")
    path = table(tmp_path, "q,100x,")
    found = score(tmp_path / "f", path)
    assert {row["scenario"]: row["crps"]["mean"] for row in found.pooled} == {
        "base": pytest.approx(1), "skeptic": pytest.approx(2),
    }  # fmt: skip
    _, out, _ = simulator(capsys, "score", tmp_path / "f", path)
    assert "run-skeptic" in out
    assert out.startswith("Forecasts of runs that FAILED")


def test_one_id_for_two_questions_is_refused(tmp_path, capsys):
    sealed(tmp_path / "f", frozen(question(), 3.0))
    sealed(tmp_path / "f", frozen(question(**TIMES), 3.0), scenario="other")
    code, _, err = simulator(capsys, "score", tmp_path / "f", table(tmp_path, "q,5,"))
    assert code == 2
    assert "asks something else" in err


# --- outcomes -------------------------------------------------------------------------------------


def test_outcomes_are_read_in_the_units_of_their_questions(tmp_path):
    asked = {"cost": COST, "years": YEARS, "year": YEAR, "times": TIMES, "yes": BELOW, "no": BELOW}
    asked |= {"under": BELOW, "over": BELOW | {"direction": "above"}, "open": COST}
    sealed(tmp_path / "f", *(frozen(question(k, **v), 2000.0) for k, v in asked.items()))
    lines = ['cost,"$1,000",2028-01-01', "years,never,", "year,2029-07-01,", 'times,"10,000x",']
    lines += ["yes,Yes,", "no,no,", "under,$499,", "over,499 USD,", "open,,", "else,3,"]
    found = score(tmp_path / "f", table(tmp_path, *lines))
    came = {row["id"]: row["outcome"] for row in found.rows}
    assert came == {
        "cost": 3, "years": FAR["years"], "year": 2029.5, "times": 4,
        "yes": 1, "no": 0, "under": 1, "over": 0,
    }  # fmt: skip
    assert (found.open, found.strange) == (["open"], ["else"])


def test_every_fault_of_the_outcomes_is_told_at_once(tmp_path, capsys):
    asked = {"a": COST, "b": YEARS, "c": BELOW, "d": COST, "e": TIMES}
    sealed(tmp_path / "f", *(frozen(question(k, **v), 3.0) for k, v in asked.items()))
    lines = ["a,5 years,", "b,$5,", "c,perhaps,", "d,yes,2027-06-01", "e,never,soon", "a,1,"]
    path = table(tmp_path, *lines)
    code, out, err = simulator(capsys, "score", tmp_path / "f", path)
    assert (code, out) == (2, "")
    for line in range(2, 8):
        assert f"outcomes.csv:{line}: " in err
    assert err.count("outcomes.csv:5: ") == 2  # neither the answer nor its date


@pytest.mark.parametrize(
    ("about", "text"),
    [(COST, "never"), (COST, "-3"), (COST, "0"), (TIMES, "0"), (COST, '"1,5"'), (COST, "nan"),
     (YEAR, "2029-07"), (YEARS, "yes"), (YEARS, "-1"), (BELOW, "never")],
)  # fmt: skip
def test_an_outcome_that_cannot_be_is_refused(tmp_path, capsys, about, text):
    sealed(tmp_path / "f", frozen(question(**about), 3.0))
    code, _, err = simulator(capsys, "score", tmp_path / "f", table(tmp_path, f"q,{text},"))
    assert code == 2
    assert "outcomes.csv:2: outcome" in err


@pytest.mark.parametrize("lines", [[], ["q,,"], ["x,1,"]])
def test_without_an_outcome_there_is_nothing_to_score(tmp_path, capsys, lines):
    sealed(tmp_path / "f", frozen(question(), 3.0))
    code, _, err = simulator(capsys, "score", tmp_path / "f", table(tmp_path, *lines))
    assert code == 2
    assert "Traceback" not in err


# --- frozen folders -------------------------------------------------------------------------------


def test_a_folder_may_be_frozen_itself(tmp_path):
    path = sealed(tmp_path / "f", frozen(question(), 3.0))
    assert [each.question.id for each in read_frozen(path)] == ["q"]
    (again,) = read_frozen(tmp_path / "f")
    assert np.array_equal(again.forecast.draws, np.full(SHAPE, 3.0))


def test_damaged_folders_exit_4_and_are_all_named(tmp_path, capsys):
    paths = [
        sealed(tmp_path / "f", frozen(question(), 3.0), scenario=name) for name in ("a", "b", "c")
    ]
    csv = table(tmp_path, "q,5,")
    assert simulator(capsys, "score", tmp_path / "f", csv)[0] == 0
    for path in paths[:2]:
        path.chmod(0o700)
        (path / FILE).chmod(0o600)
    (paths[0] / FILE).write_text((paths[0] / FILE).read_text().replace("3.0", "2.0", 1))
    code, _, err = simulator(capsys, "score", tmp_path / "f", csv)
    assert code == 4
    assert paths[0].name in err
    assert FILE in err
    (paths[1] / "manifest.json").unlink()
    code, _, err = simulator(capsys, "score", tmp_path / "f", csv)
    assert code == 4
    assert paths[0].name in err
    assert paths[1].name in err


@pytest.mark.parametrize(
    "text",
    ["[]", "{}", '{"format": "simulator-frozen-2"}', "no json",
     '{"format": "simulator-frozen-1", "frozen": "2027-01-01", "run": {}, "items": []}',
     '{"format": "simulator-frozen-1", "frozen": "2027-01-01T00:00:00+00:00", "run": {}, '
     '"items": [{"question": {"id": "q"}}]}'],
)  # fmt: skip
def test_a_sealed_folder_of_something_else_is_bad_input(tmp_path, capsys, text):
    seal.seal(tmp_path / "f", "odd", {FILE: text}, {"format": FORMAT})
    code, _, err = simulator(capsys, "score", tmp_path / "f", table(tmp_path, "q,5,"))
    assert code == 2
    assert "error:" in err


@pytest.mark.parametrize("place", ["nowhere", "outcomes.csv", "."])
def test_where_nothing_was_frozen_it_says_how_to(tmp_path, capsys, place):
    path = table(tmp_path, "q,5,")
    code, _, err = simulator(capsys, "score", tmp_path / place, path)
    assert code == 2
    assert "--freeze" in err


# --- what people see ------------------------------------------------------------------------------


def mixed(tmp_path, count=12):
    rng = np.random.default_rng(3)
    items, lines = [], []
    for i in range(count):
        asked = question(f"a-question-of-cost-number-{i}")
        items.append(frozen(asked, normal(2), prior=normal(2, 2), cost=1000.0))
        lines.append(f"{asked.id},{10 ** rng.normal(2)},2028-02-01")
        chance = question(f"chance-{i}", **BELOW)
        items.append(frozen(chance, normal(2.7 + (i - 5) / 5, 0.5), prior=normal(3)))
        lines.append(f"{chance.id},{'yes' if i < 6 else 'no'},2028-02-01")
    never = np.where(rng.uniform(size=SHAPE) < 0.5, 5.0, np.inf)
    items.append(frozen(question("endless", **YEARS), never))
    sealed(tmp_path / "f", *items)
    return tmp_path / "f", table(tmp_path, *lines, "endless,never,")


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_terminal(tmp_path, capsys, monkeypatch, columns):
    monkeypatch.setattr("simulator.tables.width", lambda: columns)
    monkeypatch.setattr(shown, "width", lambda: columns)
    code, out, _ = simulator(capsys, "score", *mixed(tmp_path))
    assert code == 0
    assert max(map(len, out.splitlines())) <= columns
    assert "never" in out
    assert "if calibrated" in out


def test_json_holds_everything_and_no_nan(tmp_path, capsys):
    code, out, _ = simulator(capsys, "score", *mixed(tmp_path), "--json")
    found = json.loads(out)
    assert code == 0
    assert found.keys() >= {"rows", "pooled", "calibration", "hindsight", "open", "scoring"}
    assert len(found["rows"]) == 25
    assert {row["scale"] for row in found["pooled"]} == {"OOM", "years", "probability"}
    assert found["scoring"]["far"]["OOM"] == FAR["OOM"]


def test_the_figure_shows_what_came_against_what_was_said(tmp_path):
    found = score(*mixed(tmp_path))
    axes = Figure().subplots()
    reliability.reliability(axes, found)
    (steps,) = [patch for patch in axes.patches if patch.get_edgecolor()[2] > 0.5]
    pits = sorted(row["pit"] for row in found.rows if row["kind"] == "distribution")
    assert steps.get_data().edges.tolist() == pytest.approx([0, *pits, 1])
    assert steps.get_data().values.tolist() == pytest.approx(np.arange(14) / 13)
    points = next(line for line in axes.lines if line.get_marker() == "o")
    shares = [row["came"] / row["count"] for row in found.calibration]
    assert points.get_ydata().tolist() == pytest.approx(shares)
    assert not axes.texts
    few = SimpleNamespace(rows=found.rows[:2], calibration=found.calibration, latest_only=True)
    axes = Figure().subplots()
    reliability.reliability(axes, few)
    assert "nothing follows" in axes.texts[0].get_text()


@pytest.mark.parametrize("name", ["r.png", "r.svg", "r.pdf"])
def test_a_figure_is_written_whole(tmp_path, capsys, name):
    file = tmp_path / name
    code, out, _ = simulator(capsys, "score", *mixed(tmp_path, 2), "--plot", file)
    assert code == 0
    assert str(file) in out
    assert file.stat().st_size > 1000
    assert {p.name for p in tmp_path.iterdir()} == {"f", "outcomes.csv", name}


@pytest.mark.parametrize("name", ["r.txt", "nowhere/r.png", "."])
def test_a_figure_that_cannot_be_written_is_refused_before_any_work(tmp_path, capsys, name):
    words = ["score", tmp_path / "none", tmp_path / "none.csv", "--plot", tmp_path / name]
    code, _, err = simulator(capsys, *words)
    assert code == 2
    assert "--plot" in err


def test_what_ask_freezes_is_scored(base_run, tmp_path, capsys):
    folder = tmp_path / "f"
    assert simulator(capsys, "ask", base_run.path, "--freeze", folder)[0] == 0
    asked = {each.question.id: each for each in read_frozen(folder)}
    costs = [each for each in asked.values() if each.question.quantity == "task_cost"]
    assert costs
    assert any(each.cost_at_freezing_usd for each in costs)
    lines = []
    for name, each in asked.items():
        middle = each.forecast.quantile(0.5)
        came = "yes" if each.question.at is not None else middle
        lines.append(f"{name},{'never' if came == math.inf else came},")
    found = score(folder, table(tmp_path, *lines))
    assert len(found.rows) + len(found.hindsight) == len(asked)
    for row in found.rows:
        if row["kind"] == "distribution":
            low, high = row["pit_ends"]
            assert low <= 0.5 <= high + 0.01
            assert row["crps"] < row["crps_before_evidence"] + 1
