"""Questions: what is refused, what is answered, and that every way to ask gives one number."""

import itertools
import json
import math
import shutil
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from simulator import BadInput, cli, load_scenario, open_run, seal, simulate, tables, units
from simulator.faults import Fault
from simulator.questions import answer
from simulator.questions.askable import ASKABLE, askable
from simulator.questions.distribution import Forecast
from simulator.questions.freeze import FILE, freeze
from simulator.questions.question import read_questions
from simulator.questions.source import stated
from simulator.scenario import sealed_scenario
from simulator.texts import SHIPPED

COSTS = ("staircase", "trend")
COST, MULTIPLIER = ASKABLE["task_cost"], ASKABLE["required_rl_multiplier"]
YEARS = ASKABLE["years_to_threshold"]
known = load_scenario("base").known
BASE = tomllib.loads((SHIPPED / "base.toml").read_text("utf-8"))["question"]


@pytest.fixture(scope="module")
def small(compiled_code, tmp_path_factory):
    """A run of beliefs alone: quick, with draws in every output."""
    chosen = load_scenario("base", {"evidence.sources": "none"}).with_sampler(draws=200)
    return simulate(chosen, into=tmp_path_factory.mktemp("small"))


def made(kept, asked=COST):
    """A forecast of these draws, as kept."""
    return Forecast(asked, {}, np.atleast_2d(np.asarray(kept, dtype=float)), {"run": "by-hand"})


def refused(capsys, *arguments):
    """The faults that the command prints, having printed nothing else."""
    assert cli.run(["ask", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert not out
    return err.splitlines()


# --- what a question may say ----------------------------------------------------------------------


def faults_of(**said):
    table = {"id": "one", "text": "?", **said}
    return [str(fault) for fault in read_questions([table], "file", known)[1]]


def test_the_shipped_questions_are_in_order_and_a_dozen():
    questions, faults = read_questions(BASE, "base", known)
    assert not faults
    assert len(questions) >= 12
    asked = {question.quantity for question in questions}
    assert {"task_cost", "required_rl_multiplier", "years_to_threshold"} <= asked


def test_the_shipped_questions_say_what_they_ask():
    """The words against the number: `below` is or less, `above` is over, rates are expected ones
    and no outcomes, multipliers are of a benchmark not seen, and dates are named."""
    for asked in read_questions(BASE, "base", known)[0]:
        text, quantity = asked.text, asked.quantity
        if asked.direction == "above":
            assert "more than" in text
        if asked.direction == "below" and quantity == "task_cost":
            assert "or less" in text
        assert ("expected" in text) == quantity.startswith("cost_decline_factor")
        assert ("on a new benchmark" in text) == (quantity == "required_rl_multiplier")
        if asked.date and "two years later" not in text:
            assert str(asked.date) in text


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"quantity": "task_cots"}, "did you mean task_cost"),
        ({"quantity": "task_cost"}, "task: is missing"),
        ({"quantity": "task_cost", "task": "$50,000 task"}, "date: is missing"),
        ({"quantity": "task_cost", "task": "x", "date": "2028"}, "'x' is no task here"),
        (
            {"quantity": "task_cost", "task": "$50,000 task", "date": "2047"},
            "2047-12-31 is past the horizon, 2046-10-01",
        ),
        (
            {"quantity": "task_cost", "task": "$50,000 task", "date": "2020"},
            "is before its debut, 2026-10-01",
        ),
        ({"quantity": "slope_ratio", "age": 1.0}, "age: is of no meaning for slope_ratio"),
        ({"quantity": "slope_ratio", "threshold": 0.5}, "direction: is missing"),
        ({"quantity": "slope_ratio", "direction": "below"}, "threshold: is missing"),
        ({"quantity": "asymptote_share"}, "asymptote_share has no part in this structure"),
        ({"quantity": "required_rl_multiplier", "inference_factor": 0.5}, "greater than 1"),
        (
            {"quantity": "required_rl_multiplier", "inference_factor": 100.0, "benchmark": "gpq"},
            "'gpq' is no benchmark here; did you mean gpqa",
        ),
        ({"quantity": "cost_decline_factor_by_age", "age": math.nan}, "must be finite"),
    ],
)  # fmt: skip
def test_a_bad_question_is_refused(said, expected):
    assert any(expected in fault for fault in faults_of(**said)), faults_of(**said)


