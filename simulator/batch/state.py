"""What a batch folder holds: its plan, and what became of every item in it.

Reads the plan, manifests and records of failures, and no numerical library.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simulator import seal
from simulator.faults import BadInput, Fault

FORMAT = 1  # of the plan
PLAN, FAILURES = "plan.json", "failures"


class State(NamedTuple):
    """What became of an item, why, and its run, where there is one.

    `status` is passed, failed (its checks), damaged, missing, or the kind of a failure. `sealed`
    is the manifest of the run.
    """

    status: str
    why: str = ""
    run: Path | None = None
    sealed: Mapping[str, Any] = {}

    @property
    def bytes(self) -> int:
        """Bytes on disk as sealed, without the manifest."""
        return sum(file["size"] for file in self.sealed.get("files", {}).values())


class Batch(NamedTuple):
    """A batch folder: its plan, and a state per item of it, in the order of the plan."""

    path: Path
    plan: Mapping[str, Any]
    states: Sequence[State]

    @property
    def items(self) -> list[dict[str, Any]]:
        return self.plan["items"]

    @property
    def digest(self) -> str:
        """Changes with the plan and with what became of any item."""
        digests = [s.sealed.get("digest", "") for s in self.states]
        told = [s[:2] for s in self.states]
        return hashlib.sha256(json.dumps([self.plan, told, digests]).encode()).hexdigest()


def look(path: str | Path) -> Batch:
    """The batch in a folder.

    Raises BadInput where the folder holds none, seal.Damaged where its plan cannot be used.
    """
    path = Path(path).absolute()
    plan = _plan(path)
    keys = {item["key"] for item in plan["items"]}
    runs = {}
    for name in sorted(os.listdir(path), reverse=True):  # of several with one key, the first counts
        key = name.rpartition("-")[2]
        if key in keys and not name.startswith(".") and (path / name).is_dir():
            runs[key] = path / name
    return Batch(path, plan, [_state(path, item["key"], runs) for item in plan["items"]])


def _plan(path: Path) -> dict[str, Any]:
    file = path / PLAN
    if not file.is_file():
        fix = "name a folder that `simulator batch run` made"
        raise BadInput([Fault(str(path), "batch", f"holds no {PLAN}", fix)])
    try:
        plan = json.loads(file.read_bytes())
        if plan["format"] != FORMAT:
            said = f"format {plan['format']!r}, read here is {FORMAT}; update the simulator"
            raise seal.Damaged(path, [f"{PLAN}: {said}"])
        levels = {axis: {json.dumps(level) for level in of} for axis, of in plan["dims"].items()}
        whole = all(
            item["at"].keys() == levels.keys()
            and all(json.dumps(level) in levels[axis] for axis, level in item["at"].items())
            for item in plan["items"]
        )
        whole &= all(
            len(values) == len(plan["dims"]["point"]) for values in plan["points"].values()
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise seal.Damaged(path, [f"{PLAN}: is torn; {seal.RENEW}"]) from error
    if not whole:
        raise seal.Damaged(path, [f"{PLAN}: has items outside its axes; {seal.RENEW}"])
    return plan


def _state(path: Path, key: str, runs: Mapping[str, Path]) -> State:
    if key in runs:
        return _sealed(runs[key])
    try:
        failure = json.loads((path / FAILURES / f"{key}.json").read_bytes())
        return State(str(failure["kind"]), str(failure["why"]))
    except FileNotFoundError:
        return State("missing")
    except (OSError, ValueError, KeyError, TypeError):
        return State("failed to run", "the record of its failure cannot be read")


def _sealed(run: Path) -> State:
    try:
        sealed = seal.manifest(run)
        status = sealed["about"]["status"]
    except (seal.Damaged, KeyError) as error:
        return damaged(run, error)
    if status == "passed":
        return State(status, "", run, sealed)
    return State("failed", f"checks failed: {', '.join(_failed(run))}", run, sealed)


def _failed(run: Path) -> list[str]:
    try:
        checks = json.loads((run / "checks.json").read_bytes())
        return [name for name, check in checks.items() if not check["passed"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ["checks.json cannot be read"]


def damaged(run: Path, error: Exception, sealed: Mapping[str, Any] | None = None) -> State:
    """The state of a run that is not what was sealed."""
    faults = error.faults if isinstance(error, seal.Damaged) else [str(error)]
    return State("damaged", "; ".join(faults), run, sealed or {})
