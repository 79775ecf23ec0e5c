"""The shell scripts that set up the environment, tried on copies and without a network."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "scripts"
SHELL_SCRIPTS = ["simulate", "test", "benchmark", "calibrate", "setup.sh", "lock"]
LOCKS = ["requirements.lock", "requirements-test.lock"]
BENCHMARK_LOCK = "requirements-benchmark.lock"
ALL_LOCKS = [*LOCKS, BENCHMARK_LOCK]
TOOLS = ["sh", "cat", "cmp", "dirname", "readlink", "printf", "env"]
SYSTEM_PLACES = ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/opt;", "/Library/Frameworks/"]


@pytest.fixture
def checkout(tmp_path):
    """A copy of scripts/ that finds no Python but those a test puts in its way."""
    copy = tmp_path / "a check out"
    shutil.copytree(SCRIPTS, copy / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    setup = copy / "scripts" / "setup.sh"
    text = setup.read_text()
    for place in SYSTEM_PLACES:
        assert place in text
        text = re.sub(rf"(?<![\w/]){re.escape(place)}", f"/nonexistent{place}", text)
    setup.write_text(text)
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tools / tool).symlink_to(found)
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    return copy


def call(checkout, script, *arguments, path="", **variables):
    """Run a script from another folder, with nothing inherited from this process."""
    outside = checkout.parent
    return subprocess.run(
        ["/bin/sh", script, *arguments],
        cwd=outside / "elsewhere",
        env={"PATH": f"{path}{outside / 'tools'}", "HOME": str(outside / "home"), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def program(path, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def fake_python(path):
    """A Python that passes the probe, and shows what it is told to run instead of running it."""
    return program(path, f'case $2 in -c) echo "ok {path}" ;; *) echo "$0 runs" "$@" ;; esac')


def fake_environment(checkout, *locks, name=".venv"):
    """An environment that is complete as far as the given locks go."""
    environment = checkout / name
    program(environment / "bin" / "python", r'printf "%s\n" "$PWD" "$@"')
    for lock in locks:
        shutil.copyfile(checkout / "scripts" / lock, environment / lock)
    (environment / "simulator-python").write_text("\n")


@pytest.mark.parametrize("name", SHELL_SCRIPTS)
def test_shell_syntax(name):
    subprocess.run(["/bin/sh", "-n", SCRIPTS / name], check=True)


@pytest.mark.parametrize("name", ["simulate", "test", "benchmark", "lock"])
def test_scripts_are_executable(name):
    assert os.access(SCRIPTS / name, os.X_OK)


@pytest.mark.parametrize("script", ["simulate", "test"])
def test_without_a_python_it_says_what_to_install(checkout, script):
    result = call(checkout, checkout / "scripts" / script)
    assert result.returncode == 2
    assert result.stdout == ""
    for hint in ["3.12", "apt install", "brew install", "pyenv install", "uv python install"]:
        assert hint in result.stderr
    assert not (checkout / ".venv").exists()


def test_an_unsuitable_python_is_named_with_the_reason(checkout):
    old = program(checkout.parent / "old" / "python3", "echo no Python 3.11")
    broken = program(checkout.parent / "old" / "python3.12", "exit 127")
    result = call(checkout, checkout / "scripts" / "simulate", path=f"{old.parent}:")
    assert result.returncode == 2
    assert f"{old}: Python 3.11" in result.stderr
    assert f"{broken}: does not run" in result.stderr


@pytest.mark.parametrize("minor", ["3.12", "3.13", "3.14"])
def test_a_python_behind_failing_shims_is_found(checkout, minor):
    pyenv = checkout.parent / "py env"
    program(pyenv / "shims" / f"python{minor}", "exit 127")
    real = fake_python(pyenv / "versions" / f"{minor}.1" / "bin" / f"python{minor}")
    result = call(checkout, checkout / "scripts" / "simulate", path=f"{pyenv / 'shims'}:")
    assert f"{real} runs -I {checkout}/scripts/build_environment.py runtime pip" in result.stderr


@pytest.mark.parametrize(
    ("place", "variable"),
    [
        ("home/.pyenv/versions/3.12.4/bin", None),
        ("home/.local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin", None),
        ("data/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin", ("XDG_DATA_HOME", "data")),
        ("root/versions/3.12.4/bin", ("PYENV_ROOT", "root")),
    ],
)
def test_a_python_outside_path_is_found(checkout, place, variable):
    outside = checkout.parent
    real = fake_python(outside / place / "python3.12")
    variables = {variable[0]: str(outside / variable[1])} if variable else {}
    result = call(checkout, checkout / "scripts" / "test", **variables)
    assert f"{real} runs -I {checkout}/scripts/build_environment.py test pip" in result.stderr


def test_a_named_python_goes_before_all_others(checkout):
    fake_python(checkout.parent / "bin" / "python3.13")
    named = fake_python(checkout.parent / "named" / "my python")
    result = call(
        checkout,
        checkout / "scripts" / "simulate",
        path=f"{checkout.parent / 'bin'}:",
        SIMULATOR_PYTHON=str(named),
    )
    assert f"{named} runs" in result.stderr


def test_a_named_python_that_does_not_serve_is_refused(checkout):
    fake_python(checkout.parent / "bin" / "python3.13")
    result = call(
        checkout,
        checkout / "scripts" / "simulate",
        path=f"{checkout.parent / 'bin'}:",
        SIMULATOR_PYTHON="/nonexistent/python",
    )
    assert result.returncode == 2
    assert "/nonexistent/python" in result.stderr


def test_arguments_reach_the_simulator_intact(checkout):
    fake_environment(checkout, "requirements.lock")
    arguments = ["run", "two words", "*", "", "--set", "a='b c'", "$HOME", "\\n", "-P"]
    result = call(checkout, checkout / "scripts" / "simulate", *arguments)
    assert result.stderr == ""
    expected = [str(checkout.parent / "elsewhere"), "-P", "-m", "simulator", *arguments]
    assert result.stdout == "".join(f"{line}\n" for line in expected)


def test_arguments_reach_pytest_intact(checkout):
    fake_environment(checkout, *LOCKS)
    arguments = ["-k", "this or that", "tests/test_scripts.py"]
    result = call(checkout, checkout / "scripts" / "test", *arguments)
    assert result.stderr == ""
    expected = [str(checkout), "-P", "-m", "pytest", f"--rootdir={checkout}", *arguments]
    assert result.stdout == "".join(f"{line}\n" for line in expected)


def test_a_benchmark_has_an_environment_of_its_own(checkout):
    fake_environment(checkout, "requirements.lock", BENCHMARK_LOCK, name=".venv-benchmark")
    result = call(checkout, checkout / "scripts" / "benchmark", "two words", "--quick")
    assert result.stderr == ""
    expected = [f"{checkout}/scripts/benchmarks", "two words", "--quick"]
    assert result.stdout.splitlines()[1:] == expected
    assert not (checkout / ".venv").exists()


def test_a_symlink_to_the_script_works(checkout):
    fake_environment(checkout, "requirements.lock")
    links = checkout.parent / "some links"
    links.mkdir()
    (links / "first").symlink_to(checkout / "scripts" / "simulate")
    (links / "second").symlink_to("first")
    result = call(checkout, links / "second", "--version")
    assert result.stdout.endswith("simulator\n--version\n")


@pytest.mark.parametrize(
    ("script", "locks", "needed"),
    [
        ("simulate", [], True),
        ("simulate", ["requirements.lock"], False),
        ("simulate", LOCKS, False),
        ("test", ["requirements.lock"], True),
        ("test", LOCKS, False),
    ],
)
def test_set_up_runs_only_when_needed(checkout, script, locks, needed):
    fake_environment(checkout, *locks)
    fake_python(checkout.parent / "bin" / "python3.13")
    result = call(checkout, checkout / "scripts" / script, path=f"{checkout.parent / 'bin'}:")
    assert ("build_environment.py" in result.stderr) == needed


def test_set_up_runs_again_when_a_lock_has_changed(checkout):
    fake_environment(checkout, *LOCKS)
    fake_python(checkout.parent / "bin" / "python3.13")
    with (checkout / "scripts" / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    result = call(checkout, checkout / "scripts" / "simulate", path=f"{checkout.parent / 'bin'}:")
    assert "build_environment.py" in result.stderr


@pytest.fixture
def uv(checkout):
    """A uv that installs nothing and notes each time it is asked to."""
    program(
        checkout.parent / "bin" / "uv",
        'if [ "$1" = pip ]; then sleep 0.3; echo "$@" >>"$HOME/asked"; [ -z "${FAIL-}" ]; fi',
    )
    (checkout.parent / "tools" / "sleep").symlink_to(shutil.which("sleep"))
    package = checkout / "simulator"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import sys\nprint(sys.argv[1:], sys.path[-1])\n")
    return {
        "path": f"{checkout.parent / 'bin'}:",
        "SIMULATOR_PYTHON": sys.executable,
        "PIP_NO_INDEX": "1",
    }


def asked(checkout):
    return (checkout.parent / "home" / "asked").read_text().splitlines()


def test_a_set_up_from_nothing(checkout, uv):
    # A package of the same name where the user stands must not be taken for the simulator.
    (checkout.parent / "elsewhere" / "simulator.py").write_text("raise SystemExit(9)\n")
    first = call(checkout, checkout / "scripts" / "simulate", "a b", **uv)
    assert first.stdout == f"['a b'] {checkout}\n"
    assert first.stderr == "Setting up (once, about a minute) ...\n"
    (request,) = asked(checkout)
    assert "--require-hashes" in request
    assert request.endswith("/scripts/requirements.lock")
    second = call(checkout, checkout / "scripts" / "simulate", **uv)
    assert (second.stdout, second.stderr) == (f"[] {checkout}\n", "")
    assert len(asked(checkout)) == 1


def test_the_test_packages_are_added_and_simulate_stays_ready(checkout, uv):
    call(checkout, checkout / "scripts" / "simulate", **uv)
    kept = checkout / ".venv" / "kept"
    kept.touch()
    call(checkout, checkout / "scripts" / "test", **uv)
    assert asked(checkout)[1].endswith("/scripts/requirements-test.lock")
    assert kept.exists()
    call(checkout, checkout / "scripts" / "simulate", **uv)
    assert len(asked(checkout)) == 2


def test_a_changed_lock_starts_the_environment_afresh(checkout, uv):
    call(checkout, checkout / "scripts" / "test", **uv)
    leftover = checkout / ".venv" / "leftover"
    leftover.touch()
    with (checkout / "scripts" / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    call(checkout, checkout / "scripts" / "simulate", **uv)
    assert not leftover.exists()
    call(checkout, checkout / "scripts" / "test", **uv)
    assert len(asked(checkout)) == 3


def test_a_benchmark_is_set_up_beside_the_users_environment(checkout, uv):
    call(checkout, checkout / "scripts" / "simulate", **uv)
    (checkout / "scripts" / "benchmarks" / "__main__.py").write_text("import simulator\n")
    result = call(checkout, checkout / "scripts" / "benchmark", **uv)
    assert result.returncode == 0, result.stderr
    assert asked(checkout)[1].endswith(f"/scripts/{BENCHMARK_LOCK}")
    assert not (checkout / ".venv" / BENCHMARK_LOCK).exists()
    for script in ("simulate", "benchmark"):
        call(checkout, checkout / "scripts" / script, **uv)
    assert len(asked(checkout)) == 2


def test_a_failed_set_up_says_so_and_is_done_again(checkout, uv):
    failed = call(checkout, checkout / "scripts" / "simulate", FAIL="1", **uv)
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert "The packages could not be installed" in failed.stderr
    assert "setup.log" in failed.stderr
    assert call(checkout, checkout / "scripts" / "simulate", **uv).returncode == 0
    assert len(asked(checkout)) == 2


def test_an_interrupted_addition_starts_the_environment_afresh(checkout, uv):
    call(checkout, checkout / "scripts" / "simulate", **uv)
    (checkout / ".venv" / "adding").touch()
    leftover = checkout / ".venv" / "leftover"
    leftover.touch()
    call(checkout, checkout / "scripts" / "test", **uv)
    assert not leftover.exists()


def test_of_two_set_ups_at_once_one_waits(checkout, uv):
    with ThreadPoolExecutor() as pool:
        jobs = [
            pool.submit(call, checkout, checkout / "scripts" / "simulate", **uv) for _ in range(3)
        ]
    results = [job.result() for job in jobs]
    assert [result.returncode for result in results] == [0, 0, 0]
    assert len(asked(checkout)) == 1


def test_an_environment_made_by_something_else_is_left_alone(checkout, uv):
    precious = checkout / ".venv" / "precious"
    precious.parent.mkdir()
    precious.touch()
    result = call(checkout, checkout / "scripts" / "simulate", **uv)
    assert result.returncode == 2
    assert "made by something else" in result.stderr
    assert precious.exists()


def test_the_checkout_may_be_moved(checkout, uv):
    call(checkout, checkout / "scripts" / "simulate", **uv)
    moved = checkout.rename(checkout.parent / "moved")
    result = call(moved, moved / "scripts" / "simulate", **uv)
    assert (result.stdout, result.stderr) == (f"[] {moved}\n", "")


def requirements(name):
    """The pinned requirements of a lock file, each with its hashes."""
    text = (SCRIPTS / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.split(" --hash")[0].strip(): line for line in lines}


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_every_locked_requirement_is_pinned_and_hashed(name):
    locked = requirements(name)
    assert locked
    for requirement, line in locked.items():
        assert re.match(r"[a-z0-9._-]+==[^ ]+( ; .+)?$", requirement)
        assert re.search(r"--hash=sha256:[0-9a-f]{64}( |$)", line)


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_locks_hold_nothing_but_pins_and_hashes(name):
    """So no option that names a package index, or another place to take packages from."""
    text = (SCRIPTS / name).read_text()
    assert "://" not in text
    pin = r"[a-z0-9][a-z0-9._-]*==[^ ]+( ; [^-]+)? \\"
    for line in text.splitlines():
        assert re.fullmatch(rf"#[^-]*|{pin}|    --hash=sha256:[0-9a-f]{{64}}( \\)?", line), line


@pytest.mark.parametrize("name", ALL_LOCKS[1:])
def test_every_lock_holds_the_whole_runtime_lock(name):
    assert requirements("requirements.lock").items() <= requirements(name).items()
