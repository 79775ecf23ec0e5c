"""`simulator backtest`: forecasts from past days, scored by what came after."""

from typing import Any, get_args

import click

from simulator.options import CHECK_FAILED, as_json, chosen, emit, sampling, seeded, setting
from simulator.schema import Structure


@click.command("backtest", short_help="Forecast from past days, and score it.")
@click.argument("scenario")
@click.option(
    "--as-of",
    "days",
    multiple=True,
    metavar="DATE",
    help="Know nothing dated later; repeatable. Default: the last five quarter ends.",
)
@click.option("--until", metavar="DATE", help="Score no outcome later than this.")
@click.option(
    "--horizon",
    default="6m,12m",
    show_default=True,
    metavar="6m,2y...",
    help="How far ahead to forecast costs.",
)
@seeded
@sampling
@setting
@click.option("--structures", is_flag=True, help="One backtest for each structure of costs.")
@click.option("--all", "everything", is_flag=True, help="Every forecast and outcome too.")
@as_json
def command(
    scenario: str,
    days: tuple[str, ...],
    until: str | None,
    horizon: str,
    seed: int | None,
    draws: int | None,
    tune: int | None,
    chains: int | None,
    settings: tuple[str, ...],
    structures: bool,
    everything: bool,
    as_json: bool,
    **choices: Any,
) -> int:
    """Forecast from what SCENARIO knew at each as-of date, and score it by what came after.

    One fit for each date: the first time, each takes a minute to compile.
    """
    from simulator import score_tables
    from simulator.backtest import backtest

    costs = get_args(Structure.model_fields["cost"].annotation) if structures else (None,)
    asked = {
        cost: chosen(scenario, settings + ((f"structure.cost={cost}",) if cost else ()), **choices)
        for cost in costs
    }
    horizons = [text.strip() for text in horizon.split(",") if text.strip()]
    found = []
    for one in asked.values():
        one = one.with_sampler(draws=draws, tune=tune, chains=chains)
        found.append(backtest(one, days, until, horizons, seed, score_tables.Narrator(one)))
    if as_json:
        several = {result.structure["cost"]: result.to_json() for result in found}
        emit({"structures": several} if structures else found[0].to_json())
    else:
        for result in found:
            score_tables.print_backtest(result, everything)
        if len(found) > 1:
            score_tables.print_structures(found)
    return 0 if all(result.passed for result in found) else CHECK_FAILED
