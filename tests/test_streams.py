"""Random streams: each name its own, and none disturbed by another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.streams import integer, normals, stream

SEED = st.integers(0, 2**63 - 1)
NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@given(SEED, NAME)
def test_a_seed_and_a_name_fix_the_draws(seed, name):
    assert (stream(seed, name).random(4) == stream(seed, name).random(4)).all()


@given(SEED, st.lists(NAME, min_size=2, max_size=2, unique=True))
def test_other_names_and_other_seeds_draw_otherwise(seed, names):
    mine, other = names
    draws = stream(seed, mine).random(4)
    assert (draws != stream(seed, other).random(4)).all()
    assert (draws != stream(seed + 1, mine).random(4)).all()


@given(SEED, NAME, st.integers(1, 5), st.integers(1, 20))
def test_a_longer_sample_begins_with_the_shorter_one(seed, name, chains, draws):
    short = normals(seed, name, shape=(chains, draws, 3))
    long = normals(seed, name, shape=(chains + 2, draws + 30, 3))
    assert (long[:chains, :draws] == short).all()


def test_chains_differ():
    draws = normals(1, "x", shape=(4, 50))
    assert len(np.unique(draws)) == draws.size


@given(SEED, NAME)
def test_integer_seeds_fit_a_signed_word(seed, name):
    assert 0 <= integer(seed, name) < 2**63


def correlation_z(one, other):
    return abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) * np.sqrt(one.size)


def test_streams_of_different_names_are_uncorrelated():
    """45 pairs of names at z = 5.5: 2e-6 false alarms. The control, shifted by one, must fail."""
    draws = [normals(7, f"name {i}", shape=(4, 5000)) for i in range(10)]
    worst = max(correlation_z(a, b) for i, a in enumerate(draws) for b in draws[:i])
    assert worst < 5.5
    related = draws[0] + 10 * draws[1]
    assert correlation_z(draws[0], related) > 5.5


@pytest.mark.parametrize("shape", [(2, 20_000), (4, 5000, 2)])
def test_normals_are_standard(shape):
    """Mean and variance at z = 5: 1e-6 false alarms. The control, sd 1.05, must fail."""

    def z(draws):
        n = draws.size
        return max(abs(draws.mean()) * np.sqrt(n), abs(draws.var() - 1) * np.sqrt(n / 2))

    draws = normals(3, "n", shape=shape)
    assert z(draws) < 5
    assert z(1.05 * draws) > 5
