"""A batch read back: every number where its scenario says, in every format, and what is missing."""

import itertools
import json
import os
import shutil
import unicodedata
from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from made import SHAPE, dataset, forecast, seal

from simulator import BadInput, Damaged, open_batch, open_run
from simulator.batch import reading
from simulator.batch.collect import collect
from simulator.batch.grid import FIGURES, TAKEN, names
from simulator.batch.status import print_status, status

AXES = {"ratio belief": ["tight", "wide"], "structure": ["logit", "linear"], "seed": [1, 2]}
ROOT = {"name": "my-sweep", "base": "base", "format": 1}
HOSTILE = [
    "../x",
    "=cmd()",
    'it\'s "quoted"',
    "größe / 温度",
    "task",
    "quantile",
    "TASK",
    "1st",
    ".",
]


def outputs(seed):
    """A multiplier of two benchmarks, and years of which a share by seed is infinite."""
    z = np.random.default_rng(seed).standard_normal(SHAPE)
    years = np.where(z > 1.5 - 0.5 * seed, np.inf, np.exp(z))
    return forecast(seed + z, years, ("new", "aime"))


def plan(path, dims=AXES, at=None, points=None):
    """A batch folder with nothing in it but its plan: the full grid, or the combinations `at`."""
    path.mkdir()
    each = [dict(zip(dims, c, strict=True)) for c in at or itertools.product(*dims.values())]
    items = [
        {"key": f"{i:016x}", "at": one, "set": {}, "seed": one.get("seed", i)}
        for i, one in enumerate(each)
    ]
    written = ROOT | {"dims": dims, "points": points or {}, "items": items}
    (path / "plan.json").write_text(json.dumps(written))
    return items


def run_item(path, item, seed=None, **made):
    """The sealed run of an item, under its name in the batch."""
    seed = int(item["key"], 16) + 1 if seed is None else seed
    run = seal(path, seed, **({"outputs": outputs(seed)} | made))
    final = path / f"base-{item['key']}"
    run.path.rename(final)
    return open_run(final)


def fail(path, item, kind="crashed", why="signal 9"):
    (path / "failures").mkdir(exist_ok=True)
    record = {"key": item["key"], "at": item["at"], "kind": kind, "why": why, "when": "2026-11-22"}
    (path / "failures" / f"{item['key']}.json").write_text(json.dumps(record))


def flip(file, at=None):
    """Change one bit of a sealed file, by default in the middle."""
    file.chmod(0o644)
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2 if at is None else at] ^= 1
    file.write_bytes(raw)


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A grid of eight: six runs, one of them with failed checks, a crash, and one not run yet."""
    path = tmp_path_factory.mktemp("batches") / "sweep"
    items = plan(path)
    for item in items[:6]:
        run_item(path, item, passed=item is not items[2])
    fail(path, items[6])
    return path, items


@pytest.fixture
def copied(batch, tmp_path):
    """A batch of one's own to damage."""
    path, items = batch
    return shutil.copytree(path, tmp_path / "own"), items


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


def differing(tree, path, items, axes=AXES):
    """How many figures of the runs in a batch are not those of the tree, infinities included."""
    wrong = seen = 0
    found = {axis: name for axis, name in names(axes).items()}
    for item in items:
        if not (path / f"base-{item['key']}").exists():
            continue
        run = open_run(path / f"base-{item['key']}")
        at = {found[axis]: level for axis, level in item["at"].items()}
        for row in run.rows:
            cell = at | row["coords"]
            group = run.forecast if row["quantity"] in run.forecast else run.draws["posterior"]
            draws = np.sort(group[row["quantity"]].sel(row["coords"]).values.ravel())
            q = tree["quantiles"][row["quantity"]].sel(cell)
            wanted = [draws[int(np.ceil(p * draws.size)) - 1] for p in q["quantile"].values]
            if np.isfinite(draws).all():
                wanted = np.quantile(draws, q["quantile"].values)
            wrong += (q.values != wanted).sum()
            for figure in FIGURES[5:]:
                value = float(tree[figure][row["quantity"]].sel(cell))
                told = np.nan if row[figure] is None else row[figure]
                wrong += not np.array_equal(value, told, equal_nan=True)
                seen += 1
    assert seen
    return int(wrong)


