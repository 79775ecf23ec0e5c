"""What of a run is shown: the quantities that matter, under labels that people read.

Every element drawn is a variable of its own whose name is its label, with its unit. Positive
quantities that range widely are drawn in orders of magnitude, on a scale that says so.
"""

import math
import re
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from simulator import labels
from simulator.diagnostics import elements
from simulator.quantities import BELIEFS, OUTPUTS, QUANTITIES
from simulator.run import Run
from simulator.streams import SAMPLE
from simulator.units import significant
from simulator.variables import OBSERVED, Quantity, meaning

WIDE = 8.0  # ratio of outer quantiles from which on a scale is one of orders of magnitude
WIDE_SHARE = 1000.0  # the same for shares, which end at one
OUTER = (0.01, 0.99)
MOST_TICKS = 5
UNITS = re.compile(  # at the end of a name, which its label says after it
    "_(logit_per_oom|oom_per_year|oom_hours|oom_usd|per_oom|ln_of|logit_of|ln|logit|oom|years)$"
)
FAMILIES = ("benchmark_slope_ratio", "recipe_slope", "benchmark_decline", "series_decline")
RANKED = 50  # draws of a chain whose ranks are worth a line
SHAPE = 10  # observations from which on their distribution has a shape
WORST = ("r_hat_at_most_1_01", "ess_bulk_at_least_400", "ess_tail_at_least_400")


class Shown(NamedTuple):
    """One quantity: its name in the run and its label.

    Where it is drawn as log10: the range of that, and the range with that of its prior.
    """

    name: str
    label: str
    ends: tuple[float, float] | None
    with_prior: tuple[float, float] | None

    @property
    def log(self) -> bool:
        """Whether it is drawn in orders of magnitude."""
        return self.ends is not None


