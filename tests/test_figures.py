"""Figures: what they draw, in which units, what they say first, and that nothing else changes."""

import importlib.util
import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache
from itertools import combinations
from pathlib import Path

import made
import matplotlib
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from simulator import BadInput, cli, equations, figures, load_scenario, open_run, seal, simulate
from simulator.evidence import read_sealed, usd
from simulator.figures import COLUMN, PAGE, files, scale, shapes, style, ticks
from simulator.run import runs_in

TASK = "ARC-AGI-1 puzzle at 85%"
HOSTILE = "$x$ \\alpha_1^2 <b>&\n\u202eשלום\x07 " + "w" * 200


@pytest.fixture(scope="session")
def hostile_run(compiled_code, tmp_path_factory):
    """A run before any evidence, with a task whose name is everything that a name should not be."""
    into = tmp_path_factory.mktemp("hostile")
    file = into / "hostile.toml"
    name = json.dumps(HOSTILE)
    file.write_text(
        f'extends = "base"\nname = "hostile"\n[task.{name}]\ncost_usd = 5\n'
        'debut = 2026-11-01\nresembles = "new"\n[evidence]\nsources = "none"\n',
        "utf-8",
    )
    return simulate(load_scenario(file).with_sampler(draws=100), into=into)


@pytest.fixture
def endless(tmp_path):
    """A run of which a fifth of the multipliers is infinite."""
    return made.seal(tmp_path / "endless", outputs=outputs())


@pytest.fixture
def failed(tmp_path):
    return made.seal(tmp_path / "failed", outputs=outputs(), passed=False)


def outputs(share=0.2):
    """Outputs of which so many are infinite, as saturating curves make them."""
    rng = np.random.default_rng(3)
    oom = 4.5 + rng.standard_normal(made.SHAPE)
    oom[:, : int(share * made.SHAPE[1])] = np.inf
    found = made.forecast(oom)
    dates = np.array(["2026-10-01", "2027-10-01", "2036-10-01"], "datetime64[ns]")
    uses = np.stack([np.stack([oom + 4, oom + 4.5, oom + 5], -1)] * 2, -2)[:, :, None]
    found["break_even_uses_oom"] = (
        ("chain", "draw", "inference_factor", "algorithm", "decision_date"),
        uses,
    )
    return found.assign_coords(decision_date=dates)


def texts(figure):
    """Every word that is drawn, with the artist that draws it."""
    found = figure.findobj(lambda a: isinstance(a, matplotlib.text.Text) and a.get_visible())
    return [text for text in found if text.get_text().strip()]


def words(figure):
    return "\n".join(text.get_text() for text in texts(figure))


def drawn(axes, gid):
    """The one artist of this name."""
    (artist,) = [a for a in axes.get_children() if a.get_gid() == gid]
    return artist


def edges(axes, gid):
    """The lower and upper edge of a band, by x."""
    (path,) = drawn(axes, gid).get_paths()
    low, high = {}, {}
    for x, y in path.vertices:
        low[x] = min(low.get(x, math.inf), y)
        high[x] = max(high.get(x, -math.inf), y)
    return low, high


def marks(axis):
    """The words at an axis that lie within its limits."""
    axis.axes.figure.draw_without_rendering()
    low, high = sorted(axis.get_view_interval())
    return [t.label1.get_text() for t in axis.get_major_ticks() if low <= t.get_loc() <= high]


def faults(call, *of, **about):
    with pytest.raises(BadInput) as raised:
        call(*of, **about)
    return raised.value.faults


# --- units and marks ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (5, "OOM USD", "$5"),
        (0.1, "OOM USD", "$0.10"),
        (0.01, "OOM USD", "$0.01"),
        (1e-6, "OOM USD", "$0.000001"),
        (1e-9, "OOM USD", "$10⁻⁹"),
        (1e6, "OOM USD", "$1 million"),
        (10_000, "OOM", "10,000x"),
        (1e19, "OOM", "10¹⁹x"),
        (0.1, "OOM", "0.1x"),
        (1e9, "OOM uses", "1 billion"),
        (20, "years", "20 y"),
        (3, "x per year", "3x"),
        (0.25, "1", "0.25"),
        (0, "1", "0"),
        (-0.5, "", "-0.5"),
    ],
)
def test_marks_are_read_as_people_write(value, unit, said):
    assert ticks.reading(value, unit) == said


@given(st.floats(-40, 40), st.floats(0.05, 60), st.integers(2, 8))
def test_marks_are_few_round_and_inside(low, span, most):
    ends = 10.0**low, 10.0 ** (low + span)
    found = ticks.round_marks(*ends, most)
    assert len(found) <= most
    assert found == sorted({*found})
    assert all(ends[0] <= x <= ends[1] for x in found)
    assert all(f"{x:e}"[0] in "1235" and re.fullmatch(r".\.0+", f"{x:e}"[:5]) for x in found)
    assert found or span < 2