def test_every_figure_stands_where_its_scenario_says(batch):
    path, items = batch
    tree = open_batch(path)
    axes = {"ratio_belief": 2, "structure": 2, "seed": 2}
    sizes = tree["quantiles"]["required_rl_multiplier_oom"].sizes
    assert sizes == axes | {"quantile": 5, "inference_factor": 1, "benchmark": 2, "algorithm": 2}
    assert differing(tree, path, items) == 0
    infinite = tree["prob_infinite"]["years_to_threshold"]
    assert np.isposinf(tree["quantiles"]["years_to_threshold"]).any()
    assert float(infinite.min()) < 0.5 < float(infinite.max())


def test_negative_control_numbers_in_another_place_are_noticed(batch):
    path, items = batch
    tree = open_batch(path)
    rolled = tree.map_over_datasets(
        lambda ds: ds.roll(structure=1) if "structure" in ds.dims else ds
    )
    assert differing(rolled, path, items) > 100
    tree["quantiles"]["slope_ratio"].values[0, 0, 0, 2] *= 1 + 1e-12
    assert differing(tree, path, items) == 1


def test_what_is_missing_is_nan_and_says_why(batch):
    path, _ = batch
    tree = open_batch(path)
    there = tree["quantiles"]["slope_ratio"].notnull().all("quantile")
    told = tree["status"]["status"].stack(item=("ratio_belief", "structure", "seed"))
    expected = ["passed", "passed", "failed", "passed", "passed", "passed", "crashed", "missing"]
    assert told.values.tolist() == expected
    np.testing.assert_array_equal(there.values.ravel(), np.arange(8) < 6)
    assert tree["status"]["why"].values.ravel()[[2, 6]].tolist() == [
        "checks failed: by_hand",
        "signal 9",
    ]
    trusted = tree["quantiles"]["slope_ratio"].where(tree["status"]["status"] == "passed")
    assert int(trusted.notnull().sum()) == 5 * 5


# null at 5 levels, P(infinite) -> what it stands for
NULLS = [
    ([1, 2, 3, 4, None], 0.06, [1, 2, 3, 4, np.inf]),
    ([1, None, None, None, None], 0.9, [1] + 4 * [np.inf]),
    ([None, 2, 3, 4, 5], 0.06, [-np.inf, 2, 3, 4, 5]),
    ([None, 2, 3, 4, None], 0.12, [-np.inf, 2, 3, 4, np.inf]),
    (5 * [None], 1.0, 5 * [np.inf]),
    (5 * [None], 0.3, 5 * [np.nan]),
    (5 * [None], 0.0, 5 * [np.nan]),
]


@pytest.mark.parametrize(("quantiles", "infinite", "expected"), NULLS)
def test_null_stands_for_what_it_was(quantiles, infinite, expected):
    row = dict.fromkeys(FIGURES) | dict(zip(FIGURES, quantiles, strict=False))
    figures = reading._figures([row | {"prob_infinite": infinite}])
    np.testing.assert_array_equal(figures[0, :5], expected)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 60), st.integers(0, 60), st.booleans())
def test_null_is_infinite_for_any_share_of_infinite_draws(finite, infinite, not_a_number):
    from simulator import summary

    draws = np.r_[np.arange(finite), np.full(infinite, np.inf), [np.nan] * not_a_number]
    q = summary.quantiles(draws)
    row = dict.fromkeys(FIGURES) | {k: v if np.isfinite(v) else None for k, v in q.items()}
    found = reading._figures([row | {"prob_infinite": np.isinf(draws).mean()}])[0, :5]
    if not (not_a_number and np.isinf(draws).mean() >= 0.95):
        np.testing.assert_array_equal(found, [*q.values()])


