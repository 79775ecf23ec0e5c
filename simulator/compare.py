"""Runs side by side: which predicts the evidence better, as far as that can be said, and what
each answers.

Predictions are compared by leave-one-out log density on the observations that all runs share.
Where that would mislead, the comparison is refused with the reason, and only the answers remain.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulator.faults import BadInput, Fault
from simulator.labels import at_once, out_of_reach, usual_factor
from simulator.quantities import OUTPUTS
from simulator.run import Run, open_run
from simulator.schema import Structure

CLEAR, ERRORS, FEW = 4.0, 2.0, 100  # elpd, standard errors, observations; Sivula et al. 2025
ONLY = "compare their answers alone with --headline-only"

type Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; `loo` is None where only the answers were asked for.

    `loo` holds `table` (per run, best first: elpd, se, p, elpd_diff, se_diff, weight, preference,
    largest_k), `verdict`, `observations`, `shared` (variable to count), `not_shared`, `left_out`
    (observations, with k by run), `reference` (those that others are measured from), `good_k`, and
    `pointwise` (elpd and k of each run).
    """

    runs: list[Row]
    headline: list[Row]
    loo: Row | None

    def to_json(self) -> Row:
        """One plain object."""
        return asdict(self)


def compare(
    runs: Sequence[Run | str | Path],
    *,
    leave_out_high_k: bool = False,
    headline_only: bool = False,
) -> Comparison:
    """Compare runs by leave-one-out densities on shared observations, and by their answers.

    Raises BadInput, with every reason, where the densities are not comparable or cannot be
    estimated. `leave_out_high_k` leaves observations of a high Pareto k out of all runs.
    """
    found = [run if isinstance(run, Run) else open_run(run) for run in runs]
    faults = []
    if len(found) < 2:
        faults = [Fault("compare", "run", "takes two runs or more", "name another one")]
    ids = [run.id for run in found]
    for twice in {one for one in ids if ids.count(one) > 1}:
        faults.append(Fault(twice, "run", "is named twice", "name each run once"))
    if faults:
        raise BadInput(faults)
    return Comparison(
        [_about(run) for run in found],
        headline(found),
        None if headline_only else _leave_one_out(found, leave_out_high_k),
    )


def _about(run: Run) -> Row:
    about = {key: getattr(run, key) for key in ("id", "scenario", "seed", "status")}
    return about | {"structure": structure(run), "path": str(run.path)}


def structure(run: Run) -> str:
    """Its forms, as in "logit+trend"; those of its parents where it is an average."""
    if "parents" in run.record:
        return ", ".join(sorted({parent["structure"] for parent in run.record["parents"]}))
    chosen = Structure.model_validate(run.spec.get("structure", {}))
    return "+".join(chosen.model_dump().values())


# --- answers --------------------------------------------------------------------------------------


def headline(runs: Sequence[Run]) -> list[Row]:
    """Headline quantities that all runs have, with the quantiles of each run by id."""
    by_run = [{_key(row): row for row in run.rows if row["quantity"] in OUTPUTS} for run in runs]
    common = [key for key in by_run[0] if all(key in rows for rows in by_run)]
    rows = []
    for key in _asked(common, by_run):
        first = by_run[0][key]
        row = {name: first[name] for name in ("quantity", "unit", "coords")}
        figures = ("q05", "q50", "q95", "mcse_q50", "prob_infinite")
        each = zip(runs, by_run, strict=True)
        row["runs"] = {run.id: {name: of[key][name] for name in figures} for run, of in each}
        rows.append(row)
    return rows


def _key(row: Row) -> tuple:
    return row["quantity"], tuple(row["coords"].items())


def _asked(common: list[tuple], by_run: list[dict[tuple, Row]]) -> list[tuple]:
    """100x on a new benchmark, each task's cost at the second date, thresholds that are open."""
    coords = {key: dict(key[1]) for key in common}
    factors = sorted({c["inference_factor"] for c in coords.values() if "inference_factor" in c})
    dates = sorted({c["date"] for c in coords.values() if "date" in c})

    def open_somewhere(key: tuple) -> bool:
        rows = [rows[key] for rows in by_run]
        return not (all(map(at_once, rows)) or all(map(out_of_reach, rows)))

    def asked(key: tuple) -> bool:
        match key[0], coords[key]:
            case _, {"inference_factor": factor, "benchmark": "new"}:
                return factor == usual_factor(factors)
            case "task_cost_oom_usd", {"date": date}:
                return date == dates[min(1, len(dates) - 1)]
            case "years_to_threshold", _:
                return open_somewhere(key)
        return False

    return [key for key in common if asked(key)]


# --- leave one out --------------------------------------------------------------------------------


