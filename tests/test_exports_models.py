"""Exports into other people's models, proven by those who read them."""

import ast
import csv
import json
import math
import os
import runpy
import shutil
import subprocess
import sys
import tokenize
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import FROM, item, shapes

from simulator.exports import formats, forms, joint, squiggle
from simulator.exports.item import Item
from simulator.exports.table import LEVELS as TABLED
from simulator.faults import BadInput
from simulator.questions.answer import answers, checked
from simulator.questions.distribution import Forecast
from simulator.questions.question import question

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
ALPHA = 1e-9  # of a false alarm in any one statistical test
NASTY = (
    '=cmd|" /C calc"!A0', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "../../etc/passwd",
    "a\nb = 1 / 0", "a\u2028exit()\u2029", '"""\nraise SystemExit',
    "*/ exit() /*", "\\", '\\"', "'", '"', "a,b;c",
    "`${x}`", "{x}", "%s", "\x00\x1b[31m", "\u202etxt", "😀", "coding: utf-7", "x;=1|@1",
    "\x85x = 1",
)  # fmt: skip
several = settings(max_examples=25, deadline=None)


def values(found):
    """The draws in the unit of the forecast."""
    return np.asarray(found.forecast.outside(found.forecast.draws))


def near_uniform(sample, draws):
    """Whether a sample is from these draws: its largest difference against what chance allows."""
    draws, sample = np.sort(draws.ravel()), np.sort(sample)
    at = np.unique(draws)
    ours = np.searchsorted(draws, at * (1 + 1e-8), side="right") / draws.size
    theirs = np.searchsorted(sample, at * (1 + 1e-8), side="right") / sample.size
    return abs(ours - theirs).max() <= math.sqrt(math.log(2 / ALPHA) / (2 * sample.size))


def written(name, items, into):
    """The export as files, by name; one of them alone is called by the format."""
    found = formats.write(name, items)
    if isinstance(found, str):
        found = {f"{name}{formats.FORMATS[name].suffix}": found.encode()}
    for file, body in found.items():
        (into / file).write_bytes(body)
    return into


def named(draws, id, **more):
    return item(draws, id=id, **more)


# --- tables -------------------------------------------------------------------------------------


def readers(path):
    """What pandas, polars and DuckDB make of a table, as columns of plain values."""
    import duckdb
    import pandas as pd
    import polars as pl

    read = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    by_pandas, by_polars = getattr(pd, read)(path), getattr(pl, read)(path)
    with duckdb.connect() as base:
        by_duckdb = base.sql(f"select * from '{path}'").to_arrow_table()
    yield {name: by_pandas[name].tolist() for name in by_pandas}
    yield {name: by_polars[name].to_list() for name in by_polars.columns}
    yield {name: by_duckdb[name].to_pylist() for name in by_duckdb.column_names}


@settings(several, max_examples=12)
@given(st.data(), st.sampled_from(["parquet", "csv"]))
def test_tables_hold_every_draw_and_quantile_for_three_readers(tmp_path_factory, data, form):
    first = data.draw(shapes())
    second = np.random.default_rng(1).permuted(data.draw(shapes()).ravel())
    second = np.resize(second, first.shape)
    items = [named(first, "a"), named(second, "b", quantity="years_to_threshold")]
    into = written(form, items, tmp_path_factory.mktemp("tables"))
    joined = np.concatenate([values(each).ravel() for each in items])
    told = np.concatenate([each.forecast.quantile(TABLED) for each in items])
    for found in readers(into / f"draws.{form}"):
        np.testing.assert_array_equal(np.array(found["value"], dtype=float), joined)
        chain, draw = np.indices(first.shape).reshape(2, -1).tolist()
        assert found["chain"] == chain * 2
        assert found["draw"] == draw * 2
        assert found["question"] == ["a"] * first.size + ["b"] * first.size
        assert {*found["digest"]} == {f"sha256:{FROM['digest']}"}
    for found in readers(into / f"quantiles.{form}"):
        np.testing.assert_array_equal(np.array(found["value"], dtype=float), told)
        assert {*found["checks"]} == {"passed"}
    for found in readers(into / f"questions.{form}"):
        infinite = [each.forecast.prob_infinite for each in items]
        assert found["prob_infinite"] == infinite
        assert found["run"] == [FROM["run"]] * 2


