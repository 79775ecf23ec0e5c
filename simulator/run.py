"""A run: draws, forecast, checks and everything they came from, in one sealed folder."""

import json
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator import seal
from simulator.faults import BadInput, Fault

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from simulator.questions.distribution import Forecast


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
    def sources(self) -> dict[str, Any]:
        """Where its answers come from, by group, once asked; see simulator.questions.answer."""
        return {}

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

    def distribution(self, quantity: str, **coords: Any) -> "Forecast":
        """One number's forecast, at any coords; see simulator.questions.answer.distribution."""
        from simulator.questions import answer

        return answer.distribution(self, quantity, **coords)

    def jump(self, from_score: float, to_score: float, benchmark: str = "new") -> "xr.Dataset":
        """RL and inference compute that lift a score; see simulator.asking.jump."""
        from simulator import asking

        return asking.jump(self, from_score, to_score, benchmark)

    def burden(self, factor: float, rl_spend: float, cost_per_use: float) -> "xr.Dataset":
        """RL once against inference at every use; see simulator.asking.burden."""
        from simulator import asking

        return asking.burden(self, factor, rl_spend, cost_per_use)

    def to_json(self) -> dict[str, Any]:
        """The run as one plain object, with the runs that it was made from where it was."""
        of_average = {}
        if "parents" in self.record:
            of_average = {"parents": self.record["parents"], "shares": self._json("shares.json")}
        made = {"reweighted": self.record["reweighted"]} if "reweighted" in self.record else {}
        return {
            "id": self.id,
            "scenario": self.scenario,
            "seed": self.seed,
            "status": self.status,
            **made,
            "checks": self._json("checks.json"),
            "summary": self.rows,
            "path": str(self.path),
            **of_average,
        }

    def _json(self, name: str) -> Any:
        return json.loads((self.path / name).read_text("utf-8"))


def open_run(path: str | Path) -> Run:
    """Open a sealed run, every byte proven first.

    Raises seal.Damaged where the folder is not what was sealed, FileNotFoundError where it is not,
    BadInput where something else is sealed in it.
    """
    path = Path(path).absolute()
    if not path.is_dir():
        raise FileNotFoundError(f"{path} is not a folder")
    about = seal.verify(path)["about"]
    if "scenario" not in about:
        rule = "is sealed and whole, but is not a run"
        raise BadInput([Fault(str(path), "run", rule, "name the run that it was made from")])
    return Run(path, about)


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
