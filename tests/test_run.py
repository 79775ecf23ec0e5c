"""What a sealed run promises to whoever opens it."""

import errno
import json
import os
import shutil
import stat

import numpy as np
import pytest
import xarray as xr

from simulator import Damaged, load_scenario, open_run, simulate, tables
from simulator import outcome as sealing
from simulator.quantities import BELIEFS, OUTPUTS
from simulator.run import runs_in

GROUPS = {
    "prior",
    "prior_predictive",
    "posterior",
    "unconstrained_posterior",
    "posterior_predictive",
    "sample_stats",
    "log_prior",
    "log_likelihood",
    "observed_data",
    "constant_data",
}
FILES = {
    "manifest.json",
    "scenario.toml",
    "draws.nc",
    "forecast.nc",
    "summary.json",
    "beliefs.json",
    "checks.json",
    "predictive.json",
    "record.json",
    "sources.json",
}
DIMS = {
    "required_rl_multiplier_oom": ("inference_factor", "benchmark", "algorithm"),
    "cost_decline_factor_by_age": ("age",),
    "task_cost_oom_usd": ("task", "date"),
    "years_to_threshold": ("task", "threshold"),
    "decline_split": ("date", "component"),
    "newest_price_oom": ("date",),
    "recipe_compute_oom": ("family", "score"),
    "baseline_compute_factor": ("family", "score"),
    "break_even_uses_oom": ("inference_factor", "algorithm", "decision_date"),
    "persistence_years": ("inference_factor",),
}
OF_EVIDENCE = {"recipe_compute_oom", "baseline_compute_factor"}  # nothing to say without recipes
USED = {k: q for k, q in BELIEFS.items() if load_scenario("base").structure.uses(q)}
QUICK = {"evidence.sources": "none", "sampler.draws": 20}


@pytest.fixture(scope="module")
def opened(base_run):
    return open_run(base_run.path)


@pytest.fixture
def copy(base_run, tmp_path):
    """A copy of the sealed run that may be damaged."""
    path = tmp_path / base_run.path.name
    shutil.copytree(base_run.path, path)
    path.chmod(0o700)
    return path


# --- contents -------------------------------------------------------------------------------------


def test_the_base_run_passes_and_says_what_it_is(opened):
    assert opened.passed
    assert (opened.scenario, opened.seed) == ("base", load_scenario("base").sampler.seed)
    assert opened.id == opened.path.name
    assert opened.checks
    assert all(check.passed for check in opened.checks.values())


def test_draws_hold_every_group_of_the_schema(opened):
    assert set(opened.draws.children) == GROUPS
    posterior = opened.draws["posterior"]
    assert dict(posterior.sizes).items() >= {"chain": 4, "draw": 1000}.items()
    for variable in posterior.data_vars.values():
        assert variable.dims[:2] == ("chain", "draw")


def test_every_belief_in_use_is_in_the_posterior_with_unit_and_meaning(opened):
    posterior = opened.draws["posterior"]
    assert BELIEFS.keys() & posterior.data_vars.keys() == USED.keys()
    for name, quantity in USED.items():
        assert posterior[name].attrs["units"] == quantity.unit
        assert posterior[name].attrs["long_name"] == quantity.meaning


def test_the_third_slope_follows_from_the_other_two(opened):
    posterior = opened.draws["posterior"]
    product = posterior["slope_ratio"] * posterior["inference_slope"]
    np.testing.assert_allclose(posterior["rl_slope"], product, rtol=1e-12)


def test_observed_data_are_the_rows_of_the_evidence(opened):
    rows = load_scenario("base").evidence.rows("cost_records")
    observed = opened.draws["observed_data"]
    series = {row["series"] for row in rows}  # the first record of each is where it starts
    assert observed["record_fall_oom"].size == len(rows) - len(series)
    assert int(observed["records_in_quarter"].sum()) == len(rows) - len(series)


def test_the_forecast_has_the_stated_dimensions_units_and_no_nan(opened):
    for name, output in opened.forecast.data_vars.items():
        assert output.dims == ("chain", "draw", *DIMS[name])
        assert output.attrs["units"] == OUTPUTS[name].unit
        assert not np.isnan(output).any()
    assert opened.forecast.data_vars.keys() == DIMS.keys()
    assert opened.forecast["date"].dtype.kind == "M"


def test_the_summary_has_one_row_per_number_and_no_mean(opened):
    table = opened.summary()
    assert list(table.columns) == [
        "quantity",
        "unit",
        "coords",
        *("q05", "q25", "q50", "q75", "q95"),
        *("mcse_q50", "ess_bulk", "ess_tail", "r_hat", "prob_infinite"),
    ]
    elements = sum(v.isel(chain=0, draw=0).size for v in opened.forecast.data_vars.values())
    assert len(table) == elements + len(USED)


def test_summary_quantiles_are_those_of_the_draws(opened):
    where = {"inference_factor": 100.0, "benchmark": "aime", "algorithm": "today"}
    (row,) = (row for row in opened.rows if row["coords"] == where)
    draws = opened.forecast["required_rl_multiplier_oom"].sel(where)
    assert [row["q05"], row["q50"], row["q95"]] == pytest.approx(
        np.quantile(draws, [0.05, 0.5, 0.95])
    )


