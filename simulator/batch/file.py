"""A batch file: a base scenario, and what varies around it.

Axes are lists of named changes; their levels are crossed, unless combinations are listed. A design
fixes beliefs at points that fill the range of what is believed of them. Reading finds every fault
of the file itself; what is wrong with single scenarios is the plan's to find.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from simulator import schema, units
from simulator.faults import BadInput, Fault, nearest
from simulator.scenario import NAME
from simulator.schema import Section, Text
from simulator.texts import read_toml

SEED = "sampler.seed"
RESERVED = ("seed", "point")  # dimensions that every batch has
MOST = 100_000  # scenarios; more is a mistake, and would fill memory before it is seen to be one
DEPTH = {"prior": 2, "task": 3}  # of a key that is set as a whole; others have two parts

type Settings = dict[str, Any]
type Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Level(Section):
    """A named change: keys of a scenario and their new values."""

    name: Text
    set: Settings = Field(default_factory=dict)


class Axis(Section):
    """Alternatives, of which every scenario takes one."""

    name: Text
    level: Annotated[list[Level], Field(min_length=1)]


class Design(Section):
    """So many points over beliefs, each fixed at a quantile of what the base believes of it."""

    kind: Literal["sobol", "latin-hypercube"]
    points: Annotated[int, Field(ge=1)]
    over: Annotated[list[Text], Field(min_length=1)]
    seed: Seed = 1


class BatchFile(Section):
    """What a batch file may hold."""

    name: Text
    base: Text
    why: str = ""
    set: Settings = Field(default_factory=dict)
    seeds: Annotated[list[Seed], Field(min_length=1)] | None = None
    axis: list[Axis] = Field(default_factory=list)
    combination: list[dict[str, str]] = Field(default_factory=list)
    design: Design | None = None


def read_batch(path: str | Path) -> BatchFile:
    """A batch file without fault; raises BadInput with all that are in it.

    A `base` that is a path counts from the file's own folder.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():  # a device may have no end
        raise BadInput([Fault(str(path), "file", "is a device or pipe", "name a plain file")])
    batch, faults = schema.parse(BatchFile, read_toml(path), str(path), "batch")
    if batch is None:
        raise BadInput(faults)
    faults = [Fault(str(path), *fault) for fault in _faults(batch)]
    if faults:
        raise BadInput(faults)
    if batch.base.endswith(".toml") or "/" in batch.base:
        batch = batch.model_copy(update={"base": str(path.parent.resolve() / batch.base)})
    return batch


def flat(settings: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Dotted keys and their values; a table in a table means the same as a dotted key."""
    for key, value in settings.items():
        parts = (*above, *key.split("."))
        if isinstance(value, dict) and value and len(parts) < DEPTH.get(parts[0], 2):
            yield from flat(value, parts)
        else:
            yield ".".join(parts), value


def _faults(batch: BatchFile) -> Iterator[tuple[str, str, str]]:
    """Key, rule and fix of what is wrong between the parts of a file."""
    if not NAME.fullmatch(batch.name):
        yield "name", f"{batch.name!r} is not 1 to 40 of a-z 0-9 - _ .", "it names the batch"
    if (count := _count(batch)) > MOST:
        rule = f"makes {units.significant(count, 3)} scenarios, of at most {MOST:,}"
        yield "batch", rule, "take fewer levels, or a design of points, or several batches"
    names = [axis.name for axis in batch.axis]
    for name in {*names, *(level.name for axis in batch.axis for level in axis.level)}:
        if not name.isprintable() or not name.strip():
            yield "axis", f"{name!r} cannot be shown", "rename it"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "axis", f"{name!r} stands twice", "rename one"
    for name in RESERVED:
        if name in names:
            yield "axis", f"{name!r} is a dimension of every batch", "rename the axis"
    if batch.seeds and len({*batch.seeds}) < len(batch.seeds):
        yield "seeds", "must not repeat itself", "remove the double"
    for axis in batch.axis:
        levels = [level.name for level in axis.level]
        for name in sorted({name for name in levels if levels.count(name) > 1}):
            yield f"axis {axis.name!r}", f"level {name!r} stands twice", "rename one"
        if any(key == SEED for level in axis.level for key, _ in flat(level.set)):
            yield f"axis {axis.name!r}", f"{SEED} is no change", "write seeds = [1, 2] at the top"
    if batch.seeds and any(key == SEED for key, _ in flat(batch.set)):
        yield "set", f"{SEED} is set by seeds too", "set it in one place"
    yield from _combination_faults(batch)
    yield from _clashes(batch)


def _count(batch: BatchFile) -> int:
    """How many scenarios it makes."""
    grid = math.prod(len(axis.level) for axis in batch.axis)
    points = batch.design.points if batch.design else 1
    return (len(batch.combination) or grid) * points * len(batch.seeds or [0])


def _combination_faults(batch: BatchFile) -> Iterator[tuple[str, str, str]]:
    levels = {axis.name: [level.name for level in axis.level] for axis in batch.axis}
    for i, combination in enumerate(batch.combination, 1):
        where = f"combination {i}"
        for name in levels.keys() - combination.keys():
            yield where, f"names no level of {name!r}", f"add one of {', '.join(levels[name])}"
        for name, level in combination.items():
            if name not in levels:
                yield where, f"{name!r} is no axis", nearest(name, levels)
            elif level not in levels[name]:
                yield where, f"{level!r} is no level of {name!r}", nearest(level, levels[name])
        if combination in batch.combination[: i - 1]:
            yield where, "stands twice", "remove one"


def _clashes(batch: BatchFile) -> Iterator[tuple[str, str, str]]:
    """Keys that two parts of the file would set: which one holds would be anyone's guess."""
    keys = {f"axis {a.name!r}": {k for x in a.level for k, _ in flat(x.set)} for a in batch.axis}
    keys["set"] = {key for key, _ in flat(batch.set)}
    if batch.design:
        keys["design"] = {f"prior.{name}" for name in batch.design.over}
    parts = list(keys)
    for i, one in enumerate(parts):
        for other in parts[i + 1 :]:
            for key in sorted(k for k in keys[one] if any(_overlap(k, o) for o in keys[other])):
                yield one, f"{key} is set by {other} too", "set it in one place"


def _overlap(one: str, other: str) -> bool:
    short, long = sorted((one.split("."), other.split(".")), key=len)
    return long[: len(short)] == short
