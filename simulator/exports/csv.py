"""CSV: three tables (questions, quantiles, draws) in UTF-8.

Text that people wrote is on one line, with a ' wherever a spreadsheet would begin to run it.
Infinite values are written 1e999, which every reader takes for infinite: some take inf for a date.
"""

import csv
import io
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simulator.exports.item import Item, cell, line, stamp
from simulator.exports.table import tables

if TYPE_CHECKING:
    import pyarrow as pa

INFINITE = "1e999"
RUN = re.compile(r"(^|(?<=[;,|]))(?=['\"\s]*[=+@-])")  # at any separator that may be in use


def write(items: Sequence[Item]) -> dict[str, bytes]:
    """The files of a folder; README.txt says where they are from, as does every row."""
    files = {"README.txt": f"{stamp(items)}\n".encode()}
    for name, table in tables(items, text=_harmless).items():
        files[f"{name}.csv"] = _text(table).encode()
    return files


def _harmless(text: str) -> str:
    return cell(RUN.sub("'", line(text)))


def _text(table: "pa.Table") -> str:
    into = io.StringIO()
    rows = csv.writer(into, lineterminator="\n")
    rows.writerow(table.column_names)
    columns = [[_written(value) for value in column.to_pylist()] for column in table.columns]
    rows.writerows(zip(*columns, strict=True))
    return into.getvalue()


def _written(value: Any) -> Any:
    """A number keeps its point, so that a column of whole ones is not taken for integers."""
    if isinstance(value, float):
        return INFINITE if value == math.inf else repr(value)
    return value
