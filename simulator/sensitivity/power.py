"""Power-scaling: what of an answer the beliefs make and what the data, each raised to a power.

After Kallioinen et al. 2024, doi:10.1007/s11222-023-10366-5, by ArviZ: each density is raised to
the powers 0.99 and 1.01 by weights on the draws, and the cumulative Jensen-Shannon distance between
the output before and after, per doubling of the power, is the sensitivity; 0.05 is where it begins
to matter (a normal moved by 0.27 sd). Outputs are in OOM, or ranks where draws are infinite, in
which an infinite draw is as far away as the next rank.

ArviZ gives no error. The distance of draws that have nothing to do with a density is not zero but
its noise: that of a random density of as much spread, by the effective number of draws. What is
below CLEAR times its noise counts as nothing: one in a thousand of unrelated ones is above it.

Beliefs and data that both inform an answer need not disagree. They do where they pull it apart:
`pull` is by how many sd its mean moves when a density is doubled.
"""

from typing import NamedTuple

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import ndtri

from simulator import streams

POWERS = 0.99, 1.01
SENSITIVE = 0.05
CLEAR = 2.6  # 99.9% of a Cramer-von Mises statistic lies below, as its root over the mean's
FAR = 3.3  # the same of a normal, either side
APART = 0.25  # sd per doubling, which moves a normal by SENSITIVE
REPEATS = 8  # random densities, for the noise


class Power(NamedTuple):
    """Figures of one density by output, each of shape (output,): see above."""

    sensitivity: np.ndarray
    noise: np.ndarray
    pull: np.ndarray
    pull_error: np.ndarray

    @property
    def sensitive(self) -> np.ndarray:
        """Where it matters, and is no noise, in its distance or in its pull."""
        clear = (self.sensitivity > CLEAR * self.noise) | self.far
        return (self.sensitivity >= SENSITIVE) & clear

    @property
    def far(self) -> np.ndarray:
        """Where it moves the mean, and is no noise."""
        return (abs(self.pull) >= APART) & (abs(self.pull) > FAR * self.pull_error)

    @property
    def unclear(self) -> np.ndarray:
        """Where it seems to matter, or could in so much noise: more draws would have to say so."""
        rest = np.square(self.sensitivity) - np.square(self.noise)
        return ~self.sensitive & ((rest >= SENSITIVE**2) | (self.noise >= SENSITIVE))


def powers(
    densities: dict[str, np.ndarray], outputs: np.ndarray, shape: tuple[int, int]
) -> dict[str, Power]:
    """Power-scaling of outputs (output, sample) by each log density (sample,), by its name.

    `shape` is that of (chain, draw). Densities that do not vary move nothing.
    """
    draws = outputs.reshape(len(outputs), *shape)
    unit = _unit_noise(draws)
    spread = outputs.std(axis=1)
    sizes = np.array([_size(one) for one in draws])
    found = {}
    for name, log in densities.items():
        log = log.reshape(shape)
        if np.ptp(log) == 0:
            found[name] = Power(*np.zeros((4, len(outputs))))
            continue
        error = log.std() / np.sqrt(_joint_size(_size(log), sizes, log.size))
        moved = np.log(2) * ((draws - draws.mean(axis=(1, 2), keepdims=True)) * log).mean(
            axis=(1, 2)
        )
        found[name] = Power(
            _sensitivity(draws, log), unit * error, moved / spread, np.log(2) * error
        )
    return found


def diagnosis(prior: Power | None, data: Power | None) -> list[str]:
    """What an answer rests on, in words, from all beliefs and all data together, by output."""
    if prior is None or data is None:
        return []
    apart = prior.far & data.far & (prior.pull * data.pull < 0)
    states = (prior.sensitive, data.sensitive, apart, prior.unclear, data.unclear)
    return [_said(*map(bool, each)) for each in zip(*states, strict=True)]


def _said(prior: bool, data: bool, apart: bool, perhaps: bool, perhaps_data: bool) -> str:
    if prior and data:
        return "prior and data disagree" if apart else "prior and data"
    if prior:
        return "prior, perhaps data" if perhaps_data else "mostly your prior"
    if data:
        return "data, perhaps prior" if perhaps else "informed by data"
    return "too noisy to tell" if perhaps or perhaps_data else "neither moves it"


def _sensitivity(draws: np.ndarray, log: np.ndarray) -> np.ndarray:
    lower, upper = (
        np.exp(array_stats.power_scale_lw(log, alpha=alpha, axis=(-2, -1))) for alpha in POWERS
    )
    return np.array(
        [
            array_stats.power_scale_sense(
                one, lower / lower.sum(), upper / upper.sum(),
                lower_alpha=POWERS[0], upper_alpha=POWERS[1],
            )
            for one in draws
        ]
    )  # fmt: skip


def _unit_noise(draws: np.ndarray) -> np.ndarray:
    """Root mean square sensitivity to unrelated densities of sd one, times root of the draws."""
    rng = streams.stream(0, "power")
    size = draws[0].size
    scores = ndtri((np.arange(size) + 0.5) / size)
    each = [_sensitivity(draws, rng.permutation(scores).reshape(draws[0].shape))
            for _ in range(REPEATS)]  # fmt: skip
    return np.sqrt(np.mean(np.square(each), axis=0) * size)


def _size(draws: np.ndarray) -> float:
    return float(array_stats.ess(draws, method="mean"))


def _joint_size(one: float, others: np.ndarray, draws: int) -> np.ndarray:
    """Draws that a covariance of two series is worth, both autoregressive of order one."""
    both = _persistence(one, draws) * _persistence(others, draws)
    return draws * (1 - both) / (1 + both)


def _persistence(size: float | np.ndarray, draws: int) -> np.ndarray:
    each = np.maximum(draws / np.asarray(size), 1.0)
    return (each - 1) / (each + 1)