# --- shapes of batches ----------------------------------------------------------------------------


def test_combinations_that_are_not_planned_are_holes(tmp_path):
    at = [("tight", "logit", 1), ("wide", "linear", 2)]
    items = plan(tmp_path / "b", at=at)
    for item in items:
        run_item(tmp_path / "b", item)
    tree = open_batch(tmp_path / "b")
    assert differing(tree, tmp_path / "b", items) == 0
    assert int((tree["status"]["status"] == "not planned").sum()) == 6
    assert int(tree["quantiles"]["slope_ratio"].notnull().sum()) == 2 * 5


def test_mostly_holes_are_one_dimension_of_scenarios(tmp_path):
    dims = {f"axis {i}": [*range(10)] for i in range(6)}
    items = plan(tmp_path / "b", dims, [(i, 0, 0, 0, 0, 9 - i) for i in range(5)])
    runs = [run_item(tmp_path / "b", item) for item in items]
    q = open_batch(tmp_path / "b")["quantiles"].to_dataset()
    assert q.sizes["scenario"] == 5
    assert q["axis_0"].dims == ("scenario",)
    assert q["axis_5"].values.tolist() == [9, 8, 7, 6, 5]
    row = next(row for row in runs[3].rows if row["quantity"] == "slope_ratio")
    assert q["slope_ratio"].set_xindex("axis_0").sel(axis_0=3, quantile=0.5) == row["q50"]


def test_points_of_a_design_have_their_values_as_coordinates(tmp_path):
    dims, points = {"point": [0, 1, 2], "seed": [5]}, {"slope_ratio": [0.3, 0.5, 0.7]}
    for item in plan(tmp_path / "b", dims, points=points):
        run_item(tmp_path / "b", item)
    q = open_batch(tmp_path / "b")["quantiles"].to_dataset()
    assert q["point_slope_ratio"].dims == ("point",)
    assert q["slope_ratio"].sel(point=1, quantile=0.5).coords["point_slope_ratio"] == 0.5
    import pandas as pd

    table = pd.read_parquet(collect(tmp_path / "b"))
    assert table.loc[table["point"] == 2, "point_slope_ratio"].eq(0.7).all()


def test_structures_with_other_outputs_and_labels_are_joined(tmp_path):
    items = plan(tmp_path / "b", {"structure": ["one", "other"]})
    z = np.random.default_rng(1).standard_normal(SHAPE)
    one = forecast(z, benchmarks=("new", "aime")).assign_coords(threshold=[500.0])
    other = forecast(z, benchmarks=("math", "new")).assign_coords(threshold=[20.0])
    newest = dataset(newest_price_oom=(("date",), z[..., None]))
    date = np.array(["2028-10-01"], "datetime64[ns]")
    other = other.merge(newest.assign_coords(date=date))
    run_item(tmp_path / "b", items[0], outputs=one)
    run_item(tmp_path / "b", items[1], outputs=other)
    tree = open_batch(tmp_path / "b", draws=10)
    q = tree["quantiles"]
    assert q["benchmark"].values.tolist() == ["new", "aime", "math"]
    assert q["threshold"].values.tolist() == [20.0, 500.0]
    assert q["date"].dtype.kind == "M"
    assert q["newest_price_oom"].isnull().sel(structure="one").all()
    m = q["required_rl_multiplier_oom"].sel(quantile=0.5, algorithm="today", inference_factor=100)
    assert m.isnull().values.tolist() == [[False, False, True], [False, True, False]]
    assert (m.sel(benchmark="new") == [np.median(z) / 2, np.median(z + 1) / 2]).all()
    kept = tree["predictions"]["required_rl_multiplier_oom"].sel(
        structure="other", algorithm="today"
    )
    every = np.linspace(0, SHAPE[1] - 1, 10).round().astype(int)
    np.testing.assert_array_equal(kept.sel(benchmark="math")[..., 0], z[:, every] / 2)


