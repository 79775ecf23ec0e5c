"""What the parts of the benchmark share: fresh processes, interleaved rounds, medians, claims.

A part measures and returns rows, for a table, and claims. A claim is met, not met, or was not
measured (`met` is None), and then `measured` says why.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 5
NOT_MET = 3  # exit code
LINE = 120  # characters of a reason

type Found = dict[str, Any]
type Rows = Sequence[Found]
type Measure = Callable[[argparse.Namespace], Found]


# --- a part ---------------------------------------------------------------------------------------


def part(doc: str | None, measure: Measure, alone: Callable[..., Found] | None = None) -> int:
    """Run a part from the command line; `alone` is what `fresh` asks of a process of its own."""
    parser = argparse.ArgumentParser(description=(doc or "").split("\n\n")[0])
    add_options(parser)
    parser.add_argument("--alone", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if alone and options.alone is not None:
        print(json.dumps(alone(**options.alone)))
        return 0
    found = measure(options)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        show(found["rows"])
        show_claims(found["claims"])
    return exit_code(found["claims"])


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="one small round: does it work?")
    parser.add_argument("--repeats", type=_positive, default=REPEATS, help="rounds; medians count")
    parser.add_argument("--json", action="store_true", help="one object on stdout")


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def repeats(options: argparse.Namespace) -> int:
    return 1 if options.quick else options.repeats


def claim(says: str, measured: str, goal: str, met: bool | None) -> Found:
    return {"claim": says, "measured": measured, "goal": goal, "met": met}


def unmeasured(says: str, why: str, goal: str) -> Found:
    return claim(says, f"not measured: {why}", goal, None)


def at_least(says: str, value: float, goal: float, unit: str = "x") -> Found:
    return claim(says, f"{value:.3g}{unit}", f"at least {goal:g}{unit}", value >= goal)


def at_most(says: str, value: float, goal: float, unit: str = "x") -> Found:
    return claim(says, f"{value:.3g}{unit}", f"at most {goal:g}{unit}", value <= goal)


def exit_code(claims: Rows) -> int:
    return NOT_MET if any(claim["met"] is False for claim in claims) else 0


# --- processes ------------------------------------------------------------------------------------


def timed(words: Sequence[str | Path], good: Sequence[int] = (0,), **variables: str) -> Found:
    """Run a command that answers with JSON; its answer and `wall` seconds, or why it is `skipped`.

    A command with `good` exit code and no JSON answers nothing.
    """
    since = time.perf_counter()
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, env=environment(**variables)
    )
    wall = time.perf_counter() - since
    if done.returncode not in good:
        lines = done.stderr.strip().splitlines()
        said = [line for line in lines if "Error" in line] or lines
        return {"skipped": said[-1][:LINE] if said else f"exit code {done.returncode}"}
    begin = done.stdout.find("{")
    return (json.loads(done.stdout[begin:]) if begin >= 0 else {}) | {"wall": wall}


def fresh(file: str, about: Found, **variables: str) -> Found:
    """What `alone` of a part answers in a process of its own."""
    return timed([sys.executable, file, "--alone", json.dumps(about)], **variables)


def simulator(*words: str | Path, cores: int | None = None) -> list[str | Path]:
    """A command of the simulator, on so many processors where the system can bind it."""
    command = [sys.executable, "-P", "-m", "simulator", *words]
    if cores is None:
        return command
    return [sys.executable, "-c", BOUND, str(cores), *command]


BOUND = """
import os, sys
chosen = sorted(os.sched_getaffinity(0))[:int(sys.argv[1])]
os.sched_setaffinity(0, chosen)
os.execv(sys.argv[2], sys.argv[2:])
"""


def environment(**variables: str) -> dict[str, str]:
    """This process's own, with the simulator of this checkout."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | variables


def cores() -> int:
    known = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1


# --- rounds ---------------------------------------------------------------------------------------


def rounds(
    ways: Mapping[str, Callable[[int], Found]], options: argparse.Namespace, warm: bool = True
) -> dict[str, list[Found]]:
    """Every way in every round, one after another; a way that is skipped once is left out.

    Where caches have to be `warm`, a round that does not count goes first.
    """
    found: dict[str, list[Found]] = {name: [] for name in ways}
    counted = range(1, repeats(options) + 1)
    for number in counted if options.quick or not warm else [0, *counted]:
        for name, way in ways.items():
            if any("skipped" in run for run in found[name]):
                continue
            since = time.perf_counter()
            run = way(number)
            said = run.get("skipped", f"{time.perf_counter() - since:.1f} s")
            print(f"round {number}, {name}: {said}", file=sys.stderr, flush=True)
            if number or "skipped" in run:
                found[name].append(run)
    return found


def skipped(runs: Rows) -> str:
    """Why a way was not measured, if so."""
    return next((run["skipped"] for run in runs if "skipped" in run), "")


def middle(runs: Rows, key: str) -> float:
    return statistics.median(run[key] for run in runs)


def ratio(above: Rows, below: Rows, key: str) -> float:
    """The median of the ratios within each round."""
    pairs = zip(above, below, strict=True)
    return statistics.median(one[key] / other[key] for one, other in pairs)


# --- tables ---------------------------------------------------------------------------------------


def show(rows: Rows) -> None:
    """A plain table: columns are the keys of all rows, in order; a reason takes the rest."""
    if not rows:
        return
    heads = list(dict.fromkeys(key for row in rows for key in row if key != "skipped"))
    cells = [[_cell(row.get(head)) for head in heads] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for row, line in zip([{}, *rows], [heads, *cells], strict=True):
        text = "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print(f"{text.rstrip()}  skipped: {row['skipped']}" if "skipped" in row else text.rstrip())


def show_claims(claims: Rows) -> None:
    """One line for each claim: what was claimed, measured, asked for, and whether it holds."""
    words = {True: "met", False: "NOT MET", None: "-"}
    print()
    show([claim | {"met": words[claim["met"]]} for claim in claims])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.4g}" if isinstance(value, float) else f"{value}"
