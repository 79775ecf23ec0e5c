"""A run's draws as the page holds them: rounded, in base64, thinned until the page is small."""

import base64
import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from simulator.dates import decimal_year
from simulator.explore import beyond
from simulator.explore.settings import RANGES, fastest
from simulator.explore.subject import Subject, followed
from simulator.faults import BadInput, Fault
from simulator.forecast import burden, costs, multipliers
from simulator.schema import Task
from simulator.streams import SAMPLE

OF_MULTIPLIER, OF_ALL = 534_000, 1_427_000  # characters of base64
FEWEST = 250  # paths that quantiles of 5% take
# A fall is rounded to 1/2048 OOM: a cost is right to 0.1%, where two digits tell 1% at best. So is
# the expected fall at which a record comes: half a day where it is 0.3 OOM a year. Both are of all
# that fell before, so that errors do not add up. A coarser one costs less than draws left out.
PER_OOM = (2048, 1024, 512, 256)


class Thinning(NamedTuple):
    """Every how many draws of a chain are in the page, and every how many of them have paths."""

    step: int
    every: int

    def draws(self, draws: Any) -> Any:
        return draws.isel(draw=slice(None, None, self.step))

    def paths(self, draws: Any) -> Any:
        return draws.isel(draw=slice(None, None, self.step * self.every))


class Records(NamedTuple):
    """Records up to the run's horizon that some setting can show, draw after draw."""

    count: np.ndarray  # (chain, draw)
    reach: np.ndarray  # expected fall in OOM at which each comes
    fallen: np.ndarray


def packed(about: Subject) -> tuple[dict[str, Any], Thinning]:
    """Draws and tasks as JSON with arrays in base64, and how they were thinned.

    Raises BadInput where too few paths of so many tasks fit in a page.
    """
    of_multiplier, of_paths = _of_multiplier(about), _of_paths(about)
    tasks = {name: _of_task(about, name, task) for name, task in followed(about.scenario).items()}
    kept = {name: _records(about, name, task) for name, task in followed(about.scenario).items()}
    step = _step(about, of_multiplier)

    def with_paths(thin: Thinning, per_oom: int) -> dict[str, Any]:
        """What is of paths, in text."""
        found = {
            name: {**task, **_texts(thin.paths, arrays), **_records_text(kept[name], thin, per_oom)}
            for name, (task, arrays) in tasks.items()
        }
        use = found.pop(burden.USE)
        return {"of_paths": _texts(thin.paths, of_paths), "tasks": found, "use": use}

    multiplier = _texts(Thinning(step, 1).draws, of_multiplier)
    left = OF_ALL - _length(multiplier)
    size = cache(lambda per_oom: _length(with_paths(Thinning(step, 1), per_oom)))
    every = math.ceil(size(PER_OOM[-1]) / left)
    per_oom = next(x for x in PER_OOM if size(x) <= every * left)
    draws = about.draws.sizes["chain"] * about.draws.sizes["draw"]
    if draws / step / every < min(FEWEST, draws):
        rule = f"a page has no room for enough paths of {len(tasks) - 1} tasks"
        raise BadInput([Fault(about.run.id, "tasks", rule, "name fewer with --task")])
    thin = Thinning(step, every)
    return {
        "of_multiplier": multiplier,
        **with_paths(thin, per_oom),
        "chains": about.draws.sizes["chain"],
        "per_chain": about.draws.sizes["draw"],
        "per_oom": per_oom,
        **thin._asdict(),
    }, thin


def _of_multiplier(about: Subject) -> dict[str, Any]:
    """What the multiplier takes: by benchmark, and of the algorithms."""
    draws, seed = about.draws, about.run.seed
    found: dict[str, Any] = {
        name: draws[name]
        for name in ("algorithm_slope_factor", "algorithm_shift_oom", "algorithm_ceiling_gain")
        if name in draws
    }
    systems = {}
    for name in multipliers.benchmarks(draws):
        system = {"slope_ratio": multipliers.slope_ratio(draws, seed, name)}
        if about.scenario.structure.response == "saturating":
            system |= dict(multipliers.systems(draws, seed, name).drop_vars("rl_slope"))
        systems[name] = system
    return found | {"systems": systems}


def _of_paths(about: Subject) -> dict[str, xr.DataArray]:
    draws = about.draws
    names = ["slowdown_half_life_years", "decline_ageing_years", "decline_remaining_fraction"]
    if about.scenario.structure.cost == "staircase":
        names += ["record_drop_oom", "transfer_exponent"]
    with np.errstate(divide="ignore"):
        return {
            **{name: draws[name] for name in names},
            "hardware_oom": np.log10(draws["hardware_decline_factor"]),
            "floor_oom": np.log10(draws["cost_floor_fraction"]),
        }


