"""Faults are injected for real: kills, a full disk, flipped bytes, rival processes, no rights."""

import errno
import json
import os
import pickle
import random
import shutil
import signal
import stat
import string
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import seal as sealing
from simulator.seal import Damaged, manifest, seal, sealed_in, sweep, verify, writable

ABOUT = {"id": "r1", "scenario": "base", "seed": 7, "status": "ok", "tags": ["a", "é"], "x": 0.1}
FILES = {"draws.bin": bytes(range(256)), "note.txt": "θ ~ Normal\n", "empty": b""}
ROOT = Path(sealing.__file__).parents[1]

# A child process: it seals megabytes without end, or stops inside a writer, or seals one name.
CHILD = """
import sys, os, itertools
from pathlib import Path
from simulator.seal import seal

into, task = Path(sys.argv[1]), sys.argv[2]

def megabytes(path):
    with path.open("wb") as file:
        for _ in range(16):
            file.write(os.urandom(2**17))

def stop(path):
    path.write_bytes(b"half a file")
    print("writing", flush=True)
    sys.stdin.read()

if task == "many":
    print("ready", flush=True)
    for n in itertools.count():
        seal(into, f"run-{os.getpid()}-{n}", {"a": megabytes, "b": megabytes, "c": "x"}, {"n": n})
elif task == "stop":
    seal(into, "stopped", {"whole": "x", "half": stop}, {})
else:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(5):
        print(seal(into, "same", {"who": str(os.getpid()), "a": b"x" * 10_000}, {}).name)
"""


@contextmanager
def child(into: Path, task: str):
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(into), task],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().strip() in {"ready", "writing"}
        yield process
    finally:
        process.kill()
        process.communicate()


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def small(into: Path, name: str = "run") -> Path:
    return seal(into, name, FILES, ABOUT)


def thaw(path: Path) -> Path:
    """Make a sealed folder writable again, as someone would who edits one."""
    path.chmod(0o755)
    for file in path.iterdir():
        file.chmod(0o644)
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(Damaged) as caught:
        verify(path)
    assert caught.value.path == path
    return caught.value.faults


def forge(path: Path, **changes: object) -> None:
    """Change the manifest and sign it anew: only the other checks can find this."""
    body = json.loads((path / "manifest.json").read_text()) | changes
    body.pop("digest")
    (path / "manifest.json").write_bytes(sealing._signed(body))


def is_sound(path: Path) -> bool:
    """Whether the folder verifies."""
    try:
        verify(path)
    except Damaged:
        return False
    return True


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    return thaw(small(tmp_path / "runs"))


@pytest.fixture
def ordinary():
    """A folder of an ordinary user, and that user's rights: root ignores permission bits."""
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
    except OSError:
        pytest.skip("this root cannot become an ordinary user")
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A real file system of one megabyte, with a function that remounts it read-only."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no mount command")
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# What a seal is


