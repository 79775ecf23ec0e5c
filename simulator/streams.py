"""Named random streams: one seed, and a generator for each name that owes nothing to the others.

A quantity's draws do not change when another quantity, task or date is added, and a longer sample
begins with the shorter one.
"""

import hashlib

import numpy as np

SAMPLE = ("chain", "draw")  # the dimensions of a draw, as ArviZ names them


def sequence(seed: int, *name: str | int) -> np.random.SeedSequence:
    """The seed sequence of a name under a run's seed."""
    words = hashlib.sha256("\0".join(map(str, name)).encode()).digest()
    return np.random.SeedSequence(seed, spawn_key=tuple(np.frombuffer(words, "uint32").tolist()))


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """The generator of a name under a run's seed."""
    return np.random.default_rng(sequence(seed, *name))


def integer(seed: int, *name: str | int) -> int:
    """An integer seed, for libraries that take no generator."""
    return int(sequence(seed, *name).generate_state(1, "uint64")[0] >> 1)


def normals(seed: int, *name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normals of shape (chain, draw, ...), a stream per chain: a prefix stays a prefix."""
    chains, *rest = shape
    return np.stack([stream(seed, *name, c).standard_normal(rest) for c in range(chains)])
