/* Arrays from text, quantiles, and numbers as people read them (simulator/units.py). */

/** @param {string} text base64 of little-endian bytes */
function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

const floats = (text) => Float64Array.from(new Float32Array(bytes(text).buffer));

/** Whole numbers in Rice's code: how often 2**low fits, in unary, and the rest in `low` bits. */
function integers({ low, size, text }) {
  const packed = bytes(text);
  let at = -1;
  const bit = () => { at += 1; return (packed[at >> 3] >> (at & 7)) & 1; };
  return new Uint32Array(size).map(() => {
    let value = 0;
    while (bit()) value += 1;
    value <<= low;
    for (let n = 0; n < low; n += 1) value |= bit() << n;
    return value;
  });
}

/**
 * The quantile of sorted draws, as simulator.summary takes it: infinite draws are larger than any
 * number, and between one and a finite draw there is nothing to interpolate.
 */
function quantile(sorted, p) {
  const n = sorted.length;
  if (!Number.isFinite(sorted[n - 1]) || !Number.isFinite(sorted[0])) {
    return sorted[Math.max(Math.ceil(n * p) - 1, 0)];
  }
  const at = (n - 1) * p;
  const low = Math.floor(at);
  const high = Math.min(low + 1, n - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** Share of sorted draws at or below x. */
function share_to(sorted, x) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low / sorted.length;
}

const WORDS = [[1e12, 'trillion'], [1e9, 'billion'], [1e6, 'million']];
const INFINITE = {
  'OOM': 'out of reach',
  'OOM USD': 'not there yet',
  'OOM uses': 'never',
  'years': 'never',
};

/** A value of a quantity with its unit; infinite ones in a word. */
function show(value, unit) {
  if (!Number.isFinite(value)) return INFINITE[unit];
  if (unit === 'OOM') return `${power(value)}x`;
  if (unit === 'OOM USD') return `$${power(value)}`;
  if (unit === 'OOM uses') return power(value).trimEnd();
  if (unit === 'years') return `${significant(value, 2)} y`;
  return `${significant(value, 2)}x`;
}

/** 10**oom to two digits, in words where it is large. */
function power(oom) {
  if (!(oom > -300 && oom < 15)) {
    return Math.abs(oom) < 1e4 ? `10^${oom.toFixed(1)}` : `10^(${exponential(oom, 1)})`;
  }
  const value = Number((10 ** oom).toExponential(1));
  for (const [size, word] of WORDS) {
    if (value >= size) return `${significant(value / size, 2)} ${word} `;
  }
  return significant(value, 2);
}

/** A number rounded to significant digits, with commas, never in exponents if avoidable. */
function significant(value, digits) {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const [mantissa, exponent] = value.toExponential(digits - 1).split('e');
  const magnitude = Number(exponent);
  if (magnitude < -5) return exponential(value, digits - 1);
  return grouped(Number(`${mantissa}e${exponent}`).toFixed(Math.max(digits - 1 - magnitude, 0)));
}

/** As Python writes exponents, of two digits at least. */
function exponential(value, digits) {
  return value.toExponential(digits).replace(/[+-]\d$/, (short) => `${short[0]}0${short[1]}`);
}

/** With commas between thousands. */
function grouped(text) {
  const [whole, part] = text.split('.');
  const commas = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return part === undefined ? commas : `${commas}.${part}`;
}

/** Decimal places that show every digit of a number. */
function places(value) {
  const [mantissa, exponent] = Number(value.toPrecision(12)).toExponential().split('e');
  return Math.max((mantissa.split('.')[1] ?? '').length - Number(exponent), 0);
}

/** An amount as someone set it: all of its digits. */
function exact(value) {
  if (value !== 0 && Math.abs(value) < 1e-6) return value.toExponential().replace(/\.0+e/, 'e');
  for (const [size, word] of WORDS) {
    if (value >= size) return `${grouped(String(value / size))} ${word}`;
  }
  return grouped(Number(value.toPrecision(12)).toFixed(places(value)));
}

/** So many times: 10,000x, 1 million x. */
const fold = (text) => (/[a-z]$/.test(text) ? `${text} x` : `${text}x`);

/** Dollars, with cents in full. */
const cents = (text) => `$${text.replace(/^(\d+\.\d)$/, '$10')}`;

/** A power of ten in full, for an axis. */
function round_power(oom) {
  return oom >= -6 && oom < 15 ? exact(Number((10 ** oom).toPrecision(1))) : `10^${oom}`;
}

/** A probability, no finer than the draws it is a share of allow. */
function percent(share, sorted) {
  if (sorted[0] === sorted.at(-1)) return `${100 * share}%`; // a constant
  const finest = 100 / sorted.length;
  if (share === 0) return `under ${significant(finest, 1)}%`;
  if (share === 1) return `over ${(100 - finest).toFixed(2)}%`;
  if (share > 0.995) return `${(100 * share).toFixed(1)}%`;
  return `${significant(100 * share, 2)}%`;
}

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August',
  'September', 'October', 'November', 'December'];

/** A decimal year as its month. */
function month(year) {
  const whole = Math.floor(year + 1e-9);
  const at = Math.min(Math.floor((year - whole) * 12 + 1e-6), 11);
  return `${MONTHS[Math.max(at, 0)]} ${whole}`;
}
