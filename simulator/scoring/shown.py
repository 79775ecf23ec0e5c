"""What people read of scores: overall first, then question by question, then how to read them."""

import textwrap
from typing import TYPE_CHECKING, Any

from simulator import scores
from simulator.questions.sheets import plain
from simulator.questions.shown import share
from simulator.score_tables import cell, places
from simulator.scoring.scored import FAR, FEW, FURTHER
from simulator.tables import MIDDLE, note, print_grid, say, style, width
from simulator.units import show

if TYPE_CHECKING:
    from simulator.scoring.scored import Scored

type Row = dict[str, Any]

COLUMNS = {
    "distribution": {
        "crps": "CRPS",
        "gain_over_before_evidence": "vs prior",
        "gain_over_no_change": "vs same",
        "gain_over_tenfold": "vs 10x",
        "log_score": "log",
        "interval_score": "WIS",
        "covered_50": "50%",
        "covered_80": "80%",
        "covered_90": "90%",
    },
    "probability": {
        "brier": "Brier",
        "gain_over_before_evidence": "vs prior",
        "gain_over_half": "vs 50%",
        "log_score": "log",
        "log_score_before_evidence": "log prior",
    },
}
NARROW = ("interval_score", "gain_over_tenfold", "covered_80")  # left out in narrow terminals
NOTES = {
    "distribution": """\
CRPS: mean distance of the forecast from the outcome, less half its own spread, in OOM (powers of
ten), years or the unit itself; beyond {oom:g} OOM, {years:g} years or {further:g} of another unit
all is one, and never is there. vs: the CRPS of the beliefs before any evidence, of the forecast's
own cost on the day of freezing, and of a tenfold fall a year from it, less that of the forecast on
the same questions; above 0 the forecast was better. log: log of the probability given to the
outcome's bin of {bin:g}, after {spread:.0%} of the forecast was spread evenly over {span:g}. WIS:
weighted interval score of the median and the 50%, 80% and 90% intervals. 50%, 80%, 90%: share of
outcomes inside; one that ties with draws counts in part. PIT: probability below the outcome, a tie
broken by chance.""",
    "probability": """\
Brier: squared distance of the probability from 1 where it came and 0 where it did not. vs: that of
the beliefs before any evidence, and of 50% for everything, less that of the forecast. log: log of
the probability of what came, and of the beliefs before any evidence.""",
}
ERRORS = """\
±: standard error of the line above, over questions; those of one run are right or wrong together,
which makes it too small."""


def print_scores(scored: "Scored") -> None:
    """Runs that failed first; means by kind, every forecast, what was left out, how to read it."""
    if failed := [row["run"] for row in scored.rows if row["status"] != "passed"]:
        names = _names(dict.fromkeys(failed))
        said = f"Forecasts of runs that FAILED their checks, do not rely on them: {names}"
        say(style(said, fg="red", bold=True))
    for kind in ("distribution", "probability"):
        if pooled := [row for row in scored.pooled if row["kind"] == kind]:
            _print_pooled(kind, pooled)
            say()
            rows = [row for row in scored.rows if row["kind"] == kind]
            (_print_distributions if kind == "distribution" else _print_probabilities)(rows)
            _print_calibration(scored.calibration if kind == "probability" else [])
    say()
    for warning in warnings(scored):
        for line in textwrap.wrap(warning, width(), break_on_hyphens=False):
            say(style(line, fg="yellow"))
    for kind in dict.fromkeys(row["kind"] for row in scored.pooled):
        note(_note(kind))
    note(ERRORS)


def warnings(scored: "Scored") -> list[str]:
    """What a reader must know before the numbers are believed."""
    said = []
    for row in scored.pooled:
        if row["few"]:
            of = "probabilities" if row["kind"] == "probability" else f"in {row['scale']}"
            said.append(
                f"{row['scenario']}, {of}: {row['questions']} with an outcome, fewer than {FEW}: "
                "nothing follows from their means"
            )
    if scored.hindsight:
        names = _names(f"{row['id']} ({row['frozen'][:10]})" for row in scored.hindsight)
        said.append(f"refused as hindsight, frozen on the day of the outcome or later: {names}")
    if scored.undated:
        said.append(
            f"no date of the outcome, so hindsight cannot be told: {_names(scored.undated)}"
        )
    if scored.open:
        said.append(f"{len(scored.open)} without an outcome: {_names(scored.open)}")
    if scored.strange:
        said.append(f"outcomes of no frozen question: {_names(map(plain, scored.strange))}")
    return said


