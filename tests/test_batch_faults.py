"""Batches asked for wrongly: files that are a mistake, and what a second call says of the first."""

import errno
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import simulator
from simulator import cli
from simulator.batch import cluster
from simulator.batch.engine import run_batch
from simulator.batch.plan import plan
from simulator.batch.store import Store
from simulator.faults import BadInput

HEAD = """
name = "small"
base = "base"
set = { evidence.sources = "none", sampler.draws = 20, sampler.tune = 20, sampler.chains = 2 }
"""


def axis(name, *levels):
    return f"[[axis]]\nname = {name}\n" + "".join(f"[[axis.level]]\n{level}\n" for level in levels)


def grid(axes):
    return "".join(axis(f'"{i}"', *(f'name = "{k}"' for k in range(10))) for i in range(axes))


def said(tmp_path, text):
    path = tmp_path / "batch.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput) as error:
        plan(path)
    return str(error.value)


@pytest.mark.parametrize("axes", [6, 12, 70])
def test_too_many_scenarios_are_refused_before_they_are_made(tmp_path, axes):
    assert "scenarios, of at most 100,000" in said(tmp_path, HEAD + grid(axes))


def test_points_and_seeds_count_too(tmp_path):
    design = '[design]\nkind = "sobol"\npoints = 99_999\nover = ["transfer_exponent"]\n'
    assert "makes 200,000 scenarios" in said(tmp_path, "seeds = [1, 2]\n" + HEAD + design)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (HEAD + axis('"a"', 'name = "x"\nset = { sampler.seed = 1 }'), "write seeds = [1, 2]"),
        ("seeds = [1]\n" + HEAD.replace("sampler.draws", "sampler.seed"), "by seeds too"),
        (HEAD + axis(r'"a\u001b[31m"', 'name = "x"'), r"'a\x1b[31m' cannot be shown"),
        (HEAD + axis('"a"', 'name = " "'), "' ' cannot be shown"),
        ('name = "x"\nbase = "a\\u0000/b.toml"', "does not exist"),
        ('name = "x"\nbase = "."', "neither a file"),
        (HEAD.replace("sampler.tune", '"prior..value"'), "batch.toml: prior..value: "),
    ],
)
def test_a_mistake_is_named_where_it_was_made(tmp_path, text, part):
    assert part in said(tmp_path, text)


def test_a_key_of_three_thousand_parts_is_a_fault_and_no_traceback(tmp_path):
    deep = said(tmp_path, HEAD.replace("set = {", "set = { " + "a." * 3000 + "b = 1,"))
    assert "nested too deeply" in deep or "a: is not a key" in deep


def test_a_fault_of_a_level_is_said_of_the_file(tmp_path):
    path = tmp_path / "batch.toml"
    path.write_text(HEAD + axis('"a"', 'name = "x"\nset = { prior.fsh.value = 1 }'), "utf-8")
    (item,) = plan(path).faulty
    assert all(fault.file != "--set" for fault in item.faults)


@pytest.mark.parametrize("name", ["/dev/zero", "pipe"])
def test_a_device_is_not_read(tmp_path, name):
    path = tmp_path / name
    if name == "pipe":
        os.mkfifo(path)
    since = time.monotonic()
    with pytest.raises(BadInput, match="device or pipe"):
        plan(path)
    assert time.monotonic() - since < 60


def test_what_failed_before_still_counts(tmp_path, capsys):
    file, out = tmp_path / "batch.toml", tmp_path / "out"
    file.write_text(HEAD, "utf-8")
    first = run_batch(file, out, jobs=1)
    assert [report.status for report in first.reports] == ["failed"], "20 draws pass no check"
    assert run_batch(file, out, jobs=1).failed == 1
    assert cli.run(["batch", "run", str(file), "--into", str(out)]) == 5
    assert "1 were done before (1 failed)" in capsys.readouterr().out


@pytest.mark.parametrize("scheduler", ["", "nonsense", "tcp://localhost"])
def test_what_is_no_address_leaves_no_client_behind(scheduler):
    pytest.importorskip("distributed", reason="needs the extra: cluster")
    with pytest.raises(BadInput, match="does not answer"):
        next(cluster.remote([], scheduler))


def test_workers_do_not_import_what_stands_where_the_user_stands(tmp_path):
    (tmp_path / "simulator").mkdir()
    (tmp_path / "simulator" / "__init__.py").write_text('raise SystemExit("trapped")')
    (tmp_path / "batch.toml").write_text(HEAD, "utf-8")
    ours = {"PYTHONPATH": str(Path(simulator.__file__).parent.parent)}
    command = [sys.executable, "-P", "-m", "simulator", "batch", "run", "batch.toml"]
    said = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | ours
    )
    assert "trapped" not in said.stdout
    assert len(list((tmp_path / "runs" / "small").glob("base-*"))) == 1


def test_a_drive_without_locks_is_worked_on_all_the_same(tmp_path, monkeypatch):
    """Else every scenario would be someone else's, and be waited for without end."""

    def none(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    with Store(tmp_path).held("a") as first, Store(tmp_path).held("a") as second:
        assert (first, second) == (True, False)
    monkeypatch.setattr(fcntl, "flock", none)
    with Store(tmp_path).held("a") as first, Store(tmp_path).held("a") as second:
        assert (first, second) == (True, True)