@pytest.mark.parametrize("dims", [AXES, {"seed": []}, {}])
def test_a_batch_in_which_nothing_has_run(tmp_path, dims):
    items = plan(tmp_path / "b", dims)
    tree = open_batch(tmp_path / "b", draws=3)
    assert tree["status"]["status"].size == len(items)
    assert set(tree["status"]["status"].values.ravel().tolist()) <= {"missing"}
    assert not tree["quantiles"].data_vars
    assert status(tmp_path / "b")["counts"]["missing"] == len(items)
    for format in ("netcdf", "zarr", "parquet"):
        assert collect(tmp_path / "b", format, draws=3).exists()
    import pandas as pd

    assert len(pd.read_parquet(tmp_path / "b" / "collected" / "quantiles.parquet")) == 0
    assert len(pd.read_parquet(tmp_path / "b" / "collected" / "draws.parquet")) == 0


# --- damage ---------------------------------------------------------------------------------------


DAMAGE = [(name, how, None) for name in ("summary.json", "manifest.json", "record.json")
          for how in (flip, Path.unlink)]  # fmt: skip
DAMAGE += [(name, Path.unlink, 5) for name in ("draws.nc", "forecast.nc")]


@pytest.mark.parametrize(("name", "how", "draws"), DAMAGE)
def test_a_damaged_run_is_left_out_and_says_so(copied, name, how, draws):
    path, items = copied
    run = path / f"base-{items[1]['key']}"
    run.chmod(0o755)
    how(run / name)
    tree = open_batch(path, draws)
    at = {"ratio_belief": "tight", "structure": "logit", "seed": 2}
    told = tree["status"].to_dataset().sel(at)
    assert told["status"] == "damaged"
    assert name in str(told["why"].values)
    assert tree["quantiles"]["slope_ratio"].sel(at).isnull().all()
    assert int((tree["status"]["status"] == "passed").sum()) == 4


def test_any_flipped_number_among_the_draws_is_noticed(copied):
    path, items = copied
    file = path / f"base-{items[0]['key']}" / "forecast.nc"
    whole = open_batch(path, draws=250)["predictions"]["years_to_threshold"]
    rng = np.random.default_rng(1)
    raw = file.read_bytes()
    noticed = 0
    for at in rng.choice(len(raw), 40, replace=False):
        flip(file, at)
        tree = open_batch(path, draws=250)
        if tree["status"]["status"].values[0, 0, 0] == "damaged":
            noticed += 1
            assert tree["predictions"]["years_to_threshold"].isel({"ratio_belief": 0,
                "structure": 0, "seed": 0}).isnull().all()  # fmt: skip
        else:  # a bit that no number depends on
            xr.testing.assert_identical(tree["predictions"]["years_to_threshold"], whole)
        file.write_bytes(raw)
    assert noticed > 10


def test_a_run_without_manifest_and_a_record_that_is_torn_are_said(copied):
    path, items = copied
    (path / f"base-{items[7]['key']}").mkdir()
    (path / "failures" / f"{items[6]['key']}.json").write_text("{")
    found = status(path)
    assert found["counts"]["damaged"] == 1
    assert found["counts"]["failed to run"] == 1


OUTSIDE = {"dims": {"a": [1]}, "points": {}, "items": [{"key": "0", "at": {"a": 2}}]}


@pytest.mark.parametrize("written", ["{", "[]", "{}", ROOT | OUTSIDE, ROOT | {"format": 2}])
def test_a_plan_that_cannot_be_used_is_damage(tmp_path, written):
    text = written if isinstance(written, str) else json.dumps(written)
    (tmp_path / "plan.json").write_text(text)
    for read in (status, open_batch, collect):
        with pytest.raises(Damaged, match=r"plan\.json"):
            read(tmp_path)


def test_bad_input_is_said_before_any_work(batch, tmp_path):
    path, _ = batch
    with pytest.raises(BadInput, match=r"plan\.json"):
        status(tmp_path)
    with pytest.raises(BadInput) as all_at_once:
        collect(path, "parkay", draws=0)
    assert len(all_at_once.value.faults) == 2
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="not a folder"):
        collect(path, out=tmp_path / "file")