def test_an_untouched_folder_verifies_and_tells_what_it_is(tmp_path):
    path = small(tmp_path / "new" / "runs")
    assert path == tmp_path / "new" / "runs" / "run"
    assert verify(path) == manifest(path)
    assert manifest(path)["about"] == ABOUT
    assert manifest(path)["files"].keys() == FILES.keys()
    assert (path / "draws.bin").read_bytes() == FILES["draws.bin"]
    assert (path / "note.txt").read_text(encoding="utf-8") == FILES["note.txt"]
    assert list(sealed_in(path.parent)) == [path]
    assert os.listdir(path.parent) == ["run"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
plain_names = st.text(string.ascii_letters + string.digits + "_-.", min_size=1, max_size=64).filter(
    lambda name: not name.startswith(".") and name != "manifest.json"
)


@settings(max_examples=60, deadline=None, database=None)
@given(
    files=st.dictionaries(plain_names, st.binary(max_size=99) | st.text(max_size=99), max_size=4),
    about=st.dictionaries(st.text(), json_values, max_size=4),
)
def test_whatever_is_sealed_comes_back(files, about):
    files = {name: text for name, text in files.items() if not _has_surrogate(text)}
    with tempfile.TemporaryDirectory() as folder:
        path = seal(Path(folder), "run", files, about)
        assert verify(path)["about"] == about
        for name, content in files.items():
            expected = content.encode() if isinstance(content, str) else content
            assert (path / name).read_bytes() == expected


def _has_surrogate(content: bytes | str) -> bool:
    return isinstance(content, str) and any("\ud800" <= c <= "\udfff" for c in content)


def test_integer_keys_in_about_become_json_text_in_a_stable_order(tmp_path):
    path = seal(tmp_path, "run", {}, {"by_year": {10: "b", 9: "a"}})
    assert verify(path)["about"] == {"by_year": {"10": "b", "9": "a"}}


def test_nothing_can_be_written_after_sealing(tmp_path):
    path = small(tmp_path)
    for each in (path, *path.iterdir()):
        assert stat.S_IMODE(each.stat().st_mode) & 0o222 == 0
    thaw(path)
    assert verify(path), "permission bits are not content"
    shutil.rmtree(path)
    assert not path.exists()


def test_a_private_umask_stays_private(tmp_path):
    before = os.umask(0o077)
    try:
        path = small(tmp_path)
    finally:
        os.umask(before)
    for each in (path, *path.iterdir()):
        assert stat.S_IMODE(each.stat().st_mode) & 0o077 == 0


def test_an_ordinary_user_seals_verifies_and_cannot_edit(ordinary):
    path = small(ordinary)
    assert verify(path)
    with pytest.raises(PermissionError):
        (path / "note.txt").write_text("edited")
    with pytest.raises(PermissionError):
        (path / "more.txt").write_text("added")
    shutil.rmtree(thaw(path))


def test_nothing_shows_before_the_rename(tmp_path):
    seen = []

    def look(path: Path) -> None:
        path.write_text("x")
        seen.append((list(sealed_in(tmp_path)), [n for n in os.listdir(tmp_path) if n[0] != "."]))

    seal(tmp_path, "run", {"first": look, "last": look}, {})
    assert seen == [([], []), ([], [])]


def test_the_manifest_is_the_last_file_written(tmp_path):
    def look(path: Path) -> None:
        assert not (path.parent / "manifest.json").exists()
        path.write_text("x")

    assert verify(seal(tmp_path, "run", {"zzz": look, "aaa": look}, {}))


def test_a_listing_skips_all_that_is_not_sealed(tmp_path):
    path = small(tmp_path)
    (tmp_path / ".run.partial-elsewhere-0badcafe").mkdir()
    (tmp_path / ".run.partial-elsewhere-0badcafe" / "manifest.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "README.md").write_text("runs")
    (tmp_path / "latest").symlink_to(path)
    assert list(sealed_in(tmp_path)) == [path]
    assert list(sealed_in(tmp_path / "nowhere")) == []


# Names


def test_a_taken_name_is_never_touched(tmp_path):
    (tmp_path / "run").mkdir()  # empty: rename alone would replace it
    (tmp_path / "run-2").write_text("a file")
    (tmp_path / "run-3").symlink_to("nowhere")
    assert [small(tmp_path).name for _ in range(2)] == ["run-4", "run-5"]
    assert os.listdir(tmp_path / "run") == []
    assert (tmp_path / "run-2").read_text() == "a file"
    assert small(tmp_path, "x-1").name == "x-1"
    assert small(tmp_path, "x-1").name == "x-1-2"


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "/a", "a\0", "a\n", "é", "x" * 65])
def test_odd_names_are_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(ValueError, match="a name is 1 to 64"):
        seal(tmp_path / "runs", name, FILES, {})
    with pytest.raises(ValueError, match="a name is 1 to 64"):
        seal(tmp_path / "runs", "run", FILES | {name: b""}, {})
    assert not (tmp_path / "runs").exists()


def test_a_file_may_not_take_the_place_of_the_manifest(tmp_path):
    with pytest.raises(ValueError, match=r"manifest\.json"):
        seal(tmp_path, "run", {"manifest.json": b"{}"}, {})