def _leave_one_out(runs: Sequence[Run], leave_out: bool) -> Row:
    _refuse([*_without_likelihood(runs)])
    _refuse([*_other_evidence(runs)])
    from simulator import loo

    shared, not_shared = loo.shared(runs)
    if not shared:
        rule = "have no observed variable in common whose densities could be compared"
        _refuse([Fault(", ".join(run.id for run in runs), "evidence", rule, ONLY)])
    labels = [(name, label) for name in shared for label in loo.labels(runs[0], name)]
    scored = loo.densities(runs, shared)
    elpd, p, k = (
        np.array([np.concatenate([getattr(of[n], part) for n in shared]) for of in scored.values()])
        for part in ("elpd", "p", "k")
    )
    k = np.where(np.isfinite(elpd), k, np.nan)
    limits = np.array([loo.good_k(_draws(run)) for run in runs])
    reference = np.concatenate([loo.is_reference(runs[0], name) for name in shared])
    k[:, reference] = 0.0
    high = (~(k <= limits[:, None])).any(axis=0)
    if high.any() and not leave_out:
        _refuse([*_too_high(runs, labels, k, limits)])
    if (high | reference).all():
        _refuse([Fault("compare", "Pareto k", "is too high everywhere", ONLY)])
    kept = ~high & ~reference
    table = _table(runs, elpd[:, kept], p[:, kept], k[:, kept], limits)
    rows = [
        {"variable": name, "observation": label, **_by_run(runs, elpd=elpd[:, i], k=k[:, i])}
        for i, (name, label) in enumerate(labels)
    ]
    names = [name for (name, _), keep in zip(labels, kept, strict=True) if keep]
    return {
        "table": table,
        "verdict": _verdict(table),
        "observations": int(kept.sum()),
        "shared": {name: names.count(name) for name in shared},
        "not_shared": not_shared,
        "left_out": [row for row, out in zip(rows, high, strict=True) if out],
        "reference": [row for row, out in zip(rows, reference, strict=True) if out],
        "good_k": float(limits.min()),
        "pointwise": rows,
    }


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise BadInput(faults)


def _draws(run: Run) -> int:
    return int(run.draws["posterior"].sizes["chain"] * run.draws["posterior"].sizes["draw"])


def _without_likelihood(runs: Sequence[Run]) -> list[Fault]:
    rule = "has no likelihood: it is an average, or no evidence was used"
    fix = f"name the runs that it was made from, or {ONLY}"
    return [
        Fault(run.id, "log_likelihood", rule, fix)
        for run in runs
        if "log_likelihood" not in run.draws.children
    ]


def _other_evidence(runs: Sequence[Run]) -> list[Fault]:
    """Runs that saw other rows than the first: a density given other data is no fair match."""
    first, *others = [{p.name: p.read_bytes() for p in _tables(run)} for run in runs]
    faults = []
    for run, tables in zip(runs[1:], others, strict=True):
        names = sorted(name for name in first | tables if first.get(name) != tables.get(name))
        if names:
            rule = f"is conditioned on other evidence than {runs[0].id} ({', '.join(names)})"
            fix = f"run both on the same evidence, or {ONLY}"
            faults.append(Fault(run.id, "evidence", rule, fix))
    return faults


def _tables(run: Run) -> list[Path]:
    return sorted(run.path.glob("evidence-*.csv"))


def _too_high(
    runs: Sequence[Run], labels: list[tuple[str, str]], k: np.ndarray, limits: np.ndarray
) -> list[Fault]:
    fix = "sample more draws, leave these out of all runs with --leave-out-high-k, "
    faults = []
    for run, row, limit in zip(runs, k, limits, strict=True):
        bad = [f"{name} {label} {v:.2f}" for (name, label), v in zip(labels, row, strict=True)
               if not v <= limit]  # fmt: skip
        if bad:
            rule = f"is above {limit:.2f}, so leaving out cannot be estimated: {', '.join(bad)}"
            faults.append(Fault(run.id, "Pareto k", rule, f"{fix}or {ONLY}"))
    return faults


def _by_run(runs: Sequence[Run], **columns: np.ndarray) -> dict[str, dict[str, float | None]]:
    return {
        name: {
            run.id: float(x) if np.isfinite(x) else None
            for run, x in zip(runs, column, strict=True)
        }
        for name, column in columns.items()
    }


def _table(
    runs: Sequence[Run], elpd: np.ndarray, p: np.ndarray, k: np.ndarray, limits: np.ndarray
) -> list[Row]:
    """Differences to the best run with standard errors, and stacking weights, by ArviZ."""
    import xarray as xr
    from arviz_stats import compare as ranked
    from arviz_stats.utils import ELPDDataLOO

    size = elpd.shape[1]
    results = {
        run.id: ELPDDataLOO(
            elpd=elpd[i].sum(),
            se=np.sqrt(size * elpd[i].var()),
            p=p[i].sum(),
            n_samples=_draws(run),
            n_data_points=size,
            scale="log",
            warning=False,
            good_k=limits[i],
            elpd_i=xr.DataArray(elpd[i], dims="observation"),
            pareto_k=xr.DataArray(k[i], dims="observation"),
        )
        for i, run in enumerate(runs)
    }
    table = ranked(results, method="stacking", round_to="none")
    weights = np.clip(table["weight"].to_numpy(dtype=float), 0.0, 1.0)
    largest = dict(zip(results, k.max(axis=1), strict=True))
    rows = []
    for weight, (name, row) in zip(weights / weights.sum(), table.iterrows(), strict=True):
        diff, error = float(row["elpd_diff"]), float(row["dse"])
        rows.append(
            {"run": name, "elpd": float(row["elpd"]), "se": float(row["se"])}
            | {"p": float(row["p"]), "elpd_diff": diff, "se_diff": error}
            | {"weight": float(weight), "largest_k": float(largest[name])}
            | {"preference": _preference(diff, error) if rows else "best"}
        )
    return rows


def _preference(diff: float, error: float) -> str:
    """Against the best: small differences, and those within two standard errors, say nothing."""
    return "no preference" if abs(diff) < CLEAR or abs(diff) < ERRORS * error else "worse"


def _verdict(table: list[Row]) -> str:
    best, *others = table
    level = [row["run"] for row in others if row["preference"] == "no preference"]
    if len(level) == len(others):
        return "no preference"
    if level:
        return f"no preference among {', '.join([best['run'], *level])}; the others are worse"
    return f"{best['run']} predicts better"