def test_infinite_whole_and_late_columns_are_numbers_to_every_reader(tmp_path):
    never, mixed = np.full((1, 300), np.inf), np.full((1, 300), 7.0)
    mixed[0, -1] = 7.5
    items = [named(x, id, quantity="years_to_threshold") for x, id in ((never, "a"), (mixed, "b"))]
    written("csv", items, tmp_path)
    for found in readers(tmp_path / "draws.csv"):
        assert found["value"] == [math.inf] * 300 + [7.0] * 299 + [7.5]


def test_parquet_says_in_its_metadata_where_it_is_from(tmp_path):
    import pyarrow.parquet as pq

    written("parquet", [named([[1.0, 2.0]], "a", status="failed")], tmp_path)
    for file in ("questions", "quantiles", "draws"):
        said = json.loads(pq.read_schema(tmp_path / f"{file}.parquet").metadata[b"simulator"])
        assert said["stamp"].startswith("FAILED CHECKS")
        assert said["run"] == FROM["run"]
        assert said["digest"] == FROM["digest"]


# --- SciPy --------------------------------------------------------------------------------------


@several
@given(shapes())
def test_three_lines_in_the_file_make_a_scipy_distribution(tmp_path_factory, draws):
    path = written("scipy", [named(draws, "a")], tmp_path_factory.mktemp("scipy")) / "scipy.json"
    said = json.loads(path.read_text("utf-8"))
    made = {"path": path}
    exec("\n".join(said["scipy"]), made)  # exactly what users are told to run
    assert len(said["scipy"]) == 3
    finite = draws[np.isfinite(draws)]
    assert said["prob_infinite"] == np.isinf(draws).mean()
    ks = float(said["error"].split()[2].rstrip(","))
    found = made["dist"].cdf(np.sort(finite))
    truth = np.searchsorted(np.sort(finite), np.sort(finite), side="right") / finite.size
    assert abs(found - truth).max() <= ks + 0.0006  # three decimals
    assert ks < 0.02


@several
@given(shapes(), st.sampled_from(["task_cost", "years_to_threshold"]))
def test_a_scipy_file_is_a_forecast_again(draws, quantity):
    before = named(draws, "a", quantity=quantity)
    after = Forecast.from_json(formats.write("scipy", [before]))
    np.testing.assert_array_equal(after.draws, before.forecast.draws)
    assert after.provenance == before.forecast.provenance
    assert repr(after) == repr(before.forecast)


# --- squigglepy ---------------------------------------------------------------------------------


def loaded(items, into):
    """The module that an export is, run as anyone would."""
    pytest.importorskip("squigglepy", reason="squigglepy is not installed")
    return runpy.run_path(str(written("squigglepy", items, into) / "squigglepy.py"))


