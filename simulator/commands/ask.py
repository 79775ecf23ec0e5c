"""`simulator ask`: questions in, probabilities and distributions out."""

import re
from pathlib import Path
from typing import Any

import click

from simulator.faults import BadInput, Fault, nearest
from simulator.options import as_json, emit, opened, with_options

COORDINATES = [
    click.option("--task", help="A task of the run's scenario."),
    click.option("--date", help="YYYY-MM-DD."),
    click.option("--inference-factor", type=float, help="As in 100."),
    click.option("--benchmark", help="Of the multiplier; default new."),
    click.option("--algorithm", help="today (the default) or as_published."),
    click.option("--threshold-usd", type=float, help="Cost to come down to, US dollars."),
    click.option("--age", type=float, help="Years from debut."),
    click.option("--component", help="Of the decline: total, hardware, competition, algorithms."),
    click.option("--family", help="Of RL recipes."),
    click.option("--score", type=float, help="Pass rate of the recipes' problems."),
]


def about(command: Any) -> Any:
    """The options that say what a quantity is asked about."""
    return with_options(COORDINATES, command)


@click.command("ask", short_help="Questions of a scenario, or one of your own, answered by a run.")
@click.argument("run")
@click.option("--question", "ids", multiple=True, metavar="ID", help="Only this one of them.")
@click.option("--questions", "file", metavar="FILE",
              help="Those in this TOML file in place of the scenario's.")  # fmt: skip
@click.option("--quantity", help="One question of your own, about this.")
@about
@click.option("--below", metavar="VALUE", help="How likely is this or less? As in 500 or '$500'.")
@click.option("--above", metavar="VALUE", help="How likely is more than this?")
@click.option("--freeze", "into", type=click.Path(path_type=Path), metavar="DIR",
              help="Seal the answers there, to be scored one day.")  # fmt: skip
@as_json
def command(
    run: str,
    ids: tuple[str, ...],
    file: str | None,
    quantity: str | None,
    below: str | None,
    above: str | None,
    into: Path | None,
    as_json: bool,
    **coords: Any,
) -> int:
    """Answer the questions of RUN's scenario, of a file, or one given by --quantity.

    Every answer comes with its Monte Carlo error, with what the beliefs alone answer, and with how
    far it reaches beyond the evidence.
    """
    own = own_question(quantity, coords, below, above)
    found = opened(run)
    listed = chosen(found, own and (named(own) if into else own), ids, file)
    from simulator.questions import answer

    questions = answer.checked(listed, found, file or "ask")
    given = answer.answers(found, questions)
    folder = None
    if into is not None:
        from simulator.questions.freeze import freeze

        folder = freeze(found, questions, into)
    if as_json:
        sealed = {} if folder is None else {"frozen": str(folder)}
        emit({"run": found.id, "status": found.status, "answers": given, **sealed})
        return 0
    from simulator import tables
    from simulator.questions.shown import print_answers

    tables.print_checks(found)
    print_answers(given)
    if folder is not None:
        click.echo(f"\n{folder}")
    return 0


def own_question(
    quantity: str | None, coords: dict[str, Any], below: str | None, above: str | None
) -> dict[str, Any] | None:
    """The question that options state, if they do; BadInput where they state half of one."""
    from simulator.questions.question import question

    said = {key: value for key, value in coords.items() if value is not None}
    if quantity is None:
        if stray := [*said, *(k for k, v in (("below", below), ("above", above)) if v is not None)]:
            options = ", ".join(f"--{key.replace('_', '-')}" for key in stray)
            raise BadInput([Fault(options, "usage", "says what --quantity is about", "name one")])
        return None
    if below is not None and above is not None:
        fault = Fault("--below, --above", "usage", "are two questions", "ask one at a time")
        raise BadInput([fault])
    at = below if below is not None else above
    direction = None if at is None else "above" if below is None else "below"
    return question(quantity, **said, threshold=at, direction=direction)


def named(own: dict[str, Any]) -> dict[str, Any]:
    """A question of one's own under a name that tells it from others, to be frozen with them."""
    said = " ".join(str(value) for key, value in own.items() if key not in ("id", "text"))
    slug = re.sub(r"[^a-z0-9]+", "-", said.lower()).strip("-")
    return own | {"id": slug[:64].strip("-"), "text": said}


def chosen(
    run: Any, own: dict[str, Any] | None, ids: tuple[str, ...], file: str | None
) -> list[dict[str, Any]]:
    """The questions to be answered, as written."""
    if own is not None:
        if ids or file:
            fix = "drop the one or the other"
            raise BadInput([Fault("--quantity", "usage", "is a question of its own", fix)])
        return [own]
    if file is not None:
        from simulator.texts import find, read_toml

        listed = read_toml(find(file, Path.cwd())).get("question", [])
        if not isinstance(listed, list):
            rule = "must be a list of tables"
            raise BadInput([Fault(file, "question", rule, "write [[question]]")])
    else:
        from simulator.questions.source import stated

        listed = stated(run)
    if not listed:
        fix = "ask with --quantity, or name a file with --questions"
        raise BadInput([Fault(file or run.id, "question", "there is none", fix)])
    known = [str(table.get("id")) for table in listed if isinstance(table, dict)]
    faults = [
        Fault("--question", name, "is the id of no question here", nearest(name, known))
        for name in ids
        if name not in known
    ]
    if faults:
        raise BadInput(faults)
    return [table for table in listed if not ids or table.get("id") in ids]
