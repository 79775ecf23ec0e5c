"""Summaries and draws of all runs as arrays over the axes of their batch."""

import re
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from simulator.batch import reading
from simulator.batch.grid import FIGURES, Grid
from simulator.batch.reading import Element, Summaries
from simulator.batch.state import Batch
from simulator.pipeline import Observer
from simulator.quantities import OUTPUTS, QUANTITIES
from simulator.variables import describe

SAID = {
    "mcse_q50": "Monte Carlo standard error of the median",
    "ess_bulk": "effective sample size for the middle",
    "ess_tail": "effective sample size for the 5% and 95% quantiles, the smaller",
    "r_hat": "rank-normalised split R-hat",
    "prob_infinite": "probability of being infinite",
}
STATUS = {
    "status": "what became of the scenario",
    "why": "why it failed, if it did",
    "run": "folder of its run, in that of the batch",
    "key": "what tells its run from others",
    "seconds": "time that its run took, up to the sealing",
}
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def tree_of(
    batch: Batch, about: Mapping[str, Any], draws: int | None, observer: Observer
) -> xr.DataTree:
    """The tree that `open_batch` describes, with `about` as its attributes."""
    grid, found = Grid(batch.plan), reading.summaries(batch, observer)
    kept = _draws(grid, found, draws, observer) if draws else {}  # first: it may find damage
    groups = _figures(grid, found) | {"status": _status(batch, grid, found)} | kept
    tree = xr.DataTree.from_dict({name: describe(group, name) for name, group in groups.items()})
    tree.attrs = dict(about)
    return tree


def _figures(grid: Grid, found: Summaries) -> dict[str, xr.Dataset]:
    """Quantiles in one dataset, every other figure in one of its own."""
    labels, places = _labels(found.elements), _places(found.elements)
    items, held, figures = long(found)
    level = {"quantile": ("quantile", reading.QUANTILES)}
    last = len(reading.QUANTILES)
    made = {"quantiles": grid.dataset(labels | level)}
    made |= {name: grid.dataset(labels) for name in FIGURES[last:]}
    for name, (dims, shape, place) in places.items():
        array = np.full((grid.cells, int(np.prod(shape, dtype=int)), len(FIGURES)), np.nan)
        ours = np.isin(held, [*place])
        at = np.array([place[element] for element in held[ours]], int)
        array[grid.cell[items[ours]], at] = figures[ours]
        q = np.moveaxis(array[..., :last], -1, 1)
        attrs = QUANTITIES[name].attrs
        made["quantiles"][name] = grid.variable(q, ("quantile", *dims), (last, *shape), attrs)
        for i, figure in enumerate(FIGURES[last:], last):
            said = {"units": "1", "long_name": f"{SAID[figure]}: {attrs['long_name']}"}
            if i == last:
                said["units"] = attrs["units"]
            made[figure][name] = grid.variable(array[..., i], dims, shape, said)
    return made


