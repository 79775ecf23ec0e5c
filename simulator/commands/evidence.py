"""`simulator evidence`: what a scenario is conditioned on."""

from typing import Any

import click

from simulator.options import as_json, choosing, chosen, emit


@click.command("evidence", short_help="What a scenario is conditioned on.")
@click.argument("scenario")
@choosing
@as_json
def command(scenario: str, as_json: bool, **choices: Any) -> None:
    """The observations that SCENARIO conditions on, by source, kind and benchmark."""
    from simulator.evidence import counts

    loaded = chosen(scenario, **choices)
    found = counts(loaded.evidence)
    if as_json:
        emit({"scenario": loaded.name, "count": loaded.evidence.size, "evidence": found})
        return
    from simulator import tables

    tables.print_evidence(found)
    tables.say(f"{loaded.evidence.size} observations")
