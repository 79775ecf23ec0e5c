"""A batch on a Dask cluster: the same runs, and a task that kills its worker is not given again."""

import os
import signal
import sys

import pytest

from simulator.batch import cluster, work
from simulator.batch.engine import run_batch
from simulator.batch.plan import plan
from simulator.batch.store import Store
from simulator.faults import BadInput

distributed = pytest.importorskip("distributed", reason="needs the extra: cluster")
# What a cluster leaves open when its workers are killed is its own affair.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

BATCH = """
name = "small"
base = "base"
seeds = [1, 2, 3, 4]
set = { evidence.sources = "none", sampler.draws = 20, sampler.tune = 20, sampler.chains = 2 }
"""


@pytest.fixture(scope="module")
def address():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", protocol="tcp"
    ) as local:
        yield local.scheduler_address


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "batch.toml"
    path.write_text(BATCH, "utf-8")
    return path


def test_a_batch_on_a_cluster_is_complete(address, file, tmp_path):
    tally = run_batch(file, tmp_path / "out", scheduler=address)
    assert tally.done == 4
    assert Store(tmp_path / "out").runs().keys() == {item.key for item in plan(file).distinct}
    assert tally.peak_mb > 0


def killer(order):
    if order.item["seed"] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return work.Report(order.item["key"], "passed")


@pytest.mark.skipif(sys.platform == "darwin", reason="pickles by name")
def test_a_poisonous_task_fails_alone(file, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "work", killer)
    store = Store(tmp_path / "out")
    store.path.mkdir()
    orders = [work.Order.of(item, store, "base", 1) for item in plan(file).distinct]
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as own,
    ):
        reports = {r.key: r for r in cluster.remote(orders, own.scheduler_address)}
    bad = next(order for order in orders if order.item["seed"] == 2)
    assert {r.key for r in reports.values() if r.status == "error"} == {bad.item["key"]}
    assert reports[bad.item["key"]].kind == "killed"
    assert len(reports) == 4


def test_nobody_there_is_said(file, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "WAIT", "1s")
    with pytest.raises(BadInput, match="does not answer"):
        run_batch(file, tmp_path / "out", scheduler="tcp://127.0.0.1:9")
