"""A question as written: what is asked, about what, and whether it is in order.

Nothing here imports a numerical library, so that bad questions are refused before any work.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from simulator import schema
from simulator.dates import decimal_year
from simulator.faults import Fault, nearest
from simulator.labels import RECIPES
from simulator.questions.askable import ASKABLE, COORDS, USUAL, Askable, askable

COMPONENTS = ("total", "hardware", "competition", "algorithms")
ASKED = "asked"  # the id of a question that was never written down


class Range(schema.Section):
    """The range that a platform lets forecasters spread their belief over, in the unit of the
    question; an end is open where the answer may lie beyond it."""

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"
    zero_point: float | None = None  # of a log scale; 0 where nothing is said
    open_low: bool = True
    open_high: bool = True


class Question(schema.Section):
    """A question: with a threshold and a direction its answer is a probability, without them a
    distribution. `below` is at the threshold or under it, `above` is over it."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    text: schema.Text
    quantity: schema.Text
    task: schema.Text | None = None
    date: schema.Date | None = None
    inference_factor: Annotated[float, Field(gt=1)] | None = None
    benchmark: schema.Text | None = None
    algorithm: schema.Text | None = None
    threshold_usd: schema.Positive | None = None
    age: Annotated[float, Field(ge=0)] | None = None
    component: schema.Text | None = None
    family: schema.Text | None = None
    score: schema.Share | None = None
    threshold: float | str | None = None
    direction: Literal["below", "above"] | None = None
    range: Range | None = None

    @property
    def askable(self) -> Askable:
        """The quantity that is asked for."""
        return ASKABLE[self.quantity]

    @property
    def coords(self) -> dict[str, Any]:
        """What the quantity is asked about, by coordinate."""
        said = {name: getattr(self, name) for name in self.askable.coords}
        return {k: USUAL.get(k) if v is None else v for k, v in said.items()}

    @property
    def at(self) -> float | None:
        """The threshold as a number, in the unit of the quantity; None asks for a distribution."""
        return None if self.threshold is None else self.askable.number(self.threshold)


@dataclass(frozen=True)
class Known:
    """What questions may name: of a scenario, or of a run."""

    tasks: Mapping[str, schema.Task]
    forecast: schema.Forecast
    beliefs: Iterable[str]
    benchmarks: Iterable[str]
    families: Iterable[str] = field(default=())


def read_questions(
    listed: Any, where: str, known: Known | None
) -> tuple[tuple[Question, ...], list[Fault]]:
    """Questions as written, and every fault in them; without `known`, only of their form."""
    questions, faults = [], []
    for i, table in enumerate(listed if isinstance(listed, list) else ()):
        named = table.get("id") if isinstance(table, dict) else None
        key = f"question.{named if isinstance(named, str) else i + 1}"
        question, bad = schema.parse(Question, table, where, key)
        faults += bad
        if question is None and isinstance(table, dict):
            question = _rest(table, bad, where, key)
        if question is not None:
            wrong = {fault.key for fault in bad}
            found = [f for f in _of_quantity(question, where, key) if f.key not in wrong]
            found = found or [*_of_values(question, where, key, known)]
            faults += found
            if not (found or bad):
                stored = {"quantity": askable(question.quantity).name}
                questions.append(question.model_copy(update=stored))
    ids = [question.id for question in questions]
    for name in dict.fromkeys(name for name in ids if ids.count(name) > 1):
        rule = "is the id of several questions"
        faults.append(Fault(where, f"question.{name}", rule, "give each its own"))
    return tuple(questions), faults


def _rest(table: Mapping[str, Any], bad: Iterable[Fault], where: str, key: str) -> Question | None:
    """A question without what is wrong in its form, so that the rest of it is looked at too."""
    wrong = {fault.key.removeprefix(f"{key}.").split(".")[0] for fault in bad}
    wrong |= {"direction"} if "threshold" in wrong else set()
    kept = {name: value for name, value in table.items() if name not in wrong}
    return schema.parse(Question, {"id": ASKED, "text": ASKED} | kept, where, key)[0]


def fitting(listed: Any, where: str, known: Known) -> Any:
    """Questions as written, without those that ask about something else than what is known.

    Those that are wrong in themselves stay, to be refused.
    """
    if not isinstance(listed, list):
        return listed
    alone = ((table, read_questions([table], where, None)[1]) for table in listed)
    return [t for t, bad in alone if bad or not read_questions([t], where, known)[1]]


def _of_quantity(question: Question, where: str, key: str) -> Iterator[Fault]:
    """Whether there is such a quantity, and all is said that makes it one number."""
    asked = askable(question.quantity)
    if asked is None:
        rule = f"{question.quantity!r} is no quantity that can be asked for"
        yield Fault(where, f"{key}.quantity", rule, nearest(question.quantity, ASKABLE))
        return
    for name in COORDS:
        said = getattr(question, name) is not None
        if said and name not in asked.coords:
            about = ", ".join(asked.coords) or "nothing else"
            rule = f"is of no meaning for {asked.name}, which is about {about}"
            yield Fault(where, f"{key}.{name}", rule, "remove it")
        if name in asked.coords and not said and name not in USUAL:
            yield Fault(where, f"{key}.{name}", f"is missing: {asked.name} needs it", "add it")