def test_a_share_of_infinite_draws_is_a_probability(opened):
    infinite = np.isinf(opened.forecast["years_to_threshold"]).mean(("chain", "draw"))
    assert infinite.max() > 0
    for row in opened.rows:
        if row["quantity"] == "years_to_threshold":
            assert row["prob_infinite"] == infinite.sel(row["coords"]).item()
            assert (row["q95"] is None) == (row["prob_infinite"] > 0.05)


def test_to_json_is_plain_and_complete(opened):
    plain = json.loads(json.dumps(opened.to_json(), allow_nan=False))
    assert set(plain) == {"id", "scenario", "seed", "status", "checks", "summary", "path"}
    assert plain == opened.to_json()


def test_a_run_from_the_prior_alone_has_only_prior_and_posterior(tmp_path):
    run = open_run(simulate(load_scenario("base", QUICK), into=tmp_path).path)
    assert set(run.draws.children) == {"prior", "posterior", "unconstrained_posterior"}
    assert run.forecast.data_vars.keys() == DIMS.keys() - OF_EVIDENCE
    assert all(row["prior"] is None for row in run.rows)


def test_a_run_that_fails_its_checks_is_sealed_and_says_so(tmp_path):
    run = open_run(simulate(load_scenario("base", QUICK), into=tmp_path).path)
    assert (run.status, run.passed) == ("failed", False)
    assert not run.checks["ess_bulk_at_least_400"].passed


def test_the_sealed_scenario_gives_the_same_run_again(tmp_path):
    first = simulate(load_scenario("base", QUICK), seed=5, into=tmp_path / "first")
    again = load_scenario(first.path / "scenario.toml")
    second = simulate(again, seed=5, into=tmp_path / "second")
    assert again.digest == load_scenario("base", QUICK).digest
    for name, group in first.draws.children.items():
        xr.testing.assert_equal(group.dataset, second.draws[name].dataset)
    xr.testing.assert_equal(first.forecast, second.forecast)


# --- the seal -------------------------------------------------------------------------------------


def test_a_run_is_read_only_and_holds_what_it_came_from(base_run):
    found = {path.name: path for path in base_run.path.iterdir()}
    tables = {name for name in found if name.startswith("evidence-")}
    assert len(tables) == 7
    assert found.keys() == FILES | tables
    for path in (base_run.path, *found.values()):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o222


@pytest.mark.parametrize("name", ["draws.nc", "forecast.nc", "summary.json", "manifest.json"])
def test_a_flipped_bit_is_noticed(copy, name):
    path = copy / name
    path.chmod(0o600)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Damaged, match=name):
        open_run(copy)


@pytest.mark.parametrize("name", ["draws.nc", "checks.json", "manifest.json"])
def test_a_missing_file_is_noticed(copy, name):
    (copy / name).unlink()
    with pytest.raises(Damaged, match=name):
        open_run(copy)


def test_a_missing_group_is_noticed(copy):
    path = copy / "draws.nc"
    with xr.open_datatree(path, engine="netcdf4") as tree:
        rest = tree.load().drop_nodes("log_prior")
    path.chmod(0o600)
    rest.to_netcdf(path, engine="netcdf4")
    with pytest.raises(Damaged, match=r"draws\.nc"):
        open_run(copy)


def test_what_is_no_folder_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_run(tmp_path / "nothing")


def test_a_listing_shows_runs_by_name_and_damaged_ones_as_such(copy):
    assert [(run.id, run.status) for run in runs_in(copy.parent)] == [(copy.name, "passed")]
    (copy / "manifest.json").chmod(0o600)
    (copy / "manifest.json").write_text("{}")
    assert [(run.id, run.status) for run in runs_in(copy.parent)] == [(copy.name, "damaged")]
    assert runs_in(copy.parent / "nothing") == []


@pytest.mark.parametrize("writer", ["_write_tree", "_write_dataset"])
def test_a_disk_that_fills_up_leaves_nothing(monkeypatch, tmp_path, writer):
    def full(data, path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sealing, writer, full)
    with pytest.raises(OSError, match="No space left"):
        simulate(load_scenario("base", QUICK), into=tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("nuts", "said"),
    [
        ({"earlier_attempts": "1 divergence"},
         "second attempt, in smaller steps, after 1 divergence"),
        ({"earlier_attempts": "12 divergences; unmixed chains", "kept_every": 3},
         "third attempt, longer, in smaller steps, after 12 divergences; unmixed chains"),
    ],
)  # fmt: skip
def test_a_run_that_took_further_attempts_says_why(base_run, capsys, nuts, said):
    run = open_run(base_run.path)
    assert "earlier_attempts" not in run.record["nuts"]
    tables.print_checks(run)
    assert "attempt" not in capsys.readouterr().out
    run.record["nuts"] |= nuts
    tables.print_checks(run)
    lines = capsys.readouterr().out.splitlines()
    assert said in lines
    assert max(map(len, lines)) <= 80
