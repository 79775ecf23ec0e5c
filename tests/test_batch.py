"""Batches: files and their faults, plans, workers that die, and what a second call leaves alone."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import cli, load_scenario, open_run, seal
from simulator.batch import engine, pool, work
from simulator.batch.engine import run_batch
from simulator.batch.file import flat, read_batch
from simulator.batch.plan import plan
from simulator.batch.store import Store
from simulator.faults import BadInput

HEAD = """
name = "small"
base = "base"
set = { evidence.sources = "none", sampler.draws = 20, sampler.tune = 20, sampler.chains = 2 }
"""
RATIO = """
[[axis]]
name = "ratio belief"
[[axis.level]]
name = "wide"
[[axis.level]]
name = "tight"
set = { "prior.rl_slope.quantiles" = { q05 = 10, q95 = 25 } }
"""
COST = """
[[axis]]
name = "cost"
[[axis.level]]
name = "trend"
set = { structure.cost = "trend" }
[[axis.level]]
name = "staircase"
set = { structure = { cost = "staircase" } }
"""
POISON = """
[[axis.level]]
name = "poison"
set = { "prior.transfer_exponent.quantiles" = { q05 = 0.9, q95 = 0.1 } }
"""


@pytest.fixture
def written(tmp_path):
    def write(text, name="batch.toml"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


def faults_of(path):
    with pytest.raises(BadInput) as error:
        plan(path)
    return error.value.faults


# --- files and plans ------------------------------------------------------------------------------


def test_a_grid_is_every_level_with_every_other(written):
    planned = plan(written("seeds = [1, 2]\n" + HEAD + RATIO + COST))
    assert planned.dims == {
        "ratio belief": ["wide", "tight"], "cost": ["trend", "staircase"], "seed": [1, 2],
    }  # fmt: skip
    places = [tuple(item.at.values()) for item in planned.items]
    assert sorted(places) == sorted(product(*planned.dims.values()))
    assert len({item.key for item in planned.items}) == 8
    tight = next(i for i in planned.items if i.at["ratio belief"] == "tight")
    assert tight.set["prior.rl_slope.quantiles"] == {"q05": 10, "q95": 25}
    assert tight.set["sampler.draws"] == 20


def test_an_item_is_the_scenario_that_run_would_make(written):
    item = plan(written(HEAD + RATIO)).items[1]
    alone = load_scenario("base", item.set)
    assert item.key[:8] == work.outcome.key(alone.digest, item.seed)[:8]
    assert item.seed == alone.sampler.seed


def test_combinations_in_place_of_the_grid(written):
    listed = '[[combination]]\n"ratio belief" = "tight"\ncost = "trend"\n'
    planned = plan(written(HEAD + listed + RATIO + COST))
    assert [item.at for item in planned.items] == [
        {"ratio belief": "tight", "cost": "trend", "seed": 20261001}
    ]


@pytest.mark.parametrize("kind", ["sobol", "latin-hypercube"])
def test_a_design_fills_what_is_believed(written, kind):
    design = f'[design]\nkind = "{kind}"\npoints = 16\nover = ["transfer_exponent", "rl_slope"]\n'
    planned = plan(written(HEAD + design))
    assert [item.at["point"] for item in planned.items] == list(range(16))
    for name, values in planned.points.items():
        belief = load_scenario("base").beliefs[name]
        edges = [belief.quantile(k / 16) for k in range(1, 16)]
        cells = sorted(sum(value > edge for edge in edges) for value in values)
        assert cells == list(range(16)), "one in each sixteenth of the probability"
    assert planned.items[3].set["prior.rl_slope.value"] == planned.points["rl_slope"][3]
    assert plan(written(HEAD + design)).points == planned.points
    other = plan(written(HEAD + design + "seed = 2\n")).points
    assert other != planned.points


def test_what_a_design_fixes_is_correlated_with_nothing(written):
    design = '[design]\nkind = "sobol"\npoints = 2\nover = ["rl_slope"]\n'
    assert load_scenario("base").correlations
    planned = plan(written(HEAD + design))
    assert not planned.faulty
    assert not load_scenario("base", planned.items[0].set).correlations


def test_shapes_are_shared_by_what_differs_in_numbers_only(written):
    text = HEAD.replace('evidence.sources = "none", ', "")
    planned = plan(written(text + RATIO + COST))
    by_cost = {cost: {i.shape for i in planned.items if i.at["cost"] == cost} for cost in
               ("trend", "staircase")}  # fmt: skip
    assert all(len(shapes) == 1 for shapes in by_cost.values())
    assert by_cost["trend"] != by_cost["staircase"]


def test_two_names_for_one_scenario_share_a_run(written):
    same = RATIO + '[[axis.level]]\nname = "as wide"\n'
    planned = plan(written(HEAD + same))
    assert len(planned.items) == 3
    assert len(planned.distinct) == 2


def test_every_fault_of_a_file_at_once(written):
    text = """
