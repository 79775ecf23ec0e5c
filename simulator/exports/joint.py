"""The draws of several forecasts of one run, under one index and in the units that people use."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simulator.exports.item import Item, line
from simulator.faults import BadInput, Fault
from simulator.questions.distribution import Forecast

LARGEST = 307  # power of ten up to which every reader's numbers reach, and down to minus which


def values(items: Sequence[Item]) -> list[np.ndarray]:
    """The draws of each, in its unit and of shape (chain, draw); infinite ones are inf.

    A finite draw further out than every reader's numbers reach is written as where they end.
    Raises BadInput where forecasts do not share their index, or where draws are no numbers.
    """
    if faults := [*_apart(items), *_not_numbers(items)]:
        raise BadInput(faults)
    return [_readable(item.forecast) for item in items]


def _apart(items: Sequence[Item]) -> Iterator[Fault]:
    """Forecasts that have another index than the first one: of another run, or fewer draws."""
    first = items[0].forecast
    for item in items[1:]:
        if _index(item.forecast) != _index(first):
            rule = f"does not share its draws with {items[0].question.id}"
            yield Fault(item.question.id, "draws", rule, "export each by itself")


def _index(forecast: Forecast) -> tuple:
    said = forecast.provenance
    given = said.get("given") and id(forecast)  # which draws are finite is a forecast's own
    return forecast.draws.shape, said.get("run"), said.get("digest"), said.get("group"), given


def _not_numbers(items: Sequence[Item]) -> Iterator[Fault]:
    for item in items:
        kept = item.forecast.draws
        if bad := int((np.isnan(kept) | np.isneginf(kept)).sum()):
            rule = f"are no numbers ({bad} of {kept.size})"
            yield Fault(item.question.id, "draws", rule, "no format can carry them")


def _readable(forecast: Forecast) -> np.ndarray:
    kept = forecast.draws
    end = LARGEST if forecast.askable.oom else 10.0**LARGEST
    return np.asarray(forecast.outside(np.where(np.isinf(kept), kept, np.clip(kept, -end, end))))


def described(item: Item) -> str:
    """What a forecast is of, on one line."""
    found = item.forecast
    about = "".join(f", {name} {_short(value)}" for name, value in found.coords.items())
    asked = item.question
    if asked.threshold is not None:
        about += f", {asked.direction} {_short(asked.at)}"
    return line(f"{asked.id}: {asked.text} ({found.quantity}{about}; {found.unit})")


def probabilities(items: Sequence[Item]) -> dict[str, dict[str, Any]]:
    """What questions with a threshold ask for, by name: probability, relation and mcse of all
    draws, as `simulator ask` answers them."""
    from simulator.questions.answer import probability

    asked = [item for item in items if item.question.threshold is not None]
    found = {item.name: probability(item.question, item.forecast) for item in asked}
    return {name: {k: _known(v) for k, v in each.items()} for name, each in found.items()}


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _short(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def rows(texts: Sequence[str], indent: str, width: int = 100) -> str:
    """Texts with commas between them, on lines of at most so many characters."""
    lines, current = [], indent
    for text in texts:
        if len(current) + len(text) + 1 > width:
            lines.append(current.rstrip())
            current = indent
        current += f"{text}, "
    return "\n".join([*lines, current.rstrip()])
