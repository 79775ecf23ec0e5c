"""`simulator export`: forecasts in the forms that other people's platforms and models accept."""

from typing import Any

import click

from simulator.commands.ask import about, chosen, own_question
from simulator.exports.formats import FORMATS
from simulator.faults import BadInput, Fault
from simulator.options import CHECK_FAILED, opened, with_options

RANGE = [
    click.option("--low", type=float, help="Low end of the range, for --quantity."),
    click.option("--high", type=float, help="High end of the range."),
    click.option("--log", is_flag=True, help="The range is on a log scale."),
    click.option("--zero-point", type=float, help="Of a log scale; default 0."),
    click.option("--closed-low", is_flag=True, help="Nothing can be below the low end."),
    click.option("--closed-high", is_flag=True, help="Nothing can be above the high end."),
]


def ranged(command: Any) -> Any:
    """The options of the range that a platform lets forecasters use."""
    return with_options(RANGE, command)


@click.command("export", short_help="Forecasts for Metaculus, Squiggle, hubs, spreadsheets, ...")
@click.argument("run")
@click.option("--format", "form", required=True, type=click.Choice([*FORMATS]))
@click.option("--question", "ids", multiple=True, metavar="ID", help="Only this one of them.")
@click.option("--questions", "file", metavar="FILE",
              help="Those in this TOML file in place of the scenario's.")  # fmt: skip
@click.option("--quantity", help="One forecast of your own, of this.")
@about
@click.option("--below", metavar="VALUE", help="How likely is this or less? As in 500 or '$500'.")
@click.option("--above", metavar="VALUE", help="How likely is more than this?")
@ranged
@click.option("--out", metavar="FILE", help="Where to, - for stdout; default: a name made here.")
@click.option("--allow-failed-checks", is_flag=True, help="Exit with 0 and refuse nothing for it.")
def command(
    run: str,
    form: str,
    ids: tuple[str, ...],
    file: str | None,
    quantity: str | None,
    below: str | None,
    above: str | None,
    out: str | None,
    allow_failed_checks: bool,
    low: float | None,
    high: float | None,
    log: bool,
    zero_point: float | None,
    closed_low: bool,
    closed_high: bool,
    **coords: Any,
) -> int:
    """Write the forecasts that RUN's questions ask for, or one given by --quantity.

    What is written says which run it is from and whether its checks passed; the path is printed.
    """
    ends = {"low": low, "high": high, "zero_point": zero_point}
    sides = {"open_low": not closed_low, "open_high": not closed_high}
    from simulator.exports import files, formats, item

    own = _within(own_question(quantity, coords, below, above), ends, sides, log)
    if own is not None:
        own |= {"id": item.identifier(quantity or "").lower()[:64]}
    found = opened(run)
    listed = chosen(found, own, ids, file)
    from simulator.questions import answer

    questions = answer.checked(listed, found, file or "export")
    faults = [*formats.check(form, questions)]
    if faults:
        raise BadInput(faults)
    table = formats.alone(form, out or "")
    folder = formats.is_folder(form, len(questions)) and table is None
    stem = found.id if own is None else own["id"]
    path = out or f"{stem}-{form}{'' if folder else FORMATS[form].suffix}"
    files.refuse(path, folder)
    at = answer.posterior(found)
    items = [item.Item(asked, answer.forecast(asked, at)) for asked in questions]
    content = formats.write(form, items, allow_failed_checks)
    files.put(path, content if table is None else content[table])  # type: ignore[index]
    if path != files.PIPE:
        click.echo(path)
    return 0 if found.passed or allow_failed_checks else CHECK_FAILED


def _within(
    own: dict[str, Any] | None, ends: dict[str, float | None], sides: dict[str, bool], log: bool
) -> dict[str, Any] | None:
    """The question of the options with their range; BadInput where it is half of one."""
    said = {key: value for key, value in ends.items() if value is not None}
    if not (said or log or not all(sides.values())):
        return own
    if own is None:
        rule = "is about --quantity; a written question has its range beside it"
        raise BadInput([Fault("--low, --high", "usage", rule, "drop it, or name a quantity")])
    if missing := [f"--{end}" for end in ("low", "high") if end not in said]:
        fix = "name both ends"
        raise BadInput([Fault(", ".join(missing), "usage", "is missing beside its partner", fix)])
    return own | {"range": {**said, **sides, "scale": "log" if log else "linear"}}
