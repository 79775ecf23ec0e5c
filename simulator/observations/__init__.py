"""Evidence rows as labelled arrays: what the model conditions on, and the labels of its dimensions.

One `Observations` holds everything the PyMC model takes as data. Absent tables leave their arrays
out, so that the model has no empty likelihoods.
"""

from simulator.evidence import Evidence
from simulator.observations import costs, curves, recipes
from simulator.observations.arrays import Observations
from simulator.schema import Structure

__all__ = ["Observations", "observe"]
SIMPLEST = Structure()


def observe(evidence: Evidence, structure: Structure = SIMPLEST) -> Observations:
    """Turn the rows in use into arrays, in the terms of a structure.

    Shapes: one entry per point, slope, exchange rate, recipe, rate, factor, record or quarter.
    """
    of = evidence.rows
    parts = [
        curves.responses(of("response_points"), of("response_slopes"), structure.response),
        curves.exchange(of("exchange_rates")),
        recipes.recipes(of("recipes")),
        recipes.progress(of("progress_rates")),
        costs.costs(of("cost_records"), of("annual_factors"), structure.cost),
    ]
    merged = Observations({}, {}, {})
    for part in parts:
        for whole, piece in zip(merged, part, strict=True):
            whole.update(piece)
    return merged