def long(found: Summaries) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Item, element and figures of every row of every summary, one after another."""
    counts = [len(held) for held in found.held.values()]
    items = np.repeat(np.array([*found.held], int), counts)
    held = np.concatenate([*found.held.values(), np.zeros(0, int)])
    figures = np.concatenate([*found.figures.values(), np.zeros((0, len(FIGURES)))])
    return items, held, figures


def _status(batch: Batch, grid: Grid, found: Summaries) -> xr.Dataset:
    status = {
        "status": grid.filled([state.status for state in found.states], "not planned"),
        "why": grid.filled([state.why for state in found.states], ""),
        "run": grid.filled([state.run.name if state.run else "" for state in found.states], ""),
        "key": grid.filled([item["key"] for item in batch.items], ""),
    }
    seconds = [found.seconds.get(item, np.nan) for item in range(len(found.states))]
    status["seconds"] = grid.filled(seconds, np.nan)
    made = grid.dataset({})
    for name, array in status.items():
        said = {"units": "s" if name == "seconds" else "", "long_name": STATUS[name]}
        made[name] = grid.variable(array, (), (), {key: word for key, word in said.items() if word})
    return made


def _draws(grid: Grid, found: Summaries, asked: int, observer: Observer) -> dict[str, xr.Dataset]:
    chains, draws = reading.shape_of_draws(found, asked)
    places = _places(found.elements)
    arrays = {
        name: _roomy((grid.cells, chains, draws, int(np.prod(shape, dtype=int))))
        for name, (_, shape, _) in places.items()
    }
    quantity = np.array([element.quantity for element in found.elements])
    for item, _ in reading.watched(found.states, observer, "reading draws"):
        if item not in found.held:
            continue
        held = found.held[item]
        block = reading.thinned(found, item, chains, draws)
        for name in np.unique(quantity[held]) if block is not None else ():
            ours = quantity[held] == name
            at = [places[name][2][element] for element in held[ours]]
            arrays[name][grid.cell[item]][..., at] = block[..., ours]
    sample = {"chain": ("chain", np.arange(chains)), "draw": ("draw", np.arange(draws))}
    made = {
        "posterior": grid.dataset(sample),
        "predictions": grid.dataset(sample | _labels(found.elements)),
    }
    for name, (dims, shape, _) in places.items():
        group = made["predictions" if name in OUTPUTS else "posterior"]
        whole = ("chain", "draw", *dims), (chains, draws, *shape)
        variable = grid.variable(arrays[name], *whole, QUANTITIES[name].attrs)
        group[name] = variable.transpose("chain", "draw", ...)
    return made


def _roomy(shape: tuple[int, ...]) -> np.ndarray:
    """An array of NaN that the system may keep on disk, as draws of a thousand runs need."""
    if not np.prod(shape):
        return np.zeros(shape)
    with tempfile.TemporaryFile() as file:
        array = np.memmap(file, dtype=float, mode="w+", shape=shape)
    array[:] = np.nan
    return array


def _places(
    elements: list[Element],
) -> dict[str, tuple[tuple[str, ...], tuple[int, ...], dict[int, int]]]:
    """By quantity: its dims, their sizes, and where in them each of its elements stands."""
    index = {dim: {label: i for i, label in enumerate(of)} for dim, of in ordered(elements).items()}
    found: dict[str, Any] = {}
    for number, element in enumerate(elements):
        coords = dict(element.coords)
        _, dims, shape, place = found.setdefault(
            element.quantity,
            (0, tuple(coords), tuple(len(index[dim]) for dim in coords), {}),
        )
        at = [index[dim][coords[dim]] for dim in dims]
        place[number] = int(np.ravel_multi_index(at, shape)) if dims else 0
    return {name: rest for name, (_, *rest) in found.items()}


def _labels(elements: list[Element]) -> dict[str, tuple[str, np.ndarray]]:
    return {dim: (dim, label_array(dim, of)) for dim, of in ordered(elements).items()}


def ordered(elements: list[Element]) -> dict[str, list[Any]]:
    """The labels of each dimension: numbers and days in order, words as they first come."""
    found: dict[str, dict[Any, None]] = {}
    for element in elements:
        for dim, label in element.coords:
            found.setdefault(dim, {})[label] = None
    return {
        dim: list(of) if _words(dim, of) else sorted(of)  # type: ignore[type-var]
        for dim, of in found.items()
    }


def _words(dim: str, labels: Mapping[Any, None]) -> bool:
    return any(isinstance(label, str) for label in labels) and not _days(dim, labels)


def _days(dim: str, labels: Any) -> bool:
    return dim.endswith("date") and all(isinstance(x, str) and DAY.fullmatch(x) for x in labels)


def label_array(dim: str, labels: list[Any]) -> np.ndarray:
    """Labels as in a run's forecast: days, numbers, or text."""
    if _days(dim, labels):
        return np.array(labels, "datetime64[ns]")
    return np.array(labels, "U" if _words(dim, dict.fromkeys(labels)) else float)
