"""Where a figure comes from: the small print under it, and what its caption says of the run."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from simulator import seal
from simulator.figures import style
from simulator.run import Run
from simulator.scenario import Scenario, sealed_scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 6  # runs whose origins are told
MARGIN = 0.1  # inches of the page at either side of text


@lru_cache(maxsize=1)  # each figure and each caption asks, and what is sealed does not change
def scenario_of(path: Path) -> Scenario:
    """The scenario of the run in this folder."""
    return sealed_scenario(path)


def failure(run: Run) -> str:
    """What is to be said first of a run that failed a check; nothing of one that passed."""
    if run.passed:
        return ""
    failed = [name for name, check in run.checks.items() if not check.passed]
    return f"FAILED {len(failed)} of {len(run.checks)} checks"


def origin(run: Run) -> str:
    """Run, checks and digest: what finds it again and proves that it is the same."""
    checks = failure(run) or f"all {len(run.checks)} checks passed"
    digest = seal.manifest(run.path)["digest"][:12]
    return f"{checks} · run {run.id} · digest {digest}"


def conditions(run: Run) -> str:
    """What an interval of the run is conditional on, in sentences."""
    said = []
    if failed := failure(run):
        bad = ", ".join(name for name, check in run.checks.items() if not check.passed)
        said.append(f"{failed} ({bad}): do not rely on it.")
    if "parents" in run.record:
        said.append(f"An average of {len(run.record['parents'])} runs.")
    else:
        form = run.spec.get("structure", {})
        said.append(f"{_evidence(run)} Structure: {', '.join(map(str, form.values()))}.")
    if "reweighted" in run.record:
        said.append(f"Reweighted from {run.record['reweighted']['parent']['id']}.")
    said.append(f"Run {run.id}.")
    return " ".join(said)


def _evidence(run: Run) -> str:
    count = run.record.get("observations", 0)
    if not count:
        return "Beliefs alone, before any evidence."
    until = run.spec.get("evidence", {}).get("as_of")
    dated = f" dated {until} or before" if until else ""
    return f"Conditional on the model, its beliefs and {count} observations{dated}."


def small_print(figure: "Figure", of: Sequence[Run]) -> None:
    """The origin of every run, under everything else; of many, how many there are."""
    said = [origin(run) for run in of[:MOST]]
    said += [f"and {len(of) - MOST} further runs"] * (len(of) > MOST)
    lines = [line for one in said for line in _lines(one, figure, style.SMALL)]
    if not lines:
        return
    colour = style.GREY if all(run.passed for run in of) else style.VERMILLION
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=style.SMALL, color=colour)


def mark(axes: "Axes", of: Sequence[Run]) -> None:
    """Over axes of a run that failed a check: that it did."""
    if not _failed(of):
        return
    if not axes.get_title(loc="left"):
        titled(axes, of, "")
    if len(of) > 1:  # not all of it is of no use
        return
    axes.text(0.5, 0.5, "FAILED CHECKS", transform=axes.transAxes, ha="center", va="center",
              rotation=25, fontsize=2 * style.TITLE, color=style.VERMILLION, alpha=0.35,
              gid="failed")  # fmt: skip


def heading(
    figure: "Figure", of: Sequence[Run], text: str, legend: tuple = (), columns: int = 5
) -> None:
    """A title over several axes, and under it what their colours mean (handles and labels).

    That a run failed a check comes before it.
    """
    lines = _lines(text, figure, style.TITLE)
    colour = style.BLACK
    if failed := _failed(of):
        lines, colour = [f"{failed}: do not rely on it", *lines], style.VERMILLION
    rows = -(-len(legend[0]) // columns) if legend else 0
    said = "\n".join([*lines, *[" "] * rows])
    figure.suptitle(said, x=0.01, ha="left", fontsize=style.TITLE, color=colour)
    if legend:
        below = (len(lines) * style.TITLE * 1.2 + 3) / 72 / figure.get_figheight()
        found = figure.legend(
            *legend, loc="upper left", bbox_to_anchor=(0.005, 1 - below), ncols=columns,
            borderpad=0.1, columnspacing=1.2,
        )  # fmt: skip
        found.set_in_layout(False)  # the title has kept its place free


def titled(
    axes: "Axes", of: Sequence[Run], text: str, legend: tuple = (), columns: int = 2
) -> None:
    """A title over one pair of axes, and under it what their colours mean; a failure before it."""
    figure = axes.get_figure(root=True)
    beside = 0.75  # inches of labels, left of which no title begins
    grid = axes.get_subplotspec()
    across = grid.get_gridspec().ncols if grid else 1
    lines = style.lines(text, figure.get_figwidth() / across - beside, style.TITLE)
    failed = _failed(of)
    pad = None
    if legend:
        columns = 1 if across > 1 or style.narrow(figure) else columns
        rows = -(-len(legend[0]) // columns)
        axes.legend(*legend, loc="lower left", bbox_to_anchor=(-0.01, 1), ncols=columns,
                    borderpad=0.1)  # fmt: skip
        pad = 4 + 1.45 * (style.TEXT - 0.5) * rows
    colour = style.VERMILLION if failed else style.BLACK
    said = "\n".join([failed, *lines] if failed else lines)
    axes.set_title(said, loc="left", pad=pad, color=colour)


def _failed(of: Sequence[Run]) -> str:
    said = [failure(run) for run in of if not run.passed]
    if len(of) < 2:
        return said[0] if said else ""
    return f"{len(said)} of {len(of)} runs FAILED checks (†)" if said else ""


def _lines(text: str, figure: "Figure", size: float) -> list[str]:
    return style.lines(text, figure.get_figwidth() - 2 * MARGIN, size)
