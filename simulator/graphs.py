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
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.random.basic import NormalRV

type Draws = dict[str, np.ndarray]  # by variable, shape (chain, draw, ...)
type Complete = Callable[[Draws], Draws]  # adds to free variables all that follows from them
type Evaluate = Callable[[Draws], list[np.ndarray]]

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


def densities(model: pm.Model) -> Evaluate:
    """Log densities of the free variables, then of the observed ones, at each draw."""
    made, key = _made.setdefault(model, {}), ("densities", *model.basic_RVs)
    if key not in made:
        variables = [*model.free_RVs, *model.observed_RVs]
        made[key] = evaluator(model, model.logp(variables, jacobian=False, sum=False), "values")
    return made[key]


def placement(model: pm.Model) -> Complete:
    """What puts standard normals of the free variables, normals all of them, where they belong.

    Most are standard. The others' mean and sd depend on further ones, so they are filled in from
    the standard ones down, until nothing changes any more.
    """
    assert all(isinstance(rv.owner.op, NormalRV) for rv in model.free_RVs)
    parameters = [p for rv in model.free_RVs for p in rv.owner.op.dist_params(rv.owner)]
    evaluate = evaluator(model, parameters)

    def place(normals: Draws) -> Draws:
        draws, before = normals, None
        while before is None or any((draws[n] != before[n]).any() for n in draws):
            before, values = draws, iter(evaluate(draws))
            draws = {name: _placed(normal, *islice(values, 2)) for name, normal in normals.items()}
        return draws

    return place


def _placed(normal: np.ndarray, *parameters: np.ndarray) -> np.ndarray:
    mean, sd = (v.reshape(v.shape + (1,) * (normal.ndim - v.ndim)) for v in parameters)
    return mean + sd * normal


def sizes(model: pm.Model) -> dict[str, list[int]]:
    """The shape of every free variable."""
    dims = {rv.name: model.named_vars_to_dims.get(rv.name, ()) for rv in model.free_RVs}
    return {
        rv.name: [len(model.coords[dim]) for dim in dims[rv.name]] or [*rv.type.shape]
        for rv in model.free_RVs
    }


def evaluator(model: pm.Model, outputs: list[Any], inputs: str = "draws") -> Evaluate:
    """Graphs as a function of draws, all of them at once, in NumPy: whole arrays need no compiler.

    Data of the model may be set between calls. `inputs` says in which terms the graphs are: of
    free variables ("draws"), or of their values ("values"), as densities are; these are rewritten
    first, for the sake of their tails.
    """
    made, key = _made.setdefault(model, {}), (inputs, *outputs)
    if key not in made:
        made[key] = _evaluator(model, outputs, densities=inputs == "values")
    return made[key]


def _evaluator(model: pm.Model, outputs: list[Any], *, densities: bool) -> Evaluate:
    free = [model.rvs_to_values[rv] for rv in model.free_RVs] if densities else model.free_RVs
    batched = [pt.tensor(rv.name, dtype=rv.dtype, shape=(None, *rv.type.shape)) for rv in free]
    graphs = vectorize_graph(outputs, replace=dict(zip(free, batched, strict=True)))
    mode = "FAST_COMPILE" if densities else Mode(linker="py", optimizer=None)
    function = pytensor.function(batched, graphs, mode=mode, on_unused_input="ignore")
    names = [rv.name for rv in model.free_RVs]  # not the model, which would keep itself alive

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
