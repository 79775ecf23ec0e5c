"""`simulator reweight`: new beliefs without new sampling."""

from pathlib import Path

import click

from simulator.faults import BadInput
from simulator.options import as_json, finished, opened, replaced, replacing, watched


@click.command("reweight", short_help="A run under other beliefs, from its own draws.")
@click.argument("run")
@replacing
@click.option("--into", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
              help="Folder for the run.")  # fmt: skip
@click.option("--allow-failed-checks", is_flag=True, help="Exit with 0 when a check fails.")
@as_json
def command(
    run: str, settings: tuple[str, ...], into: Path, allow_failed_checks: bool, as_json: bool
) -> int:
    """Seal what RUN says under other beliefs, from its own draws; refuses where these are too few
    for them, and says how to refit."""
    overrides, faults = replaced(settings)
    if faults:
        raise BadInput(faults)
    parent = opened(run)
    with watched() as observer:
        from simulator.reweight import reweight

        found = reweight(parent, overrides, into=into, observer=observer)
    return finished(found, as_json, allow_failed_checks)
