"""`simulator burden`: pay for RL once, or for more inference at every use."""

import click

from simulator.options import answer, as_json, opened


@click.command("burden", short_help="Uses at which RL once is cheaper than inference.")
@click.argument("run")
@click.option("--factor", type=float, required=True, help="Factor of inference at every use.")
@click.option("--rl-spend", type=float, required=True,
              help="US dollars of the RL run whose multiple would buy the same.")  # fmt: skip
@click.option("--cost-per-use", type=float, required=True,
              help="US dollars of a use before the factor.")  # fmt: skip
@click.option("--benchmark", default="new", show_default=True,
              help="One that RUN has seen, or new, or typical.")  # fmt: skip
@as_json
def command(
    run: str,
    factor: float,
    rl_spend: float,
    cost_per_use: float,
    benchmark: str,
    as_json: bool,
) -> int:
    """Uses at which RL once is cheaper than a factor of inference, and for how long."""
    from simulator import asking

    found = opened(run)
    about = {"factor": factor, "rl_spend": rl_spend, "cost_per_use": cost_per_use}
    return answer(found, asking.burden, about | {"benchmark": benchmark}, as_json)
