"""The shape of a scenario file: which keys there are, and what each may hold.

Pydantic checks one section at a time, so that a fault in one hides none in another; `parse` says
its findings in this project's words. What relates sections to one another is in scenario.py.
"""

import datetime as dt
import reprlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from simulator.dates import FORMS, last_day
from simulator.faults import Fault, nearest
from simulator.quantities import Quantity


class Section(BaseModel):
    """A table of a file: no unknown key, no number that is not finite, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


def _date(text: Any) -> dt.date:
    if isinstance(text, int):  # TOML reads a bare 2025 as a number
        text = str(text)
    return last_day(text)


Date = Annotated[dt.date, BeforeValidator(_date)]
Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Stated(Section):
    """One belief as written: a family with two quantiles or its own parameters, or a constant."""

    family: Literal["constant", "normal", "lognormal", "logitnormal", "uniform", "loguniform"]
    unit: Text
    source: Text
    why: Text
    quantiles: dict[str, float] | None = None
    value: float | Literal["never"] | None = None
    mu: float | None = None
    sigma: float | None = None
    low: float | None = None
    high: float | None = None


class Correlated(Section):
    """A rank correlation between two beliefs."""

    between: Annotated[list[str], Field(min_length=2, max_length=2)]
    rank: Annotated[float, Field(gt=-1, lt=1)]
    why: Text


class Structure(Section):
    """Choices of form, as against values."""

    response: Literal["logit", "linear", "saturating"] = "logit"
    cost: Literal["trend", "staircase"] = "trend"

    def uses(self, quantity: Quantity) -> bool:
        """Whether a belief has a part in this structure."""
        return quantity.structure in ("", self.response, self.cost)


class EvidenceChoice(Section):
    """Which observations to condition on."""

    sources: Literal["all", "none"] | Annotated[list[str], Field(min_length=1)] = "all"
    as_of: Date | None = None


class Sampler(Section):
    """How to sample."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    chains: Annotated[int, Field(ge=1, le=64)]
    draws: Annotated[int, Field(ge=4, le=1_000_000)]
    tune: Annotated[int, Field(ge=1, le=1_000_000)]
    target_accept: Annotated[float, Field(gt=0.5, lt=1)]


class Forecast(Section):
    """Where the answer is asked for."""

    today: Date
    horizon: Date
    algorithm_baseline: Date
    inference_factors: Annotated[list[Annotated[float, Field(ge=1)]], Field(min_length=1)]
    dates: Annotated[list[Date], Field(min_length=1)]
    ages_years: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1)]
    thresholds_usd: Annotated[list[Positive], Field(min_length=1)]
    from_score: Share = 0.2
    recipe_scores: Annotated[list[Share], Field(min_length=1)] = [0.45, 0.47, 0.48, 0.5, 0.55]
    rl_spend_usd: Positive = 1e6
    cost_per_use_usd: Positive = 0.5


class Task(Section):
    """A task, what one costs at `priced` (else at its debut), and whose decline it follows.

    `human_cost_usd` is what a person takes for one; figures show it, nothing is computed from it.
    """

    cost_usd: Positive
    human_cost_usd: Positive | None = None
    debut: Date
    priced: Date | None = None
    resembles: Text
    kind: Literal["real", "benchmark"] = "real"
    why: str = ""


PLAIN = {
    "name": str,
    "title": str,
    "why": str,
    "prior": dict,
    "task": dict,
    "correlation": list,
    "question": list,
}
KINDS = {str: "text", dict: "a table of tables", list: "a list of tables"}
SECTIONS: dict[str, type[Section]] = {
    "structure": Structure,
    "evidence": EvidenceChoice,
    "sampler": Sampler,
    "forecast": Forecast,
}


def parse[S: Section](
    model: type[S], data: Any, where: str, key: str
) -> tuple[S, list[Fault]] | tuple[None, list[Fault]]:
    """One section as its model, or None and every fault in it."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        found = [_fault(model, item, where, key) for item in error.errors(include_url=False)]
        return None, list(dict.fromkeys(found))


def _fault(model: type[Section], error: Any, where: str, key: str) -> Fault:
    first, rest = map(str, error["loc"][:1]), map(str, error["loc"][1:])
    unions = ("float", "literal", "list")  # below a key, pydantic names the branch it tried
    below = [n for n in rest if not n.startswith(unions) and (n.isdecimal() or n.isidentifier())]
    names = [*first, *below]
    full = ".".join([key, *names])
    match error["type"]:
        case "extra_forbidden":
            return Fault(where, full, "is not a key here", nearest(names[-1], model.model_fields))
        case "missing":
            return Fault(where, full, "is missing", "add it")
        case "model_type" | "model_attributes_type":
            return Fault(where, full, "must be a table", "write its keys under it")
        case "finite_number":
            return Fault(where, full, "must be finite, not nan or inf", "write a number")
        case "value_error":
            rule = str(error["ctx"]["error"])
            return Fault(where, full, rule, f"write a date as {FORMS}")
    return Fault(where, full, _plain(error["msg"]), f"it is {_shown(error['input'])} now")


def _shown(value: Any) -> str:
    try:
        return reprlib.repr(value)
    except ValueError:  # an integer of more digits than Python prints
        return "too long to show"


def _plain(message: str) -> str:
    return message.replace("Input should be", "must be").replace("Value error, ", "")