# --- files ----------------------------------------------------------------------------------------


def opened(file):
    if file.suffix == ".nc":
        return xr.open_datatree(file, engine="netcdf4")
    zarr = pytest.importorskip("zarr")
    with zarr.config.set({"array.read_missing_chunks": False}):
        return xr.open_datatree(file, engine="zarr", consolidated=False).load()


@pytest.mark.parametrize("format", ["netcdf", "zarr"])
def test_a_collected_tree_is_the_tree(batch, tmp_path, format):
    path, items = batch
    file = collect(path, format, draws=7, out=tmp_path)
    tree = opened(file)
    fresh = open_batch(path, draws=7)
    for name, group in fresh.children.items():
        xr.testing.assert_equal(group.to_dataset(), tree[name].to_dataset())
    assert tree["quantiles"]["ratio_belief"].attrs["label"] == "ratio belief"
    assert differing(tree, path, items) == 0
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_collected_netcdf_is_read_lazily_until_the_batch_goes_on(copied):
    path, items = copied
    file = collect(path, "netcdf", draws=7)
    tree = open_batch(path, draws=7)
    source = tree["posterior"]["slope_ratio"].encoding["source"]
    assert source == str(file)
    assert not tree["posterior"]["slope_ratio"].variable._in_memory
    for _ in range(3):
        again = open_batch(path)  # another close while one is open would crash the library
        assert "posterior" in again.children  # what is there for nothing
        again.close()
    assert open_batch(path, draws=8)["posterior"].sizes["draw"] == 8
    run_item(path, items[7])
    fresh = open_batch(path, draws=7)
    assert "source" not in fresh["posterior"]["slope_ratio"].encoding
    assert differing(fresh, path, items) == 0
    assert collect(path, "netcdf", draws=7) == file  # while the older one is still open
    assert open_batch(path, draws=7)["posterior"]["slope_ratio"].encoding["source"] == str(file)
    assert tree["posterior"]["slope_ratio"].isnull().any()
    file.unlink()
    file.write_bytes(b"torn")
    assert differing(open_batch(path), path, items) == 0


def test_parquet_is_what_every_reader_reads(batch, tmp_path):
    import pandas as pd
    import pyarrow.parquet as pq

    path, items = batch
    file = collect(path, "parquet", draws=7, out=tmp_path)
    table = pd.read_parquet(file)
    tree = open_batch(path, draws=7)
    assert len(table) == 6 * len(open_run(path / f"base-{items[0]['key']}").rows)
    for _, row in table.iterrows():
        at = {k: row[k] for k in ("ratio_belief", "structure", "seed")}
        dims = tree["prob_infinite"][row["quantity"]].dims[3:]
        cell = tree["quantiles"][row["quantity"]].sel(at | {dim: row[dim] for dim in dims})
        np.testing.assert_array_equal(cell.values, row[[*FIGURES[:5]]].astype(float))
    assert set(table.loc[table["seed"] == 1, "status"]) == {"passed", "failed"}
    said = json.loads(pq.read_schema(file).metadata[b"simulator"])
    assert said["name"] == "my-sweep"
    assert said["digest"] == tree.attrs["digest"]
    assert pq.read_schema(file).field("ratio_belief").metadata == {b"label": b"ratio belief"}
    draws = pd.read_parquet(tmp_path / "draws.parquet")
    kept = tree["posterior"]["slope_ratio"].sel(ratio_belief="wide", structure="logit", seed=2)
    ours = draws.query("ratio_belief == 'wide' and structure == 'logit' and seed == 2")
    np.testing.assert_array_equal(ours["slope_ratio"], kept.values.ravel())
    assert np.isinf(draws["years_to_threshold[a task, 500.0]"]).any()
    assert len(pd.read_parquet(tmp_path / "status.parquet")) == 8
    collect(path, "parquet", out=tmp_path)
    assert not (tmp_path / "draws.parquet").exists()


