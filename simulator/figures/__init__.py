"""Figures that people know how to read: one function each, on Matplotlib axes, in one style.

    from simulator import figures, open_run

    axes = figures.fan(run, "$50,000 task", human_cost_usd=2_000, width=figures.COLUMN)
    figures.caption("fan", run, "$50,000 task", human_cost_usd=2_000)
    figures.svg(axes.figure, "fan")

With `axes=` (or `figure=`, where there are several panels) they draw on what they are given. Every
figure has a caption that says mass and conditions. Matplotlib is loaded when one is drawn.
"""

import re
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.faults import BadInput, Fault, nearest
from simulator.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN, PAGE = 3.5, 7.0  # inches: widths of a column and of a page

_HOMES = {
    **dict.fromkeys(("fan", "costs_by_date"), "costs"),
    **dict.fromkeys(("multiplier", "multiplier_density", "multiplier_exceedance"), "multipliers"),
    **dict.fromkeys(("response", "curve_scores"), "curves"),
    **dict.fromkeys(("records", "staircase"), "staircases"),
    **dict.fromkeys(("beliefs", "belief"), "learned"),
    "burden": "uses",
    "ridges": "comparison",
    "tornado": "bars",
    "coverage": "backtests",
    **dict.fromkeys(("save", "svg", "write", "FORMATS"), "files"),
}
OF_A_RUN = {  # what one run is enough for, by name
    "fan": "cost of each task by date",
    "multiplier": "RL compute that buys what more inference buys: density and exceedance",
    "response": "scores against RL and inference compute, with the published points",
    "records": "record costs of each series, predicted and forecast",
    "beliefs": "beliefs before and after the evidence",
    "burden": "uses that make RL once cheaper, by date of the choice",
}

__all__ = [*_HOMES, "COLUMN", "OF_A_RUN", "PAGE", "Plot", "caption", "plots"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def caption(name: str, *of: Any, **about: Any) -> str:
    """What a figure shows, with mass and conditions; takes what the figure's function takes."""
    home = import_module(f"{__name__}.{_HOMES[name]}")
    return getattr(home, f"{name.partition('_')[0]}_caption")(*of, **about)


class Plot(NamedTuple):
    """One figure of a run: its name, the name of its file, and what it is asked for."""

    name: str
    stem: str
    of: tuple[Any, ...]

    def draw(self, width: float = PAGE) -> "Figure":
        """A new figure, so many inches wide."""
        drawn = __getattr__(self.name)(*self.of, width=width)
        return getattr(drawn, "figure", None) or drawn

    @property
    def title(self) -> str:
        """What it is called."""
        return ": ".join([OF_A_RUN[self.name], *map(str, self.of[1:])])

    @property
    def caption(self) -> str:
        """What it shows."""
        return caption(self.name, *self.of)


def plots(run: Run, names: Sequence[str] | None = None) -> list[Plot]:
    """The figures of a run with these names (a fan for each task), or all that it has.

    Raises BadInput for names that no figure has, before anything is read.
    """
    refuse_unknown(names or ())
    found = []
    for name in dict.fromkeys(names or _possible(run)):
        if name == "fan":
            costs = run.forecast.get("task_cost_oom_usd")
            tasks = [] if costs is None else costs["task"].values.tolist()
            found += [Plot(name, f"fan-{i}{_slug(t)}", (run, t)) for i, t in enumerate(tasks, 1)]
        else:
            found.append(Plot(name, name, (run,)))
    return found


def refuse_unknown(names: Sequence[str]) -> None:
    """Raise BadInput for names that no figure of a run has."""
    if unknown := [name for name in names if name not in OF_A_RUN]:
        rule = "is not a figure of a run"
        raise BadInput([Fault("--plot", name, rule, nearest(name, OF_A_RUN)) for name in unknown])


def _possible(run: Run) -> list[str]:
    """Names of figures for which a run has what they show."""
    has = {
        "multiplier": "required_rl_multiplier_oom" in run.forecast,
        "response": _conditional(run, "response_points"),
        "records": _conditional(run, "cost_records"),
        "beliefs": bool(run.beliefs),
        "burden": "break_even_uses_oom" in run.forecast,
    }
    return [name for name in OF_A_RUN if has.get(name, True)]


def _conditional(run: Run, table: str) -> bool:
    """Whether a run is conditional on a table of evidence, and can be asked about it."""
    return "parents" not in run.record and (run.path / f"evidence-{table}.csv").exists()


def _slug(name: str) -> str:
    """What of a name can stand in the name of a file."""
    kept = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"-{kept}" if kept else ""
