/*
 * How the cost of a task falls at every path (simulator/forecast/costs.py and staircase.py); from
 * the run's horizon on by records of explore/beyond.py.
 */

const MOST = 1024; // records of a path that are drawn one by one, as in explore/beyond.py

/** How a cost is expected to fall, at every path; ages are years from debut. */
class Decline {
  /**
   * @param task ages in years; `rate` in OOM per year at debut, one per path
   * @param of_paths what all tasks share, one per path
   */
  constructor(task, of_paths, settings) {
    const { today_age, horizon_age } = task;
    const ageing_years = of_paths.decline_ageing_years;
    const remaining = of_paths.decline_remaining_fraction;
    const half_life_years = half_lives(of_paths, settings);
    const rate = task.rate.map((x, i) => x * settings.decline_rate_factor
      * 0.5 ** (task.waited_years / half_life_years[i]));
    Object.assign(this, { today_age, horizon_age, ageing_years, remaining, half_life_years, rate });
    // what does not depend on the age, once for each path
    this.by_today = rate.map((x, i) => x * ageing(today_age, ageing_years[i], remaining[i]));
    this.lasting = rate.map((x, i) => x * remaining[i]);
    this.fading = rate.map((x, i) => (x - this.lasting[i]) * Math.exp(-today_age / ageing_years[i]));
    this.faded_years = half_life_years.map((x, i) => 1 / (1 / x + 1 / (Math.LN2 * ageing_years[i])));
    this.by_horizon = rate.map((_, i) => this.expected(horizon_age, i));
  }

  /** Expected fall in OOM of path i from debut to an age: fallen_oom of simulator/equations.py. */
  expected(age, i) {
    const ahead = age - this.today_age;
    if (ahead <= 0) return this.rate[i] * ageing(age, this.ageing_years[i], this.remaining[i]);
    return this.by_today[i] + this.lasting[i] * slowed_years(ahead, this.half_life_years[i])
      + this.fading[i] * slowed_years(ahead, this.faded_years[i]);
  }

  /** The age up to the horizon by which the expected fall is so large; infinite if none is. */
  age_of(fallen, i) {
    if (!(fallen > 0)) return Number.isNaN(fallen) ? Infinity : 0;
    if (this.by_horizon[i] < fallen) return Infinity;
    let [low, high, below, above] = [0, this.horizon_age, 0, this.by_horizon[i]];
    for (let halvings = 0; halvings < 12; halvings += 1) { // days; a line between them: minutes
      const middle = (low + high) / 2;
      const there = this.expected(middle, i);
      if (there < fallen) [low, below] = [middle, there];
      else [high, above] = [middle, there];
    }
    return low + ((high - low) * (fallen - below)) / (above - below);
  }
}

/** Years in which the rates of each path halve from today on. */
function half_lives(of_paths, settings) {
  const factor = settings.half_life_factor;
  return of_paths.slowdown_half_life_years.map((x) => (factor === Infinity ? Infinity : x * factor));
}

/** What a trend and a staircase share; `fallen(age, i)` is theirs. */
class Path {
  /** @param {number} cost_oom_usd of the task at the age for which it is stated */
  constructor(task, of_paths, settings, cost_oom_usd) {
    this.task = task;
    this.decline = new Decline(task, of_paths, settings);
    const { priced_age, today_age, rate } = task;
    this.start = rate.map((_, i) => cost_oom_usd + this.fallen(priced_age, i));
    this.floor = this.start.map((x, i) => x - this.fallen(today_age, i) + of_paths.floor_oom[i]);
  }

  /** Cost in OOM USD at an age, of every path; infinite before debut. */
  cost(age) {
    if (age < 0) return this.start.map(() => Infinity);
    return this.start.map((start, i) => Math.max(start - this.fallen(age, i), this.floor[i]));
  }
}

/** A cost that falls as expected, smoothly. */
class Trend extends Path {
  fallen(age, i) {
    return this.decline.expected(age, i);
  }

  /** Age at which the cost first is at the threshold (OOM USD) or below; may be infinite. */
  first_age(threshold) {
    return this.start.map((start, i) => {
      if (start <= threshold) return 0;
      if (this.floor[i] > threshold + 1e-12) return Infinity;
      return this.decline.age_of(start - threshold, i);
    });
  }
}

/** A cost that falls by records, each where the expected fall reaches so much. */
class Staircase extends Path {
  fallen(age, i) {
    const { reach, fallen, first } = this.task;
    const now = this.decline.expected(age, i);
    let low = first[i];
    let high = first[i + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (reach[middle] <= now) low = middle + 1;
      else high = middle;
    }
    return low === first[i] ? 0 : fallen[low - 1];
  }

  first_age(threshold) {
    const { reach, fallen, first } = this.task;
    return this.start.map((start, i) => {
      if (start <= threshold) return 0;
      if (this.floor[i] > threshold + 1e-12) return Infinity;
      for (let record = first[i]; record < first[i + 1]; record += 1) {
        if (start - fallen[record] <= threshold + 1e-12) {
          return this.decline.age_of(reach[record], i);
        }
      }
      return Infinity;
    });
  }
}

/** A task with its arrays read; `first[i]` is the place of the first record of path i. */
function read_task(task, of_paths, numbers) {
  const read = { ...task, rate: floats(task.rate) };
  if (task.reach === undefined) return read;
  return Object.assign(read, records(read, of_paths, numbers));
}

/** The run's own records of each path, and others up to the fastest decline or the lowest floor. */
function records(task, of_paths, numbers) {
  const [count, waits, falls] = [task.count, task.reach, task.fallen].map(integers);
  const own = new Decline(task, of_paths, { decline_rate_factor: 1, half_life_factor: 1 });
  const fast = new Decline(task, of_paths, {
    decline_rate_factor: DATA.ranges.decline_rate_factor[1], half_life_factor: Infinity,
  });
  const [first, reach, fallen] = [[0], [], []];
  let next = 0;
  count.forEach((more, i) => {
    const drop = of_paths.record_drop_oom[i] * (task.real ? of_paths.transfer_exponent[i] : 1);
    const stated = fast.expected(Math.max(task.today_age, task.priced_age), i);
    let [expected, so_far, deepest] = [0, 0, -of_paths.floor_oom[i]];
    const add = () => {
      reach.push(expected);
      fallen.push(so_far);
      if (expected <= stated) deepest = so_far - of_paths.floor_oom[i];
    };
    for (const end = next + more; next < end; next += 1) {
      expected += waits[next] / DATA.draws.per_oom;
      so_far += falls[next] / DATA.draws.per_oom;
      add();
    }
    expected = own.by_horizon[i];
    const ahead = (fast.by_horizon[i] - expected) / drop;
    const larger = Math.max(Math.ceil(ahead / MOST), 1) * drop;
    for (let n = 0; ; n += 2) {
      expected += larger * standard_exponential(task.key, numbers[i], n);
      if (expected > fast.by_horizon[i] || (expected > stated && so_far >= deepest)) break;
      so_far += larger * standard_exponential(task.key, numbers[i], n + 1);
      add();
    }
    first.push(reach.length);
  });
  return { first, reach: Float64Array.from(reach), fallen: Float64Array.from(fallen) };
}

/** A standard exponential by path and number, as good as random. */
function standard_exponential(key, path, number) {
  return -Math.log((mixed(mixed(key + path) + number) + 0.5) / 2 ** 32);
}

/** A hash of 32 bits with little bias: lowbias32 of hash-prospector, in the public domain. */
function mixed(number) {
  let x = number >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0xd35a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
