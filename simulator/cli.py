"""The console command: each subcommand parses, calls one function and prints.

Answers go to stdout, all else to stderr. Exit codes: 0 done, 2 bad input or usage, 3 a check
failed, 4 a damaged run folder, 130 interrupted.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

from simulator import __version__
from simulator.faults import BadInput, Fault, nearest
from simulator.overrides import parse_override
from simulator.scenario import Scenario, load_scenario
from simulator.seal import Damaged

BAD_INPUT, CHECK_FAILED, DAMAGED, INTERRUPTED = 2, 3, 4, 130


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None) -> int:
    try:
        code = cli.main(arguments, prog_name="simulator", standalone_mode=False)
        if sys.stdout:
            sys.stdout.flush()
        return code or 0
    except BadInput as error:
        for fault in error.faults:
            click.echo(f"error: {fault}", err=True)
        return BAD_INPUT
    except Damaged as error:
        click.echo(f"damaged: {error}", err=True)
        return DAMAGED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # the reader has seen enough, as in `... | head`
        _forget_output()
        return 0
    except OSError as error:
        where = f" {error.filename}:" if error.filename else ""
        click.echo(f"error:{where} {error.strerror or error}", err=True)
        _forget_output()
        return BAD_INPUT


def _forget_output() -> None:
    """What is still to be printed goes nowhere, so that closing it cannot fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """What does scaling AI cost? A Monte Carlo simulator of RL, inference and falling prices.

    Start with: simulator run base
    """


# --- options that several commands share ----------------------------------------------------------


def choosing(command: Callable) -> Callable:
    """The options that change a scenario before it is used."""
    options = [
        click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
                     help="Replace any key, as in prior.rl_slope.quantiles='{q05=5,q95=30}'."),
        click.option("--evidence", metavar="KEY,KEY...", help="Use only these sources."),
        click.option("--as-of", metavar="DATE", help="Drop evidence dated later."),
        click.option("--prior-only", is_flag=True, help="Condition on nothing."),
    ]  # fmt: skip
    return reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


def chosen(
    scenario: str,
    settings: tuple[str, ...],
    evidence: str | None,
    as_of: str | None,
    prior_only: bool,
) -> Scenario:
    """The scenario with the options applied; BadInput with every fault."""
    if prior_only and (evidence or as_of):
        fault = Fault("--prior-only", "usage", "uses no evidence", "drop --evidence and --as-of")
        raise BadInput([fault])
    overrides: dict[str, Any] = {}
    faults: list[Fault] = []
    for text in settings:
        try:
            key, value = parse_override(text)
            overrides[key] = value
        except BadInput as error:
            faults += error.faults
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