def _of_task(about: Subject, name: str, task: Task) -> tuple[dict[str, Any], dict[str, Any]]:
    """A task's ages in years, and its own rate at every draw."""
    draws = fastest(about.draws)
    way = costs.path(about.scenario, draws, about.run.seed, name, task, about.records[name])
    debut, today = way.decline.debut, decimal_year(about.scenario.forecast.today)
    ages = {
        "debut": debut,
        "priced_age": way.decline.priced_age,
        "today_age": way.decline.today_age,
        "horizon_age": way.decline.horizon_age,
        "waited_years": max(debut - today, 0.0),
        "real": task.kind == "real",
        "key": beyond.key(about.run.seed, name),
    }
    rate = way.decline.arguments[0] / RANGES["decline_rate_factor"][1]
    return ages, {"rate": rate}


def _records(about: Subject, name: str, task: Task) -> Records | None:
    """The run's own records of a staircase, to its horizon or its lowest floor."""
    blocks = about.records[name]
    if blocks is None:
        return None
    follow = (about.run.seed, name, task, blocks)
    own = costs.path(about.scenario, about.draws, *follow)
    fast = costs.path(about.scenario, fastest(about.draws), *follow)
    span, priced, deepest, drop = (
        x.transpose(*SAMPLE).values.ravel()
        for x in (
            own.time(own.decline.horizon_age),
            fast.time(own.decline.priced_age),
            fast.start - fast.floor,
            own.drop,
        )
    )
    parts, before = [], np.zeros(span.size)
    for paths, clock, fallen in blocks:
        so_far = np.vstack([before[paths], fallen[:-1]])
        needed = (clock <= span[paths]) & ((so_far < deepest[paths]) | (clock <= priced[paths]))
        number = np.broadcast_to(paths, clock.shape)
        parts.append((number[needed], clock[needed], fallen[needed]))
        before[paths] = fallen[-1]
    number, clock, fallen = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(number, kind="stable")
    count = np.bincount(number, minlength=span.size)
    shape = about.draws.sizes["chain"], about.draws.sizes["draw"]
    return Records(count.reshape(shape), (clock * drop[number])[order], fallen[order])


def _step(about: Subject, of_multiplier: dict[str, Any]) -> int:
    """As few draws left out as the limits allow."""
    draws = about.draws.sizes["chain"] * about.draws.sizes["draw"]
    arrays = len(of_multiplier) - 1 + sum(map(len, of_multiplier["systems"].values()))
    return about.step * max(math.ceil(16 / 3 * arrays * draws / about.step / OF_MULTIPLIER), 1)


def _records_text(kept: Records | None, thin: Thinning, per_oom: int) -> dict[str, Any]:
    if kept is None:
        return {}
    chosen = np.zeros(kept.count.shape, bool)
    chosen[:, :: thin.step * thin.every] = True
    records = np.repeat(chosen.ravel(), kept.count.ravel())
    count = kept.count[chosen]
    path = np.repeat(np.arange(count.size), count)
    same = np.diff(path, prepend=-1) == 0
    found = {"count": coded(count)}
    for name, oom in (("reach", kept.reach[records]), ("fallen", kept.fallen[records])):
        rounded = np.rint(oom * per_oom).astype(np.int64)
        found[name] = coded(rounded - np.where(same, np.roll(rounded, 1), 0))
    return found


def coded(values: np.ndarray) -> dict[str, Any]:
    """Whole numbers in Rice's code: how often 2**low fits, in unary, and the rest in `low` bits."""
    low = min(range(32), key=lambda low: (values >> low).sum() + low * values.size)
    stop = np.cumsum((values >> low) + 1 + low) - 1 - low
    bits = np.ones(stop[-1] + 1 + low if values.size else 0, np.uint8)
    bits[stop] = 0
    for n in range(low):
        bits[stop + 1 + n] = values >> n & 1
    return {"low": low, "size": values.size, "text": _base64(np.packbits(bits, bitorder="little"))}


def _texts(thinned: Any, arrays: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _texts(thinned, of) if isinstance(of, dict) else _text(thinned(of))
        for name, of in arrays.items()
    }


def _text(draws: xr.DataArray) -> str:
    return _base64(draws.transpose(*SAMPLE).values.ravel().astype("<f4"))


def _length(found: Any) -> int:
    """Characters of it in a page, but for names."""
    return sum(map(_length, found.values())) if isinstance(found, dict) else len(str(found))


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
