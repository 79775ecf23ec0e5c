"""Scripts and batch files that users copy: they load, they start, and the figure is drawn."""

import importlib.util
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulator import load_scenario
from simulator.batch.engine import run_batch
from simulator.batch.plan import plan

SCRIPTS = Path(__file__).parent.parent / "scripts"
ENVIRONMENT = os.environ | {"MPLBACKEND": "agg", "PYTHONPATH": str(SCRIPTS.parent)}
SMALL = """
name = "small"
base = "base"
seeds = [1, 2, 3]
set = { evidence.sources = "none", sampler.draws = 20, sampler.tune = 20, sampler.chains = 2 }
[[axis]]
name = "response"
[[axis.level]]
name = "linear"
set = { structure.response = "linear" }
"""


def python(script, *arguments):
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)


# --- batch files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "scenarios", "models"), [("beliefs", 9, 1), ("structures", 18, 6), ("unmoved", 32, 1)]
)
def test_a_batch_file_makes_what_it_says(name, scenarios, models):
    planned = plan(SCRIPTS / "batches" / f"{name}.toml")
    assert not planned.faulty
    assert len(planned.distinct) == scenarios
    assert len({item.shape for item in planned.items}) == models
    assert planned.name == name


def test_every_batch_file_is_tested():
    names = {path.stem for path in (SCRIPTS / "batches").iterdir()}
    assert names == {"beliefs", "structures", "unmoved"}


def test_every_source_is_left_out_once(tmp_path):
    said = python("leave_one_out.py", "base")
    assert (said.returncode, said.stderr) == (0, "")
    file = tmp_path / "leave-one-out.toml"
    file.write_text(said.stdout, "utf-8")
    tables = load_scenario("base").evidence.tables.values()
    sources = {row["source"] for rows in tables for row in rows}
    planned = plan(file)
    assert not planned.faulty
    kept = {i.at["without"]: {*i.set.get("evidence.sources", sources)} for i in planned.items}
    assert kept == {out: sources - {out} for out in sources} | {"nothing": sources}


@pytest.mark.parametrize("scenario", ["ord-2025", "no-such"])
def test_what_cannot_be_left_out_is_said(scenario):
    said = python("leave_one_out.py", scenario)
    assert said.returncode == 1
    assert scenario in said.stderr
    assert "Traceback" not in said.stderr


# --- scripts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.name)
def test_a_script_compiles(script, tmp_path):
    py_compile.compile(str(script), str(tmp_path / "compiled"), doraise=True)


def test_the_array_job_is_a_script_that_can_be_started():
    assert os.access(SCRIPTS / "array-job", os.X_OK)
    subprocess.run(["sh", "-n", str(SCRIPTS / "array-job")], check=True)
    assert subprocess.run([SCRIPTS / "array-job"], capture_output=True).returncode == 2


def test_tasks_of_an_array_share_the_work(tmp_path):
    """As SLURM calls it, from a copy elsewhere, and as xargs does."""
    fake = tmp_path / "checkout" / "scripts" / "simulate"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$*"\n')
    fake.chmod(0o755)
    spooled = tmp_path / "slurm_script"
    spooled.write_text((SCRIPTS / "array-job").read_text())
    slurm = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "8", "SLURM_CPUS_PER_TASK": "4"}
    said = subprocess.run(
        ["sh", spooled, "a b.toml", "out"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | slurm | {"SLURM_SUBMIT_DIR": str(tmp_path / "checkout")},
    )
    assert said.stdout == "batch run a b.toml --into out --shard 3/8 --jobs 4\n"
    line = f"seq 4 | xargs -n 1 -P 2 {SCRIPTS / 'array-job'} f.toml out"
    said = subprocess.run(
        line,
        shell=True,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"SIMULATE": str(fake), "SHARES": "4"},
    )
    shards = [f"batch run f.toml --into out --shard {i}/4 --jobs 1" for i in (1, 2, 3, 4)]
    assert sorted(said.stdout.splitlines()) == shards


def test_a_cluster_on_this_machine_runs_a_batch(tmp_path):
    pytest.importorskip("distributed", reason="needs the extra: cluster")
    file = tmp_path / "batch.toml"
    file.write_text(SMALL.replace("[1, 2, 3]", "[1]"), "utf-8")
    said = python("cluster_local.py", file, tmp_path / "out", "--workers", 1)
    assert said.returncode in (0, 5), said.stderr  # 20 draws pass no check
    assert len(list((tmp_path / "out").glob("base-*"))) == 1


def test_the_job_of_a_slurm_cluster_is_as_asked():
    pytest.importorskip("dask_jobqueue", reason="needs the extra: cluster")
    options = ["--workers", 3, "--memory", "9GB", "--partition", "short", "--print"]
    said = python("cluster_slurm.py", "f.toml", "out", *options)
    for part in ("#SBATCH -p short", "--cpus-per-task=3", "--mem=9G", "--nthreads 1", "-t 02:00"):
        assert part in said.stdout, said.stderr


# --- the figure -----------------------------------------------------------------------------------


def test_a_batch_ends_in_a_figure(tmp_path):
    pytest.importorskip("simulator.batch.collect")
    file = tmp_path / "batch.toml"
    file.write_text(SMALL, "utf-8")
    figure = tmp_path / "figure.png"
    run_batch(file, tmp_path / "out", limit=0)
    said = python("batch_figure.py", tmp_path / "out", figure)
    assert said.returncode == 1
    assert "no scenario has a run yet" in said.stderr
    run_batch(file, tmp_path / "out", jobs=2, limit=2)
    said = python("batch_figure.py", tmp_path / "out", figure)
    assert (said.returncode, said.stderr) == (0, "")
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert figure.stat().st_size > 10_000


def test_what_has_no_end_is_an_arrow_past_everything_else():
    pytest.importorskip("simulator.batch.collect")
    from matplotlib.figure import Figure

    spec = importlib.util.spec_from_file_location("batch_figure", SCRIPTS / "batch_figure.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ax = Figure().subplots()
    quantiles = np.array([[1.0, 2.0, 4.0], [1.0, np.inf, np.inf], [1.0, 3.0, np.inf]])
    module.draw(ax, quantiles, "OOM", "said", "k", "o", 0)
    median, arrows = ax.lines
    edge = 4 + 0.06 * 3
    np.testing.assert_allclose(median.get_xdata(), [2, edge, 3])
    np.testing.assert_allclose(arrows.get_xdata(), [edge, edge])
    np.testing.assert_allclose(arrows.get_ydata(), [1, 2])
