"""Records as a compound Poisson process: they come at a rate that ages, each a random fall.

Falls are exponential: many small ones and few of an order of magnitude, as those published are.
Their number in a quarter times the mean fall is the decline of that quarter. Quarters without a
record, the last ones above all, count for as much as those with one.
"""

import pymc as pm
import pytensor.tensor as pt

from simulator import equations


def staircase(belief: dict, data: dict, rate: pt.TensorVariable, shape: tuple) -> None:
    """Counts of records by quarter and their falls; `rate` is in OOM per year, by series."""
    mean = belief["record_drop_oom"]
    start, end = data["quarter_from"], data["quarter_to"]
    fallen = equations.ageing(end, *shape) - equations.ageing(start, *shape)
    pm.Poisson(
        "records_in_quarter",
        pt.maximum(rate[data["quarter_series"]] * fallen / mean, 0.0),  # records never rise
        observed=data["records_in_quarter"],
        dims="quarter",
    )
    if "record_fall_oom" in data:
        falls = data["record_fall_oom"]
        scale = mean * pt.ones_like(falls)
        pm.Exponential("record_fall_oom", scale=scale, observed=falls, dims="step")
