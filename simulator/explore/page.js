/* What is on the page: settings in, words, figures and tables out. */

const RUN = DATA.run;
const id = (name) => document.getElementById(name);
const say = (name, text) => { id(name).textContent = text; };

let settings = from_fragment(location.hash.slice(1));
let measured = 0; // milliseconds that the last change took, all figures drawn
let kept = {}; // the posterior's answers to the last question

const sliders = {};
const choices = [];

function build() {
  const sections = {
    multiplier: ['inference_factor', 'slope_ratio_factor', 'algorithm_gain_factor'],
    cost: ['date', 'threshold_usd', 'cost_usd', 'decline_rate_factor', 'half_life_factor'],
  };
  for (const [section, names] of Object.entries(sections)) {
    for (const name of names) {
      sliders[name] = make_slider(name, change);
      id(`${section}-controls`).append(sliders[name].row);
    }
  }
  const tasks = Object.fromEntries(Object.keys(DATA.tasks).map((name) => [name, name]));
  choices.push(make_choice('benchmark', 'Benchmark', DATA.benchmarks, change));
  choices.push(make_choice('algorithm', 'Algorithm', DATA.algorithms, change));
  choices.push(make_choice('task', 'Task', tasks, ({ task }) => {
    const { cost_usd, threshold_usd } = starting(task);
    change({ task, cost_usd, threshold_usd });
  }));
  id('multiplier-controls').prepend(choices[0].row, choices[1].row);
  id('cost-controls').prepend(choices[2].row);
  id('costs').hidden = !settings.task;
  id('to-posterior').addEventListener('click', () => change(at_posterior(settings)));
  id('to-start').addEventListener('click', () => change(starting()));
}

// --- from settings to page -----------------------------------------------------------------------

let waiting = 0;

/** Take new settings; what they change shows in the next frame, and soon in the link. */
function change(news) {
  settings = { ...settings, ...news };
  if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; update(); });
  later(write_fragment, 300);
  later(speak, 800);
}

const timers = new Map();

function later(work, milliseconds) {
  clearTimeout(timers.get(work));
  timers.set(work, setTimeout(work, milliseconds));
}

/** The link of this view, without a step in the history; browsers count how often it changes. */
function write_fragment() {
  const fragment = to_fragment(settings);
  history.replaceState(null, '', fragment ? `#${fragment}` : location.pathname + location.search);
}

function speak() {
  const parts = ['standing', 'multiplier-headline', 'multiplier-more'];
  if (settings.task) parts.push('cost-headline', 'cost-more');
  parts.push('uses-headline', 'uses-more');
  say('spoken', parts.map((name) => id(name).textContent).join(' '));
}

function sorted_answers(settings) {
  const { fan, ...found } = answers(settings);
  const sorted = Object.entries(found).map(([name, draws]) => [name, draws.slice().sort()]);
  return { ...Object.fromEntries(sorted), fan };
}

/** The posterior's answers to the same questions, computed once for each. */
function posterior_answers() {
  const asked = at_posterior(settings);
  const key = JSON.stringify(asked);
  if (kept.key !== key) kept = { key, found: sorted_answers(asked) };
  return kept.found;
}

/** By section, the settings that change its answers from those of the posterior. */
const AFFECTING = {
  multiplier: ['slope_ratio_factor', 'algorithm_gain_factor'],
  costs: ['cost_usd', 'decline_rate_factor', 'half_life_factor'],
  uses: DATA.factors,
};

function update() {
  const since = performance.now();
  const changed = overriding(settings);
  const before = changed.length ? posterior_answers() : null;
  const now = changed.length ? sorted_answers(settings) : posterior_answers();
  const hints = hints_of(settings);
  for (const [name, slider] of Object.entries(sliders)) slider.update(settings, hints[name]);
  for (const choice of choices) choice.update(settings);
  show_standing(changed);
  const touched = (section) => (AFFECTING[section].some((name) => changed.includes(name)) ? before : null);
  for (const section of Object.keys(AFFECTING)) {
    id(section).classList.toggle('overridden', touched(section) !== null);
  }
  show_multiplier(now, touched('multiplier'));
  if (settings.task) show_cost(now, touched('costs'));
  show_uses(now, touched('uses'));
  measured = performance.now() - since;
  say('speed', `The last change was computed and drawn in ${measured.toFixed(0)} ms.`);
}

