"""A run before one's eyes: ArviZ's diagnostics as files, each with what to look for.

The numbers that decide are those of the run's own gate; a plot says where to look when one fails.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulator import seal
from simulator.faults import BadInput, Fault, nearest
from simulator.inspecting.advice import LOOK_FOR, Number, numbers
from simulator.inspecting.view import View
from simulator.pipeline import Observer, Silence
from simulator.run import Run

__all__ = ["FORMATS", "PLOTS", "Number", "inspect", "unavailable"]
PLOTS = tuple(LOOK_FOR)
FORMATS = ("png", "svg", "html")
EXTRA = "interactive"

type Row = dict[str, Any]


def inspect(
    run: Run,
    plots: Sequence[str] = (),
    into: str | Path | None = None,
    format: str = "png",
    observer: Observer | None = None,
) -> list[Row]:
    """Draw a run into a folder (its sibling `<run>-inspect`), and say what to look for in each.

    `plots` are names of PLOTS, all that the run has data for by default; `format` is one of FORMATS
    (html is interactive and needs the extra `interactive`). A row per plot holds plot, file (None
    if it could not be drawn, and `skipped` says why), look_for, numbers (a list of name, value,
    limit, passed, worst) and left_out, what is not shown and why. Each file appears whole and
    replaces an older one. Raises BadInput with all that is wrong before anything is read or drawn.
    """
    folder = run.path.with_name(f"{run.id}-inspect") if into is None else Path(into)
    _refuse(run, plots, folder, format)
    observer = observer or Silence()
    observer.stage("import")
    from simulator.inspecting import pages
    from simulator.inspecting.plots import draw

    observer.stage("open")
    view = View(run)
    _refuse_missing(run, plots, view)
    folder.mkdir(parents=True, exist_ok=True)
    seal.sweep(folder)
    rows: list[Row] = []
    for name in dict.fromkeys(plots or PLOTS):
        observer.stage(f"drawing {name}")
        row: Row = {"plot": name, "file": None, "look_for": LOOK_FOR[name]}
        rows.append(row | {"numbers": [], "left_out": []})
        if why := unavailable(name, view):
            rows[-1]["skipped"] = why
            continue
        drawn = draw(name, view, format)
        file = pages.save(drawn.figure, folder, name, format, view.small_print)
        decided = [number._asdict() for number in numbers(name, view)]
        rows[-1] |= {"file": str(file), "numbers": decided, "left_out": drawn.left_out}
    return rows


def unavailable(plot: str, view: View) -> str:
    """Why a run has nothing to show in a plot; "" where it has."""
    if plot == "energy" and not view.has("sample_stats"):
        return "the run was not sampled by NUTS"
    if plot in ("loo-pit", "predictive", "counts") and not view.has("log_likelihood"):
        return "the run is conditioned on no evidence, or averages runs that are"
    if plot == "counts" and not view.counts:
        return "the structure of the run counts nothing"
    if plot == "prior-posterior" and not (view.conditioned and view.stated):
        return "the run is conditioned on no evidence, so both are the same"
    if plot == "forest" and not view.members(1)[0]:
        return "the run has nothing that differs between benchmarks, recipes or series"
    if plot in ("trace", "rank", "ess", "pair", "energy") and len(view.beliefs) < 2:
        return "the scenario fixes nearly every belief"
    return ""


def _refuse(run: Run, plots: Sequence[str], folder: Path, format: str) -> None:
    faults = [
        Fault("--plot", name, "is no plot", nearest(name, PLOTS))
        for name in dict.fromkeys(plots)
        if name not in PLOTS
    ]
    if format not in FORMATS:
        faults.append(Fault("--format", format, "is unknown", nearest(format, FORMATS)))
    if folder.absolute().is_relative_to(run.path):
        rule = "is the sealed run, which stays as it is"
        faults.append(Fault(str(folder), "--into", rule, "choose another folder"))
    elif why := seal.writable(folder):
        rule, _, fix = why.partition("; ")
        faults.append(Fault(str(folder), "--into", rule, fix))
    if format == "html":
        from importlib.util import find_spec

        if missing := [name for name in ("plotly", "webcolors") if find_spec(name) is None]:
            rule = f"needs {' and '.join(missing)}"
            fix = f"install the extra: pip install 'ai-scaling-simulator[{EXTRA}]'"
            faults.append(Fault("--format", "html", rule, fix))
    if faults:
        raise BadInput(faults)


def _refuse_missing(run: Run, plots: Sequence[str], view: View) -> None:
    """What was asked for by name must be there; by default what is not is left out."""
    asked = {name: unavailable(name, view) for name in plots}
    if faults := [Fault(run.id, f"--plot {n}", why, "drop it") for n, why in asked.items() if why]:
        raise BadInput(faults)