@pytest.mark.parametrize(
    "about", [{"x": float("nan")}, {"x": float("inf")}, {"x": {1, 2}}, {"x": "a" * 2**25}]
)
def test_metadata_that_is_not_json_or_too_large_is_refused(tmp_path, about):
    with pytest.raises((ValueError, TypeError)):
        seal(tmp_path, "run", FILES, about)
    assert os.listdir(tmp_path) == []


# Writers that fail


def _half(error: BaseException):
    def writer(path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    return writer


@pytest.mark.parametrize(
    "error", [RuntimeError("bug"), KeyboardInterrupt(), SystemExit(1), OSError(errno.ENOSPC, "")]
)
def test_nothing_remains_when_a_writer_fails(tmp_path, error):
    with pytest.raises(type(error)) as caught:
        seal(tmp_path, "run", {"whole": b"x", "half": _half(error)}, {})
    assert caught.value is error
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "writer",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("/etc/hostname"),
        lambda path: (path.write_text("x"), path.with_name("stray").write_text("y")),
    ],
    ids=["nothing", "folder", "symlink", "stray"],
)
def test_a_writer_leaves_its_file_and_nothing_else(tmp_path, writer):
    with pytest.raises(ValueError, match="writer"):
        seal(tmp_path, "run", {"a": writer}, {})
    assert os.listdir(tmp_path) == []


