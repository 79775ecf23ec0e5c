"""A batch killed at random, again and again, and continued: complete, valid, nothing done twice.

Two hundred cheap scenarios, half without evidence, half with one small source, and a poison one
that cannot be run. The command is killed with SIGKILL, alone, with its workers, or only a worker,
after random times; then it is called once more. What comes out is compared with the same batch
done without interruption, number by number. Then a disk fills up: a small one in memory, where the
system lets one be mounted.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import batch
import measure

KILLS, SCENARIOS, QUICK = 20, 200, (2, 8)
POISON = {"prior.transfer_exponent.quantiles": {"q05": 0.9, "q95": 0.1}}
COMMON = {f"sampler.{name}": n for name, n in {"chains": 4, "draws": 20, "tune": 50}.items()}
VICTIMS = ("the command", "the command and its workers", "a worker")
DISK = 4, 64  # MB of the small disk, before and after it is made larger
SOME_FAILED, BAD_INPUT = 5, 2
DELAY = 2.0  # seconds, the longest between a scenario that is done and a kill


def scenarios(count: int) -> list[dict]:
    """Cheap ones and, last, the poison."""
    sources = ["none", ["openai-o1"]]
    cheap = [
        each | {"evidence.sources": sources[i % 2]} for i, each in enumerate(batch.varied(count))
    ]
    return [*cheap, POISON]


# --- killing --------------------------------------------------------------------------------------


def started(file: Path, into: Path) -> subprocess.Popen:
    words = measure.simulator("batch", "run", file, "--into", into)
    return subprocess.Popen(
        [*map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=measure.environment(),
    )  # fmt: skip


def children(process: subprocess.Popen) -> list[int]:
    """Process numbers of the workers that it started itself."""
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True)
    return [int(word) for word in found.stdout.split()]


def kill(process: subprocess.Popen, victim: str, rng: random.Random) -> bool:
    """Kill one's own; a worker's death is the command's to survive."""
    workers = children(process)
    if process.poll() is not None:
        return False
    if victim == "a worker":
        if not workers:
            return False
        os.kill(rng.choice(workers), signal.SIGKILL)
        return True
    process.kill()
    for worker in workers if victim != "the command" else ():
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    return True


def torment(file: Path, into: Path, kills: int, count: int) -> dict:
    """Kill so many times, then let it finish: counts by victim, and what changed that was done.

    Kills are spread over the `count` scenarios, each at a random time after one of them is done, or
    after the command has started where it was done before.
    """
    rng = random.Random(1)
    done, changed = dict.fromkeys(VICTIMS, 0), set()
    seen: dict[str, tuple] = {}
    process = started(file, into)
    for number in range(kills):
        while process.poll() is None and len(runs(into)) < number * count / (kills + 1):
            time.sleep(0.05)
        time.sleep(rng.uniform(0, DELAY))
        victim = rng.choice(VICTIMS)
        done[victim] += kill(process, victim, rng)
        if victim != "a worker":
            process.communicate()
            changed |= _changed(seen, into)
            process = started(file, into)
    process.communicate()
    if sum(done.values()):  # a killed worker's scenario is for the next call to make up for
        process = started(file, into)
        process.communicate()
    changed |= _changed(seen, into)
    return {"kills": done, "changed": sorted(changed), "code": process.returncode}


def _changed(seen: dict[str, tuple], into: Path) -> set[str]:
    """Runs that are no more what they were when they were first seen."""
    now = {}
    for path in into.glob("*/manifest.json"):
        found = path.stat()
        now[path.parent.name] = (found.st_ino, found.st_mtime_ns)
    different = {name for name, was in seen.items() if now.get(name) != was}
    seen |= now
    return different


# --- comparing ------------------------------------------------------------------------------------


def difference(one: Path, other: Path) -> str:
    """What differs between two runs of the same scenario, every byte of both proven; or nothing."""
    from simulator import open_run

    a, b = open_run(one), open_run(other)
    if not (a.draws.equals(b.draws) and a.forecast.equals(b.forecast)):
        return "draws"
    same = (a.rows, a.checks, a.beliefs) == (b.rows, b.checks, b.beliefs)
    return "" if same or repr(a.checks) == repr(b.checks) else "summaries"


