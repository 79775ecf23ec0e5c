"""`simulator diff`: what changed between two runs, and what it did."""

from pathlib import Path

import click

from simulator.options import all_opened, as_json, emit, watched


@click.command("diff", short_help="What changed from one run to another, step by step.")
@click.argument("one", metavar="RUN_A")
@click.argument("other", metavar="RUN_B")
@click.option("--refit", is_flag=True, help="Sample the steps that weights do not reach.")
@click.option("--into", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
              help="Folder for these runs.")  # fmt: skip
@as_json
def command(one: str, other: str, refit: bool, into: Path, as_json: bool) -> int:
    """What changed from RUN_A to RUN_B (beliefs, evidence, structure, tasks, sampler, software),
    and what each change did to every headline that both have."""
    runs = all_opened([one, other])
    with watched() as observer:
        if observer:
            observer.stage("open")
        from simulator.differences import diff

        found = diff(*runs, refit=refit, into=into, observer=observer)
    if as_json:
        emit(found.to_json())
        return 0
    from simulator.differences import shown

    shown.print_difference(found, runs)
    return 0
