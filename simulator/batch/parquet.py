"""A batch as tables of long rows that pandas, polars, DuckDB and Arrow read."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.batch import reading
from simulator.batch.grid import FIGURES, Grid
from simulator.batch.reading import Summaries
from simulator.batch.state import Batch
from simulator.batch.tree import label_array, long, ordered
from simulator.pipeline import Observer
from simulator.quantities import QUANTITIES

GROUP = 10_000  # draws in a row group: what is held in memory at once


def write_quantiles(
    file: Path, batch: Batch, grid: Grid, found: Summaries, said: Mapping[str, Any]
) -> None:
    """A row per run and element: axes, quantity, unit, labels, figures, status, run and key."""
    items, held, figures = long(found)
    columns = _axes(grid, items)
    columns |= _taken([e.quantity for e in found.elements], held, "quantity")
    columns |= _taken([e.unit for e in found.elements], held, "unit")
    coords = [dict(e.coords) for e in found.elements]
    for dim, labels in ordered(found.elements).items():
        typed = pa.array(label_array(dim, labels))
        at = [labels.index(c[dim]) if dim in c else None for c in coords]
        columns[dim] = typed.take(pa.array(at, pa.int64()).take(pa.array(held)))
    for i, name in enumerate(FIGURES):
        columns[name] = pa.array(figures[:, i], from_pandas=True)  # NaN is null, infinity is not
    columns |= _told(batch, found, items, "status", "run", "key")
    pq.write_table(_table(columns, grid, said), file)


def write_status(
    file: Path, batch: Batch, grid: Grid, found: Summaries, said: Mapping[str, Any]
) -> None:
    """A row per item of the plan: axes, status, why, run, key, and seconds up to the sealing."""
    every = np.arange(len(found.states))
    columns = _axes(grid, every)
    columns |= _told(batch, found, every, "status", "why", "run", "key")
    seconds = [found.seconds.get(item) for item in every.tolist()]
    columns["seconds"] = pa.array(seconds, pa.float64())
    pq.write_table(_table(columns, grid, said), file)


def write_draws(
    file: Path,
    batch: Batch,
    grid: Grid,
    found: Summaries,
    asked: int,
    said: Mapping[str, Any],
    observer: Observer,
) -> None:
    """A row per kept draw: axes, chain, draw, status, key, and a column per element."""
    writer = None
    try:
        for table in _draw_tables(batch, grid, found, asked, said, observer):
            writer = writer or pq.ParquetWriter(file, table.schema)
            writer.write_table(table)
    finally:
        if writer:
            writer.close()


def _draw_tables(
    batch: Batch,
    grid: Grid,
    found: Summaries,
    asked: int,
    said: Mapping[str, Any],
    observer: Observer,
) -> Iterator[pa.Table]:
    """One table per so many runs, and an empty one where there is no run."""
    chains, draws = reading.shape_of_draws(found, asked)
    names = [element.label for element in found.elements]
    size = max(GROUP // max(chains * draws, 1), 1)
    kept: list[int] = []
    blocks: list[np.ndarray] = []

    def table() -> pa.Table:
        rows = np.repeat(np.array(kept, int), chains * draws)
        columns = _axes(grid, rows)
        chain, draw = np.divmod(np.arange(chains * draws), max(draws, 1))
        columns["chain"] = pa.array(np.tile(chain, len(kept)))
        columns["draw"] = pa.array(np.tile(draw, len(kept)))
        columns |= _told(batch, found, rows, "status", "key")
        values = np.concatenate([*blocks, np.zeros((0, len(names)))])
        columns |= {name: pa.array(values[:, i], from_pandas=True) for i, name in enumerate(names)}
        kept.clear(), blocks.clear()
        return _table(columns, grid, said)

    yielded = False
    for item, _ in reading.watched(found.states, observer, "reading draws"):
        held = found.held.get(item)
        block = None if held is None else reading.thinned(found, item, chains, draws)
        if block is not None:
            wide = np.full((chains * draws, len(names)), np.nan)
            wide[:, held] = block.reshape(chains * draws, -1)
            kept.append(item)
            blocks.append(wide)
        if len(kept) == size:
            yielded = True
            yield table()
    if kept or not yielded:
        yield table()


def _axes(grid: Grid, items: np.ndarray) -> dict[str, pa.Array]:
    return {name: pa.array(column).take(pa.array(items)) for name, column in grid.columns.items()}


def _told(batch: Batch, found: Summaries, at: np.ndarray, *names: str) -> dict[str, pa.Array]:
    """Columns of these names: what is known of every item in itself."""
    known = {
        "status": [state.status for state in found.states],
        "why": [state.why or None for state in found.states],
        "run": [state.run.name if state.run else None for state in found.states],
        "key": [item["key"] for item in batch.items],
    }
    columns: dict[str, pa.Array] = {}
    for name in names:
        columns |= _taken(known[name], at, name)
    return columns


def _taken(values: list[str | None], at: np.ndarray, name: str) -> dict[str, pa.Array]:
    return {name: pa.array(values, pa.string()).take(pa.array(at, pa.int64()))}


def _table(columns: Mapping[str, pa.Array], grid: Grid, said: Mapping[str, Any]) -> pa.Table:
    table = pa.table(dict(columns))
    fields = []
    for column in table.schema:
        known: dict[str, str] = {}
        if column.name in grid.columns:
            known = {"label": grid.written[column.name]}
        elif (quantity := column.name.partition("[")[0]) in QUANTITIES:
            known = {"unit": QUANTITIES[quantity].unit}
        fields.append(column.with_metadata(known) if known else column)
    return table.cast(pa.schema(fields, {"simulator": json.dumps(said, ensure_ascii=False)}))
