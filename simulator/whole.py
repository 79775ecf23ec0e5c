"""A file that appears whole or not at all, in place of an older one. For folders see seal.py."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator import seal


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