def test_parquet_in_polars(batch, tmp_path):
    polars = pytest.importorskip("polars")
    table = polars.read_parquet(collect(batch[0], out=tmp_path))
    ratio = table.filter((polars.col("quantity") == "slope_ratio") & (polars.col("seed") == 2))
    assert ratio.height == 3
    infinite = table.filter(polars.col("q95").is_infinite())
    assert (infinite["prob_infinite"] >= 0.05).all()


def test_parquet_in_duckdb(batch, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    file = collect(batch[0], out=tmp_path)
    query = f"""select q.ratio_belief, count(*) from '{file}' q join '{tmp_path}/status.parquet'
                using (key) where quantity = 'slope_ratio' group by 1 order by 1"""
    assert duckdb.sql(query).fetchall() == [("tight", 4), ("wide", 2)]


@pytest.mark.parametrize("format", ["netcdf", "zarr", "parquet"])
def test_an_older_file_stays_until_a_new_one_is_whole(copied, format, monkeypatch):
    path, _ = copied
    file = collect(path, format)
    before = sorted((p.name, p.stat().st_mtime_ns) for p in file.parent.rglob("*"))

    def full(*arguments, **named):
        arguments[0 if isinstance(arguments[0], Path) else 1].write_text("half")
        raise OSError(28, "No space left on device")

    target = {"netcdf": "xarray.DataTree.to_netcdf", "zarr": "xarray.DataTree.to_zarr",
              "parquet": "simulator.batch.parquet.write_status"}[format]  # fmt: skip
    monkeypatch.setattr(target, full)
    with pytest.raises(OSError, match="No space"):
        collect(path, format)
    assert sorted((p.name, p.stat().st_mtime_ns) for p in file.parent.rglob("*")) == before
    monkeypatch.undo()
    assert collect(path, format) == file
    assert not [name for name in os.listdir(file.parent) if name.startswith(".")]


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["netcdf", "zarr", "parquet"])
def test_hostile_names_and_levels_survive_every_format(tmp_path, format):
    dims = {name: [f"{name} level", "=1+1\n' or 1=1"] for name in HOSTILE}
    at = [[levels[i] for levels in dims.values()] for i in (0, 1)]
    items = plan(tmp_path / "b", dims, at)
    for item in items:
        run_item(tmp_path / "b", item)
    assert differing(open_batch(tmp_path / "b"), tmp_path / "b", items, dims) == 0
    file = collect(tmp_path / "b", format, draws=2)
    assert {p.name for p in tmp_path.iterdir()} == {"b"}
    if format == "parquet":
        import pyarrow.parquet as pq

        schema = pq.read_schema(file)
        labels = {schema.field(n).metadata[b"label"].decode() for n in names(HOSTILE).values()}
        assert labels == {*HOSTILE}
        column = names(HOSTILE)["=cmd()"]
        assert set(pq.read_table(file)[column].to_pylist()) == {*dims["=cmd()"]}
    else:
        tree = opened(file)
        assert {c.attrs["label"] for n, c in tree["status"].coords.items()} == {*HOSTILE}
        assert differing(tree, tmp_path / "b", items, dims) == 0
    print_status(status(tmp_path / "b"))


@given(st.lists(st.text(max_size=80) | st.sampled_from(sorted(TAKEN)), unique=True, max_size=8))
def test_names_are_plain_free_and_told_apart_by_any_reader(labels):
    found = names(labels)
    assert [*found] == labels
    plain = [name.casefold() for name in found.values()]
    assert len({*plain}) == len(plain)
    assert not {*plain} & {name.casefold() for name in TAKEN}
    for name in found.values():
        assert all(c == "_" or unicodedata.category(c)[0] in "LN" for c in name), name
        assert 0 < len(name) <= 80


# --- ArviZ ----------------------------------------------------------------------------------------


