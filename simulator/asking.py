"""Questions put to a run after the fact, answered from its draws without sampling anew."""

from types import SimpleNamespace
from typing import Any

import xarray as xr

from simulator import forecast, schema
from simulator.faults import BadInput, Fault, nearest
from simulator.forecast import burden as burdens
from simulator.forecast import jump as jumps
from simulator.forecast import multipliers
from simulator.quantities import TOKENS
from simulator.run import Run


def jump(
    run: Run,
    from_score: float,
    to_score: float,
    benchmark: str = "new",
    tokens: float = TOKENS,
    group: str = "posterior",
) -> xr.Dataset:
    """Compute that lifts a score, in OOM, and the share of it that more inference brings.

    Dims: jump_rl_oom (algorithm), jump_inference_oom (), inference_share (tokens), each with chain
    and draw. Infinite where no amount suffices. Raises BadInput with every fault.
    """
    draws = _draws(run, group)
    faults = []
    for name, score in (("--from", from_score), ("--to", to_score)):
        if not 0 < score < 1:
            faults.append(
                Fault(name, f"{score:g}", "must be a score between 0 and 1", "30% is 0.3")
            )
    if not faults and from_score >= to_score:
        faults.append(Fault("--to", f"{to_score:g}", "must be above --from", "swap them"))
    if not 1 < tokens < float("inf"):
        faults.append(Fault("--tokens", f"{tokens:g}", "must be above 1", "30 is 30 times as many"))
    faults += _unknown(benchmark, draws)
    if faults:
        raise BadInput(faults)
    response = _settings(run).structure.response
    found = jumps.jump(draws, run.seed, response, benchmark, from_score, to_score, tokens)
    return forecast.described(found)


def burden(
    run: Run,
    factor: float,
    rl_spend: float,
    cost_per_use: float,
    benchmark: str = "new",
    group: str = "posterior",
) -> xr.Dataset:
    """Break-even between a factor of inference at every use and RL once, and how long it lasts.

    Dims: break_even_uses_oom (inference_factor, algorithm, decision_date), persistence_years
    (inference_factor), each with chain and draw. Spends are in US dollars. Raises BadInput.
    """
    draws = _draws(run, group)
    faults = []
    if not 1 < factor < float("inf"):
        faults.append(Fault("--factor", f"{factor:g}", "must be above 1", "100 is 100 times"))
    for name, usd in (("--rl-spend", rl_spend), ("--cost-per-use", cost_per_use)):
        if not 0 < usd < float("inf"):
            faults.append(Fault(name, f"{usd:g}", "must be above 0 dollars", "as in 0.5 or 1e6"))
    faults += _unknown(benchmark, draws)
    if faults:
        raise BadInput(faults)
    settings = _settings(run)
    asked = {
        "inference_factors": [float(factor)],
        "rl_spend_usd": float(rl_spend),
        "cost_per_use_usd": float(cost_per_use),
    }
    settings.forecast = settings.forecast.model_copy(update=asked)
    multiplier = multipliers.multiplier(settings, draws, run.seed)
    return forecast.described(
        burdens.burden(settings, draws, run.seed, multiplier.sel(benchmark=benchmark, drop=True))
    )


def _draws(run: Run, group: str) -> xr.Dataset:
    found = run.draws[group].dataset
    if "slope_ratio" not in found or "structure" in found:
        rule, fix = "is an average of several structures", "ask one of its parents"
        raise BadInput([Fault(run.id, "run", rule, fix)])
    return found


def _unknown(benchmark: str, draws: xr.Dataset) -> list[Fault]:
    known = multipliers.benchmarks(draws)
    if benchmark in known:
        return []
    rule = f"is not a benchmark of this run: {', '.join(known)}"
    return [Fault("--benchmark", benchmark, rule, nearest(benchmark, known))]


def _settings(run: Run) -> Any:
    """The sections of the run's scenario that its forecast depends on."""
    return SimpleNamespace(
        structure=schema.Structure.model_validate(run.spec.get("structure", {})),
        forecast=schema.Forecast.model_validate(run.spec["forecast"]),
    )