def test_a_fault_at_any_system_call_leaves_nothing_or_a_whole_folder(tmp_path, monkeypatch):
    """Fail the n-th fsync, chmod or rename, for every n until a seal succeeds."""
    calls, limit = 0, 0

    def failing(real):
        def call(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == limit:
                raise OSError(errno.EIO, "injected")
            return real(*args, **kwargs)

        return call

    for module, name in ((os, "fsync"), (os, "chmod"), (Path, "rename")):
        monkeypatch.setattr(module, name, failing(getattr(module, name)))
    for limit in range(1, 99):
        calls, folder = 0, tmp_path / str(limit)
        with suppress(OSError):
            small(folder)
            break
        left = os.listdir(folder)
        assert left in ([], ["run"])
        assert all(verify(folder / name) for name in left)
    assert 8 < limit < 99


# A disk that is full, or may not be written to


def test_a_full_disk_raises_leaves_nothing_and_can_be_used_again(tiny_disk):
    def large(path: Path) -> None:
        with path.open("wb") as file:
            for _ in range(64):
                file.write(b"x" * 2**16)

    for writer in (large, b"x" * 2**22):
        with pytest.raises(OSError, match="No space left") as caught:
            seal(tiny_disk, "run", {"small": b"x", "large": writer}, {})
        assert caught.value.errno == errno.ENOSPC
        assert os.listdir(tiny_disk) == []
    assert verify(small(tiny_disk))


def test_writable_knows_a_small_and_a_read_only_disk(tiny_disk):
    assert writable(tiny_disk / "runs", need_bytes=2**19) is None
    assert "not enough space (1.0 MB free, 4.2 MB needed)" in writable(tiny_disk, 2**22)
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    assert "Read-only file system" in writable(tiny_disk)
    with pytest.raises(OSError, match="Read-only file system"):
        small(tiny_disk)


def test_writable_leaves_nothing_behind(tmp_path):
    assert writable(tmp_path / "not" / "yet" / "there") is None
    assert "not enough space" in writable(tmp_path, need_bytes=10**18)
    assert os.listdir(tmp_path) == []


def test_nothing_is_written_into_what_is_sealed(tmp_path):
    sealed = seal(tmp_path, "run", {"a": "x"}, {})
    assert writable(tmp_path) is None
    for folder in (sealed, sealed / "below" / "deeper"):
        assert f"{sealed} is sealed" in writable(folder)
    verify(sealed)


def test_writable_knows_what_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to("nowhere")
    for folder in ("file", "file/below", "dangling", "dangling/below"):
        assert "is not a folder" in writable(tmp_path / folder)
        with pytest.raises(OSError, match=r"Not a directory|File exists|No such file"):
            small(tmp_path / folder)


def test_writable_knows_missing_rights(ordinary):
    assert writable(ordinary / "runs") is None
    ordinary.chmod(0o500)
    for folder in (ordinary, ordinary / "runs"):
        assert "Permission denied" in writable(folder)
        with pytest.raises(PermissionError):
            small(folder)


# Damage


def test_every_flipped_bit_of_every_file_is_found(sealed):
    """One bit at a time, over all bits of all files; put back, the folder verifies again."""
    flips = 0
    for file in sorted(sealed.iterdir()):
        content = file.read_bytes()
        for at in range(len(content)):
            for bit in range(8):
                flipped = bytearray(content)
                flipped[at] ^= 1 << bit
                file.write_bytes(flipped)
                assert not is_sound(sealed), f"{file.name}: bit {bit} of byte {at}"
                flips += 1
        file.write_bytes(content)
    assert flips > 8 * 600
    assert verify(sealed)


def test_random_changes_of_the_manifest_are_found(sealed):
    file = sealed / "manifest.json"
    content = file.read_bytes()

    @settings(max_examples=300, deadline=None, database=None)
    @given(
        start=st.integers(0, len(content)),
        end=st.integers(0, len(content)),
        new=st.binary(max_size=8) | st.sampled_from([b" ", b"\n", b"1e999", b"NaN", b"[" * 10**5]),
    )
    def check(start, end, new):
        changed = content[:start] + new + content[end:]
        file.write_bytes(changed)
        assert is_sound(sealed) == (changed == content)

    check()


def test_a_manifest_torn_anywhere_is_found(sealed):
    file = sealed / "manifest.json"
    content = file.read_bytes()
    for end in range(len(content)):
        file.write_bytes(content[:end])
        assert faults(sealed)[0].startswith("manifest.json: ")


@pytest.mark.parametrize("text", ["[" * 10**5, "[]", "7", '"x"', "null", "\0", "{}", "9" * 5000])
def test_other_text_in_place_of_the_manifest_is_found(sealed, text):
    (sealed / "manifest.json").write_text(text)
    assert faults(sealed)[0].startswith("manifest.json: ")


def test_blanks_doubled_keys_and_other_spellings_are_found(sealed):
    """These all mean the same JSON, but they are not the bytes that were sealed."""
    file = sealed / "manifest.json"
    body = json.loads(file.read_bytes())
    text = file.read_text()
    for other in (
        json.dumps(body),
        text + "\n",
        text.rstrip(),
        text.replace("0.1", "0.10"),
        text.replace('"seed": 7', '"seed": 8,\n  "seed": 7'),
        text.replace("\\u00e9", "é"),
    ):
        assert other != text
        file.write_text(other, encoding="utf-8")
        assert faults(sealed) == [
            "manifest.json: does not match its own digest; "
            "restore it from a copy, or make the folder again"
        ]


def test_all_faults_are_named_at_once(tmp_path):
    files = {name: b"content" for name in ("changed", "cut", "grown", "emptied", "gone", "link")}
    path = thaw(seal(tmp_path, "run", files | {"folder": b"", "pipe": b"", "good": b"g"}, ABOUT))
    (path / "changed").write_bytes(b"CONTENT")
    (path / "cut").write_bytes(b"cont")
    (path / "grown").write_bytes(b"content!")
    (path / "emptied").write_bytes(b"")
    (path / "gone").unlink()
    (path / "link").unlink()
    (path / "link").symlink_to(path / "good")
    (path / "folder").unlink()
    (path / "folder").mkdir()
    (path / "pipe").unlink()
    os.mkfifo(path / "pipe")  # would block who opens it
    (path / "foreign\x1b[31m").write_text("x")
    (path / ".hidden").write_text("x")
    (path / "subfolder").mkdir()
    found = dict(fault.split(": ", 1) for fault in faults(path))
    assert {name: fault.split(";")[0] for name, fault in found.items()} == {
        "changed": "bytes have changed (sha256 differs)",
        "cut": "has 4 bytes, sealed with 7",
        "grown": "has 8 bytes, sealed with 7",
        "emptied": "has 0 bytes, sealed with 7",
        "gone": "missing",
        "link": "a link, folder or device, not a plain file",
        "folder": "a link, folder or device, not a plain file",
        "pipe": "a link, folder or device, not a plain file",
        r"'foreign\x1b[31m'": "was not sealed here",
        "'.hidden'": "was not sealed here",
        "'subfolder'": "was not sealed here",
    }
    assert all("; " in fault for fault in found.values()), "each fault names the way out"


def test_an_unreadable_file_is_a_fault_not_a_crash(ordinary):
    path = thaw(small(ordinary))
    (path / "note.txt").chmod(0)
    assert "note.txt: cannot be read (Permission denied)" in faults(path)[0]


def test_a_folder_without_a_readable_manifest_is_damaged(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").mkdir()
    path = thaw(small(tmp_path))
    (path / "manifest.json").rename(tmp_path / "elsewhere")
    (path / "manifest.json").symlink_to(tmp_path / "elsewhere")
    assert "missing" in faults(tmp_path / "nowhere")[0]
    assert "missing" in faults(tmp_path / "a")[0]
    assert "not a plain file" in faults(tmp_path / "b")[0]
    assert "not a plain file" in faults(path)[0]
    assert "Not a directory" in faults(tmp_path / "file")[0]


def test_a_newer_format_asks_for_an_update(sealed):
    forge(sealed, format=2)
    expected = ["manifest.json: format 2, read here is 1; update the simulator"]
    assert faults(sealed) == expected
    with pytest.raises(Damaged, match="update the simulator"):
        manifest(sealed)
    forge(sealed, format=2, files=["another", "layout"])
    assert faults(sealed) == expected


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "..", "a/b", ".hidden", "a\0", ""])
def test_a_forged_manifest_cannot_lead_out_of_the_folder(sealed, name):
    (sealed.parent / "secret").write_text("x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    for entry in ({"size": 1, "sha256": digest}, None):
        forge(sealed, files={name: entry})
        assert faults(sealed) == [
            f"manifest.json: lists {name!r}, as no seal writes; do not trust it"
        ]


@pytest.mark.parametrize(
    "changes",
    [
        {"files": None},
        {"files": []},
        {"about": "x"},
        {"files": {"note.txt": {"size": "3", "sha256": "x"}}},
        {"files": {"note.txt": [1]}},
        {"files": {"manifest.json": {"size": 1, "sha256": "x"}}},
        {"format": None},
    ],
)
def test_forged_shapes_are_damage_not_a_crash(sealed, changes):
    forge(sealed, **changes)
    assert faults(sealed)


def test_the_cheap_look_finds_damage_of_the_manifest_only(sealed):
    (sealed / "note.txt").write_text("edited")
    assert manifest(sealed)["about"] == ABOUT
    assert len(faults(sealed)) == 1
    (sealed / "manifest.json").write_text("{")
    with pytest.raises(Damaged, match="torn"):
        manifest(sealed)


def test_damage_reads_well_and_travels_between_processes(sealed):
    (sealed / "note.txt").unlink()
    (sealed / "more").write_text("x")
    with pytest.raises(Damaged) as caught:
        verify(sealed)
    assert str(caught.value) == (
        f"{sealed} is not what was sealed:\n"
        "  note.txt: missing; restore it from a copy, or make the folder again\n"
        "  'more': was not sealed here; move it elsewhere"
    )
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.path, copy.faults) == (sealed, caught.value.faults)


