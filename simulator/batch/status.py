"""How far a batch is: what passed, what failed and why, and what is missing."""

import shutil
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

from simulator.batch.state import Batch, look

MANY = 12  # levels; of longer axes a terminal shows none

type Row = dict[str, Any]


def status(path: str | Path) -> Row:
    """How far the batch in a folder is, known from manifests and records of failures.

    Holds name, path, total, counts (by status: passed, failed, damaged, missing and every kind of
    failure), reasons (status, why, count, keys; most frequent first), disk_bytes (of sealed runs),
    disk_free_bytes, and axes (axis, levels: level, counts). Raises as `look` does.
    """
    batch = look(path)
    return {
        "name": batch.plan["name"],
        "path": str(batch.path),
        "total": len(batch.items),
        "counts": _counts(state.status for state in batch.states),
        "reasons": _reasons(batch),
        "disk_bytes": sum(state.bytes for state in batch.states),
        "disk_free_bytes": shutil.disk_usage(batch.path).free,
        "axes": [_axis(batch, axis) for axis in batch.plan["dims"]],
    }


def _counts(statuses: Any) -> dict[str, int]:
    return dict.fromkeys(("passed", "failed", "damaged", "missing"), 0) | Counter(statuses)


def _reasons(batch: Batch) -> list[Row]:
    keys: dict[tuple[str, str], list[str]] = {}
    for item, state in zip(batch.items, batch.states, strict=True):
        if state.why:
            keys.setdefault((state.status, state.why), []).append(item["key"])
    rows = [
        {"status": kind, "why": why, "count": len(found), "keys": found}
        for (kind, why), found in keys.items()
    ]
    return sorted(rows, key=lambda row: -row["count"])


def _axis(batch: Batch, axis: str) -> Row:
    found: dict[str, list[str]] = {str(level): [] for level in batch.plan["dims"][axis]}
    for item, state in zip(batch.items, batch.states, strict=True):
        found[str(item["at"][axis])].append(state.status)
    return {
        "axis": axis,
        "levels": [{"level": level, "counts": _counts(at)} for level, at in found.items()],
    }


def print_status(found: Row) -> None:
    """The counts by level of every axis that is not too long, then the reasons, equal ones once."""
    from simulator.tables import print_grid, say, style, width

    body = [["all", *_cells(found["counts"])]]
    for axis in found["axes"]:
        if 1 < len(axis["levels"]) <= MANY:
            body.append([_plain(axis["axis"])])
            body += [
                [f"  {_plain(row['level'])}", *_cells(row["counts"])] for row in axis["levels"]
            ]
    say(style(f"{_plain(found['name'])}: {found['total']:,} runs", bold=True))
    print_grid(["", "total", "passed", "checks failed", "not run", "missing"], body)
    columns = min(width(), 100)
    for row in found["reasons"]:
        said = f"{row['count']:,} {row['status']}: {_plain(row['why'])}"
        said = textwrap.shorten(said, 3 * columns, placeholder=" …")
        say(textwrap.fill(said, columns, subsequent_indent="  "))
    disk = (
        f"{found['disk_bytes'] / 1e6:,.1f} MB on disk, {found['disk_free_bytes'] / 1e6:,.0f} free"
    )
    say(style(disk, dim=True))


def _cells(counts: Row) -> list[str]:
    """All, passed, with failed checks, without a usable run, not tried."""
    total = sum(counts.values())
    passed, failed, missing = (counts[kind] for kind in ("passed", "failed", "missing"))
    return [f"{n:,}" for n in (total, passed, failed, total - passed - failed - missing, missing)]


def _plain(text: object) -> str:
    """People's text without what would steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
