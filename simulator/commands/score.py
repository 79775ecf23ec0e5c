"""`simulator score`: how good frozen forecasts were, now that the world has answered."""

from pathlib import Path

import click

from simulator.options import as_json, emit

PATH = click.Path(path_type=Path)


@click.command("score", short_help="How good frozen forecasts were, by what came of them.")
@click.argument("forecasts", type=PATH)
@click.argument("outcomes", type=PATH, metavar="OUTCOMES.csv")
@click.option("--all", "every", is_flag=True, help="Count every freezing, not the latest alone.")
@click.option("--plot", type=PATH, metavar="FILE.png|svg|pdf", help="Draw said against came.")
@as_json
def command(forecasts: Path, outcomes: Path, every: bool, plot: Path | None, as_json: bool) -> int:
    """Score what `simulator ask RUN --freeze DIR` froze in FORECASTS.

    OUTCOMES.csv has the columns id and outcome, and may have date (on which it was known) and
    source. An outcome is a number in the question's unit, never, or yes or no. What was frozen on
    the day of its outcome or later is hindsight and is refused.
    """
    from simulator.scoring.reliability import FORMATS, draw
    from simulator.scoring.scored import score
    from simulator.whole import refuse

    if plot is not None:
        refuse(plot, "--plot", FORMATS)
    found = score(forecasts, outcomes, every)
    if plot is not None:
        draw(found, plot)
    if as_json:
        emit(found.to_json())
    else:
        from simulator.scoring.shown import print_scores

        print_scores(found)
        if plot is not None:
            click.echo(f"\n{plot}")
    return 0
