"""Forward simulation against plain NumPy, squigglepy, monaco and Squiggle, on one job.

`python scripts/benchmarks/forward.py [--quick] [--json] [--sizes 1e5,1e6,1e7] [--repeats 5]`. Each
way runs in a fresh process, one after another and round by round, and is timed from the first draw
to the 5, 50 and 95% quantiles; memory is the peak beyond what its imports take. squigglepy and
monaco are looked for in `--python` (default: this one), Squiggle in the node_modules of
`--squiggle`.

The job: a cost that is LogNormal with 5/95% at $1,000/$100,000 falls each year by a factor,
LogNormal with 5/95% at 5/10, whose excess over 1.3 shrinks each year by a share Uniform(0, 0.3):
its cost at the end of each of ten years; and the multiplier 100**(1/ratio), the ratio LogNormal
with 5/95% at 0.25/1.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

Z = 1.6448536269514722
YEARS, FLOOR, SHRINK = 10, 1.3, 0.3
COST, FACTOR, RATIO = (
    ((math.log(low) + math.log(high)) / 2, (math.log(high) - math.log(low)) / (2 * Z))
    for low, high in ((1e3, 1e5), (5, 10), (0.25, 1))
)
SHARES = (0.05, 0.5, 0.95)
NAMES = [*(f"cost_{year}" for year in range(1, YEARS + 1)), "multiplier"]
ALLOWED = 0.004  # relative error of a quantile

type Quantiles = dict[str, list[float]]


# --- ours: the engine of `simulator forecast` -----------------------------------------------------


def draw(chunk: int, count: int) -> dict:
    """The job for one chunk, in OOM; whole chunks always, so that fewer paths begin the same."""
    import numpy as np

    from simulator import chunks, streams

    rng = streams.stream(1, "forward", chunk)
    cost, excess, left, ratio = np.empty((4, chunks.SIZE))
    for out, (mu, sigma) in ((cost, COST), (excess, FACTOR), (ratio, RATIO)):
        rng.standard_normal(out=out)
        out *= sigma
        out += mu
    rng.random(out=left)
    left *= -SHRINK
    left += 1
    cost *= 1 / math.log(10)
    np.exp(excess, out=excess)
    excess -= FLOOR
    costs = np.empty((YEARS, chunks.SIZE))
    for now in costs:
        np.add(excess, FLOOR, out=now)
        np.log10(now, out=now)
        np.subtract(cost, now, out=now)
        cost = now
        excess *= left
    np.negative(ratio, out=ratio)
    np.exp(ratio, out=ratio)
    ratio *= 2
    return dict(zip(NAMES, (*costs, ratio), strict=True))


def ours(size: int, threads: int) -> Quantiles:
    from simulator.chunks import stream

    found = stream(draw, size, threads=threads)
    return {name: [found[name].quantile(p) for p in SHARES] for name in NAMES}


def exact(size: int) -> Quantiles:
    """The quantiles of the very same draws, all kept."""
    import numpy as np

    from simulator import chunks

    parts = [draw(chunk, 0) for chunk in range(-(-size // chunks.SIZE))]
    whole = {name: np.concatenate([part[name] for part in parts])[:size] for name in NAMES}
    return {n: np.quantile(x, SHARES, method="inverted_cdf").tolist() for n, x in whole.items()}


# --- theirs ---------------------------------------------------------------------------------------


def falling(cost, factor, left) -> list:
    """Costs by year, for whatever can be multiplied."""
    costs = []
    for _ in range(YEARS):
        cost = cost / factor
        costs.append(cost)
        factor = FLOOR + (factor - FLOOR) * left
    return costs


def in_oom(costs, multiplier) -> Quantiles:
    import numpy as np

    found = [np.log10(np.quantile(cost, SHARES)).tolist() for cost in costs]
    return dict(zip(NAMES, [*found, np.quantile(multiplier, SHARES).tolist()], strict=True))


def numpy_whole(size: int) -> Quantiles:
    import numpy as np

    rng = np.random.default_rng(1)
    cost, factor, ratio = (rng.lognormal(*of, size) for of in (COST, FACTOR, RATIO))
    left = 1 - rng.uniform(0, SHRINK, size)
    return in_oom(falling(cost, factor, left), 2 / ratio)


def squigglepy_arrays(size: int) -> Quantiles:
    import squigglepy as sq

    sq.set_seed(1)
    bounds = ((1e3, 1e5), (5, 10), (0.25, 1))
    cost, factor, ratio = (sq.sample(sq.lognorm(low, high), size) for low, high in bounds)
    left = 1 - sq.sample(sq.uniform(0, SHRINK), size)
    return in_oom(falling(cost, factor, left), 2 / ratio)


def squigglepy_function(size: int) -> Quantiles:
    import numpy as np
    import squigglepy as sq

    sq.set_seed(1)

    def path() -> list:
        cost, factor = sq.sample(sq.lognorm(1e3, 1e5)), sq.sample(sq.lognorm(5, 10))
        left, ratio = 1 - sq.sample(sq.uniform(0, SHRINK)), sq.sample(sq.lognorm(0.25, 1))
        return [*falling(cost, factor, left), 2 / ratio]

    *costs, multiplier = np.array(sq.sample(path, n=size)).T
    return in_oom(costs, multiplier)


def monaco(size: int) -> Quantiles:
    import warnings

    import monaco as mc
    import numpy as np
    from scipy.stats import lognorm, uniform

    warnings.simplefilter("ignore")

    def before(case) -> tuple:
        return tuple(case.invals[name].val for name in ("cost", "factor", "shrink", "ratio"))

    def after(case, *values) -> None:
        for name, value in zip(NAMES, values, strict=True):
            case.addOutVal(name, value)

    def run(cost, factor, shrink, ratio) -> tuple:
        return (*falling(cost, factor, 1 - shrink), 2 / ratio)

    functions = {"preprocess": before, "run": run, "postprocess": after}
    functions = {getattr(mc.SimFunctions, name.upper()): f for name, f in functions.items()}
    quiet = dict.fromkeys(("verbose", "savesimdata", "savecasedata", "firstcaseismedian"), False)
    sim = mc.Sim("job", size, functions, seed=1, singlethreaded=True, **quiet)
    for name, (mu, sigma) in (("cost", COST), ("factor", FACTOR), ("ratio", RATIO)):
        sim.addInVar(name=name, dist=lognorm, distkwargs={"s": sigma, "scale": math.exp(mu)})
    sim.addInVar(name="shrink", dist=uniform, distkwargs={"loc": 0, "scale": SHRINK})
    sim.runSim()
    *costs, multiplier = (np.array(sim.outvars[name].nums) for name in NAMES)
    return in_oom(costs, multiplier)


SQUIGGLE = """
import { createRequire } from "module";
import { pathToFileURL } from "url";
const [folder, size, years, names] = process.argv.slice(2);
const home = createRequire(folder + "/").resolve("@quri/squiggle-lang");
const { run } = await import(pathToFileURL(home));
const before = process.memoryUsage().rss / 1e6, since = performance.now();
const cpu = process.cpuUsage();
let code = `c0 = SampleSet.fromDist(1000 to 100000)
f1 = SampleSet.fromDist(5 to 10)
left = 1 - SampleSet.fromDist(uniform(0, 0.3))
m = 2 / SampleSet.fromDist(0.25 to 1)\n`;
for (let y = 1; y <= years; y++)
  code += `c${y} = c${y - 1} / f${y}\nf${y + 1} = 1.3 + (f${y} - 1.3) * left\n`;