class View:
    """The draws of a run, ready to be drawn; what is left out is counted and named."""

    def __init__(self, run: Run):
        self.run = run
        self.left_out: dict[str, str] = {}
        sampled = self.posterior.sizes
        self.small_print = (
            f"{run.id}, seed {run.seed}, {sampled['chain']} x {sampled['draw']:,} draws"
        )
        if not run.passed:
            failed = sum(not check.passed for check in run.checks.values())
            self.small_print += f". FAILED {failed} of {len(run.checks)} checks: do not rely on it"

    @property
    def posterior(self) -> xr.Dataset:
        return self.run.draws["posterior"].dataset

    @property
    def conditioned(self) -> bool:
        """Whether there is a prior beside the posterior, and evidence between them."""
        return self.has("prior") and (self.has("log_likelihood") or "parents" in self.run.record)

    def has(self, group: str) -> bool:
        """Whether the run has a group."""
        return group in self.run.draws.children

    @cached_property
    def elements(self) -> dict[str, np.ndarray]:
        """Draws of every element of the posterior that can be drawn, shape (chain, draw)."""
        found = {}
        posterior = self.posterior.drop_vars(["structure", "parent"], errors="ignore")
        for variable in posterior.data_vars.values():
            for element, draws in elements(variable).items():
                if not np.isfinite(draws).all():
                    self.left_out[element] = "infinite"
                elif (draws == draws[0, 0]).all():
                    self.left_out[element] = "constant"
                else:
                    found[element] = draws
        return found

    @cached_property
    def beliefs(self) -> list[str]:
        """Beliefs by how strongly a headline output goes with them, by rank; strongest first."""
        names = [name for name in self.elements if name in BELIEFS]
        if not names:
            return []
        every = [_standard(rankdata(self.elements[name])) for name in names]
        with_output = [_standard(rankdata(draws)) for draws in self._headline()]
        if not with_output:
            return names
        size = every[0].size
        strength = np.abs(np.array(every) @ np.array(with_output).T / size).max(axis=1)
        return [names[i] for i in np.argsort(-strength, kind="stable")]

    def _headline(self) -> Iterable[np.ndarray]:
        rows = [row for row in self.run.rows if row["quantity"] in OUTPUTS]
        for row in labels.headline(rows):
            output = self.run.forecast[row["quantity"]]
            for dim, label in row["coords"].items():
                output = output.isel({dim: _labels(output[dim]).index(label)})
            draws = output.transpose(*SAMPLE).values
            if (
                draws.size == self.posterior.sizes["chain"] * self.posterior.sizes["draw"]
                and (draws != draws[0, 0]).any()
            ):
                yield draws

    @property
    def worst(self) -> list[str]:
        """The elements that mixed worst, as the gate names them."""
        found = [self.run.checks[name].worst for name in WORST if name in self.run.checks]
        return list(dict.fromkeys(name for name in found if name in self.elements))

    @property
    def thinning(self) -> int:
        """Every which draw to keep for nearly independent ones, while RANKED of a chain remain."""
        chains, draws = self.posterior.sizes["chain"], self.posterior.sizes["draw"]
        check = self.run.checks.get("ess_bulk_at_least_400")
        ess = check.value if check and check.value > 0 else chains * draws
        return max(1, min(math.ceil(chains * draws / ess), draws // RANKED))

    def mixed(self, most: int) -> list[str]:
        """The beliefs that matter most and, at the end, what mixed worst."""
        worst = [name for name in self.worst if name not in self.beliefs[: most - len(self.worst)]]
        return self.beliefs[: most - len(worst)] + worst

    def shown(self, names: Iterable[str]) -> list[Shown]:
        """How elements are drawn."""
        return [self._shown(name) for name in names]

    def _shown(self, name: str) -> Shown:
        """In orders of magnitude where prior and posterior together range widely."""
        draws = [self.elements[name], *([self._prior[name]] if name in self._prior else [])]
        low, high = np.transpose([np.quantile(d, OUTER) for d in draws])
        share = name in BELIEFS and BELIEFS[name].support == "fraction"
        wide = WIDE_SHARE if share else WIDE
        if min(d.min() for d in draws) <= 0 or high.max() / low.min() <= wide:
            return Shown(name, readable(name), None, None)
        ends = [(math.log10(d.min()), math.log10(d.max())) for d in draws]
        both = min(e[0] for e in ends), max(e[1] for e in ends)
        return Shown(name, readable(name, log=True), ends[0], both)

    def members(self, most: int) -> tuple[list[Shown], list[str]]:
        """Elements of families in orders of magnitude, in one line each, and those left out."""
        names = [
            n
            for n in self.elements
            if n.partition("[")[0] in FAMILIES and (self.elements[n] > 0).all()
        ]
        shown = [
            Shown(name, readable(name).replace("\n", ", "), _span(self.elements[name]), None)
            for name in names[:most]
        ]
        left = [f"{len(names) - most} more of one element each"] if len(names) > most else []
        return shown, left

    @cached_property
    def stated(self) -> list[str]:
        """Beliefs, the strongest first, that have draws of their prior too."""
        return [name for name in self.beliefs if name in self._prior]

    @cached_property
    def _prior(self) -> dict[str, np.ndarray]:
        if not self.has("prior"):
            return {}
        prior = self.run.draws["prior"].dataset
        names = [n for n in prior.data_vars if n in BELIEFS and np.isfinite(prior[n]).all()]
        return {str(name): prior[name].transpose(*SAMPLE).values for name in names}

    def tree(self, shown: Iterable[Shown], prior: bool = False) -> xr.DataTree:
        """The posterior of these alone, each a variable called by its label."""
        shown = list(shown)
        groups = {"posterior": _dataset(shown, self.elements)}
        if prior:
            groups["prior"] = _dataset(shown, self._prior)
        if self.has("sample_stats"):
            groups["sample_stats"] = self.run.draws["sample_stats"].to_dataset()
        return xr.DataTree.from_dict(groups)

    # --- evidence ---------------------------------------------------------------------------------

    @cached_property
    def counts(self) -> list[str]:
        """Observed variables that count."""
        observed = self.run.draws["observed_data"].dataset
        return [str(n) for n, v in observed.data_vars.items() if v.dtype.kind in "iu"]

    @cached_property
    def measured(self) -> list[str]:
        """Observed variables that are measured, those with enough observations to have a shape."""
        observed = self.run.draws["observed_data"].dataset
        names = [str(n) for n in observed.data_vars if str(n) not in self.counts]
        return [name for name in names if observed[name].size >= SHAPE]

    def predicted(self, names: Iterable[str]) -> xr.DataTree:
        """Observations, predictions and densities of these, called by their labels."""
        groups = ("posterior_predictive", "observed_data", "log_likelihood")
        named = {name: f"{readable(name)}, {self._size(name)} observed" for name in names}
        trees = {
            group: self.run.draws[group].dataset[list(named)].rename(named) for group in groups
        }
        return xr.DataTree.from_dict({"posterior": self.posterior, **trees})

    def _size(self, name: str) -> int:
        return int(self.run.draws["observed_data"][name].size)


def readable(name: str, log: bool = False) -> str:
    """A label in words, with its unit: `rl_slope` is RL slope in points per OOM."""
    base, _, label = name.partition("[")
    words = UNITS.sub("", base).replace("_", " ").replace("rl ", "RL ")
    words += f": {label.removesuffix(']')}" if label else ""
    quantity: Quantity | None = (
        QUANTITIES.get(base) or OBSERVED.get(base) or meaning("posterior", base)
    )
    unit = quantity.unit if quantity and quantity.unit not in ("1", "x") else ""
    said = ", ".join(part for part in (unit, "log scale" if log else "") if part)
    return (words + (f"\n{said}" if said else "")).replace("/", "|")  # no slash in a tree's names


def ticks(low: float, high: float) -> dict[float, str]:
    """Round numbers within the ends of a scale in orders of magnitude: where, and how written."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    for digits in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1, 3), (1,)):
        found = [d * 10.0**e for e in decades for d in digits if low <= e + math.log10(d) <= high]
        if len(found) <= MOST_TICKS:
            break
    found = found[:: math.ceil(len(found) / MOST_TICKS)] if found else []
    return {math.log10(value): significant(value, 1) for value in found}


def _dataset(shown: list[Shown], draws: dict[str, np.ndarray]) -> xr.Dataset:
    made = {s.label: (SAMPLE, np.log10(draws[s.name]) if s.log else draws[s.name]) for s in shown}
    chains, size = next(iter(made.values()))[1].shape
    return xr.Dataset(made, {"chain": np.arange(chains), "draw": np.arange(size)})


def _span(draws: np.ndarray) -> tuple[float, float]:
    """Where 90% and a little more lies, in orders of magnitude."""
    low, high = np.log10(np.quantile(draws, (0.03, 0.97)))
    return float(low), float(high)


def _standard(ranks: np.ndarray) -> np.ndarray:
    return (ranks - ranks.mean()) / ranks.std()


def _labels(coordinate: xr.DataArray) -> list:
    values = coordinate.values
    return (
        values.astype("datetime64[D]").astype(str) if values.dtype.kind == "M" else values
    ).tolist()