const median = (draws) => quantile(Float64Array.from(draws).sort(), 0.5);

/** What each setting comes to, in words. */
function hints_of({ benchmark, slope_ratio_factor, algorithm_gain_factor, ...rest }) {
  const ratio = Array.from([0.05, 0.5, 0.95], (p) => significant(
    slope_ratio_factor * quantile(SORTED_RATIOS(benchmark), p), 2));
  const steeper = MEDIANS.slope_factor ** algorithm_gain_factor;
  const saved = MEDIANS.shift * algorithm_gain_factor;
  const first_year = DATA.first_year_oom * rest.decline_rate_factor;
  const half_life = MEDIANS.half_life * rest.half_life_factor;
  return {
    slope_ratio_factor: `RL slope ${ratio[1]} of that of inference (90%: ${ratio[0]} to ${ratio[2]})`,
    algorithm_gain_factor: algorithm_gain_factor === 0 ? 'today’s recipe is the o1-era one'
      : `today’s recipe: ${significant(steeper, 2)}x as steep, ${show(saved, 'OOM')} less compute`,
    decline_rate_factor: `a typical new cost falls ${show(first_year, 'OOM')} in its first year`,
    half_life_factor: half_life === Infinity ? 'the decline does not slow with the years'
      : `every rate halves within ${significant(half_life, 2)} years`,
  };
}

const ratios = new Map();
const SORTED_RATIOS = (benchmark) => {
  if (!ratios.has(benchmark)) ratios.set(benchmark, DRAWS.systems[benchmark].slope_ratio.slice().sort());
  return ratios.get(benchmark);
};
const MEDIANS = {
  slope_factor: median(DRAWS.algorithm_slope_factor),
  shift: median(DRAWS.algorithm_shift_oom),
  half_life: median(DRAWS.of_paths.slowdown_half_life_years),
};

function show_standing(changed) {
  const named = changed.map((name) => SLIDERS[name].label.replace(/^./, (first) => first.toLowerCase())).join('; ');
  const source = RUN.conditioned ? 'the posterior of the run' : 'the beliefs alone, before any evidence';
  say('standing', changed.length
    ? `Not the posterior: ${changed.length} ${changed.length > 1 ? 'settings override' : 'setting overrides'} it (${named}). Dashed: the posterior.`
    : `All numbers are ${source}.`);
  id('bar').classList.toggle('overridden', changed.length > 0);
  id('to-posterior').disabled = !changed.length;
}

const kind_of = (before) => (before ? 'changed' : 'posterior');

function series_of(name, now, before) {
  const series = [{ sorted: now[name], kind: kind_of(before) }];
  if (before) series.unshift({ sorted: before[name], kind: 'posterior' });
  return series;
}

/** The median in large, words after it (others where it is infinite), and the 90% interval. */
function headline(name, sorted, unit, after, infinite) {
  const [low, middle, high] = [0.05, 0.5, 0.95].map((p) => quantile(sorted, p));
  const interval = Number.isFinite(low)
    ? `90% interval: ${show(low, unit)} to ${show(high, unit)}` : 'in all of the 90% interval';
  id(name).replaceChildren(
    element('strong', {}, show(middle, unit)), ` ${Number.isFinite(middle) ? after : infinite}`,
    element('span', { class: 'between' }, interval),
  );
}

