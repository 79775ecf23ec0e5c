"""All runs of a batch as one labelled object, in memory or in files that other tools read."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import xarray as xr

from simulator import __version__, seal
from simulator.batch import reading
from simulator.batch.grid import Grid
from simulator.batch.state import Batch, look
from simulator.batch.tree import tree_of
from simulator.faults import BadInput, Fault, nearest
from simulator.outcome import ENCODING, written_whole
from simulator.pipeline import Observer, Silence

FOLDER, NETCDF, ZARR = "collected", "batch.nc", "batch.zarr"
FORMATS = ("parquet", "netcdf", "zarr")


def open_batch(path: str | Path, draws: int | None = None) -> xr.DataTree:
    """All runs of a batch as one tree, the axes of the batch as dimensions.

    Groups: `quantiles` (axes, quantile, dims of the output; outputs and beliefs by name, infinite
    where that share of the draws is), `mcse_q50`, `ess_bulk`, `ess_tail`, `r_hat` and
    `prob_infinite` (axes, dims of the output), and `status` (axes; status, why, run, key, and
    seconds up to the sealing). With `draws`, so many of each chain, evenly spaced, or all where a
    run has fewer: `posterior` (chain, draw, axes; the beliefs) and `predictions` (the outputs),
    in ArviZ's schema.

    Labels are those that any run has. What a run lacks, and the cells of runs that are missing,
    damaged or not planned, are NaN, and `status` tells them apart; runs whose checks failed are
    there. Where the axes would span mostly holes, one dimension `scenario` has the axes as
    coordinates. Names of axes are made plain; what people called them is the attribute `label`.

    A collected netCDF file of the same runs is read instead, lazily. Raises BadInput where the
    folder is no batch or `draws` is not positive, seal.Damaged where its plan cannot be read.
    """
    batch = look(path)
    _refuse(batch, "netcdf", draws)
    tree = _collected(batch, draws)
    return tree_of(batch, about(batch, draws), draws, Silence()) if tree is None else tree


def collect(
    path: str | Path,
    format: str = "parquet",
    draws: int | None = None,
    out: str | Path | None = None,
    observer: Observer | None = None,
) -> Path:
    """Write all runs of a batch into `out` (its folder `collected`) and return what to open.

    netcdf: batch.nc, the tree of `open_batch`. zarr: the same as batch.zarr, to be opened with
    `consolidated=False`. parquet: quantiles.parquet (a row per run and element of an output or
    belief), status.parquet (a row per item) and, with `draws`, draws.parquet (a row per draw, a
    column per element). Each file appears whole or not at all, and replaces an older one.

    Raises BadInput for an unknown format, too few draws or a place that cannot be written to,
    OSError where the disk fills up, and as `open_batch` does.
    """
    batch = look(path)
    _refuse(batch, format, draws)
    out = batch.path / FOLDER if out is None else Path(out)
    seal.refuse_unwritable(out, key="out")
    out.mkdir(parents=True, exist_ok=True)
    seal.sweep(out)
    observer = observer or Silence()
    write: dict[str, Callable] = {"netcdf": _netcdf, "zarr": _zarr, "parquet": _parquet}
    with seal.draft(out, FOLDER) as partial:
        return write[format](batch, draws, observer, partial, out)


def _refuse(batch: Batch, format: str, draws: int | None) -> None:
    faults = []
    if format not in FORMATS:
        faults.append(
            Fault(str(batch.path), "format", f"{format!r} is unknown", nearest(format, FORMATS))
        )
    if draws is not None and draws < 1:
        faults.append(Fault(str(batch.path), "draws", "must be 1 or more", "or leave it out"))
    if faults:
        raise BadInput(faults)


def about(batch: Batch, draws: int | None) -> dict[str, Any]:
    """What a collected file says of itself."""
    return {
        "name": batch.plan["name"],
        "base": batch.plan["base"],
        "digest": batch.digest,
        "draws": draws or 0,
        "creation_library": "ai-scaling-simulator",
        "creation_library_version": __version__,
    }


# --- files ----------------------------------------------------------------------------------------


def _collected(batch: Batch, draws: int | None) -> xr.DataTree | None:
    """The collected file where it holds what would be read from the runs as they are now."""
    file = batch.path / FOLDER / NETCDF
    now = {k: v for k, v in about(batch, draws).items() if k != "draws" or draws}
    try:
        told = file.stat()
        tree = _kept_open(file, told.st_ino, told.st_mtime_ns)
    except OSError:
        return None
    same = all(tree.attrs.get(key) == value for key, value in now.items())
    return tree.copy() if same else None


@cache
def _kept_open(file: Path, inode: int, changed: int) -> xr.DataTree:
    """A file opened once per process and never closed.

    Closing one of two open trees of a file crashes the netCDF library when it is next opened.
    """
    return xr.open_datatree(file, engine="netcdf4")


def _netcdf(batch: Batch, draws: int | None, observer: Observer, partial: Path, out: Path) -> Path:
    tree = tree_of(batch, about(batch, draws), draws, observer)
    encoding = {
        f"/{name}": {
            k: ENCODING for k, v in group.dataset.items() if v.dtype.kind == "f" and v.size
        }
        for name, group in tree.children.items()
    }
    observer.stage("writing")
    with written_whole(partial / NETCDF):
        tree.to_netcdf(partial / NETCDF, engine="netcdf4", encoding=encoding)
    return _place(partial / NETCDF, out)


def _zarr(batch: Batch, draws: int | None, observer: Observer, partial: Path, out: Path) -> Path:
    tree = tree_of(batch, about(batch, draws), draws, observer)
    observer.stage("writing")
    # A missing chunk reads as NaN unless every chunk is there to be missed.
    tree.to_zarr(partial / ZARR, zarr_format=3, consolidated=False, write_empty_chunks=True)
    return _place(partial / ZARR, out)


def _parquet(batch: Batch, draws: int | None, observer: Observer, partial: Path, out: Path) -> Path:
    from simulator.batch import parquet

    found = reading.summaries(batch, observer)
    grid, said = Grid(batch.plan), about(batch, draws)
    if draws:
        parquet.write_draws(partial / "draws.parquet", batch, grid, found, draws, said, observer)
    observer.stage("writing")
    parquet.write_quantiles(partial / "quantiles.parquet", batch, grid, found, said)
    parquet.write_status(partial / "status.parquet", batch, grid, found, said)
    if not draws:  # those of an earlier time would not be of these runs
        (out / "draws.parquet").unlink(missing_ok=True)
    for file in sorted(os.listdir(partial)):
        _place(partial / file, out)
    return out / "quantiles.parquet"


def _place(made: Path, out: Path) -> Path:
    """Move into place what is written whole; an older one goes only then."""
    final = out / made.name
    if made.is_dir():
        if final.exists():
            final.rename(made.parent / "older")
    else:
        with made.open("rb") as file:
            os.fsync(file.fileno())
    return made.replace(final)