def marked(span, width):
    """Where the words at the marks of a log axis stand."""
    with style.context():
        figure = style.blank(width, 2)
        axes = figure.add_subplot()
        style.finish(axes)
        ticks.log_axis(axes.xaxis, 0.58, 0.58 * 10**span, "x")
        FigureCanvasAgg(figure).draw()
    return [text.get_window_extent() for text in axes.get_xticklabels()]


SPANS = np.arange(1.0, 30, 2.3)


@pytest.mark.parametrize("width", [COLUMN, PAGE])
@pytest.mark.parametrize("span", SPANS)
def test_words_at_marks_do_not_run_into_each_other(span, width):
    found = marked(span, width)
    assert found
    assert not any(overlap(one, other) for one, other in combinations(found, 2))


def test_words_at_as_many_marks_as_are_asked_for_would(monkeypatch):
    monkeypatch.setattr(ticks, "_legible", lambda *_: True)
    found = [marked(span, COLUMN) for span in SPANS]
    assert any(overlap(a, b) for words in found for a, b in combinations(words, 2))


@pytest.mark.parametrize(
    ("p", "said"),
    [(0, "0%"), (1e-6, "<0.1%"), (0.034, "3.4%"), (0.21, "21%"), (0.9999, ">99.9%"), (1, "100%")],
)
def test_a_share_is_never_rounded_away(p, said):
    assert style.share(p) == said


def test_colours_are_those_of_okabe_and_ito():
    theirs = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"}
    ours = {v for v in vars(style).values() if isinstance(v, str) and v.startswith("#")}
    assert ours - theirs == {style.GREY}


# --- shapes ---------------------------------------------------------------------------------------


def test_bands_are_quantiles_and_infinite_draws_are_larger_than_any_number():
    rng = np.random.default_rng(1)
    draws = rng.standard_normal((500, 3))
    draws[:200, 1] = np.inf
    (wide, _, _) = shapes.bands(draws)
    assert wide.mass == 90
    assert wide.low.tolist() == [
        np.quantile(draws[:, 0], 0.05),
        np.quantile(draws[:, 1], 0.05, method="inverted_cdf"),
        np.quantile(draws[:, 2], 0.05),
    ]
    assert np.isinf(wide.high).tolist() == [False, True, False]


@given(st.floats(0, 0.6), st.integers(0, 2**32 - 1))
def test_no_draw_is_lost_from_a_density(share, seed):
    draws = np.random.default_rng(seed).standard_normal(400)
    draws[: int(share * 400)] = np.inf
    found = shapes.density(draws, -1.0, 2.0)
    area = np.trapezoid(found.y, found.x)
    assert found.infinite == int(share * 400) / 400
    assert area + found.left_out + found.infinite == pytest.approx(1, abs=0.03)


def test_draws_that_are_all_the_same_have_a_place_and_no_density():
    found = shapes.density(np.full(10, 4.0), 0.0, 5.0)
    assert found.x.tolist() == [4.0]
    assert not found.y.size


@pytest.mark.parametrize(
    ("name", "draws", "log"),
    [
        ("slope_ratio", [0.2, 0.6], True),
        ("algorithm_shift_oom", [-0.5, 1.0], False),
        ("transfer_exponent", [0.4, 0.9], False),
        ("cost_floor_fraction", np.logspace(-6, -2), True),
        ("cost_floor_fraction", [0.0, 0.0], False),
        ("required_rl_multiplier_oom", [2.0, 9.0], True),
        ("years_to_threshold", [0.0, 9.0], False),
    ],
)
def test_what_is_a_matter_of_factors_lies_on_a_log_axis(name, draws, log):
    assert scale.of_quantity(name, [np.array(draws)]).log is log


# --- the fan --------------------------------------------------------------------------------------


def test_at_its_own_dates_the_fan_is_the_stored_forecast(base_run):
    for task in base_run.forecast["task"].values.tolist():
        stored = base_run.forecast["task_cost_oom_usd"].sel(task=task)
        days = [day.astype("datetime64[D]").item() for day in stored["date"].values]
        found = figures.costs_by_date(base_run, task, days)
        assert np.array_equal(found.values, stored.transpose(*found.dims).values)


