"""`simulator check`: everything that is wrong with a scenario."""

from typing import Any

import click

from simulator.faults import BadInput, Fault
from simulator.options import BAD_INPUT, as_json, choosing, chosen, emit


@click.command("check", short_help="Every fault of scenarios at once; samples nothing.")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@choosing
@as_json
def command(scenarios: tuple[str, ...], as_json: bool, **choices: Any) -> int:
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
