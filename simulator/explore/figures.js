/* Figures as SVG, drawn anew at every change; colours and type are in page.css. */

const MARGIN = { left: 74, right: 14, top: 12, bottom: 36 };

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const classed = (name, how) => ({ class: name, ...how });
const line = (points) => points.map(([x, y], n) => `${n ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

/** An empty plot of this size in pixels: its scales from data to pixels, and its element. */
function plot(into, said, height, x, y) {
  const width = Math.max(into.clientWidth, 260);
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const element = svg('svg', {
    viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': said,
  });
  const to = ([low, high], start, end) => (value) => (
    start + ((clip(value, low, high) - low) / (high - low)) * (end - start));
  into.replaceChildren(element);
  return {
    element, right, bottom, width, x: to(x, MARGIN.left, right), y: to(y, bottom, MARGIN.top),
  };
}

/** Whole powers of ten in a range, at most `most` of them, evenly spaced. */
function decades([low, high], most) {
  const step = Math.max(Math.ceil((high - low) / most), 1);
  const first = Math.ceil(low / step) * step;
  return Array.from({ length: Math.floor((high - first) / step) + 1 }, (_, n) => first + n * step);
}

function x_axis(on, ticks, title) {
  for (const [value, text] of ticks) {
    const x = on.x(value);
    const last = x > on.right - 4 * text.length;
    on.element.append(
      svg('line', classed('grid', { x1: x, x2: x, y1: MARGIN.top, y2: on.bottom })),
      svg('text', classed('tick', {
        x: last ? on.width : x, y: on.bottom + 15, 'text-anchor': last ? 'end' : 'middle',
      }), text),
    );
  }
  const middle = (MARGIN.left + on.right) / 2;
  on.element.append(
    svg('text', classed('title', { x: middle, y: on.bottom + 31, 'text-anchor': 'middle' }), title),
  );
}

function y_axis(on, ticks) {
  for (const [value, text] of ticks) {
    const y = on.y(value);
    on.element.append(
      svg('line', classed('grid', { x1: MARGIN.left, x2: on.right, y1: y, y2: y })),
      svg('text', classed('tick', { x: MARGIN.left - 7, y: y + 4, 'text-anchor': 'end' }), text),
    );
  }
}

const PERCENT = [0, 0.25, 0.5, 0.75, 1].map((share) => [share, `${100 * share}%`]);

/** A vertical mark with words beside it, kept inside the plot. */
function mark_x(on, value, words, kind, level = 0) {
  const x = on.x(value);
  const left = x > (MARGIN.left + on.right) / 2;
  const at = { x: x + (left ? -5 : 5), y: MARGIN.top + 12 + 15 * level };
  on.element.append(
    svg('line', classed(`mark ${kind}`, { x1: x, x2: x, y1: MARGIN.top, y2: on.bottom })),
    svg('text', classed(`words ${kind}`, { ...at, 'text-anchor': left ? 'end' : 'start' }), words),
  );
}

/** A range of OOM that holds the middle of all these sorted draws, in whole decades. */
function decades_of(all, more = []) {
  const ends = all.map((sorted) => sorted.filter(Number.isFinite)).filter((draws) => draws.length)
    .flatMap((draws) => [quantile(draws, 0.02), quantile(draws, 0.98)]).concat(more);
  if (!ends.length) return [0, 2];
  const low = Math.floor(Math.min(...ends));
  const high = Math.ceil(Math.max(...ends));
  return high < low + 2 ? [low - 1, low + 1] : [low, high];
}

/**
 * The probability that a quantity exceeds (or, with `below`, is at most) a value, over a log axis.
 * @param series [{ sorted, kind }], later ones on top; the last gets its intervals underneath
 */
function exceedance(into, series, { said, title, tick, never, marks = [], below = false }) {
  const range = decades_of(series.map((one) => one.sorted), marks.map((mark) => mark.oom));
  const on = plot(into, said, 250, range, [0, 1]);
  const most = Math.max(Math.floor((on.right - MARGIN.left) / 95), 2);
  x_axis(on, decades(range, most).map((oom) => [oom, tick(oom)]), title);
  y_axis(on, PERCENT);
  for (const { sorted, kind } of series) {
    const points = Array.from({ length: 241 }, (_, n) => {
      const oom = range[0] + ((range[1] - range[0]) * n) / 240;
      const share = share_to(sorted, oom);
      return [on.x(oom), on.y(below ? share : 1 - share)];
    });
    on.element.append(svg('path', classed(`curve ${kind}`, { d: line(points) })));
  }
  interval(on, series.at(-1));
  plateau(on, series.at(-1), never, below);
  marks.forEach(({ oom, words, kind }, n) => mark_x(on, oom, words, kind, n));
}

/** How likely it is that no number is enough, where the curve ends. */
function plateau(on, { sorted, kind }, never, below) {
  const share = 1 - share_to(sorted, Number.MAX_VALUE);
  if (share < 0.005) return;
  const y = below ? on.y(1 - share) + 17 : on.y(share) - 7;
  on.element.append(svg('text', classed(`words ${kind}`, {
    x: on.right - 4, y: clip(y, MARGIN.top + 28, on.bottom - 16), 'text-anchor': 'end',
  }), `${never}: ${percent(share, sorted)}`));
}

/** 90% and 50% intervals and the median as bars along the foot of a plot. */
function interval(on, { sorted, kind }) {
  const y = on.bottom - 7;
  for (const [low, high, name] of [[0.05, 0.95, 'wide'], [0.25, 0.75, 'half']]) {
    const [x1, x2] = [low, high].map((p) => on.x(quantile(sorted, p)));
    on.element.append(svg('line', classed(`interval ${name} ${kind}`, { x1, x2, y1: y, y2: y })));
  }
  const middle = quantile(sorted, 0.5);
  if (!Number.isFinite(middle)) return;
  on.element.append(svg('circle', classed(`median ${kind}`, { cx: on.x(middle), cy: y, r: 4 })));
}

/** Years along the foot, not more than fit. */
function years(on, from, to) {
  const room = Math.max(Math.floor((on.right - MARGIN.left) / 52), 2);
  const step = [1, 2, 5, 10, 20, 50].find((size) => (to - from) / size <= room);
  const first = Math.ceil(from / step) * step;
  const count = Math.floor((to - first) / step) + 1;
  return Array.from({ length: count }, (_, n) => [first + n * step, String(first + n * step)]);
}

/** Bands of 50, 80 and 90% of a cost over the years, with a threshold and a date. */
function fan_chart(into, now, before, { said, threshold, words, date, kind }) {
  const finite = now.fan.concat(before ? before.fan : []).flatMap((at) => at.quantiles)
    .concat(threshold).filter(Number.isFinite);
  const range = [Math.floor(Math.min(...finite)), Math.ceil(Math.max(...finite) + 0.05)];
  const [from, to] = [DATA.today, now.fan.at(-1).year];
  const on = plot(into, said, 290, [from, to], range);
  x_axis(on, years(on, from, to), 'year');
  y_axis(on, decades(range, 6).map((oom) => [oom, cents(round_power(oom))]));
  const last = LEVELS.length - 1;
  for (const [n, name] of [[0, 'b90'], [1, 'b80'], [2, 'b50']]) {
    const low = now.fan.map((at) => [on.x(at.year), on.y(at.quantiles[n])]);
    const high = now.fan.map((at) => [on.x(at.year), on.y(at.quantiles[last - n])]);
    on.element.append(
      svg('path', classed(`band ${name} ${kind}`, { d: `${line(low.concat(high.reverse()))}Z` })),
    );
  }
  const medians = (fan) => line(fan.map((at) => [on.x(at.year), on.y(at.quantiles[3])]));
  if (before) on.element.append(svg('path', classed('curve posterior', { d: medians(before.fan) })));
  on.element.append(svg('path', classed(`curve ${kind}`, { d: medians(now.fan) })));
  const y = on.y(threshold);
  const above = y > MARGIN.top + 24;
  on.element.append(
    svg('line', classed('mark asked', { x1: MARGIN.left, x2: on.right, y1: y, y2: y })),
    svg('text', classed('words asked', {
      x: on.right - 4, y: above ? y - 5 : y + 14, 'text-anchor': 'end',
    }), `threshold ${words}`),
  );
  mark_x(on, date, month(date), 'asked');
}

/** The probability that a threshold has been reached, over the years. */
function reached_chart(into, series, { said, from, to, debut, date, share }) {
  const on = plot(into, said, 220, [from, to], [0, 1]);
  x_axis(on, years(on, from, to), 'year');
  y_axis(on, PERCENT);
  for (const { sorted, kind } of series) {
    const points = Array.from({ length: 201 }, (_, n) => {
      const year = from + ((to - from) * n) / 200;
      return [on.x(year), on.y(share_to(sorted, year - debut))];
    });
    on.element.append(svg('path', classed(`curve ${kind}`, { d: line(points) })));
  }
  mark_x(on, date, month(date), 'asked');
  on.element.append(
    svg('circle', classed(`median ${series.at(-1).kind}`, { cx: on.x(date), cy: on.y(share), r: 4 })),
  );
}