@pytest.mark.parametrize(
    ("quantity", "threshold", "expected"),
    [
        ("task_cost", "2 years", "is in years, task_cost is in USD"),
        ("task_cost", "500x", "is in x, task_cost is in USD"),
        ("task_cost", -3, "not their logarithm"),
        ("years_to_threshold", "$500", "is in USD, years_to_threshold is in years"),
        ("years_to_threshold", 2028, "past the horizon"),
        ("years_to_threshold", -1, "before the debut"),
        ("year_of_threshold", 2, "is not between the debut and the horizon"),
        ("task_cost", "nonsense", "is not a number of USD"),
        ("task_cost", math.inf, "finite"),
    ],
)
def test_a_threshold_in_the_wrong_unit_is_refused(quantity, threshold, expected):
    about = {"task": "$50,000 task"}
    about |= {"date": "2028"} if quantity == "task_cost" else {"threshold_usd": 500.0}
    found = faults_of(quantity=quantity, **about, threshold=threshold, direction="below")
    assert any(expected in fault for fault in found), found


@pytest.mark.parametrize(
    ("text", "asked", "value"),
    [
        ("$1,500", COST, 1500),
        ("500 USD", COST, 500),
        ("1e3", COST, 1000),
        ("10,000x", MULTIPLIER, 10_000),
        ("2 years", YEARS, 2),
        ("2y", YEARS, 2),
        (7, YEARS, 7),
    ],
)
def test_a_threshold_may_carry_its_unit(text, asked, value):
    assert asked.number(text) == value


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"low": 2.0, "high": 1.0}, "is empty"),
        ({"low": 0.0, "high": 1.0, "scale": "log"}, "above the zero point"),
        ({"low": -1.0, "high": 1.0}, "no x are below 0"),
        ({"low": 1.0, "high": 2.0, "zero_point": 0.5}, "belongs to a log scale"),
        ({"low": 1e-300, "high": 1e300, "scale": "log"}, "wider than the numbers"),
    ],
)
def test_an_empty_or_odd_range_is_refused(said, expected):
    found = faults_of(quantity="required_rl_multiplier", inference_factor=100.0, range=said)
    assert any(expected in fault for fault in found), found


def test_a_fault_of_form_hides_none_of_meaning():
    said = {"quantity": "task_cost", "task": "x", "date": "1999-13-45", "threshold": -5.0}
    found = faults_of(**said, direction="below")
    assert len(found) == 3
    for expected in ("month must be", "'x' is no task", "-5 is not above 0 USD"):
        assert sum(expected in fault for fault in found) == 1, found


def test_faults_of_all_questions_come_together(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'extends = "base"\nname = "mine"\n'
        '[[question]]\nid = "a"\ntext = "?"\nquantity = "nothing"\n'
        '[[question]]\nid = "b"\ntext = "?"\nquantity = "slope_ratio"\nage = 2\n'
        '[[question]]\nid = "c"\ntext = "?"\nquantity = "slope_ratio"\n'
        '[[question]]\nid = "c"\ntext = "?"\nquantity = "slope_ratio"\n',
        "utf-8",
    )
    with pytest.raises(BadInput) as error:
        load_scenario(file, {"prior.rl_slope.unit": "bananas"})
    text = str(error.value)
    assert all(part in text for part in ("question.a.quantity", "question.b.age", "rl_slope"))
    assert "question.c: is the id of several questions" in text


def test_questions_change_nothing_in_a_run():
    assert load_scenario("base", {"question": []}).digest == load_scenario("base").digest


def test_questions_that_were_written_for_other_tasks_are_not_asked(tmp_path):
    """Those of a parent, or of a file whose tasks are replaced; a file's own are never dropped."""
    task = {"cost_usd": 10.0, "debut": "2026-01-01", "resembles": "new"}
    asked = {question.id for question in load_scenario("base", {"task": {"t": task}}).questions}
    assert asked == {q["id"] for q in BASE if "task" not in q}
    heir = tmp_path / "heir.toml"
    heir.write_text(
        'extends = "base"\nname = "heir"\n[forecast]\nhorizon = 2028-01-01\ndates = [2027]\n'
    )
    assert 0 < len(load_scenario(heir).questions) < len(BASE)
    own = '[[question]]\nid = "late"\ntext = "?"\nquantity = "newest_price"\ndate = 2040\n'
    heir.write_text(heir.read_text() + own)
    with pytest.raises(BadInput, match="past the horizon"):
        load_scenario(heir)
    with pytest.raises(BadInput, match="past the horizon"):
        load_scenario(heir, {"sampler.draws": 100})


