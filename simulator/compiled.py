"""The model's log density as machine code, compiled once per shape and kept between processes.

Compiling takes most of a minute and sampling a few seconds, so the object code that Numba made is
kept in the user's cache under a key that names everything it depends on: the source of the model,
its shapes, the versions of the compilers and the processor. A kept file that is torn, of another
key or flipped in one bit is compiled anew, never run.
"""

import ctypes
import fcntl
import hashlib
import importlib.metadata
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from nutpie.compile_pymc import CompiledPyMCModel, compile_pymc_model, make_user_data

from simulator.graphs import placement, sizes

PACKAGE = Path(__file__).parent
SOURCES = ("beliefs.py", "equations.py", "prior.py", "model/*.py", "observations/*.py")
COMPILERS = ("llvmlite", "numba", "numpy", "nutpie", "pymc", "pytensor")
RAISED = 1  # what nutpie's density returns where it has met an exception
JITTER = 0.5  # of a prior draw's way from the middle of the prior, where a chain starts


def density(model: pm.Model, structure: object) -> CompiledPyMCModel:
    """The model's log density and gradient, ready for nutpie, from the cache where it is kept.

    `structure` holds, as JSON, what shapes the graph and is not seen in the shapes of the data.
    """
    key = _key(model, structure)
    path = cache_folder() / f"{key}.bin"
    kept = _load(model, path, key)
    if kept is None:
        with _alone(path):
            kept = _load(model, path, key) or _compiled(model, path, key)
    return replace(kept, initial_point_func=_starts(model))


def _compiled(model: pm.Model, path: Path, key: str) -> CompiledPyMCModel:
    fresh = compile_pymc_model(model, var_names=[])
    with suppress(OSError):  # a cache that cannot be written costs time, not the run
        _keep(fresh, path, key)
    return _load(model, path, key) or fresh


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Of all processes that need the same code one compiles it; the others wait, then load it."""
    with ExitStack() as stack:
        with suppress(OSError):  # where nothing can be locked, each compiles for itself
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = stack.enter_context(path.with_suffix(".lock").open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cache_folder() -> Path:
    """Where compiled code is kept: $SIMULATOR_CACHE, or a folder in the user's cache."""
    if chosen := os.environ.get("SIMULATOR_CACHE"):
        return Path(chosen)
    return (
        Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        / "ai-scaling-simulator"
    )


def _starts(model: pm.Model) -> Callable[[int | None], np.ndarray]:
    """Where a chain starts: a draw of the prior, drawn closer to its middle."""
    place, shapes = placement(model), sizes(model)
    alone = threading.Lock()  # chains start side by side, and the graph is one for all

    def start(seed: int | None) -> np.ndarray:
        rng = np.random.default_rng(seed)
        normals = {name: rng.normal(0, JITTER, (1, 1, *size)) for name, size in shapes.items()}
        with alone:
            draws = place(normals)
        return np.concatenate([values.ravel() for values in draws.values()])

    return start


def shape(model: pm.Model, structure: object) -> str:
    """What models have in common that differ in their data alone, labels included."""
    labels = {dim: np.asarray(of).tolist() for dim, of in model.coords.items()}
    return json.dumps([_key(model, structure), labels], default=str)


