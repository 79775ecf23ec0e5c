"""Exports onto disk or into a pipe: all of a file or folder, or nothing of it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from simulator import seal
from simulator.faults import BadInput, Fault
from simulator.whole import whole

PIPE = "-"


def refuse(out: str, folder: bool, key: str = "--out") -> None:
    """BadInput where nothing can be put there, before anything is made."""
    path = Path(out)
    if out == PIPE:
        if folder:
            rule = "this format with these forecasts is a folder, which no pipe takes"
            raise BadInput([Fault(out, key, rule, "name a folder")])
        return
    if folder and path.is_dir() and any(path.iterdir()):
        raise BadInput([Fault(out, key, "is a folder that is not empty", "name a new one")])
    if folder and path.exists() and not path.is_dir():
        raise BadInput([Fault(out, key, "is a file; this export is a folder", "name a new one")])
    if not folder and path.is_dir():
        raise BadInput([Fault(out, key, "is a folder; this export is a file", "name a file")])
    seal.refuse_unwritable(path.absolute().parent, key=key)


def put(out: str, content: str | bytes | Mapping[str, bytes]) -> None:
    """Write an export where it goes; raises OSError, and then nothing of it is there."""
    if isinstance(content, str):
        content = content.encode()
    if out == PIPE and isinstance(content, bytes):
        sys.stdout.buffer.write(content)
        return
    path = Path(out).absolute()
    if isinstance(content, bytes):
        with whole(path) as file:
            file.write_bytes(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    seal.sweep(path.parent)
    with seal.draft(path.parent, "export") as partial:
        made = partial / "folder"
        for name, part in content.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            _write(made / name, part)
        os.rename(made, path)  # an empty folder is replaced, another is an error


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