name = "not a name"
base = "base"
seeds = [1, 1]
[[axis]]
name = "seed"
[[axis.level]]
name = "a"
set = { structure.cost = "trend" }
[[axis.level]]
name = "a"
[[axis]]
name = "other"
[[axis.level]]
name = "b"
set = { structure = { cost = "staircase" } }
[[combination]]
seed = "c"
fish = "b"
"""
    said = "\n".join(map(str, faults_of(written(text))))
    for part in (
        "name: 'not a name'", "seeds: must not repeat", "'seed' is a dimension",
        "level 'a' stands twice", "combination 1: names no level of 'other'", "'fish' is no axis",
        "'c' is no level", "structure.cost is set by axis 'other' too",
    ):  # fmt: skip
        assert part in said


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name = 1", "must be"),
        ("= 1", "must be TOML"),
        ('name = "x"\nbase = "base"\n[[axis]]\nname = "y"\n', "level"),
        ('name = "x"\nbase = "base"\nfish = 1', "fish: is not a key"),
        ('name = "x"\nbase = "bse"', "did you mean base"),
        ('name = "x"\nbase = "./no.toml"', "does not exist"),
        (HEAD + '[design]\nkind = "sobol"\npoints = 2\nover = ["rl_slop"]', "mean rl_slope"),
        (HEAD + '[design]\nkind = "grid"\npoints = 2\nover = ["rl_slope"]', "design.kind"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(written, text, part):
    assert part in "\n".join(map(str, faults_of(written(text))))


def test_a_base_beside_the_file(written, monkeypatch):
    written('extends = "base"\nname = "mine"\n', "mine.toml")
    path = written(HEAD.replace('"base"', '"./mine.toml"'))
    monkeypatch.chdir("/")
    assert plan(path).items[0].folder.startswith("mine-")
    assert read_batch(path).base == str(path.parent / "mine.toml")


KEYS = st.sampled_from(["structure.cost", "sampler.draws", "sampler.tune", "forecast.today"])


@given(st.dictionaries(KEYS, st.integers()))
def test_a_table_in_a_table_means_the_same_as_a_dotted_key(settings):
    nested = {}
    for key, value in settings.items():
        section, name = key.split(".")
        nested.setdefault(section, {})[name] = value
    assert dict(flat(nested)) == dict(flat(settings)) == settings


def test_a_belief_set_as_a_table_is_set_as_a_whole():
    nested = {
        "prior": {"rl_slope": {"quantiles": {"q05": 1}}},
        "task": {"my task": {"cost_usd": 3}},
    }
    assert dict(flat(nested)) == {
        "prior.rl_slope": {"quantiles": {"q05": 1}},
        "task.my task.cost_usd": 3,
    }


# --- running --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A batch with one poisoned level, run by two workers."""
    folder = tmp_path_factory.mktemp("batch")
    file = folder / "batch.toml"
    file.write_text("seeds = [1, 2]\n" + HEAD + RATIO + POISON, "utf-8")
    return file, folder / "out", run_batch(file, folder / "out", jobs=2)


def test_a_poisoned_level_fails_alone_and_says_why(done):
    _, path, tally = done
    assert (tally.done, tally.faulty) == (4, 2)
    failures = Store(path).failures().values()
    assert {failure["at"]["ratio belief"] for failure in failures} == {"poison"}
    assert all("prior.transfer_exponent" in failure["why"] for failure in failures)


