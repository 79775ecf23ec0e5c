"""A user's own tasks: when, and how likely, the cost of each falls to what a person costs.

Each task follows a path of its own from the run's named streams, so what is said of one does not
depend on which others are asked about, nor on their order.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field

from simulator import schema
from simulator.dates import FORMS, date_of, decimal_year, last_day
from simulator.faults import Fault, nearest
from simulator.questions.askable import ASKABLE, Askable
from simulator.questions.question import Question
from simulator.questions.sheets import number, read_sheet, refuse
from simulator.scenario import Scenario, sealed_scenario

if TYPE_CHECKING:
    from simulator.questions.distribution import Forecast
    from simulator.questions.source import Source
    from simulator.run import Run

REQUIRED = ("name", "cost_usd", "debut", "human_cost_usd")
OPTIONAL = ("resembles", "kind", "priced")
MONEY = ("cost_usd", "human_cost_usd")
COST, UNDERCUT = ASKABLE["task_cost"], ASKABLE["year_of_threshold"]

type Row = dict[str, Any]


class OwnTask(schema.Section):
    """One row: what the task costs by AI (at `priced`, or else at its debut) and by a person."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    cost_usd: schema.Positive
    debut: schema.Date
    human_cost_usd: schema.Positive
    resembles: schema.Text = "new"
    kind: Literal["real", "benchmark"] = "real"
    priced: schema.Date | None = None

    @property
    def task(self) -> schema.Task:
        """The same as a scenario holds it."""
        return schema.Task(**self.model_dump(exclude={"name", "human_cost_usd"}))


class Stated(NamedTuple):
    """A row as written, where it stands, and as a task where it is in order by itself."""

    where: str
    row: Row
    own: OwnTask | None


class Asked(NamedTuple):
    """Everything that is asked: a run's scenario, its tasks replaced, and the dates."""

    scenario: Scenario
    own: list[OwnTask]
    dates: list[dt.date]


def tasks(
    run: "Run", rows: Iterable[Mapping[str, Any]], by: Sequence[str | dt.date] | None = None
) -> list[Row]:
    """How likely each task is undercut by each date, when that is, and what it costs then.

    Rows hold name, cost_usd, debut and human_cost_usd, and may hold resembles ("new"), kind
    ("real") and priced; `by` is dates (those of the run's forecast and its horizon). A row of what
    comes back, in the order asked:

    `by`: for each date the `probability` that the cost is the human's or less, its `relation` and
    `mcse` (see simulator.questions.answer), quantiles of `cost_usd` from q05 to q95, and the
    probability in the `prior`; probability and cost are None before the debut. `undercut`: the
    date at which it happens, quantiles q05 to q95 as ISO dates, None for never before the
    horizon; `never` is how likely that is, mcse_q50 the Monte Carlo error of the median in years.
    `beyond`: how far the last date reaches beyond the evidence. Raises BadInput with every fault.
    """
    said = ({k: v for k, v in row.items() if v is not None and v == v} for row in rows)
    stated, faults = parse((f"row {i}", row) for i, row in enumerate(said, 1))
    return list(undercutting(run, checked(run, stated, faults, by)))


def read(path: Path) -> tuple[list[Stated], list[Fault]]:
    """The rows of a CSV file that has the columns of `tasks`, and every fault in it."""
    sheet = read_sheet(path, REQUIRED, OPTIONAL)
    rows = ((line.where, {k: v for k, v in line.cells.items() if v}) for line in sheet.lines)
    stated, faults = parse(rows, sheet.separator)
    return stated, sheet.faults + faults


def parse(
    rows: Iterable[tuple[str, Row]], separator: str = ","
) -> tuple[list[Stated], list[Fault]]:
    """Rows by where they stand, each by itself and their names among one another."""
    stated, faults, first = [], [], {}
    for where, row in rows:
        numbers, bad = _numbers(where, row, separator)
        faults += bad
        own, more = schema.parse(OwnTask, numbers, where, "row")
        more = [fault._replace(key=fault.key.removeprefix("row.")) for fault in more]
        faults += [fault for fault in more if fault.key not in {f.key for f in bad}]
        stated.append(Stated(where, row, own))
        if isinstance(name := row.get("name"), str) and first.setdefault(name, where) != where:
            rule = f"{name!r} is the name of {first[name]} too"
            faults.append(Fault(where, "name", rule, "give each its own"))
    return stated, faults


def checked(
    run: "Run",
    stated: Sequence[Stated],
    faults: Iterable[Fault] = (),
    by: Sequence[str | dt.date] | None = None,
) -> Asked:
    """What is asked of this run, no draw read; BadInput with `faults` and every further one."""
    faults = list(faults)
    if "parents" in run.record:
        rule = "is an average of several runs, which has no parameters to compute answers from"
        refuse([*faults, Fault(run.id, "run", rule, "ask its parents one by one")])
    if not stated and not faults:
        faults.append(Fault("tasks", "rows", "there are none", "name a task"))
    scenario = sealed_scenario(run.path)
    known = _resembled(scenario)
    for each in stated:
        faults += _beyond_the_run(each, scenario.forecast.horizon, known)
    debuts = [debut for each in stated if (debut := _day(each.row, "debut"))]
    dates = _dates(scenario.forecast, by, min(debuts, default=None), faults)
    refuse(faults)
    own = [each.own for each in stated if each.own]
    return Asked(replace(scenario, tasks={t.name: t.task for t in own}), own, dates)


def undercutting(run: "Run", asked: Asked) -> Iterator[Row]:
    """Rows as `tasks` returns them, one by one."""
    from simulator.questions.source import source

    at = source(run, "posterior", asked.scenario)
    before = source(run, "prior", asked.scenario) if asked.scenario.evidence.size else None
    for own in asked.own:
        yield _row(own, asked.dates, at, before)
        for each in filter(None, (at, before)):
            each.way.cache_clear()  # no path is asked for twice, and many would fill memory


