"""`simulator verify`: proof that a run is as it was sealed."""

import click

from simulator.options import opened


@click.command("verify", short_help="Prove every byte of a run.")
@click.argument("run")
def command(run: str) -> None:
    """Prove that every byte of RUN is as it was sealed."""
    found = opened(run)
    click.echo(f"{found.path}: whole, {found.status}")