def _of_values(question: Question, where: str, key: str, known: Known | None) -> Iterator[Fault]:
    asked = askable(question.quantity)
    assert asked is not None  # _of_quantity has seen to it
    if (question.threshold is None) != (question.direction is None):
        missing = "direction" if question.direction is None else "threshold"
        fix = 'write "below" or "above"' if missing == "direction" else "say where"
        yield Fault(where, f"{key}.{missing}", "is missing beside its partner", fix)
    if question.threshold is not None:
        yield from _threshold(question, asked, where, key, known)
    if question.range is not None:
        yield from _range(question.range, asked, where, f"{key}.range")
    if known is not None:
        yield from _named(question, asked, where, key, known)


def _threshold(
    question: Question, asked: Askable, where: str, key: str, known: Known | None
) -> Iterator[Fault]:
    key = f"{key}.threshold"
    try:
        value = asked.number(question.threshold)  # type: ignore[arg-type]
    except ValueError as error:
        yield Fault(where, key, str(error), f"write a number of {asked.unit}")
        return
    if asked.positive and value <= 0:
        fix = f"write {asked.unit} themselves, not their logarithm"
        yield Fault(where, key, f"{value:g} is not above 0 {asked.unit}", fix)
    if asked.unit == "years" and value < 0:
        yield Fault(where, key, f"{value:g} years is before the debut", "count from the debut")
    if known is None:
        return
    end = decimal_year(known.forecast.horizon)
    task = known.tasks.get(question.task or "")
    start = decimal_year(task.debut if task else known.forecast.today)
    if asked.unit == "years" and value > end - start:
        rule = f"{value:g} years is past the horizon, {known.forecast.horizon}"
        yield Fault(where, key, rule, f"at most {end - start:.4g} years; a year itself is another "
                    "quantity, year_of_threshold")  # fmt: skip
    if asked.unit == "year" and not start <= value <= end:
        rule = f"{value:g} is not between the debut and the horizon, {known.forecast.horizon}"
        yield Fault(where, key, rule, f"write a year from {start:.6g} to {end:.6g}")


def _range(found: Range, asked: Askable, where: str, key: str) -> Iterator[Fault]:
    if not found.low < found.high:
        yield Fault(where, key, "is empty: low must be under high", "swap or move its ends")
    if found.scale == "linear" and found.zero_point is not None:
        yield Fault(where, f"{key}.zero_point", "belongs to a log scale", 'write scale = "log"')
    if found.scale == "log" and not found.low > (found.zero_point or 0.0):
        yield Fault(where, f"{key}.low", "must be above the zero point of a log scale", "raise it")
    if found.low < found.high and not math.isfinite(_extent(found)):
        yield Fault(where, key, "is wider than the numbers of a computer", "move its ends")
    if asked.positive and found.low < 0:
        yield Fault(where, f"{key}.low", f"no {asked.unit} are below 0", "raise it")


def _extent(found: Range) -> float:
    """How wide a range is: a difference, or on a log scale a ratio, 1 where that has none."""
    zero = (found.zero_point or 0.0) if found.scale == "log" else None
    if zero is None:
        return found.high - found.low
    return (found.high - zero) / (found.low - zero) if found.low > zero else 1.0


def _named(
    question: Question, asked: Askable, where: str, key: str, known: Known
) -> Iterator[Fault]:
    """Whether what it names exists, and its dates are in reach."""
    coords = question.model_copy(update={"quantity": asked.name}).coords
    if asked.name not in known.beliefs and asked.name == asked.stored and not asked.coords:
        rule = f"{asked.name} has no part in this structure"
        yield Fault(where, f"{key}.quantity", rule, nearest(asked.name, known.beliefs))
    choices = {
        "task": known.tasks,
        "benchmark": known.benchmarks,
        "algorithm": RECIPES,
        "component": COMPONENTS,
        "family": known.families,
    }
    for name, value in coords.items():
        if name in choices and value not in choices[name]:
            rule = f"{value!r} is no {name} here"
            yield Fault(where, f"{key}.{name}", rule, nearest(value, choices[name]))
    if (date := coords.get("date")) is None:
        return
    task = known.tasks.get(question.task or "")
    first = task.debut if task else known.forecast.today
    if date > known.forecast.horizon:
        rule = f"{date} is past the horizon, {known.forecast.horizon}"
        yield Fault(where, f"{key}.date", rule, "ask for an earlier date")
    elif date < first:
        rule = f"{date} is before {'its debut' if task else 'today'}, {first}"
        yield Fault(where, f"{key}.date", rule, "ask for a later date")


def question(quantity: str, **said: Any) -> dict[str, Any]:
    """A question from the command line or Python, as a file would hold it."""
    table = {"id": ASKED, "text": "asked for", "quantity": quantity}
    return table | {key: value for key, value in said.items() if value is not None}