def test_arviz_reads_the_draws_over_scenarios(batch):
    tree = open_batch(batch[0], draws=50)
    whole = tree.sel(ratio_belief="tight")
    table = az.summary(whole, var_names=["slope_ratio"])
    assert len(table) == 4
    plot = az.plot_forest(tree, var_names=["slope_ratio"], backend="matplotlib")
    assert plot is not None
    predicted = az.plot_forest(
        whole, group="predictions", var_names=["required_rl_multiplier_oom"], backend="matplotlib"
    )
    assert predicted is not None


def test_a_real_run_fills_its_cell(base_run, tmp_path):
    items = plan(tmp_path / "b", {"who": ["we"]})
    shutil.copytree(base_run.path, tmp_path / "b" / f"base-{items[0]['key']}")
    assert {*base_run.forecast.dims} <= TAKEN
    tree = open_batch(tmp_path / "b", draws=100)
    rows = [row for row in base_run.rows if row["quantity"] in base_run.forecast]
    assert {row["quantity"] for row in base_run.rows} == {*tree["quantiles"].data_vars}
    for row in rows:
        cell = tree["quantiles"][row["quantity"]].sel(row["coords"] | {"who": "we"})
        np.testing.assert_array_equal(cell, reading._figures([row])[0, :5])
    every = np.linspace(0, base_run.forecast.sizes["draw"] - 1, 100).round().astype(int)
    for name, output in base_run.forecast.items():
        kept = tree["predictions"][name].sel(who="we", drop=True)
        wanted = output.isel(draw=every).assign_coords(draw=np.arange(100))
        xr.testing.assert_equal(kept.reindex_like(wanted), wanted)  # numbers are in order here
    az.plot_forest(tree, var_names=["slope_ratio"], backend="matplotlib")


# --- status ---------------------------------------------------------------------------------------


def test_status_counts_and_groups_equal_reasons(copied, monkeypatch, capsys):
    path, items = copied
    fail(path, items[7])
    found = status(path)
    json.dumps(found)
    counts = {"passed": 5, "failed": 1, "damaged": 0, "missing": 0, "crashed": 2}
    assert found["counts"] == counts
    assert found["total"] == sum(counts.values())
    assert [(r["status"], r["count"]) for r in found["reasons"]] == [("crashed", 2), ("failed", 1)]
    assert [axis["axis"] for axis in found["axes"]] == [*AXES]
    wide = found["axes"][0]["levels"][1]
    assert (wide["level"], wide["counts"]["passed"], wide["counts"]["crashed"]) == ("wide", 2, 2)
    runs = [p for p in path.iterdir() if p.name.startswith("base-")]
    manifests = sum((run / "manifest.json").stat().st_size for run in runs)
    on_disk = sum(p.stat().st_size for run in runs for p in run.iterdir())
    assert found["disk_bytes"] == on_disk - manifests
    monkeypatch.setattr("simulator.tables.width", lambda: 80)
    fail(path, items[7], "bad input", "x" * 300 + "\x1b[31m")
    print_status(status(path))
    said = capsys.readouterr().out
    assert "\x1b[31m" not in said
    assert max(map(len, said.splitlines())) <= 80 + 9  # with the codes of a style


def test_a_run_made_after_a_failure_counts(copied):
    path, items = copied
    run_item(path, items[6])
    assert "crashed" not in status(path)["counts"]


def test_a_thousand_runs(tmp_path):
    path, dims = tmp_path / "b", {"seed": [*range(100)], "level": [*range(10)]}
    items = plan(path, dims)
    first = run_item(path, items[0])
    for item in items[1:]:
        (path / f"base-{item['key']}").mkdir()
        for file in first.path.iterdir():
            os.link(file, path / f"base-{item['key']}" / file.name)
    assert status(path)["counts"]["passed"] == 1000
    medians = open_batch(path)["quantiles"]["slope_ratio"].sel(quantile=0.5)
    assert (medians == medians[0, 0]).all()
    for format in ("parquet", "netcdf", "zarr"):
        assert collect(path, format).exists()