# --- the distribution -----------------------------------------------------------------------------


def test_by_hand():
    found = made([[0, 1, 2, 3, math.inf]])
    assert found.probability(below=100) == 0.6
    assert found.probability(above=100) == 0.4
    assert found.probability(above=1, below=100) == 0.4
    assert found.probability(below="$100") == 0.6
    assert found.cdf([0, 1, 100, math.inf]).tolist() == [0, 0.2, 0.6, 1]
    assert found.quantile(0.5) == pytest.approx(100)
    assert found.quantile(1.0) == math.inf
    assert found.prob_infinite == 0.2
    assert found.interval(0.5) == pytest.approx((10, 1000))
    assert "task_cost" in repr(found)
    with pytest.raises(ValueError, match="infinite in 20% of draws"):
        found.to_scipy()
    assert found.given_finite().to_scipy().cdf(100) == pytest.approx(0.75)


def test_a_failed_run_says_so_in_the_repr():
    failed = Forecast(COST, {}, np.zeros((1, 4)), {"status": "failed", "run": "x"})
    assert "FAILED CHECKS" in repr(failed)


@pytest.mark.parametrize("asked", [{}, {"below": 1, "above": 2}, {"below": "2 years"}])
def test_a_bad_probability_is_refused(asked):
    with pytest.raises(BadInput):
        made([[0.0, 1.0]]).probability(**asked)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_has_no_quantile(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        made([[0.0, 1.0]]).quantile(p)


finite = st.floats(-4, 4).map(lambda x: round(x, 3))  # eight orders of magnitude, with ties
shapes = arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)


@given(arrays.arrays(float, shapes, elements=finite), st.floats(-4, 4))
def test_probability_and_cdf_are_shares_of_draws(kept, at):
    found, x = made(kept), 10.0**at
    share = float((kept <= math.log10(x) + 1e-12).mean())
    assert found.cdf(x) == found.probability(below=x) == share
    assert found.sf(x) == pytest.approx(1 - share)
    assert found.probability(above=x) == pytest.approx(1 - share)


@given(arrays.arrays(float, shapes, elements=finite))
def test_scipy_gives_the_quantiles_back(kept):
    found = made(kept)
    edges, masses = found.bins()
    assert (np.diff(edges) > 0).all()
    assert masses.sum() == pytest.approx(1)
    frozen, ordered = found.to_scipy(), np.sort(10.0**kept, axis=None)
    for p in (0.1, 0.5, 0.9):  # between the draws on either side, whatever the interpolation
        low = ordered[max(math.floor(p * ordered.size) - 1, 0)]
        high = ordered[min(math.ceil(p * ordered.size), ordered.size - 1)]
        assert low * (1 - 1e-6) <= frozen.ppf(p) <= high * (1 + 1e-6)


@given(arrays.arrays(float, shapes, elements=st.one_of(finite, st.just(math.inf))))
def test_json_gives_everything_back(kept):
    found = made(kept)
    text = json.dumps(found.to_json(), allow_nan=False)
    again = Forecast.from_json(text)
    assert np.array_equal(again.draws, found.draws)
    assert again.askable == found.askable
    assert again.provenance == found.provenance
    written = json.loads(text)
    if "edges" in written:
        data = written
        density = np.array(data["masses"]) / np.diff(data["edges"])
        rebuilt = stats.rv_histogram((density, np.array(data["edges"])), density=True)
        assert rebuilt.ppf(0.5) == found.to_scipy().ppf(0.5)


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": "other"}', "null"])
def test_json_that_is_none_is_refused(text):
    with pytest.raises(BadInput):
        Forecast.from_json(text)


def test_samples_of_one_run_are_joint(small):
    """The same draw of two quantities: where one is a power of the other, so are the samples."""
    one = small.distribution("required_rl_multiplier", inference_factor=10, algorithm="today")
    two = small.distribution("required_rl_multiplier", inference_factor=10, algorithm="today")
    assert np.array_equal(one.sample(50, seed=3), two.sample(50, seed=3))
    assert not np.array_equal(one.sample(50, seed=3), one.sample(50, seed=4))
    assert np.array_equal(one.sample(), 10.0 ** one.draws.ravel())


# --- answers --------------------------------------------------------------------------------------


