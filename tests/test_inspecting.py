"""`simulator inspect`: what it draws, the numbers beside it, and what it refuses."""

import json
import math
import os

import arviz as az
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from simulator import cli, load_scenario, open_run, simulate
from simulator.faults import BadInput
from simulator.inspecting import FORMATS, PLOTS, inspect, unavailable
from simulator.inspecting.advice import pareto_k
from simulator.inspecting.plots import PAIRED, PANELS, draw
from simulator.inspecting.view import View, readable, ticks
from simulator.quantities import BELIEFS

NONE = {"evidence.sources": "none"}


@pytest.fixture(scope="module")
def view(base_run):
    return View(open_run(base_run.path))


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A run without evidence that is too short for its checks."""
    scenario = load_scenario("ord-2025", NONE).with_sampler(draws=50, chains=2)
    return simulate(scenario, into=tmp_path_factory.mktemp("failed"))


@pytest.fixture(autouse=True)
def _nothing_leaks():
    """Styles, settings and open figures are as before."""
    before = dict(mpl.rcParams), dict(az.rcParams), plt.get_fignums()
    yield
    assert (dict(mpl.rcParams), dict(az.rcParams), plt.get_fignums()) == before


@pytest.fixture
def drawn(view):
    """The figure of a plot, with its panels by title."""

    def figure(name, of=view):
        made = draw(name, of, "png")
        plt.close(made.figure)
        return made.figure, {axes.get_title(): axes for axes in made.figure.axes}

    return figure


# --- files ----------------------------------------------------------------------------------------


def test_every_plot_of_a_run_beside_it(base_run, tmp_path):
    rows = inspect(base_run, into=tmp_path / "seen")
    assert [row["plot"] for row in rows] == [*PLOTS]
    assert all(row["look_for"] for row in rows)
    assert sorted(os.listdir(tmp_path / "seen")) == sorted(f"{name}.png" for name in PLOTS)
    for row in rows:
        image = plt.imread(row["file"])
        assert min(image.shape[:2]) >= 400
        assert image[..., :3].std() > 0.01, row["plot"]
    json.dumps(rows, allow_nan=False)
    open_run(base_run.path)  # every byte as it was


def test_by_default_into_the_folder_beside_the_run(failed):
    (row,) = inspect(failed, ["trace"])
    assert row["file"] == str(failed.path.with_name(f"{failed.id}-inspect") / "trace.png")
    open_run(failed.path)


def test_svg_keeps_its_text_and_a_file_is_replaced(base_run, tmp_path):
    for _ in range(2):
        (row,) = inspect(base_run, ["counts"], tmp_path, "svg")
    text = (tmp_path / "counts.svg").read_text("utf-8")
    assert "records in quarter" in text
    assert base_run.id in text
    assert os.listdir(tmp_path) == ["counts.svg"]
    assert row["numbers"] == []


def test_a_page_needs_no_network(base_run, tmp_path):
    pytest.importorskip("plotly")
    pytest.importorskip("webcolors")
    for row in inspect(base_run, into=tmp_path, format="html"):
        with open(row["file"], encoding="utf-8") as file:
            page = file.read()
        assert "<script src=" not in page
        assert base_run.id in page


def test_a_plot_that_breaks_leaves_nothing(base_run, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mpl.figure.Figure, "draw", broken)
    with pytest.raises(OSError, match="No space"):
        inspect(base_run, ["counts"], tmp_path)
    plt.close("all")
    assert os.listdir(tmp_path) == []


# --- what is drawn --------------------------------------------------------------------------------


def test_beliefs_come_by_how_strongly_a_headline_goes_with_them(view):
    assert {*view.beliefs} <= {*BELIEFS}
    outputs = [draws.ravel() for draws in view._headline()]
    strength = [
        max(abs(spearmanr(view.elements[name].ravel(), output).statistic) for output in outputs)
        for name in view.beliefs
    ]
    assert strength == pytest.approx(sorted(strength, reverse=True), abs=1e-12)
    assert strength[0] > 0.5 > 0.1 > strength[-1]


def test_panels_are_few_and_the_worst_are_among_them(view, drawn):
    _, panels = drawn("trace")
    assert len(panels) == PANELS
    assert len(view.worst) > 0
    assert {readable(name).splitlines()[0] for name in view.worst} <= {
        title.splitlines()[0] for title in panels
    }
    figure, _ = drawn("pair")
    assert sum(axes.has_data() for axes in figure.axes) == PAIRED * (PAIRED + 1) / 2


def test_traces_are_the_draws_on_the_scale_that_the_label_says(view, drawn):
    _, panels = drawn("trace")
    for one in view.shown(view.mixed(PANELS)):
        lines = panels[one.label].lines[: view.posterior.sizes["chain"]]
        shown = np.array([line.get_ydata() for line in lines])
        wanted = view.elements[one.name]
        np.testing.assert_allclose(10**shown if one.log else shown, wanted)
        assert one.log == ("log scale" in one.label)
        if one.log:
            axes = panels[one.label]
            marks = [float(t.get_text().replace(",", "")) for t in axes.get_yticklabels()]
            np.testing.assert_allclose(10 ** axes.get_yticks(), marks)


def test_labels_are_words_with_units():
    assert readable("rl_slope") == "RL slope\npoints per OOM"
    assert readable("decline_ageing_years", log=True) == "decline ageing\nyears, log scale"
    assert readable("curve_slope[o1/train]") == "curve slope: o1|train\npoints per OOM"
    assert readable("slope_logit_per_oom") == "slope\nlogit per OOM"
    assert readable("slope_ratio") == "slope ratio"


@given(st.floats(-12, 12), st.floats(0.02, 8))
def test_ticks_are_round_numbers_inside_the_scale(low, width):
    found = ticks(low, low + width)
    assert len(found) <= 6
    assert [*found] == sorted(found)
    for at, said in found.items():
        assert low <= at <= low + width
        assert float(said.replace(",", "")) == pytest.approx(10**at)
    assert found or width < 1


def test_prior_and_posterior_are_densities_from_zero(drawn):
    figure, panels = drawn("prior-posterior")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["prior", "posterior"]
    for title, axes in panels.items():
        assert axes.get_ylim()[0] <= 0, title
        for line in axes.lines[:2]:
            assert np.trapezoid(line.get_ydata(), line.get_xdata()) == pytest.approx(1, abs=0.02)


def test_forest_is_medians_and_central_intervals(view, drawn):
    figure, _ = drawn("forest")
    right = figure.axes[1]
    points = np.concatenate(
        [c.get_offsets()[:, 0] for c in right.collections if len(c.get_offsets())]
    )
    shown, _ = view.members(100)
    medians = [np.median(np.log10(view.elements[one.name])) for one in shown]
    np.testing.assert_allclose(np.sort(points), np.sort(medians), atol=1e-6)
    ends = {round(float(x), 6) for line in right.lines for x in line.get_xdata()}
    for one in shown:
        draws = np.log10(view.elements[one.name])
        for level in (0.05, 0.25, 0.75, 0.95):
            assert round(float(np.quantile(draws, level)), 6) in ends, (one.name, level)


def outside(figure):
    """Points of all lines that lie outside the band of their panel."""
    count = 0
    for axes in figure.axes:
        (band,) = [c for c in axes.collections if len(c.get_paths())][:1]
        corners = band.get_paths()[0].vertices
        for line in axes.lines:
            for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
                near = corners[np.abs(corners[:, 0] - x) < 0.02, 1]
                if len(near):
                    count += bool(y > near.max() + 0.02 or y < near.min() - 0.02)
    return count


def planted(view, shift):
    """The view with beliefs of four independent chains, the first of which stands apart."""
    own = View(view.run)
    rng = np.random.default_rng(3)
    draws = {name: rng.standard_normal((4, 1000)) for name in view.beliefs[:PANELS]}
    for array in draws.values():
        array[0] += shift
    own.__dict__ |= {"elements": draws, "beliefs": [*draws]}
    return own


def test_a_chain_that_stands_apart_leaves_the_band_and_no_other_does(view, drawn):
    """Of 36 lines at 99% each a third of one strays; a handful of points is allowed."""
    assert outside(drawn("rank", planted(view, 0.0))[0]) < 50
    assert outside(drawn("rank", planted(view, 1.0))[0]) > 500


def test_divergences_are_marked(view, drawn):
    own = View(view.run)
    assert marked(drawn("pair")[0]) == 0
    tree = view.run.draws.copy(deep=True)
    tree["sample_stats"]["diverging"][0, :7] = True
    own.run = type("Run", (), {"draws": tree, "checks": view.run.checks})()
    own.__dict__ |= {"elements": view.elements, "beliefs": view.beliefs, "_prior": view._prior}
    assert marked(drawn("pair", own)[0]) == 7


def marked(figure):
    """How many points a panel has beside those of the chains: divergences."""
    clouds = figure.axes[PAIRED].collections
    return sum(int(np.ma.count(c.get_offsets()[:, 0])) for c in clouds) - 4000


def test_constant_and_infinite_beliefs_are_named_and_not_drawn(failed):
    view = View(failed)
    assert "cost_decline_factor" not in view.elements
    assert view.left_out["cost_decline_factor"] == "constant"
    assert view.left_out["slowdown_half_life_years"] == "infinite"
    made = draw("trace", view, "png")
    plt.close(made.figure)
    said = "; ".join(made.left_out)
    assert "constant: " in said
    assert "infinite: slowdown_half_life_years" in said


# --- numbers --------------------------------------------------------------------------------------


def test_numbers_are_those_of_the_gate(base_run, tmp_path):
    rows = {row["plot"]: row for row in inspect(base_run, ["rank", "ess", "energy"], tmp_path)}
    for plot, checks in {
        "rank": ["r_hat_at_most_1_01"],
        "ess": ["ess_bulk_at_least_400", "ess_tail_at_least_400"],
        "energy": ["e_bfmi_at_least_0_3"],
    }.items():
        found = [(n["value"], n["passed"], n["worst"]) for n in rows[plot]["numbers"]]
        wanted = [base_run.checks[name] for name in checks]
        assert found == [(check.value, check.passed, check.worst) for check in wanted]


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_pareto_k_is_that_of_arviz(view):
    every = {
        name: az.loo(view.run.draws, var_name=name, pointwise=True, reff=1.0).pareto_k.values
        for name in view.run.draws["log_likelihood"].data_vars
    }
    found = pareto_k(view)
    assert found.value == pytest.approx(max(k.max() for k in every.values()), rel=1e-6)
    high = sum(int((k > 0.7).sum()) for k in every.values())
    assert f"{high} of " in found.limit
    assert found.passed == (high == 0)


# --- refusals -------------------------------------------------------------------------------------


def test_all_faults_at_once_and_before_any_work(base_run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("simulator.inspecting.View", None)
    with pytest.raises(BadInput) as refused:
        inspect(base_run, ["tarce", "rank", "nonsense"], base_run.path / "x", "html")
    said = str(refused.value)
    assert "did you mean trace" in said
    assert "nonsense" in said
    assert "sealed run" in said
    assert "ai-scaling-simulator[interactive]" in said
    with pytest.raises(BadInput, match="gif"):
        inspect(base_run, format="gif")


def test_what_a_run_does_not_have_is_left_out_or_refused_by_name(failed, tmp_path):
    rows = {row["plot"]: row for row in inspect(failed, into=tmp_path)}
    absent = {"energy", "loo-pit", "predictive", "counts", "prior-posterior", "forest"}
    assert {name for name, row in rows.items() if "skipped" in row} == absent
    assert all(rows[name]["file"] is None for name in absent)
    with pytest.raises(BadInput) as refused:
        inspect(failed, ["energy", "trace", "counts"], tmp_path)
    assert [fault.key for fault in refused.value.faults] == ["--plot energy", "--plot counts"]


def test_structures_without_counts_say_so(view):
    trend = View(view.run)
    trend.__dict__["counts"] = []
    assert "counts nothing" in unavailable("counts", trend)


# --- command --------------------------------------------------------------------------------------


def test_command_says_what_failed_first_and_what_to_look_for(failed, tmp_path, capsys):
    words = ["inspect", str(failed.path), "--into", str(tmp_path), "--plot", "trace"]
    assert cli.run(words) == 0
    said = capsys.readouterr().out
    assert "FAILED" in said.splitlines()[0]
    assert str(tmp_path / "trace.png") in said
    assert "look for" in said
    assert "R-hat" in said


def test_command_as_json(base_run, tmp_path, capsys):
    words = ["inspect", str(base_run.path), "--into", str(tmp_path), "--plot", "energy", "--json"]
    assert cli.run(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["run"], found["status"]) == (base_run.id, "passed")
    (row,) = found["plots"]
    assert row["numbers"][0]["name"] == "E-BFMI"
    assert math.isfinite(row["numbers"][0]["value"])


def test_the_help_names_every_plot_and_format(capsys):
    assert cli.run(["inspect", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in (*PLOTS, *FORMATS))
