"""Scenarios per minute: a batch against a loop of `pm.sample`, and with 1, 2 and 4 processes.

The shipped base model, 4 chains of 1000 draws, one belief varied. The batch runs all checks and
seals every run; the loop builds each model and samples it with PyMC's own sampler. Both count from
the start of their process, with warm caches. So many processes have so many processors, and as
many scenarios each, so that one process uses one processor.
"""

import sys
import tempfile
from pathlib import Path

import measure
import samplers

PROCESSES = (1, 2, 4)
EACH = 8  # scenarios per process
LOOP = 4  # scenarios of the loop
EFFICIENT = 0.8


def varied(count: int) -> list[dict]:
    """Settings of scenarios that differ in a belief."""
    return [
        {"prior.rl_slope.quantiles": {"q05": round(5 + 3 * i / count, 4), "q95": 30}}
        for i in range(count)
    ]


def batch_file(path: Path, scenarios: list[dict], common: dict | None = None) -> Path:
    """A batch file of one axis with so many levels."""
    import tomli_w

    levels = [{"name": f"{i}", "set": each} for i, each in enumerate(scenarios)]
    about = {"name": "benchmark", "base": "base", "set": common or {}}
    path.write_text(tomli_w.dumps(about | {"axis": [{"name": "belief", "level": levels}]}), "utf-8")
    return path


def alone(count: int, quick: bool) -> dict:
    """The loop."""
    from simulator import load_scenario

    for settings in varied(count):
        scenario = load_scenario("base", settings)
        scenario = scenario.with_sampler(**(samplers.QUICK if quick else {}))
        sampler = scenario.sampler
        model = samplers.built(scenario)
        samplers.sampled(model, sampler, sampler.seed, nuts_sampler="pymc", cores=4)
    return {}


def loop(quick: bool) -> dict:
    count = 1 if quick else LOOP
    return _per_minute(measure.fresh(__file__, {"count": count, "quick": quick}), count)


def batch(jobs: int, quick: bool) -> dict:
    """A batch with so many processes on as many processors."""
    if measure.cores() < jobs:
        return {"skipped": f"there are {measure.cores()} processors"}
    count = jobs * (1 if quick else EACH)
    common = {f"sampler.{name}": n for name, n in samplers.QUICK.items()} if quick else {}
    with tempfile.TemporaryDirectory() as folder:
        file = batch_file(Path(folder, "batch.toml"), varied(count), common)
        words = ["batch", "run", file, "--into", Path(folder, "runs"), "--jobs", str(jobs)]
        found = measure.timed(measure.simulator(*words, "--json", cores=jobs), good=(0, 5))
    if "skipped" not in found and found["done"] != count:
        return {"skipped": f"{count - found['done']} of {count} could not be run"}
    return _per_minute(found, count)


def _per_minute(found: dict, count: int) -> dict:
    if "skipped" in found:
        return found
    return found | {"per_minute": 60 * count / found["wall"], "count": count}


def measured(options) -> dict:
    """Rows by way; how much faster the batch is, and how well processes are used."""
    ways = {"loop of pm.sample": lambda number: loop(options.quick)}
    names = {jobs: f"batch, {jobs} process{'es' if jobs > 1 else ''}" for jobs in PROCESSES}
    ways |= {name: lambda number, j=jobs: batch(j, options.quick) for jobs, name in names.items()}
    runs = measure.rounds(ways, options)
    rows, claims = [], []
    for name, each in runs.items():
        if why := measure.skipped(each):
            rows.append({"way": name, "skipped": why})
            continue
        row = {"way": name, "scenarios": each[0]["count"]}
        row |= {"per_minute": measure.middle(each, "per_minute")}
        if "peak_mb" in each[0]:
            row |= {"peak_mb": measure.middle(each, "peak_mb"), "failed": each[0]["failed"]}
        rows.append(row)
    most = max((j for j in PROCESSES if not measure.skipped(runs[names[j]])), default=PROCESSES[0])
    says, base = "scenarios per minute, against the loop", runs["loop of pm.sample"]
    if why := measure.skipped(base) or measure.skipped(runs[names[most]]):
        claims.append(measure.unmeasured(says, why, "at least 10x"))
    else:
        ratio = measure.ratio(runs[names[most]], base, "per_minute")
        claims.append(measure.at_least(says, ratio, 10))
    for jobs in PROCESSES[1:]:
        says = f"efficiency with {jobs} processes"
        if why := measure.skipped(runs[names[jobs]]) or measure.skipped(runs[names[1]]):
            claims.append(measure.unmeasured(says, why, f"at least {EFFICIENT:g}"))
            continue
        share = measure.ratio(runs[names[jobs]], runs[names[1]], "per_minute") / jobs
        claims.append(measure.at_least(says, share, EFFICIENT, unit=""))
    return {"part": "batch", "rows": rows, "claims": claims}


if __name__ == "__main__":
    sys.exit(measure.part(__doc__, measured, alone))
