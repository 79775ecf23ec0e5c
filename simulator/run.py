"""A run: draws, forecast, checks and everything they came from, in one sealed folder."""

import datetime as dt
import errno
import hashlib
import importlib.metadata
import json
import platform
import signal
import threading
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator import seal
from simulator.evidence import Evidence, write_table

if TYPE_CHECKING:
    import pandas as pd
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
ENCODING = {"zlib": True, "complevel": 1, "shuffle": True, "fletcher32": True}


class Check(NamedTuple):
    """Whether a criterion holds, the figure it was judged by, and which quantity gave it."""

    passed: bool
    value: float
    worst: str = ""


class Run:
    """A sealed run, opened from its folder; nothing is read before it is asked for."""

    def __init__(self, path: Path, about: Mapping[str, Any]):
        self.path = path
        self.id: str = path.name
        self.scenario: str = about["scenario"]
        self.seed: int = about["seed"]
        self.status: str = about["status"]
        self.created: str = about["created"]

    def __repr__(self) -> str:
        return f"<Run {self.id}: {self.scenario}, seed {self.seed}, {self.status}>"

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return self.status == "passed"

    @cached_property
    def draws(self) -> "xr.DataTree":
        """Prior, posterior, predictions, densities and statistics, in ArviZ's schema."""
        import xarray as xr

        with xr.open_datatree(self.path / "draws.nc", engine="netcdf4") as tree:
            return tree.load()

    @cached_property
    def forecast(self) -> "xr.Dataset":
        """The outputs at every draw: dims chain, draw and those of each output."""
        import xarray as xr

        with xr.open_dataset(self.path / "forecast.nc", engine="netcdf4") as forecast:
            return forecast.load()

    @cached_property
    def checks(self) -> dict[str, Check]:
        """The checks by name."""
        return {
            name: Check(c["passed"], float("nan") if c["value"] is None else c["value"], c["worst"])
            for name, c in self._json("checks.json").items()
        }

    def summary(self) -> "pd.DataFrame":
        """One row per output and belief, with its coords as a column of dicts."""
        import pandas as pd

        return pd.DataFrame(self.rows).drop(columns="prior")

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The summary as plain data, each row with its prior quantiles."""
        return self._json("summary.json")

    @cached_property
    def beliefs(self) -> list[dict[str, Any]]:
        """Each stated belief with prior and posterior quantiles."""
        return self._json("beliefs.json")

    @cached_property
    def predictive(self) -> list[dict[str, Any]]:
        """Each set of observations against its predictions; none in runs without evidence."""
        stored = (self.path / "predictive.json").exists()  # runs of old have no such file
        return self._json("predictive.json") if stored else []

    @cached_property
    def record(self) -> dict[str, Any]:
        """Versions, seconds per stage, settings: how to get this again."""
        return self._json("record.json")

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Seconds per stage, up to the sealing."""
        return self.record["seconds"]

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The resolved scenario, as plain data."""
        return tomllib.loads((self.path / "scenario.toml").read_text("utf-8"))

    def jump(self, from_score: float, to_score: float, benchmark: str = "new") -> "xr.Dataset":
        """RL and inference compute that lift a score; see simulator.asking.jump."""
        from simulator import asking

        return asking.jump(self, from_score, to_score, benchmark)

    def burden(self, factor: float, rl_spend: float, cost_per_use: float) -> "xr.Dataset":
        """RL once against inference at every use; see simulator.asking.burden."""
        from simulator import asking

        return asking.burden(self, factor, rl_spend, cost_per_use)

    def to_json(self) -> dict[str, Any]:
        """The run as one plain object: id, scenario, seed, status, checks, summary, path."""
        return {
            "id": self.id,
            "scenario": self.scenario,
            "seed": self.seed,
            "status": self.status,
            "checks": self._json("checks.json"),
            "summary": self.rows,
            "path": str(self.path),
        }

    def _json(self, name: str) -> Any:
        return json.loads((self.path / name).read_text("utf-8"))


def open_run(path: str | Path) -> Run:
    """Open a sealed run, every byte proven first.

    Raises seal.Damaged where the folder is not what was sealed, FileNotFoundError where it is not.
    """
    path = Path(path).absolute()
    if not path.is_dir():
        raise FileNotFoundError(f"{path} is not a folder")
    return Run(path, seal.verify(path)["about"])


def runs_in(folder: str | Path) -> list[Run]:
    """The runs in a folder by name, known from their manifests only; damaged ones say so."""
    found = []
    for path in seal.sealed_in(Path(folder)):
        try:
            found.append(Run(path.absolute(), seal.manifest(path)["about"]))
        except (seal.Damaged, KeyError):
            unknown = {"scenario": "?", "seed": -1, "status": "damaged", "created": "?"}
            found.append(Run(path.absolute(), unknown))
    return found


def seal_run(
    into: Path,
    scenario: "Scenario",
    seed: int,
    draws: "xr.DataTree",
    forecast: "xr.Dataset",
    checks: Mapping[str, Check],
    rows: list[dict[str, Any]],
    beliefs: list[dict[str, Any]],
    seconds: Mapping[str, float],
    predictive: Sequence[dict[str, Any]] = (),
) -> Run:
    """Seal everything a run was made from and found; raises OSError where it cannot be written."""
    import tomli_w

    now = dt.datetime.now(dt.UTC)
    status = "passed" if all(check.passed for check in checks.values()) else "failed"
    about = {
        "scenario": scenario.name,
        "seed": seed,
        "status": status,
        "created": now.isoformat(timespec="seconds"),
    }
    draws.attrs |= about | {"name": scenario.name, "creation_library": "ai-scaling-simulator"}
    forecast.attrs |= about
    writers: dict[str, seal.Writer] = {
        "scenario.toml": tomli_w.dumps(scenario.spec),
        "draws.nc": lambda path: _write_tree(draws, path),
        "forecast.nc": lambda path: _write_dataset(forecast, path),
        "summary.json": _dump(rows),
        "beliefs.json": _dump(beliefs),
        "predictive.json": _dump(list(predictive)),
        "checks.json": _dump({name: _plain(check) for name, check in checks.items()}),
        "record.json": _dump(_record(about, scenario, draws, seconds)),
        **_evidence_files(scenario.evidence),
    }
    digest = hashlib.sha256(f"{scenario.digest} {seed}".encode()).hexdigest()[:8]
    name = f"{now:%Y%m%d}-{scenario.name}-{digest}"
    path = seal.seal(into, name, writers, about)
    return Run(path.absolute(), about)


def _record(about: dict, scenario: "Scenario", draws: "xr.DataTree", seconds: Mapping) -> dict:
    return about | {
        "scenario_digest": scenario.digest,
        "sampler": scenario.sampler.model_dump() | {"seed": about["seed"]},
        "nuts": _attempts(draws),
        "groups": sorted(draws.children),
        "observations": scenario.evidence.size,
        "versions": {name: _version(name) for name in RECORDED},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "seconds": {stage: round(s, 3) for stage, s in seconds.items()},
    }


def _attempts(draws: "xr.DataTree") -> dict[str, Any] | None:
    """How NUTS was run in the end; None where the posterior is the prior."""
    if "sample_stats" not in draws.children:
        return None
    return {"by": "nutpie, mass matrix from draws"} | dict(draws["sample_stats"].attrs)


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
    return files | {"sources.json": _dump(citations)}


def _plain(check: Check) -> dict[str, Any]:
    value = check.value if check.value == check.value else None  # NaN is not JSON
    return {"passed": check.passed, "value": value, "worst": check.worst}


def _dump(value: Any) -> str:
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False, default=str) + "\n"


@contextmanager
def _written_whole(path: Path) -> Iterator[None]:
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
    with _written_whole(path):
        tree.to_netcdf(path, engine="netcdf4", encoding=encoding)


def _write_dataset(dataset: "xr.Dataset", path: Path) -> None:
    with _written_whole(path):
        dataset.to_netcdf(path, engine="netcdf4", encoding=_encoding(dataset))


def _encoding(dataset: "xr.Dataset") -> dict[str, dict[str, Any]]:
    return {str(name): ENCODING for name, v in dataset.data_vars.items() if v.size}
