"""`simulator compare`: runs side by side, and which of them predicts the evidence better."""

import click

from simulator.options import all_opened, as_json, emit


@click.command("compare", short_help="Which run predicts the evidence better.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--headline-only", is_flag=True, help="Only what the runs answer, side by side.")
@click.option("--leave-out-high-k", is_flag=True,
              help="Leave observations with a high Pareto k out of all runs.")  # fmt: skip
@as_json
def command(
    runs: tuple[str, ...], headline_only: bool, leave_out_high_k: bool, as_json: bool
) -> None:
    """Compare RUNs by leave-one-out prediction of shared evidence, and by what they answer."""
    found = all_opened(runs)
    from simulator.compare import compare

    comparison = compare(found, leave_out_high_k=leave_out_high_k, headline_only=headline_only)
    if as_json:
        emit(comparison.to_json())
        return
    from simulator import comparisons

    comparisons.print_comparison(comparison)
