"""The mixture of several runs' draws and forecasts: each draw whole from one of them.

What not all runs have alike, by name, dimensions and labels, is left out and named; outputs are cut
to the labels that all have. Every draw says which structure and which parent it came from.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from simulator.faults import BadInput, Fault
from simulator.run import Run
from simulator.streams import SAMPLE

MIXED = ("prior", "prior_predictive", "posterior", "posterior_predictive")
KEPT = ("observed_data", "constant_data")  # where all have the same

type Parent = dict[str, Any]


def mixed(
    members: Sequence[Run], chosen: np.ndarray, parents: Sequence[Parent]
) -> tuple[xr.DataTree, xr.Dataset, list[str]]:
    """Draws and forecast, and the names of what not all members have.

    `chosen` is the member that each draw comes from, by index; shape (chain, draw).
    """
    trees = [run.draws for run in members]
    common = [name for name in trees[0].children if all(name in tree.children for tree in trees)]
    left_out = sorted({name for tree in trees for name in tree.children} - {*common})
    groups = {}
    for name in common:
        datasets = [tree[name].to_dataset() for tree in trees]
        if name in KEPT and all(one.equals(datasets[0]) for one in datasets):
            groups[name] = datasets[0]
        elif name in MIXED and len({tuple(one.sizes[d] for d in SAMPLE) for one in datasets}) == 1:
            groups[name], absent = _mixture(datasets, chosen)
            left_out += [f"{name}: {variable}" for variable in absent]
        else:
            left_out.append(name)
    origins = np.array([origin_of(run, chosen.shape) for run in members])
    origin = np.take_along_axis(origins, chosen[None], axis=0)[0]
    groups["posterior"] = _labelled(groups["posterior"], origin, parents)
    outputs, cut = _intersected([run.forecast for run in members])
    forecast, absent = _mixture(outputs, chosen)
    left_out += [f"forecast: {what}" for what in (*cut, *absent)]
    if not forecast.data_vars:
        rule, fix = "have no output in common", "average runs of the same questions"
        raise BadInput([Fault(", ".join(run.id for run in members), "forecast", rule, fix)])
    return xr.DataTree.from_dict(groups), _labelled(forecast, origin, parents), left_out


def _mixture(datasets: Sequence[xr.Dataset], chosen: np.ndarray) -> tuple[xr.Dataset, list[str]]:
    """The variables that all have alike, each draw from the chosen one; and the others' names."""
    first = datasets[0]
    size = first.sizes["draw"]
    choice = chosen[:, np.arange(size) % chosen.shape[1]]
    names = list(dict.fromkeys(str(name) for one in datasets for name in one.data_vars))
    mixed, absent = {}, []
    for name in names:
        if not all(name in one and _alike(first[name], one[name]) for one in datasets):
            absent.append(name)
            continue
        values = first[name].transpose(*SAMPLE, ...).copy()
        for i, one in enumerate(datasets):
            values.values[choice == i] = one[name].transpose(*values.dims).values[choice == i]
        if "finite" in values.attrs:  # one that may be infinite makes the mixture so
            values.attrs["finite"] = min(one[name].attrs["finite"] for one in datasets)
        mixed[name] = values.drop_vars(["structure", "parent"], errors="ignore")
    return xr.Dataset(mixed), absent


def _alike(one: xr.DataArray, other: xr.DataArray) -> bool:
    return {*one.dims} == {*other.dims} and all(
        np.array_equal(one[dim].values, other[dim].values) for dim in one.dims if dim not in SAMPLE
    )


def _intersected(forecasts: Sequence[xr.Dataset]) -> tuple[list[xr.Dataset], list[str]]:
    """The forecasts on the labels that all have, in the order of the first; and what that cut."""
    cut: dict[str, None] = {}
    kept: dict[str, list] = {}
    for dim in [d for d in forecasts[0].dims if d not in SAMPLE]:
        labels = [one[dim].values.tolist() if dim in one.coords else [] for one in forecasts]
        kept[str(dim)] = [label for label in labels[0] if all(label in some for some in labels)]
        where = {label: i for each in labels for i, label in enumerate(each)}
        cut |= {f"{dim} {label}": None for label in where if label not in kept[str(dim)]}
    places = [
        {
            dim: [one[dim].values.tolist().index(label) for label in some]
            for dim, some in kept.items()
            if dim in one.coords
        }
        for one in forecasts
    ]
    chosen = [one.isel(place) for one, place in zip(forecasts, places, strict=True)]
    empty = [name for name, v in chosen[0].data_vars.items() if not v.size]
    return [one.drop_vars(empty, errors="ignore") for one in chosen], list(cut)


def _labelled(dataset: xr.Dataset, origin: np.ndarray, parents: Sequence[Parent]) -> xr.Dataset:
    """With the structure and the parent of each draw as coordinates, which no figure is made of."""
    forms = {parent["id"]: parent["structure"] for parent in parents}
    form = np.array([forms[one] for one in origin.ravel()]).reshape(origin.shape)
    return dataset.assign_coords(structure=(SAMPLE, form), parent=(SAMPLE, origin))


def origin_of(run: Run, shape: tuple[int, ...]) -> np.ndarray:
    """The id of the ultimate parent of each draw; shape (chain, draw)."""
    posterior = run.draws["posterior"]
    return posterior["parent"].values if "parents" in run.record else np.full(shape, run.id)
