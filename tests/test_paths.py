"""More paths than draws: streaming quantiles against exact ones, and a run's own forecast again."""

import json
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator import cli, streams
from simulator.chunks import stream
from simulator.faults import BadInput
from simulator.histogram import OOM, YEARS, Bins, Histogram
from simulator.options import BAD_INPUT
from simulator.paths import _Paths, further

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


def histogram(draws, bins=OOM):
    found = Histogram(bins)
    found.add(np.asarray(draws, dtype=float))
    return found


def exact(draws, p):
    return np.quantile(np.asarray(draws, dtype=float), p, method="inverted_cdf")


def state(found):
    return {p: found.quantile(p) for p in (0, *SHARES, 1)} | {
        name: getattr(found, name) for name in ("size", "infinite", "outside")
    }


# --- histograms -----------------------------------------------------------------------------------

SCALES = st.sampled_from([1e-4, 1e-2, 1.0, 10.0])
VALUES = st.one_of(
    st.floats(-39, 59), st.just(np.inf), st.just(-np.inf), st.sampled_from([0.0, 3.0, 4.69897])
)
BOUND = 1 + 1e-6  # of half a bin; the rest is rounding


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_within_half_a_bin_of_the_exact_one(draws, p):
    found, wanted = histogram(draws).quantile(p), exact(draws, p)
    assert found == wanted or abs(found - wanted) <= OOM.bound * BOUND


@settings(deadline=None)
@given(
    st.integers(0, 2**32), SCALES, st.floats(-20, 20), st.sampled_from(["normal", "ties", "heavy"])
)
def test_quantiles_of_any_shape_are_within_four_tenths_of_a_percent(seed, scale, middle, shape):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(5000)
    z = {"normal": z, "ties": np.round(z, 1), "heavy": rng.standard_cauchy(5000).clip(-2, 3)}[shape]
    draws = middle + scale * z
    for p in SHARES:
        assert abs(10 ** (histogram(draws).quantile(p) - exact(draws, p)) - 1) < 0.004


