/* Sliders and choices, and the state that they and the link share: settings by name. */

const PER_DECADE = 20;

/** Positions of a slider along a log scale, at two digits; `never` adds one more, infinite. */
function log_scale([low, high], never = false) {
  const first = Math.ceil(PER_DECADE * Math.log10(low) - 0.3);
  const last = Math.floor(PER_DECADE * Math.log10(high) + 0.3);
  return {
    first,
    last: last + never,
    at: (position) => (never && position > last
      ? Infinity : Number((10 ** (position / PER_DECADE)).toPrecision(2))),
    of: (value) => (value === Infinity
      ? last + 1 : clip(Math.round(PER_DECADE * Math.log10(value)), first, last)),
  };
}

function linear_scale([low, high], step) {
  return {
    first: Math.round(low / step),
    last: Math.round(high / step),
    at: (position) => Number((position * step).toPrecision(6)),
    of: (value) => Math.round(value / step),
  };
}

const DATES = DATA.dates.map(([date]) => date);
const DATE_SCALE = {
  first: 0, last: DATES.length - 1, at: (position) => DATES[position], of: (date) => DATES.indexOf(date),
};

const R = DATA.ranges;
const times = (value) => `× ${exact(value)}`;
const dollars = (value) => cents(exact(value));

/** Sliders by setting; `hint` says what the setting comes to. */
const SLIDERS = {
  inference_factor: {
    label: 'Inference factor', scale: log_scale(R.inference_factor), say: (x) => fold(exact(x)),
  },
  slope_ratio_factor: {
    label: 'Slope ratio, RL to inference', scale: log_scale(R.slope_ratio_factor), say: times,
  },
  algorithm_gain_factor: {
    label: 'Gain of better algorithms',
    scale: linear_scale(R.algorithm_gain_factor, 0.1),
    say: (x) => (x === 0 ? 'none' : times(x)),
  },
  cost_usd: { label: 'Cost at the start', scale: log_scale([1e-4, 1e7]), say: dollars },
  threshold_usd: { label: 'Threshold', scale: log_scale([1e-7, 1e6]), say: dollars },
  date: { label: 'Date', scale: DATE_SCALE, say: (date) => month(DECIMAL_YEAR.get(date)) },
  decline_rate_factor: {
    label: 'Rate of decline', scale: log_scale(R.decline_rate_factor), say: times,
  },
  half_life_factor: {
    label: 'Years until rates halve',
    scale: log_scale([R.half_life_factor[0], 10], true),
    say: (x) => (x === Infinity ? 'never halve' : times(x)),
  },
};

const CHOICES = { benchmark: DATA.benchmarks, algorithm: DATA.algorithms };
const FACTORS = new Set(DATA.factors);

/** Settings at the posterior for a task: its own cost and threshold. */
function starting(task = DATA.defaults.task) {
  const own = DATA.tasks[task];
  const { cost_usd, threshold_usd } = own ?? DATA.defaults;
  return { ...DATA.defaults, task, cost_usd, threshold_usd };
}

/** Those settings that are not where the run has them. */
function overriding(settings) {
  const start = starting(settings.task);
  return Object.keys(SLIDERS)
    .filter((name) => (FACTORS.has(name) || name === 'cost_usd') && settings[name] !== start[name]);
}

/** The same questions put to the posterior itself. */
function at_posterior(settings) {
  const start = starting(settings.task);
  return { ...settings, ...Object.fromEntries(overriding(settings).map((name) => [name, start[name]])) };
}

/** What a link has to say: the settings that differ from the start. */
function to_fragment(settings) {
  const start = starting(settings.task);
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(settings)) {
    const usual = name === 'task' ? DATA.defaults.task : start[name];
    if (value !== usual) said.set(name, value === Infinity ? 'never' : String(value));
  }
  return said.toString();
}

/** Settings of a link; what it says wrongly is as if it did not say it. */
function from_fragment(fragment) {
  const said = new URLSearchParams(fragment);
  const task = Object.hasOwn(DATA.tasks, said.get('task') ?? '') ? said.get('task') : undefined;
  const settings = starting(task);
  for (const [name, choices] of Object.entries(CHOICES)) {
    if (Object.hasOwn(choices, said.get(name) ?? '')) settings[name] = said.get(name);
  }
  if (DECIMAL_YEAR.has(said.get('date'))) settings.date = said.get('date');
  for (const [name, [low, high]] of Object.entries(R)) {
    const text = said.get(name);
    if (text === 'never' && high === null) settings[name] = Infinity;
    else if (text && Number.isFinite(Number(text))) {
      settings[name] = clip(Number(text), low, high ?? 10);
    }
  }
  return settings;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A slider with its label, what it is set to, what that comes to, and a way back. */
function make_slider(name, changed) {
  const { label, scale, say } = SLIDERS[name];
  const input = element('input', {
    type: 'range', id: name, min: scale.first, max: scale.last, step: 1,
    'aria-describedby': `${name}-hint`,
    oninput: () => changed({ [name]: scale.at(Number(input.value)) }),
  });
  const output = element('output', { for: name, id: `${name}-value` });
  const hint = element('p', { class: 'hint', id: `${name}-hint` });
  const back = element('button', {
    type: 'button', class: 'back', hidden: '', 'aria-label': `Reset: ${label}`,
    onclick: () => {
      changed({ [name]: starting(document.getElementById('task').value)[name] });
      input.focus();
    },
  }, 'reset');
  const badge = element('span', { class: 'badge', hidden: '' }, 'overrides');
  const track = element('span', { class: 'track' }, input);
  const tick = element('span', { class: 'home', 'aria-hidden': 'true' });
  if (FACTORS.has(name)) track.prepend(tick);
  const row = element('div', { class: 'slider' },
    element('div', { class: 'head' }, element('label', { for: name }, label), output),
    track, element('div', { class: 'foot' }, badge, hint, back));
  function update(settings, said = '') {
    const overrides = overriding(settings).includes(name);
    const home = scale.of(starting(settings.task)[name]);
    input.value = scale.of(settings[name]);
    output.textContent = say(settings[name]);
    input.setAttribute('aria-valuetext', `${output.textContent}${overrides ? ', overrides the posterior' : ''}`);
    hint.textContent = said;
    row.classList.toggle('overrides', overrides);
    badge.hidden = back.hidden = !overrides;
    tick.style.setProperty('--at', (home - scale.first) / (scale.last - scale.first));
  }
  return { row, update };
}

/** A choice among names. */
function make_choice(name, label, choices, changed) {
  const select = element('select', { id: name, onchange: () => changed({ [name]: select.value }) });
  for (const [value, text] of Object.entries(choices)) {
    select.append(element('option', { value }, text));
  }
  const row = element('div', { class: 'choice' }, element('label', { for: name }, label), select);
  return { row, update: (settings) => { select.value = settings[name]; } };
}
