"""What a run came to, written and sealed: all of it as one folder, or nothing."""

import datetime as dt
import errno
import hashlib
import importlib.metadata
import json
import platform
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator import seal
from simulator.evidence import Evidence, write_table
from simulator.run import Check, Run
from simulator.variables import describe

if TYPE_CHECKING:
    import xarray as xr

    from simulator.scenario import Scenario

RECORDED = (
    "ai-scaling-simulator",
    "arviz",
    "numba",
    "numpy",
    "nutpie",
    "pymc",
    "pytensor",
    "scipy",
    "xarray",
)
# Sums guard the folder; this one lets any other reader of the file notice a flipped byte too.
SUMMED = {"fletcher32": True}
ENCODING = SUMMED | {"zlib": True, "complevel": 1, "shuffle": True}


class Outcome(NamedTuple):
    """Everything that a run found."""

    draws: "xr.DataTree"
    forecast: "xr.Dataset"
    checks: Mapping[str, Check]
    rows: list[dict[str, Any]]
    beliefs: list[dict[str, Any]]
    seconds: Mapping[str, float]
    predictive: Sequence[dict[str, Any]] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks.values())


def seal_run(
    into: Path,
    scenario: "Scenario",
    seed: int,
    outcome: Outcome,
    more: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Run:
    """Seal everything a run was made from and found; raises OSError where it cannot be written.

    `more` is kept in its record; `name` is that of the folder, as in `seal_outcome`.
    """
    import tomli_w

    made_from = {
        "scenario.toml": tomli_w.dumps(scenario.spec),
        **_evidence_files(scenario.evidence),
    }
    record = {
        "scenario_digest": scenario.digest,
        "sampler": scenario.sampler.model_dump() | {"seed": seed},
        "nuts": _attempts(outcome.draws),
        "observations": scenario.evidence.size,
        **(more or {}),
    }
    return seal_outcome(into, scenario.name, seed, outcome, made_from, record, name)


def seal_outcome(
    into: Path,
    scenario: str,
    seed: int,
    outcome: Outcome,
    made_from: Mapping[str, str],
    record: Mapping[str, Any],
    name: str | None = None,
) -> Run:
    """Seal what came out, with the files that it was made from.

    `name` is that of the folder, FileExistsError if it is taken; by default it is made of the day,
    `scenario`, the `scenario_digest` in `record` and the seed, and a number if that is taken.
    """
    draws, forecast = outcome.draws, outcome.forecast
    now = dt.datetime.now(dt.UTC)
    status = "passed" if outcome.passed else "failed"
    about = {
        "scenario": scenario,
        "seed": seed,
        "status": status,
        "created": now.isoformat(timespec="seconds"),
    }
    for group, node in draws.children.items():
        describe(node.dataset, group)
    describe(forecast, "predictions")
    draws.attrs |= about | {"name": scenario, "creation_library": "ai-scaling-simulator"}
    forecast.attrs |= about
    writers: dict[str, seal.Writer] = {
        "draws.nc": lambda path: _write_tree(draws, path),
        "forecast.nc": lambda path: _write_dataset(forecast, path),
        "summary.json": dump(outcome.rows),
        "beliefs.json": dump(outcome.beliefs),
        "predictive.json": dump(list(outcome.predictive)),
        "checks.json": dump({name: _plain(check) for name, check in outcome.checks.items()}),
        "record.json": dump(_record(about, outcome, record)),
        **made_from,
    }
    usual = f"{now:%Y%m%d}-{scenario}-{key(record['scenario_digest'], seed)[:8]}"
    path = seal.seal(into, name or usual, writers, about, exact=name is not None)
    return Run(path.absolute(), about)


def key(scenario_digest: str, seed: int) -> str:
    """What tells a run from others: 16 hexadecimal digits of its scenario and seed."""
    return hashlib.sha256(f"{scenario_digest} {seed}".encode()).hexdigest()[:16]


def _record(about: dict, outcome: Outcome, record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **about,
        **record,
        "groups": sorted(outcome.draws.children),
        "versions": {name: _version(name) for name in RECORDED},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "seconds": {stage: round(s, 3) for stage, s in outcome.seconds.items()},
    }


def _attempts(draws: "xr.DataTree") -> dict[str, Any] | None:
    """How NUTS was run in the end; None where the posterior is the prior."""
    if "sample_stats" not in draws.children:
        return None
    return {"by": "nutpie"} | dict(draws["sample_stats"].attrs)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        from simulator import __version__

        return __version__


def _evidence_files(evidence: Evidence) -> dict[str, str]:
    files = {
        f"evidence-{t}.csv": write_table(rows, t) for t, rows in evidence.tables.items() if rows
    }
    used = {row["source"] for rows in evidence.tables.values() for row in rows}
    citations = {key: evidence.sources[key] for key in sorted(used)}
    return files | {"sources.json": dump(citations)}


def _plain(check: Check) -> dict[str, Any]:
    value = check.value if check.value == check.value else None  # NaN is not JSON
    return {"passed": check.passed, "value": value, "worst": check.worst}


def dump(value: Any) -> str:
    """Plain data as the JSON of a sealed folder."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False, default=str) + "\n"


@contextmanager
def written_whole(path: Path) -> Iterator[None]:
    """An interrupt waits until the file is written, and a full disk is an OSError.

    An interrupt inside the netCDF library would leave its lock held, and its closing would wait for
    that lock for ever.
    """
    interrupts: list[int] = []
    ours = threading.current_thread() is threading.main_thread()
    before = (
        signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number)) if ours else 0
    )
    try:
        yield
    except RuntimeError as error:  # as the netCDF library calls a full disk
        raise OSError(errno.EIO, f"cannot be written; is the disk full? ({error})", path) from error
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)
    if interrupts:
        raise KeyboardInterrupt


def _write_tree(tree: "xr.DataTree", path: Path) -> None:
    encoding = {f"/{name}": _encoding(group.dataset) for name, group in tree.children.items()}
    with written_whole(path):
        tree.to_netcdf(path, engine="netcdf4", encoding=encoding)


def _write_dataset(dataset: "xr.Dataset", path: Path) -> None:
    with written_whole(path):
        dataset.to_netcdf(path, engine="netcdf4", encoding=_encoding(dataset))


def _encoding(dataset: "xr.Dataset") -> dict[str, dict[str, Any]]:
    """Draws are too random to be packed: it would take a sixth off them in twice the time."""
    return {
        str(name): SUMMED if v.dtype.kind == "f" else ENCODING
        for name, v in dataset.data_vars.items()
        if v.size
    }
