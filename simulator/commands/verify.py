"""`simulator verify`: proof that a run is as it was sealed."""

from pathlib import Path

import click

from simulator import seal
from simulator.options import opened


@click.command("verify", short_help="Prove every byte of a run.")
@click.argument("run")
def command(run: str) -> None:
    """Prove that every byte of RUN, or of what `ask --freeze` froze, is as it was sealed."""
    path = Path(run)
    if (path / seal.MANIFEST).is_file():
        about = seal.verify(path)["about"]
        status = about.get("status") or about["run"]["status"]
        click.echo(f"{path.absolute()}: whole, {status}")
        return
    found = opened(run)
    click.echo(f"{found.path}: whole, {found.status}")