const of = [...Array(+years).keys()].map((y) => `c${y + 1}`).concat("m");
code += "[" + of.map((x) => [0.05, 0.5, 0.95].map((p) => `quantile(${x}, ${p})`)).flat() + "]";
const environment = { sampleCount: +size, xyPointLength: 1000, seed: "1" };
const out = await run(code, { environment });
const result = out.result ?? out.getResult?.();
if (!result.ok) throw new Error(String(result.value));
const found = (result.value.result ?? result.value).asJS();
const seconds = (performance.now() - since) / 1000, quantiles = {};
const used = process.cpuUsage(cpu), cpu_seconds = (used.user + used.system) / 1e6;
names.split(",").forEach((name, i) => {
  const three = found.slice(3 * i, 3 * i + 3);
  quantiles[name] = name === "multiplier" ? three : three.map(Math.log10);
});
const peak_mb = process.resourceUsage().maxRSS / 1e3 - before;
console.log(JSON.stringify({ seconds, cpu_seconds, peak_mb, quantiles }));
"""

WAYS = {
    "simulator, 1 thread": lambda size: ours(size, 1),
    "simulator, 4 threads": lambda size: ours(size, 4),
    "NumPy, whole arrays": numpy_whole,
    "squigglepy, arrays": squigglepy_arrays,
    "squigglepy, function": squigglepy_function,
    "monaco": monaco,
}
MOST = {"squigglepy, function": 1e5, "monaco": 1e5, "Squiggle": 1e6}  # more would take hours
OURS, WHOLE = "simulator, 4 threads", "NumPy, whole arrays"


# --- one way, in a process of its own -------------------------------------------------------------


def peak_mb() -> float:
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def alone(way: str, size: int) -> dict:
    """Run one way here, after a small run that imports and warms all it uses."""
    run = {**WAYS, "exact": exact}[way]
    run(1000 if way not in MOST else 20)
    before, cpu, since = peak_mb(), time.process_time(), time.perf_counter()
    quantiles = run(size)
    seconds, cpu = time.perf_counter() - since, time.process_time() - cpu
    peak = peak_mb() - before
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak, "quantiles": quantiles}


def apart(way: str, size: int, options: argparse.Namespace) -> dict:
    """Run one way in a fresh process; `skipped` says why where it cannot be."""
    if size > MOST.get(way, math.inf):
        return {"skipped": f"slow; up to {MOST[way]:,.0f} paths only"}
    own = way.startswith("simulator") or way == "exact"
    words = [sys.executable if own else options.python, __file__, "--way", way, "--size", str(size)]
    text = None
    if way == "Squiggle":
        words = ["node", "--max-old-space-size=12000", "--input-type=module", "-"]
        words += [str(options.squiggle.resolve()), str(size), str(YEARS), ",".join(NAMES)]
        text = SQUIGGLE
    root = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    }
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, env=environment,
                              timeout=options.timeout, check=False)  # fmt: skip
    except FileNotFoundError:
        return {"skipped": f"there is no {words[0]}"}
    except subprocess.TimeoutExpired:
        return {"skipped": f"took more than {options.timeout:g} s"}
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "Error" in line] or ["it failed"]
        return {"skipped": said[-1].strip()}
    return json.loads(done.stdout.splitlines()[-1])


# --- all of them ----------------------------------------------------------------------------------


def benchmark(options: argparse.Namespace) -> dict:
    """Medians by size and way, their ratios to whole-array NumPy, and whether ours is exact."""
    table, checks = [], {}
    for size in options.sizes:
        ways = [*WAYS, "Squiggle"]
        runs: dict[str, list[dict]] = {way: [] for way in ways}
        for _ in range(options.repeats):
            for way in ways:
                if not any("skipped" in run for run in runs[way]):
                    runs[way].append(apart(way, size, options))
                    print(f"{size:.0e} {way}: {runs[way][-1].get('seconds')}", file=sys.stderr)
        whole = middle(runs[WHOLE], "seconds")
        for way in ways:
            row = {"size": size, "way": way, "runs": len(runs[way])}
            if "skipped" in runs[way][-1]:
                table.append(row | {"skipped": runs[way][-1]["skipped"]})
                continue
            row |= {key: middle(runs[way], key) for key in ("seconds", "cpu_seconds", "peak_mb")}
            row |= {"against_numpy": whole / row["seconds"]}
            table.append(row | {"off": off(runs[way][0], runs[WHOLE][0])})
        one, four = (runs[f"simulator, {n}"][0]["quantiles"] for n in ("1 thread", "4 threads"))
        checks[f"{size} the same for any number of threads"] = one == four
        if size <= 1e6:
            worst = off({"quantiles": four}, apart("exact", size, options))
            checks[f"{size} off exact by {100 * worst:.2g}%, at most {100 * ALLOWED:g}%"] = (
                worst < ALLOWED
            )
        peak = middle(runs[OURS], "peak_mb")
        checks[f"{size} peak {peak:.0f} MB, under 300"] = peak < 300
    for size, goal in ((1_000_000, 5), (10_000_000, 8)):
        for row in table:
            if (row["size"], row["way"]) == (size, OURS):
                ratio = row["against_numpy"]
                checks[f"{size} {ratio:.1f}x NumPy, at least {goal}x"] = ratio >= goal
    return {"benchmark": "forward", "cores": os.cpu_count(), "rows": table, "checks": checks}


def middle(runs: list[dict], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def off(one: dict, other: dict) -> float:
    """Largest relative difference of a quantile; quantiles are in OOM."""
    pairs = (
        (a, b)
        for n in NAMES
        for a, b in zip(one["quantiles"][n], other["quantiles"][n], strict=True)
    )
    return max(abs(10 ** (a - b) - 1) for a, b in pairs)


def show(found: dict) -> None:
    heads = f"{'seconds':>9}{'of CPU':>8}{'against NumPy':>15}{'peak MB':>9}{'off NumPy':>11}"
    print(f"{'paths':>10}  {'way':22}{heads}")
    for row in found["rows"]:
        start = f"{row['size']:>10,}  {row['way']:22}"
        if "skipped" in row:
            print(f"{start}skipped: {row['skipped']}")
            continue
        print(f"{start}{row['seconds']:9.3f}{row['cpu_seconds']:8.3f}{row['against_numpy']:14.3g}x{row['peak_mb']:9.0f}"
              f"{100 * row['off']:10.2g}%")  # fmt: skip
    for name, passed in found["checks"].items():
        print(f"{'passed' if passed else 'FAILED'}  {name}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of 1e5 only")
    parser.add_argument("--json", action="store_true", help="one object on stdout")
    parser.add_argument("--sizes", default="1e5,1e6,1e7", help="paths, with commas between")
    parser.add_argument("--repeats", type=int, default=5, help="rounds; medians are shown")
    parser.add_argument("--python", default=sys.executable, help="one with squigglepy and monaco")
    parser.add_argument("--squiggle", type=Path, default=Path.cwd(), help="above its node_modules")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one run")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(alone(options.way, options.size)))
        return 0
    options.sizes = [int(float(size)) for size in options.sizes.split(",")]
    if options.quick:
        options.sizes, options.repeats = [100_000], 1
    found = benchmark(options)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        show(found)
    return 0 if all(found["checks"].values()) else 3


if __name__ == "__main__":
    sys.exit(main())