/** Quantiles of the answers now, and of the posterior where that is another. */
function table(into, rows, now, before) {
  const levels = [0.05, 0.25, 0.5, 0.75, 0.95];
  const head = element('tr', {}, element('td'), ...levels.map((p) => (
    element('th', { scope: 'col' }, `${100 * p}%`.replace('0.', '0.')))));
  const body = rows.flatMap(([label, name, unit]) => series_of(name, now, before).reverse().map(
    ({ sorted, kind }) => element('tr', { class: kind },
      element('th', { scope: 'row' }, before && kind === 'posterior' ? 'posterior' : label),
      ...levels.map((p) => element('td', {}, show(quantile(sorted, p), unit)))),
  ));
  into.replaceChildren(element('table', {}, element('thead', {}, head), element('tbody', {}, ...body)));
}

function show_multiplier(now, before) {
  const sorted = now.required_rl_multiplier_oom;
  const factor = fold(exact(settings.inference_factor));
  const asked = 2 * Math.log10(settings.inference_factor);
  const half = fold(exact(Number((settings.inference_factor ** 2).toPrecision(3))));
  const more = 1 - share_to(sorted, asked);
  const never = 1 - share_to(sorted, Number.MAX_VALUE);
  say('multiplier-title', `RL compute that buys what ${factor} inference buys`);
  headline('multiplier-headline', sorted, 'OOM', 'as much RL compute', 'more likely than not');
  const unreached = never ? ` No amount suffices: ${percent(never, sorted)}.` : '';
  say('multiplier-more', `Chance of more than ${half}, what half the slope would take (Ord’s reading): ${percent(more, sorted)}.${unreached}`);
  exceedance(id('multiplier-figure'), series_of('required_rl_multiplier_oom', now, before), {
    said: `${id('multiplier-headline').textContent}. ${id('multiplier-more').textContent}`,
    title: 'times as much RL compute',
    tick: (oom) => fold(round_power(oom)),
    never: 'out of reach',
    marks: [{ oom: asked, words: `half the slope: ${half}`, kind: 'asked' }],
  });
  table(id('multiplier-table'), [['RL compute', 'required_rl_multiplier_oom', 'OOM']], now, before);
}

function show_cost(now, before) {
  const { task, threshold_usd, date } = settings;
  const { debut } = DRAWS.tasks[task];
  const at = DECIMAL_YEAR.get(date);
  const share = share_to(now.years_to_threshold, at - debut);
  const never = 1 - share_to(now.years_to_threshold, Number.MAX_VALUE);
  const typical = quantile(now.years_to_threshold, 0.5);
  const threshold = `${dollars(threshold_usd)} or less`;
  say('cost-title', `Cost of: ${task}`);
  headline('cost-headline', now.task_cost_oom_usd, 'OOM USD', `in ${month(at)}`, `in ${month(at)}`);
  const when = Number.isFinite(typical)
    ? `Even odds by ${month(debut + typical)}` : `Less likely than not by ${DATA.horizon}`;
  say('cost-more', `Chance of ${threshold} by then: ${percent(share, now.years_to_threshold)}. ${when}`
    + `${never ? `; never by ${DATA.horizon}: ${percent(never, now.years_to_threshold)}` : ''}.`);
  fan_chart(id('cost-figure'), now, before, {
    said: `Cost of ${task} over the years. ${id('cost-headline').textContent}`,
    threshold: Math.log10(threshold_usd), words: dollars(threshold_usd), date: at, kind: kind_of(before),
  });
  say('reached-caption', `Chance that it has cost ${threshold}`);
  reached_chart(id('reached-figure'), series_of('years_to_threshold', now, before), {
    said: id('cost-more').textContent, debut, date: at, share,
    from: DATA.today, to: now.fan.at(-1).year,
  });
  table(id('cost-table'), [
    [`in ${month(at)}`, 'task_cost_oom_usd', 'OOM USD'],
    [`years to ${dollars(threshold_usd)}`, 'years_to_threshold', 'years'],
  ], now, before);
}