# Kills and rivals


def test_a_kill_at_any_moment_leaves_nothing_or_a_whole_folder(tmp_path):
    chance = random.Random(1)
    left = 0
    for _ in range(20):
        with child(tmp_path, "many") as process:
            time.sleep(chance.uniform(0, 0.12))
            kill(process)
        partial = [tmp_path / name for name in os.listdir(tmp_path) if name.startswith(".")]
        assert sorted(sweep(tmp_path)) == sorted(partial)
        left += len(partial)
    runs = list(sealed_in(tmp_path))
    assert sorted(os.listdir(tmp_path)) == [run.name for run in runs]
    assert all(verify(run) for run in runs)
    assert left > 5, "too few kills came while something was being written"


def test_a_sweep_spares_the_living_and_clears_the_dead(tmp_path):
    with child(tmp_path, "stop") as process:
        (partial,) = tmp_path.iterdir()
        assert sweep(tmp_path) == []
        assert small(tmp_path).name == "run", "another seal sweeps too"
        assert (partial / "half").read_bytes() == b"half a file"
        kill(process)
        assert sweep(tmp_path) == [partial]
    assert os.listdir(tmp_path) == ["run"]


def test_a_spared_writer_ends_well(tmp_path):
    with child(tmp_path, "stop") as process:
        assert sweep(tmp_path) == []
        process.communicate("")
        assert process.returncode == 0
    assert verify(tmp_path / "stopped")