def test_every_stored_coordinate_is_answered_as_it_was_stored(base_run):
    stored, count = base_run.forecast, 0
    for name in stored.data_vars:
        dims = [dim for dim in stored[name].dims if dim not in ("chain", "draw")]
        for labels in itertools.product(*(stored[dim].values for dim in dims)):
            at = dict(zip(dims, labels, strict=True))
            said = {k.replace("decision_", ""): v for k, v in at.items()}
            found = base_run.distribution(name, **said)
            assert np.array_equal(found.draws, stored[name].sel(at).values), (name, at)
            count += 1
    assert count > 150


def test_a_record_that_still_stood_has_not_fallen_by_then(base_run):
    """What a shipped benchmark task cost on the last day of observation is no forecast."""
    rows = sealed_scenario(base_run.path).evidence.rows("cost_records")
    for name, task in sealed_scenario(base_run.path).tasks.items():
        until = [row["observed_until"] for row in rows if row["series"] == task.resembles]
        if not until:
            continue
        found = base_run.distribution("task_cost", task=name, date=max(until))
        assert found.quantile([0.0, 1.0]) == pytest.approx([task.cost_usd] * 2)


def test_between_stored_dates_lies_between_them(base_run):
    early, middle, late = (
        base_run.distribution("task_cost", task="$50,000 task", date=date).quantile(0.5)
        for date in ("2027-10-01", "2028-03-31", "2028-10-01")
    )
    assert late < middle < early


