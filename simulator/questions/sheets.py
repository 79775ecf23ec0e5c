"""A user's own table: a CSV file read with every fault at once, and texts in it made harmless.

Comma, semicolon and tab are told apart by the header. Texts come out with what a terminal would
obey written out, and in a CSV cell never as the beginning of a formula.
"""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from simulator.faults import BadInput, Fault, nearest, plain

ROWS, BYTES = 100_000, 64 * 2**20  # what a table of one's own may hold; more is a mistake
FAULTS = 50  # said one by one; the others are counted
DELIMITERS = ",;\t"
FORMULA = tuple("=+-@＝＋－＠")  # how spreadsheets know a formula by its beginning


class Line(NamedTuple):
    """One row: where it stands (file and line), and its cells by column, stripped."""

    where: str
    cells: Mapping[str, str]


class Sheet(NamedTuple):
    """The rows of a file, its separator, and everything wrong with its form."""

    lines: list[Line]
    separator: str
    faults: list[Fault]


def read_sheet(path: Path, required: Collection[str], optional: Collection[str] = ()) -> Sheet:
    """A CSV file as UTF-8 text with a header; nothing is raised for what is wrong with it."""
    where, columns = str(path), (*required, *optional)
    text, faults = _text(path)
    if text is None:
        return Sheet([], ",", faults)
    separator = _separator(text, columns)
    lines, faults = [], []
    try:
        records = _records(text, separator)
        _, header = next(records, (1, []))
        header = [cell.strip() for cell in header]
        if faults := list(_headers(f"{where}:1", header, required, optional)):
            return Sheet([], separator, faults)
        for number, cells in records:
            at = f"{where}:{number}"
            if len(lines) == ROWS:
                rule = f"is past the {ROWS:,} rows that a table may have"
                faults.append(Fault(at, "row", rule, "split the table"))
                break
            if len(cells) != len(header):
                rule = f"has {len(cells)} cells where the header has {len(header)}"
                faults.append(Fault(at, "row", rule, "quote text that holds the separator"))
                continue
            lines.append(Line(at, dict(zip(header, map(str.strip, cells), strict=True))))
    except csv.Error as error:
        rule = f"must be CSV ({error} in the record that begins there)"
        faults.append(Fault(f"{where}:{error.line}", "row", rule, "close or double its quotes"))  # type: ignore[attr-defined]
    if not lines and not faults:
        faults.append(Fault(where, "file", "has a header and no rows", "add one"))
    return Sheet(lines, separator, faults)


def number(text: str, separator: str) -> str:
    """A number's text; ValueError for a comma where commas do not separate: it may be either."""
    if "," in text and separator == ";":
        raise ValueError(f"{text!r} has a comma, which may stand for two things")
    return text


def refuse(faults: Iterable[Fault]) -> None:
    """Raise BadInput where there are faults: the first by line, and how many more."""
    faults = sorted(dict.fromkeys(faults), key=_line)
    if (more := len(faults) - FAULTS) > 0:
        rest = Fault(faults[-1].file, "rows", f"{more:,} more faults", "mend these first")
        faults = [*faults[:FAULTS], rest]
    if faults:
        raise BadInput(faults)


def cell(text: str) -> str:
    """A text for a CSV cell: plain, and no formula in any spreadsheet."""
    said = plain(text)
    return f"'{said}" if said.startswith(FORMULA) else said


def _line(fault: Fault) -> int:
    number = fault.file.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _text(path: Path) -> tuple[str | None, list[Fault]]:
    where = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        return None, [Fault(where, "file", f"cannot be read ({why})", "check the path")]
    if len(raw) > BYTES:
        rule = f"must be under {BYTES // 2**20} MiB"
        return None, [Fault(where, "file", rule, "is it the right file? else split it")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        fix = 'save it as "CSV UTF-8"'
        return None, [Fault(f"{where}:{line}", "file", "must be UTF-8 text", fix)]
    if not text.strip():
        return None, [Fault(where, "file", "is empty", "write a header and a row per line")]
    return text, []


def _separator(text: str, columns: Collection[str]) -> str:
    """The one that finds most columns in the first line."""
    first = text.splitlines()[0]

    def found(separator: str) -> int:
        return sum(part.strip().strip('"').strip() in columns for part in first.split(separator))

    return max(DELIMITERS, key=found)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, with the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            error.line = line  # type: ignore[attr-defined]
            raise
        if any(cell.strip() for cell in cells):
            yield line, cells


def _headers(
    where: str, found: list[str], required: Collection[str], optional: Collection[str]
) -> Iterator[Fault]:
    columns = (*required, *optional)
    for name in required:
        if name not in found:
            yield Fault(where, name, "is a column that this table needs", "add it to the header")
    for name in dict.fromkeys(found):
        if name not in columns:
            rule, fix = "is not a column of this table", nearest(name, columns)
            yield Fault(where, plain(name) or "header", rule, f"{fix}, or remove it")
        elif found.count(name) > 1:
            yield Fault(where, name, "must not stand twice", "remove one")
