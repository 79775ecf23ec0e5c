"""Measure the simulator against other ways to do the same.

Every PART is one of the claims about speed and about batches, and can be run alone; all of them
take hours. Ratios are of one run on one machine, medians of at least five rounds. It ends with
every claim, what was measured, the goal, and whether it is met; exit code 3 if one is not.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import measure

HERE = Path(__file__).parent
PARTS = ("batch", "samplers", "reweight", "forward", "run", "kill", "growth")
MISSING = "this checkout has no such part"


def options(words: list[str] | None = None) -> argparse.Namespace:
    """What is asked for; parts in their own order, each once."""
    parser = argparse.ArgumentParser(
        prog="benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    measure.add_options(parser)
    found = parser.parse_args(words)
    if odd := [name for name in found.parts if name not in PARTS]:
        parser.error(f"no such part: {', '.join(odd)}; there are {', '.join(PARTS)}")
    found.parts = [name for name in PARTS if name in found.parts or not found.parts]
    return found


def run(name: str, asked: argparse.Namespace) -> dict:
    """One part in a process of its own: what it found, or a claim that says why nothing."""
    file = HERE / f"{name}.py"
    if not file.exists():
        return broken(name, MISSING, met=None)
    words = [sys.executable, str(file), "--json", "--repeats", str(asked.repeats)]
    words += ["--quick"] * asked.quick
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, env=measure.environment())
    if done.returncode not in (0, measure.NOT_MET):
        return broken(name, f"ended with exit code {done.returncode}", met=False)
    found = json.loads(done.stdout)
    return {"part": name, "rows": found["rows"], "claims": claims(found)}


def broken(name: str, why: str, met: bool | None) -> dict:
    return {"part": name, "rows": [], "claims": [measure.claim(name, why, "runs", met)]}


def claims(found: dict) -> list[dict]:
    """The claims of a part; checks that hold both what was measured and the goal are claims too."""
    if "claims" in found:
        return found["claims"]
    return [measure.claim(says, "", "", passed) for says, passed in found["checks"].items()]


def summary(found: list[dict]) -> list[dict]:
    """All claims, each with its part."""
    return [{"part": each["part"], **one} for each in found for one in each["claims"]]


def main() -> int:
    asked = options()
    found = []
    for name in asked.parts:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found.append(run(name, asked))
        if not asked.json:
            print(f"\n{name}")
            measure.show(found[-1]["rows"])
    every = summary(found)
    if asked.json:
        print(json.dumps({"parts": found, "summary": every}, indent=1))
    else:
        measure.show_claims(every)
    return measure.exit_code(every)


if __name__ == "__main__":
    sys.exit(main())