def test_a_sweep_spares_this_process_too(tmp_path):
    def sweeping(path: Path) -> None:
        assert sweep(tmp_path) == []
        path.write_text("x")

    assert verify(seal(tmp_path, "run", {"a": sweeping}, {}))


def test_a_sweep_takes_only_partial_folders_of_this_host(tmp_path):
    dead = tmp_path / f".run.partial-{sealing._host()}-0badcafe"
    kept = [".run.partial-other-0badcafe", ".git", "run", f".x.partial-{sealing._host()}-short"]
    for name in (dead.name, *kept):
        (tmp_path / name).mkdir()
    link = tmp_path / f".link.partial-{sealing._host()}-0badcafe"
    link.symlink_to(tmp_path / "run")
    (tmp_path / "run").chmod(0o555)
    assert sweep(tmp_path) == [dead]
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o555, "not through the link"
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, link.name])
    assert sweep(tmp_path / "nowhere") == []


def test_a_killed_writer_of_an_ordinary_user_is_swept_even_if_frozen(ordinary):
    dead = ordinary / f".run.partial-{sealing._host()}-0badcafe"
    dead.mkdir()
    (dead / "draws").write_text("x")
    (dead / "draws").chmod(0o444)
    dead.chmod(0o555)
    assert sweep(ordinary) == [dead]


def test_a_folder_swept_in_the_instant_before_its_lock_is_claimed_again(tmp_path, monkeypatch):
    real, swept = sealing.fcntl.flock, []

    def late(descriptor, operation):
        if not swept and operation == sealing.fcntl.LOCK_EX:
            swept.append(True)
            swept.extend(sweep(tmp_path))
        return real(descriptor, operation)

    monkeypatch.setattr(sealing.fcntl, "flock", late)
    assert verify(small(tmp_path))
    assert len(swept) == 2


def test_where_there_are_no_locks_one_can_seal_and_a_sweep_takes_nothing(tmp_path, monkeypatch):
    def none(descriptor, operation):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(sealing.fcntl, "flock", none)
    partial = tmp_path / f".run.partial-{sealing._host()}-0badcafe"
    partial.mkdir()
    assert verify(small(tmp_path))
    assert sweep(tmp_path) == []
    assert partial.exists()


def test_processes_that_seal_one_name_all_succeed(tmp_path):
    with child(tmp_path, "same") as a, child(tmp_path, "same") as b, child(tmp_path, "same") as c:
        for process in (a, b, c):
            process.stdin.write("\n")
            process.stdin.flush()
        outputs = [process.communicate()[0].split() for process in (a, b, c)]
        assert [process.returncode for process in (a, b, c)] == [0, 0, 0]
        owners = {
            name: str(process.pid)
            for process, names in zip((a, b, c), outputs, strict=True)
            for name in names
        }
    assert sorted(owners) == sorted(["same", *(f"same-{n}" for n in range(2, 16))])
    assert sorted(os.listdir(tmp_path)) == sorted(owners)
    for name, owner in owners.items():
        assert verify(tmp_path / name)
        assert (tmp_path / name / "who").read_text() == owner


def test_a_name_lost_between_the_look_and_the_rename_gives_the_next(tmp_path, monkeypatch):
    real = Path.rename

    def beaten(self, target):
        if target.name == "run":
            target.mkdir()
            (target / "rival").write_text("x")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", beaten)
    assert small(tmp_path).name == "run-2"
    assert os.listdir(tmp_path / "run") == ["rival"]


def test_threads_that_seal_one_name_all_succeed(tmp_path):
    paths = []
    threads = [
        threading.Thread(target=lambda: paths.append(small(tmp_path)), name=f"sealer-{n}")
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(paths) == sorted(sealed_in(tmp_path))
    assert len(paths) == 8
    assert all(verify(path) for path in paths)
