"""What a batch file comes to: every scenario with its place on the axes, and what they share.

A plan is plain data, so that it can be kept with the runs: who reads the runs needs no more.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from simulator import outcome
from simulator.batch.file import BatchFile, flat, read_batch
from simulator.batch.state import FORMAT
from simulator.faults import BadInput, Fault, nearest
from simulator.prior import Belief
from simulator.scenario import Scenario, variants

type Vary = Callable[[Mapping[str, Any]], Scenario]
type At = dict[str, str | int]  # axis to level, "point" to number, "seed" to seed


@dataclass(frozen=True)
class Item:
    """One scenario of a batch and its place; `faults` say why it cannot be run.

    `key` changes with anything that moves its answer; `shape` is shared by all that one compiled
    model serves, `kind` by those of one seed that differ in beliefs or questions alone.
    """

    key: str
    at: At
    set: dict[str, Any]
    seed: int
    scenario: str
    shape: str = ""
    kind: tuple[str, int] = ("", 0)
    observations: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def folder(self) -> str:
        """Name of the folder of its run."""
        return f"{self.scenario}-{self.key}"

    @property
    def label(self) -> str:
        return ", ".join(f"{axis} {level}" for axis, level in self.at.items())


@dataclass(frozen=True)
class Plan:
    """All items of a batch, those of one shape together; `dims` are the axes and their levels.

    `points` holds the values that a design gives to beliefs, one per point.
    """

    name: str
    base: str
    dims: dict[str, list[str | int]]
    points: dict[str, list[float]]
    items: list[Item]

    @property
    def distinct(self) -> list[Item]:
        """Items without fault, each once: two that are the same in all but name share a run."""
        return list({item.key: item for item in self.items if not item.faults}.values())

    @property
    def faulty(self) -> list[Item]:
        return [item for item in self.items if item.faults]

    def to_json(self) -> dict[str, Any]:
        """As kept in the batch's folder."""
        items = [
            {"key": i.key, "at": i.at, "set": i.set, "seed": i.seed, "shape": i.shape}
            for i in self.items
        ]
        return {
            "format": FORMAT,
            "name": self.name,
            "base": self.base,
            "dims": self.dims,
            "points": self.points,
            "items": items,
        }


def plan(path: str | Path) -> Plan:
    """The plan of a batch file.

    Raises BadInput with the faults of the file and of its base; those of single scenarios are in
    their items.
    """
    batch = read_batch(path)
    vary = _placed(variants(batch.base), str(path))
    common = dict(flat(batch.set))
    base = vary(common)
    points = _points(batch, base, str(path))
    common |= _uncorrelated(base, points)
    seeds = batch.seeds or [base.sampler.seed]
    items, shapes = [], _Shapes()
    for at, changes in _places(batch, points):
        settings = common | changes
        try:
            scenario, faults = vary(settings), ()
            shape = shapes.of(scenario)
        except BadInput as error:
            scenario, faults, shape = None, tuple(error.faults), ""
        for seed in seeds:
            place = at | {"seed": seed}
            items.append(_item(place, settings, seed, scenario, base.name, shape, faults))
    dims: dict[str, list] = {axis.name: [x.name for x in axis.level] for axis in batch.axis}
    if batch.design:
        dims["point"] = list(range(batch.design.points))
    items.sort(key=lambda item: item.shape)  # stable: otherwise in the order of the file
    return Plan(batch.name, batch.base, dims | {"seed": list(seeds)}, points, items)


def _places(batch: BatchFile, points: dict[str, list[float]]) -> Iterator[tuple[At, dict]]:
    """Each place on the axes and among the points, with all that it sets."""
    for at, changes in _levels(batch):
        if not batch.design:
            yield at, changes
            continue
        for number in range(batch.design.points):
            values = {f"prior.{name}.value": column[number] for name, column in points.items()}
            yield at | {"point": number}, changes | values


def _uncorrelated(base: Scenario, points: Container[str]) -> dict[str, Any]:
    """What a design fixes is correlated with nothing any more."""
    pairs = base.spec.get("correlation", [])
    kept = [pair for pair in pairs if not any(name in points for name in pair["between"])]
    return {} if kept == pairs else {"correlation": kept}


