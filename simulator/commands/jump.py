"""`simulator jump`: what it takes to lift a score."""

import click

from simulator.options import answer, as_json, opened
from simulator.quantities import TOKENS


@click.command("jump", short_help="Compute that lifts a score.")
@click.argument("run")
@click.option("--from", "from_score", type=float, required=True, help="Score, 0 to 1.")
@click.option("--to", "to_score", type=float, required=True, help="Higher score, 0 to 1.")
@click.option("--benchmark", default="new", show_default=True,
              help="One that RUN has seen, or new, or typical.")  # fmt: skip
@click.option("--tokens", type=float, default=TOKENS, show_default=True,
              help="Factor of inference whose share of the gain is asked for.")  # fmt: skip
@as_json
def command(
    run: str, from_score: float, to_score: float, benchmark: str, tokens: float, as_json: bool
) -> int:
    """RL and inference compute that lift a score, and the part that inference plays."""
    from simulator import asking

    found = opened(run)
    about = {"from_score": from_score, "to_score": to_score}
    about |= {"benchmark": benchmark, "tokens": tokens}
    return answer(found, asking.jump, about, as_json)