@pytest.mark.parametrize(
    ("quantity", "about", "expected"),
    [
        ("required_rl_multiplier", ["--inference-factor", "1e300"], "past the widest range of RL"),
        ("cost_decline_factor_by_age", ["--age", "90"], "years older than any level"),
    ],
)
def test_far_questions_say_how_far(base_run, capsys, quantity, about, expected):
    assert cli.run(["ask", str(base_run.path), "--quantity", quantity, *about]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert expected in out
    assert max(map(len, out.split())) < 40  # no number is written out to its last zero


def test_texts_of_others_cannot_command_a_terminal(capsys):
    tables.say(tables.style("a\x1b]0;title\x07\u202eb\r", bold=True) + "\nc")
    said = capsys.readouterr().out
    assert said.replace("\x1b[1m", "").replace("\x1b[0m", "") == (
        "a\\x1b]0;title\\x07\\u202eb\\r\nc\n"
    )
    assert str(Fault("x", "k\n", "\x1b[2J", "y")) == "x: k\\n: \\x1b[2J; y"


def test_python_the_command_and_the_answer_say_the_same(base_run, capsys):
    about = {"task": "$50,000 task", "date": "2028-10-01"}
    python = base_run.distribution("task_cost", **about).probability(below=500)
    options = ["--quantity", "task_cost", "--task", about["task"], "--date", about["date"]]
    assert cli.run(["ask", str(base_run.path), *options, "--below", "$500", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["answers"][0]
    assert said["probability"] == python
    assert 0 < said["mcse"] < 0.02
    assert said["relation"] == "="
    assert 0 < said["prior"]["probability"] < 1
    assert any("past the end of observation" in reach for reach in said["beyond"])
    stored = base_run.forecast["task_cost_oom_usd"].sel(**about).values
    assert python == (stored <= math.log10(500)).mean()


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # The longest RL curve, o1's, spans 1.12 to 85.25: 76x.
        ({"quantity": "required_rl_multiplier", "inference_factor": 100.0,
          "algorithm": "as_published"}, ["its median is {over}x past the widest range of RL"]),
        ({"quantity": "required_rl_multiplier", "inference_factor": 10.0}, []),
        # The longest inference curve, o1-mini's, spans 363 to 88,448 tokens: 244x.
        ({"quantity": "persistence_years", "inference_factor": 2440.0, "threshold": 1.0,
          "direction": "below"}, ["10x past the widest range of inf", "1.1 years past the end"]),
        ({"quantity": "break_even_uses", "inference_factor": 100.0, "date": "2026-10-01",
          "algorithm": "as_published"},
         ["the median of its RL multiplier is {over}x past", "0.11 years past the end"]),
        # Records end on 2026-08-21; the oldest level, by a published factor, was seen at 3 years.
        ({"quantity": "task_cost", "task": "GPQA question at 75%", "date": "2028-04-16"},
         ["1.7 years past the end of observation, 2026-08-21"]),
        ({"quantity": "task_cost", "task": "GPQA question at 75%", "date": "2029-04-16"},
         ["years past the end of observation", "1.0 years older than any level that was observed"]),
        ({"quantity": "cost_decline_factor_by_age", "age": 5.0}, ["2.0 years older than any"]),
        ({"quantity": "cost_decline_factor_by_age", "age": 2.0}, []),
        ({"quantity": "persistence_years", "inference_factor": 100.0}, ["its median is 9"]),
        ({"quantity": "persistence_years", "inference_factor": 1e9},
         ["past the widest range", "its median lies past the horizon, 2046-10-01"]),
        ({"quantity": "year_of_threshold", "task": "ARC-AGI-1 puzzle at 85%",
          "threshold_usd": 0.01}, ["years past the end of observation", "older than any level"]),
        ({"quantity": "decline_ageing_years"}, []),
    ],
)  # fmt: skip
def test_what_lies_beyond_the_evidence_says_so(base_run, table, expected):
    asked = answer.checked([{"id": "x", "text": "?", **table}], base_run)
    (found,) = answer.answers(base_run, asked)
    multiplier = base_run.forecast["required_rl_multiplier_oom"].sel(
        inference_factor=100, benchmark="new", algorithm="as_published"
    )
    over = 10 ** float(multiplier.median()) / (85.25 / 1.12)
    either = {units.significant(share * over, 2) for share in (0.99, 1.01)}  # both ends are rounded
    assert len(found["beyond"]) == len(expected)
    for words, said in zip(expected, found["beyond"], strict=True):
        assert any(words.format(over=over) in said for over in either)


def test_the_shipped_questions_are_all_answered(base_run, capsys):
    assert cli.run(["ask", str(base_run.path)]) == 0
    out = capsys.readouterr().out
    assert all(question["text"].split()[3] in out for question in BASE)
    assert out.count("before any evidence") == len(BASE)
    assert "nan" not in out.lower()


@pytest.mark.parametrize(("below", "relation"), [(1e-200, "<"), (1e200, ">")])
def test_nothing_is_impossible_or_certain(base_run, below, relation):
    table = {"quantity": "required_rl_multiplier", "inference_factor": 100.0, "threshold": below}
    asked = answer.checked([{"id": "x", "text": "?", "direction": "below", **table}], base_run)
    (found,) = answer.answers(base_run, asked)
    assert found["relation"] == relation
    assert 0 < found["probability"] < 1
    assert min(found["probability"], 1 - found["probability"]) > 1 / 4001


def test_without_evidence_the_prior_is_not_repeated(small):
    asked = answer.checked(BASE, small)
    found = answer.answers(small, asked)
    assert {one["prior"] for one in found} == {None}
    assert all("belief alone" in one["beyond"][0] for one in found)


def test_a_questions_file_replaces_those_of_the_scenario(small, tmp_path, capsys):
    file = tmp_path / "late.toml"
    file.write_text('[[question]]\nid = "x"\ntext = "How steep?"\nquantity = "slope_ratio"\n')
    assert cli.run(["ask", str(small.path), "--questions", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["answers"]
    assert [one["text"] for one in found] == ["How steep?"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--date", "2028-01-01"], "says what --quantity is about"),
        (["--quantity", "slope_ratio", "--below", "1", "--above", "2"], "are two questions"),
        (["--quantity", "slope_ratio", "--question", "x"], "is a question of its own"),
        (["--question", "no-such"], "is the id of no question here"),
        (["--questions", "no-such.toml"], "does not exist"),
        (["--quantity", "task_cost", "--task", "$50,000 task", "--date", "soon"], "is not a date"),
    ],
)
def test_bad_options_are_refused(small, capsys, options, expected):
    assert any(expected in line for line in refused(capsys, small.path, *options))


def test_a_benchmark_that_the_run_has_not_seen_is_refused(small):
    with pytest.raises(BadInput, match="is no benchmark here"):
        small.distribution("required_rl_multiplier", inference_factor=100, benchmark="aime")


def test_hostile_text_cannot_steer_a_terminal(small, tmp_path, capsys):
    file = tmp_path / "odd.toml"
    file.write_text('[[question]]\nid = "x"\ntext = "a\\u001b[31mb"\nquantity = "slope_ratio"\n')
    assert cli.run(["ask", str(small.path), "--questions", str(file)]) == 0
    assert "\x1b[31m" not in capsys.readouterr().out


# --- freezing -------------------------------------------------------------------------------------


def test_frozen_answers_are_sealed_and_say_what_was_asked(small, tmp_path):
    asked = answer.checked(BASE, small)
    folder = freeze(small, asked, tmp_path / "frozen")
    about = seal.verify(folder)["about"]
    assert about["run"]["id"] == small.id
    frozen = json.loads((folder / FILE).read_text("utf-8"))
    assert [item["question"]["id"] for item in frozen["items"]] == [q["id"] for q in BASE]
    for item, question in zip(frozen["items"], asked, strict=True):
        found = Forecast.from_json(item["forecast"])
        assert found.quantity == question.quantity
        assert item["prior"] is None
        assert (item["task"] is None) == (question.task is None)
    assert frozen["spends"][small.id] == {"rl_spend_usd": 1_000_000, "cost_per_use_usd": 0.5}
    with pytest.raises(BadInput, match="is not a run"):
        open_run(folder)
    assert cli.run(["verify", str(folder)]) == 0


def test_two_questions_of_ones_own_freeze_under_two_names(small, tmp_path, capsys):
    for below in ("0.4", "0.5"):
        options = ["--quantity", "slope_ratio", "--below", below, "--freeze", str(tmp_path)]
        assert cli.run(["ask", str(small.path), *options]) == 0
    names = [
        json.loads((folder / FILE).read_text("utf-8"))["items"][0]["question"]["id"]
        for folder in sorted(tmp_path.iterdir())
    ]
    assert {*names} == {"slope-ratio-0-4-below", "slope-ratio-0-5-below"}


def test_a_frozen_byte_that_flips_is_found(small, tmp_path, capsys):
    folder = freeze(small, answer.checked(BASE[:1], small), tmp_path)
    (folder / FILE).chmod(0o644)
    text = (folder / FILE).read_text("utf-8").replace("slope", "slops", 1)
    (folder / FILE).write_text(text.replace("probability", "probabilitx", 1), "utf-8")
    assert cli.run(["verify", str(folder)]) == 4
    assert FILE in capsys.readouterr().err


def test_every_quantity_can_be_named_both_ways():
    for found in ASKABLE.values():
        assert askable(found.stored) is not None
        assert askable(found.name) is found


# --- averages -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixture(compiled_code, tmp_path_factory):
    """An average of two structures' beliefs, beside its parents."""
    from simulator.average import average

    into = tmp_path_factory.mktemp("mixture")
    runs = [
        simulate(load_scenario("base", chosen).with_sampler(draws=200), into=into)
        for chosen in ({"evidence.sources": "none", "structure.cost": cost} for cost in COSTS)
    ]
    return average(runs, into=into)


def test_an_average_answers_from_its_parents(mixture):
    about = {"task": "$50,000 task", "date": "2028-10-01"}
    found = mixture.distribution("task_cost", **about)
    assert np.array_equal(found.draws, mixture.forecast["task_cost_oom_usd"].sel(about).values)
    between = mixture.distribution("task_cost", task="$50,000 task", date="2028-03-01")
    assert found.quantile(0.5) < between.quantile(0.5) < 50_000
    (said,) = answer.answers(mixture, answer.checked(BASE[1:2], mixture))
    assert said["beyond"] == ["nothing was observed: this is belief alone"]
    assert stated(mixture) == BASE


def test_what_an_average_answers_is_frozen(mixture, tmp_path):
    about = {"id": "cost", "text": "What will it cost?", "quantity": "task_cost"}
    about |= {"task": "90-minute software task", "date": "2028-10-01"}
    asked = answer.checked([about, *BASE[:1]], mixture)
    cost, other = json.loads((freeze(mixture, asked, tmp_path) / FILE).read_text("utf-8"))["items"]
    found = mixture.distribution("task_cost", task=about["task"], date=about["date"])
    assert np.array_equal(Forecast.from_json(cost["forecast"]).draws, found.draws)
    assert found.quantile(0.5) < cost["cost_at_freezing_usd"] < 525
    assert other["cost_at_freezing_usd"] is None


def test_an_average_without_its_parents_says_where_they_belong(mixture, tmp_path):
    alone = shutil.copytree(mixture.path, tmp_path / mixture.id)
    with pytest.raises(BadInput, match="is not beside it") as error:
        open_run(alone).distribution("slope_ratio")
    assert len(error.value.faults) == 2