@settings(several, max_examples=10)
@given(shapes(), st.integers(0, 2**31))
def test_squigglepy_samples_what_was_drawn(tmp_path_factory, draws, seed):
    import squigglepy as sq

    found = loaded([named(draws, "a")], tmp_path_factory.mktemp("sq"))
    np.testing.assert_allclose(found["draws"]["a"], draws.ravel(), rtol=1e-9)
    assert found["prob_infinite"]["a"] == np.isinf(draws).mean()
    sq.set_seed(seed)
    sample = sq.sample(found["dists"]["a"], n=4000)
    assert near_uniform(sample, draws)
    assert not near_uniform(sample[: sample.size // 2] * 10**9, draws)  # it would notice
    if form := found["fits"].get("a"):
        stated = forms.fitted(named(draws, "a").forecast).error.ks
        fit = np.sort(np.log10(sq.sample(form, n=4000)))
        truth = np.sort(np.log10(draws), axis=None)
        at = np.searchsorted(fit, truth, side="right") / fit.size
        off = abs(at - np.searchsorted(truth, truth, side="right") / truth.size).max()
        assert off <= stated + math.sqrt(math.log(2 / ALPHA) / (2 * fit.size))


def test_squigglepy_keeps_forecasts_joint(tmp_path):
    rng = np.random.default_rng(1)
    first = rng.lognormal(size=(4, 100))
    found = loaded([named(first, "a"), named(1 / first, "b")], tmp_path)
    both = found["joint"](500)
    np.testing.assert_allclose(both["a"] * both["b"], 1, rtol=1e-8)
    assert both["a"].shape == (500,)
    assert found["joint"](1)["a"].shape == (1,)
    apart = found["dists"]["a"] @ 500 * (found["dists"]["b"] @ 500)
    assert not np.allclose(apart, 1)


# --- Squiggle -----------------------------------------------------------------------------------

RUNNER = """
import { readFileSync } from "node:fs";
const { run } = await import(process.argv[1]);
const found = [];
for (const code of JSON.parse(readFileSync(0, "utf8"))) {
  const { result } = await run(code);
  found.push(result.ok ? result.value.result.asJS() : { error: result.value.toString() });
}
const plain = (_, x) =>
  x?.vtype === "Dict" ? x.value
  : typeof x === "number" && !Number.isFinite(x) ? String(x) : x;
process.stdout.write(JSON.stringify(found, plain));
"""


def squiggle_lang():
    """The package's entry: of the folder that SQUIGGLE_LANG names, or of npm's global ones."""
    if (node := shutil.which("node")) is None:
        pytest.skip("node is not installed")
    folder = os.environ.get("SQUIGGLE_LANG")
    if not folder and shutil.which("npm"):
        root = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, check=False)
        folder = Path(root.stdout.strip()) / "@quri" / "squiggle-lang"
    entry = Path(folder or "/nonexistent") / "dist" / "index.js"
    if not entry.is_file():
        pytest.skip("@quri/squiggle-lang is not installed, and SQUIGGLE_LANG names no folder of it")
    return node, entry


def run_squiggle(codes):
    """What Squiggle says each script's last line is; one process for all of them."""
    node, entry = squiggle_lang()
    done = subprocess.run(
        [node, "--input-type=module", "--eval", RUNNER, entry.as_uri()],
        input=json.dumps(codes), capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return json.loads(done.stdout)


def numbers(found):
    """A list of numbers that Squiggle found; infinite ones come as text."""
    assert isinstance(found, list), found
    return [float(each) for each in found]


def test_squiggle_agrees_on_quantiles_of_any_shape():
    cases = []

    @settings(several, max_examples=20, database=None)
    @given(shapes(), shapes())
    def drawn(first, second):
        cases.append([named(first, "a"), named(np.resize(second, first.shape), "b")])

    drawn()
    asked = ", ".join(
        f'quantileOf("{name}", {p}), chanceBelow("{name}", {{{name}{p}}})'
        for name in "ab"
        for p in LEVELS
    )
    codes, expected = [], []
    for items in cases:
        at = squiggle.chosen(items[0].forecast.size, len(items))
        assert sorted(at) == list(range(items[0].forecast.size))
        truth, told = [], asked
        for each in items:
            ordered = np.sort(values(each), axis=None)
            for p in LEVELS:
                q = ordered[max(math.ceil(p * ordered.size - 1e-9) - 1, 0)]
                level = f"{q * (1 + 1e-8):.12g}" if np.isfinite(q) else "infinity"
                told = told.replace(f"{{{each.name}{p}}}", level)
                truth += [q, np.mean(ordered <= q * (1 + 1e-8))]
        codes.append(f"{formats.write('squiggle', items)}\n[{told}]")
        expected.append(truth)
    for found, truth in zip(run_squiggle(codes), expected, strict=True):
        np.testing.assert_allclose(numbers(found), truth, rtol=1e-8)


def test_squiggle_agrees_through_its_own_distributions():
    rng = np.random.default_rng(2)
    first = rng.lognormal(sigma=2, size=(4, 250))
    years = rng.exponential(5, size=(4, 250))
    years[rng.random(years.shape) < 0.05] = np.inf
    items = [
        named(first, "cost", threshold="$1", direction="below"),
        named(1 / first, "inverse", threshold="$1,000,000,000", direction="above"),
        named(years, "years", quantity="years_to_threshold"),
    ]
    asked = """[
      quantile(dists.cost, 0.05), quantile(dists.cost, 0.95),
      quantile(dists.cost * dists.inverse, 0.01), quantile(dists.cost * dists.inverse, 0.99),
      quantile(ifFinite.years, 0.5), probInfinite.years, probability.cost, quantile(fits.cost, 0.5)
    ]"""
    script = formats.write("squiggle", items)
    (found,) = run_squiggle([f"{script}\n{asked}"])
    finite = years[np.isfinite(years)]
    truth = [*np.quantile(first, [0.05, 0.95]), 1, 1, np.median(finite), np.isinf(years).mean()]
    truth += [np.mean(first <= 1)]
    *exact, fit = numbers(found)
    np.testing.assert_allclose(exact, truth, rtol=1e-7)
    error = forms.fitted(items[0].forecast).error
    assert abs(math.log10(fit) - np.median(np.log10(first))) <= error.quantile
    assert script.count("// less than that") == 1  # no draw is above a billion
    assert "dists.years" not in script
    assert '"years": SampleSet' not in script.split("ifFinite")[0]


def test_squiggle_writes_no_more_than_it_can_read_and_says_so():
    draws = np.random.default_rng(3).lognormal(size=(4, 5000))
    script = formats.write("squiggle", [named(draws, "a"), named(draws, "b")])
    assert "// 5,000 of 20,000 draws, taken evenly." in script
    assert script.count("these against all draws: KS distance 0.0") == 2
    chosen = squiggle.chosen(20_000, 2)
    assert len({*chosen}) == 5000
    assert np.diff(np.sort(chosen)).max() <= 5
    first = np.bincount(chosen[:1000] // 5000)  # Squiggle takes these where it takes 1,000
    assert first.min() > 180  # 250 of each chain; chance takes fewer than 180 once in 10^6
    assert [squiggle.chosen(4000, n).size for n in (1, 3, 8, 40)] == [4000, 3333, 1250, 1000]


# --- what no format may do ------------------------------------------------------------------------


def nasty(text, id="a"):
    """A forecast of which every text that people wrote is this."""
    made = named(np.linspace(1, 9, 20).reshape(2, 10), id, text=f"x{text}")
    coords = {"task": text, "benchmark": text}
    said = FROM | {"scenario": text}
    forecast = Forecast(made.forecast.askable, coords, made.forecast.draws, said)
    return Item(made.question.model_copy(update={"text": text}), forecast)


texts = (
    st.sampled_from(NASTY)
    | st.text(max_size=30)
    | st.text("=+-@;,|\"'\\\n\r\t{}*/ #a", max_size=30)
)


@settings(several, max_examples=100)
@given(texts)
def test_no_text_escapes_into_python(text):
    plain = formats.write("squigglepy", [nasty("plain")])
    source = formats.write("squigglepy", [nasty(text)])
    shapes = [[type(node) for node in ast.walk(ast.parse(each))] for each in (plain, source)]
    assert shapes[0] == shapes[1]
    assert ast.literal_eval(source.split("about = ")[1].split("\n\n")[0])["scenario"] == text
    assert len(source.splitlines()) == len(plain.splitlines())
    assert tokenize.detect_encoding(BytesIO(source.encode()).readline)[0] == "utf-8"


def test_no_text_escapes_into_squiggle():
    said = [*NASTY]

    @settings(several, max_examples=30, database=None)
    @given(texts)
    def drawn(text):
        said.append(text)

    drawn()
    scripts = [formats.write("squiggle", [nasty(text)]) for text in said]
    assert len({len(script.splitlines()) for script in scripts}) == 1
    found = run_squiggle(
        [f"{script}\n[quantileOf('a', 0.5), about.scenario]" for script in scripts]
    )
    assert found == [[4.789473684, text] for text in said]


@settings(several, max_examples=20)
@given(st.lists(texts, min_size=1, max_size=20))
def test_no_text_of_a_table_is_a_formula(tmp_path_factory, said):
    items = [nasty(text, f"q{i}") for i, text in enumerate(said)]
    into = written("csv", items, tmp_path_factory.mktemp("csv"))
    body = (into / "questions.csv").read_text("utf-8")
    rows = list(csv.DictReader(body.splitlines()))
    assert len(rows) == len(items)
    for row in rows:
        for column in ("text", "task", "benchmark", "scenario"):
            assert row[column].isprintable()
    for separator in ",;|":  # also where a spreadsheet splits at another one
        for cells in csv.reader(body.splitlines(), delimiter=separator):
            assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]


def test_tables_have_names_of_ours_alone(tmp_path):
    into = written("csv", [nasty(text, f"q{i}") for i, text in enumerate(NASTY)], tmp_path)
    names = {"README.txt", "questions.csv", "quantiles.csv", "draws.csv"}
    assert {path.name for path in into.iterdir()} == names
    for found in readers(into / "questions.csv"):
        assert len(found["task"]) == len(NASTY)


@pytest.mark.parametrize("form", ["squiggle", "squigglepy", "scipy", "parquet", "csv"])
def test_a_failed_run_is_stamped_in_the_first_line(form, tmp_path):
    found = named([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], "a", status="failed")
    into = written(form, [found], tmp_path)
    file = into / ("README.txt" if form in ("parquet", "csv") else "")
    path = file if file.is_file() else next(into.iterdir())
    first = path.read_text("utf-8").splitlines()[0]
    assert "FAILED CHECKS" in first[:30]
    assert FROM["run"] in first
    assert FROM["digest"] in first


@pytest.mark.parametrize("form", ["squiggle", "squigglepy", "scipy", "parquet", "csv"])
def test_what_is_no_number_is_refused_with_a_reason(form):
    asked = named(np.full((2, 5), 1.0), "a")
    for kept in (np.nan, -np.inf):
        forecast = Forecast(asked.forecast.askable, {}, np.full((2, 5), kept), FROM)
        with pytest.raises(BadInput, match="no numbers"):
            formats.write(form, [Item(asked.question, forecast)])


def test_what_readers_have_no_numbers_for_is_written_as_where_they_end():
    asked = named(np.full((1, 5), 1.0), "a")
    kept = np.array([[-400.0, -2.0, 0.5, 400.0, np.inf]])
    (found,) = joint.values(
        [Item(asked.question, Forecast(asked.forecast.askable, {}, kept, FROM))]
    )
    assert found[0].tolist() == pytest.approx([1e-307, 0.01, 10**0.5, 1e307, np.inf], abs=0)


@pytest.mark.parametrize("form", ["squiggle", "squigglepy", "parquet", "csv"])
def test_forecasts_that_share_no_draws_are_not_written_as_if_they_did(form):
    one, fewer = named(np.ones((2, 5)), "a"), named(np.ones((2, 4)), "b")
    forecast = Forecast(one.forecast.askable, {}, one.forecast.draws, FROM | {"run": "another"})
    other = Item(one.question.model_copy(update={"id": "c"}), forecast)
    with pytest.raises(BadInput) as caught:
        formats.write(form, [one, fewer, other])
    assert [fault.file for fault in caught.value.faults] == ["b", "c"]


def test_too_few_draws_for_a_sample_set_are_refused():
    with pytest.raises(BadInput, match="needs 6"):
        formats.write("squiggle", [named([[1.0, 2.0]], "a")])


@several
@given(shapes(infinite=False), st.sampled_from(["task_cost", "years_to_threshold"]))
def test_no_fit_is_handed_out_that_is_bad(draws, quantity):
    found = forms.fitted(named(draws, "a", quantity=quantity).forecast)
    assert isinstance(found, str) or found.error.ks <= 0.05
    if np.ptp(draws) == 0:
        assert found == "all draws are equal"


def test_a_normal_is_fitted_to_a_normal_and_two_lumps_to_nothing():
    z = np.random.default_rng(4).standard_normal((4, 1000))
    assert forms.fitted(named(10**z, "a").forecast).family == "lognormal"
    assert (
        forms.fitted(named(50 + z, "a", quantity="years_to_threshold").forecast).family == "normal"
    )
    lumps = 10.0 ** (np.sign(z) + z / 1e6)
    assert forms.fitted(named(lumps, "a").forecast).startswith("the best, ")


def test_the_same_number_leaves_by_every_door(base_run, tmp_path):
    """A question of the base run, in Python and by five formats."""
    import pandas as pd

    about = {"task": "$50,000 task", "date": "2028-10-01"}
    forecast = base_run.distribution("task_cost", **about)
    threshold = {"threshold": "$500", "direction": "below"}
    of = Item(named(np.ones((1, 1)), "cost", **threshold).question, forecast)
    median, chance = forecast.quantile(0.5), forecast.probability(below="$500")
    asked = question("task_cost", **about, threshold="$500", direction="below")
    (answer,) = answers(base_run, checked([asked], base_run))
    assert answer["probability"] == chance
    for form, read in (("parquet", pd.read_parquet), ("csv", pd.read_csv)):
        written(form, [of], tmp_path)
        table = read(tmp_path / f"quantiles.{form}")
        assert table.value[table.level == 0.5].item() == median
        assert read(tmp_path / f"questions.{form}").probability.item() == chance
    scipy = json.loads(formats.write("scipy", [of]))
    assert scipy["answer"]["probability"] == chance
    assert Forecast.from_json(scipy).quantile(0.5) == median
    texts = formats.write("squiggle", [of]), formats.write("squigglepy", [of])
    assert f'"cost": {chance!r},' in texts[0].split("probability = {")[1]
    assert f"'probability': {chance!r}," in texts[1]
    for text in texts:
        inside = text.split('"cost": ')[1].split("[")[1].split("]")[0].replace(" ", "")
        drawn = [float(each) for each in inside.replace("\n", "").strip(",").split(",")]
        assert np.median(np.log10(drawn)) == pytest.approx(math.log10(median), abs=1e-9)
    assert sys.getsizeof(texts[0]) < 100_000


# --- the example ----------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parent.parent


def test_a_product_breaks_even_when_a_hand_says_so():
    pytest.importorskip("squigglepy", reason="squigglepy is not installed")
    earned_back = runpy.run_path(str(ROOT / "scripts" / "break_even.py"))["earned_back"]
    draws = {f"software_{year}": np.full(2, 10.0) for year in range(2027, 2035)}
    draws |= {"rl_100x": np.array([1.0, 1000.0])}
    sold = 100 * (60 - 10)  # dollars a year
    for years, building in ((1, sold), (2, sold + 1), (9, 8 * sold + 1)):
        found = earned_back(draws, 100, np.full(2, building), trained=False)
        assert found == [float(year >= years) for year in range(1, 9)]
    trained = 100 * (60 - 0.1)
    found = earned_back(draws, 100, np.full(2, 3 * trained - 10_000), trained=True)
    assert found == [0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]  # the other needs ten million first


def test_the_example_says_the_same_in_squigglepy_and_in_squiggle(base_run, tmp_path):
    """Of a real run, by the commands that the example names. Shares of 20,000 and of 1,000 samples
    differ by 0.016 or less in standard error, so 0.1 is six of them: one false alarm in 10^7."""
    run_squiggle(["1"])
    pytest.importorskip("squigglepy", reason="squigglepy is not installed")
    scripts, ran = ROOT / "scripts", {"text": True, "check": True, "capture_output": True}
    for form, file in (("squigglepy", "forecasts.py"), ("squiggle", "forecasts.squiggle")):
        command = ["export", str(base_run.path), "--format", form, "--out", str(tmp_path / file)]
        command += ["--questions", str(scripts / "break_even.toml"), "--allow-failed-checks"]
        subprocess.run([sys.executable, "-m", "simulator", *command], **ran)
    python = [sys.executable, str(scripts / "break_even.py"), str(tmp_path / "forecasts.py")]
    said = subprocess.run(python, **ran).stdout.splitlines()
    assert base_run.id in said[0]
    by_python = [[float(p.rstrip("%")) / 100 for p in line.split()[2:]] for line in said[2:]]
    files = tmp_path / "forecasts.squiggle", scripts / "break_even.squiggle"
    script = "\n".join(file.read_text("utf-8") for file in files)
    (by_squiggle,) = run_squiggle([script])
    found = [by_squiggle["moreInference"], by_squiggle["moreRL"]]
    np.testing.assert_allclose(by_python, found, atol=0.1)
    assert not np.allclose(by_python[0][1:], found[0][:-1], atol=0.1)  # it notices a year
    assert (np.diff(by_python, axis=1) >= 0).all()
