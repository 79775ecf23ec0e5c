"""Beliefs and their correlations as written, checked and placed on the line of their family."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from simulator import schema
from simulator.faults import Fault, nearest
from simulator.prior import FAMILIES, Belief, fit, place, support, value
from simulator.quantities import BELIEFS, SLOPES, Quantity

DISTRIBUTION = ("quantiles", "value", "mu", "sigma", "low", "high")  # ways to state a belief
UNCITED = ("judgement", "command-line")  # a belief's source that is no key of sources.toml
QUANTILE = re.compile(r"q(?:0[1-9]|[1-9][0-9]|[0-9]{2,3}[1-9])")  # no q00, q5 or q100

type Spec = dict[str, Any]


class Correlation(NamedTuple):
    """Spearman's rank correlation between two beliefs."""

    between: tuple[str, str]
    rank: float

    @property
    def normal(self) -> float:
        """The correlation of the two underlying normals that has this rank correlation."""
        return 2 * math.sin(math.pi * self.rank / 6)


def read_beliefs(
    prior: Spec, where: str, sources: Mapping[str, Any] | None
) -> tuple[dict[str, Belief], list[Fault]]:
    beliefs, faults = {}, []
    for name, table in prior.items() if isinstance(prior, dict) else ():
        key = f"prior.{name}"
        if name not in BELIEFS:
            faults.append(
                Fault(where, key, "is not a quantity of the model", nearest(name, BELIEFS))
            )
            continue
        stated, bad = schema.parse(schema.Stated, table, where, key)
        if not bad:
            belief, bad = _belief(name, stated, where, sources)
            beliefs[name] = belief
        faults += bad
    return {n: b for n, b in beliefs.items() if b is not None}, faults


def _belief(
    name: str, stated: schema.Stated, where: str, sources: Mapping[str, Any] | None
) -> tuple[Belief | None, list[Fault]]:
    key, quantity, faults = f"prior.{name}", BELIEFS[name], []
    if stated.unit != quantity.unit:
        rule, fix = f"{stated.unit!r} is not its unit", f'write unit = "{quantity.unit}"'
        faults.append(Fault(where, f"{key}.unit", rule, fix))
    if sources is not None and stated.source not in {*sources, *UNCITED}:
        rule = f"{stated.source!r} is not in sources.toml"
        fix = f"{nearest(stated.source, [*sources, *UNCITED])}"
        faults.append(Fault(where, f"{key}.source", rule, fix))
    try:
        location, scale = _line(stated)
        _reach(stated.family, location, scale)
    except ValueError as error:
        rule, _, fix = str(error).partition("; ")
        return None, [*faults, Fault(where, key, rule, fix)]
    low, high = support(stated.family, location, scale)
    if not _allowed(quantity, low, high):
        room = {"positive": "greater than 0", "fraction": "inside (0, 1)", "real": "finite"}
        rule = f"{stated.family} from {low:g} to {high:g}, but must be {room[quantity.support]}"
        families = [
            f for f in FAMILIES if _allowed(quantity, *support(f, *_PROBE[FAMILIES[f].link]))
        ]
        faults.append(Fault(where, key, rule, f"use {', '.join(families)} or a constant inside"))
    source, why = stated.source, stated.why
    belief = Belief(
        name, stated.family, location, scale, quantity.unit, quantity.meaning, source, why
    )
    return belief, faults


_PROBE = {"identity": (0.5, 0.1), "exp": (-0.5, 0.1), "logistic": (0.0, 0.1)}  # inside (0, 1)


def _reach(family: str, location: float, scale: float) -> None:
    """Raise ValueError where draws of a belief would not be numbers that a computer holds."""
    if family == "constant":
        return
    try:
        ends = [value(family, location, scale, z) for z in (-8.0, 8.0)]
        held = all(map(math.isfinite, ends))
    except OverflowError:
        held = False
    if not held or (FAMILIES[family].link == "exp" and ends[0] == 0):
        raise ValueError("reaches numbers too large or small for a computer; narrow it")


def _allowed(quantity: Quantity, low: float, high: float) -> bool:
    if low == high and low in quantity.may:
        return True
    if quantity.support == "real":
        return not low == high == math.inf
    top = math.inf if quantity.support == "positive" else 1
    inside = 0 < low <= high < top
    return inside or (low < high and low >= 0 and high <= top)


