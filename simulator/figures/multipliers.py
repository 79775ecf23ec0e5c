"""The RL multiplier: its density, and the probability that it exceeds a value."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from simulator import equations
from simulator.faults import BadInput, Fault
from simulator.figures import provenance, shapes, style, ticks
from simulator.figures.provenance import conditions
from simulator.figures.scale import of_unit
from simulator.labels import BENCHMARKS, RECIPES, usual_factor
from simulator.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OOM = of_unit("OOM")
ORD_RATIO = 0.5  # RL slope over inference slope, as Ord reads the o1 chart
EPOCH_GAIN = 2.0  # a recipe "more than twice as steep", as the Epoch essay answers
PAPER = {"fc": "white", "ec": "none", "alpha": 0.75, "pad": 0.2}  # under words on a line
ROOM = 1.22  # of an axis, over what is drawn, for the names of the positions
ENDS = 0.003, 0.985  # quantiles of the finite draws between which the axis lies

type Draws = dict[str, np.ndarray]


def multiplier(
    run: Run,
    *,
    inference_factor: float | None = None,
    benchmark: str = "new",
    figure: "Figure | None" = None,
    width: float = style.PAGE,
) -> "Figure":
    """Density and exceedance curve of the RL multiplier, by recipe; side by side where it is wide.

    Both as `multiplier_density` and `multiplier_exceedance` draw them; without a factor, of 100x or
    else the first that the run has.
    """
    factor = _factor(run, inference_factor)
    wide = width > (style.COLUMN + style.PAGE) / 2
    with style.sheet(figure, [run], width, 2.9 if wide else 4.4) as figure:
        shape = (1, 2) if wide else (2, 1)
        panels = figure.subplots(*shape)
        for axes, draw in zip(panels, (_density, _exceedance), strict=True):
            _panel(run, axes, draw, factor, benchmark)
        legend = panels[0].get_legend_handles_labels()
        title = _title(factor, benchmark)
        provenance.heading(figure, [run], title, legend, 2 if wide else 1)
    return figure


def multiplier_density(
    run: Run,
    *,
    inference_factor: float | None = None,
    benchmark: str = "new",
    axes: "Axes | None" = None,
    width: float = style.PAGE,
) -> "Axes":
    """Density of the RL compute that buys what a factor of inference buys, by recipe.

    A log axis in multiples; areas are probabilities, and what no compute reaches is written out.
    """
    return _alone(run, _density, inference_factor, benchmark, axes, width)


def multiplier_exceedance(
    run: Run,
    *,
    inference_factor: float | None = None,
    benchmark: str = "new",
    axes: "Axes | None" = None,
    width: float = style.PAGE,
) -> "Axes":
    """Probability that it takes more RL compute than a multiple, by recipe; on a log axis."""
    return _alone(run, _exceedance, inference_factor, benchmark, axes, width)


def multiplier_caption(
    run: Run, *, inference_factor: float | None = None, benchmark: str = "new"
) -> str:
    """What the figure of the multiplier shows, under which conditions."""
    inference_factor = _factor(run, inference_factor)
    draws = _draws(run, inference_factor, benchmark)
    said = f"{_title(inference_factor, benchmark)}: density, and probability of more than a"
    said += " multiple, by RL recipe."
    for algorithm, oom in draws.items():
        low, middle, high = (shapes.said(q, "OOM") for q in shapes.quantile(oom, (0.05, 0.5, 0.95)))
        said += f" {RECIPES[algorithm][0].upper()}{RECIPES[algorithm][1:]}: median {middle},"
        said += f" 90% between {low} and {high}"
        said += f"; no amount suffices {style.share(p)}." if (p := _never(oom)) else "."
    for name, oom in _marks(inference_factor).items():
        said += f" {name}: {shapes.said(oom, 'OOM')}."
    said += " Ord reads RL slopes as half of those of inference. The Epoch mark is a recipe"
    said += f" {EPOCH_GAIN:g} times as steep; the essay says more than that, which takes less."
    said += f" {conditions(run)}"
    return said


# --- panels ---------------------------------------------------------------------------------------


def _alone(
    run: Run, draw: Callable, asked: float | None, benchmark: str, axes: "Axes | None", width: float
) -> "Axes":
    """One panel as a figure of its own."""
    factor = _factor(run, asked)
    with style.canvas(axes, [run], width, 0.2 * width + 1.8) as axes:
        _panel(run, axes, draw, factor, benchmark)
        legend = axes.get_legend_handles_labels()
        provenance.titled(axes, [run], _title(factor, benchmark), legend)
    return axes


def _panel(run: Run, axes: "Axes", draw: Callable, inference_factor: float, benchmark: str) -> None:
    draws, marks = _draws(run, inference_factor, benchmark), _marks(inference_factor)
    around = [oom + side for oom in marks.values() for side in (-0.5, 0.5)]
    low, high = shapes.span([*draws.values()], ENDS, around)
    draw(axes, draws, marks, low, high)
    _dress(axes, marks, low, high)


def _density(axes: "Axes", draws: Draws, marks: dict[str, float], low: float, high: float) -> None:
    for algorithm, oom in draws.items():
        colour, _, line = style.RECIPES[algorithm]
        found = shapes.density(oom, low, high)
        label = _label(algorithm, oom)
        x = OOM.placed(found.x)
        if found.y.size:
            axes.fill_between(x, found.y, color=colour, alpha=0.25, lw=0)
            axes.plot(x, found.y, color=colour, ls=line, label=label, gid=f"density-{algorithm}")
        else:
            for value in x:  # one, or none
                axes.axvline(value, color=colour, ls=line, lw=2, label=label)
    axes.set_ylim(0, axes.get_ylim()[1] * ROOM)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylabel("probability density")


def _exceedance(
    axes: "Axes", draws: Draws, marks: dict[str, float], low: float, high: float
) -> None:
    grid = np.linspace(low, high, 2 * shapes.POINTS)
    for algorithm, oom in draws.items():
        colour, mark, line = style.RECIPES[algorithm]
        more = 1 - np.searchsorted(np.sort(oom), grid, side="right") / oom.size
        axes.plot(OOM.placed(grid), more, color=colour, ls=line, label=_label(algorithm, oom),
                  gid=f"exceedance-{algorithm}")  # fmt: skip
        if never := _never(oom):
            axes.axhline(never, color=colour, lw=0.6, ls=":", gid="infinite")
        for at, (side, ha) in zip(
            sorted(marks.values()), ((-3, "right"), (3, "left")), strict=True
        ):
            p = float((oom > at + 1e-12).mean())
            axes.plot(OOM.placed(at), p, mark, color=colour, ms=3)
            axes.annotate(style.share(p), (OOM.placed(at), p), (side, 1), color=colour, ha=ha,
                          textcoords="offset points", fontsize=style.SMALL + 0.5,
                          bbox=PAPER)  # fmt: skip
    axes.set_ylim(0, ROOM)
    ticks.percent_axis(axes.yaxis)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_ylabel("probability of more")
    axes.grid(axis="y", color="0.9", lw=0.5)


def _label(algorithm: str, oom: np.ndarray) -> str:
    never = _never(oom)
    return RECIPES[algorithm] + (f" (out of reach {style.share(never)})" if never else "")


def _dress(axes: "Axes", marks: dict[str, float], low: float, high: float) -> None:
    """The axis in multiples, and both positions."""
    OOM.set(axes.xaxis, low, high, 4)
    axes.set_xlabel("RL training compute, times as much")
    for row, (name, oom) in enumerate(sorted(marks.items(), key=lambda mark: mark[1])):
        at = OOM.placed(oom)
        axes.axvline(at, color=style.BLACK, lw=0.7, ls=(0, (2, 1.5)), ymax=0.82)
        inward = oom > low + 0.65 * (high - low)
        axes.annotate(f"{name}: {ticks.reading(at, 'OOM')}", (at, 1),
                      (-2 if inward else 2, -1 - 8 * row), xycoords=axes.get_xaxis_transform(),
                      textcoords="offset points", ha="right" if inward else "left", va="top",
                      fontsize=style.SMALL + 0.5, gid="position")  # fmt: skip


def _title(inference_factor: float, benchmark: str) -> str:
    name = BENCHMARKS.get(benchmark, style.plain(benchmark))
    return f"RL compute that buys what {inference_factor:,.15g}x inference buys, {name}"


def _draws(run: Run, inference_factor: float, benchmark: str) -> Draws:
    """Draws in OOM by algorithm."""
    found = run.forecast["required_rl_multiplier_oom"]
    faults = [
        Fault(run.id, dim, f"{asked!r} is not among {', '.join(map(str, known))}", "ask for one")
        for dim, asked in (("inference_factor", inference_factor), ("benchmark", benchmark))
        if asked not in (known := found[dim].values.tolist())
    ]
    if faults:
        raise BadInput(faults)
    found = found.sel(inference_factor=inference_factor, benchmark=benchmark)
    return {a: shapes.flat(found.sel(algorithm=a)) for a in found["algorithm"].values.tolist()}


def _factor(run: Run, asked: float | None) -> float:
    known = run.forecast["required_rl_multiplier_oom"]["inference_factor"].values.tolist()
    return usual_factor(known) if asked is None else asked


def _marks(inference_factor: float) -> dict[str, float]:
    """Both positions, in OOM."""
    of = equations.required_rl_multiplier_oom
    return {
        "Ord": float(of(inference_factor, ORD_RATIO)),
        "Epoch": float(of(inference_factor, ORD_RATIO, EPOCH_GAIN)),
    }


def _never(oom: np.ndarray) -> float:
    return float(np.isinf(oom).mean())
