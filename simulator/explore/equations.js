/* The equations of simulator/equations.py under their names; OOM is log10, ages are in years. */

const POINTS_PER_LOGIT = 25;

const logit = (score) => Math.log(score) - Math.log1p(-score);
const logistic = (log_odds) => 1 / (1 + Math.exp(-log_odds));
const clip = (x, low, high) => Math.min(Math.max(x, low), high);

/** RL compute, in OOM, that buys what `inference_factor` times more inference compute buys. */
function required_rl_multiplier_oom(inference_factor, slope_ratio, slope_factor, shift_oom) {
  return Math.log10(inference_factor) / (slope_ratio * slope_factor) - shift_oom;
}

/** Log odds per OOM of a curve between start and asymptote; slope in percentage points per OOM. */
function saturating_steepness(slope, start, asymptote) {
  return slope / (POINTS_PER_LOGIT * (asymptote - start));
}

/** Where `oom` more compute lifts a score between start and asymptote. */
function saturating_score(oom, score, slope, start, asymptote) {
  const way = logit((score - start) / (asymptote - start));
  const steepness = saturating_steepness(slope, start, asymptote);
  return start + (asymptote - start) * logistic(way + steepness * oom);
}

/** Compute, in OOM, that lifts a score along a saturating curve; infinite from its asymptote on. */
function saturating_jump_oom(from_score, to_score, slope, start, asymptote) {
  const below = (from_score - start) / (asymptote - start);
  const above = (to_score - start) / (asymptote - start);
  const gained = logit(clip(above, 0, 1)) - logit(Math.min(below, 1 - 1e-12));
  return gained / saturating_steepness(slope, start, asymptote);
}

/** An asymptote raised by a gain in log odds of the way from the score `above` to 1. */
function raised(asymptote, above, gain_logit) {
  const way = clip((asymptote - above) / (1 - above), 1e-12, 1 - 1e-12);
  return above + (1 - above) * logistic(logit(way) + gain_logit);
}

/** Years at the debut rate that give the decline of the first `age` years. */
function ageing(age, ageing_years, remaining_fraction) {
  const fading = ageing_years * (1 - Math.exp(-age / ageing_years));
  return remaining_fraction * age + (1 - remaining_fraction) * fading;
}

/** Years at today's rate that give the change of the next `ahead` years, each rate halving. */
function slowed_years(ahead, half_life_years) {
  const x = (-Math.LN2 / half_life_years) * ahead;
  return x === 0 ? ahead : (ahead * Math.expm1(x)) / x;
}
