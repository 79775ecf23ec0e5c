"""What several commands share: options that change a scenario, opening a run, JSON on stdout."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

import click

from simulator.faults import BadInput, Fault, nearest
from simulator.overrides import parse_override
from simulator.scenario import Scenario, load_scenario

BAD_INPUT, CHECK_FAILED, DAMAGED, SOME_FAILED, INTERRUPTED = 2, 3, 4, 5, 130


def choosing(command: Callable) -> Callable:
    """The options that change a scenario before it is used."""
    options = [
        click.option("--as-of", metavar="DATE", help="Drop evidence dated later."),
        click.option("--prior-only", is_flag=True, help="Condition on nothing."),
    ]
    return setting(with_options(options, command))


def setting(command: Callable) -> Callable:
    """Those of them that leave open when, and on what, it is conditioned."""
    evidence = click.option("--evidence", metavar="KEY,KEY...", help="Use only these sources.")
    return replacing(evidence(command))


replacing = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help="Replace any key, as in prior.rl_slope.quantiles='{q05=5,q95=30}'.",
)  # fmt: skip


def sampling(command: Callable) -> Callable:
    """How much to sample."""
    options = [
        click.option("--draws", type=int, help="Draws per chain."),
        click.option("--tune", type=int, help="Tuning steps per chain."),
        click.option("--chains", type=int, help="Chains."),
    ]
    return with_options(options, command)


def with_options(options: Sequence[Callable], command: Callable) -> Callable:
    """A command under several options, shown in their order."""
    return reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


seeded = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Default: the scenario's own."
)
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def chosen(
    scenario: str,
    settings: tuple[str, ...],
    evidence: str | None,
    as_of: str | None = None,
    prior_only: bool = False,
) -> Scenario:
    """The scenario with the options applied; BadInput with every fault."""
    if prior_only and (evidence or as_of):
        fault = Fault("--prior-only", "usage", "uses no evidence", "drop --evidence and --as-of")
        raise BadInput([fault])
    overrides, faults = replaced(settings)
    if evidence is not None:
        keys = [key.strip() for key in evidence.split(",") if key.strip()]
        overrides["evidence.sources"] = keys[0] if keys in (["all"], ["none"]) else keys
        if not keys:
            faults.append(
                Fault("--evidence", "usage", "names no source", "as in openai-o1,scalerl")
            )
    if as_of is not None:
        overrides["evidence.as_of"] = as_of
    if prior_only:
        overrides["evidence.sources"] = "none"
    try:
        loaded = load_scenario(scenario, overrides)
    except BadInput as error:
        faults += error.faults
    if faults:
        raise BadInput(faults)
    return loaded


def replaced(settings: tuple[str, ...]) -> tuple[dict[str, Any], list[Fault]]:
    """What `--set` replaces, by key."""
    overrides: dict[str, Any] = {}
    faults: list[Fault] = []
    for text in settings:
        try:
            key, value = parse_override(text)
            overrides[key] = value
        except BadInput as error:
            faults += error.faults
    return overrides, faults


def emit(value: object) -> None:
    """One JSON object on stdout, in ASCII: no text in it can command a terminal."""
    click.echo(json.dumps(value, indent=1, default=str, allow_nan=False))


def opened(name: str) -> Any:
    """A run by path, by its name in runs/, or the newest there: of a scenario, or `latest`."""
    from simulator.batch.state import PLAN
    from simulator.run import open_run, runs_in

    folder = Path("runs")
    found = runs_in(folder)
    asked = [run for run in found if name in ("latest", run.scenario)]
    newest = [max(asked, key=lambda run: (run.created, run.id)).path] if asked else []
    first = newest if name == "latest" else []
    for path in (*first, Path(name), folder / name, *newest):
        if name and path.is_dir():
            if (path / PLAN).is_file():
                rule = "is a folder of many runs"
                fix = "name one in it, or use: simulator report, simulator batch status"
                raise BadInput([Fault(name, "run", rule, fix)])
            return open_run(path)
    known = [run.id for run in found]
    fix = nearest(name, known) if known else "make one with: simulator run base"
    raise BadInput([Fault(name, "run", "is neither a folder nor a run in runs/", fix)])


def all_opened(names: Sequence[str]) -> list[Any]:
    """Runs as `opened` finds them; BadInput with every one that is not there."""
    found, faults = [], list[Fault]()
    for name in names:
        try:
            found.append(opened(name))
        except BadInput as error:
            faults += error.faults
    if faults:
        raise BadInput(faults)
    return found


def warn_of_failure(run: Any) -> None:
    """Say on stderr that a run failed its checks, where what is printed is but a path."""
    if not run.passed:
        click.echo(f"{run.id} FAILED its checks: do not rely on its numbers", err=True)


@contextmanager
def watched() -> Iterator[Any]:
    """What to tell of long work: a display on a terminal, nobody (None) elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from simulator.progress import Display

    with Display() as display:
        display.stage("import")
        yield display


def finished(run: Any, as_json: bool, allow_failed_checks: bool) -> int:
    """Print a run that was made just now, and how long each stage took; the exit code."""
    from simulator import tables

    if as_json:
        emit(run.to_json())
    else:
        tables.print_run(run)
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in run.seconds.items())
    click.echo(f"{sum(run.seconds.values()):.1f} s: {stages}", err=True)
    return 0 if run.passed or allow_failed_checks else CHECK_FAILED


def answer(run: Any, question: Callable, about: dict[str, Any], as_json: bool) -> int:
    """Put a question of simulator.asking to a run and print the answer, checks first."""
    from simulator import summary, tables

    rows = summary.rows_of(question(run, **about), question(run, **about, group="prior"))
    if as_json:
        emit({"run": run.id, "status": run.status, "asked": about, "answer": rows})
    else:
        tables.print_checks(run)
        tables.say()
        tables.print_quantiles(rows)
    return 0