def test_bins_ten_times_as_wide_break_the_bound():
    draws = np.random.default_rng(1).standard_normal(5000)
    wide = Bins(OOM.low, OOM.high, OOM.per_unit // 10)
    off = [abs(10 ** (histogram(draws, wide).quantile(p) - exact(draws, p)) - 1) for p in SHARES]
    assert max(off) > 0.004


PARTS = st.lists(st.lists(VALUES, max_size=30), min_size=3, max_size=3)


@given(PARTS, st.permutations(range(3)))
def test_merging_is_exact_in_any_order_and_grouping(parts, order):
    assume(any(parts))
    whole = histogram([x for part in parts for x in part])
    left, right = Histogram(), histogram(parts[order[1]])
    for i in range(3):
        left.merge(histogram(parts[i]))
    right.merge(histogram(parts[order[2]]))
    last = histogram(parts[order[0]])
    last.merge(right)
    assert state(left) == state(last) == state(whole)


def test_infinite_mass_and_what_no_bin_holds_are_counted_apart():
    found = histogram([-np.inf, -41, 1, 2, 3, 60, 61, np.inf, np.inf, np.inf])
    assert (found.negative, found.under, found.over, found.positive) == (1, 1, 2, 3)
    assert (found.infinite, found.outside) == (0.4, 0.3)
    assert [found.quantile(p) for p in (0.1, 0.2, 0.7, 1.0)] == [-np.inf, -np.inf, np.inf, np.inf]
    assert found.quantile(0.4) == pytest.approx(2, abs=OOM.bound * BOUND)
    assert found.error(0.55) == np.inf


def test_years_have_bins_of_their_own():
    years = np.random.default_rng(2).exponential(5, 3000)
    found = histogram(years, YEARS)
    assert all(abs(found.quantile(p) - exact(years, p)) <= YEARS.bound * BOUND for p in SHARES)
    with pytest.raises(ValueError, match="Bins"):
        found.merge(Histogram())


def test_no_draw_has_no_quantile_and_what_is_no_number_is_refused():
    found = histogram([])
    assert np.isnan(found.quantile(0.5))
    with pytest.raises(ValueError, match="not a number"):
        found.add(np.array([1.0, np.nan]))
    found.add(np.array([2.0]))
    assert [found.quantile(p) for p in (0, 0.5, 1)] == [pytest.approx(2, abs=OOM.bound * BOUND)] * 3


def test_the_error_of_a_quantile_is_how_far_it_scatters():
    """400 medians and tails of 2,000 normals: sd within 20%, 5 sd of it, 1e-6 false alarms each.

    The control, the error of four times as many draws, must fail.
    """
    rng = np.random.default_rng(3)
    many = [histogram(rng.standard_normal(2000)) for _ in range(400)]
    larger = histogram(rng.standard_normal(8000))
    for p in (0.05, 0.5):
        scatter = np.std([found.quantile(p) for found in many])
        stated = np.mean([found.error(p) for found in many])
        assert abs(stated / scatter - 1) < 0.2
        assert abs(larger.error(p) / scatter - 1) > 0.2


# --- chunks ---------------------------------------------------------------------------------------


def normals(chunk, count):
    rng = streams.stream(5, "test", chunk)
    return {"a": rng.standard_normal(100), "b": rng.exponential(2, 100)}


def kept(paths):
    chunks = [normals(chunk, 0) for chunk in range(-(-paths // 100))]
    return {name: np.concatenate([chunk[name] for chunk in chunks])[:paths] for name in ("a", "b")}


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 1500), st.integers(1, 6))
def test_a_stream_counts_every_path_once_whatever_the_threads(paths, threads):
    found = stream(normals, paths, {"b": YEARS}, size=100, threads=threads)
    wanted = kept(paths)
    assert state(found["a"]) == state(histogram(wanted["a"]))
    assert state(found["b"]) == state(histogram(wanted["b"], YEARS))


def test_more_paths_begin_with_the_fewer():
    few, more = kept(250), kept(999)
    assert all((few[name] == more[name][:250]).all() for name in few)


def test_a_chunk_that_fails_ends_the_others_with_its_error():
    asked, others = [], threading.active_count()

    def draw(chunk, count):
        asked.append(chunk)
        if chunk == 3:
            raise ArithmeticError("of chunk 3")
        return normals(chunk, count)

    with pytest.raises(ArithmeticError, match="chunk 3"):
        stream(draw, 10_000_000, size=100, threads=3)
    assert len(asked) < 100_000
    assert threading.active_count() == others


@pytest.mark.parametrize("wrong", [{"paths": 0}, {"size": 0}, {"threads": 0}])
def test_nothing_to_do_is_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        stream(normals, **{"paths": 10} | wrong)


def test_memory_does_not_grow_with_paths():
    def peak(paths):
        tracemalloc.start()
        stream(normals, paths, size=100)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1000)
    assert peak(100_000) < 3 * peak(2000) < 8 * 2 * 100_000  # the last: all of them kept


def test_watching_adds_up():
    done = []
    stream(normals, 1234, size=100, threads=3, watch=done.append)
    assert sum(done) == 1234


# --- of a run -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(compiled_code, tmp_path_factory):
    """A run that need not be good: 4 chains of 50 draws, before any evidence."""
    from simulator import load_scenario, simulate

    scenario = load_scenario("base", {"evidence.sources": "none"}).with_sampler(draws=50)
    return simulate(scenario, into=tmp_path_factory.mktemp("runs"))


def rows(found):
    return {json.dumps([row["quantity"], row["coords"]]): row for row in found}


def test_the_first_paths_are_the_runs_own_forecast(small):
    from simulator.paths import _asked

    scenario, posterior = _asked(small, 1000, {})
    first = _Paths(scenario, posterior, small.seed, 1000)._first
    assert first.sizes["chain"] == 20
    for name, output in first.items():
        own = small.forecast[name]
        if name == "required_rl_multiplier_oom":
            own = own.sel(benchmark=["new"])
        assert np.array_equal(output.values[:4], own.values)
        fresh = output.values[4:8] != output.values[:4]
        assert fresh[np.isfinite(output.values[:4])].any()


def test_as_many_paths_as_draws_give_the_runs_own_quantiles(small):
    stored = rows(small.rows)
    found = further(small, 200)
    assert {row["quantity"] for row in found} == {
        *("required_rl_multiplier_oom", "task_cost_oom_usd", "years_to_threshold"),
        *("break_even_uses_oom", "persistence_years"),
    }
    for name, row in rows(found).items():
        coords = row["coords"]
        own = small.forecast[row["quantity"]].sel(coords).values.ravel()
        assert row["prob_infinite"] == stored[name]["prob_infinite"]
        bound = (YEARS if row["unit"] == "years" else OOM).bound * BOUND
        for q, p in (("q05", 0.05), ("q50", 0.5), ("q95", 0.95)):
            wanted = exact(own, p)
            inside = np.isfinite(wanted) and abs(wanted) < 40
            assert row[q] == pytest.approx(wanted, abs=bound) if inside else row[q] is None


def test_threads_change_no_number_and_seeds_do(small):
    asked = {"paths": 26_000}
    one = further(small, **asked)
    assert one == further(small, **asked, jobs=3)
    assert one != further(small, **asked, seed=7)


def test_more_paths_have_smaller_errors_but_not_below_that_of_the_draws(small):
    """The multiplier is mostly the draws' doing; the cost a year ahead mostly the path's."""
    few, many = rows(further(small, 200)), rows(further(small, 40_000))
    ratios = {
        name: many[name]["mcse_q50"] / few[name]["mcse_q50"]
        for name in few
        if few[name]["mcse_q50"] and many[name]["mcse_q50"]
    }
    near = [x for n, x in ratios.items() if "task_cost" in n and "2027" in n and "50,000" in n]
    far = [x for n, x in ratios.items() if "multiplier" in n]
    assert max(near) < 0.5
    assert min(far) > 0.5
    independent = [many[n]["mcse_paths_q50"] / few[n]["mcse_paths_q50"] for n in ratios]
    assert np.median(independent) == pytest.approx(200**-0.5, rel=0.5)


def test_tasks_and_dates_that_the_run_does_not_have(small):
    import datetime as dt

    mine = {"cost_usd": 2000.0, "debut": dt.date(2026, 12, 1), "resembles": "new"}
    overrides = {"task.mine": mine, "forecast.dates": [dt.date(2030, 1, 1)]}
    found = further(small, 200, overrides=overrides)
    cost = [row for row in found if row["coords"].get("task") == "mine" and "date" in row["coords"]]
    assert [row["coords"]["date"] for row in cost] == ["2030-01-01"]
    assert cost[0]["q05"] < np.log10(2000)
    others = [row for row in found if row["quantity"] == "years_to_threshold"]
    own = [row for row in others if row["coords"]["task"] != "mine"]
    plain = [r for r in further(small, 200) if r["quantity"] == "years_to_threshold"]
    assert own == plain  # a new task changes no other


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--paths", "10"], "at least 200"),
        (["--paths", "0"], "--paths"),
        (["--jobs", "0"], "--jobs"),
        (["--set", "prior.rl_slope.value=3"], "would change the draws"),
        (["--set", "forecast.today=2027-01-01"], "would change the draws"),
        (["--set", "forecast.dates=[2090-01-01]"], "past the horizon"),
        (["--set", "forecast.daets=[2030-01-01]"], "did you mean dates"),
        (["--set", 'task.x={cost_usd=-1,debut=2027-01-01,resembles="new"}'], "greater than 0"),
        (["--set", 'task.x={cost_usd=1,debut=2027-01-01,resembles="aimee"}'], "is no benchmark"),
        (["--set", "task=3"], "must be a table"),
        (["--set", "forecast.dates"], "KEY=VALUE"),
    ],
)
def test_bad_input_is_refused_before_any_work(small, capsys, words, said):
    assert cli.run(["forecast", str(small.path), *words]) == BAD_INPUT
    captured = capsys.readouterr()
    assert said in captured.err
    assert not captured.out


def test_all_faults_are_said_at_once(small):
    with pytest.raises(BadInput) as refused:
        further(small, 10, overrides={"sampler.draws": 5, "forecast.nothing": 1})
    assert len(refused.value.faults) == 3


def test_an_average_of_runs_is_refused_by_name(small, tmp_path):
    from simulator import average

    mixed = average.average([small, small.path], into=tmp_path)
    with pytest.raises(BadInput, match="average of runs"):
        further(mixed, 1000)


def test_the_command_says_failed_checks_first_and_gives_json(small, capsys):
    assert cli.run(["forecast", str(small.path), "--paths", "400"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "FAILED" in lines[0]
    assert any("400 paths" in line for line in lines)
    assert cli.run(["forecast", str(small.path), "--paths", "400", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["asked"] == {"paths": 400, "seed": small.seed, "set": {}}
    assert answer["answer"] == further(small, 400)
    assert {"mcse_q05", "mcse_q50", "mcse_q95", "mcse_paths_q50"} <= answer["answer"][0].keys()