def test_the_edges_of_the_fan_are_the_quantiles_of_the_draws(base_run):
    axes = figures.fan(base_run, "$50,000 task")
    stored = base_run.forecast["task_cost_oom_usd"].sel(task="$50,000 task")
    for mass in (50, 80, 90):
        low, high = edges(axes, f"band-{mass}")
        for day in stored["date"].values:
            draws = 10 ** stored.sel(date=day).values
            x = matplotlib.dates.date2num(day)
            # Quantiles of logarithms, read between two draws there.
            ends = 10 ** np.quantile(np.log10(draws), (0.5 - mass / 200, 0.5 + mass / 200))
            assert (low[x], high[x]) == pytest.approx(ends, rel=1e-12)


def test_the_fan_is_in_dollars_on_a_log_axis(base_run):
    axes = figures.fan(base_run, "90-minute software task")  # of which the scenario says it
    assert {line.get_gid() for line in axes.lines} >= {"human", "median"}
    axes = figures.fan(base_run, TASK, human_cost_usd=17)
    assert axes.get_yscale() == "log"
    assert axes.get_ylabel() == "US dollars for one task"
    assert all(re.fullmatch(r"\$[\d,.]+", mark) for mark in marks(axes.yaxis))
    assert axes.get_title(loc="left") == f"Cost of: {TASK}"
    assert set(drawn(axes, "human").get_ydata()) == {17}
    assert "a human: $17" in words(axes.figure)


def test_records_are_those_of_the_series_that_a_task_resembles(base_run):
    rows = [r for r in read_sealed(base_run.path).rows("cost_records")
            if r["series"] == "arc-agi-1-85"]  # fmt: skip
    points = drawn(figures.fan(base_run, TASK), "records")
    assert sorted(points.get_ydata()) == sorted(usd(row) for row in rows)
    assert not [a for a in figures.fan(base_run, "$50,000 task").get_children()
                if a.get_gid() == "records"]  # fmt: skip


def test_what_a_fan_cannot_know_is_bad_input(base_run):
    assert "did you mean $50,000 task" in faults(figures.fan, base_run, "$50000 task")[0].fix
    late = base_run.forecast["date"].values[-1].astype("datetime64[D]").item().replace(year=2150)
    (fault,) = faults(figures.costs_by_date, base_run, TASK, [late])
    assert "past the horizon" in fault.rule


# --- multiplier -----------------------------------------------------------------------------------


def test_exceedance_is_the_share_of_draws_beyond(base_run):
    axes = figures.multiplier_exceedance(base_run)
    found = base_run.forecast["required_rl_multiplier_oom"]
    draws = found.sel(inference_factor=100, benchmark="new", algorithm="today").values
    x, y = drawn(axes, "exceedance-today").get_data()
    assert y == pytest.approx([float((draws > oom).mean()) for oom in np.log10(x)], abs=1e-3)
    assert axes.get_xscale() == "log"
    assert "10,000x" in words(axes.figure)
    assert "67%" not in words(axes.figure) or float((draws > 2).mean()) == pytest.approx(0.67, 0.01)


def test_both_positions_are_marked_where_they_are(base_run):
    for factor, ord_x, epoch_x in ((100, "10,000x", "100x"), (10, "100x", "10x")):
        axes = figures.multiplier_density(base_run, inference_factor=factor)
        said = words(axes.figure)
        assert f"Ord: {ord_x}" in said
        assert f"Epoch: {epoch_x}" in said


def test_what_is_out_of_reach_is_written_and_not_drawn(endless):
    figure = figures.multiplier(endless)
    assert "(out of reach 20%)" in words(figure)
    density, exceedance = figure.axes
    line = drawn(density, "density-as_published")
    assert np.isfinite(line.get_ydata()).all()
    assert np.trapezoid(line.get_ydata(), np.log10(line.get_xdata())) == pytest.approx(
        0.8, abs=0.04
    )
    assert drawn(exceedance, "exceedance-as_published").get_ydata()[-1] >= 0.2
    assert "no amount suffices 20%" in figures.caption("multiplier", endless)


def test_constants_are_lines(tmp_path):
    run = made.seal(tmp_path, outputs=made.forecast(np.full(made.SHAPE, 4.0)))
    figure = figures.multiplier(run)
    assert 10_000 in [line.get_xdata()[0] for line in figure.axes[0].lines]
    assert files.svg(figure)


def test_a_factor_or_benchmark_that_is_not_there_is_bad_input(base_run):
    keys = {f.key for f in faults(figures.multiplier, base_run, inference_factor=7, benchmark="x")}
    assert keys == {"inference_factor", "benchmark"}


# --- curves, records, beliefs, burden -------------------------------------------------------------


