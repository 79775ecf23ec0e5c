"""Forecasts as three tables of long rows: questions, quantiles and draws, joined by `question`."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.exports.item import Item, about
from simulator.exports.joint import probabilities, values
from simulator.questions.askable import COORDS, NUMBERS

if TYPE_CHECKING:
    import pyarrow as pa

LEVELS = (0.01, 0.025, *(round(0.05 * i, 2) for i in range(1, 20)), 0.975, 0.99)
BOUND = {"=": "estimate", "<": "upper bound", ">": "lower bound"}

type Text = Callable[[str], str]


def tables(items: Sequence[Item], text: Text = str) -> dict[str, "pa.Table"]:
    """The tables by name; `text` is applied to what people wrote.

    Each row says its run, whether its checks passed, and the scenario's digest. In draws, (chain,
    draw) is one index for all questions. Values are in `unit`; infinite ones are inf.
    """
    found = values(items)
    said = {"checks": "", "run": "", "digest": ""} | about(items)
    said["digest"] = f"sha256:{said['digest']}"  # by itself it may be taken for a number
    of_run = {name: text(str(said[name])) for name in ("checks", "run", "digest")}
    return {
        "questions": _table(of_run, len(items), _questions(items, text)),
        "quantiles": _table(of_run, len(items) * len(LEVELS), _quantiles(items, found)),
        "draws": _table(of_run, sum(each.size for each in found), _draws(items, found)),
    }


def _table(of_run: Mapping[str, str], size: int, columns: Mapping[str, "pa.Array"]) -> "pa.Table":
    import pyarrow as pa

    first = {name: _repeated([value], [size]) for name, value in of_run.items()}
    return pa.table({**first, **columns})


def _repeated(texts: Sequence[str], times: Sequence[int]) -> "pa.Array":
    """Each text so many times, stored once."""
    import pyarrow as pa

    at = np.repeat(np.arange(len(texts), dtype=np.int32), times)
    return pa.DictionaryArray.from_arrays(pa.array(at), pa.array(texts, pa.string()))


def _questions(items: Sequence[Item], text: Text) -> dict[str, "pa.Array"]:
    import pyarrow as pa

    found = [item.forecast for item in items]
    columns = {
        "question": pa.array([item.question.id for item in items]),
        "text": pa.array([text(item.question.text) for item in items]),
        "quantity": pa.array([each.quantity for each in found]),
        "unit": pa.array([each.unit for each in found]),
    }
    for name in COORDS:
        given: list[Any] = [each.coords.get(name) for each in found]
        if name in NUMBERS:
            columns[name] = pa.array(given, pa.float64())
        else:
            kept = [None if value is None else text(str(value)) for value in given]
            columns[name] = pa.array(kept, pa.string())
    asked = probabilities(items)
    answers = [asked.get(item.name, {}) for item in items]
    columns["threshold"] = pa.array([item.question.at for item in items], pa.float64())
    columns["direction"] = pa.array([item.question.direction for item in items], pa.string())
    columns["probability_is"] = pa.array([BOUND.get(each.get("relation")) for each in answers])
    for name in ("probability", "mcse"):
        columns[name] = pa.array([each.get(name) for each in answers], pa.float64())
    columns["prob_infinite"] = pa.array([each.prob_infinite for each in found])
    for name, kind in (("scenario", pa.string()), ("seed", pa.int64()), ("created", pa.string())):
        value = about(items).get(name)
        columns[name] = pa.array(
            [text(value) if isinstance(value, str) else value] * len(items), kind
        )
    return columns


def _quantiles(items: Sequence[Item], found: Sequence[np.ndarray]) -> dict[str, "pa.Array"]:
    """The unit of `mcse` is OOM where `mcse_of` says log10."""
    import pyarrow as pa

    forecasts = [item.forecast for item in items]
    times = [len(LEVELS)] * len(items)
    mcse = [each.mcse_quantile(level) for each in forecasts for level in LEVELS]
    known = [value if np.isfinite(value) else None for value in mcse]
    kept_as = [f"log10 of {f.unit}" if f.askable.oom else f.unit for f in forecasts]
    return {
        "question": _repeated([item.question.id for item in items], times),
        "quantity": _repeated([each.quantity for each in forecasts], times),
        "unit": _repeated([each.unit for each in forecasts], times),
        "level": pa.array(np.tile(LEVELS, len(items))),
        "value": pa.array(np.concatenate([each.quantile(LEVELS) for each in forecasts])),
        "mcse": pa.array(known, pa.float64()),
        "mcse_of": _repeated(kept_as, times),
    }


def _draws(items: Sequence[Item], found: Sequence[np.ndarray]) -> dict[str, "pa.Array"]:
    import pyarrow as pa

    times = [each.size for each in found]
    index = [np.indices(each.shape, dtype=np.int32).reshape(2, -1) for each in found]
    chain, draw = np.concatenate(index, axis=1)
    return {
        "question": _repeated([item.question.id for item in items], times),
        "quantity": _repeated([item.forecast.quantity for item in items], times),
        "unit": _repeated([item.forecast.unit for item in items], times),
        "chain": pa.array(chain),
        "draw": pa.array(draw),
        "value": pa.array(np.concatenate([each.ravel() for each in found])),
    }
