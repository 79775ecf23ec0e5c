"""The scaling and cost equations, each written once, in orders of magnitude (OOM = log10).

Plain arithmetic and NumPy ufuncs, no branches: the same line takes a float, an array, a DataArray
or a PyTensor variable, so that model, forecast and tests cannot disagree.
"""

from typing import Any

import numpy as np

KNOWN = 0.15  # ln, logit or OOM: about how well the slope, end or decline of one thing is measured
WELL_KNOWN = 0.05  # ln or logit: the same where points, systems or variants of one thing are many
LEVEL_SD = 1.5  # logit: of the score in the middle of a drawn curve, before it is seen
POINTS_PER_LOGIT = 25.0  # steepest slope of a logistic curve: d(100 p)/d(logit p) at p = 1/2


def logit(score: Any) -> Any:
    """Log odds of a score in (0, 1)."""
    return np.log(score) - np.log1p(-score)


def logistic(log_odds: Any) -> Any:
    """The score of these log odds."""
    return 1 / (1 + np.exp(-log_odds))


def required_rl_multiplier_oom(
    inference_factor: Any, slope_ratio: Any, slope_factor: Any = 1.0, shift_oom: Any = 0.0
) -> Any:
    """RL compute, in OOM, that buys what `inference_factor` times more inference compute buys.

    `slope_ratio` is RL slope over inference slope; better algorithms multiply the RL slope by
    `slope_factor` and save `shift_oom` of compute at a fixed score.
    """
    return np.log10(inference_factor) / (slope_ratio * slope_factor) - shift_oom


def jump_oom(from_score: Any, to_score: Any, slope_logit_per_oom: Any) -> Any:
    """Compute, in OOM, that lifts a score along a curve that is straight in logits."""
    return (logit(to_score) - logit(from_score)) / slope_logit_per_oom


def sigmoid_score(compute: Any, asymptote: Any, steepness: Any, start: Any, c_mid: Any) -> Any:
    """Pass rate of an RL recipe: start + (asymptote - start) / (1 + (c_mid/compute)**steepness)."""
    return start + (asymptote - start) / (1 + (c_mid / compute) ** steepness)


def sigmoid_compute(score: Any, asymptote: Any, steepness: Any, start: Any, c_mid: Any) -> Any:
    """Compute at which that recipe reaches a score between start and asymptote."""
    return c_mid * ((score - start) / (asymptote - score)) ** (1 / steepness)


def sigmoid_steepest(asymptote: Any, steepness: Any, start: Any) -> Any:
    """Steepest slope of that recipe in percentage points per OOM."""
    return POINTS_PER_LOGIT * (asymptote - start) * steepness * np.log(10)


def saturating_steepness(slope: Any, start: Any, asymptote: Any) -> Any:
    """Log odds per OOM of a curve between start and asymptote, from its steepest slope.

    `slope` is in percentage points per OOM; the log odds are those of the way from start to
    asymptote. With start 0 and asymptote 1 this is the slope of the logit link.
    """
    return slope / (POINTS_PER_LOGIT * (asymptote - start))


def saturating_score(oom: Any, score: Any, slope: Any, start: Any, asymptote: Any) -> Any:
    """Where `oom` more compute lifts a score between start and asymptote."""
    way = logit((score - start) / (asymptote - start))
    steepness = saturating_steepness(slope, start, asymptote)
    return start + (asymptote - start) * logistic(way + steepness * oom)


def saturating_jump_oom(
    from_score: Any, to_score: Any, slope: Any, start: Any, asymptote: Any
) -> Any:
    """Compute, in OOM, that lifts a score along a saturating curve; infinite from its asymptote on.

    Minus infinity to its start or below. `slope` is the steepest, in percentage points per OOM.
    NumPy only.
    """
    below, above = ((s - start) / (asymptote - start) for s in (from_score, to_score))
    with np.errstate(divide="ignore"):
        gained = logit(np.clip(above, 0.0, 1.0)) - logit(np.minimum(below, 1.0 - 1e-12))
    return gained / saturating_steepness(slope, start, asymptote)