def test_response_has_rl_on_the_left_and_equally_long_axes(base_run):
    figure = figures.response(base_run)
    left, right = figure.axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("RL training compute", "inference compute")
    spans = [np.ptp(np.log10(axes.get_xlim())) for axes in (left, right)]
    assert spans[0] == pytest.approx(spans[1])
    rows = [
        r for r in read_sealed(base_run.path).rows("response_points") if r["curve"] == "o1_train"
    ]
    points = drawn(left, "points")
    assert points.get_xdata() == pytest.approx([row["compute"] for row in rows])
    assert list(points.get_ydata()) == [row["score"] for row in rows]
    assert all(mark.endswith("%") for mark in marks(left.yaxis))


def test_a_curve_is_that_of_the_model(base_run):
    own = base_run.draws["posterior"].dataset.isel(chain=1, draw=7)
    level = float(own["curve_level"].sel(drawn_curve="o1_test"))
    slope = float(own["curve_slope"].sel(curve="o1_test"))
    found = figures.curve_scores(base_run, "o1_test", np.array([0.0, 1.0]))
    number = base_run.draws["posterior"].sizes["draw"] + 7
    by_hand = 1 / (1 + math.exp(-(math.log(level / (1 - level)) + slope / 25)))
    assert found[number] == pytest.approx([level, by_hand])


def test_a_saturating_curve_is_that_of_the_model(tmp_path):
    own = {"drawn_curve": ["a"], "curve": ["a"]}
    one = made.dataset(**{
        name: ((dim,), np.full((*made.SHAPE, 1), value))
        for name, dim, value in (("curve_slope", "curve", 20.0),
                                 ("curve_level", "drawn_curve", 0.5),
                                 ("curve_start", "drawn_curve", 0.1),
                                 ("curve_asymptote", "drawn_curve", 0.8))
    }).assign_coords(own)  # fmt: skip

    class Held:
        draws = xr.DataTree.from_dict({"posterior": one})

    (score,) = figures.curve_scores(Held, "a", np.array([0.7]))[0]
    assert score == equations.saturating_score(0.7, 0.5, 20.0, 0.1, 0.8)


def test_bands_of_records_begin_at_a_record_and_forecasts_at_the_last(base_run):
    rows = sorted((r for r in read_sealed(base_run.path).rows("cost_records")
                   if r["series"] == "gpqa-75"), key=lambda row: row["date"])  # fmt: skip
    axes = figures.staircase(base_run, "gpqa-75")
    assert axes.get_yscale() == "log"
    behind, ahead = [a for a in axes.get_children() if a.get_gid() == "band-90"]
    for band, cost in ((behind, usd(rows[0])), (ahead, usd(rows[-1]))):
        (path,) = band.get_paths()
        first = path.vertices[path.vertices[:, 0] == path.vertices[:, 0].min()]
        assert first[:, 1] == pytest.approx(cost)
    assert list(drawn(axes, "records").get_ydata()) == [usd(row) for row in rows]


def test_there_is_a_panel_for_each_series(base_run):
    series = {r["series"] for r in read_sealed(base_run.path).rows("cost_records")}
    for width in (COLUMN, PAGE):
        figure = figures.records(base_run, width=width)
        assert {axes.get_title(loc="left") for axes in figure.axes} == series


def test_a_belief_is_drawn_before_and_after(base_run):
    axes = figures.belief(base_run, "slope_ratio")
    assert axes.get_xscale() == "log"
    for group in ("prior", "posterior"):
        x, y = drawn(axes, f"density-{group}").get_xy().T
        draws = np.log10(base_run.draws[group]["slope_ratio"].values)
        # A median of the density is one of the draws, to the width of the kernel.
        areas = np.cumsum(y[1:-2] * np.diff(np.log10(x[1:-1])))
        middle = np.log10(x[1:-2])[np.searchsorted(areas, 0.5 * areas[-1])]
        assert middle == pytest.approx(np.median(draws), abs=0.1)
    assert "did you mean slope_ratio" in faults(figures.belief, base_run, "slope_rato")[0].fix


def test_break_even_uses_are_medians_and_what_never_comes_is_written(endless):
    axes = figures.burden(endless)
    found = endless.forecast["break_even_uses_oom"].sel(inference_factor=100, algorithm="today")
    medians = 10 ** found.median(("chain", "draw")).values
    assert drawn(axes, "median-today").get_ydata() == pytest.approx(medians, rel=1e-2)
    assert axes.get_yscale() == "log"
    assert "(never 20%)" in words(axes.figure)
    # The 90% bar has no end, so an arrow stands on it.
    arrows = [a for a in axes.get_children() if a.get_gid() == "infinite"]
    assert sum(len(a.get_xdata()) for a in arrows) == 3 * 2 * 2  # of 80% and of 90%, twice three


# --- tables and several runs ----------------------------------------------------------------------