def _key(model: pm.Model, structure: object) -> str:
    parts = [
        structure,
        [_kind(data.get_value(borrow=True)) for data in model.data_vars],
        {dim: labels and len(labels) for dim, labels in model.coords.items()},
        [
            [path.name, path.read_text("utf-8")]
            for pattern in SOURCES
            for path in sorted(PACKAGE.glob(pattern))
        ],
        {name: importlib.metadata.version(name) for name in COMPILERS},
        sys.version,
        [pytensor.config.floatX, pytensor.config.numba__fastmath],
        {key: value for key, value in os.environ.items() if key.startswith("NUMBA_")},
        cpu_target.target_context.codegen().magic_tuple(),  # platform and processor
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _kind(array: np.ndarray) -> list:
    return [str(array.dtype), *array.shape]


def _keep(compiled: CompiledPyMCModel, path: Path, key: str) -> None:
    """Write the object code of both functions in one file that appears whole or not at all."""
    functions = (compiled.compiled_logp_func, compiled.compiled_expand_func)
    if any(f._library.has_dynamic_globals for f in functions):
        return  # holds addresses of this process
    blobs: list[bytes] = []
    entries = []
    for function in functions:
        name, _, parts = function._library.serialize_using_object_code()
        entries.append([function._wrapper_name, name, [len(part) for part in parts]])
        blobs += parts
    names, slices, shapes = compiled.shape_info
    about = {
        "key": key,
        "functions": entries,
        "data": [variable.name for variable in compiled.shared_var_keys],
        "size": [compiled.n_dim, compiled.n_expanded],
        "variables": [
            names,
            [[s.start, s.stop] for s in slices],
            [list(map(int, s)) for s in shapes],
        ],
    }
    content = b"\n".join([json.dumps(about, default=int).encode(), b"".join(blobs)])
    digest = hashlib.sha256(content).hexdigest().encode()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(digest + b"\n" + content)
            file.close()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _load(model: pm.Model, path: Path, key: str) -> CompiledPyMCModel | None:
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest().encode() != digest:
        return None
    head, _, body = content.partition(b"\n")
    about = json.loads(head)
    if about["key"] != key:
        return None
    try:
        logp, expand = _link(about["functions"], body)
    except Exception:  # whatever LLVM has against it, compiling anew is the way out
        return None
    by_name = {data.name: data for data in model.data_vars}
    keys = {by_name[name]: name for name in about["data"]}
    values = {name: np.array(by_name[name].get_value(), order="C") for name in about["data"]}
    user_data = make_user_data(keys, values)
    if not _answers(logp, about["size"][0], user_data):
        return None
    names, slices, shapes = about["variables"]
    shape_info = names, [slice(*ends) for ends in slices], [tuple(s) for s in shapes]
    return CompiledPyMCModel(
        dims={},
        _coords={},
        _n_dim=about["size"][0],
        n_expanded=about["size"][1],
        _shapes=dict(zip(names, shape_info[2], strict=True)),
        shape_info=shape_info,
        compiled_logp_func=logp,
        compiled_expand_func=expand,
        initial_point_func=None,
        shared_data=values,
        shared_var_keys=keys,
        user_data=user_data,
        logp_func=None,
        expand_func=None,
        reparameterized_names=[],
    )


def _answers(logp: SimpleNamespace, size: int, user_data: np.ndarray) -> bool:
    """Whether a linked density runs: it raises where it leans on code that cannot be kept."""
    numbers = ctypes.POINTER(ctypes.c_double)
    arguments = ctypes.c_uint64, numbers, numbers, numbers, ctypes.c_void_p
    call = ctypes.CFUNCTYPE(ctypes.c_int64, *arguments)(logp.address)
    point, gradient, value = np.zeros(size), np.zeros(size), np.zeros(1)
    pointers = [array.ctypes.data_as(numbers) for array in (point, gradient, value)]
    return call(size, *pointers, user_data.ctypes.data) != RAISED


def _link(functions: list[Any], body: bytes) -> list[SimpleNamespace]:
    """Functions with the address of their machine code, as Numba's own cache links them."""
    context = cpu_target.target_context
    context.refresh()
    rtsys.initialize(context)  # the code allocates through Numba's runtime
    linked = []
    for wrapper, name, lengths in functions:
        parts = []
        for length in lengths:
            parts.append(body[:length])
            body = body[length:]
        library = context.codegen().unserialize_library((name, "object", tuple(parts)))
        address = library.get_pointer_to_function(wrapper)
        linked.append(SimpleNamespace(address=address, library=library))  # it owns the code
    return linked
