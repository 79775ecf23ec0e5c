"""Draw a batch: medians and 90% of the RL multiplier and of a task's cost, by scenario.

    ./scripts/simulate batch run scripts/batches/beliefs.toml
    .venv/bin/python scripts/batch_figure.py runs/beliefs beliefs.png

Copy it and change what it asks for: every output of a run is in `open_batch(DIR)["quantiles"]`.
"""

import re
import sys

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.ticker import FuncFormatter, MaxNLocator

from simulator import open_batch, units
from simulator.faults import BadInput
from simulator.seal import Damaged

RECIPES = {  # colours that colour-blind readers tell apart, and shapes for those who print in grey
    "as_published": ("o1-era recipe", "#D55E00", "o"),
    "today": ("today's recipe", "#0072B2", "s"),
}
TASK, DATE = "$50,000 task", "2028-10-01"
MOST = 80  # scenarios that a page can hold


def rows(array: xr.DataArray, axes: list[str]) -> np.ndarray:
    """Quantiles 5%, 50% and 95% of every scenario that has a run: (scenario, 3)."""
    asked = array.sel(quantile=[0.05, 0.5, 0.95])
    return asked.transpose(*axes, "quantile").to_numpy().reshape(-1, 3)


def labels(status: xr.DataArray) -> list[str]:
    """Scenarios by their levels; an axis of one level says nothing."""
    axes = [axis for axis in status.dims if status.sizes[axis] > 1]
    stacked = status.stack(scenario=status.dims)
    names = [axis.replace("_", " ") for axis in axes]
    columns = [stacked[axis].to_numpy() for axis in axes]
    found = [
        ", ".join(f"{n} {x}" for n, x in zip(names, at, strict=True))
        for at in zip(*columns, strict=True)
    ]
    return found or [status.name] * stacked.size


def draw(ax, quantiles: np.ndarray, unit: str, say: str, colour: str, mark: str, shift: float):
    """One interval a row. Quantities in OOM are logarithms already, so the axis is a log axis."""
    y = np.arange(len(quantiles)) + shift
    low, median, high = quantiles.T
    ends = quantiles[np.isfinite(quantiles)]
    edge = ends.max() + 0.06 * np.ptp(ends)  # what never happens is larger than any number
    ax.hlines(y, low.clip(max=edge), high.clip(max=edge), color=colour, lw=2)
    ax.plot(median.clip(max=edge), y, mark, color=colour, ms=6, label=say)
    endless = np.isposinf(high)
    ax.plot(high[endless].clip(max=edge), y[endless], ">", color=colour, ms=7)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=3))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: re.sub(r"\.0\b", "", units.show(x, unit)))
    )


def figure(folder: str) -> plt.Figure:
    """Two panels with a row per scenario that has a run."""
    tree = open_batch(folder)
    status, quantiles = tree["status"]["status"], tree["quantiles"]
    axes = list(status.dims)
    there = np.isin(status.to_numpy().ravel(), ["passed", "failed"])
    if not there.any():
        raise SystemExit(f"{folder}: no scenario has a run yet")
    if there.sum() > MOST:
        raise SystemExit(f"{folder}: {there.sum()} scenarios are too many for a page; select some")
    marked = zip(labels(status), status.to_numpy().ravel(), strict=True)
    names = np.array([name + (" †" if state == "failed" else "") for name, state in marked])[there]

    multiplier = quantiles["required_rl_multiplier_oom"].sel(inference_factor=100, benchmark="new")
    cost = quantiles["task_cost_oom_usd"].sel(task=TASK, date=DATE)
    height = 1.9 + 0.42 * len(names)
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, height), sharey=True, layout="constrained")
    for (recipe, (say, colour, mark)), shift in zip(RECIPES.items(), (-0.15, 0.15), strict=True):
        of = rows(multiplier.sel(algorithm=recipe), axes)[there]
        draw(left, of, "OOM", say, colour, mark, shift)
    draw(right, rows(cost, axes)[there], "OOM USD", "", "#009E73", "D", 0)
    left.set_title("RL compute that buys what 100x inference buys", loc="left", fontsize=11)
    right.set_title(f"Cost of a {TASK} in {DATE[:7]}", loc="left", fontsize=11)
    left.set_yticks(range(len(names)), names)
    left.set_ylim(len(names) - 0.5, -0.5)  # the first on top, as in the file
    for ax in (left, right):
        ax.grid(axis="x", color="0.85")
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
    fig.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=2, frameon=False)
    note = "marks: medians; lines: 90% of the probability"
    note += (
        "\narrows: no end"
        if any(
            len(line.get_xdata())
            for line in [*left.lines, *right.lines]
            if line.get_marker() == ">"
        )
        else ""
    )
    note += "\n† failed its checks" if (status == "failed").any() else ""
    right.set_xlabel(note, loc="right", fontsize=9, color="0.3")
    return fig


def main(arguments: list[str]) -> None:
    """Write the figure of a batch's folder as PNG."""
    if len(arguments) != 2:
        raise SystemExit("usage: batch_figure.py DIR FILE.png")
    try:
        figure(arguments[0]).savefig(arguments[1], dpi=160)
    except (BadInput, Damaged) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(sys.argv[1:])
