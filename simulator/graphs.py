"""The model's own graph at all draws at once, in NumPy: whole arrays need no compiler."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph

type Draws = dict[str, np.ndarray]  # by variable, shape (chain, draw, ...)
type Complete = Callable[[Draws], Draws]  # adds to free variables all that follows from them


def completion(model: pm.Model) -> Complete:
    """What adds the deterministics, first, to draws of the free variables."""
    names = [d.name for d in model.deterministics]
    evaluate = evaluator(model, model.deterministics)
    return lambda draws: dict(zip(names, evaluate(draws), strict=True)) | draws


def evaluator(
    model: pm.Model, outputs: list[Any], inputs: str = "draws"
) -> Callable[[Draws], list[np.ndarray]]:
    """Graphs as a function of draws, all of them at once, in NumPy: whole arrays need no compiler.

    Data of the model may be set between calls. `inputs` says in which terms the graphs are: of
    free variables ("draws"), or of their values ("values"), as densities are; these are rewritten
    first, for the sake of their tails.
    """
    densities = inputs == "values"
    free = [model.rvs_to_values[rv] for rv in model.free_RVs] if densities else model.free_RVs
    batched = [pt.tensor(rv.name, dtype=rv.dtype, shape=(None, *rv.type.shape)) for rv in free]
    graphs = vectorize_graph(outputs, replace=dict(zip(free, batched, strict=True)))
    mode = "FAST_COMPILE" if densities else Mode(linker="py", optimizer=None)
    function = pytensor.function(batched, graphs, mode=mode, on_unused_input="ignore")

    def evaluate(draws: Draws) -> list[np.ndarray]:
        flat = [draws[rv.name].reshape(-1, *draws[rv.name].shape[2:]) for rv in model.free_RVs]
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