function show_uses(now, before) {
  const factor = exact(settings.inference_factor);
  const at = month(DECIMAL_YEAR.get(settings.date));
  say('uses-title', 'RL once, or inference at every use');
  say('uses-note', `An RL run of ${dollars(DATA.rl_spend_usd)}, multiplied, against ${fold(factor)} inference at every`
    + ` use of ${dollars(DATA.cost_per_use_usd)}. The date is that of the choice: until then RL algorithms`
    + ' and uses get cheaper. All settings above count here as well.');
  headline('uses-headline', now.break_even_uses_oom, 'OOM uses',
    `uses make RL cheaper, if one chooses in ${at}`, `cheaper by RL, more likely than not, if one chooses in ${at}`);
  const undone = quantile(now.persistence_years, 0.5);
  const never = 1 - share_to(now.persistence_years, Number.MAX_VALUE);
  const until = Number.isFinite(undone) ? `${significant(undone, 2)} years` : 'never';
  say('uses-more', `Falling prices undo a factor of ${factor} in: ${until} (median`
    + `${never ? `; never ${percent(never, now.persistence_years)}` : ''}).`);
  exceedance(id('uses-figure'), series_of('break_even_uses_oom', now, before), {
    said: `${id('uses-headline').textContent}. ${id('uses-more').textContent}`,
    title: 'uses', tick: round_power, never: 'never', below: true,
  });
  table(id('uses-table'), [
    ['uses', 'break_even_uses_oom', 'OOM uses'],
    [`years that undo ${factor}x`, 'persistence_years', 'years'],
  ], now, before);
}

// --- once ----------------------------------------------------------------------------------------

function show_run() {
  const { failed } = RUN;
  if (failed.length) {
    id('failed').hidden = false;
    id('failed').replaceChildren(
      element('strong', {}, `Failed ${failed.length} of ${RUN.checks} checks. Do not rely on the numbers below.`),
      element('ul', {}, ...failed.map(({ name, value, worst }) => (
        element('li', {}, `${name}: ${value}${worst ? ` in ${worst}` : ''}`)))),
    );
  }
  say('about', `${RUN.title}. Scenario ${RUN.scenario}, ${RUN.conditioned
    ? 'conditioned on published evidence' : 'before any evidence'}. Move a slider: everything follows at once, and the address of this page is a link to what you see.`);
  const changes = RUN.changes.length ? ` Reweighted: ${RUN.changes.join(', ')}.` : '';
  say('provenance', `Run ${RUN.id}, seed ${RUN.seed}, made ${RUN.created.slice(0, 10)}, digest ${RUN.digest.slice(0, 12)}; `
    + `structure ${DATA.structure.response}, ${DATA.structure.cost}.${changes} ${failed.length ? '' : `All ${RUN.checks} checks passed. `}`
    + 'A 90% interval has 5% of the probability on either side. What has not happened by '
    + `${DATA.horizon} counts as never. Nothing leaves this page.`);
  const { draws, paths, of, rows, apart, floorless } = DATA.thinned;
  const all = paths === of ? `All ${grouped(String(of))} draws of the run are in this page.`
    : `${grouped(String(draws))} of the run’s ${grouped(String(of))} draws are in this page, ${grouped(String(paths))} of them with paths of costs. Medians of all draws may differ from those here: at the start by at most ${apart}.`;
  const rounded = significant(100 * (10 ** (1 / DATA.draws.per_oom) - 1), 1);
  const rounding = DATA.structure.cost === 'trend' ? '' : ` Records of costs are rounded to ${rounded}%.`;
  say('thinning', all + rounding + (floorless ? ' No cost is followed below a trillionth of what it is today.' : ''));
  if (!rows.length) return;
  const cell = ([low, middle, high]) => element('td', {}, `${middle} [${low}, ${high}]`);
  id('compared').hidden = false;
  id('compared').lastElementChild.replaceChildren(element('table', {},
    element('thead', {}, element('tr', {}, element('td'),
      ...['the run', 'this page'].map((who) => element('th', { scope: 'col' }, who)))),
    element('tbody', {}, ...rows.map((row) => element('tr', {},
      element('th', { scope: 'row' }, row.name), cell(row.all), cell(row.here))))));
}

build();
show_run();
update();
addEventListener('hashchange', () => { settings = from_fragment(location.hash.slice(1)); update(); later(speak, 800); });
let width = innerWidth;
addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; change({}); } });
