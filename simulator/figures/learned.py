"""What the evidence taught: each belief before it and after it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.faults import BadInput, Fault, nearest
from simulator.figures import provenance, scale, shapes, style
from simulator.figures.provenance import conditions
from simulator.quantities import BELIEFS
from simulator.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MATTER = (  # what the answer hangs on, in the order of the argument
    *("rl_slope", "inference_slope", "slope_ratio", "benchmark_ratio_spread"),
    *("algorithm_slope_factor", "algorithm_shift_oom", "cost_decline_factor"),
    *("decline_ageing_years", "decline_remaining_fraction", "slowdown_half_life_years"),
    *("transfer_exponent", "cost_floor_fraction"),
)
POINTS = 56  # of a density; there are many panels in one file
HEIGHT = 1.05  # inches of a panel
GROUPS = {"prior": ("before the evidence", style.GREY), "posterior": ("after it", style.BLUE)}


def beliefs(
    run: Run,
    names: Sequence[str] | None = None,
    *,
    figure: "Figure | None" = None,
    width: float = style.PAGE,
) -> "Figure":
    """Density of each belief before and after the evidence, a panel each, as `belief` draws one.

    `names`: beliefs of the run; by default those that the answer hangs on. Raises BadInput.
    """
    names = _known(run, names)
    columns = min(2 if width < (style.COLUMN + style.PAGE) / 2 else 4, len(names))
    rows = -(-len(names) // columns)
    with style.sheet(figure, [run], width, 0.75 + HEIGHT * rows) as figure:
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, name in zip(panels, names, strict=False):
            _panel(run, axes, name, 3)
            axes.set_title(name, fontsize=style.TEXT, loc="left")
        for axes in panels[len(names) :]:
            axes.remove()
        legend = panels[0].get_legend_handles_labels()
        taught = run.record.get("observations", 1)
        title = (
            "Beliefs before and after the evidence" if taught else "Beliefs; no evidence is used"
        )
        provenance.heading(figure, [run], title, legend, 2)
    return figure


def belief(run: Run, name: str, *, axes: "Axes | None" = None, width: float = style.PAGE) -> "Axes":
    """Density of one belief before (grey) and after the evidence (blue), in its unit.

    What can only be positive lies on a log axis. A constant is a line. Raises BadInput.
    """
    _known(run, [name])
    with style.canvas(axes, [run], width, min(0.5 * width, 2.6)) as axes:
        _panel(run, axes, name, 6)
        provenance.titled(axes, [run], name)
        axes.legend(loc="upper right")
    return axes


def beliefs_caption(run: Run, names: Sequence[str] | None = None) -> str:
    """What the beliefs' figure shows, under which conditions."""
    names = _known(run, names)
    said = f"Densities of {len(names)} beliefs: grey as stated, blue after the evidence. Each axis"
    said += (
        " holds 99% of both. Where the two hardly differ, the answer is the belief's and not the"
    )
    said += " data's."
    return f"{said} {conditions(run)}"


def _panel(run: Run, axes: "Axes", name: str, most: int) -> None:
    plain = {group: shapes.flat(run.draws[group][name]) for group in GROUPS}
    of = scale.of_quantity(name, [*plain.values()])
    draws = {group: of.even(values) for group, values in plain.items()}
    low, high = shapes.span([*draws.values()])
    top = 0.0
    for group, (label, colour) in GROUPS.items():
        found = shapes.density(draws[group], low, high, POINTS)
        x = of.placed(found.x)
        if found.infinite:
            axes.text(0.98, 0.9, f"never {style.share(found.infinite)}", ha="right", va="top",
                      transform=axes.transAxes, color=colour, gid="infinite")  # fmt: skip
        if not found.y.size:
            for value in x:
                axes.axvline(value, color=colour, label=label)
            continue
        top = max(top, found.y.max())
        axes.fill(
            [x[0], *x, x[-1]], [0, *found.y, 0], facecolor=style.tint(colour, 0.35), alpha=0.7,
            edgecolor=colour, lw=0.9, label=label, gid=f"density-{group}",
        )  # fmt: skip
    axes.set_ylim(0, 1.08 * top or 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    of.set(axes.xaxis, low, high, most)
    if of.unit not in ("x", "x per year", "1", "years"):  # which the marks say themselves
        axes.set_xlabel(of.unit, labelpad=1)


def _known(run: Run, names: Sequence[str] | None) -> list[str]:
    """Beliefs of the run that are asked for."""
    draws = run.draws["posterior"].dataset
    known = [name for name in BELIEFS if name in draws and name in run.draws["prior"]]
    if unknown := [name for name in names or () if name not in known]:
        rule = "is not a belief of it"
        raise BadInput([Fault(run.id, name, rule, nearest(name, known)) for name in unknown])
    return [name for name in names or MATTER if name in known]
