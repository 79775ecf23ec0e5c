"""A model that observes everything a second time, for calibration near the evidence in hand."""

import numpy as np
import pymc as pm
import pytensor
from pytensor.tensor.random.type import RandomType


def replicated(model: pm.Model) -> pm.Model:
    """The model, changed to observe everything once more: `<name>_again`, data to be set.

    What it was first conditioned on stays, so that its posterior becomes the prior of the rest.
    """
    with model:
        for rv in list(model.observed_RVs):
            values = model[f"observed_{rv.name}"].get_value()
            data = pm.Data(f"observed_{rv.name}_again", values)
            dims = model.named_vars_to_dims.get(rv.name)
            inputs = [  # a generator of its own, or both would be taken for one variable
                pytensor.shared(np.random.default_rng()) if isinstance(i.type, RandomType) else i
                for i in rv.owner.inputs
            ]
            node = rv.owner.clone_with_new_inputs(inputs)
            again = node.outputs[rv.owner.outputs.index(rv)]
            model.register_rv(again, f"{rv.name}_again", observed=data, dims=dims)
    return model
