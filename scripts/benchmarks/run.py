"""`run base` from a fresh process with warm caches, by stage, against `pm.sample` in a script.

The script builds the same model and samples it with the same settings, by the sampler that PyMC
takes of itself (nutpie, where it is installed) and by PyMC's own.
"""

import sys
import tempfile
from pathlib import Path

import measure
import samplers

COMMAND, DEFAULT, OWN = "simulator run base", "pm.sample, its default", "pm.sample, PyMC's own"


def alone(sampler: str | None, quick: bool) -> dict:
    """The script."""
    from simulator import load_scenario

    scenario = load_scenario("base").with_sampler(**(samplers.QUICK if quick else {}))
    settings = scenario.sampler
    samplers.sampled(samplers.built(scenario), settings, settings.seed, nuts_sampler=sampler)
    return {}


def command(quick: bool) -> dict:
    """The command: stages, from the record but for sealing and start, and the wall."""
    few = [f"--{name}={count}" for name, count in samplers.QUICK.items()] if quick else []
    with tempfile.TemporaryDirectory() as folder:
        words = measure.simulator("run", "base", "--into", folder, "--json", *few)
        found = measure.timed(words, good=(0, 3))
        if "skipped" in found:
            return found
        from simulator import open_run

        stages = dict(open_run(Path(found["path"])).seconds)
    stages["seal, start and end"] = found["wall"] - sum(stages.values())
    return {"wall": found["wall"], "stages": stages, "status": found["status"]}


def measured(options) -> dict:
    """Rows of stages and totals; the share of the script's time that the command takes."""

    def script(sampler: str | None) -> dict:
        return measure.fresh(__file__, {"sampler": sampler, "quick": options.quick})

    ways = {
        COMMAND: lambda number: command(options.quick),
        DEFAULT: lambda number: script(None),
        OWN: lambda number: script("pymc"),
    }
    runs = measure.rounds(ways, options)
    rows, claims = [], []
    if not measure.skipped(runs[COMMAND]):
        every = [run["stages"] for run in runs[COMMAND]]
        rows = [{"way": f"  {s}", "seconds": float(measure.middle(every, s))} for s in every[0]]
    for name, each in runs.items():
        if why := measure.skipped(each):
            rows.append({"way": name, "skipped": why})
            continue
        rows.append({"way": name, "seconds": measure.middle(each, "wall")})
    for name, goal in ((DEFAULT, 0.5), (OWN, 0.5)):
        says = f"time of {COMMAND}, against {name}"
        if why := measure.skipped(runs[COMMAND]) or measure.skipped(runs[name]):
            claims.append(measure.unmeasured(says, why, f"at most {goal:g}x"))
            continue
        share = measure.ratio(runs[COMMAND], runs[name], "wall")
        claims.append(measure.at_most(says, share, goal))
    return {"part": "run", "rows": rows, "claims": claims}


if __name__ == "__main__":
    sys.exit(measure.part(__doc__, measured, alone))