def _names(names: Any) -> str:
    listed = list(names)
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return ", ".join(listed[:8]) + more


def _print_pooled(kind: str, pooled: list[Row]) -> None:
    columns = {
        name: head
        for name, head in COLUMNS[kind].items()
        if width() >= MIDDLE or name not in NARROW
    }
    title = "Distributions" if kind == "distribution" else "Probabilities"
    body = []
    for row in pooled:
        of = f", in {row['scale']}" if kind == "distribution" else ""
        means, errors = (
            [cell(row[name], name, part) for name in columns] for part in ("mean", "se")
        )
        body += [[f"{row['scenario']}{of}", str(row["count"]), *means], ["  ±", "", *errors]]
    say()
    say(style(title, bold=True))
    print_grid(["", "n", *columns.values()], body)
    for row in pooled:
        if judged := row.get("uniform"):
            said = f"PITs {row['scenario']}, in {row['scale']}: {judged['said']}"
            say(f"{said}, p = {judged['p_value']:.2g} if calibrated")


def _print_distributions(rows: list[Row]) -> None:
    wide = width() >= MIDDLE
    dated = wide or not all(row["latest"] for row in rows)
    body = []
    for row in rows:
        values = [_value(row, name) for name in ("q05", "q50", "q95", "outcome")]
        prior = row["crps_before_evidence"]
        more = ["-" if prior is None else places(prior), places(row["log_score"])] if wide else []
        body.append([_label(row), *([row["frozen"][:10]] if dated else []), *values,
                     places(row["pit"]), places(row["crps"]), *more])  # fmt: skip
    more = ["prior's", "log"] if wide else []
    heads = [*(["frozen"] if dated else []), "5%", "50%", "95%", "came", "PIT", "CRPS", *more]
    print_grid(["", *heads], _by_scenario(rows, body))


def _print_probabilities(rows: list[Row]) -> None:
    body = []
    for row in rows:
        before = row["probability_before_evidence"]
        came = "yes" if row["outcome"] else "no"
        prior = "-" if before is None else share({"probability": before, "relation": "="})
        body.append([_label(row), row["frozen"][:10], share(row), prior, came, places(row["brier"]),
                     "-" if before is None else places(row["brier_before_evidence"])])  # fmt: skip
    heads = ["frozen", "said", "prior", "came", "Brier", "prior's"]
    print_grid(["", *heads], _by_scenario(rows, body))


def _by_scenario(rows: list[Row], body: list[list[str]]) -> list[list[str]]:
    """Lines under the scenario that they are of, where there are several."""
    scenarios = list(dict.fromkeys(row["scenario"] for row in rows))
    if len(scenarios) < 2:
        return body
    lines = list(zip(rows, body, strict=True))
    return [
        line
        for name in scenarios
        for line in ([name], *(cells for row, cells in lines if row["scenario"] == name))
    ]


def _print_calibration(bins: list[Row]) -> None:
    if sum(row["count"] for row in bins) < FEW:
        return
    body = [
        [f"{100 * row['from']:.0f}% to {100 * row['to']:.0f}%", str(row["count"]),
         f"{100 * row['said']:.0f}%", str(row["came"]), f"{row['least']} to {row['most']}"]
        for row in bins
    ]  # fmt: skip
    say()
    print_grid(["", "n", "said", "came", "if calibrated, nine times of ten"], body)


def _label(row: Row) -> str:
    return row["id"] if row["latest"] else f"{row['id']} (earlier)"


def _value(row: Row, name: str) -> str:
    never = row["unit"] in ("year", "years") or row["unit"].startswith("OOM")
    far = row[name] >= row["outcome_far"] if never else False
    return show(None if far else row[name], row["unit"]).strip()


def _note(kind: str) -> str:
    return NOTES[kind].format(
        oom=FAR["OOM"], years=FAR["years"], further=FURTHER,
        bin=scores.BIN, spread=scores.SPREAD, span=scores.SPAN,
    )  # fmt: skip
