"""The plots, by ArviZ: each of so many panels that every one can be read."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

import arviz as az
import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator

from simulator.inspecting.view import Shown, View, ticks

PANEL = (3.6, 2.7)  # inches
COLUMNS, PANELS, PAIRED, ROWS = 3, 9, 5, 40
DOTS = 100  # to an inch, on a page
BLUE, ORANGE = "#0072B2", "#D55E00"  # which colour-blind readers tell apart
BACKEND = {"png": "matplotlib", "svg": "matplotlib", "html": "plotly"}
LABELS = {"matplotlib": (1, 1.6), "plotly": (1.5, 1)}  # their column beside that of a forest
STYLE = {  # legible at column width; text stays text in SVG
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "none",
}


class Drawn(NamedTuple):
    """A figure of Matplotlib or Plotly, and what it does not show."""

    figure: Any
    left_out: list[str]


class Canvas(NamedTuple):
    """Where ArviZ draws."""

    backend: str

    @property
    def functions(self) -> Any:
        """What ArviZ offers alike for every library that draws."""
        return import_module(f"arviz_plots.backend.{self.backend}")

    def grid(self, panels: int, width: float = PANEL[0]) -> dict[str, Any]:
        """So many panels in rows of COLUMNS."""
        columns = min(panels, COLUMNS)
        rows = -(-panels // COLUMNS)
        return self.size(width * columns, PANEL[1] * rows + 0.4) | {"col_wrap": COLUMNS}

    def size(self, width: float, height: float) -> dict[str, Any]:
        """A figure of a size in inches."""
        figure = {"figsize": (DOTS * width, DOTS * height), "figsize_units": "dots"}
        if self.backend == "matplotlib":
            figure = {"figsize": (width, height)}
        return {"backend": self.backend, "figure_kwargs": figure}


def draw(name: str, view: View, format: str) -> Drawn:
    """The plot of a name; the settings of ArviZ and Matplotlib are as before when it is done."""
    with _contained(), mpl.rc_context(), plt.style.context("arviz-variat"), az.rc_context():
        mpl.rcParams.update(STYLE)
        return DRAW[name](view, Canvas(BACKEND[format]))


@contextmanager
def _contained() -> Iterator[None]:
    """Without the warning of a high Pareto k, which the number beside the plot says better."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimated shape parameter of Pareto", UserWarning)
        yield


def _done(plotted: Any, left_out: list[str]) -> Drawn:
    return Drawn(plotted.viz["figure"].item(), left_out)


def _in_numbers(canvas: Canvas, panel: Any, axis: str, ends: tuple[float, float]) -> None:
    """A scale in orders of magnitude, marked with the numbers that they are of."""
    marks = ticks(*ends)
    getattr(canvas.functions, f"{axis}ticks")([*marks], [*marks.values()], panel)


def _panels(canvas: Canvas, plotted: Any, of: Iterable[tuple[Shown, Any]], axis: str) -> None:
    for one, ends in of:
        if ends is not None:
            _in_numbers(canvas, plotted.get_target(one.label, {}), axis, ends)


def _from_zero(canvas: Canvas, panel: Any, draws: Any) -> None:
    """A density from zero up: cut elsewhere, a flat one looks like waves."""
    ends = [float(draws.min()), float(draws.max())]
    canvas.functions.line(ends, [0.0, 0.0], panel, alpha=0.0)


def _rest(view: View, shown: list[Shown]) -> list[str]:
    """The beliefs that are not drawn, and why."""
    names = {one.name for one in shown}
    others = [name for name in view.beliefs if name not in names]
    plain = {name: why for name, why in view.left_out.items() if "[" not in name}
    said = [
        f"{why}: {', '.join(name for name in plain if plain[name] == why)}"
        for why in dict.fromkeys(plain.values())
    ]
    if others:
        said.append(f"{len(others)} beliefs that the headline depends on less")
    return said


# --- how the sampler did --------------------------------------------------------------------------


def _trace(view: View, canvas: Canvas) -> Drawn:
    shown = view.shown(view.mixed(PANELS))
    plotted = az.plot_trace(
        view.tree(shown),
        visuals={"trace": {"alpha": 0.6, "width": 0.7}},
        **canvas.grid(len(shown)),
    )
    _panels(canvas, plotted, ((one, one.ends) for one in shown), "y")
    return _done(plotted, _rest(view, shown))


def _rank(view: View, canvas: Canvas) -> Drawn:
    """Thinned draws against a 99% band for one chain, by two choices that are not ArviZ's own.

    Its test cries alarm over good chains (at 1%, over half of those whose neighbours correlate by
    0.6), and its band for several chains is without bounds for 2, 3 or long ones (1.3; measured).
    """
    shown = view.shown(view.mixed(PANELS))
    plotted = az.plot_rank(
        view.tree(shown),
        method="envelope",
        stats={"ecdf_pit": {"n_chains": 1}, "thin": {"factor": view.thinning}},
        **canvas.grid(len(shown)),
    )
    return _done(plotted, _rest(view, shown))


