"""The benchmark's own bookkeeping: arguments, ratios, claims. Nothing is timed here."""

import ast
import json
import subprocess
import sys
from argparse import Namespace
from importlib import util
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "scripts" / "benchmarks"
OTHERS = {"jax", "numpyro", "blackjax", "squigglepy", "monaco", "nutpie", "pymc"}


@pytest.fixture
def load(monkeypatch):
    """A part by name; parts find each other beside them, as when they are run."""
    monkeypatch.syspath_prepend(FOLDER)
    names = {file.stem for file in FOLDER.glob("*.py")}

    def loaded(name, file=None):
        spec = util.spec_from_file_location(name, FOLDER / f"{file or name}.py")
        module = util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    yield loaded
    for name in names & {*sys.modules}:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def measure(load):
    return load("measure")


@pytest.fixture
def benchmark(load, measure):
    return load("benchmark_main", "__main__")


def test_every_part_is_listed(benchmark):
    parts = {file.stem for file in FOLDER.glob("*.py")} - {"__main__", "measure", "by_jax"}
    assert parts <= {*benchmark.PARTS}
    assert {*benchmark.PARTS} - parts <= {"forward"}


def test_every_part_says_what_it_does_and_needs_nothing_to_say_it(benchmark):
    for file in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        assert ast.get_docstring(tree), file.name
        imports = [node for node in tree.body if isinstance(node, ast.Import)]
        top = {alias.name for node in imports for alias in node.names}
        assert not top & OTHERS, file.name
    done = subprocess.run(
        [sys.executable, FOLDER, "--help"], capture_output=True, text=True, check=True
    )
    assert all(part in done.stdout for part in benchmark.PARTS)


def test_parts_in_their_own_order_all_by_default(benchmark):
    assert benchmark.options([]).parts == [*benchmark.PARTS]
    asked = benchmark.options(["run", "batch", "run", "--quick", "--json", "--repeats", "7"])
    assert asked.parts == ["batch", "run"]
    assert (asked.quick, asked.json, asked.repeats) == (True, True, 7)
    assert benchmark.options([]).repeats == 5


@pytest.mark.parametrize("words", [["nonsense"], ["--repeats", "0"], ["--repeats", "x"]])
def test_a_part_or_number_that_makes_no_sense_is_refused(benchmark, words, capsys):
    with pytest.raises(SystemExit) as error:
        benchmark.options(words)
    assert error.value.code == 2
    assert ("at least 1" if words[-1] == "0" else words[-1]) in capsys.readouterr().err


def test_ratios_are_within_rounds_and_medians_of_them(measure):
    ours = [{"s": 1.0}, {"s": 20.0}, {"s": 3.0}]
    theirs = [{"s": 2.0}, {"s": 10.0}, {"s": 12.0}]
    assert measure.ratio(theirs, ours, "s") == 2.0
    assert measure.middle(ours, "s") == 3.0
    with pytest.raises(ValueError, match="shorter"):
        measure.ratio(ours, theirs[:2], "s")


def test_rounds_are_interleaved_and_the_warm_one_does_not_count(measure):
    calls = []

    def way(name):
        return lambda number: calls.append((number, name)) or {"s": number}

    def broken(number):
        calls.append((number, "broken"))
        return {"skipped": "not installed"}

    ways = {"a": way("a"), "broken": broken, "b": way("b")}
    found = measure.rounds(ways, Namespace(quick=False, repeats=2))
    assert calls == [
        (0, "a"), (0, "broken"), (0, "b"), (1, "a"), (1, "b"), (2, "a"), (2, "b"),
    ]  # fmt: skip
    assert found["a"] == [{"s": 1}, {"s": 2}]
    assert measure.skipped(found["broken"]) == "not installed"
    assert measure.skipped(found["a"]) == ""
    calls.clear()
    measure.rounds(ways, Namespace(quick=True, repeats=9))
    assert [number for number, _ in calls] == [1, 1, 1]


