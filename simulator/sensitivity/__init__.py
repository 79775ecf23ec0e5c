"""What moves the answer: beliefs and evidence, for every headline output, from a run's own draws.

Power-scaling says what an output rests on (`power.py`), variance shares which belief it follows
(`shares.py`), leaving a source out what that source did (`sources.py`), and learning what knowing a
belief would bring (`learning.py`). Shares and powers are of outputs in OOM, or of ranks where draws
are infinite (`given.py`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from simulator import importance
from simulator.faults import BadInput, Fault
from simulator.labels import heading, label
from simulator.observations import observe
from simulator.pipeline import Observer
from simulator.run import Run, open_run
from simulator.scenario import Scenario, sealed_scenario
from simulator.sensitivity import learning, medians, sources
from simulator.sensitivity.given import Given, given, group
from simulator.sensitivity.learning import tornado_rows
from simulator.sensitivity.power import Power, diagnosis, powers
from simulator.sensitivity.shares import Estimate, first_order, shares
from simulator.summary import number

__all__ = ["Sensitivity", "gist", "sensitivity", "tornado_rows"]

ALONE = "your prior alone"
ENDS = {"q05": 0.05, "q50": 0.5, "q95": 0.95}

type Row = dict[str, Any]


@dataclass(frozen=True)
class Sensitivity:
    """What `sensitivity` found: one row per output in `outputs`, and the `sources` left out.

    An output has quantity, unit, coords, heading, label, scale ("OOM" or "rank"), diagnosis,
    `prior` and `data` (sensitivity, noise, pull in sd per doubling, sensitive), `together` (share,
    error), `beliefs` and `sources`. A belief has rank_correlation, first, total (shares), narrower
    (share of the 90% interval), each with its `_error`, power (as prior), and low and high, the
    median at its 5% and 95% quantile. A source has power, and without it q05, q50, q95,
    prob_infinite, shift (of the median, in the output's unit) with shift_error, and moved (the same
    as probability, -0.5 to 0.5), by "weights" or "refit"; by, and the figures, are None where
    weights fail and it was not refitted. Figures that are infinite are None too.
    """

    run: str
    status: str
    outputs: list[Row]
    sources: list[Row]

    def to_json(self) -> Row:
        """One plain object."""
        return asdict(self)


def sensitivity(
    run: Run | str | Path,
    outputs: Sequence[str] = (),
    *,
    refit: bool = False,
    into: str | Path | None = None,
    observer: Observer | None = None,
) -> Sensitivity:
    """What moves the outputs asked for: quantities, or words of their labels; all headline ones.

    `refit` samples the run anew without each source whose weights fail, sealed in `into` (default:
    the folder that the run is in); what is there already is not sampled again. Raises BadInput for
    an average, whose draws are of different models, and for outputs that it does not have.
    """
    run = run if isinstance(run, Run) else open_run(run)
    if "parents" in run.record:
        rule = "is an average, whose draws come from different models"
        names = ", ".join(parent["id"] for parent in run.record["parents"])
        raise BadInput([Fault(run.id, "run", rule, f"ask the runs that it mixes: {names}")])
    asked, scenario = given(run, outputs), sealed_scenario(run.path)
    of_prior, by_source = _log_prior(run, asked), _log_likelihood(run, scenario)
    left_out = sources.without(run, scenario, by_source, asked.shape)
    refits = {}
    if refit:
        folder = Path(into) if into else run.path.parent
        refits = {
            one.source: sources.refitted(one.scenario, run.seed, folder, observer)
            for one in left_out
            if one.reason
        }
    rows = _outputs(asked, of_prior, by_source)
    for i, row in enumerate(rows):
        row["sources"] = [
            row["sources"][one.source] | _without(asked, i, one, refits.get(one.source))
            for one in left_out
        ]
    return Sensitivity(run.id, run.status, rows, [_about(one, refits) for one in left_out])


def gist(run: Run, outputs: Sequence[str] = ()) -> list[Row]:
    """The heading, label and diagnosis of each row of `sensitivity`, and `first` of its beliefs.

    They take a fifth of the time of all. Raises BadInput for outputs that the run does not have.
    """
    asked = given(run, outputs)
    whole = _whole(_log_prior(run, asked), _log_likelihood(run, sealed_scenario(run.path)))
    words = _words(powers(whole, asked.scaled, asked.shape), asked)
    first = first_order(asked.beliefs, asked.scaled, asked.block, asked.implied)
    rows = []
    for i, (row, said) in enumerate(zip(asked.rows, words, strict=True)):
        beliefs = [{"belief": name, "first": float(one.value[i])} for name, one in first.items()]
        rows.append({"heading": heading(row), "label": label(row), "diagnosis": said}
                    | {"beliefs": sorted(beliefs, key=_largest)})  # fmt: skip
    return rows


def _largest(belief: Row) -> float:
    return -belief["first"]


def _log_prior(run: Run, asked: Given) -> dict[str, np.ndarray]:
    """Log density of each stated belief; of its standard normal where no evidence was used."""
    names = [name for name in asked.beliefs if name not in asked.implied]
    found = group(run, "log_prior", names)
    if not found.data_vars:
        found = group(run, "unconstrained_posterior", names).map(importance.standard)
    return {str(name): _flat(log) for name, log in found.items()}


def _log_likelihood(run: Run, scenario: Scenario) -> dict[str, np.ndarray]:
    """Log density of each source of evidence; none where no evidence was used."""
    if not scenario.evidence.size:
        return {}
    of = sources.labelled(scenario.evidence, observe(scenario.evidence, scenario.structure))
    return sources.densities(group(run, "log_likelihood"), of)


def _flat(variable: xr.DataArray) -> np.ndarray:
    return variable.transpose("chain", "draw").values.ravel()


def _whole(
    of_prior: dict[str, np.ndarray], by_source: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The densities of all beliefs and of all data."""
    both = ("prior", of_prior), ("data", by_source)
    return {name: sum(parts.values()) for name, parts in both if parts}


