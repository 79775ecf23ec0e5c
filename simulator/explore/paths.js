/* How the cost of a task falls at every path (simulator/forecast/costs.py and staircase.py). */

/** How a cost is expected to fall, at every path; ages are years from debut. */
class Decline {
  /**
   * @param task ages in years; `rate` in OOM per year at debut, one per path
   * @param of_paths what all tasks share, one per path
   */
  constructor(task, of_paths, settings) {
    Object.assign(this, {
      today_age: task.today_age,
      priced_age: task.priced_age,
      horizon_age: task.horizon_age,
      ageing_years: of_paths.decline_ageing_years,
      remaining_fraction: of_paths.decline_remaining_fraction,
      floor_oom: of_paths.floor_oom,
      half_life_years: half_lives(of_paths, settings),
    });
    this.rate = task.rate.map((rate, i) => rate * settings.decline_rate_factor
      * 0.5 ** (task.waited_years / this.half_life_years[i]));
  }

  /** Expected fall in OOM of path i from debut to an age. */
  expected(age, i) {
    return fallen_oom(age, this.today_age, this.rate[i], this.ageing_years[i],
      this.remaining_fraction[i], this.half_life_years[i]);
  }

  /** The age up to the horizon by which the expected fall is so large; infinite if none is. */
  age_of(fallen, i) {
    if (!(fallen > 0)) return Number.isNaN(fallen) ? Infinity : 0;
    if (this.expected(this.horizon_age, i) < fallen) return Infinity;
    let low = 0;
    let high = this.horizon_age;
    for (let halvings = 0; halvings < 45; halvings += 1) {
      const middle = (low + high) / 2;
      if (this.expected(middle, i) < fallen) low = middle;
      else high = middle;
    }
    return high;
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
    const { priced_age, today_age, floor_oom } = this.decline;
    this.start = task.rate.map((_, i) => cost_oom_usd + this.fallen(priced_age, i));
    this.floor = this.start.map((x, i) => x - this.fallen(today_age, i) + floor_oom[i]);
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

/** A cost that falls by records, each at a time of the clock on which they come once a unit. */
class Staircase extends Path {
  fallen(age, i) {
    const { drop, clock, fallen, first } = this.task;
    const now = this.decline.expected(age, i) / drop[i];
    let low = first[i];
    let high = first[i + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (clock[middle] <= now) low = middle + 1;
      else high = middle;
    }
    return low === first[i] ? 0 : fallen[low - 1];
  }

  first_age(threshold) {
    const { drop, clock, fallen, first } = this.task;
    return this.start.map((start, i) => {
      if (start <= threshold) return 0;
      if (this.floor[i] > threshold + 1e-12) return Infinity;
      for (let record = first[i]; record < first[i + 1]; record += 1) {
        if (start - fallen[record] <= threshold + 1e-12) {
          return this.decline.age_of(clock[record] * drop[i], i);
        }
      }
      return Infinity;
    });
  }
}

/** A task with its arrays read; `first[i]` is the place of the first record of path i. */
function read_task(task) {
  const read = { ...task, rate: floats(task.rate) };
  if (task.clock === undefined) return read;
  const count = counts(task.count);
  const first = new Uint32Array(count.length + 1);
  count.forEach((records, i) => { first[i + 1] = first[i] + records; });
  return Object.assign(read, {
    first, drop: floats(task.drop), clock: floats(task.clock), fallen: floats(task.fallen),
  });
}
