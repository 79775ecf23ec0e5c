"""Does every structure give back what it was given? Truths known, data made at the real design.

The beliefs are those of `base`, half as wide: truths are then much like the posterior's, and as
they are drawn from the very beliefs that the fit starts from, 90% intervals hold 90% of them
exactly. One compiled density serves all fits of a structure: beliefs and observations are data.
"""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, norm

from simulator import load_scenario
from simulator.compiled import density
from simulator.inference import begin, completion, finish, predictions, prior_draws
from simulator.model import build
from simulator.observations import observe

STRUCTURES = list(product(("logit", "linear", "saturating"), ("trend", "staircase")))
FITS = 40
WATCHED = (
    "slope_ratio",
    "inference_slope",
    "algorithm_slope_factor",
    "algorithm_shift_oom",
    "algorithm_ceiling_gain",
    "cost_decline_factor",
    "decline_remaining_fraction",
)
BUDGET = 0.01  # false alarms per run of this file, shared among structures and what is watched
LEAST = int(binom.ppf(BUDGET / len(STRUCTURES) / len(WATCHED), FITS, 0.9))


def places(response, cost, fits=FITS):
    """By quantity, the share of the draws below the truth in each fit."""
    chosen = {"structure": {"response": response, "cost": cost}}
    scenario = load_scenario("base", chosen).with_sampler(chains=2, draws=400, tune=400)
    observed = observe(scenario.evidence, scenario.structure)
    model = build(scenario, observed)
    narrow = {"belief_scale": model["belief_scale"].get_value() / 2}
    code = density(model, scenario.form).with_data(**narrow)
    with model:
        model.set_data("belief_scale", narrow["belief_scale"])
    seed = 3 + STRUCTURES.index((response, cost))
    truths = prior_draws(model, seed, (1, fits), "structures")
    complete = completion(model)
    named = complete(truths)
    data = predictions(model, truths, "structures", seed)["structures"]
    found = {name: [] for name in WATCHED}
    for i in range(fits):
        made = {f"observed_{name}": values[0, i].values for name, values in data.items()}
        draws, _ = finish(model, begin(code.with_data(**made), scenario.sampler, i))
        posterior = complete(draws)
        for name in WATCHED:
            found[name].append(float((posterior[name] < named[name][0, i]).mean()))
    return {name: np.array(each) for name, each in found.items()}


def held(places, overconfidence=1.0):
    """How many truths an interval holds, that of 90% or one narrower by a factor."""
    return int((abs(norm.ppf(places)) < norm.ppf(0.95) / overconfidence).sum())


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("response", "cost"), STRUCTURES)
def test_ninety_percent_intervals_hold_the_truth(compiled_code, response, cost):
    """The control, intervals half as wide, must fail; it is looked at over all that is watched."""
    found = places(response, cost)
    assert {name: held(p) for name, p in found.items() if held(p) < LEAST} == {}
    assert np.mean([held(p, 2) for p in found.values()]) < LEAST


def test_intervals_half_as_wide_are_told_from_honest_ones():
    honest = np.random.default_rng(1).uniform(size=(len(WATCHED), FITS))
    assert min(map(held, honest)) >= LEAST
    assert min(held(p, 2) for p in honest) < LEAST
