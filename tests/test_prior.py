"""What a person states of a belief is what the belief is, for every family."""

import math
from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from simulator.prior import FAMILIES, Belief, fit, place, support, value

# Values that each link can produce, from which quantiles are drawn.
VALUES = {
    "identity": st.floats(-1e6, 1e6),
    "exp": st.floats(1e-9, 1e9),
    "logistic": st.floats(1e-4, 1 - 1e-4),
}
PROBABILITIES = st.integers(1, 999).map(lambda n: n / 1000)
FAMILY = st.sampled_from(sorted(FAMILIES))

# Each family's closed form in SciPy, from the family's own two parameters.
SCIPY = {
    "normal": lambda mu, sigma: stats.norm(mu, sigma).ppf,
    "lognormal": lambda mu, sigma: stats.lognorm(sigma, scale=math.exp(mu)).ppf,
    "logitnormal": lambda mu, sigma: lambda p: special.expit(stats.norm(mu, sigma).ppf(p)),
    "uniform": lambda low, high: stats.uniform(low, high - low).ppf,
    "loguniform": lambda low, high: stats.loguniform(low, high).ppf,
}


def belief(family, location, scale):
    return Belief("x", family, location, scale, unit="1", meaning="", source="", why="")


@st.composite
def stated(draw):
    """A family and two quantiles of it, far enough apart to be told from one another."""
    family = draw(FAMILY)
    numbers = VALUES[FAMILIES[family].link]
    low, high = sorted(draw(st.lists(numbers, min_size=2, max_size=2, unique=True)))
    assume(high - low > 1e-6 * max(-low, high))
    p, q = sorted(draw(st.lists(PROBABILITIES, min_size=2, max_size=2, unique=True)))
    return family, (p, low), (q, high)


@st.composite
def parameters(draw):
    family = draw(FAMILY)
    if FAMILIES[family].uniform:
        low = draw(st.floats(1e-3, 1e3))
        return family, low, low * draw(st.floats(1.01, 1e3))
    return family, draw(st.floats(-5, 5)), draw(st.floats(0.01, 5))


@settings(deadline=None)
@given(stated())
def test_quantiles_stated_are_quantiles_got(case):
    family, *points = case
    fitted = belief(family, *fit(family, points))
    spread = max(abs(x) for _, x in points)
    for p, x in points:
        assert fitted.quantile(p) == pytest.approx(x, rel=1e-9, abs=1e-9 * spread)


@settings(deadline=None)
@given(stated())
def test_the_order_of_quantiles_does_not_matter(case):
    family, first, second = case
    assert fit(family, [first, second]) == fit(family, [second, first])


@settings(deadline=None)
@given(parameters(), PROBABILITIES)
def test_own_parameters_mean_what_scipy_means_by_them(case, p):
    family, first, second = case
    expected = SCIPY[family](first, second)(p)
    assert belief(family, *place(family, first, second)).quantile(p) == pytest.approx(
        expected, rel=1e-9, abs=1e-12
    )


@settings(deadline=None)
@given(parameters(), st.floats(-8, 8))
def test_every_value_lies_in_the_support(case, z):
    family, *own = case
    location, scale = place(family, *own)
    low, high = support(family, location, scale)
    assert low <= value(family, location, scale, z) <= high
    if FAMILIES[family].uniform:
        assert (low, high) == pytest.approx(own, rel=1e-12)


@settings(deadline=None)
@given(parameters(), st.floats(-4, 4), st.floats(0.01, 4))
def test_values_rise_with_z(case, z, step):
    family, *own = case
    line = place(family, *own)
    assert value(family, *line, z) < value(family, *line, z + step) or step * line[1] < 1e-9


def test_a_lognormal_of_5_to_10_has_its_median_between_in_ratio():
    location, scale = fit("lognormal", [(0.05, 5), (0.95, 10)])
    assert math.exp(location) == pytest.approx(math.sqrt(50), rel=1e-12)
    assert scale == pytest.approx(0.21070, abs=5e-6)
    assert belief("lognormal", location, scale).quantiles() == pytest.approx(
        dict(zip(("q05", "q25", "q50", "q75", "q95"), (5, 6.134, 7.071, 8.151, 10), strict=True)),
        rel=1e-3,
    )


@pytest.mark.parametrize("number", [0.0, 1.0, -3.5, 1e300, math.inf])
def test_a_constant_is_its_value_everywhere(number):
    constant = belief("constant", number, 0.0)
    assert constant.constant
    assert set(constant.quantiles().values()) == {number}
    assert support("constant", number, 0.0) == (number, number)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_only_a_constant_is_constant(family):
    assert not belief(family, 0.0, 1.0).constant


Z = np.linspace(-8, 8, 33)


@pytest.mark.parametrize("family", ["constant", *sorted(FAMILIES)])
@pytest.mark.parametrize(("location", "scale"), [(0.0, 1.0), (-1.7, 0.3), (2.5, 2.0)])
def test_floats_arrays_and_tensors_share_one_value(family, location, scale):
    exact = [value(family, location, scale, float(z)) for z in Z]
    arrays = SimpleNamespace(exp=np.exp, erf=special.erf)
    np.testing.assert_allclose(
        value(family, location, scale, Z, arrays), exact, rtol=1e-12, atol=1e-15
    )
    z = pt.dvector()
    tensor = pytensor.function([z], value(family, location, scale, z, pm.math), mode="FAST_COMPILE")
    np.testing.assert_allclose(tensor(Z), exact, rtol=1e-12, atol=1e-15)
