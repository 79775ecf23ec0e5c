"""`simulator priors`: what a scenario believes, and why."""

from typing import Any

import click

from simulator.options import as_json, choosing, chosen, emit


@click.command("priors", short_help="What a scenario believes, and why.")
@click.argument("scenario")
@choosing
@as_json
def command(scenario: str, as_json: bool, **choices: Any) -> None:
    """Each belief of SCENARIO: quantiles, unit, family, source and reason."""
    loaded = chosen(scenario, **choices)
    if as_json:
        emit({"scenario": loaded.name, "priors": [_belief(b) for b in loaded.beliefs.values()]})
        return
    from simulator import tables

    tables.print_priors(loaded)


def _belief(belief: Any) -> dict[str, Any]:
    named = {k: v for k, v in belief._asdict().items() if k not in ("name", "location", "scale")}
    quantiles = {k: v if abs(v) < float("inf") else None for k, v in belief.quantiles().items()}
    return {"quantity": belief.name, **named, **quantiles}
