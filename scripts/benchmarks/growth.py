"""Ten, a hundred, a thousand scenarios: time for each, memory, and how fast they are looked at.

Cheap ones without evidence, of which a design varies two beliefs. Time linear, memory flat, and
`batch status` and `batch collect` done in seconds.
"""

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import measure

SIZES, QUICK = (10, 100, 1000), (4, 16)
LINEAR, FLAT, SECONDS = 1.2, 1.2, 10.0
LOOKS = {"status": ["status"], "collect": ["collect"]}


def batch_file(path: Path, points: int) -> Path:
    import tomli_w

    few = {"evidence.sources": "none", "sampler.draws": 50, "sampler.chains": 4}
    design = {
        "kind": "latin-hypercube",
        "points": points,
        "over": ["transfer_exponent", "cost_floor_fraction"],
    }
    about = {"name": "growth", "base": "base", "set": few, "design": design}
    path.write_text(tomli_w.dumps(about), "utf-8")
    return path


def grown(points: int) -> dict:
    """A batch of so many, then each way to look at it."""
    with tempfile.TemporaryDirectory() as folder:
        file, into = batch_file(Path(folder, "batch.toml"), points), Path(folder, "runs")
        words = measure.simulator("batch", "run", file, "--into", into, "--json")
        found = measure.timed(words, good=(0, 5))
        if "skipped" in found:
            return found
        if found["done"] != points:
            return {"skipped": f"{points - found['done']} of {points} could not be run"}
        found["each"] = found["wall"] / points
        found["looks"] = {name: _look(words, into) for name, words in LOOKS.items()}
    return {key: found[key] for key in ("wall", "each", "peak_mb", "looks")}


def _look(words: list[str], into: Path) -> dict:
    if find_spec("simulator.batch.collect") is None:
        return {"skipped": "this simulator does not collect"}
    return measure.timed(measure.simulator("batch", *words, into, "--json"))


def measured(options) -> dict:
    """Rows by size; claims about the largest against the next smaller."""
    sizes = QUICK if options.quick else SIZES
    ways = {f"{size:,}": lambda number, n=size: grown(n) for size in sizes}
    runs = measure.rounds(ways, options, warm=False)
    rows, claims = [], []
    for name, each in runs.items():
        row = {"scenarios": name}
        if why := measure.skipped(each):
            rows.append(row | {"skipped": why})
            continue
        row |= {key: measure.middle(each, key) for key in ("wall", "each", "peak_mb")}
        rows.append(row | {f"{look}_s": _seconds(each, look) for look in LOOKS})
    some, most = (runs[f"{size:,}"] for size in sizes[-2:])
    why = measure.skipped(some) or measure.skipped(most)
    pair = f"{sizes[-1]:,} scenarios against {sizes[-2]:,}"
    for says, key, goal in (("time of each", "each", LINEAR), ("memory", "peak_mb", FLAT)):
        says = f"{says}, {pair}"
        if why:
            claims.append(measure.unmeasured(says, why, f"at most {goal:g}x"))
        else:
            claims.append(measure.at_most(says, measure.ratio(most, some, key), goal))
    for look in LOOKS:
        says, goal = f"seconds of batch {look} on {sizes[-1]:,}", f"at most {SECONDS:g} s"
        missing = why or next((r["looks"][look].get("skipped") for r in most), "")
        if missing:
            claims.append(measure.unmeasured(says, missing, goal))
        else:
            claims.append(measure.at_most(says, _seconds(most, look), SECONDS, " s"))
    return {"part": "growth", "rows": rows, "claims": claims}


def _seconds(each: list[dict], look: str) -> float | None:
    looks = [run["looks"][look] for run in each]
    return None if measure.skipped(looks) else measure.middle(looks, "wall")


if __name__ == "__main__":
    sys.exit(measure.part(__doc__, measured))