def test_runs_are_sealed_and_are_those_of_run(done, tmp_path):
    file, path, _ = done
    planned = plan(file)
    runs = Store(path).runs()
    assert {item.key for item in planned.distinct} == runs.keys()
    item = planned.distinct[0]
    again = tmp_path / "alone"
    settings = [f"{key}={json.dumps(value).replace(': ', '=').replace('\"', '')}"
                for key, value in item.set.items() if not isinstance(value, dict)]  # fmt: skip
    options = [word for setting in settings for word in ("--set", setting)]
    cli.run(["run", "base", "--seed", str(item.seed), "--into", str(again), *options])
    alone = open_run(next(seal.sealed_in(again)))
    ours = open_run(runs[item.key])
    assert ours.draws["posterior"].dataset.identical(alone.draws["posterior"].dataset) or (
        ours.draws["posterior"].dataset.equals(alone.draws["posterior"].dataset)
    )
    assert ours.forecast.equals(alone.forecast)


def test_a_second_call_runs_nothing(done):
    file, path, _ = done
    before = {p: p.stat().st_mtime_ns for p in path.rglob("*") if "failures" not in p.parts}
    tally = run_batch(file, path, jobs=2)
    assert tally.reports == []
    assert tally.before == 4
    after = {p: p.stat().st_mtime_ns for p in path.rglob("*") if "failures" not in p.parts}
    for file in (path / "plan.json", path):
        before.pop(file, None)
        after.pop(file, None)
    assert after == before


def test_shards_share_the_work_and_limit_stops(written, tmp_path):
    file = written("seeds = [1, 2, 3]\n" + HEAD)
    limited = run_batch(file, tmp_path / "out", jobs=1, limit=1)
    assert len(limited.reports) == 1
    shards = [{i.key for i in plan(file).distinct[k - 1 :: 2]} for k in (1, 2)]
    assert not shards[0] & shards[1]
    for k in (1, 2):
        run_batch(file, tmp_path / "out", jobs=1, shard=(k, 2))
    assert len(Store(tmp_path / "out").runs()) == 3


def test_an_added_level_runs_alone(written, tmp_path):
    run_batch(written(HEAD), tmp_path / "out", jobs=1)
    file = written(HEAD + RATIO)
    assert len(run_batch(file, tmp_path / "out", jobs=1).reports) == 1


def test_a_folder_of_another_batch_is_refused(written, tmp_path):
    run_batch(written(HEAD), tmp_path / "out", limit=0)
    with pytest.raises(BadInput, match="holds the batch 'small'"):
        run_batch(written(HEAD.replace("small", "large")), tmp_path / "out")


def orders(store, file, count=3):
    items = plan(file).distinct[:count]
    store.path.mkdir(exist_ok=True)
    return [work.Order.of(item, store, "base", 1) for item in items]


FAKE = """
import os, sys, time
from simulator.batch import work, worker

def fake(order):
    seed = order.item["seed"]
    if seed == 1:
        os.kill(os.getpid(), {signal})
    if seed == 2:
        raise SystemExit("broken pipe of dreams")
    return work.Report(order.item["key"], "passed")

worker.work = fake
worker.main()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_takes_only_its_own_order(written, tmp_path, monkeypatch, number):
    store = Store(tmp_path / "out")
    asked = orders(store, written("seeds = [1, 2, 3]\n" + HEAD))
    script = tmp_path / "fake.py"
    script.write_text(FAKE.replace("{signal}", str(int(number))), "utf-8")
    monkeypatch.setattr(pool, "WORKER", [sys.executable, str(script)])
    found = {report.key: report for report in pool.local(asked, 2)}
    one, two, three = (found[order.item["key"]] for order in asked)
    assert (one.status, one.kind) == ("error", "killed")
    assert signal.Signals(number).name in one.why
    assert (two.status, two.kind, two.why) == ("error", "crashed", "broken pipe of dreams")
    assert three.status == "passed"
    assert store.failures().keys() == {one.key, two.key}


HANGS = """
import time
from simulator.batch import work, worker

def fake(order):
    if order.item["seed"] == 2:
        time.sleep(600)
    return work.Report(order.item["key"], "passed")

