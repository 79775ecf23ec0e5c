"""What it takes to lift a score: RL compute, inference compute, and the part inference plays."""

import numpy as np
import xarray as xr

from simulator import equations
from simulator.forecast.effects import side_by_side
from simulator.forecast.multipliers import gains, rl_jump, systems


def jump(
    draws: xr.Dataset,
    seed: int,
    response: str,
    benchmark: str,
    from_score: float,
    to_score: float,
    tokens: float,
) -> xr.Dataset:
    """Compute in OOM for a jump on a benchmark, and the share of it that `tokens`x inference is.

    Dims: jump_rl_oom (algorithm), jump_inference_oom (), inference_share (tokens): of the points
    gained, those that so much more inference brings before any RL. Infinite above an asymptote.
    """
    system = systems(draws, seed, benchmark)
    slope = system["inference_slope"]
    if response == "saturating":
        # A system that stands at a score has started below it.
        system["start"] = np.minimum(system["start"], 0.9 * from_score)
        ends = system["start"], system["inference_asymptote"]
        inference = equations.saturating_jump_oom(from_score, to_score, slope, *ends)
        below = np.minimum(from_score, 0.999 * ends[1])
        reached = equations.saturating_score(np.log10(tokens), below, slope, *ends)
        rl = rl_jump(from_score, to_score, system, draws)
    else:
        inference = jump_oom(response, from_score, to_score, slope)
        reached = _reached(response, from_score, slope * np.log10(tokens))
        rl = side_by_side(
            "algorithm",
            {
                algorithm: jump_oom(response, from_score, to_score, system["rl_slope"] * factor)
                - shift
                for algorithm, (factor, shift) in gains(draws).items()
            },
        )
    share = np.clip((reached - from_score) / (to_score - from_score), 0.0, 1.0)
    return xr.Dataset(
        {
            "jump_rl_oom": rl,
            "jump_inference_oom": inference,
            "inference_share": share.expand_dims(tokens=[tokens]),
        }
    )


def jump_oom(
    response: str, from_score: float, to_score: float, slope: xr.DataArray
) -> xr.DataArray:
    """Compute in OOM along a logistic curve or a straight line of this steepest slope in points."""
    if response == "linear":
        return 100 * (to_score - from_score) / slope
    return equations.jump_oom(from_score, to_score, slope / equations.POINTS_PER_LOGIT)


def _reached(response: str, score: float, points: xr.DataArray) -> xr.DataArray:
    """The score after a climb of so many points, at the steepest slope of the curve."""
    if response == "linear":
        return score + points / 100
    return equations.logistic(equations.logit(score) + points / equations.POINTS_PER_LOGIT)
