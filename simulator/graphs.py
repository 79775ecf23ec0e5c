"""The model's own graph at all draws at once, in NumPy: whole arrays need no compiler.

What is made of a graph is kept with it, and a graph is kept for the next scenario of its shape.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.compile.ops import ViewOp
from pytensor.graph.basic import Apply
from pytensor.graph.replace import _vectorize_node, vectorize_graph
from pytensor.tensor.random.basic import NormalRV
from pytensor.tensor.random.op import RandomVariable

type Draws = dict[str, np.ndarray]  # by variable, shape (chain, draw, ...)
type Complete = Callable[[Draws], Draws]  # what follows from free variables
type Evaluate = Callable[[Draws], list[np.ndarray]]

NUMPY = Mode(linker="py", optimizer=None)  # as it stands
IDLE = 2  # graphs kept for scenarios to come; a batch does those of one shape in a row
_idle: dict[str, pm.Model] = {}
_guard = threading.Lock()
_made: WeakKeyDictionary[pm.Model, dict[Any, Any]] = WeakKeyDictionary()


@contextmanager
def lent(model: pm.Model, shape: str) -> Iterator[pm.Model]:
    """A model of this shape that was used before, with the data of this one; or this one itself.

    `shape` says all that differs between graphs and labels, and nothing that is data. Nobody else
    has the model meanwhile, and one that was interrupted is not lent again.
    """
    with _guard:
        known = _idle.pop(shape, model)
    for data in model.data_vars if known is not model else ():
        known[data.name].set_value(data.get_value())
    yield known
    with _guard:
        _idle[shape] = known
        for oldest in [*_idle][:-IDLE]:
            del _idle[oldest]


def completion(model: pm.Model) -> Complete:
    """What adds the deterministics, first, to draws of the free variables."""
    names = [d.name for d in model.deterministics]
    evaluate = evaluator(model, model.deterministics)
    return lambda draws: dict(zip(names, evaluate(draws), strict=True)) | draws


def densities(model: pm.Model, variables: list[Any]) -> Complete:
    """Log density of these variables, free or observed, at each draw."""
    return _kept(model, ("densities", *variables), lambda: _densities(model, variables))


def _densities(model: pm.Model, variables: list[Any]) -> Complete:
    """From parameters and values at all draws, by PyMC's density of each distribution."""
    evaluate = terms(model, variables)
    density = {op: _density(op) for op in {rv.owner.op for rv in variables}}

    def at(draws: Draws) -> Draws:
        found = {}
        for rv, term in zip(variables, evaluate(draws), strict=True):
            own = [_aligned(part, 1).astype(float) for part in term]
            each = density[rv.owner.op](*np.broadcast_arrays(*own))
            found[rv.name] = each if rv.ndim else each[..., 0]
        return found

    return at


def _density(op: RandomVariable) -> Callable[..., np.ndarray]:
    """The log density of a distribution, of parameters and value as (chain, draw, n) arrays."""
    *own, value = [pt.dtensor3() for _ in range(len(op.ndims_params) + 1)]
    _, drawn = op(*own, rng=pt.random.rng(), return_next_rng=True)
    return pytensor.function([*own, value], pm.logp(drawn, value), mode=NUMPY)


def terms(model: pm.Model, variables: list[Any]) -> Callable[[Draws], list[list[np.ndarray]]]:
    """The parameters of each of these variables, and its value, at each draw.

    They broadcast: all have as many dimensions as the variable, after (chain, draw).
    """
    observed = {*model.observed_RVs}
    values = [model.rvs_to_values[rv] if rv in observed else rv for rv in variables]
    nodes = [rv.owner for rv in variables]
    graphs = [[*node.op.dist_params(node), v] for node, v in zip(nodes, values, strict=True)]
    evaluate = evaluator(model, [part for term in graphs for part in term])

    def at(draws: Draws) -> list[list[np.ndarray]]:
        parts = iter(evaluate(draws))
        return [
            [_aligned(part, value.ndim) for part in islice(parts, len(term))]
            for value, term in zip(values, graphs, strict=True)
        ]

    return at


def _aligned(values: np.ndarray, ndim: int) -> np.ndarray:
    """Values at each draw with `ndim` dimensions after (chain, draw), so that they broadcast."""
    return values.reshape(values.shape + (1,) * (2 + ndim - values.ndim))


def placement(model: pm.Model) -> Complete:
    """What puts standard normals of the free variables, normals all of them, where they belong.

    Most are standard. The others' mean and sd depend on further ones, so they are filled in from
    the standard ones down, until nothing changes any more.
    """
    assert all(isinstance(rv.owner.op, NormalRV) for rv in model.free_RVs)
    names, evaluate = [rv.name for rv in model.free_RVs], terms(model, model.free_RVs)

    def place(normals: Draws) -> Draws:
        draws, before = normals, None
        while before is None or any((draws[n] != before[n]).any() for n in names):
            before, each = draws, zip(names, evaluate(draws), strict=True)
            draws = {name: mean + sd * normals[name] for name, (mean, sd, _) in each}
        return draws

    return place


def sizes(model: pm.Model) -> dict[str, list[int]]:
    """The shape of every free variable."""
    dims = {rv.name: model.named_vars_to_dims.get(rv.name, ()) for rv in model.free_RVs}
    return {
        rv.name: [len(model.coords[dim]) for dim in dims[rv.name]] or [*rv.type.shape]
        for rv in model.free_RVs
    }


def evaluator(model: pm.Model, outputs: list[Any]) -> Evaluate:
    """Graphs as a function of draws, all of them at once, in NumPy: whole arrays need no compiler.

    Data of the model may be set between calls.
    """
    return _kept(model, tuple(outputs), lambda: _evaluator(model, outputs))


def _kept(model: pm.Model, key: Any, make: Callable[[], Any]) -> Any:
    made = _made.setdefault(model, {})
    if key not in made:
        made[key] = make()
    return made[key]


@_vectorize_node.register(ViewOp)
def _vectorized_view(op: ViewOp, node: Apply, batched: Any) -> Apply:
    """A view of many is a view, as which a model names things; PyTensor would take each apart."""
    return op.make_node(batched)


def _evaluator(model: pm.Model, outputs: list[Any]) -> Evaluate:
    free = model.free_RVs
    batched = [pt.tensor(rv.name, dtype=rv.dtype, shape=(None, *rv.type.shape)) for rv in free]
    graphs = vectorize_graph(outputs, replace=dict(zip(free, batched, strict=True)))
    function = pytensor.function(batched, graphs, mode=NUMPY, on_unused_input="ignore")
    names = [rv.name for rv in free]  # not the model, which would keep itself alive

    def evaluate(draws: Draws) -> list[np.ndarray]:
        flat = [draws[name].reshape(-1, *draws[name].shape[2:]) for name in names]
        sample = next(iter(draws.values())).shape[:2]
        return [
            _spread(result, sample, depends=np.ndim(result) > graph.ndim)
            for result, graph in zip(function(*flat), outputs, strict=True)
        ]

    return evaluate


def _spread(result: np.ndarray, sample: tuple[int, int], *, depends: bool) -> np.ndarray:
    """A result with its (chain, draw) dimensions; what no draw changes is the same at each."""
    if depends:
        return result.reshape(*sample, *result.shape[1:])
    return np.broadcast_to(result, (*sample, *np.shape(result))).copy()