def raised(asymptote: Any, above: Any, gain_logit: Any) -> Any:
    """An asymptote raised by a gain in log odds of the way from the score `above` to 1.

    NumPy only. One that is below that score is taken to be just above it.
    """
    way = np.clip((asymptote - above) / (1 - above), 1e-12, 1 - 1e-12)
    return above + (1 - above) * logistic(logit(way) + gain_logit)


def ageing(age: Any, ageing_years: Any, remaining_fraction: Any) -> Any:
    """Years at the debut rate that give the decline of the first `age` years.

    The rate falls from 1 at debut to `remaining_fraction` with time constant `ageing_years`.
    """
    fading = ageing_years * (1 - np.exp(-age / ageing_years))
    return remaining_fraction * age + (1 - remaining_fraction) * fading


def rate_at_debut(first_year_oom: Any, ageing_years: Any, remaining_fraction: Any) -> Any:
    """Rate at debut, OOM per year, of a decline by `first_year_oom` over the first year."""
    return first_year_oom / ageing(1.0, ageing_years, remaining_fraction)


def rate_share(age: Any, ageing_years: Any, remaining_fraction: Any) -> Any:
    """Rate of decline at an age, as a share of the rate at debut."""
    return remaining_fraction + (1 - remaining_fraction) * np.exp(-age / ageing_years)


def fallen_oom(
    age: Any,
    today_age: Any,
    rate: Any,
    ageing_years: Any,
    remaining_fraction: Any,
    half_life_years: Any,
) -> Any:
    """OOM that a cost has lost by an age: as it aged until today, slowing as well from then on.

    `rate` is that at debut, OOM per year. From today on every rate halves again each
    `half_life_years` (infinity: never). NumPy only: nothing observed lies after today.
    """
    past = np.minimum(age, today_age)
    ahead = age - past
    steady = slowed_years(ahead, half_life_years)
    faded = 1 / (1 / half_life_years + 1 / (np.log(2) * ageing_years))
    fading = slowed_years(ahead, faded)  # rates that age and slow halve sooner
    aged = np.exp(-past / ageing_years)
    slowed = remaining_fraction * steady + (1 - remaining_fraction) * aged * fading
    return rate * (ageing(past, ageing_years, remaining_fraction) + slowed)


def falling_oom(
    age: Any,
    today_age: Any,
    rate: Any,
    ageing_years: Any,
    remaining_fraction: Any,
    half_life_years: Any,
) -> Any:
    """OOM per year at which a cost falls at an age: the slope of `fallen_oom`."""
    slowed = 0.5 ** (np.maximum(age - today_age, 0.0) / half_life_years)
    return rate * rate_share(age, ageing_years, remaining_fraction) * slowed


def slowed_years(ahead: Any, half_life_years: Any) -> Any:
    """Years at today's rate that give the change of the next `ahead` years, each rate halving."""
    from scipy.special import exprel  # (exp(x) - 1)/x, right at x = 0; heavy, and only used here

    return ahead * exprel(-np.log(2) / half_life_years * ahead)


def cost_oom(age: Any, start: Any, floor: Any, today_age: Any, *decline: Any) -> Any:
    """Cost in OOM at an age, from `start` at debut, never below `floor`.

    `decline` are the further arguments of `fallen_oom`. A floor at or below today's cost does not
    touch the past.
    """
    return np.maximum(start - fallen_oom(age, today_age, *decline), floor)


def widened(spread: Any, known: float = KNOWN) -> Any:
    """Sd of what is sampled for a stray of sd `spread`, in units of how well its value is `known`.

    1 where the spread is narrower than that, the spread itself where it is wider.
    """
    return np.sqrt(1 + (spread / known) ** 2)
