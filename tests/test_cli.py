"""The command's contract: names, exit codes, what goes to stdout, and what is left behind."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator import cli, seal
from simulator.run import runs_in

QUICK = ["--prior-only", "--draws", "200"]
ROW = {"quantity", "unit", "coords", "q05", "q25", "q50", "q75", "q95", "mcse_q50"}
ROW |= {"ess_bulk", "ess_tail", "r_hat", "prob_infinite"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def simulator(capsys, *words):
    """Exit code, stdout and stderr of a command run in this process."""
    code = cli.run(list(words))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def answer(capsys, *words, code=0):
    found, out, err = simulator(capsys, *words, "--json")
    assert found == code, err
    return json.loads(out)


def rows(run, quantity, **coords):
    return [
        row
        for row in run["summary"]
        if row["quantity"] == quantity and coords.items() <= row["coords"].items()
    ]


@pytest.mark.parametrize(("factor", "oom"), [(100, 4.0), (10, 2.0)])
def test_ord_is_exact_everywhere(here, capsys, factor, oom):
    run = answer(capsys, "run", "ord-2025", *QUICK)
    found = rows(run, "required_rl_multiplier_oom", inference_factor=factor)
    assert found
    assert {row[q] for row in found for q in ("q05", "q25", "q50", "q75", "q95")} == {oom}


def test_twice_the_slope_turns_10_000x_into_100x(here, capsys):
    setting = "prior.algorithm_slope_factor.value=2"
    run = answer(capsys, "run", "ord-2025", *QUICK, "--set", setting)
    today = rows(run, "required_rl_multiplier_oom", inference_factor=100, algorithm="today")
    assert {row["q50"] for row in today} == {2.0}


def test_constant_tenfold_decline_is_5000_and_500_dollars(here, capsys):
    setting = 'prior.cost_decline_factor={family="constant",value=10}'
    run = answer(capsys, "run", "epoch-2026", *QUICK, "--set", setting)
    costs = rows(run, "task_cost_oom_usd", task="$50,000 task")
    assert [10 ** row["q50"] for row in costs[:2]] == pytest.approx([5000, 500], rel=1e-12)


def test_json_of_run_and_show_agree_and_hold_the_contract(here, capsys):
    run = answer(capsys, "run", "epoch-2026", "--prior-only", "--seed", "5")
    assert {"id", "scenario", "seed", "status", "checks", "summary", "path"} == run.keys()
    assert (run["scenario"], run["seed"], run["status"]) == ("epoch-2026", 5, "passed")
    assert all({"passed", "value"} <= check.keys() for check in run["checks"].values())
    assert all(row.keys() >= ROW for row in run["summary"])
    assert answer(capsys, "show", run["id"]) == run
    assert answer(capsys, "show", "latest") == run
    assert [r["id"] for r in answer(capsys, "list")["runs"]] == [run["id"]]
    assert simulator(capsys, "verify", run["path"])[0] == 0


def test_failed_check_is_said_first_sealed_and_exits_3(here, capsys):
    words = ["run", "base", "--prior-only", "--chains", "1", "--draws", "50"]
    code, out, _ = simulator(capsys, *words)
    assert code == 3
    assert "FAILED" in out.splitlines()[0]
    assert "chains_at_least_4" in out
    (run,) = runs_in("runs")
    assert run.status == "failed"
    assert cli.run([*words, "--allow-failed-checks"]) == 0


def test_damaged_run_exits_4_and_names_the_file(here, capsys):
    run = Path(answer(capsys, "run", "ord-2025", *QUICK)["path"])
    file = run / "summary.json"
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"4.0", b"3.0", 1))
    for command in ("verify", "show"):
        code, _, err = simulator(capsys, command, str(run))
        assert code == 4
        assert "summary.json" in err


@pytest.mark.parametrize(
    "words",
    [
        ["run", "bse"],
        ["run", "base", "--set", "prior.rl_slope.quantiles={q05=9,q95=3}"],
        ["run", "base", "--set", "prior.rl_slop.value=3"],
        ["run", "base", "--evidence", "nobody"],
        ["run", "base", "--evidence", ""],
        ["run", "base", "--as-of", "soon"],
        ["run", "base", "--as-of", "1999"],
        ["run", "base", "--prior-only", "--evidence", "openai-o1"],
        ["run", "base", "--draws", "0"],
        ["run", "base", "--seed", "-1"],
        ["run", "base", "--into", "/dev/null/runs"],
        ["run"],
        ["fly"],
        ["show", "nothing"],
        ["list", "nowhere"],
    ],
    ids=" ".join,
)
def test_bad_input_exits_2_says_why_and_writes_nothing(here, capsys, words):
    code, out, err = simulator(capsys, *words)
    assert code == 2
    assert err.strip()
    assert "Traceback" not in err
    assert not out
    assert not list(here.iterdir())


def test_a_batch_is_not_a_damaged_run(here, capsys):
    (here / "batch").mkdir()
    (here / "batch" / "plan.json").write_text("{}")
    code, out, err = simulator(capsys, "ask", "batch")
    assert (code, out) == (2, "")
    assert "is a folder of many runs" in err


def test_check_reports_all_scenarios_and_all_faults(here, capsys):
    (here / "bad.toml").write_text(
        'extends = "base"\nname = "bad"\nnonsense = 1\n[sampler]\nchains = 0\n'
        '[prior.rl_slope]\nfamily = "lognormal"\nmu = 1\nsigma = -1\nunit = "points"\n'
        'source = "nobody"\nwhy = "x"\n'
    )
    report = answer(capsys, "check", "base", "bad.toml", code=2)
    good, bad = report["scenarios"]
    assert not good["faults"]
    keys = {fault["key"] for fault in bad["faults"]}
    assert keys >= {"nonsense", "sampler.chains", "prior.rl_slope", "prior.rl_slope.unit"}
    assert all(fault["file"] and fault["rule"] and fault["fix"] for fault in bad["faults"])


def test_as_of_drops_what_was_not_known(here, capsys):
    known = answer(capsys, "evidence", "base", "--as-of", "2025-06-30")
    assert 0 < known["count"] < answer(capsys, "evidence", "base")["count"]
    assert max(row["last"] for row in known["evidence"]) <= "2025-06-30"
    assert answer(capsys, "evidence", "base", "--prior-only")["count"] == 0


def test_priors_say_unit_family_source_and_reason(here, capsys):
    for belief in answer(capsys, "priors", "base")["priors"]:
        assert all(belief[key] for key in ("quantity", "unit", "family", "source", "why"))
        assert belief["q05"] <= belief["q50"] <= belief["q95"]


def test_piped_output_has_no_escape_codes(here, capsys):
    _, out, _ = simulator(capsys, "priors", "base")
    assert "\x1b" not in out


def test_a_reader_that_stops_reading_is_no_error(here):
    command = '"$0" -P -m simulator priors base | head -1'
    shell = subprocess.run(
        ["sh", "-c", command, sys.executable], capture_output=True, text=True, check=True
    )
    assert not shell.stderr


def test_full_disk_exits_2_and_leaves_nothing(here, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "draws.nc")

    monkeypatch.setattr("simulator.outcome._write_tree", full)
    code, _, err = simulator(capsys, "run", "ord-2025", *QUICK)
    assert code == 2
    assert "No space left" in err
    assert not list((here / "runs").iterdir())


TELLING = """
import sys
from simulator import cli, pipeline
pipeline.Silence.stage = lambda self, name: print(name, file=sys.stderr, flush=True)
cli.main(sys.argv[1:])
"""


def test_interrupt_exits_130_and_leaves_no_run(here, compiled_code):
    words = ["run", "base", "--evidence", "openai-o1", "--draws", "50000", "--tune", "50000"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", TELLING, *words], stderr=subprocess.PIPE, text=True
    )
    assert any(line.strip() == "sample" for line in process.stderr)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not list(seal.sealed_in(here / "runs"))


@pytest.mark.parametrize("words", [["compare"], ["average"], ["diff"]])
def test_every_run_that_is_not_there_is_named(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.run([*words, "one", "other"]) == 2
    said = capsys.readouterr().err
    assert "one: run:" in said
    assert "other: run:" in said
