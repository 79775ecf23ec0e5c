"""A sealed folder: it appears whole or not at all, is read-only, and accounts for every byte.

Files are written into a hidden folder beside the final one, flushed and summed, the manifest last;
one rename makes the folder visible; `verify` proves it. The sums guard against accidents (a kill,
a full disk, bit rot, an edit), not against a forger, who can seal a folder of their own.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from simulator.faults import BadInput, Fault

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_LIMIT = 16 * 2**20  # bytes; a manifest is read whole, so a stranger's must not fill memory
NAME = re.compile(r"(?!\.)[A-Za-z0-9_.-]{1,64}")
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
RENEW = "restore it from a copy, or make the folder again"

type Writer = Callable[[Path], object] | bytes | str


class Damaged(Exception):
    """The folder is not what was sealed; `faults` lists all that is wrong and the way out."""

    def __init__(self, path: Path, faults: list[str]):
        super().__init__(path, faults)  # both in args, so that it pickles between processes
        self.path, self.faults = path, faults

    def __str__(self) -> str:
        return "\n  ".join([f"{self.path} is not what was sealed:", *self.faults])


def seal(
    into: Path,
    name: str,
    writers: Mapping[str, Writer],
    about: Mapping[str, object],
    *,
    exact: bool = False,
) -> Path:
    """Seal the files of `writers` as `into/name` and return its path, `name-2`, … if taken.

    With `exact` a name that is taken is a FileExistsError.

    `about` is JSON and goes into the manifest, so that a listing reads nothing else.
    Raises ValueError or TypeError for a bad name, metadata or writer, OSError where nothing can be
    written. Whatever is raised, also by a writer, nothing partial remains and nothing is replaced.
    """
    _refuse_odd_names(name, writers)
    body = {"format": FORMAT, "about": json.loads(_canonical(dict(about)))}
    into.mkdir(parents=True, exist_ok=True)
    sweep(into)
    with draft(into, name) as partial:
        body["files"] = {file: _write(partial / file, writer) for file, writer in writers.items()}
        if strays := set(os.listdir(partial)) - set(writers):
            raise ValueError(f"the writers left files that nobody asked for: {sorted(strays)}")
        _write(partial / MANIFEST, _signed(body))
        _freeze(partial)
        final = _publish(partial, into, name, exact)
    _flush(into)
    return final


def verify(path: Path) -> dict:
    """Prove every byte of a sealed folder; return its manifest or raise Damaged with all faults."""
    body = manifest(path)
    files = body["files"]
    changed = {name: _changed(path / name, files[name]) for name in files}
    foreign = sorted(set(os.listdir(path)) - files.keys() - {MANIFEST})
    faults = [f"{name}: {fault}; {RENEW}" for name, fault in changed.items() if fault]
    faults += [f"{name!r}: was not sealed here; move it elsewhere" for name in foreign]
    if faults:
        raise Damaged(path, faults)
    return body


def manifest(path: Path) -> dict:
    """Return the manifest, every byte of it proven by its own digest, or raise Damaged.

    Opens no other file: what a damaged or forged manifest says of the others is not pursued.
    """
    try:
        body, whole = _parsed(path / MANIFEST)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise Damaged(path, [f"{MANIFEST}: {_why(error)}; {RENEW}"]) from error
    faults = [] if whole else [f"{MANIFEST}: does not match its own digest; {RENEW}"]
    if (written := body.get("format")) != FORMAT:
        faults += [f"{MANIFEST}: format {written!r}, read here is {FORMAT}; update the simulator"]
    elif whole:
        faults += [f"{MANIFEST}: {odd}, as no seal writes; do not trust it" for odd in _odd(body)]
    if faults:
        raise Damaged(path, faults)
    return body


def sealed_in(folder: Path) -> Iterator[Path]:
    """The sealed folders directly in `folder`, by name; what killed writers left never shows."""
    for name in sorted(os.listdir(folder)) if folder.exists() else ():
        path = folder / name
        hidden = name.startswith(".") or path.is_symlink()
        if not hidden and os.path.isfile(path / MANIFEST):
            yield path


def sweep(folder: Path) -> list[Path]:
    """Remove partial folders whose writer is gone; return their paths.

    A writer holds a lock on its folder, which the kernel drops when the writer dies however it
    dies: unlike a process number, a lock is never reused and means the same in every container.
    Locks may not reach over a network drive, so another host's partial folders are left alone.
    """
    removed = []
    for path in sorted(folder.glob(f".*.partial-{_host()}-????????")):
        with suppress(OSError):  # in use, or gone meanwhile
            lock = os.open(path, FOLDER)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists() and _remove(path):
                    removed.append(path)
            finally:
                os.close(lock)
    return removed


def writable(folder: Path, need_bytes: int = 0) -> str | None:
    """Why nothing can be sealed in `folder`, or None; nothing stays behind.

    It tries, instead of reading permission bits, which root ignores and network drives invent.
    """
    folder = folder.absolute()
    if sealed := next((p for p in (folder, *folder.parents) if (p / MANIFEST).exists()), None):
        return f"{sealed} is sealed and does not change; choose another place"
    nearest = next(p for p in (folder, *folder.parents) if os.path.lexists(p))
    if not nearest.is_dir():
        return f"{nearest} is not a folder; choose another place"
    try:
        with draft(nearest, "probe"):
            free = shutil.disk_usage(nearest).free
    except OSError as error:
        return f"{nearest} cannot be written to ({error.strerror}); choose another place"
    if free < need_bytes:
        lack = f"{free / 1e6:,.1f} MB free, {need_bytes / 1e6:,.1f} MB needed"
        return f"{nearest} has not enough space ({lack}); free some or choose another place"
    return None


def refuse_unwritable(into: Path, need_bytes: int = 0, key: str = "--into") -> None:
    """Raise BadInput about `key` where nothing can be sealed in the folder that it names."""
    if why := writable(into, need_bytes):
        rule, _, fix = why.partition("; ")
        raise BadInput([Fault(str(into), key, rule, fix)])


def _refuse_odd_names(name: str, files: Mapping[str, Writer]) -> None:
    odd = [n for n in (name, *files) if not NAME.fullmatch(n)] + [n for n in files if n == MANIFEST]
    if odd:
        rule = f"1 to 64 of A-Z a-z 0-9 _ . -, not starting with a dot, not {MANIFEST}"
        raise ValueError(f"cannot seal under these names: {odd}; a name is {rule}")


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", os.uname().nodename)[:64]


@contextmanager
def draft(into: Path, name: str) -> Iterator[Path]:
    """A new hidden folder, locked while we live and removed at the end unless renamed away."""
    path, lock = _claim(into, name)
    try:
        yield path
    finally:
        _remove(path)
        os.close(lock)


def _claim(into: Path, name: str) -> tuple[Path, int]:
    while True:
        path = into / f".{name}.partial-{_host()}-{secrets.token_hex(4)}"
        path.mkdir()
        with suppress(FileNotFoundError):
            lock = os.open(path, FOLDER)
            with suppress(OSError):  # where there are no locks, no sweep gets one either
                fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():
                return path, lock
            os.close(lock)
        # Another process swept the folder in the instant before it was locked: claim a new one.


def _remove(folder: Path) -> bool:
    with suppress(OSError):
        folder.chmod(0o700)  # it may have been frozen already
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _write(path: Path, writer: Writer) -> dict[str, object]:
    if callable(writer):
        writer(path)
    else:
        with path.open("xb") as file:
            file.write(writer.encode() if isinstance(writer, str) else writer)
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"the writer of {path.name} left no plain file of that name")
    _freeze(path)
    return {"size": path.stat().st_size, "sha256": _sha256(path)}


def _freeze(path: Path) -> None:
    path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)  # only takes rights away: umask holds
    _flush(path)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(partial: Path, into: Path, name: str, exact: bool) -> Path:
    for n in count(1):
        final = into / (name if n == 1 else f"{name}-{n}")
        if os.path.lexists(final):  # asked first, because rename would replace an empty folder
            if exact:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
            continue
        try:
            return partial.rename(final)
        except OSError:
            if not os.path.lexists(final):  # a real failure, not a name lost to another process
                raise


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False).encode() + b"\n"


def _signed(body: dict) -> bytes:
    raw = _canonical(body | {"digest": hashlib.sha256(_canonical(body)).hexdigest()})
    if len(raw) > MANIFEST_LIMIT:
        raise ValueError(f"`about` is too large: {len(raw)} bytes, limit {MANIFEST_LIMIT}")
    return raw


def _parsed(file: Path) -> tuple[dict, bool]:
    """The manifest and whether signing it again gives the same bytes, to the last blank."""
    if not _plain(file):
        raise OSError(None, "not a plain file")
    with file.open("rb") as stream:
        raw = stream.read(MANIFEST_LIMIT + 1)
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("not a manifest")
    return body, _signed({k: v for k, v in body.items() if k != "digest"}) == raw


def _odd(body: dict) -> list[str]:
    """What only a forger writes, such as a name that leads out of the folder."""
    match body:
        case {"about": dict(), "files": dict(files)}:
            return [f"lists {name!r}" for name, entry in files.items() if not _usual(name, entry)]
    return ["lacks its files or metadata"]


def _usual(name: str, entry: object) -> bool:
    match entry:
        case {"size": int(), "sha256": str()}:
            return NAME.fullmatch(name) is not None and name != MANIFEST
    return False


def _changed(path: Path, sealed: dict) -> str | None:
    try:
        if not _plain(path):
            return "a link, folder or device, not a plain file"
        if (size := path.stat().st_size) != sealed["size"]:
            return f"has {size} bytes, sealed with {sealed['size']}"
        return None if _sha256(path) == sealed["sha256"] else "bytes have changed (sha256 differs)"
    except OSError as error:
        return _why(error)


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "missing"
    return f"cannot be read ({error.strerror})" if isinstance(error, OSError) else "torn"


def _plain(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
