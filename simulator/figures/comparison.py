"""Ridges: one output in several runs, scenarios or structures, one density under the other."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from simulator.faults import BadInput, Fault, nearest
from simulator.figures import scale, shapes, style
from simulator.labels import heading, label
from simulator.quantities import OUTPUTS, QUANTITIES
from simulator.run import Run
from simulator.summary import quantiles
from simulator.units import INFINITE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OUTPUT = "required_rl_multiplier_oom"
USUAL = {"inference_factor": 100.0, "benchmark": "new", "algorithm": "as_published"}
ROW = 0.3  # inches from a ridge to the next
HEIGHT = 1.35  # of a ridge, over that
MOST = 40  # scenarios that a page can hold
ENDS = 0.01, 0.95  # quantiles of the finite draws between which the axis lies


class Sample(NamedTuple):
    """The draws of one scenario, by what it is called."""

    name: str
    draws: np.ndarray
    failed: bool = False


def ridges(
    of: Sequence[Run] | Mapping[str, Run] | xr.DataTree,
    quantity: str = OUTPUT,
    *,
    axes: "Axes | None" = None,
    width: float = style.PAGE,
    **coords: Any,
) -> "Axes":
    """The density of one output or belief in each of several runs, in its unit, medians marked.

    `of`: runs, runs by name, or what `open_batch(DIR, draws=...)` gives. `coords` choose an element
    of the output (task=..., date=...); those of the multiplier default to 100x, a new benchmark and
    the o1-era recipe. Shares of infinite draws are written beside each. Raises BadInput.
    """
    found = samples(of, quantity, **coords)
    unit = QUANTITIES[quantity].unit
    runs = [] if isinstance(of, xr.DataTree) else _runs(of)
    names = [f"{s.name} †" if s.failed else s.name for s in found]
    names = ["\n".join(style.lines(name, width / 3)) for name in names]
    row = max(ROW, 0.13 * max(name.count("\n") + 1 for name in names))
    with style.canvas(axes, runs, width, 0.95 + row * (len(found) + 0.6)) as axes:
        at = scale.of_quantity(quantity, [sample.draws for sample in found])
        draws = [at.even(sample.draws) for sample in found]
        low, high = shapes.span(draws, ENDS)
        shaped = [shapes.density(d, low, high) for d in draws]
        top = max((d.y.max() for d in shaped if d.y.size), default=1.0)
        for y, (sample, even, shape) in enumerate(zip(found, draws, shaped, strict=True)):
            _ridge(axes, at, y, even, shape, top, sample.failed)
            if said := _missing(shape, unit):
                axes.text(0.995, y - 0.08, said, ha="right", va="bottom", zorder=99,
                          transform=axes.get_yaxis_transform(), fontsize=style.SMALL,
                          gid="infinite")  # fmt: skip
        figure = axes.get_figure(root=True)
        narrow = style.narrow(figure)
        axes.set_yticks(range(len(found)), names, parse_math=False)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(found) - 0.6, -HEIGHT)
        axes.spines["left"].set_visible(False)
        at.set(axes.xaxis, low, high, 3 if narrow else 6)
        note = ". † failed its checks" if any(s.failed for s in found) else ""
        said = f"{_asked(quantity, coords)}{note}"
        axes.set_xlabel("\n".join(style.lines(said, width / 2)))
    return axes


def ridges_caption(
    of: Sequence[Run] | Mapping[str, Run] | xr.DataTree, quantity: str = OUTPUT, **coords: Any
) -> str:
    """What the ridges show: medians and 90% of each."""
    unit = QUANTITIES[quantity].unit
    said = (
        f"{_asked(quantity, coords)}: a density for each of several runs, all of one area but for"
    )
    said += " what is written out; dots are medians, lines hold 90% of the probability."
    for sample in samples(of, quantity, **coords):
        low, middle, high = (shapes.said(quantiles(sample.draws)[q], unit)
                             for q in ("q05", "q50", "q95"))  # fmt: skip
        failed = ", FAILED its checks" if sample.failed else ""
        said += f" {sample.name}: {middle} [{low}, {high}]{failed}."
    return said


def samples(of: Any, quantity: str = OUTPUT, **coords: Any) -> list[Sample]:
    """The draws of one element of an output or belief, by run or scenario; see `ridges`."""
    if quantity not in QUANTITIES:
        rule = "is no output or belief"
        raise BadInput([Fault("ridges", quantity, rule, nearest(quantity, QUANTITIES))])
    asked = (USUAL if quantity == OUTPUT else {}) | coords
    if isinstance(of, xr.DataTree):  # which is a mapping too
        found = _of_batch(of, quantity, asked)
    else:
        found = [
            Sample(name, shapes.flat(_element(_variable(run, quantity), asked)), not run.passed)
            for name, run in _named(of).items()
        ]
    if not 0 < len(found) <= MOST:
        rule = f"{len(found)} scenarios have draws of it, and a page holds 1 to {MOST}"
        raise BadInput([Fault("ridges", quantity, rule, "choose some")])
    return found


def _ridge(axes: "Axes", at: scale.Scale, row: int, even: np.ndarray, shape: shapes.Density,
           top: float, failed: bool) -> None:  # fmt: skip
    colour = style.VERMILLION if failed else style.BLUE
    if shape.y.size:
        x = at.placed(shape.x)
        height = row - HEIGHT * shape.y / top
        axes.fill_between(x, row, height, color=style.tint(colour, 0.35), lw=0, alpha=0.85,
                          zorder=row + 2, gid=f"ridge-{row}")  # fmt: skip
        axes.plot(x, height, color=colour, lw=0.8, zorder=row + 2)
    low, middle, high = shapes.quantile(even, (0.05, 0.5, 0.95))
    limits = at.placed(np.clip([low, high], *_finite_ends(even)))
    axes.plot(limits, [row, row], color=style.BLACK, lw=0.8, zorder=row + 2.5)
    if np.isfinite(middle):
        axes.plot(at.placed(middle), row, "o", color=style.BLACK, ms=2.5, zorder=row + 2.5)


def _missing(shape: shapes.Density, unit: str) -> str:
    """What a ridge does not show."""
    said = []
    if shape.infinite:
        said.append(f"{INFINITE.get(unit, 'infinite')} {style.share(shape.infinite)}")
    if shape.above >= 0.01:
        said.append(f"beyond the axis {style.share(shape.above)}")
    return ", ".join(said)


def _finite_ends(even: np.ndarray) -> tuple[float, float]:
    """Finite ends for an interval that may have none."""
    finite = even[np.isfinite(even)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


# --- what is asked of whom ------------------------------------------------------------------------


def _runs(of: Any) -> list[Run]:
    return list(of.values() if isinstance(of, Mapping) else of)


def _named(of: Any) -> dict[str, Run]:
    """Runs by the shortest names that tell them apart."""
    if isinstance(of, Mapping):
        return {style.plain(name, 40): run for name, run in of.items()}
    for name in (
        lambda run: run.scenario,
        _structure,
        lambda run: f"{_structure(run)}, {run.record['observations'] or 'no'} observations",
        lambda run: run.id,
    ):
        named = {style.plain(name(run), 60): run for run in of if "parents" not in run.record}
        named |= {run.id: run for run in of if "parents" in run.record}
        if len(named) == len(of):
            break
    return named


def _structure(run: Run) -> str:
    return ", ".join(map(str, [run.scenario, *run.spec.get("structure", {}).values()]))


def _variable(run: Run, quantity: str) -> xr.DataArray:
    if quantity in run.forecast:  # which is a small part of what its draws are
        return run.forecast[quantity]
    if quantity in (posterior := run.draws["posterior"].dataset):
        return posterior[quantity]
    known = [*run.forecast, *run.draws["posterior"].dataset]
    raise BadInput([Fault(run.id, quantity, "is not in this run", nearest(quantity, known))])


def _element(variable: xr.DataArray, asked: Mapping[str, Any], axes: Sequence[str] = ()) -> Any:
    """The one element that was asked for."""
    sample = ("chain", "draw", *axes)
    free = [dim for dim in variable.dims if dim not in sample]
    faults = [
        Fault(str(variable.name), dim, "is not a dimension of it", nearest(dim, map(str, free)))
        for dim in asked if dim not in free
    ]  # fmt: skip
    chosen = {}
    for dim in map(str, free):
        known = variable[dim].values.tolist()
        if "date" in dim:
            known = [str(day)[:10] for day in variable[dim].values]
        wanted = str(asked[dim]) if "date" in dim and dim in asked else asked.get(dim)
        if wanted in known:
            chosen[dim] = known.index(wanted)
        else:
            rule = f"{wanted!r} is not one of {', '.join(map(str, known))}"
            rule = rule if dim in asked else f"has to be one of {', '.join(map(str, known))}"
            faults.append(Fault(str(variable.name), dim, rule, f"choose one by {dim}=..."))
    if faults:
        raise BadInput(faults)
    return variable.isel(chosen)


def _of_batch(tree: xr.DataTree, quantity: str, asked: Mapping[str, Any]) -> list[Sample]:
    group = next((g for g in ("predictions", "posterior") if g in tree.children
                  and quantity in tree[g]), None)  # fmt: skip
    if group is None:
        rule, fix = "has no draws in this tree", "open it with open_batch(DIR, draws=500)"
        raise BadInput([Fault("ridges", quantity, rule, fix)])
    status = tree["status"]["status"]
    axes = [str(dim) for dim in status.dims]
    variable = _element(tree[group][quantity], asked, axes).transpose("chain", "draw", *axes)
    flat = variable.values.reshape(variable.sizes["chain"] * variable.sizes["draw"], -1)
    states = status.values.ravel()
    return [
        Sample(name, flat[:, i][~np.isnan(flat[:, i])], states[i] == "failed")
        for i, name in enumerate(_labels(status))
        if not np.isnan(flat[:, i]).all()
    ]


def _labels(status: xr.DataArray) -> list[str]:
    """Scenarios by their levels; an axis of one level says nothing."""
    axes = [axis for axis in status.dims if status.sizes[axis] > 1]
    if not axes:
        return ["the scenario"] * status.size
    shape = tuple(status.sizes.values())
    called = {axis: status[axis].attrs.get("label", axis) for axis in axes}
    names = [
        [f"{called[axis]} {status[axis].values[at[status.dims.index(axis)]]}" for axis in axes]
        for at in np.ndindex(shape)
    ]
    return [style.plain(", ".join(name).replace("_", " "), 60) for name in names]


def _asked(quantity: str, coords: Mapping[str, Any]) -> str:
    """The element that is shown, as tables call it."""
    asked = (USUAL if quantity == OUTPUT else {}) | coords
    if quantity not in OUTPUTS:
        element = ", ".join(map(str, asked.values()))
        return style.plain(
            f"{quantity}{f' ({element})' * bool(element)}, {QUANTITIES[quantity].unit}"
        )
    plain = {k: str(v)[:10] if "date" in k else v for k, v in asked.items()}
    row = {"quantity": quantity, "coords": plain}
    return style.plain(f"{heading(row)}, {label(row)}", 110)