worker.work = fake
worker.main()
"""


def test_a_worker_that_hangs_is_ended_and_takes_only_its_own_order(written, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "AGAIN", 0.05)
    store = Store(tmp_path / "out")
    asked = orders(store, written("seeds = [1, 2, 3]\n" + HEAD))
    script = tmp_path / "fake.py"
    script.write_text(HANGS, "utf-8")
    monkeypatch.setattr(pool, "WORKER", [sys.executable, str(script)])
    minutes = 20 / 60  # for an interpreter to start and two orders to pass, on a busy machine
    found = {report.key: report for report in pool.local(asked, 1, minutes)}
    one, two, three = (found[order.item["key"]] for order in asked)
    assert (one.status, three.status) == ("passed", "passed")
    assert (two.status, two.kind) == ("error", "timed out")
    assert "after 0.333333 minutes" in store.failures()[two.key]["why"]


def test_more_processes_than_processors_are_not_started(monkeypatch):
    monkeypatch.setattr(pool, "processors", lambda: 4)
    assert [pool.processes(jobs) for jobs in (None, 1, 4, 5, 64)] == [4, 1, 4, 4, 4]


def test_an_order_held_by_another_process_waits_for_it(written, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "AGAIN", 0.05)
    store = Store(tmp_path / "out")
    (order,) = orders(store, written(HEAD), 1)
    reports = pool.local([order], 1)
    with store.held(order.item["key"]) as ours:
        assert ours
        assert work.work(order).status == "elsewhere"
    assert next(reports).status in ("passed", "failed")


def test_two_of_the_same_batch_at_once_do_no_harm(written, tmp_path):
    file = written("seeds = [1, 2, 3, 4]\n" + HEAD)
    command = [sys.executable, "-m", "simulator", "batch", "run", str(file), "--jobs", "2",
               "--into", str(tmp_path / "out"), "--json"]  # fmt: skip
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    said = [json.loads(process.communicate()[0]) for process in both]
    assert {process.returncode for process in both} <= {0, 5}
    assert len(Store(tmp_path / "out").runs()) == 4
    assert all(one["done"] == 4 for one in said)
    assert all(open_run(path) for path in Store(tmp_path / "out").runs().values())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_continued_it_ends_complete(written, tmp_path, number):
    """Parents killed again and again, at whatever moment: the workers go with them."""
    file = written("seeds = [1, 2, 3, 4, 5, 6]\n" + HEAD)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "simulator", "batch", "run", str(file), "--jobs", "2",
               "--into", str(out)]  # fmt: skip

    def heed():  # a child of a shell's background job ignores interrupts
        signal.signal(signal.SIGINT, signal.default_int_handler)

    for wait in (0.2, 4.5, 5.5):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=heed)
        time.sleep(wait)
        process.send_signal(number)
        assert process.wait(30) in (-number, 130, 0, 5)
    tally = run_batch(file, out, jobs=2)
    assert tally.done == 6
    runs = Store(out).runs()
    assert runs.keys() == {item.key for item in plan(file).distinct}
    assert all(open_run(path) for path in runs.values())
    deadline = time.monotonic() + 20
    while (left := list(out.glob(".*partial*"))) and time.monotonic() < deadline:
        seal.sweep(out)
        time.sleep(0.2)
    assert not left


def test_a_full_disk_stops_it_with_one_line(written, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, os.strerror(28), "draws.nc")

    store = Store(tmp_path / "out")
    (order,) = orders(store, written(HEAD), 1)
    monkeypatch.setattr("simulator.pipeline.simulate", full)
    report = work.work(order)
    assert (report.status, report.kind) == ("stop", "disk")
    assert "No space left" in report.why
    assert not store.failures()


def test_a_scenario_that_changed_since_it_was_planned_is_not_run(written, tmp_path):
    store = Store(tmp_path / "out")
    (order,) = orders(store, written(HEAD), 1)
    changed = order._replace(item=order.item | {"set": {"evidence.sources": "none"}})
    report = work.work(changed)
    assert (report.status, report.kind) == ("error", "bad input")
    assert "has changed since" in report.why


def test_a_damaged_run_is_reported_and_not_replaced(written, tmp_path):
    store = Store(tmp_path / "out")
    (order,) = orders(store, written(HEAD), 1)
    folder = store.path / f"{order.item['scenario']}-{order.item['key']}"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}", "utf-8")
    report = work.work(order)
    assert (report.status, report.kind) == ("error", "damaged")
    assert list(folder.iterdir()) == [folder / "manifest.json"]


# --- commands -------------------------------------------------------------------------------------


def test_commands_from_check_to_status(written, tmp_path, capsys):
    file = written(HEAD + RATIO + POISON)
    assert cli.run(["batch", "check", str(file), "--json"]) == 2
    checked = json.loads(capsys.readouterr().out)
    assert (checked["scenarios"], checked["to_sample"]) == (3, 2)
    assert checked["estimate"]["minutes"] > 0
    assert cli.run(["batch", "run", str(file), "--into", str(tmp_path / "out"), "--jobs", "1"]) == 5
    assert "bad input" in capsys.readouterr().out


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_shard_that_is_none_is_refused(written, shard, capsys):
    assert cli.run(["batch", "run", str(written(HEAD)), "--shard", shard]) == 2
    assert "--shard" in capsys.readouterr().err


def test_the_default_folder_is_named_after_the_batch(written, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["batch", "run", str(written(HEAD)), "--limit", "0"]) == 0
    assert Path("runs/small/plan.json").exists()
    assert "1 left to do" in capsys.readouterr().out


LEVELS = """
[[axis]]
name = "transfer"
level = [
    { name = "base" },
    { name = "low", set = { "prior.transfer_exponent.quantiles" = { q05 = 0.2, q95 = 0.6 } } },
    { name = "far", set = { "prior.rl_slope.quantiles" = { q05 = 300, q95 = 400 } } },
]
"""


def test_reweighting_serves_where_it_can_and_sampling_elsewhere(written, tmp_path):
    free = 'name = "small"\nbase = "base"\nset = { evidence.sources = "none" }\n'
    file = written(free + LEVELS)
    tally = run_batch(file, tmp_path / "out", jobs=1, reweight=True)
    at = {item.key: item.at["transfer"] for item in plan(file).items}
    kinds = {at[report.key]: report.kind for report in tally.reports}
    assert kinds == {"base": "", "low": "reweighted", "far": ""}
    assert tally.failed == 0
    sampled = run_batch(file, tmp_path / "again", jobs=1)
    assert sampled.failed == 0
    for key, path in Store(tmp_path / "out").runs().items():
        again = open_run(Store(tmp_path / "again").runs()[key])
        run = open_run(path)
        assert run.forecast.equals(again.forecast)  # what moves, moves exactly
        if at[key] == "low":
            assert [*run.record["reweighted"]["changes"]] == ["prior.transfer_exponent"]


def test_one_in_so_many_is_sampled_and_serves_those_listed_near(written):
    """Twenty scenarios, ten per seed: of each ten two are sampled; what is done stays done."""
    free = 'name = "small"\nbase = "base"\nset = { evidence.sources = "none" }\nseeds = [1, 2]\n'
    lows = "".join(
        f"    {{ name = '{i}', set = {{ prior.transfer_exponent.quantiles = "
        f"{{ q05 = 0.{20 + i}, q95 = 0.9 }} }} }},\n"
        for i in range(10)
    )
    planned = plan(written(f"{free}[[axis]]\nname = 'low'\nlevel = [\n{lows}]\n"))
    items = planned.distinct
    firsts, rest = engine._phases(items, items, planned, done=())
    kinds = {item.kind for item in items}
    assert (len(items), len(kinds), len(firsts), len(rest)) == (20, 2, 4, 16)
    assert all(parents == () for _, parents in firsts)
    at = {item.folder: (item.kind, int(item.at["low"])) for item in items}
    for item, parents in rest:
        kind, number = at[item.folder]
        assert {at[parent][0] for parent in parents} == {kind}
        assert [at[parent][1] for parent in parents] == ([0, 8] if number <= 4 else [8, 0])
    done = {firsts[0][0].key, rest[0][0].key}
    missing = [item for item in items if item.key not in done]
    again, others = engine._phases(missing, items, planned, done)
    assert [item for item, _ in again] == [item for item, _ in firsts[1:]]
    assert rest[0][0].folder in {parent for _, parents in others for parent in parents}