def _ess(view: View, canvas: Canvas) -> Drawn:
    shown = view.shown(view.mixed(PANELS))
    colours = {"ess_bulk": BLUE, "ess_bulk_line": BLUE, "ess_tail": ORANGE, "ess_tail_line": ORANGE}
    plotted = az.plot_ess_evolution(
        view.tree(shown),
        visuals={name: {"color": colour} for name, colour in colours.items()},
        **canvas.grid(len(shown)),
    )
    return _done(plotted, _rest(view, shown))


def _energy(view: View, canvas: Canvas) -> Drawn:
    drawn = _done(az.plot_energy(view.tree(view.shown(view.beliefs[:1])), **canvas.size(9, 4)), [])
    if canvas.backend == "matplotlib":
        drawn.figure.axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
        drawn.figure.axes[1].set_xlabel("energy around its mean, nat")
    return drawn


def _pair(view: View, canvas: Canvas) -> Drawn:
    shown = view.shown(view.beliefs[:PAIRED])
    tree = view.tree(shown)
    plotted = az.plot_pair(
        tree,
        visuals={"divergence": view.has("sample_stats"), "scatter": {"alpha": 0.15, "size": 8}},
        **canvas.size(2.2 * len(shown), 2.2 * len(shown)),
    )
    for one in shown:
        _from_zero(canvas, plotted.get_target(one.label, {}), tree["posterior"][one.label])
    for row, below in enumerate(shown):
        for column, beside in enumerate(shown[: row + 1]):
            panel = plotted.get_target(beside.label, {}, below.label, {})
            if beside.log:
                _in_numbers(canvas, panel, "x", beside.ends)
            if below.log and column < row:
                _in_numbers(canvas, panel, "y", below.ends)
    return _done(plotted, _rest(view, shown))


# --- how the evidence is predicted ----------------------------------------------------------------


def _loo_pit(view: View, canvas: Canvas) -> Drawn:
    names = view.measured
    grid = canvas.grid(len(names))
    grid["figure_kwargs"]["sharey"] = False  # the text in a panel is placed for its own scale
    plotted = az.plot_loo_pit(view.predicted(names), **grid)
    return _done(plotted, _few(view, names))


def _predictive(view: View, canvas: Canvas) -> Drawn:
    names = view.measured
    plotted = az.plot_ppc_dist(view.predicted(names), **canvas.grid(len(names)))
    return _done(plotted, _few(view, names))


def _counts(view: View, canvas: Canvas) -> Drawn:
    plotted = az.plot_ppc_rootogram(view.predicted(view.counts), **canvas.size(8, 4))
    return _done(plotted, [])


def _few(view: View, names: list[str]) -> list[str]:
    """The observed variables that are not drawn."""
    observed = view.run.draws["observed_data"].data_vars
    return [
        f"{name}: {'counts, see counts' if name in view.counts else 'too few to have a shape'}"
        for name in map(str, observed)
        if name not in names
    ]


# --- what it came to ------------------------------------------------------------------------------


def _prior_posterior(view: View, canvas: Canvas) -> Drawn:
    shown = view.shown(view.stated[: PANELS + COLUMNS])
    tree = view.tree(shown, prior=True)
    plotted = az.plot_prior_posterior(tree, **canvas.grid(len(shown)))
    for one in shown:
        _from_zero(canvas, plotted.get_target(one.label, {}), tree["posterior"][one.label])
    _panels(canvas, plotted, ((one, one.with_prior) for one in shown), "x")
    return _done(plotted, _rest(view, shown))


def _forest(view: View, canvas: Canvas) -> Drawn:
    """On one scale of orders of magnitude, for ratios and slopes both are positive."""
    shown, left_out = view.members(ROWS)
    size = canvas.size(9, 1 + 0.3 * len(shown))
    size["figure_kwargs"]["width_ratios"] = LABELS[canvas.backend]
    plotted = az.plot_forest(
        view.tree(shown),
        combined=True,
        ci_probs=(0.5, 0.9),
        point_estimate="median",
        visuals={"ticklabels": False},
        **size,
    )
    labels, panel = (plotted.viz["plot"].sel(column=c).item() for c in ("labels", "forest"))
    canvas.functions.remove_axis(labels, axis="both")
    ends = min(one.ends[0] for one in shown), max(one.ends[1] for one in shown)
    _in_numbers(canvas, panel, "x", ends)
    return _done(plotted, left_out)


DRAW: dict[str, Callable[[View, Canvas], Drawn]] = {
    "trace": _trace,
    "rank": _rank,
    "ess": _ess,
    "energy": _energy,
    "pair": _pair,
    "loo-pit": _loo_pit,
    "predictive": _predictive,
    "counts": _counts,
    "prior-posterior": _prior_posterior,
    "forest": _forest,
}