def _line(stated: schema.Stated) -> tuple[float, float]:
    """Location and scale of a stated belief; ValueError says "rule; fix"."""
    given = [key for key in DISTRIBUTION if getattr(stated, key) is not None]
    own = ("value",) if stated.family == "constant" else FAMILIES[stated.family].parameters
    if tuple(given) == own:
        numbers = [getattr(stated, key) for key in own]
        if stated.family == "constant":
            return (math.inf if numbers[0] == "never" else numbers[0]), 0.0
        if own == ("mu", "sigma") and numbers[1] <= 0:
            raise ValueError("sigma must be greater than 0; or use family constant")
        if own == ("low", "high") and not numbers[0] < numbers[1]:
            raise ValueError("low must be below high; swap them")
        _inside(stated.family, numbers if own == ("low", "high") else [])
        return place(stated.family, *numbers)
    if given == ["quantiles"] and stated.family != "constant":
        return fit(stated.family, _points(stated))
    ways = " and ".join(own) + ("" if stated.family == "constant" else ", or two quantiles")
    raise ValueError(
        f"{stated.family} takes {ways}, got {' and '.join(given) or 'none'}; give these"
    )


def _points(stated: schema.Stated) -> list[tuple[float, float]]:
    points = [(_probability(key), x) for key, x in stated.quantiles.items()]
    if len(points) != 2:
        raise ValueError("quantiles must be exactly two; keep the two that you are surest of")
    (p, low), (q, high) = points = sorted(points)
    if p == q or not low < high:
        raise ValueError("quantiles must rise with their probability; put them in order")
    _inside(stated.family, [low, high])
    return points


def _probability(key: str) -> float:
    if not QUANTILE.fullmatch(key):
        raise ValueError(f"{key} is no quantile; write q05 for 5%, q95 for 95%, q025 for 2.5%")
    return int(key[1:]) / 10 ** (len(key) - 1)


def _inside(family: str, numbers: list[float]) -> None:
    low, high = support(family, 0, 1) if not FAMILIES[family].uniform else (-math.inf, math.inf)
    if FAMILIES[family].link == "exp":
        low = 0
    if not all(low < x < high for x in numbers):
        raise ValueError(f"{family} lies inside ({low:g}, {high:g}); choose values there")


def missing_beliefs(prior: Spec, where: str) -> Iterator[Fault]:
    if not isinstance(prior, dict):
        return
    stated = [name for name in SLOPES if name in prior]
    if len(stated) != 2:
        rule = f"state two of {', '.join(SLOPES)}; here: {', '.join(stated) or 'none'}"
        fix = "remove one" if len(stated) == 3 else "add one"
        yield Fault(where, "prior", rule, f"{fix}, the third follows")
    for name in [n for n in BELIEFS if n not in prior and n not in SLOPES]:
        yield Fault(where, f"prior.{name}", "is missing", 'state it, or write extends = "base"')


def read_correlations(
    listed: Any, beliefs: dict[str, Belief], where: str, prior: Any
) -> tuple[list[Correlation], list[Fault]]:
    """Correlations of `beliefs`; what `prior` states badly has its own fault and gets no second."""
    bad_beliefs = prior.keys() - beliefs.keys() if isinstance(prior, dict) else {*BELIEFS}
    correlations, faults = [], []
    for i, table in enumerate(listed if isinstance(listed, list) else ()):
        key = f"correlation[{i}]"
        stated, bad = schema.parse(schema.Correlated, table, where, key)
        faults += bad
        if bad:
            continue
        pair = stated.between
        for name in pair:
            if name in bad_beliefs:
                continue
            if name not in beliefs:
                fix = nearest(name, beliefs)
                faults.append(Fault(where, key, f"{name} is not a stated belief", fix))
            elif beliefs[name].constant:
                fix = f"remove it, or give {name} a family"
                faults.append(Fault(where, key, f"{name} is a constant", fix))
        if pair[0] == pair[1] or set(pair) in [set(c.between) for c in correlations]:
            faults.append(Fault(where, key, "must name a new pair of two beliefs", "remove it"))
        correlations.append(Correlation(tuple(pair), stated.rank))
    if not faults and cholesky(correlations) is None:
        rule = "no joint distribution has these correlations together"
        faults.append(Fault(where, "correlation", rule, "weaken some"))
    return correlations, faults


def cholesky(correlations: tuple[Correlation, ...] | list[Correlation]) -> dict | None:
    """Lower triangle of the correlated normals, {belief: {belief: weight}}; None if impossible."""
    names = list(dict.fromkeys(name for c in correlations for name in c.between))
    r = {frozenset(c.between): c.normal for c in correlations}
    weights: dict[str, dict[str, float]] = {}
    for row, name in enumerate(names):
        weights[name] = {}
        for other in names[:row]:
            known = sum(weights[name][k] * weights[other][k] for k in list(weights[other])[:-1])
            rest = r.get(frozenset((name, other)), 0.0) - known
            weights[name][other] = rest / weights[other][other]
        left = 1 - sum(w * w for w in weights[name].values())
        if left <= 1e-9:
            return None
        weights[name][name] = math.sqrt(left)
    return weights