ROWS = [
    {"label": "small", "low": 4.0, "high": 4.2, "base": 4.1},
    {"label": HOSTILE, "low": 3.0, "high": 5.0, "base": 4.1},
    {"label": "ceiling", "low": 4.0, "high": None, "base": 4.1},
]


def test_a_tornado_has_its_widest_bar_on_top():
    axes = figures.tornado(ROWS, unit="OOM")
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert [name[:5] for name in names] == ["ceili", "$x$ \\", "small"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # from the top down
    assert axes.get_xscale() == "log"
    assert "out of reach" in words(axes.figure)
    ends = sorted(x for bar in axes.patches if round(bar.get_y() + 0.35) == 1
                  for x in (bar.get_x(), bar.get_x() + bar.get_width()))  # fmt: skip
    assert [ends[0], ends[-1]] == pytest.approx([1e3, 1e5])
    dollars = figures.tornado([ROWS[0]], unit="OOM USD")
    assert all(mark.startswith("$") for mark in marks(dollars.xaxis))
    assert not [mark for mark in marks(figures.tornado([ROWS[0]], unit="1").xaxis) if "x" in mark]


def test_rows_that_lack_something_are_bad_input():
    found = faults(figures.tornado, [{"label": "a", "low": 1}, {}])
    assert [(f.file, f.key) for f in found] == [
        ("row 1", "high"), ("row 1", "base"), *(("row 2", k) for k in ROWS[0])]  # fmt: skip
    assert faults(figures.tornado, [])


def test_ridges_say_what_they_leave_out_and_who_failed(endless, failed, base_run):
    axes = figures.ridges({"wide": base_run, HOSTILE: endless, "bad": failed})
    said = words(axes.figure)
    assert "out of reach 20%" in said
    assert "bad †" in said
    assert "1 of 3 runs FAILED" in said
    assert "RL compute for 100x inference, new benchmark, o1-era recipe" in " ".join(said.split())
    years = figures.ridges([base_run], "years_to_threshold", task="$50,000 task", threshold=500)
    never = float(np.isinf(base_run.forecast["years_to_threshold"].sel(
        task="$50,000 task", threshold=500)).mean())  # fmt: skip
    assert f"never {style.share(never)}" in words(years.figure)
    assert years.get_xscale() == "linear"
    assert all(mark.endswith(" y") for mark in marks(years.xaxis))


def test_ridges_of_what_is_not_there_are_bad_input(base_run):
    found = faults(figures.ridges, [base_run], "task_cost_oom_usd", task="no", wrong=1)
    assert {f.key for f in found} == {"task", "date", "wrong"}
    assert faults(figures.ridges, [base_run], "nothing")
    assert faults(figures.ridges, [])


def test_ridges_of_a_batch_have_its_scenarios(endless):
    draws = np.stack([np.full((2, 50), np.nan), 4 + np.random.default_rng(1).random((2, 50))], -1)
    at = {"a_slope": ["low", "high"], "inference_factor": [100.0], "benchmark": ["new"],
          "algorithm": ["as_published"]}  # fmt: skip
    dims = ("chain", "draw", "a_slope", "inference_factor", "benchmark", "algorithm")
    predictions = xr.Dataset(
        {"required_rl_multiplier_oom": (dims, draws[..., None, None, None])}, at
    )
    status = xr.Dataset({"status": ("a_slope", ["missing", "failed"])}, {"a_slope": at["a_slope"]})
    tree = xr.DataTree.from_dict({"predictions": predictions, "status": status})
    axes = figures.ridges(tree)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a slope high †"]
    empty = xr.DataTree.from_dict({"status": status})
    assert "draws=" in faults(figures.ridges, empty)[0].fix


def backtested(ends, failed=()):
    """A backtest with these places of its outcomes, as JSON."""
    rows = [{"kind": "cost", "by": {}, "pit_ends": list(pair)} for pair in ends]
    pooled = {"kind": "cost", "by": {}, "count": len(rows), "clusters": 3}
    pooled |= {f"covered_{level}": {"mean": 0.5, "se": 0.1} for level in (50, 80, 90)}
    return {
        "scenario": "by hand",
        "structure": {"response": "logit", "cost": "trend"},
        "scores": rows,
        "pooled": [pooled],
        "fits": [{"failed_checks": list(failed)}],
    }


def test_coverage_is_the_share_held_and_ties_count_in_part():
    axes = figures.coverage(backtested([(0.5, 0.5), (0.05, 0.05), (0.0, 1.0), (0.4, 0.8)]))
    mass, held = drawn(axes, "curve-trend").get_data()
    by_hand = {0.5: (1 + 0 + 0.5 + 0.35 / 0.4) / 4, 0.92: (1 + 1 + 0.92 + 1) / 4}
    for m, share in by_hand.items():
        assert held[np.isclose(mass, m)] == pytest.approx(share)
    uniform = backtested([(p, p) for p in np.linspace(0.005, 0.995, 100)])
    mass, held = drawn(figures.coverage(uniform), "curve-trend").get_data()
    assert np.abs(held - mass).max() <= 0.011
    narrow = backtested([(p, p) for p in (0.001, 0.999)] * 20)  # the control: far off the diagonal
    mass, held = drawn(figures.coverage(narrow), "curve-trend").get_data()
    assert np.abs(held - mass).max() > 0.9


def test_coverage_of_a_failed_fit_says_so():
    axes = figures.coverage({"structures": {"trend": backtested([(0.5, 0.5)], ["no_divergences"])}})
    assert axes.get_title(loc="left").startswith("FAILED CHECKS in trend")
    assert faults(figures.coverage, backtested([(0.5, 0.5)]), kind="slope")


# --- what every figure keeps ----------------------------------------------------------------------


@cache
def every(run, width):
    """All figures of a run, and those of tables, by name; drawn once."""
    return [
        *((plot.stem, plot.draw(width)) for plot in figures.plots(run)),
        ("density", figures.multiplier_density(run, width=width).figure),
        ("exceedance", figures.multiplier_exceedance(run, width=width).figure),
        ("tornado", figures.tornado(ROWS, run=run, width=width).figure),
        ("ridges", figures.ridges({"one": run, HOSTILE: run}, width=width).figure),
        ("coverage", figures.coverage(backtested([(0.5, 0.5)]), width=width).figure),
    ]


def boxes(figure):
    """Where every word lies, in pixels; tick labels beyond the limits are not drawn."""
    with style.context(), style.any_letters():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        hidden = {
            id(label)
            for axes in figure.axes
            for axis in (axes.xaxis, axes.yaxis)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
            for label in (tick.label1, tick.label2)
            if tick not in axis._update_ticks() or not label.get_visible()
        }
        renderer = canvas.get_renderer()
        return [
            (text.get_text(), inked(text, renderer))
            for text in texts(figure)
            if id(text) not in hidden and text.get_gid() != "failed"
        ]


def inked(text, renderer):
    """The box of a text without the empty lines that it keeps free for a legend."""
    box = text.get_window_extent(renderer)
    lines = text.get_text().split("\n")
    empty = sum(not line.strip() for line in lines) / len(lines)
    return Bbox.from_extents(box.x0, box.y0 + empty * box.height, box.x1, box.y1)


def overlap(one, other):
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.y1, other.y1) - max(one.y0, other.y0)
    return wide > 1 and high > 1


