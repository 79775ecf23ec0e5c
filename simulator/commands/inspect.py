"""`simulator inspect`: a run before one's eyes."""

import click

from simulator.options import as_json, emit, opened, watched


@click.command("inspect", short_help="Plots of a run, and what to look for in each.")
@click.argument("run")
@click.option("--plot", "plots", multiple=True, metavar="NAME",
              help="trace, rank, ess, energy, pair, loo-pit, predictive, counts, prior-posterior "
              "or forest; again for more. Default: all.")  # fmt: skip
@click.option("--into", type=click.Path(file_okay=False), metavar="DIR",
              help="Default: beside RUN, with -inspect after its name.")  # fmt: skip
@click.option("--format", "format", default="png", show_default=True, metavar="png|svg|html",
              help="html is interactive and needs the extra `interactive`.")  # fmt: skip
@as_json
def command(run: str, plots: tuple[str, ...], into: str | None, format: str, as_json: bool) -> int:
    """Draw RUN with ArviZ: how the sampler did, how the evidence is predicted, what was believed
    before and after. For each file: what to look for, and the number that decides."""
    import matplotlib as mpl

    found = opened(run)
    mpl.use("Agg")  # windows are for those who ask for them
    from simulator.inspecting import inspect

    with watched() as display:
        rows = inspect(found, plots, into, format, display)
    if as_json:
        emit({"run": found.id, "status": found.status, "plots": rows})
        return 0
    from simulator.inspecting.shown import print_plots

    print_plots(found, rows)
    return 0