def runs(into: Path) -> dict[str, Path]:
    from simulator import seal

    return {path.name: path for path in seal.sealed_in(into)}


def damaged(into: Path) -> list[str]:
    from simulator import open_run, seal

    found = []
    for name, path in runs(into).items():
        try:
            open_run(path)
        except seal.Damaged:
            found.append(name)
    return found


# --- a full disk ----------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path):
    """A disk in memory; yields how to enlarge it, or raises OSError where none can be mounted."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK[0]}m", "benchmark", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise OSError(done.stderr.strip())
    larger = ["mount", "-o", f"remount,size={DISK[1]}m", str(folder)]
    try:
        yield lambda: subprocess.run(larger, check=True, capture_output=True)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def full_disk(home: Path) -> list[dict]:
    """Claims about a batch whose disk fills up and is then made larger."""
    says = "a full disk stops with one line and loses nothing done", "and is continued"
    goal = "exit code 2, one line", "complete"
    file = batch.batch_file(home / "disk.toml", scenarios(20)[:-1], COMMON)
    disk = home / "disk"
    try:
        with small_disk(disk) as enlarge:
            into = disk / "runs"
            process = started(file, into)
            lines = [line for line in process.communicate()[1].splitlines() if line.strip()]
            before, bad = runs(into), damaged(into)
            seen: dict[str, tuple] = {}
            _changed(seen, into)
            met = process.returncode == BAD_INPUT and len(lines) == 1 and not bad
            print("\n".join(lines), file=sys.stderr)
            said = f"{process.returncode}, {len(lines)}; {len(before)} done, {len(bad)} damaged"
            first = measure.claim(says[0], said, goal[0], met)
            enlarge()
            process = started(file, into)
            process.communicate()
            count, lost = len(runs(into)), len(_changed(seen, into))
            met = process.returncode in (0, SOME_FAILED) and count == 20 and not lost
            again = measure.claim(says[1], f"{count} of 20, {lost} changed", goal[1], met)
            return [first, again]
    except OSError as error:
        return [measure.unmeasured(s, str(error), g) for s, g in zip(says, goal, strict=True)]


# --- all of it ------------------------------------------------------------------------------------


def measured(options) -> dict:
    """Rows of what was killed; claims of what was left."""
    kills, count = QUICK if options.quick else (KILLS, SCENARIOS)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        file = batch.batch_file(home / "batch.toml", scenarios(count), COMMON)
        whole, broken = home / "whole", home / "broken"
        words = measure.simulator("batch", "run", file, "--into", home / "warm", "--limit", "4")
        measure.timed(words, good=(0, SOME_FAILED))  # compiles what is missing
        started(file, whole).communicate()
        print("done without interruption", file=sys.stderr, flush=True)
        found = torment(file, broken, kills, count)
        expected, got = runs(whole), runs(broken)
        bad = damaged(broken)
        different = [
            name for name in expected.keys() & got.keys() - {*bad}
            if difference(expected[name], got[name])
        ]  # fmt: skip
        failures = [*(broken / "failures").glob("*.json")]
        left = [*broken.glob(".*.partial-*")]
        claims = [
            _exactly("complete", len(got), count),
            _exactly("runs that are damaged", len(bad), 0),
            _exactly("folders that are partial", len(left), 0),
            _exactly("runs done twice", len(found["changed"]) + len(got.keys() - expected), 0),
            _exactly("runs that differ from an uninterrupted batch", len(different), 0),
            _exactly("failures recorded: the poison's alone", len(failures), 1),
            _exactly("exit code of the last call", found["code"], SOME_FAILED),
            *full_disk(home),
        ]
    rows = [{"killed": victim, "times": times} for victim, times in found["kills"].items()]
    return {"part": "kill", "rows": rows, "claims": claims}


def _exactly(says: str, value: int, goal: int) -> dict:
    return measure.claim(says, f"{value}", f"{goal}", value == goal)


if __name__ == "__main__":
    sys.exit(measure.part(__doc__, measured))