def unreadable(figure):
    """Words that are cut off by the page, and pairs of words that run into each other."""
    found = boxes(figure)
    page = figure.bbox
    cut = [text for text, box in found if min(box.x0, box.y0, *(page.max - box.max)) < -1]
    return cut, [(a, b) for (a, one), (b, other) in combinations(found, 2) if overlap(one, other)]


@pytest.mark.parametrize("width", [COLUMN, PAGE])
@pytest.mark.parametrize("which", ["base_run", "endless", "failed", "hostile_run"])
def test_no_word_is_cut_off_or_runs_into_another(request, which, width):
    run = request.getfixturevalue(which)
    found = {name: unreadable(figure) for name, figure in every(run, width)}
    assert {name: bad for name, bad in found.items() if bad != ([], [])} == {}


def test_words_that_are_cut_or_collide_would_be_noticed():
    with style.context():
        figure = style.blank(COLUMN, 2)
        figure.text(0.97, 0.5, "beyond the page")
        figure.text(0.1, 0.5, "one word")
        figure.text(0.12, 0.51, "and another")
    assert unreadable(figure) == (["beyond the page"], [("one word", "and another")])


def test_global_settings_are_as_they_were(hostile_run):
    with matplotlib.rc_context({"font.size": 23, "axes.grid": True, "svg.fonttype": "path"}):
        before = dict(matplotlib.rcParams)
        for _, figure in every.__wrapped__(hostile_run, COLUMN):
            files.svg(figure)
        assert dict(matplotlib.rcParams) == before
        with pytest.raises(BadInput):
            figures.fan(hostile_run, "nothing")
        with pytest.raises(ZeroDivisionError), style.context():
            raise ZeroDivisionError
        assert dict(matplotlib.rcParams) == before


def test_a_figure_owes_nothing_to_settings_of_the_reader(base_run):
    asked = figures.svg(figures.burden(base_run).figure)
    with matplotlib.rc_context({"font.size": 23, "axes.grid": True, "text.parse_math": True}):
        assert figures.svg(figures.burden(base_run).figure) == asked