def _placed(vary: Vary, where: str) -> Vary:
    """The same, but what is wrong with a key is said of the file that sets it."""

    def varied(settings: Mapping[str, Any]) -> Scenario:
        try:
            return vary(settings)
        except BadInput as error:
            set_here = (f._replace(file=where) if f.file == "--set" else f for f in error.faults)
            raise BadInput(set_here) from None
        except RecursionError:
            raise BadInput([Fault(where, "set", "is nested too deeply", "flatten it")]) from None

    return varied


def _item(
    at: At,
    settings: dict[str, Any],
    seed: int,
    scenario: Scenario | None,
    name: str,
    shape: str,
    faults: tuple[Fault, ...],
) -> Item:
    if scenario is None:
        key = hashlib.sha256(json.dumps([at, settings], default=str).encode()).hexdigest()[:16]
        return Item(key, at, settings, seed, name, faults=faults)
    return Item(
        key=outcome.key(scenario.digest, seed),
        at=at,
        set=settings,
        seed=seed,
        scenario=scenario.name,
        shape=shape,
        kind=(_choice(scenario, "evidence", "structure", "sampler"), seed),
        observations=scenario.evidence.size,
    )


def _levels(batch: BatchFile) -> Iterator[tuple[At, dict[str, Any]]]:
    """Each combination of levels with all that it sets."""
    axes = {axis.name: {level.name: level for level in axis.level} for axis in batch.axis}
    chosen = batch.combination or [
        dict(zip(axes, names, strict=True)) for names in product(*axes.values())
    ]
    for combination in chosen:
        at = {name: combination[name] for name in axes}
        settings: dict[str, Any] = {}
        for axis, level in at.items():
            settings |= flat(axes[axis][level].set)
        yield at, settings


def _points(batch: BatchFile, base: Scenario, where: str) -> dict[str, list[float]]:
    """Values of each belief of the design, spread over what the base believes of it."""
    design = batch.design
    if design is None:
        return {}
    free = {name: belief for name, belief in base.beliefs.items() if not belief.constant}
    faults = [
        Fault(where, "design.over", f"{name!r} is no belief with a range", nearest(name, free))
        for name in design.over
        if name not in free
    ]
    if len({*design.over}) < len(design.over):
        faults.append(Fault(where, "design.over", "must not repeat itself", "remove the double"))
    if faults:
        raise BadInput(faults)
    from scipy.stats import qmc

    kind = qmc.Sobol if design.kind == "sobol" else qmc.LatinHypercube
    with warnings.catch_warnings():  # balance is best at powers of two; any number is allowed
        warnings.filterwarnings("ignore", "The balance properties of Sobol")
        unit = kind(len(design.over), rng=design.seed).random(design.points)
    within = unit.clip(1e-9, 1 - 1e-9).T.tolist()
    return {
        name: [_quantile(free[name], u) for u in column]
        for name, column in zip(design.over, within, strict=True)
    }


def _quantile(belief: Belief, u: float) -> float:
    return float(f"{belief.quantile(u):.6g}")  # as many digits as a person would read


class _Shapes:
    """What shapes the model of a scenario, as a digest; each choice of evidence is read once."""

    def __init__(self) -> None:
        self._sizes: dict[str, list] = {}

    def of(self, scenario: Scenario) -> str:
        choice = _choice(scenario, "evidence", "structure")
        if choice not in self._sizes:
            self._sizes[choice] = _sizes(scenario)
        shape = json.dumps([scenario.form, self._sizes[choice]])
        return hashlib.sha256(shape.encode()).hexdigest()[:8]


def _choice(scenario: Scenario, *sections: str) -> str:
    return json.dumps([scenario.spec[s] for s in sections], sort_keys=True, default=str)


def _sizes(scenario: Scenario) -> list:
    from simulator.observations import observe

    seen = observe(scenario.evidence, scenario.structure)
    arrays = (seen.constant | seen.observed).items()
    coords = [(dim, len(labels)) for dim, labels in seen.coords.items()]
    return [[(name, array.shape) for name, (_, array) in arrays], coords]
