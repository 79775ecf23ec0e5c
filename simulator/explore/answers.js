/* Settings to answers, as simulator/explore/subject.py computes them in Python. */

const DATA = JSON.parse(document.getElementById('data').textContent);
const DRAWS = read_draws(DATA.draws);

function read_draws(draws) {
  const { systems, ...algorithms } = draws.of_multiplier;
  const of_multiplier = read_all(algorithms);
  const of_paths = read_all(draws.of_paths);
  const numbers = numbers_of_paths(draws);
  return {
    ...of_multiplier,
    systems: Object.fromEntries(Object.entries(systems).map(([name, of]) => [name, read_all(of)])),
    of_paths,
    places: numbers.map((n) => (
      Math.floor(n / draws.per_chain) * Math.ceil(draws.per_chain / draws.step)
        + (n % draws.per_chain) / draws.step)),
    tasks: Object.fromEntries(
      Object.entries(draws.tasks).map(([name, task]) => [name, read_task(task, of_paths, numbers)]),
    ),
    use: read_task(draws.use, of_paths, numbers),
  };
}

function read_all(arrays) {
  return Object.fromEntries(Object.entries(arrays).map(([name, text]) => [name, floats(text)]));
}

/** Those draws of the run that have paths in the page. */
function numbers_of_paths({ chains, per_chain, step, every }) {
  return Array.from({ length: chains * per_chain }, (_, n) => n)
    .filter((n) => (n % per_chain) % (step * every) === 0);
}

function path(task, settings, cost_oom_usd) {
  const Kind = DATA.structure.cost === 'trend' ? Trend : Staircase;
  return new Kind(task, DRAWS.of_paths, settings, cost_oom_usd);
}

/** Slope factor, compute saved (OOM) and gain of the ceiling (logit) of a recipe at draw i. */
function gain(settings, i) {
  if (settings.algorithm === 'as_published') return [1, 0, 0];
  const factor = settings.algorithm_gain_factor;
  const ceiling = DRAWS.algorithm_ceiling_gain;
  return [
    DRAWS.algorithm_slope_factor[i] ** factor,
    DRAWS.algorithm_shift_oom[i] * factor,
    ceiling ? ceiling[i] * factor : 0,
  ];
}

/** In OOM, at every draw. */
function multiplier(settings) {
  const system = DRAWS.systems[settings.benchmark];
  const one = DATA.structure.response === 'saturating' ? saturating : unbounded;
  return system.slope_ratio.map((ratio, i) => (
    one(settings, system, ratio * settings.slope_ratio_factor, i)));
}

function unbounded(settings, system, slope_ratio, i) {
  const [slope_factor, shift] = gain(settings, i);
  return required_rl_multiplier_oom(settings.inference_factor, slope_ratio, slope_factor, shift);
}

/** The jump of which this inference factor is capable, from a stated share of its curve up. */
function saturating(settings, system, slope_ratio, i) {
  const [slope_factor, shift, ceiling_gain] = gain(settings, i);
  const [start, top, slope] = [system.start[i], system.inference_asymptote[i], system.inference_slope[i]];
  const below = start + DATA.from_score * (top - start);
  const above = saturating_score(Math.log10(settings.inference_factor), below, slope, start, top);
  let end = system.rl_asymptote[i];
  if (settings.algorithm === 'today') end = raised(end, below, ceiling_gain);
  return saturating_jump_oom(below, above, slope * slope_ratio * slope_factor, start, end) - shift;
}

/** Uses, in OOM, at which M times an RL spend costs what k times the inference costs more. */
function break_even(settings, multiplier_oom, use, ahead) {
  const is_today = settings.algorithm === 'today' ? settings.algorithm_gain_factor : 0;
  const half_life = half_lives(DRAWS.of_paths, settings);
  const extra = Math.log10(settings.inference_factor - 1);
  const cost = use.cost(ahead);
  return cost.map((oom, i) => {
    const draw = DRAWS.places[i];
    const saving = (DRAWS.algorithm_shift_oom[draw] * is_today) / DATA.since_baseline_years;
    const years = slowed_years(ahead, half_life[i]);
    const rl = multiplier_oom[draw] - years * (saving + DRAWS.of_paths.hardware_oom[i])
      + Math.log10(DATA.rl_spend_usd);
    return rl - extra - oom - Math.log10(DATA.cost_per_use_usd);
  });
}

/** Everything that the page shows at these settings, at every draw or path. */
function answers(settings) {
  const date = DECIMAL_YEAR.get(settings.date);
  const use = path(DRAWS.use, settings, 0);
  const required_rl_multiplier_oom = multiplier(settings);
  const found = {
    required_rl_multiplier_oom,
    break_even_uses_oom: break_even(settings, required_rl_multiplier_oom, use, date - DATA.today),
    persistence_years: use.first_age(-Math.log10(settings.inference_factor)),
  };
  if (settings.task) {
    const task = DRAWS.tasks[settings.task];
    const way = path(task, settings, Math.log10(settings.cost_usd));
    found.task_cost_oom_usd = way.cost(date - task.debut);
    found.years_to_threshold = way.first_age(Math.log10(settings.threshold_usd));
    found.fan = fan(way, task, settings);
  }
  return found;
}

const DECIMAL_YEAR = new Map(DATA.dates);
const LEVELS = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
const FAN_DATES = 21;

const fans = new Map(); // the last few, as most settings leave them alone

/** Quantiles of the cost (OOM USD) from today, or a later debut, to the horizon. */
function fan(way, task, settings) {
  const { cost_usd, decline_rate_factor, half_life_factor } = settings;
  const key = [settings.task, cost_usd, decline_rate_factor, half_life_factor].join();
  if (fans.size > 9) fans.clear();
  if (!fans.has(key)) fans.set(key, compute_fan(way, task));
  return fans.get(key);
}

function compute_fan(way, task) {
  const last = DATA.dates.at(-1)[1];
  const from = Math.max(DATA.today, task.debut);
  return Array.from({ length: FAN_DATES }, (_, n) => {
    const year = from + (last - from) * (n / (FAN_DATES - 1)) ** 1.5; // costs fall fastest at first
    const sorted = way.cost(year - task.debut).sort();
    return { year, quantiles: LEVELS.map((p) => quantile(sorted, p)) };
  });
}
