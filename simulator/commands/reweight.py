"""`simulator reweight`: new beliefs without new sampling."""

import sys
from pathlib import Path

import click

from simulator.faults import BadInput
from simulator.options import CHECK_FAILED, as_json, emit, opened, replaced, replacing


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
    from simulator import tables
    from simulator.reweight import reweight

    if sys.stderr.isatty():
        from simulator.progress import Display

        with Display() as display:
            found = reweight(parent, overrides, into=into, observer=display)
    else:
        found = reweight(parent, overrides, into=into)
    if as_json:
        emit(found.to_json())
    else:
        tables.print_run(found)
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found.seconds.items())
    click.echo(f"{sum(found.seconds.values()):.1f} s: {stages}", err=True)
    return 0 if found.passed or allow_failed_checks else CHECK_FAILED
