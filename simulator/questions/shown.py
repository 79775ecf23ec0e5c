"""Answers as people read them, one question at a time, as wide as the terminal."""

import math
import textwrap
from typing import Any

from simulator.questions.askable import OUTSIDE
from simulator.questions.question import ASKED
from simulator.tables import say, style, width
from simulator.units import error, show, significant

type Answer = dict[str, Any]

_KEPT = {outside: kept for kept, outside in OUTSIDE.items()}


def print_answers(answers: list[Answer]) -> None:
    """Each question, its answer, what the beliefs alone answer, and how far it reaches."""
    for answer in answers:
        say()
        _wrapped(style(about(answer) if answer["id"] == ASKED else answer["text"], bold=True), "")
        _wrapped(headline(answer), "  ")
        if answer["prior"]:
            _wrapped(f"before any evidence: {before(answer)}", "  ")
        if answer["beyond"]:
            said = f"beyond the evidence: {'; '.join(answer['beyond'])}"
            _wrapped(style(said, fg="yellow"), "  ")


def about(answer: Answer) -> str:
    """What was asked for by options, in one line."""
    coords = ", ".join(f"{k} {_plain(v)}" for k, v in answer["coords"].items())
    said = f"{answer['quantity']}{', ' if coords else ''}{coords}"
    if answer["threshold"] is None:
        return said
    at = _value(answer, "threshold")
    return f"{said}: {f'{at} or less' if answer['direction'] == 'below' else f'more than {at}'}"


def headline(answer: Answer) -> str:
    """The answer with its Monte Carlo error."""
    if answer["threshold"] is not None:
        mcse = answer["mcse"]
        said = f" ± {significant(100 * mcse, 1)}%" if mcse else ""
        return f"{style(share(answer), bold=True)}{said}"
    said = f"median {style(_value(answer, 'q50'), bold=True)}"
    if not answer["prob_infinite"] > 0.5 and answer["mcse_q50"]:
        said += f" {error(answer['mcse_q50'], _kept(answer['unit']))}"
    said += f", 50% from {_value(answer, 'q25')} to {_value(answer, 'q75')}"
    said += f", 90% from {_value(answer, 'q05')} to {_value(answer, 'q95')}"
    if answer["prob_infinite"]:
        never = show(None, _kept(answer["unit"]))
        said += f"; {never} {significant(100 * answer['prob_infinite'], 2)}%"
    return said


def before(answer: Answer) -> str:
    """What the beliefs alone answer."""
    answer = answer | answer["prior"]
    if answer["threshold"] is not None:
        return share(answer)
    ends = f"90% from {_value(answer, 'q05')} to {_value(answer, 'q95')}"
    return f"{_value(answer, 'q50')}, {ends}"


def share(answer: Answer) -> str:
    """A probability in percent, never 0 or 100."""
    found = answer["probability"]
    if answer["relation"] == ">":
        return f">{100 - float(significant(100 * (1 - found), 1)):.15g}%"
    said = significant(100 * found, 2 if found < 0.995 else 3)
    return f"<{significant(100 * found, 1)}%" if answer["relation"] == "<" else f"{said}%"


def _value(answer: Answer, name: str) -> str:
    value = answer[name]
    unit = _kept(answer["unit"])
    if value is None or unit == answer["unit"]:
        return show(value, unit).strip()
    return show(math.log10(value) if value > 0 else -400.0, unit).strip()


def _kept(unit: str) -> str:
    return _KEPT.get(unit, unit)


def _plain(value: Any) -> str:
    return f"{value:,.15g}" if isinstance(value, float) else str(value)


def _wrapped(text: str, indent: str) -> None:
    room = max(width(), 40)
    lines = textwrap.wrap(text, room, initial_indent=indent, subsequent_indent=indent)
    for line in lines or [indent]:
        say(line)
