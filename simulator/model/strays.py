"""Strays from a mean, sampled so that neither a narrow nor a wide spread makes a funnel.

A wide spread ties a stray's standard normal to all that is measured of its value, and a narrow one
ties the value to its mean. What is sampled, `<name>_z`, passes from the one to the other as the
spread passes how well such values are measured; a spread of zero is nothing special.
"""

import pymc as pm
import pytensor.tensor as pt

from simulator import equations


def stray(name: str, spread: pt.TensorVariable, dims: str) -> pt.TensorVariable:
    """Normals around zero; `name` is what they are in units of their spread."""
    sd = equations.widened(spread)
    effect = pm.Normal(f"{name}_z", 0, sd, dims=dims) / sd
    return spread * pm.Deterministic(name, effect, dims=dims)


def around(
    name: str,
    mean: pt.TensorVariable,
    spread: pt.TensorVariable,
    dims: str | None = None,
    known: float = equations.KNOWN,
    typical: float = 0.0,
) -> pt.TensorVariable:
    """Normals around a mean that is unknown itself, measured to about `known` each.

    What is sampled is the difference from a `typical` value, so that a chain can start near zero.
    """
    sd = equations.widened(spread, known)
    share = spread / (known * sd)  # of the mean: what is sampled follows it where it is the value
    middle = share * (mean - typical)
    sampled = known * pm.Normal(f"{name}_z", middle / known, sd, dims=dims)
    return mean + share * (sampled - middle)
