"""Make an environment of the checkout hold what a lock file lists.

setup.sh runs this with a suitable Python when the environment is missing or out of date: .venv, or
.venv-benchmark for the programs that benchmarks compare with. Only one process at a time gets to
work, the others wait for it. A copy of the installed lock is written into the environment last of
all: without that copy it counts as unfinished.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KIND, INSTALLER = sys.argv[1:]  # runtime, test or benchmark; pip or uv
ENVIRONMENT = ROOT / (".venv-benchmark" if KIND == "benchmark" else ".venv")
PYTHON = ENVIRONMENT / "bin" / "python"
LOG = ENVIRONMENT / "setup.log"
# Shows that it was made here; holds the SIMULATOR_PYTHON it was made for, or an empty line.
MARK = ENVIRONMENT / "simulator-python"
# Present while packages are added to an environment that is already in use.
ADDING = ENVIRONMENT / "adding"

RUNTIME_LOCK = ROOT / "scripts" / "requirements.lock"
# The other locks are supersets of the runtime lock.
OTHER_LOCKS = {
    kind: ROOT / "scripts" / f"requirements-{kind}.lock" for kind in ("test", "benchmark")
}

PLATFORMS = """\
The simulator's packages come ready-built for Linux (glibc 2.28 or later, x86-64 or arm64) and
macOS 15 or later on Apple silicon. Anything else is not supported."""


class SetupError(Exception):
    """Says what went wrong and what to do about it."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def installed(lock: Path) -> bool:
    """Whether the environment was completed from this very lock."""
    stamp = ENVIRONMENT / lock.name
    return stamp.is_file() and stamp.read_bytes() == lock.read_bytes()


def usable() -> bool:
    """Whether the environment has what a simulation needs."""
    asked = os.environ.get("SIMULATOR_PYTHON")
    return (
        os.access(PYTHON, os.X_OK)
        and installed(RUNTIME_LOCK)
        and (not asked or MARK.read_text() == f"{asked}\n")
    )


def run(command: list[str | Path], held: int) -> bool:
    """Run a command into the log; it holds on to the lock even if this process is killed."""
    with LOG.open("ab") as log:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[held],
            check=False,
        )
    return result.returncode == 0


def remove_environment() -> None:
    if not ENVIRONMENT.exists():
        return
    if not MARK.exists() and any(ENVIRONMENT.iterdir()):
        raise SetupError(f"{ENVIRONMENT} was made by something else. Move it away and run again.")
    # The stamps first, so that nobody takes the half-removed environment for a complete one.
    for lock in (RUNTIME_LOCK, *OTHER_LOCKS.values()):
        (ENVIRONMENT / lock.name).unlink(missing_ok=True)
    for entry in ENVIRONMENT.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry != MARK:
            entry.unlink()


def create_environment(with_pip: bool) -> None:
    ENVIRONMENT.mkdir(exist_ok=True)
    MARK.write_text(os.environ.get("SIMULATOR_PYTHON", "") + "\n")
    venv.EnvBuilder(symlinks=True, with_pip=with_pip).create(ENVIRONMENT)
    packages = sysconfig.get_path("purelib", "venv", vars={"base": str(ENVIRONMENT.resolve())})
    # A relative line, so that the checkout may be moved.
    checkout = os.path.relpath(ROOT, packages)
    Path(packages, "simulator-checkout.pth").write_text(f"{checkout}\n")


def install(lock: Path, held: int) -> None:
    demands: list[str | Path] = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    if INSTALLER == "uv":
        target: list[str | Path] = ["--python", PYTHON, "--compile-bytecode"]
        if run(["uv", "pip", "install", *target, *demands, "-r", lock], held):
            return
    # uv may have failed because only pip is configured for this network.
    pip: list[str | Path] = [PYTHON, "-I", "-m", "pip"]
    quiet = ["--disable-pip-version-check", "--no-input"]
    if not run([*pip, "--version"], held) and not run([PYTHON, "-I", "-m", "ensurepip"], held):
        raise SetupError(failure())
    if not run([*pip, "install", *quiet, *demands, "-r", lock], held):
        raise SetupError(failure())


def failure() -> str:
    text = LOG.read_text(errors="replace")
    lines = ["The packages could not be installed. The installer's last words:", ""]
    lines += [f"  {line}" for line in text.splitlines()[-12:]]
    lines += ["", f"The whole log is in {LOG}."]
    if "No matching distribution" in text or "no usable wheels" in text:
        lines.append(PLATFORMS)
    else:
        lines.append("Check the network and the free disk space, then run the command again.")
    return "\n".join(lines)


def stamp(lock: Path) -> None:
    partial = ENVIRONMENT / f"{lock.name}.partial"
    shutil.copyfile(lock, partial)
    partial.replace(ENVIRONMENT / lock.name)


def build(held: int) -> None:
    locks = [RUNTIME_LOCK] if KIND == "runtime" else [RUNTIME_LOCK, OTHER_LOCKS[KIND]]
    fresh = not usable()
    if not fresh and all(installed(lock) for lock in locks):
        return  # whoever held the lock before has done it
    say("Setting up (once, about a minute) ...")
    if fresh or ADDING.exists():
        remove_environment()
        create_environment(with_pip=INSTALLER != "uv")
    else:
        LOG.unlink(missing_ok=True)
        ADDING.touch()
    install(locks[-1], held)
    ADDING.unlink(missing_ok=True)
    for lock in locks:
        stamp(lock)


def main() -> int:
    try:
        with (ROOT / ".venv.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Waiting for another set-up of this checkout ...")
                fcntl.flock(lock, fcntl.LOCK_EX)
            build(lock.fileno())
    except SetupError as error:
        say(str(error))
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"The environment in {ENVIRONMENT} could not be made: {error}")
    except KeyboardInterrupt:
        say("Set-up interrupted. The next run starts it again.")
        return 130
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main())
