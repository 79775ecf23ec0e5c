"""`simulator sensitivity`: what moves the answer."""

from pathlib import Path

import click

from simulator.options import as_json, emit, opened, watched


@click.command("sensitivity", short_help="What moves the answer: beliefs and evidence.")
@click.argument("run")
@click.option("--output", "outputs", multiple=True, metavar="WORDS",
              help="A quantity, or words of its label; several times for several.")  # fmt: skip
@click.option("--refit", is_flag=True, help="Sample anew without each source whose weights fail.")
@click.option("--into", type=click.Path(path_type=Path), metavar="FILE",
              help="Draw a tornado of the first output asked for, as .png or .svg.")  # fmt: skip
@as_json
def command(
    run: str, outputs: tuple[str, ...], refit: bool, into: Path | None, as_json: bool
) -> int:
    """What moves the answers of RUN: which beliefs they follow, what they rest on, and what each
    source of evidence did. All headline outputs, from the run's own draws."""
    found = opened(run)
    from simulator.sensitivity import figure, sensitivity
    from simulator.whole import refuse

    if into:
        refuse(into, "--into", figure.KINDS)
    with watched() as observer:
        if observer:
            observer.stage("open")
        moved = sensitivity(found, outputs, refit=refit, observer=observer)
    if into:
        figure.save(found, outputs, into)
    if as_json:
        emit({**moved.to_json(), "figure": str(into) if into else None})
        return 0
    from simulator.sensitivity import shown

    shown.print_sensitivity(found, moved, bool(outputs))
    if into:
        click.echo(f"\n{into}")
    return 0
