"""Is the sampler honest? Data drawn from the model must rank its truths uniformly among the draws.

One compiled density serves every simulation: observations are data of the model.
"""

import numpy as np
import pytest
from scipy.stats import kstest

from simulator import load_scenario
from simulator.compiled import density
from simulator.inference import _nuts, _predictions, _prior, _tree, structure
from simulator.model import build
from simulator.observations import observe

SIMULATIONS, KEPT = 100, 99
WATCHED = ("rl_slope", "inference_slope", "slope_ratio", "curve_noise", "benchmark_ratio_spread")
BUDGET = 0.01  # false alarms per run of this file, shared among what is watched


@pytest.fixture(scope="module")
def ranks(compiled_code):
    """Rank of each truth among KEPT posterior draws, shape (simulation,), by quantity."""
    scenario = load_scenario("base", {"evidence.sources": ["openai-o1"]})
    observed = observe(scenario.evidence)
    model = build(scenario, observed)
    compiled = density(model, structure(scenario))
    truths = _prior(model, 7, (1, SIMULATIONS), "calibration")
    named = _tree(model, truths, "prior")["prior"]
    data = _predictions(model, truths, "calibration", 7)["calibration"]
    found = {name: [] for name in WATCHED}
    for i in range(SIMULATIONS):
        one = {f"observed_{name}": values[0, i].values for name, values in data.items()}
        draws, _ = _nuts(compiled.with_data(**one), model, scenario.sampler, i, 1, None)
        posterior = _tree(model, draws, "posterior")["posterior"]
        for name in WATCHED:
            flat = posterior[name].values.ravel()
            kept = flat[:: len(flat) // KEPT][:KEPT]
            found[name].append(int((kept < float(named[name][0, i])).sum()))
    return {name: np.array(each) for name, each in found.items()}


def uniform(rank):
    """Whether ranks of 0 to KEPT could be uniform, at this file's budget; ties broken at random."""
    jitter = np.random.default_rng(1).uniform(size=len(rank))
    return kstest((rank + jitter) / (KEPT + 1), "uniform").pvalue > BUDGET / len(WATCHED)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", WATCHED)
def test_truths_rank_uniformly(ranks, name):
    assert uniform(ranks[name])


@pytest.mark.parametrize("wrong", [lambda u: u**2, lambda u: 0.5 + (u - 0.5) / 2])
def test_biased_or_overconfident_ranks_fail(wrong):
    """Negative control: a posterior that is shifted, or twice as wide as it should be."""
    honest = np.random.default_rng(2).uniform(size=SIMULATIONS)
    assert uniform(np.floor(honest * (KEPT + 1)))
    assert not uniform(np.floor(wrong(honest) * (KEPT + 1)))
