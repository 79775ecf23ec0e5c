"""Weights of runs in an average: equal, by stacking, or from a file of run id to weight."""

import csv
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.faults import BadInput, Fault, nearest
from simulator.run import Run

SLACK = 1e-6  # by which a sum may miss one: thirds are written with six digits
LIMIT = 2**20  # bytes of a file of weights; more is a mistake

type Weights = str | Path | Mapping[str, float]


def weigh(runs: Sequence[Run], weights: Weights) -> dict[str, float]:
    """The weight of each run by id; they sum to one. Raises BadInput with every fault."""
    ids = [run.id for run in runs]
    if weights == "equal" or (weights == "stacking" and len(runs) == 1):
        return dict.fromkeys(ids, 1 / len(ids))
    if weights == "stacking":
        from simulator.compare import compare

        table = compare(runs).loo["table"]
        found = {row["run"]: row["weight"] for row in table}
        return {one: found[one] for one in ids}
    if isinstance(weights, Mapping):
        return _checked(list(weights.items()), ids, "weights")
    return _checked(_read(Path(weights)), ids, str(weights))


def _checked(pairs: list[tuple[str, Any]], ids: list[str], where: str) -> dict[str, float]:
    faults = []
    found: dict[str, float] = {}
    for one, value in pairs:
        if one not in ids:
            faults.append(Fault(where, one, "is not one of the runs", nearest(one, ids)))
        if one in found:
            faults.append(Fault(where, one, "stands twice", "give it one weight"))
        if isinstance(value, bool) or not isinstance(value, int | float):
            faults.append(Fault(where, one, f"{value!r} is not a number", "write one, as in 0.5"))
        elif not math.isfinite(value) or value < 0:
            faults.append(Fault(where, one, f"{value:g} is not 0 or more", "write 0 to 1"))
        found[one] = value
    faults += [
        Fault(where, one, "has no weight", "give it one, or 0") for one in ids if one not in found
    ]
    total = math.fsum(found.values()) if not faults else 1.0
    if abs(total - 1) > SLACK:
        faults.append(Fault(where, "sum", f"is {total:.9g}, not 1", "divide each by the sum"))
    if faults:
        raise BadInput(faults)
    return {one: found[one] / total for one in ids}


def _read(path: Path) -> list[tuple[str, Any]]:
    """Pairs of a TOML or JSON table or of a CSV with columns run and weight."""
    readers = {".toml": _toml, ".json": _json, ".csv": _csv}
    if path.suffix not in readers:
        fix = "write equal, stacking or a file"
        rule = "is neither equal, stacking nor a .toml, .json or .csv file"
        raise BadInput([Fault(str(path), "--weights", rule, fix)])
    try:
        if path.stat().st_size > LIMIT:
            raise ValueError(f"over {LIMIT} bytes")
        return readers[path.suffix](path.read_text("utf-8"))
    except OSError as error:
        rule = f"cannot be read ({error.strerror})"
        raise BadInput([Fault(str(path), "--weights", rule, "check the path")]) from None
    except (ValueError, RecursionError, csv.Error) as error:
        rule = f"is not a table of run id to weight ({error})"
        fix = "write lines of: a run's id, then its weight"
        raise BadInput([Fault(str(path), "--weights", rule, fix)]) from None


def _toml(text: str) -> list[tuple[str, Any]]:
    return _table(list(tomllib.loads(text).items()))


def _json(text: str) -> list[tuple[str, Any]]:
    pairs = json.loads(text, object_pairs_hook=list)  # pairs, so that a double key shows
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise ValueError("it holds no object")
    return _table(pairs)


def _table(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The pairs, or those under the one key `weights`."""
    match pairs:
        case [("weights", dict(inner))]:
            return list(inner.items())
        case [("weights", list(inner))] if all(isinstance(pair, tuple) for pair in inner):
            return inner
    return pairs


def _csv(text: str) -> list[tuple[str, Any]]:
    header, *rows = [row for row in csv.reader(text.splitlines()) if row] or [[]]
    if [name.strip() for name in header] != ["run", "weight"]:
        raise ValueError("its first line is not run,weight")
    if odd := [row for row in rows if len(row) != 2]:
        raise ValueError(f"{odd[0]} has not two cells")
    return [(one.strip(), _number(value)) for one, value in rows]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
