"""What strays from a mean is the same distribution however it is sampled."""

import numpy as np
import pymc as pm
import pytensor
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from simulator import equations
from simulator.model.strays import around, stray

MEAN, SPREAD = pytensor.shared(0.0), pytensor.shared(1.0)


@pytest.fixture(scope="module")
def made():
    """Values and log densities, by what is sampled, of both forms."""
    with pm.Model(coords={"n": range(3)}) as model:
        values = {
            "one": stray("one", SPREAD, "n"),
            "other": around("other", MEAN, SPREAD, "n"),
        }
    sampled = model.value_vars
    outputs = [*model.replace_rvs_by_values(list(values.values())), *model.logp(sum=False)]
    return pytensor.function(sampled, outputs, mode="FAST_COMPILE"), [v.name for v in sampled]


@settings(deadline=None)
@given(
    st.floats(-5, 5),
    st.floats(1e-3, 1e3),
    st.lists(st.floats(-4, 4), min_size=3, max_size=3).map(np.array),
)
def test_a_stray_is_a_normal_of_that_spread(made, mean, spread, z):
    """The density of the value is the normal's, by the way that the value moves what is sampled."""
    MEAN.set_value(mean)
    SPREAD.set_value(spread)
    function, names = made
    assert names == ["one_z", "other_z"]
    sd = float(equations.widened(spread))
    share = spread / equations.KNOWN / sd
    ones, others = sd * z, share * mean / equations.KNOWN + sd * z
    one, other, one_logp, other_logp = function(ones, others)
    assert one == pytest.approx(spread * z, rel=1e-9, abs=1e-12)
    assert other == pytest.approx(mean + spread * z, rel=1e-9, abs=1e-9)
    for found, slope in ((one_logp, spread / sd), (other_logp, equations.KNOWN * share)):
        moved = norm.logpdf(spread * z, 0, spread) + np.log(slope)
        assert found == pytest.approx(moved, rel=1e-9, abs=1e-9)


def test_what_is_sampled_is_the_normal_under_a_narrow_spread_and_the_value_under_a_wide_one(made):
    function, _ = made
    for spread, moves in ((1e-6, 0.0), (1e6, 1.0)):
        MEAN.set_value(0.0)
        SPREAD.set_value(spread)
        values = [function(np.zeros(3), np.full(3, x))[1] for x in (0.0, 1.0)]
        assert values[1] - values[0] == pytest.approx(moves * equations.KNOWN, abs=1e-5)


def test_no_spread_is_nothing_special(made):
    MEAN.set_value(2.0)
    SPREAD.set_value(0.0)
    one, other, *logp = made[0](np.ones(3), np.ones(3))
    assert (one == 0).all()
    assert other == pytest.approx(2.0)
    assert np.isfinite(logp).all()
