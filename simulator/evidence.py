"""Published observations, read from CSV tables whose every row has a source, a locator and a date.

A folder of evidence holds `sources.toml` and `evidence/<table>.csv`. A table that is absent is
empty; a row that breaks a rule is a fault, and all faults of all tables are reported at once.
"""

import csv
import datetime as dt
import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from simulator.columns import DATES, EVERY, RULES, TABLES, Column, Row, Rule
from simulator.dates import FORMS, last_day
from simulator.faults import BadInput, Fault, nearest


class Evidence(NamedTuple):
    """Rows in use, by table, and the citations of all sources, by key."""

    tables: dict[str, tuple[Row, ...]]
    sources: dict[str, dict[str, Any]]

    def rows(self, table: str) -> tuple[Row, ...]:
        """The rows of a table; none where there is no such table."""
        return self.tables.get(table, ())

    @property
    def size(self) -> int:
        """Number of observations."""
        return sum(map(len, self.tables.values()))


def read_evidence(folder: Path) -> Evidence:
    """Read all tables of a folder; raise BadInput with every fault in them."""
    sources, faults = _sources(folder / "sources.toml")
    return _read({name: folder / "evidence" / f"{name}.csv" for name in TABLES}, sources, faults)


def read_sealed(folder: Path) -> Evidence:
    """Read the evidence of a sealed run: the rows that it used, and their citations."""
    sources = json.loads((folder / "sources.json").read_text("utf-8"))
    return _read({name: folder / f"evidence-{name}.csv" for name in TABLES}, sources, [])


def _read(
    paths: Mapping[str, Path], sources: dict[str, Any] | None, faults: list[Fault]
) -> Evidence:
    tables = {}
    for name, path in paths.items():
        rows, bad = _table(path, name, sources) if path.exists() else ([], [])
        tables[name] = tuple(rows)
        faults += bad
    if faults:
        raise BadInput(faults)
    return Evidence(tables, sources)


def select(
    evidence: Evidence, keys: Iterable[str] | None = None, as_of: dt.date | None = None
) -> Evidence:
    """Keep the rows of the named sources (None: all), dated `as_of` or before (None: whenever)."""
    kept = None if keys is None else set(keys)

    def known(row: Row) -> bool:
        return (kept is None or row["source"] in kept) and (as_of is None or row["date"] <= as_of)

    def seen(row: Row) -> Row:  # a series was watched no longer than until the day asked for
        until = row.get("observed_until")
        return row | {"observed_until": min(until, as_of)} if until and as_of else row

    tables = {
        name: tuple(seen(row) for row in rows if known(row))
        for name, rows in evidence.tables.items()
    }
    return evidence._replace(tables=tables)


def usd(row: Row) -> float:
    """The cost of a record of cost_records, or that of its tokens, USD."""
    if row["cost_usd"] is not None:
        return row["cost_usd"]
    return row["output_tokens"] * row["usd_per_million_tokens"] / 1e6


def counts(evidence: Evidence) -> list[dict[str, Any]]:
    """Rows in use by source, table, kind and benchmark, with their first and last date."""
    groups: dict[tuple[str, ...], list[dt.date]] = {}
    for table, rows in evidence.tables.items():
        for row in rows:
            kind = row.get("kind") or row.get("component") or row.get("estimator") or ""
            key = (row["source"], table, kind, row.get("benchmark", ""))
            groups.setdefault(key, []).append(row["date"])
    return [
        dict(zip(("source", "table", "kind", "benchmark"), key, strict=True))
        | {"count": len(days), "first": min(days).isoformat(), "last": max(days).isoformat()}
        for key, days in sorted(groups.items())
    ]


def write_table(rows: Iterable[Row], table: str) -> str:
    """Rows as CSV text that `read_evidence` reads back."""
    lines = [[*EVERY, *TABLES[table]]]
    lines += [["" if row[name] is None else row[name] for name in lines[0]] for row in rows]

    class Lines(list[str]):
        write = list.append

    text = Lines()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return "".join(text)


def _sources(path: Path) -> tuple[dict[str, Any] | None, list[Fault]]:
    try:
        return tomllib.loads(path.read_text("utf-8")), []
    except FileNotFoundError:
        fault = Fault(str(path), "file", "must exist beside evidence/", "write it")
    except OSError as error:
        fault = Fault(str(path), "file", f"cannot be read ({error.strerror})", "check it")
    except (ValueError, RecursionError) as error:
        fault = Fault(str(path), "file", f"must be TOML ({error})", "mend that line")
    return None, [fault]


def _table(
    path: Path, table: str, sources: Mapping[str, Any] | None
) -> tuple[list[Row], list[Fault]]:
    columns = EVERY | TABLES[table]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            found = list(reader.fieldnames or ())
            raw = [(reader.line_num, cells) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [], [Fault(str(path), "file", f"must be a readable UTF-8 CSV ({error})", "mend it")]
    if faults := list(_headers(str(path), found, columns)):
        return [], faults
    rows = []
    for line, cells in raw:
        where = f"{path}:{line}"
        if None in cells or None in cells.values():
            fix = f"give {len(columns)} cells; quote text that holds a comma"
            faults.append(Fault(where, "row", "must have one cell per column", fix))
            continue
        row, bad = _row(where, cells, columns)
        if not bad:
            bad = [*_unknown_source(where, row, sources), *_relations(where, row, RULES)]
        rows.append(row)
        faults += bad
    return rows, faults


def _headers(where: str, found: list[str], columns: Iterable[str]) -> Iterator[Fault]:
    for name in columns:
        if name not in found:
            yield Fault(where, name, "is a column of this table", "add it")
    for name in dict.fromkeys(found):
        if name not in columns:
            yield Fault(where, name, "is not a column of this table", nearest(name, columns))
        elif found.count(name) > 1:
            yield Fault(where, name, "must not stand twice", "remove one")


def _row(where: str, cells: dict[str, str], columns: dict[str, Column]) -> tuple[Row, list[Fault]]:
    row: Row = {}
    faults = []
    for name, column in columns.items():
        try:
            row[name] = _cell(name, cells[name].strip(), column)
        except ValueError as error:
            rule, _, fix = str(error).partition("; ")
            faults.append(Fault(where, name, f"{cells[name]!r} {rule}", fix))
    return row, faults


def _cell(name: str, text: str, column: Column) -> Any:
    if not text:
        if column.optional:
            return None
        raise ValueError("is empty; fill it in")
    if name in DATES:
        try:
            return last_day(text)
        except ValueError:
            raise ValueError(f"is no date; write {FORMS}") from None
    if column.choices and text not in column.choices:
        raise ValueError(f"is not one of {', '.join(column.choices)}; choose one of these")
    return _number(text, column) if column.number else text


def _number(text: str, column: Column) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("is not a number; write digits and a decimal point") from None
    if not math.isfinite(number):
        raise ValueError("is not finite; leave out what has no value")
    if not column.low < number < column.high:
        raise ValueError(f"is not inside ({column.low:g}, {column.high:g}); check its unit")
    return number


def _unknown_source(where: str, row: Row, sources: Mapping[str, Any] | None) -> Iterator[Fault]:
    if sources is not None and row["source"] not in sources:
        rule = f"{row['source']!r} is not in sources.toml"
        fix = f"add its citation there, or {nearest(row['source'], sources)}"
        yield Fault(where, "source", rule, fix)


def _relations(where: str, row: Row, rules: Iterable[Rule]) -> Iterator[Fault]:
    for columns, holds, rule, fix in rules:
        if set(columns) <= row.keys() and not holds(row):
            yield Fault(where, columns[0], rule, fix)