def test_claims_are_met_or_not_or_not_measured(measure, capsys):
    claims = [
        measure.at_least("fast", 10.0, 10),
        measure.at_most("small", 0.51, 0.5),
        measure.unmeasured("other", "not installed", "ahead"),
    ]
    assert [claim["met"] for claim in claims] == [True, False, None]
    assert measure.exit_code(claims) == 3
    assert measure.exit_code(claims[::2]) == 0
    measure.show_claims(claims)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines[0].split() == ["claim", "measured", "goal", "met"]
    assert [line.split()[-1] for line in lines[1:]] == ["met", "MET", "-"]


def test_a_table_has_the_columns_of_all_rows(measure, capsys):
    measure.show([{"way": "a", "s": 1.23456}, {"way": "long", "skipped": "why"}, {"mb": 1234.5}])
    assert capsys.readouterr().out.splitlines() == [
        "way       s     mb",
        "a     1.235",
        "long  skipped: why",
        "             1,234",
    ]


def test_the_summary_joins_parts_and_takes_checks_for_claims(benchmark):
    forward = {"rows": [], "checks": {"5.1x NumPy, at least 5x": True}}
    found = [
        {"part": "forward", "rows": [], "claims": benchmark.claims(forward)},
        benchmark.broken("run", "ended with exit code 1", met=False),
    ]
    every = benchmark.summary(found)
    assert [(one["part"], one["met"]) for one in every] == [("forward", True), ("run", False)]


def script(path, text):
    path.write_text(text, "utf-8")
    return path


def test_what_a_process_answers_and_why_it_does_not(measure, tmp_path):
    good = script(tmp_path / "good.py", "print('said before'); print('{\"s\": 1}')")
    found = measure.timed([sys.executable, good])
    assert found["s"] == 1
    assert found["wall"] > 0
    bad = script(tmp_path / "bad.py", "raise ValueError('no such thing')")
    assert measure.timed([sys.executable, bad]) == {"skipped": "ValueError: no such thing"}
    code = script(tmp_path / "code.py", "raise SystemExit(5)")
    assert "wall" in measure.timed([sys.executable, code], good=(0, 5))
    assert measure.timed([sys.executable, code]) == {"skipped": "exit code 5"}


def test_a_whole_benchmark_of_one_trivial_part(benchmark, tmp_path, monkeypatch, capsys):
    script(
        tmp_path / "trivial.py",
        "import json, sys\n"
        "rows = [{'way': 'a', 's': 1.0}]\n"
        "claim = {'claim': ' '.join(sys.argv[1:]), 'measured': '2x', 'goal': '3x', 'met': False}\n"
        "print(json.dumps({'rows': rows, 'claims': [claim]}))\n"
        "sys.exit(3)\n",
    )
    script(tmp_path / "torn.py", "raise SystemExit(1)\n")
    monkeypatch.setattr(benchmark, "HERE", tmp_path)
    monkeypatch.setattr(benchmark, "PARTS", ("trivial", "torn", "missing"))
    monkeypatch.setattr(sys, "argv", ["benchmark", "--json", "--quick", "--repeats", "2"])
    assert benchmark.main() == 3
    found = json.loads(capsys.readouterr().out)
    assert [(one["part"], one["met"]) for one in found["summary"]] == [
        ("trivial", False), ("torn", False), ("missing", None),
    ]  # fmt: skip
    assert found["summary"][0]["claim"] == "--json --repeats 2 --quick"


def test_batch_files_of_the_benchmark_are_good(load, measure, tmp_path):
    from simulator.batch.plan import plan

    load("samplers")
    batch = load("batch")
    kill, growth = load("kill"), load("growth")
    file = batch.batch_file(tmp_path / "a.toml", batch.varied(6))
    assert [len(plan(file).distinct), len({item.shape for item in plan(file).items})] == [6, 1]
    torn = plan(batch.batch_file(tmp_path / "b.toml", kill.scenarios(4), kill.COMMON))
    assert [len(torn.distinct), len(torn.faulty)] == [4, 1]
    assert len(plan(growth.batch_file(tmp_path / "c.toml", 8)).distinct) == 8