def _words(found: dict[Any, Power], asked: Given) -> list[str]:
    """The diagnosis of each output."""
    return diagnosis(found.get("prior"), found.get("data")) or [ALONE] * len(asked.rows)


def _outputs(
    asked: Given, of_prior: dict[str, np.ndarray], by_source: dict[str, np.ndarray]
) -> list[Row]:
    found = shares(asked.beliefs, asked.scaled, asked.block, asked.implied)
    learnt = learning.narrower(asked.beliefs, asked.scaled, asked.block)
    scaled = {("belief", n): d for n, d in of_prior.items()} | {
        ("source", n): d for n, d in by_source.items()
    }
    every = _whole(of_prior, by_source) | scaled
    found_power = powers(every, asked.scaled, asked.shape)
    prior, data = found_power.get("prior"), found_power.get("data")
    words = _words(found_power, asked)
    rows = []
    for i, row in enumerate(asked.rows):
        beliefs = []
        for name, draws in asked.beliefs.items():
            ends = learning.conditional_medians(asked.draws[i], draws)
            errors = learning.conditional_error(asked.draws[i], draws)
            beliefs.append(
                {
                    "belief": name,
                    **_figures("rank_correlation", found.rank[name], i),
                    **_figures("first", found.first[name], i),
                    **_figures("total", found.total.get(name), i),
                    **_figures("narrower", learnt[name], i),
                    "power": _power(found_power.get(("belief", name)), i),
                    **dict(zip(("low", "high"), map(number, ends), strict=True)),
                    **dict(zip(("low_error", "high_error"), map(number, errors), strict=True)),
                }
            )
        rows.append(
            {key: row[key] for key in ("quantity", "unit", "coords", "q05", "q50", "q95")}
            | {"heading": heading(row), "label": label(row), "scale": asked.scales[i]}
            | {"diagnosis": words[i], "prior": _power(prior, i), "data": _power(data, i)}
            | {"together": _figures("share", found.together, i)}
            | {"beliefs": sorted(beliefs, key=_largest)}
            | {"sources": {n: {"source": n, "power": _power(found_power["source", n], i)}
                           for n in by_source}}
        )  # fmt: skip
    return rows


def _figures(name: str, found: Estimate | None, i: int) -> Row:
    if found is None:
        return {name: None, f"{name}_error": None}
    return {name: float(found.value[i]), f"{name}_error": float(found.error[i])}


def _power(found: Power | None, i: int) -> Row | None:
    if found is None:
        return None
    figures = ("sensitivity", "noise", "pull", "pull_error")
    plain: Row = {name: float(getattr(found, name)[i]) for name in figures}
    return plain | {"sensitive": bool(found.sensitive[i])}


def _without(asked: Given, i: int, one: sources.Without, refit: Run | None) -> Row:
    """The answer without a source, by weights or by a refit; figures are None where by neither."""
    draws, row = asked.draws[i], asked.rows[i]
    if refit is not None:
        same = (r for r in refit.rows if (r["quantity"], r["coords"]) == _key(row))
        other = next(same, None)
        if other is None:
            return {"by": None, **dict.fromkeys(FIGURES)}
        ends = {name: np.inf if other[name] is None else other[name] for name in ENDS}
        errors = other["mcse_q50"], row["mcse_q50"]
        error = None if None in errors else float(np.hypot(*errors))
        by, infinite = "refit", other["prob_infinite"]
    elif one.reason or one.weights is None:
        return {"by": None, **dict.fromkeys(FIGURES)}
    else:
        weights = np.exp(one.weights.log).ravel()
        ends = {name: medians.quantile(draws, weights, p) for name, p in ENDS.items()}
        error = medians.shift_error(draws, weights, asked.block)
        by, infinite = "weights", float(weights[np.isinf(draws)].sum())
    before = medians.quantile(draws, None, 0.5)
    with np.errstate(invalid="ignore"):
        shift = number(ends["q50"] - before)
    figures = {name: number(end) for name, end in ends.items()}
    return {"by": by, **figures, "prob_infinite": infinite, "shift": shift,
            "shift_error": error, "moved": medians.moved(draws, ends["q50"])}  # fmt: skip


FIGURES = (*ENDS, "prob_infinite", "shift", "shift_error", "moved")


def _key(row: Row) -> tuple:
    return row["quantity"], row["coords"]


def _about(one: sources.Without, refits: dict[str, Run]) -> Row:
    k = one.weights.pareto_k if one.weights else None
    return {
        "source": one.source,
        "rows": one.rows,
        "pareto_k": number(k) if k is not None else None,
        "pareto_k_threshold": one.weights.threshold if one.weights else None,
        "effective_size": one.weights.effective_size if one.weights else None,
        "weights_fail": one.reason or None,
        "refit": one.command if one.reason else None,
        "refitted": str(refits[one.source].path) if one.source in refits else None,
        "refit_status": refits[one.source].status if one.source in refits else None,
    }
