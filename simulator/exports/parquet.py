"""Parquet: three tables (questions, quantiles, draws); infinite values are infinite."""

import io
import json
from collections.abc import Sequence

from simulator.exports.item import Item, about, stamp
from simulator.exports.table import tables


def write(items: Sequence[Item]) -> dict[str, bytes]:
    """The files of a folder; the key `simulator` of each one's metadata says where it is from."""
    import pyarrow.parquet as pq

    said = json.dumps({"stamp": stamp(items), **about(items)}, ensure_ascii=False)
    files = {"README.txt": f"{stamp(items)}\n".encode()}
    for name, table in tables(items).items():
        pq.write_table(table.replace_schema_metadata({"simulator": said}), into := io.BytesIO())
        files[f"{name}.parquet"] = into.getvalue()
    return files
