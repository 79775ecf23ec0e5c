"""`simulator show`: the tables of a run."""

import click

from simulator.options import as_json, emit, opened


@click.command("show", short_help="The tables of a run.")
@click.argument("run")
@click.option("--all", "everything", is_flag=True, help="Every output, not the headline only.")
@as_json
def command(run: str, everything: bool, as_json: bool) -> int:
    """Tables of RUN: checks, outputs, its beliefs before and after the evidence, and how well
    the evidence is predicted."""
    found = opened(run)
    if as_json:
        emit(found.to_json())
    else:
        from simulator import score_tables, tables

        tables.print_run(found, everything)
        if "parents" in found.record:
            from simulator import comparisons

            comparisons.print_average(found, everything)
        tables.say("\n" + tables.style("Beliefs before and after the evidence", bold=True))
        tables.print_beliefs(found.beliefs)
        if found.predictive:
            score_tables.print_predictive(found.predictive)
    return 0
