"""The formats: what accepts each, what each can carry, and one function that writes any of them."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from simulator.exports.item import Item, identifier, passed
from simulator.faults import BadInput, Fault

if TYPE_CHECKING:
    from simulator.questions.question import Question

type Files = Mapping[str, bytes]  # by path below a folder, "/" between its parts


class Format(NamedTuple):
    """One format: `simulator.exports.<name>` writes it.

    `suffix` is that of its file, empty for a folder; `many` whether one file takes several
    forecasts; `infinite` whether infinite mass fits; `room` whether it can say where it is from.
    """

    name: str
    accepted_by: str
    suffix: str
    many: bool
    infinite: bool
    room: bool


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        #      name           accepted by                      suffix         many  infinite room
        Format("metaculus", "Metaculus, forecasting-tools", ".json", True, True, True),
        Format("hubverse", "hubdata, hubverse hubs", "", True, True, True),
        Format("squiggle", "Squiggle", ".squiggle", True, True, True),
        Format("squigglepy", "squigglepy", ".py", True, True, True),
        Format("sip", "SIPmath 3.0 readers", ".json", True, False, True),
        Format("guesstimate", "Guesstimate", "", True, False, True),
        Format("parquet", "pandas, polars, DuckDB", "", True, True, True),
        Format("csv", "pandas, polars, DuckDB", "", True, True, True),
        Format("scipy", "SciPy", ".json", False, True, True),
    )
}


def check(name: str, questions: Sequence["Question"]) -> Iterator[Fault]:
    """What is wrong with questions for a format, before any work; modules may add their own."""
    module = import_module(f"simulator.exports.{name}")
    yield from getattr(module, "check", lambda _: ())(questions)
    taken: dict[str, str] = {}
    for question in questions:
        other = taken.setdefault(identifier(question.id), question.id)
        if other != question.id:
            rule = f"has the same name in files as {other!r}"
            yield Fault(question.id, "id", rule, "rename one: - and _ are alike there")


def is_folder(name: str, count: int) -> bool:
    """Whether so many forecasts make a folder in a format."""
    return not FORMATS[name].suffix or (count > 1 and not FORMATS[name].many)


def alone(name: str, out: str) -> str | None:
    """The table of a folder that a file or a pipe takes alone: the draws; None of other forms."""
    tables = name in ("csv", "parquet")
    return f"draws.{name}" if tables and (out == "-" or out.endswith(f".{name}")) else None


def refuse(name: str, items: Sequence[Item], allow_failed_checks: bool = False) -> Iterator[Fault]:
    """Why these forecasts do not fit into a format."""
    form = FORMATS[name]
    for item in items:
        if item.forecast.prob_infinite and not form.infinite:
            share = f"{100 * item.forecast.prob_infinite:.2g}%"
            rule = f"is infinite in {share} of draws, which {name} cannot carry"
            fits = ", ".join(f.name for f in FORMATS.values() if f.infinite)
            yield Fault(item.question.id, "infinite", rule, f"use one of {fits}")
    if not form.room and not allow_failed_checks and not passed(items):
        run = items[0].forecast.provenance.get("run", "run")
        rule = f"failed its checks, and {name} has no room to say so"
        yield Fault(run, "checks", rule, "add --allow-failed-checks to export it all the same")


def write(
    name: str, items: Sequence[Item], allow_failed_checks: bool = False
) -> str | bytes | Files:
    """The forecasts in a format, as text, bytes or files; BadInput with every reason against it."""
    faults = [*check(name, [item.question for item in items])]
    faults += refuse(name, items, allow_failed_checks)
    if faults:
        raise BadInput(faults)
    module, form = import_module(f"simulator.exports.{name}"), FORMATS[name]
    if form.many or len(items) == 1:
        return module.write(items)
    written = {f"{item.name}{form.suffix}": module.write([item]) for item in items}
    return {k: v.encode() if isinstance(v, str) else v for k, v in written.items()}