def test_every_figure_says_where_it_comes_from(base_run):
    digest = seal.manifest(base_run.path)["digest"][:12]
    for name, figure in every(base_run, PAGE):
        if name != "coverage":
            assert f"all 10 checks passed · run {base_run.id} · digest {digest}" in words(figure)


def test_a_failed_run_says_so_first(failed):
    for name, figure in every(failed, COLUMN):
        if name == "coverage":
            continue
        said = figure.get_suptitle() or figure.axes[0].get_title(loc="left")
        first = "2 of 2 runs FAILED" if name == "ridges" else "FAILED 1 of 1 checks"
        assert said.startswith(first), name
        assert figure.get_supxlabel().startswith("FAILED 1 of 1 checks"), name
    assert figures.caption("multiplier", failed).count("do not rely on it") == 1


def test_on_axes_of_ones_own_a_failed_run_says_so_too(failed, base_run):
    figure = matplotlib.figure.Figure()
    one, two = figure.subplots(1, 2)
    assert figures.burden(failed, axes=one) is one
    assert figures.burden(base_run, axes=two) is two
    assert one.get_title(loc="left").startswith("FAILED 1 of 1 checks")
    assert drawn(one, "failed").get_text() == "FAILED CHECKS"
    assert "FAILED" not in two.get_title(loc="left")


def test_captions_say_mass_and_conditions(base_run, hostile_run):
    for plot in figures.plots(base_run):
        assert "Conditional on the model, its beliefs and" in plot.caption
        assert base_run.id in plot.caption
        assert "%" in plot.caption
    assert "Beliefs alone, before any evidence." in figures.caption("multiplier", hostile_run)