def emit(value: object) -> None:
    """One JSON object on stdout."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str, allow_nan=False))


# --- commands -------------------------------------------------------------------------------------


@cli.command("run")
@click.argument("scenario")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Default: the scenario's own.")
@click.option("--into", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
              help="Folder for the run.")  # fmt: skip
@click.option("--draws", type=int, help="Draws per chain.")
@click.option("--tune", type=int, help="Tuning steps per chain.")
@click.option("--chains", type=int, help="Chains.")
@choosing
@click.option("--allow-failed-checks", is_flag=True, help="Exit with 0 when a check fails.")
@as_json
def run_command(
    scenario: str,
    seed: int | None,
    into: Path,
    draws: int | None,
    tune: int | None,
    chains: int | None,
    allow_failed_checks: bool,
    as_json: bool,
    **choices: Any,
) -> int:
    """Sample SCENARIO (a file or a shipped name) and seal the answer as a run."""
    from simulator import tables
    from simulator.pipeline import simulate

    loaded = chosen(scenario, **choices).with_sampler(draws=draws, tune=tune, chains=chains)
    if sys.stderr.isatty():
        from simulator.progress import Display

        with Display() as display:
            run = simulate(loaded, seed, into, display)
    else:
        run = simulate(loaded, seed, into)
    if as_json:
        emit(run.to_json())
    else:
        tables.print_run(run)
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in run.seconds.items())
    click.echo(f"{sum(run.seconds.values()):.1f} s: {stages}", err=True)
    return 0 if run.passed or allow_failed_checks else CHECK_FAILED


@cli.command()
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@choosing
@as_json
def check(scenarios: tuple[str, ...], as_json: bool, **choices: Any) -> int:
    """Say everything that is wrong with each SCENARIO; sample nothing."""
    reports = [_report(scenario, choices) for scenario in scenarios]
    if as_json:
        emit({"ok": not any(report["faults"] for report in reports), "scenarios": reports})
    else:
        for report in reports:
            for fault in report["faults"]:
                click.echo(f"error: {Fault(**fault)}", err=True)
            if not report["faults"]:
                click.echo(f"{report['scenario']}: {report['said']}")
    return BAD_INPUT if any(report["faults"] for report in reports) else 0


def _report(name: str, choices: dict[str, Any]) -> dict[str, Any]:
    try:
        scenario = chosen(name, **choices)
    except BadInput as error:
        return {"scenario": name, "faults": [fault._asdict() for fault in error.faults]}
    said = f"{len(scenario.beliefs)} beliefs, {scenario.evidence.size} observations, "
    said += f"{len(scenario.tasks)} tasks; no faults"
    return {"scenario": name, "faults": [], "said": said}


@cli.command()
@click.argument("scenario")
@choosing
@as_json
def priors(scenario: str, as_json: bool, **choices: Any) -> None:
    """Each belief of SCENARIO: quantiles, unit, family, source and reason."""
    loaded = chosen(scenario, **choices)
    if as_json:
        emit({"scenario": loaded.name, "priors": [_belief(b) for b in loaded.beliefs.values()]})
        return
    from simulator import tables

    tables.print_priors(loaded)


def _belief(belief: Any) -> dict[str, Any]:
    named = {k: v for k, v in belief._asdict().items() if k not in ("name", "location", "scale")}
    quantiles = {k: v if abs(v) < float("inf") else None for k, v in belief.quantiles().items()}
    return {"quantity": belief.name, **named, **quantiles}


@cli.command()
@click.argument("scenario")
@choosing
@as_json
def evidence(scenario: str, as_json: bool, **choices: Any) -> None:
    """The observations that SCENARIO conditions on, by source, kind and benchmark."""
    from simulator.evidence import counts

    loaded = chosen(scenario, **choices)
    found = counts(loaded.evidence)
    if as_json:
        emit({"scenario": loaded.name, "count": loaded.evidence.size, "evidence": found})
        return
    from simulator import tables

    tables.print_evidence(found)
    tables.say(f"{loaded.evidence.size} observations")


@cli.command()
@click.argument("run")
@click.option("--all", "everything", is_flag=True, help="Every output, not the headline only.")
@as_json
def show(run: str, everything: bool, as_json: bool) -> int:
    """Tables of RUN: checks, outputs, and its beliefs before and after the evidence."""
    found = _open(run)
    if as_json:
        emit(found.to_json())
    else:
        from simulator import tables

        tables.print_run(found, everything)
        tables.say("\n" + tables.style("Beliefs before and after the evidence", bold=True))
        tables.print_beliefs(found.beliefs)
    return 0


@cli.command("list")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
@as_json
def list_command(folder: Path, as_json: bool) -> None:
    """The runs in FOLDER (default: runs)."""
    from simulator.run import runs_in

    if not folder.is_dir() and folder != Path("runs"):
        raise BadInput([Fault(str(folder), "folder", "does not exist", "check the path")])
    found = runs_in(folder)
    if as_json:
        keys = ("id", "scenario", "seed", "status", "created", "path")
        emit({"runs": [{k: getattr(run, k) for k in keys} for run in found]})
        return
    from simulator import tables

    if found:
        tables.print_runs(found)
    else:
        click.echo(f"no runs in {folder}; make one with: simulator run base", err=True)


@cli.command()
@click.argument("run")
def verify(run: str) -> None:
    """Prove that every byte of RUN is as it was sealed."""
    found = _open(run)
    click.echo(f"{found.path}: whole, {found.status}")


def _open(name: str) -> Any:
    """A run by path, by name in runs/, or the newest of runs/ as `latest`."""
    from simulator.run import open_run, runs_in

    folder = Path("runs")
    if name == "latest" and (found := runs_in(folder)):
        name = str(max(found, key=lambda run: (run.created, run.id)).path)
    for path in (Path(name), folder / name):
        if path.is_dir():
            return open_run(path)
    known = [run.id for run in runs_in(folder)]
    fix = nearest(name, known) if known else "make one with: simulator run base"
    raise BadInput([Fault(name, "run", "is neither a folder nor a run in runs/", fix)])
