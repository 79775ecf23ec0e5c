"""The runs of a batch, read into arrays: summaries proven by their sums, and thinned draws."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulator import seal
from simulator.batch.grid import FIGURES
from simulator.batch.state import Batch, State, damaged
from simulator.pipeline import Observer
from simulator.quantities import OUTPUTS

QUANTILES = np.array([float(name[1:]) / 100 for name in FIGURES[:5]])


class Element(NamedTuple):
    """One number of a quantity: what it is, and its labels by dimension."""

    quantity: str
    unit: str
    coords: tuple[tuple[str, str | float], ...]

    @property
    def label(self) -> str:
        """As in slope_ratio, or task_cost_oom_usd[a task, 2028-10-01]."""
        at = ", ".join(str(label) for _, label in self.coords)
        return f"{self.quantity}[{at}]" if self.coords else self.quantity


@dataclass
class Summaries:
    """The summaries of all runs that are whole.

    `states` is as the batch has it, but for runs that turn out to be damaged. `elements` are all
    that any run has. `held` are, by item, the indices of its elements in the order of its summary,
    and `figures` (element, FIGURES) stand beside them. `seconds` is NaN where no run is.
    """

    states: list[State]
    elements: list[Element] = field(default_factory=list)
    held: dict[int, np.ndarray] = field(default_factory=dict)
    figures: dict[int, np.ndarray] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)

    def drop(self, item: int, error: Exception) -> None:
        """Leave a damaged run out, and say so in its state."""
        state = self.states[item]
        self.states[item] = damaged(state.run, error, state.sealed)
        for kept in (self.held, self.figures, self.seconds):
            kept.pop(item, None)


def summaries(batch: Batch, observer: Observer) -> Summaries:
    """Read the summary of every run; damaged runs are left out and their states say so."""
    found = Summaries(list(batch.states))
    known: dict[Element, int] = {}
    for item, state in watched(found.states, observer, "reading summaries"):
        if state.status not in ("passed", "failed"):
            continue
        try:
            rows = json.loads(_proven(state, "summary.json"))
            record = json.loads(_proven(state, "record.json"))
            found.figures[item] = _figures(rows)
            found.held[item] = np.array(
                [known.setdefault(e, len(known)) for e in _elements(rows)], int
            )
            found.seconds[item] = float(sum(record["seconds"].values()))
        except (seal.Damaged, ValueError, KeyError, TypeError) as error:
            found.drop(item, error)
    found.elements = list(known)
    return found


def watched(states: Sequence[State], observer: Observer, doing: str) -> Iterator[tuple[int, State]]:
    """The states by item, while the observer hears how far it is."""
    step = max(len(states) // 20, 1)
    for item, state in enumerate(states):
        if item % step == 0:
            observer.stage(f"{doing}: {item:,} of {len(states):,} runs")
        yield item, state


def _proven(state: State, name: str) -> bytes:
    path, sealed = state.run / name, state.sealed["files"].get(name)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise seal.Damaged(state.run, [f"{name}: {error.strerror}"]) from error
    if sealed is None or hashlib.sha256(raw).hexdigest() != sealed["sha256"]:
        raise seal.Damaged(state.run, [f"{name}: is not what was sealed"])
    return raw


def _elements(rows: list[dict[str, Any]]) -> Iterator[Element]:
    for row in rows:
        yield Element(row["quantity"], row["unit"], tuple(row["coords"].items()))


def _figures(rows: list[dict[str, Any]]) -> np.ndarray:
    """The figures of all rows; a quantile that is null is infinite, any other figure is NaN.

    A summary has null for both infinities and for NaN. What is not a number makes all quantiles
    null; so beside a finite quantile, null above it is infinity and below it minus infinity. Where
    all are null, so many draws are infinite that the 5% quantile is.
    """
    figures = np.array([[row[name] for name in FIGURES] for row in rows], float)
    figures = figures.reshape(len(rows), len(FIGURES))
    quantiles = figures[:, : len(QUANTILES)]
    null, finite = np.isnan(quantiles), np.isfinite(quantiles)
    above = np.logical_or.accumulate(finite, axis=1)
    below = np.logical_or.accumulate(finite[:, ::-1], axis=1)[:, ::-1]
    quantiles[null & above] = np.inf
    quantiles[null & below] = -np.inf
    quantiles[null.all(axis=1) & (figures[:, -1] >= 1 - QUANTILES[0])] = np.inf
    return figures


# --- draws ----------------------------------------------------------------------------------------


def shape_of_draws(found: Summaries, asked: int) -> tuple[int, int]:
    """Chains, and draws per chain up to those asked for, that all runs have."""
    import netCDF4

    chains, draws = [], [asked]
    for item in list(found.held):
        try:
            with _opened(netCDF4, found.states[item], "forecast.nc") as file:
                chains.append(file.dimensions["chain"].size)
                draws.append(file.dimensions["draw"].size)
        except (seal.Damaged, OSError, RuntimeError, KeyError) as error:
            found.drop(item, error)
    return min(chains, default=0), min(draws)


def thinned(found: Summaries, item: int, chains: int, draws: int) -> np.ndarray | None:
    """Draws of a run, evenly spaced: shape (chain, draw, element) in the order of its summary.

    None where the run is damaged, which its state says from then on. Of these files the sizes are
    proven and, by the library that reads them, the sums of the numbers that are read.
    """
    import netCDF4

    state = found.states[item]
    order = [found.elements[i].quantity for i in found.held[item]]
    counts = Counter(order)
    outputs = {name: n for name, n in counts.items() if name in OUTPUTS}
    beliefs = {name: n for name, n in counts.items() if name not in OUTPUTS}
    blocks: dict[str, np.ndarray] = {}
    try:
        for file, group, wanted in (
            ("forecast.nc", "", outputs),
            ("draws.nc", "posterior", beliefs),
        ):
            with _opened(netCDF4, state, file) as opened:
                source = opened[group] if group else opened
                kept = np.linspace(0, source.dimensions["draw"].size - 1, draws).round().astype(int)
                for name, count in wanted.items():
                    whole = source[name][:]
                    cells = whole.reshape(*whole.shape[:2], -1)
                    if cells.shape[2] != count or source[name].dimensions[:2] != ("chain", "draw"):
                        raise seal.Damaged(state.run, [f"{file}: {name} is not as in the summary"])
                    blocks[name] = cells[:chains, kept]
    except (seal.Damaged, OSError, RuntimeError, KeyError, IndexError) as error:
        found.drop(item, error)
        return None
    return np.concatenate([blocks[name] for name in counts], axis=2)


def _opened(netcdf: Any, state: State, name: str) -> Any:
    path: Path = state.run / name
    if path.stat().st_size != state.sealed["files"][name]["size"]:
        raise seal.Damaged(state.run, [f"{name}: is not of the size it was sealed with"])
    opened = netcdf.Dataset(path)
    opened.set_auto_maskandscale(False)
    return opened
