"""What is exported: a question with its forecast, and what every file says of where it is from."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from simulator.questions.distribution import Forecast
    from simulator.questions.question import Question

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes a cell for that begins so


class Item(NamedTuple):
    """A question and its forecast; joint draw by draw with the others of its run."""

    question: "Question"
    forecast: "Forecast"

    @property
    def name(self) -> str:
        """Its id as a name in files, scripts and paths: only A-Z a-z 0-9 and _."""
        return identifier(self.question.id)


def about(items: Sequence[Item]) -> dict[str, Any]:
    """Where a file is from, as plain data: run, scenario, digest, seed, checks, created."""
    found = items[0].forecast.provenance
    keys = ("run", "scenario", "digest", "seed", "status", "created")
    return {"checks" if k == "status" else k: found[k] for k in keys if k in found}


def passed(items: Iterable[Item]) -> bool:
    """Whether the run of all of them passed its checks."""
    return all(i.forecast.provenance.get("status", "passed") == "passed" for i in items)


def stamp(items: Sequence[Item]) -> str:
    """One line that says where a file is from, and first of all if the run failed its checks."""
    said = about(items)
    failed = "" if passed(items) else "FAILED CHECKS, do not rely on it: "
    checks = "all checks passed" if passed(items) else "checks failed"
    where = f"run {said.get('run', '?')}, {checks}, scenario digest {said.get('digest', '?')}"
    return line(f"{failed}{where}")


def identifier(text: str) -> str:
    """Text as a name that no path, script or formula can be hidden in."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text)[:64]
    return name if name[:1].isalpha() else f"q_{name}"


def line(text: str) -> str:
    """Text on one line without control characters, as for a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def cell(text: str) -> str:
    """Text that a spreadsheet shows and does not run."""
    return f"'{text}" if text.startswith(FORMULA) else text
