"""What to look for in each plot, and the numbers that decide."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from simulator.inspecting.view import View

LOOK_FOR = {
    "trace": "chains that lie on one another, without drift; ticks below mark divergences",
    "rank": "every chain's line inside the band: no chain is higher or lower than the others",
    "ess": "effective draws (blue: the middle, orange: the tails) that rise in a line with the "
    "draws, past the dashed minimum",
    "energy": "the two energies alike; a narrow transition energy means slow exploration",
    "pair": "smooth clouds; divergences (if any) that gather in a corner show where it fails",
    "loo-pit": "p above α in every panel: observations left out fall where they were predicted; "
    "black dots mark where they do not",
    "predictive": "the observed line (black) among those of replicated data",
    "counts": "observed counts (black dots) inside the predicted intervals (bars)",
    "prior-posterior": "how far the evidence moved each belief; where both agree, it said nothing",
    "forest": "how benchmarks, recipes and series differ, and how well each is known",
}


class Number(NamedTuple):
    """A figure that decides: its value, the limit, whether it passes, and where it is worst."""

    name: str
    value: float | None
    limit: str
    passed: bool
    worst: str = ""


GATE = {  # check of a run: how it is called, and its limit
    "r_hat_at_most_1_01": ("R-hat", "at most 1.01"),
    "ess_bulk_at_least_400": ("ESS, bulk", "at least 400"),
    "ess_tail_at_least_400": ("ESS, tail", "at least 400"),
    "e_bfmi_at_least_0_3": ("E-BFMI", "at least 0.3"),
    "no_divergences": ("divergences", "none allowed"),
}
OF = {
    "trace": ("r_hat_at_most_1_01", "no_divergences"),
    "rank": ("r_hat_at_most_1_01",),
    "ess": ("ess_bulk_at_least_400", "ess_tail_at_least_400"),
    "energy": ("e_bfmi_at_least_0_3",),
    "pair": ("no_divergences",),
}


def numbers(plot: str, view: "View") -> list[Number]:
    """The figures that a plot is about, as the run's own checks have them."""
    found = []
    for name in OF.get(plot, ()):
        if check := view.run.checks.get(name):
            value = float(check.value) if np.isfinite(check.value) else None
            found.append(Number(*GATE[name][:1], value, GATE[name][1], check.passed, check.worst))
    if plot == "loo-pit":
        found.append(pareto_k(view))
    if plot in ("predictive", "loo-pit"):
        found += _off(view, "left_out" if plot == "loo-pit" else "prior")
    return found


def pareto_k(view: "View") -> Number:
    """The largest Pareto k of leaving one observation out, and how many are too large."""
    from arviz_stats.base import array_stats

    from simulator.loo import good_k

    likelihood = view.run.draws["log_likelihood"].dataset
    draws = likelihood.sizes["chain"] * likelihood.sizes["draw"]
    limit, every = good_k(draws), {}
    for name, variable in likelihood.data_vars.items():
        values = variable.transpose("chain", "draw", ...).values.reshape(draws, -1)
        labels = variable[variable.dims[-1]].values
        for i in np.flatnonzero((values != values[0]).any(axis=0)):
            _, k = array_stats.psislw(values[:, i])
            every[f"{name}[{labels[i]}]"] = float(k)
    worst = max(every, key=every.__getitem__)
    high = sum(not k <= limit for k in every.values())
    said = f"at most {limit:.2f}; {high} of {len(every)} observations above"
    return Number("Pareto k", every[worst], said, high == 0, worst)


def _off(view: "View", when: str) -> list[Number]:
    """How many sets of observations the run itself calls off, before the evidence or left out."""
    rows = view.run.predictive
    if not rows:
        return []
    off = {row["variable"]: row[when]["said"] for row in rows if row[when]["said"]}
    where = ", ".join(f"{name} ({what})" for name, what in off.items())
    by = "the rest of the evidence" if when == "left_out" else "the beliefs alone"
    name = f"sets of observations badly predicted by {by}"
    return [Number(name, len(off), f"none of {len(rows)} allowed", not off, where)]
