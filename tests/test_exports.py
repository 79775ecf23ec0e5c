"""Exports as such: what every file says, what is refused, how files are written, one number."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import item, seal

from simulator import cli
from simulator.exports import files, fit, formats
from simulator.exports import item as items_of
from simulator.faults import BadInput
from simulator.questions import answer

HARM = "=cmd()|'../../etc\"\n\r\t</script>${x}`y`\u202e"
TEXTS = st.text(min_size=1, max_size=80) | st.just(HARM)


@given(TEXTS)
def test_text_of_users_comes_out_harmless(text):
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,65}", items_of.identifier(text))
    shown = items_of.line(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert items_of.cell(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert items_of.cell(text).removeprefix("'") in (text, text.removeprefix("'"))


@pytest.mark.parametrize("name", ["metaculus", "hubverse", "sip", "guesstimate"])
def test_every_file_says_where_it_is_from_and_no_text_escapes(name):
    draws = 10 ** np.random.default_rng(4).standard_normal((4, 500))
    about = {"text": HARM, "range": {"low": 0.001, "high": 1000, "scale": "log"}}
    for status, said in (("passed", "all checks passed"), ("failed", "FAILED CHECKS")):
        made = formats.write(name, [item(draws, status=status, id="made-1", **about)])
        parts = {"": made} if isinstance(made, str) else made
        whole = b"".join(p.encode() if isinstance(p, str) else p for p in parts.values())
        for known in (said, "20260101-made-00000000", "0123456789"):
            assert known.encode() in whole
        for path in parts:
            assert re.fullmatch(r"[A-Za-z0-9_./-]*", path)
            assert ".." not in path
        for path, part in parts.items():
            if path.endswith((".json", ".yml")) or isinstance(made, str):
                json.loads(part)  # so that quotes and newlines are escaped
        if name == "guesstimate":
            assert len(parts["README.txt"].splitlines()) == 4


def test_reasons_come_together():
    """Infinite mass, and names that a file could not tell apart."""
    never = np.where(np.arange(100) < 5, np.inf, 1.0)
    with pytest.raises(BadInput) as error:
        formats.write("sip", [item(never, id="a-b"), item(never, id="a_b")])
    rules = [fault.rule for fault in error.value.faults]
    assert len(rules) == 3
    assert sum("infinite in 5% of draws" in rule for rule in rules) == 2
    assert sum("the same name" in rule for rule in rules) == 1


def test_a_format_without_room_refuses_a_failed_run(monkeypatch):
    monkeypatch.setitem(formats.FORMATS, "sip", formats.FORMATS["sip"]._replace(room=False))
    failed = item(10 ** np.random.default_rng(4).standard_normal((4, 500)), status="failed")
    with pytest.raises(BadInput, match="no room to say so; add --allow-failed-checks"):
        formats.write("sip", [failed])
    assert formats.write("sip", [failed], allow_failed_checks=True)


def test_a_format_of_one_forecast_makes_a_file_of_each(monkeypatch):
    monkeypatch.setitem(formats.FORMATS, "sip", formats.FORMATS["sip"]._replace(many=False))
    rng = np.random.default_rng(4)
    pair = [item(10 ** rng.standard_normal((4, 500)), id=name) for name in ("a", "b-c")]
    assert formats.is_folder("sip", 2)
    assert not formats.is_folder("sip", 1)
    assert {*formats.write("sip", pair)} == {"a.json", "b_c.json"}


# --- fits -----------------------------------------------------------------------------------------


def test_the_error_of_a_fit_is_that_of_kolmogorov_and_smirnov():
    from scipy import stats

    draws = np.random.default_rng(6).standard_normal((4, 200))
    found = fit.error(item(draws, quantity="years_to_threshold").forecast, stats.norm.cdf,
                      stats.norm.ppf)  # fmt: skip
    assert found.ks == pytest.approx(stats.kstest(draws.ravel(), "norm").statistic)
    off = abs(np.quantile(draws, fit.LEVELS) - stats.norm.ppf(fit.LEVELS))
    assert found.quantile == pytest.approx(off.max())
    assert found.level == fit.LEVELS[int(off.argmax())]


def test_a_fit_to_an_atom_is_bad_by_half_of_it():
    from scipy import stats

    atom = item(np.zeros((2, 50)), quantity="years_to_threshold").forecast
    found = fit.error(atom, stats.norm.cdf, stats.norm.ppf)
    assert found.ks == 0.5
    assert not found.good


# --- files ----------------------------------------------------------------------------------------


def test_a_file_is_replaced_and_a_folder_is_not(tmp_path):
    file, folder = tmp_path / "a.json", tmp_path / "hub"
    for text in ("one", "two"):
        files.refuse(str(file), False)
        files.put(str(file), text)
    assert file.read_text() == "two"
    files.put(str(folder), {"x/y.txt": b"three"})
    assert (folder / "x" / "y.txt").read_bytes() == b"three"
    with pytest.raises(BadInput, match="not empty"):
        files.refuse(str(folder), True)
    with pytest.raises(OSError, match="not empty"):
        files.put(str(folder), {"x/y.txt": b"four"})
    assert (folder / "x" / "y.txt").read_bytes() == b"three"
    assert sorted(os.listdir(tmp_path)) == ["a.json", "hub"]  # and no partial one


@pytest.mark.parametrize(
    ("name", "folder", "rule"),
    [("taken", True, "is a file"), ("dir", False, "is a folder"), ("-", True, "no pipe"),
     ("taken/below", False, "is not a folder")],
)  # fmt: skip
def test_places_that_cannot_be_are_refused_before_any_work(
    tmp_path, monkeypatch, name, folder, rule
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    (tmp_path / "dir").mkdir()
    with pytest.raises(BadInput, match=rule):
        files.refuse(name, folder)


# --- the command ----------------------------------------------------------------------------------

COST = ["--quantity", "task_cost", "--task", "$50,000 task", "--date", "2028-10-01"]


def export(capsys, *arguments):
    """Exit code, stdout and stderr of simulator export."""
    code = cli.run(["export", *map(str, arguments)])
    found = capsys.readouterr()
    return code, found.out, found.err


def test_one_number_through_python_ask_and_three_exports(base_run, tmp_path, capsys):
    """The probability that $50,000 has become $500 or less, and the median cost."""
    cost = base_run.distribution("task_cost", task="$50,000 task", date="2028-10-01")
    probability, median = cost.probability(below=500), cost.quantile(0.5)
    assert 0.01 < probability < 0.99
    asked = [base_run.path, *COST]
    assert cli.run(["ask", *map(str, asked), "--below", "500", "--json"]) == 0
    (given,) = json.loads(capsys.readouterr().out)["answers"]
    assert given["probability"] == probability
    # Metaculus: the yes itself, and the distribution at that place and at the median.
    _, text, _ = export(capsys, *asked, "--below", 500, "--format", "metaculus", "--out", "-")
    assert json.loads(text)["forecasts"][0]["probability_yes"] == probability
    wide = ["--low", 0.5, "--high", 500_000, "--log"]
    _, text, _ = export(capsys, *asked, *wide, "--format", "metaculus", "--out", "-")
    entry = json.loads(text)["forecasts"][0]
    assert entry["continuous_cdf"][100] == pytest.approx(  # half way between: at $500
        probability, abs=entry["error"]["probability"]
    )
    # hubverse: the cdf row and the quantile row.
    import pandas as pd

    hub = tmp_path / "hub"
    code, out, _ = export(capsys, *asked, "--below", 500, "--format", "hubverse", "--out", hub)
    assert (code, out.strip()) == (0, str(hub))
    (path,) = hub.glob("model-output/*/*.parquet")
    rows = pd.read_parquet(path).set_index(["output_type", "output_type_id"])["value"]
    assert rows["cdf", "500"] == probability
    assert rows["quantile", "0.5"] == pytest.approx(median)
    # Guesstimate: the share and the median of its samples.
    folder = tmp_path / "guess"
    export(capsys, *asked, "--format", "guesstimate", "--out", folder)
    samples = np.loadtxt(folder / "task_cost_samples.csv")
    assert (samples <= 500 * (1 + 1e-7)).mean() == probability
    assert np.median(samples) == pytest.approx(median, rel=1e-3)


def test_all_questions_of_base_leave_in_one_file(base_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, err = export(capsys, base_run.path, "--format", "metaculus")
    name = f"{base_run.id}-metaculus.json"
    assert (code, out, err) == (0, f"{name}\n", "")
    found = json.loads((tmp_path / name).read_text())
    assert found["about"]["run"] == base_run.id
    assert found["about"]["digest"] == base_run.record["scenario_digest"]
    stated = [question["id"] for question in base_run.spec["question"]]
    assert [entry["id"] for entry in found["forecasts"]] == stated
    _, text, _ = export(
        capsys, base_run.path, "--format", "metaculus", "--question", stated[3], "--out", "-"
    )
    assert json.loads(text)["forecasts"] == [found["forecasts"][3]]


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ([*COST, "--format", "metaculus"], ["range: is missing"]),
        ([*COST, "--low", 1, "--format", "metaculus"], ["--high: usage: is missing"]),
        (["--low", 1, "--high", 2, "--format", "sip"], ["is about --quantity"]),
        ([*COST, "--low", 5, "--high", 2, "--format", "metaculus"], ["is empty"]),
        ([*COST, "--format", "hubverse", "--out", "-"], ["no pipe takes"]),
        ([*COST, "--task", "no such", "--date", "2099-01-01", "--format", "sip"],
         ["no task here", "past the horizon"]),
        (["--quantity", "=cmd()", "--format", "sip"], ["no quantity"]),
        (["--question", "../x", "--format", "sip"], ["is the id of no question"]),
        (["--question", "arc-agi-1-for-a-cent", "--question", "hundredfold-undone", "--format",
          "sip"], ["arc-agi-1-for-a-cent: infinite", "hundredfold-undone: infinite"]),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_says_why_and_leaves_nothing(
    base_run, tmp_path, monkeypatch, capsys, arguments, rules
):
    monkeypatch.chdir(tmp_path)
    code, out, err = export(capsys, base_run.path, *arguments)
    assert (code, out) == (2, "")
    for rule in rules:
        assert rule in err
    assert not os.listdir(tmp_path)


def test_a_failed_run_is_stamped_and_ends_with_3(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = seal(tmp_path / "runs", passed=False)
    asked = [run.path, "--quantity", "slope_ratio", "--format", "sip"]
    code, out, err = export(capsys, *asked, "--out", "-")
    assert (code, err) == (3, "")
    assert "FAILED CHECKS" in json.loads(out)["provenance"]
    code, out, _ = export(capsys, *asked, "--allow-failed-checks")
    assert (code, out) == (0, "slope_ratio-sip.json\n")


def test_a_full_disk_leaves_nothing(base_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    code, _, err = export(capsys, base_run.path, *COST, "--format", "guesstimate")
    assert code == 2
    assert "No space left" in err
    assert not os.listdir(tmp_path)


def test_joint_draws_leave_with_one_index(base_run):
    """Two forecasts of a run, sampled apart, fall together: as the draws do."""
    at = answer.posterior(base_run)
    said = [
        {"id": name, "text": "x", "quantity": name} for name in ("slope_ratio", "transfer_exponent")
    ]
    found = [answer.forecast(q, at) for q in answer.checked(said, base_run)]
    pair = [f.sample(500, seed=3) for f in found]
    both = {*zip(*(f.sample() for f in found), strict=True)}
    assert all(drawn in both for drawn in zip(*pair, strict=True))


def test_the_registry_loads_no_numerical_library():
    code = "import sys, simulator.commands.export; print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "scipy", "pyarrow", "pandas"} & {*done.stdout.split()}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_or_pipe_takes_the_draws_alone(base_run, tmp_path, form):
    import pandas as pd

    file, folder = tmp_path / f"one.{form}", tmp_path / "all"
    for out in (file, folder):
        assert (
            cli.run(["export", str(base_run.path), "--format", form, *COST, "--out", str(out)]) == 0
        )
    assert file.read_bytes() == (folder / f"draws.{form}").read_bytes()
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}[form]
    about = {"task": "$50,000 task", "date": "2028-10-01"}
    assert read(file)["value"].to_numpy() == pytest.approx(
        base_run.distribution("task_cost", **about).sample()
    )
