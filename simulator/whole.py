"""A file that appears whole or not at all, in place of an older one. For folders see seal.py."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from simulator import seal
from simulator.faults import BadInput, Fault


def refuse(file: Path, key: str, kinds: Sequence[str] = (), beginning: bytes = b"") -> None:
    """BadInput about `key` where a file cannot be written, before it is made.

    Its name ends in one of `kinds`, if there are any. One that is there is replaced, but where
    `beginning` says how all such files begin, and it does not.
    """
    rule = fix = ""
    if kinds and file.suffix.lower() not in kinds:
        rule, fix = f"must end in {' or '.join(kinds)}", "name it so"
    elif file.is_dir():
        rule, fix = "is a folder", "name a file in it"
    elif not file.absolute().parent.is_dir():
        rule, fix = "is in no folder that exists", "make it first"
    elif file.exists() and not _begins(file, beginning):
        rule, fix = "is there, and no page of this kind", "name another, or remove it"
    if rule:
        raise BadInput([Fault(str(file), key, rule, fix)])
    seal.refuse_unwritable(file.absolute().parent, key=key)


def _begins(file: Path, beginning: bytes) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(beginning)) == beginning


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write what becomes `path` when the block ends; if it fails, nothing does.

    Its folder is made, and what killed writers left in it is swept. Raises OSError.
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    seal.sweep(path.parent)
    with seal.draft(path.parent, "file") as partial:
        made = partial / path.name
        yield made
        with made.open("rb") as file:
            os.fsync(file.fileno())
        made.replace(path)
