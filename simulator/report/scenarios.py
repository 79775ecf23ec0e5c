"""A batch as a page: what each scenario answers, side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.labels import heading, label, usual_factor
from simulator.quantities import QUANTITIES
from simulator.report import parts
from simulator.run import Run, open_run
from simulator.units import show

if TYPE_CHECKING:
    import xarray as xr

RIDGES, ROWS = 24, 500  # scenarios that a figure, and the table, can hold

type Row = dict[str, Any]


def comparison(folder: Path) -> Row:
    """Status, one table of all scenarios, and ridges where they are few."""
    from simulator.batch.collect import open_batch
    from simulator.batch.status import status

    about = status(folder)
    sealed = about["counts"]["passed"] + about["counts"]["failed"]
    tree = open_batch(folder)
    runs = named(folder, tree["status"].dataset) if 0 < sealed <= RIDGES else {}
    chosen = outputs(tree["quantiles"].dataset)
    return {
        "about": about,
        "axes": [axis["axis"] for axis in about["axes"]],
        "outputs": [_called(*one) for one in chosen],
        "rows": rows(tree, chosen),
        "most": ROWS,
        "figures": [ridge(runs, *one) for one in chosen if runs],
    }


def outputs(quantiles: "xr.Dataset") -> list[tuple[str, Row]]:
    """The outputs that are compared: both multipliers, and the first task at the second date."""
    found: list[tuple[str, Row]] = []
    if (name := "required_rl_multiplier_oom") in quantiles:
        factor = usual_factor(quantiles["inference_factor"].values.tolist())
        at = {"inference_factor": factor, "benchmark": "new"}
        found += [(name, {**at, "algorithm": each}) for each in ("as_published", "today")]
    if (name := "task_cost_oom_usd") in quantiles:
        dates = quantiles["date"].values
        date = str(dates[min(1, dates.size - 1)])[:10]
        found.append((name, {"task": str(quantiles["task"].values[0]), "date": date}))
    return found


def rows(tree: "xr.DataTree", chosen: list[tuple[str, Row]]) -> list[Row]:
    """One per scenario that was planned: its levels, how it went, and its answers."""
    status = tree["status"].dataset
    axes = list(status["status"].dims)
    made = []
    for at in np.ndindex(*status["status"].shape):
        here = dict(zip(axes, at, strict=True))
        one = status.isel(here)
        if not (state := str(one["status"].item())):
            continue
        made.append(
            {
                "levels": _levels(one, axes),
                "status": state,
                "why": str(one["why"].item()),
                "answers": [
                    _answer(tree["quantiles"].dataset.isel(here), *each) for each in chosen
                ],
            }
        )
    return made[:ROWS]


def _levels(one: "xr.Dataset", axes: list[Any]) -> list[str]:
    names = [n for n in one.coords if n != "scenario"] if axes == ["scenario"] else axes
    return [str(one[name].values) for name in names]


def _answer(quantiles: "xr.Dataset", name: str, at: Row) -> str:
    unit = QUANTITIES[name].unit
    found = quantiles[name].sel(at).sel(quantile=[0.05, 0.5, 0.95]).values
    if np.isnan(found).any():
        return ""
    low, middle, high = (show(x if np.isfinite(x) else None, unit).strip() for x in found.tolist())
    return f"{middle} ({low} to {high})"


def _called(name: str, at: Row) -> str:
    row = {"quantity": name, "coords": at}
    return f"{heading(row)}, {label(row)}"


def named(folder: Path, status: "xr.Dataset") -> dict[str, Run]:
    """The sealed runs by their levels; an axis of one level says nothing."""
    axes = [dim for dim, size in status["status"].sizes.items() if size > 1]
    runs = {}
    for at in np.ndindex(*status["status"].shape):
        one = status.isel(dict(zip(status["status"].dims, at, strict=True)))
        if str(one["status"].item()) in ("passed", "failed"):
            name = ", ".join(_levels(one, axes)) or "the scenario"
            runs[name] = open_run(folder / str(one["run"].item()))
    return runs


def ridge(runs: dict[str, Run], name: str, at: Row) -> Row:
    """The densities of one output over the scenarios, as a figure."""
    from simulator import figures

    drawn = figures.ridges(runs, name, width=parts.FIGURE, **at)
    said = figures.caption("ridges", runs, name, **at)
    stem = f"ridges {name} {' '.join(map(str, at.values()))}"
    return parts.figure_of(drawn.figure, "ridges", stem, said)
