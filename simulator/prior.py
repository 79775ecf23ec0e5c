"""One belief: a family of distributions and what a person said of it, as a map of a normal.

Every belief is x = link(location + scale * shape(z)) with z standard normal. Two quantiles, or the
family's own two parameters, fix location and scale; a constant is the same with scale zero. So
constants and distributions, quantiles and parameters, plain numbers and tensors share one path.
"""

import math
from statistics import NormalDist
from typing import Any, NamedTuple

NORMAL = NormalDist()
TABLED = (0.05, 0.25, 0.5, 0.75, 0.95)


class Family(NamedTuple):
    """How a family is written and which values it can produce."""

    parameters: tuple[str, str]
    link: str  # identity, exp or logistic
    uniform: bool  # shape(z): z itself, or its distribution function


FAMILIES = {
    "normal": Family(("mu", "sigma"), "identity", False),
    "lognormal": Family(("mu", "sigma"), "exp", False),
    "logitnormal": Family(("mu", "sigma"), "logistic", False),
    "uniform": Family(("low", "high"), "identity", True),
    "loguniform": Family(("low", "high"), "exp", True),
}
CONSTANT = Family(("value", ""), "identity", False)


class Belief(NamedTuple):
    """A named belief; `location` and `scale` act on the line that `family` links to values."""

    name: str
    family: str
    location: float
    scale: float
    unit: str
    meaning: str
    source: str
    why: str

    @property
    def constant(self) -> bool:
        return self.family == "constant"

    def quantile(self, p: float) -> float:
        """The value below which the belief puts probability p (0 < p < 1)."""
        return value(self.family, self.location, self.scale, NORMAL.inv_cdf(p))

    def quantiles(self) -> dict[str, float]:
        """The 5/25/50/75/95% quantiles by name."""
        return {f"q{round(100 * p):02d}": self.quantile(p) for p in TABLED}


def value(family: str, location: Any, scale: Any, z: Any, maths: Any = math) -> Any:
    """A belief's value at the standard normal z; `maths` supplies exp and erf for z's own type."""
    _, link, uniform = FAMILIES.get(family, CONSTANT)
    line = location + scale * ((1 + maths.erf(z / math.sqrt(2))) / 2 if uniform else z)
    if link == "exp":
        return maths.exp(line)
    return 1 / (1 + maths.exp(-line)) if link == "logistic" else line


def fit(family: str, points: list[tuple[float, float]]) -> tuple[float, float]:
    """Location and scale for which the quantiles at two probabilities are exactly as stated.

    `points` are (probability, value) pairs. Raises ValueError for values outside the family.
    """
    _, link, uniform = FAMILIES[family]
    (p, low), (r, high) = [
        (q if uniform else NORMAL.inv_cdf(q), _unlink(link, x)) for q, x in sorted(points)
    ]
    scale = (high - low) / (r - p)
    location = low - scale * p
    if uniform and abs(location) < 1e-12 * scale:  # a range from zero, but for rounding
        location = 0.0
    return location, scale


def _unlink(link: str, x: float) -> float:
    if link == "exp":
        return math.log(x)
    return math.log(x / (1 - x)) if link == "logistic" else x


def place(family: str, first: float, second: float) -> tuple[float, float]:
    """Location and scale from the family's own two parameters (see FAMILIES)."""
    if FAMILIES[family].uniform:
        return fit(family, [(0.0, first), (1.0, second)])
    return first, second


def support(family: str, location: float, scale: float) -> tuple[float, float]:
    """The smallest and largest value that a belief can take."""
    if family == "constant":
        return location, location
    _, link, uniform = FAMILIES[family]
    if uniform:
        ends = (location, location + scale)
        return (math.exp(ends[0]), math.exp(ends[1])) if link == "exp" else ends
    return {"identity": (-math.inf, math.inf), "exp": (0, math.inf), "logistic": (0, 1)}[link]