def _row(own: OwnTask, dates: list[dt.date], at: "Source", before: "Source | None") -> Row:
    when = _forecast(UNDERCUT, {"task": own.name, "threshold_usd": own.human_cost_usd}, at)
    days = [_by(own, date, at, before) for date in dates]
    return {
        **own.model_dump(mode="json"),
        "by": days,
        "undercut": _when(when, decimal_year(at.scenario.forecast.horizon)),
        "beyond": _beyond(own, dates[-1], at),
    }


def _by(own: OwnTask, date: dt.date, at: "Source", before: "Source | None") -> Row:
    """One date: the probability, the cost, and the probability before any evidence."""
    from simulator import summary
    from simulator.questions import answer

    found: Row = {"date": date.isoformat()}
    if date < own.debut:
        return found | dict.fromkeys(("probability", "relation", "mcse", "cost_usd", "prior"))
    coords = {"task": own.name, "date": date}
    question = _question(COST, coords, own.human_cost_usd, "below")
    cost = _forecast(COST, coords, at)
    prior = before and answer.probability(question, _forecast(COST, coords, before))
    figures = answer.quantiles(question, cost)
    return {
        **found,
        **answer.probability(question, cost),
        "cost_usd": {name: figures[name] for name in summary.NAMES},
        "prior": prior or None,
    }


def _when(when: "Forecast", horizon: float) -> Row:
    """The date of undercutting, as ISO dates; None is never before the horizon."""
    from simulator import summary
    from simulator.questions import answer

    asked = _question(UNDERCUT, when.coords, horizon, "above")
    figures = answer.quantiles(asked, when)
    days = {q: figures[q] and date_of(figures[q]).isoformat() for q in summary.NAMES}
    return days | {"never": answer.probability(asked, when), "mcse_q50": figures["mcse_q50"]}


def _beyond(own: OwnTask, date: dt.date, at: "Source") -> list[str]:
    from simulator.questions import reach

    coords = {"task": own.name, "date": max(date, own.debut)}
    question = _question(COST, coords, own.human_cost_usd, "below")
    return reach.beyond(at, question, _forecast(COST, coords, at))


def _forecast(asked: Askable, coords: Mapping[str, Any], at: "Source") -> "Forecast":
    from simulator.questions.distribution import Forecast

    return Forecast(asked, coords, at.values(asked, coords))


def _question(asked: Askable, coords: Mapping[str, Any], at: float, direction: str) -> Question:
    return Question(
        id="undercut",
        text="undercut",
        quantity=asked.name,
        threshold=at,
        direction=direction,
        **coords,
    )


# --- faults ---------------------------------------------------------------------------------------


def _numbers(where: str, row: Row, separator: str) -> tuple[Row, list[Fault]]:
    """A row with what is written of dollars as numbers; one that is none is left out."""
    found, faults = dict(row), []
    for name in MONEY:
        if isinstance(text := row.get(name), str):
            try:
                found[name] = COST.number(number(text, separator))
            except ValueError as error:
                fix = "write digits and a decimal point, as in 1500.50 or $1500.50"
                faults.append(Fault(where, name, str(error), fix))
                del found[name]
    return found, faults


def _beyond_the_run(each: Stated, horizon: dt.date, known: Collection[str]) -> Iterator[Fault]:
    """What is wrong with a row for this run, whatever else is wrong with it."""
    debut, priced = _day(each.row, "debut"), _day(each.row, "priced")
    for name, date in (("debut", debut), ("priced", priced)):
        if date and date >= horizon:
            rule = f"{date} is not before the horizon, {horizon}"
            yield Fault(each.where, name, rule, "leave it out, or ask a run that sees further")
    if debut and priced and priced < debut:
        rule, fix = f"{priced} is before the debut, {debut}", "move one of them"
        yield Fault(each.where, "priced", rule, fix)
    resembles = each.row.get("resembles", "new")
    if isinstance(resembles, str) and resembles not in known:
        rule = f"{resembles!r} is no benchmark or series with costs"
        yield Fault(each.where, "resembles", rule, nearest(resembles, known))


def _day(row: Row, name: str) -> dt.date | None:
    try:
        return last_day(row[name])
    except (KeyError, ValueError):
        return None


def _resembled(scenario: Scenario) -> set[str]:
    """What a task may resemble: what the run's evidence has costs of, and its own tasks do."""
    known = {"typical", "new", *(task.resembles for task in scenario.tasks.values())}
    for row in scenario.evidence.rows("cost_records"):
        known |= {row["benchmark"], row["series"]}
    return known | {row["benchmark"] for row in scenario.evidence.rows("annual_factors")}


def _dates(
    asked: schema.Forecast,
    by: Sequence[str | dt.date] | None,
    debut: dt.date | None,
    faults: list[Fault],
) -> list[dt.date]:
    """The dates asked for, in order; those of the forecast and the horizon where none is."""
    if not by:
        return sorted({*asked.dates, asked.horizon})
    found = set()
    for text in by:
        try:
            date = last_day(text)
        except ValueError as error:
            faults.append(Fault("--by", str(text), str(error), f"write a date as {FORMS}"))
            continue
        if date > asked.horizon:
            rule = f"is past the horizon, {asked.horizon}"
            faults.append(Fault("--by", str(date), rule, "name an earlier date"))
        elif debut is not None and date < debut:
            rule = f"is before the debut of every task, the first of {debut}"
            faults.append(Fault("--by", str(date), rule, "name a later date"))
        found.add(date)
    return sorted(found)
