"""A run's draws as the page holds them: single precision, thinned until the page is small."""

import base64
import math
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from simulator.dates import decimal_year
from simulator.explore.settings import RANGES, fastest
from simulator.explore.subject import Subject, followed
from simulator.faults import BadInput, Fault
from simulator.forecast import burden, costs, multipliers
from simulator.schema import Task
from simulator.streams import SAMPLE

OF_MULTIPLIER, OF_ALL = 400_000, 1_070_000  # bytes before base64, which adds a third
MOST, FEWEST = 1000, 250  # paths: what a browser follows at once, what quantiles of 5% take


class Thinning(NamedTuple):
    """Every how many draws of a chain are in the page, and every how many of them have paths."""

    step: int
    every: int

    def draws(self, draws: Any) -> Any:
        return draws.isel(draw=slice(None, None, self.step))

    def paths(self, draws: Any) -> Any:
        return draws.isel(draw=slice(None, None, self.step * self.every))


class Records(NamedTuple):
    """Records that some setting can reach, draw after draw."""

    count: np.ndarray  # (chain, draw)
    clock: np.ndarray
    fallen: np.ndarray


def packed(about: Subject) -> tuple[dict[str, Any], Thinning]:
    """Draws and tasks as JSON with arrays in base64, and how they were thinned.

    Raises BadInput where too few paths of so many tasks fit in a page.
    """
    of_multiplier, of_paths = _of_multiplier(about), _of_paths(about)
    tasks = {name: _of_task(about, name, task) for name, task in followed(about.scenario).items()}
    kept = {name: _records(about, name, task) for name, task in followed(about.scenario).items()}
    thin = _thinning(about, of_multiplier, of_paths, tasks, kept)
    found = {
        name: {
            **task,
            **{key: _text(thin.paths(draws)) for key, draws in arrays.items()},
            **_records_text(kept[name], thin),
        }
        for name, (task, arrays) in tasks.items()
    }
    use = found.pop(burden.USE)
    return {
        "of_multiplier": _texts(thin.draws, of_multiplier),
        "of_paths": {name: _text(thin.paths(draws)) for name, draws in of_paths.items()},
        "tasks": found,
        "use": use,
        "chains": about.draws.sizes["chain"],
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
    shape = ("slowdown_half_life_years", "decline_ageing_years", "decline_remaining_fraction")
    with np.errstate(divide="ignore"):
        return {
            **{name: draws[name] for name in (*shape, "decline_rate_at_debut")},
            "hardware_oom": np.log10(draws["hardware_decline_factor"]),
            "floor_oom": np.log10(draws["cost_floor_fraction"]),
        }


def _of_task(about: Subject, name: str, task: Task) -> tuple[dict[str, Any], dict[str, Any]]:
    """A task's ages in years, and its own rate and drop at every draw."""
    draws = fastest(about.draws)
    way = costs.path(about.scenario, draws, about.run.seed, name, task, about.records[name])
    debut, today = way.decline.debut, decimal_year(about.scenario.forecast.today)
    ages = {
        "debut": debut,
        "priced_age": way.decline.priced_age,
        "today_age": way.decline.today_age,
        "horizon_age": way.decline.horizon_age,
        "waited_years": max(debut - today, 0.0),
    }
    rate = way.decline.arguments[0] / RANGES["decline_rate_factor"][1]
    arrays = {"rate": rate} | ({"drop": way.drop} if about.records[name] else {})
    return ages, arrays


def _records(about: Subject, name: str, task: Task) -> Records | None:
    """The records of a staircase up to the end of its fastest decline, or to its lowest floor."""
    blocks = about.records[name]
    if blocks is None:
        return None
    draws = fastest(about.draws)
    way = costs.path(about.scenario, draws, about.run.seed, name, task, blocks)
    span, priced, deepest = (
        x.transpose(*SAMPLE).values.ravel()
        for x in (
            way.time(way.decline.horizon_age),
            way.time(way.decline.priced_age),
            way.start - way.floor,
        )
    )
    parts, before = [], np.zeros(span.size)
    for paths, clock, fallen in blocks:
        so_far = np.vstack([before[paths], fallen[:-1]])
        needed = (clock <= span[paths]) & ((so_far < deepest[paths]) | (clock <= priced[paths]))
        number = np.broadcast_to(paths, clock.shape)
        parts.append([x.T[needed.T] for x in (number, clock, fallen)])
        before[paths] = fallen[-1]
    number, clock, fallen = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(number, kind="stable")
    count = np.bincount(number, minlength=span.size)
    shape = about.draws.sizes["chain"], about.draws.sizes["draw"]
    return Records(count.reshape(shape), clock[order], fallen[order])


def _thinning(about: Subject, of_multiplier: dict, of_paths: dict, tasks: dict, kept: dict) -> Any:
    """As few left out as the limits allow."""
    draws = about.draws.sizes["chain"] * about.draws.sizes["draw"]
    arrays = len(of_multiplier) - 1 + sum(map(len, of_multiplier["systems"].values()))
    step = about.step * max(math.ceil(4 * arrays * draws / about.step / OF_MULTIPLIER), 1)
    left = OF_ALL - 4 * arrays * draws / step
    size = 4 * len(of_paths) * draws + sum(4 * len(own) * draws for _, own in tasks.values())
    size += sum(4 * x.count.size + 8 * x.clock.size for x in kept.values() if x)
    every = max(math.ceil(size / step / left), math.ceil(draws / step / MOST))
    if draws / step / every < min(FEWEST, draws):
        rule = f"a page has no room for enough paths of {len(tasks) - 1} tasks"
        raise BadInput([Fault(about.run.id, "tasks", rule, "name fewer with --task")])
    return Thinning(step, every)


def _records_text(kept: Records | None, thin: Thinning) -> dict[str, str]:
    if kept is None:
        return {}
    chosen = np.zeros(kept.count.shape, bool)
    chosen[:, :: thin.step * thin.every] = True
    records = np.repeat(chosen.ravel(), kept.count.ravel())
    return {
        "count": _base64(kept.count[chosen].astype("<u4")),
        "clock": _base64(kept.clock[records].astype("<f4")),
        "fallen": _base64(kept.fallen[records].astype("<f4")),
    }


def _texts(thinned: Any, arrays: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _texts(thinned, of) if isinstance(of, dict) else _text(thinned(of))
        for name, of in arrays.items()
    }


def _text(draws: xr.DataArray) -> str:
    return _base64(draws.transpose(*SAMPLE).values.ravel().astype("<f4"))


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
