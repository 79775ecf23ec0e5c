"""A batch's folder: its plan, its sealed runs, and why other scenarios have none.

Whether a scenario is done is seen by its run being there, so nothing can disagree with it. One
at work is held by a lock, which the kernel drops when the worker dies, however it dies.
"""

import datetime as dt
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from simulator import seal
from simulator.batch.plan import Item, Plan
from simulator.batch.state import FAILURES, FORMAT, PLAN
from simulator.faults import BadInput, Fault

LOCKS = ".locks"
KEY = 16  # hexadecimal digits


class Store:
    """The folder of one batch."""

    def __init__(self, path: str | Path):
        self.path = Path(path).absolute()

    def keep_plan(self, plan: Plan) -> None:
        """Write the plan, in place of an older one of the same batch; BadInput for another's."""
        if (self.path / PLAN).exists() and (name := self.plan()["name"]) != plan.name:
            fix = "choose another folder, or rename the batch"
            raise BadInput([Fault(str(self.path), "--into", f"holds the batch {name!r}", fix)])
        self.path.mkdir(parents=True, exist_ok=True)
        _write(self.path / PLAN, plan.to_json())

    def plan(self) -> dict[str, Any]:
        """The plan as plain data, as `Plan.to_json` gives it; BadInput where there is none."""
        fix = "name a folder made by: simulator batch run FILE --into DIR"
        try:
            found = json.loads((self.path / PLAN).read_text("utf-8"))
        except (OSError, ValueError):
            raise BadInput([Fault(str(self.path), "DIR", "is no batch", fix)]) from None
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            rule = f"has a plan of another format than {FORMAT}"
            raise BadInput([Fault(str(self.path), PLAN, rule, "update the simulator")])
        return found

    def runs(self) -> dict[str, Path]:
        """Sealed runs by key."""
        return {path.name[-KEY:]: path for path in seal.sealed_in(self.path)}

    def failures(self) -> dict[str, dict[str, Any]]:
        """Why scenarios have no run, by key; a later run of one removes its failure."""
        found = {}
        for path in sorted((self.path / FAILURES).glob("*.json")):
            with suppress(OSError, ValueError):
                found[path.stem] = json.loads(path.read_text("utf-8"))
        return found

    def fail(self, item: Item, kind: str, why: str) -> None:
        """Record why an item has no run: its kind in a word or two, and the reason."""
        (self.path / FAILURES).mkdir(exist_ok=True)
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        failure = {"key": item.key, "at": item.at, "kind": kind, "why": why, "when": now}
        _write(self.path / FAILURES / f"{item.key}.json", failure)

    def forgive(self, key: str) -> None:
        """Remove the record of a failure, if there is one."""
        with suppress(OSError):
            (self.path / FAILURES / f"{key}.json").unlink()

    @contextmanager
    def held(self, key: str) -> Iterator[bool]:
        """Hold an item while working on it; false where someone else has it."""
        path = self.path / LOCKS / key
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            except OSError:  # a drive without locks: two may do the same, of which one is kept
                pass
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)  # whoever has it open looks whether the item is done


def _write(path: Path, value: Any) -> None:
    """A JSON file that appears whole or not at all."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("x", encoding="utf-8") as file:
            json.dump(value, file, indent=1, ensure_ascii=False, default=str)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
