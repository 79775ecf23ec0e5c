"""What the model has not seen, drawn anew at every draw; and how arrays stand side by side."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from simulator import streams
from simulator.streams import SAMPLE


def effect(draws: xr.Dataset, seed: int, *name: str) -> xr.DataArray:
    """A standard normal at every draw, for something the model has not seen."""
    shape = draws.sizes["chain"], draws.sizes["draw"]
    return xr.DataArray(streams.normals(seed, *name, shape=shape), dims=SAMPLE)


def side_by_side(dim: str, arrays: Mapping[str, xr.DataArray]) -> xr.DataArray:
    """Named arrays along a new dimension."""
    names = xr.DataArray(np.array(list(arrays), dtype="U"), dims=dim, name=dim)
    return xr.concat(list(arrays.values()), names, coords="minimal", compat="override")


def per_date(dim: str, dates: list, arrays: list[xr.DataArray]) -> xr.DataArray:
    """Arrays along a new dimension of dates."""
    labels = xr.DataArray(np.array(dates, dtype="datetime64[ns]"), dims=dim, name=dim)
    return xr.concat(arrays, labels, coords="minimal", compat="override")
