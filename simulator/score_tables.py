"""What people read of forecasts against outcomes: backtests, and predictive checks of a run."""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from simulator.scenario import Scenario
from simulator.tables import MIDDLE, note, print_grid, say, style, width
from simulator.units import power

if TYPE_CHECKING:
    from simulator.backtest import Backtest

type Row = dict[str, Any]

OURS = {"crps": "CRPS", "crps_no_change": "same", "crps_tenfold": "10x"}
BEFORE = {"crps_before_evidence": "prior"}
COVERED = {f"covered_{level}": f"{level}%" for level in (50, 80, 90)}
TITLES = {
    "cost": "Cheapest cost on record, OOM",
    "slope": "Slope of systems not yet seen, logit per OOM",
}
NOTE = """\
CRPS: mean distance of the forecast from the outcome, less half its own spread (beyond {limit:g} all
is one), and beside it that of two naive forecasters: the same cost as on that day, and a tenfold
fall a year. prior: that of the beliefs before any evidence. log: log of the probability given to
the outcome's bin of {bin:g}, after {spread:.0%} of the forecast was spread evenly over {span:g}.
50%, 80%, 90%: share of outcomes inside the central interval; one that ties with draws counts in
part. ±: standard error of the line above, over clusters: series of costs, benchmarks of slopes. Few
clusters make it rough. What was known goes by a model's release; its costs were measured later,
partly at later prices, and beliefs and the choice of series are of today as well, so this is kinder
to a forecaster than the past was."""


CHECKED = """\
50%, 90%: share of the observations inside the central interval of their prediction: before any
evidence, after all of it, and after all but that observation, where it can be left out (not: how
many cannot; these are often the surprising ones). off: too wide, too narrow or shifted predictions;
a right model has anything called off before, or left out, in one run of twenty each. Information
about the model, and no check that a run can fail."""


class Narrator:
    """An observer that says on stderr what takes long."""

    def __init__(self, scenario: Scenario):
        self._of = f"{scenario.name}, {scenario.structure.cost}"

    def stage(self, name: str) -> None:
        """A stage begins; those that take long are named."""
        if name.startswith(("as of", "compile", "sample")):
            click.echo(f"{self._of}: {name}", err=True)

    def chains(self, progress: list[Any]) -> None: ...


def print_backtest(result: "Backtest", everything: bool = False) -> None:
    """Failed checks first, then scores by date and horizon and pooled, then how to read them."""
    title = f"{result.scenario}, {result.structure['cost']}, seed {result.seed}: "
    title += "forecasts as of " + ", ".join(fit["as_of"] for fit in result.fits)
    for line in textwrap.wrap(title, width()):
        say(style(line, bold=True))
    for fit in result.fits:
        if fit["failed_checks"]:
            said = f"as of {fit['as_of']} FAILED {', '.join(fit['failed_checks'])}"
            say(style(said, fg="red", bold=True))
    body: list[list[str]] = []
    for kind in dict.fromkeys(row["kind"] for row in result.pooled):
        body.append([TITLES[kind]])
        rows = [row for row in result.pooled if row["kind"] == kind]
        shown = [row for row in rows if _told(row, result, everything)]
        body += [[f"  {_label(row)}", *_cells(row)] for row in shown]
        body.append(["  ±", *_errors(shown[-1])])
    print_grid(["", "n", *_columns().values()], body)
    if everything:
        say()
        print_forecasts(result.scores)
    say()
    note(_reading(result))


def _told(row: Row, result: "Backtest", everything: bool) -> bool:
    """Rows by series when asked for; by horizon alone where that pools several dates."""
    by = [*row["by"]]
    return {"subject": everything, "horizon": len(result.fits) > 1}.get(by[0] if by else "", True)


def print_forecasts(rows: Iterable[Row]) -> None:
    """Every forecast with its outcome."""
    wide = width() >= MIDDLE
    body = []
    for row in rows:
        says = _power if row["kind"] == "cost" else places
        about = row["horizon"] or row["target"]
        interval = (says(row[name]) for name in ("q05", "q50", "q95"))
        cells = [row["subject"], row["as_of"], about, *interval, says(row["outcome"])]
        body.append([*cells, *((places(row["pit"]), places(row["crps"])) if wide else ())])
    scored = ["PIT", "CRPS"] if wide else []
    print_grid(["", "as of", "ahead", "5%", "50%", "95%", "came", *scored], body)


def print_structures(results: Iterable["Backtest"]) -> None:
    """Pooled scores of several structures, one under the other."""
    results = list(results)
    body: list[list[str]] = []
    for kind in dict.fromkeys(row["kind"] for row in results[0].pooled):
        body.append([TITLES[kind]])
        for result in results:
            row = next(r for r in result.pooled if r["kind"] == kind and not r["by"])
            body.append([f"  {result.structure['cost']}", *_cells(row)])
            body.append(["  ±", *_errors(row)])
    say()
    print_grid(["", "n", *_columns().values()], body)


def print_predictive(rows: Iterable[Row]) -> None:
    """Observations against predictions, by set, with what is off in a word."""
    wide = width() >= MIDDLE
    groups = {"prior": "prior", "posterior": "after", "left_out": "left out"}
    if not wide:
        del groups["posterior"]
    names = [head for name in groups.values() for head in (f"{name} 50%", "90%")]
    body = [
        [
            row["variable"],
            _off(row),
            str(row["count"]),
            *(_share(row[g][f"inside_{level}"]) for g in groups for level in (50, 90)),
            *([str(row["left_out"]["not_usable"] or "")] if wide else []),
        ]
        for row in rows
    ]
    say("\n" + style("Observations against their predictions", bold=True))
    print_grid(["", "off", "n", *names, *(["not"] if wide else [])], body, texts=2)
    note(CHECKED)


def _off(row: Row) -> str:
    said = {"prior": row["prior"]["said"], "left out": row["left_out"]["said"]}
    return "; ".join(f"{group} {words}" for group, words in said.items() if words)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f}%"


def _columns() -> dict[str, str]:
    wide = BEFORE if width() >= MIDDLE else {}
    return OURS | wide | {"log_score": "log"} | COVERED


def _label(row: Row) -> str:
    by = row["by"]
    return ", ".join(str(value) for value in by.values()) if by else "all"


def _cells(row: Row) -> list[str]:
    return [str(row["count"]), *(cell(row[name], name, "mean") for name in _columns())]


def _errors(row: Row) -> list[str]:
    return ["", *(cell(row[name], name, "se") for name in _columns())]


def cell(figure: Row | None, name: str, part: str) -> str:
    """A figure of a score or its error: shares covered in percent, - where there is none."""
    if figure is None or figure[part] is None:
        return "-"
    return f"{100 * figure[part]:.0f}%" if name.startswith("covered") else places(figure[part])


def places(value: float) -> str:
    """A score as tables show it."""
    return f"{value:.2f}"


def _power(oom: float) -> str:
    return f"${power(oom)}"


def _reading(result: "Backtest") -> str:
    from simulator import scores

    said = NOTE.format(limit=scores.LIMIT, bin=scores.BIN, spread=scores.SPREAD, span=scores.SPAN)
    late = [f"{fit['series_not_begun']} ({fit['as_of']})" for fit in result.fits]
    return f"{said} Series that had not begun, so not asked for: {', '.join(late)}."
