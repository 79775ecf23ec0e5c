"""What can be asked: every quantity by the name and in the unit that a question uses.

Inside, what spans orders of magnitude is kept in OOM; a question speaks of dollars and multiples.
"""

import math
import re
from typing import NamedTuple

from simulator.quantities import BELIEFS, OUTPUTS

OUTSIDE = {"OOM": "x", "OOM USD": "USD", "OOM uses": "uses", "OOM GPU-hours": "GPU-hours"}
USUAL = {"benchmark": "new", "algorithm": "today"}  # what is meant where nothing is said
NUMBERS = ("inference_factor", "threshold_usd", "age", "score")
DATES = ("date",)
NAMES = ("task", "benchmark", "algorithm", "component", "family")
COORDS = (*NAMES, *DATES, *NUMBERS)

_ABOUT = {
    "required_rl_multiplier_oom": ("inference_factor", "benchmark", "algorithm"),
    "task_cost_oom_usd": ("task", "date"),
    "years_to_threshold": ("task", "threshold_usd"),
    "year_of_threshold": ("task", "threshold_usd"),
    "cost_decline_factor_by_age": ("age",),
    "decline_split": ("component", "date"),
    "newest_price_oom": ("date",),
    "recipe_compute_oom": ("family", "score"),
    "baseline_compute_factor": ("family", "score"),
    "break_even_uses_oom": ("inference_factor", "algorithm", "date"),
    "persistence_years": ("inference_factor",),
}
_ALSO = {
    "year_of_threshold": (
        "year",
        "when the task costs the threshold or less, in decimal years; infinite past the horizon",
    )
}
_SHOWN = {
    "USD": re.compile(r"\$\s*(?P<a>[^\s$]+)|(?P<b>\S+?)\s*(?:USD|dollars?)"),
    "x": re.compile(r"(?P<a>\S+?)\s*x"),
    "x per year": re.compile(r"(?P<a>\S+?)\s*x(?:\s*(?:/|per)\s*y(?:ea)?r)?"),
    "years": re.compile(r"(?P<a>\S+?)\s*(?:y|years?)"),
    "uses": re.compile(r"(?P<a>\S+?)\s*uses?"),
    "GPU-hours": re.compile(r"(?P<a>\S+?)\s*(?:h|GPU-hours?)"),
}
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")  # "1,5" would be 15 without it


class Askable(NamedTuple):
    """A quantity that questions may name.

    `stored` is its name in runs, `unit` that of its values outside, `oom` whether they are kept as
    powers of ten, `coords` what has to be said for it to be one number at every draw.
    """

    name: str
    stored: str
    unit: str
    meaning: str
    oom: bool
    coords: tuple[str, ...]

    @property
    def kept_unit(self) -> str:
        """Unit of what is kept."""
        return next(u for u, o in OUTSIDE.items() if o == self.unit) if self.oom else self.unit

    @property
    def positive(self) -> bool:
        """Whether zero and less make no sense."""
        return self.oom or self.unit in ("x", "x per year")

    def inside(self, value: float) -> float:
        """A value as it is kept; raises ValueError for one that the quantity cannot take."""
        if not self.oom:
            return float(value)
        if not value > 0:
            raise ValueError(f"{value:g} is not above 0 {self.unit}")
        return math.log10(value) if math.isfinite(value) else math.inf

    def number(self, text: float | str) -> float:
        """A number that may carry its unit, as in "$500", "1,000x" or "2 years".

        Raises ValueError for another unit, and for what is no number.
        """
        if isinstance(text, bool) or not isinstance(text, (int, float, str)):
            raise ValueError(f"{text!r} is not a number of {self.unit}")
        try:
            return _finite(text)
        except ValueError:
            pass
        for unit, form in _SHOWN.items():
            if found := form.fullmatch(str(text).strip()):
                try:
                    value = _finite(next(g for g in found.groups() if g is not None))
                except ValueError:
                    continue
                if unit == self.unit or (unit, self.unit) == ("x", "x per year"):
                    return value
                if unit == "x per year":  # which takes every "3x"
                    continue
                raise ValueError(f"{text!r} is in {unit}, {self.name} is in {self.unit}")
        raise ValueError(f"{text!r} is not a number of {self.unit}")


def _finite(text: float | str) -> float:
    written = str(text).strip()
    if "," in written and not _GROUPED.fullmatch(written):
        raise ValueError(f"{text!r} has a comma that does not set off thousands")
    value = float(written.replace(",", ""))
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value


def _askable(stored: str, unit: str, meaning: str, coords: tuple[str, ...]) -> Askable:
    oom = unit in OUTSIDE
    name = stored.removesuffix("_usd").removesuffix("_oom") if oom else stored
    return Askable(name, stored, OUTSIDE.get(unit, unit), meaning, oom, coords)


ASKABLE: dict[str, Askable] = {
    found.name: found
    for found in (
        *(_askable(n, OUTPUTS[n].unit, OUTPUTS[n].meaning, _ABOUT[n]) for n in OUTPUTS),
        *(_askable(n, *about, _ABOUT[n]) for n, about in _ALSO.items()),
        # A belief is asked for by its own name; those that are logs already stay logs.
        *(Askable(n, n, q.unit, q.meaning, False, ()) for n, q in BELIEFS.items()),
    )
}


def askable(name: str) -> Askable | None:
    """By its own name or by that under which runs store it; None where there is none."""
    if name in ASKABLE:
        return ASKABLE[name]
    return next((each for each in ASKABLE.values() if each.stored == name), None)
