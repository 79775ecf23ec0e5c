"""What a report is made of, as plain data that the template lays out."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from click import unstyle

from simulator import labels
from simulator.faults import BadInput
from simulator.figures import Plot, plots, svg
from simulator.quantities import OUTPUTS, QUANTITIES
from simulator.report.words import middle, range_of
from simulator.run import Run
from simulator.units import error, show, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE = 6.8  # inches
FIRST = 3  # beliefs that are named per output

type Row = dict[str, Any]


def checks(run: Run) -> list[Row]:
    """Every check with its figure, failures first."""
    found = [
        {
            "name": name.replace("_", " "),
            "passed": check.passed,
            "value": "" if check.value != check.value else significant(check.value, 4),
            "worst": check.worst,
        }
        for name, check in run.checks.items()
    ]
    return sorted(found, key=lambda one: one["passed"])


def headline(run: Run) -> list[Row]:
    """Headline rows under their headings, in the units that people use."""
    rows = [row for row in run.rows if row["quantity"] in OUTPUTS]
    return [
        {"heading": title, "rows": [_shown(row) for row in group]}
        for title, group in groupby(labels.headline(rows), key=labels.heading)
    ]


def _shown(row: Row) -> Row:
    infinite = row["prob_infinite"]
    never = f"{show(None, row['unit'])} {significant(100 * infinite, 2)}%"
    return {
        "label": labels.label(row),
        **{q: show(row[q], row["unit"]).strip() for q in ("q05", "q50", "q95")},
        "error": never if infinite else error(row["mcse_q50"], row["unit"]),
        "prior": range_of(row, prior=True) if row["prior"] else "",
    }


def questions(run: Run) -> list[Row]:
    """The scenario's questions with their answers."""
    from simulator.questions import answer, shown
    from simulator.questions.source import stated

    try:
        listed = stated(run)
    except BadInput:  # an average without its parents still has a report
        return []
    given = answer.answers(run, answer.checked(listed, run)) if listed else []
    return [
        {
            "text": one["text"],
            "answer": unstyle(shown.headline(one)),
            "prior": shown.before(one) if one["prior"] else "",
            "beyond": "; ".join(one["beyond"]),
        }
        for one in given
    ]


def figures(run: Run) -> list[Row]:
    """Every figure of the run, inline, with its caption."""
    return [figure(plot) for plot in plots(run)]


def figure(plot: Plot) -> Row:
    """One figure of a run with its caption."""
    return figure_of(plot.draw(FIGURE), plot.name, plot.stem, plot.caption)


def figure_of(drawn: "Figure", name: str, stem: str, caption: str) -> Row:
    """A figure as SVG that stands in a page beside others, with its caption."""
    return {"name": name, "svg": svg(drawn, stem, name, caption, inline=True), "caption": caption}


def moves(run: Run) -> list[Row]:
    """What multipliers, costs and break-even uses near in time go with most; none of an average."""
    if "parents" in run.record:
        return []
    from simulator.sensitivity import gist

    return [
        {
            "output": f"{one['heading']}, {one['label']}",
            "diagnosis": one["diagnosis"],
            "beliefs": ", ".join(_carries(one["beliefs"])),
        }
        for one in gist(run, _near(run))
    ]


def _near(run: Run) -> list[str]:
    """The outputs that a report explains: multipliers, and what is asked for the second date."""
    named = [n for n in ("required_rl_multiplier_oom",) if n in run.forecast]
    dates = run.forecast["date"].values if "task_cost_oom_usd" in run.forecast else ()
    return named + [str(day)[:10] for day in dates[:2]][-1:]


def _carries(beliefs: Sequence[Row]) -> Iterator[str]:
    for belief in beliefs[:FIRST]:
        if belief["first"] >= 0.02:
            yield f"{belief['belief']} {100 * belief['first']:.0f}%"


def beliefs(run: Run) -> list[Row]:
    """Each stated belief before and after the evidence, with its source and reason."""
    return [
        {
            "name": one["quantity"],
            "meaning": QUANTITIES[one["quantity"]].meaning,
            "unit": one["unit"],
            "prior": _quantiles(one["prior"], one["unit"]),
            "posterior": _quantiles(one["posterior"], one["unit"]),
            "source": one.get("source", ""),
            "why": one.get("why", ""),
        }
        for one in run.beliefs
    ]


def _quantiles(found: Row, unit: str) -> str:
    row = {**found, "unit": unit}
    return middle(row) if found["q05"] == found["q95"] else f"{middle(row)} ({range_of(row)})"


def evidence(run: Run) -> list[Row]:
    """Sources in use with their citations and what was taken from each."""
    if "parents" in run.record:
        return []
    from simulator.evidence import counts
    from simulator.scenario import sealed_scenario

    used = sealed_scenario(run.path).evidence
    taken: dict[str, dict[str, int]] = {}
    for row in counts(used):
        tables = taken.setdefault(row["source"], {})
        tables[row["table"]] = tables.get(row["table"], 0) + row["count"]
    return [
        {"key": key, "taken": _taken(taken[key]), **_citation(citation)}
        for key, citation in used.sources.items()
        if key in taken
    ]


def _taken(tables: dict[str, int]) -> str:
    return ", ".join(f"{n} {table.replace('_', ' ')}" for table, n in tables.items())


def _citation(citation: Row) -> Row:
    """Only a web address becomes a link."""
    url = str(citation.get("url", ""))
    words = [citation.get(k) for k in ("authors", "title", "publisher", "date")]
    text = ". ".join(str(word) for word in words if word)
    return {"text": text, "url": url if url.startswith(("https://", "http://")) else ""}


def limits(run: Run) -> list[str]:
    """What the numbers do not know, by what the run is made of."""
    said = [
        "Every interval is conditional on the model: what it cannot say, none of them shows.",
        "Prices are list prices of several vintages, and list prices are not costs.",
        "No observation speaks to a slowdown of the decline, to how far real tasks share a "
        "benchmark's decline, or to a floor: these are beliefs.",
    ]
    if "parents" in run.record:
        return [*said, "An average is of the runs named here, and of no other view."]
    form, observed = run.spec.get("structure", {}), run.record.get("observations", 0)
    if not observed:
        return [*said, "Nothing was observed: the answer is that of the beliefs."]
    said.append(
        "RL data are thin: few drawn curves, and one system alone is measured in both kinds of "
        "compute."
    )
    if form.get("response") == "saturating":
        said.append("Only curves with published points have ends of their own.")
    else:
        said.append("Curves have no end of their own here; saturating ones give wider answers.")
    if until := run.spec.get("evidence", {}).get("as_of"):
        said.append(
            f"Evidence is as of {until} by release of the model; the tables that measured it came "
            "later, and the beliefs were written later."
        )
    return said


def _written(run: Run) -> str:
    """What to run: the scenario's name where one of that name is the same today, else its file."""
    from simulator.scenario import load_scenario

    try:
        same = load_scenario(run.scenario).digest == run.record["scenario_digest"]
    except BadInput:
        same = False
    return run.scenario if same else f"{run.id}/scenario.toml"


def again(run: Run) -> Row:
    """What it takes to get the run again."""
    record = run.record
    return {
        "command": f"simulator run {_written(run)} --seed {run.seed}",
        "digest": record["scenario_digest"],
        "created": run.created,
        "python": record.get("python", ""),
        "platform": record.get("platform", ""),
        "versions": record.get("versions", {}),
        "parents": [parent["id"] for parent in record.get("parents", [])],
        "reweighted": record.get("reweighted"),
        "sampler": record.get("sampler", {}),
    }