def test_hostile_names_are_names(hostile_run):
    plot = next(p for p in figures.plots(hostile_run, ["fan"]) if p.of[1] == HOSTILE)
    assert re.fullmatch(r"fan-\d-x-alpha-1-2-b-w{1,40}", plot.stem)
    text = figures.svg(plot.draw(COLUMN), title=plot.title, said=plot.caption)
    root = ET.fromstring(text)
    said = " ".join("".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "$x$ \\alpha_1^2 <b>& " in said
    assert "שלום" in said
    assert "\u202e" not in text
    assert "\x07" not in text
    assert "<b>" not in text
    assert files.png(plot.draw(COLUMN)).startswith(b"\x89PNG")


def test_a_figure_is_as_it_was_once_it_is_a_file(base_run):
    figure = figures.burden(base_run).figure
    figure.set(dpi=77, facecolor="red")
    canvas = figure.canvas
    for draw in (figures.svg, files.png):
        draw(figure)
        assert (figure.canvas, figure.dpi, figure.get_facecolor()[:3]) == (canvas, 77, (1, 0, 0))


def test_no_text_is_taken_for_mathematics(hostile_run):
    for _, figure in every(hostile_run, PAGE):
        figure.draw_without_rendering()
        assert not any(t.get_parse_math() and t.get_text().count("$") > 1 for t in texts(figure))


def test_svg_is_small_the_same_each_time_and_has_text_in_it(base_run):
    for name, figure in every(base_run, PAGE):
        text = figures.svg(figure, name)
        assert len(text.encode()) < 60_000, name
        assert "<text" in text
        assert "<style" not in text
        assert "dc:date" not in text
        ET.fromstring(text)
    plot = next(iter(figures.plots(base_run, ["burden"])))
    made_twice = {figures.svg(plot.draw(), plot.stem) for _ in range(2)}
    assert len(made_twice) == 1
    assert figures.svg(plot.draw(), inline=True).startswith("<svg ")


def test_names_are_light_and_known():
    code = "import sys, simulator.figures as f, simulator.commands.figure; f.OF_A_RUN, f.plots\n"
    code += "print({'matplotlib', 'numpy', 'xarray'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "set()\n"
    for name in figures.__all__:
        assert getattr(figures, name) is not None


# --- the command ----------------------------------------------------------------------------------


def run_command(capsys, *words):
    code = cli.run(["figure", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_writes_beside_the_run_and_leaves_it_as_it_was(hostile_run, capsys):
    before = seal.verify(hostile_run.path)
    code, out, _ = run_command(capsys, hostile_run.path, "--plot", "burden", "--format", "svg")
    folder = hostile_run.path.with_name(f"{hostile_run.id}-figures")
    assert code == 0
    assert [file.name for file in folder.iterdir()] == ["burden.svg"]
    assert str(folder / "burden.svg") in out
    assert "50%, 80% and 90% of the" in " ".join(out.split())
    assert seal.verify(hostile_run.path) == before
    assert [run.id for run in runs_in(hostile_run.path.parent)] == [hostile_run.id]
    first = (folder / "burden.svg").read_bytes()
    assert run_command(capsys, hostile_run.path, "--plot", "burden", "--format", "svg")[0] == 0
    assert (folder / "burden.svg").read_bytes() == first


def test_all_figures_of_a_run_as_json(tmp_path, hostile_run, capsys):
    code, out, _ = run_command(
        capsys, hostile_run.path, "--into", tmp_path / "f", "--width", "column", "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert found["run"] == hostile_run.id
    asked = [one["figure"] for one in found["figures"]]
    tasks = hostile_run.forecast.sizes["task"]
    # Nothing that it is conditional on: neither curves nor records.
    assert asked == ["fan"] * tasks + ["multiplier", "beliefs", "burden"]
    assert sorted(one["file"] for one in found["figures"]) == sorted(
        map(str, (tmp_path / "f").iterdir())
    )


def test_unknown_names_are_refused_before_any_work(tmp_path, capsys):
    code, out, err = run_command(
        capsys, tmp_path / "no-run", "--plot", "fann", "--plot", "tornado", "--into", tmp_path / "f"
    )
    assert (code, out) == (2, "")
    assert "fann" in err
    assert "tornado" in err
    assert "did you mean fan" in err
    assert "no-run" not in err
    assert not (tmp_path / "f").exists()


def test_what_a_run_cannot_show_is_refused_where_it_is_asked_for(tmp_path, hostile_run, capsys):
    code, _, err = run_command(
        capsys, hostile_run.path, "--plot", "response", "--into", tmp_path / "f"
    )
    assert code == 2
    assert "is not conditional on points" in err
    assert not (tmp_path / "f").exists()


def test_nothing_is_written_into_a_sealed_run(hostile_run, capsys):
    for into in (hostile_run.path, hostile_run.path / "figures"):
        code, _, err = run_command(capsys, hostile_run.path, "--plot", "burden", "--into", into)
        assert code == 2
        assert "sealed" in err
    seal.verify(hostile_run.path)


def test_help_lists_every_figure(capsys):
    _, out, _ = run_command(capsys, "--help")
    assert all(name in out for name in figures.OF_A_RUN)


def test_a_figure_that_fails_leaves_the_older_one(endless, tmp_path, monkeypatch):
    plots = figures.plots(endless, ["burden"])
    (older,) = [file for _, file in files.write(plots, tmp_path / "f")]
    before = older.read_bytes()

    def broken(figure):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "png", broken)
    with pytest.raises(OSError, match="No space"):
        list(files.write(plots, tmp_path / "f"))
    assert [file.name for file in (tmp_path / "f").iterdir()] == ["burden.png"]
    assert older.read_bytes() == before


def test_a_figure_is_saved_as_its_name_ends(endless, tmp_path):
    figure = figures.burden(endless).figure
    assert figures.save(figure, tmp_path / "a.svg", "title").read_text("utf-8").count("title") >= 2
    assert figures.save(figure, tmp_path / "deep" / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "must end in .png or .svg" in faults(figures.save, figure, tmp_path / "a.gif")[0].rule
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix) == ["a.svg"]


def test_the_script_draws_runs_side_by_side_and_a_backtest(endless, tmp_path, monkeypatch):
    file = Path(__file__).parent.parent / "scripts" / "figures.py"
    spec = importlib.util.spec_from_file_location("figures_script", file)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.chdir(tmp_path)
    Path("backtest.json").write_text(json.dumps(backtested([(0.5, 0.5)])), "utf-8")
    script.main([str(endless.path), str(endless.path), "backtest.json"])
    stems = {file.name.rsplit("-", 1)[0] for file in Path("figures").glob("*.svg")}
    assert stems == {"multiplier", "burden", "ridges", "coverage"}
    assert "no amount suffices 20%" in Path("figures/captions.txt").read_text("utf-8")
    with pytest.raises(SystemExit, match="usage"):
        script.main([])
    with pytest.raises(SystemExit, match="not a folder"):
        script.main(["nothing"])


def test_an_average_has_what_it_stored(tmp_path):
    from simulator.average import average

    runs = [made.seal(tmp_path / "runs", seed=seed, outputs=outputs()) for seed in (1, 2)]
    run = open_run(average(runs, into=tmp_path / "runs").path)
    names = [plot.name for plot in figures.plots(run)]
    assert names == ["multiplier", "burden"] or names == ["multiplier", "beliefs", "burden"]
    assert "An average of 2 runs." in figures.caption("burden", run)
    assert faults(figures.records, run)
