"""What could have been asked on a past day, and what came of it: the questions of a backtest.

Questions are made from the evidence up to the day alone; their outcomes come from all of it.
"""

import calendar
import datetime as dt
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from simulator.columns import Row
from simulator.dates import FORMS, last_day
from simulator.evidence import Evidence, usd
from simulator.faults import BadInput, Fault
from simulator.scenario import Scenario

DEFAULT_DAYS = 5  # quarter ends, where no as-of date is given
HORIZON = re.compile(r"([1-9]\d{0,2})([my])")


class CostQuestion(NamedTuple):
    """What will the cheapest cost on record of a series be on a later day?"""

    series: str
    benchmark: str
    debut: dt.date
    record_usd: float
    as_of: dt.date
    horizon: str
    target: dt.date
    outcome: float

    kind = "cost"
    unit = "OOM USD"

    @property
    def subject(self) -> str:
        return self.series

    @property
    def cluster(self) -> str:
        """Outcomes of one series overlap, whatever the dates."""
        return self.series

    @property
    def origin(self) -> float:
        """No change: the record that stood."""
        return math.log10(self.record_usd)

    @property
    def name(self) -> tuple[str, ...]:
        return self.kind, self.subject, str(self.as_of), str(self.target)


class SlopeQuestion(NamedTuple):
    """What slope will be published for a system that was not out yet?"""

    row: Row
    as_of: dt.date

    kind = "slope"
    unit = "logit per OOM"
    horizon = None
    origin = 0.0

    @property
    def subject(self) -> str:
        return self.row["curve"]

    @property
    def benchmark(self) -> str:
        return self.row["benchmark"]

    @property
    def cluster(self) -> str:
        """Systems share the slope of their benchmark, so they are right or wrong together."""
        return self.benchmark

    @property
    def target(self) -> dt.date:
        return self.row["date"]

    @property
    def outcome(self) -> float:
        return self.row["slope_logit_per_oom"]

    @property
    def name(self) -> tuple[str, ...]:
        return self.kind, self.subject, str(self.as_of), str(self.target)


class Past(NamedTuple):
    """A day, what could have been asked on it, and how many series had not begun."""

    as_of: dt.date
    costs: tuple[CostQuestion, ...]
    slopes: tuple[SlopeQuestion, ...]
    not_begun: int

    @property
    def questions(self) -> tuple[CostQuestion | SlopeQuestion, ...]:
        return *self.costs, *self.slopes


def pasts(
    scenario: Scenario,
    as_of: Sequence[str | dt.date],
    until: str | dt.date | None,
    horizons: Sequence[str],
) -> list[Past]:
    """The days asked for with their questions; BadInput with every fault."""
    faults: list[Fault] = []
    if not scenario.evidence.size:
        rule, fix = "uses no evidence, so nothing came of anything", 'write sources = "all"'
        raise BadInput([Fault(scenario.name, "evidence", rule, fix)])
    end = None if until is None else _day(until, "--until", faults)
    months = {h: _months(h, faults) for h in horizons}
    days = [day for text in as_of if (day := _day(text, "--as-of", faults))]
    faults += _doubles(horizons, "--horizon") + _doubles(days, "--as-of")
    if not horizons:
        faults.append(Fault("--horizon", "usage", "names no horizon", "as in 6m,12m"))
    for day in days:
        faults += _misplaced(scenario, day, end)
    if faults:
        raise BadInput(faults)
    days = sorted(days) or _quarter_ends(scenario, end, months)
    found = [_past(scenario.evidence, day, end, months) for day in days]
    for past in found:
        if not past.questions:
            rule = "nothing that could be asked then has an outcome yet"
            fix = "name an earlier date, a later --until or a shorter --horizon"
            faults.append(Fault("--as-of", str(past.as_of), rule, fix))
    if faults:
        raise BadInput(faults)
    return found


def cost_questions(
    evidence: Evidence, as_of: dt.date, until: dt.date | None, months: dict[str, int]
) -> Iterator[CostQuestion]:
    """One for each series begun by then and each horizon of which the outcome is known."""
    for series, rows in _series(evidence).items():
        begun = [row for row in rows if row["date"] <= as_of]
        if not begun:
            continue
        watched = max(row["observed_until"] for row in rows)
        end = watched if until is None else min(until, watched)
        for horizon, ahead in months.items():
            target = later(as_of, ahead)
            if target > end:
                continue
            cheapest = min(usd(row) for row in rows if row["date"] <= target)
            yield CostQuestion(
                series,
                rows[0]["benchmark"],
                min(row["date"] for row in begun),
                min(map(usd, begun)),
                as_of,
                horizon,
                target,
                math.log10(cheapest),
            )


def slope_questions(
    evidence: Evidence, as_of: dt.date, until: dt.date | None
) -> Iterator[SlopeQuestion]:
    """One for each slope that was published after the day."""
    for row in evidence.rows("response_slopes"):
        if as_of < row["date"] and (until is None or row["date"] <= until):
            yield SlopeQuestion(row, as_of)


def later(day: dt.date, months: int) -> dt.date:
    """The same day of a later month; the end of a month stays the end of a month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    ends = day.day == calendar.monthrange(day.year, day.month)[1]
    return dt.date(year, month + 1, last if ends else min(day.day, last))


def _past(evidence: Evidence, day: dt.date, until: dt.date | None, months: dict[str, int]) -> Past:
    debuts = [min(row["date"] for row in rows) for rows in _series(evidence).values()]
    return Past(
        day,
        tuple(cost_questions(evidence, day, until, months)),
        tuple(slope_questions(evidence, day, until)),
        sum(debut > day for debut in debuts),
    )


def _series(evidence: Evidence) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in evidence.rows("cost_records"):
        found.setdefault(row["series"], []).append(row)
    return found


def _quarter_ends(
    scenario: Scenario, until: dt.date | None, months: dict[str, int]
) -> list[dt.date]:
    """The last quarter ends at which a cost could be asked for with an outcome known by now."""
    years = {row["date"].year for rows in scenario.evidence.tables.values() for row in rows}
    ends = [
        dt.date(year, month, 30 + (month in (3, 12)))
        for year in range(min(years), max(years) + 1)
        for month in (3, 6, 9, 12)
    ]
    kept = [
        day
        for day in ends
        if not _misplaced(scenario, day, until)
        and any(cost_questions(scenario.evidence, day, until, months))
    ]
    if not kept:
        rule, fix = "no quarter end has a cost with an outcome", "name dates with --as-of"
        raise BadInput([Fault("--as-of", "default", rule, fix)])
    return kept[-DEFAULT_DAYS:]


# --- faults ---------------------------------------------------------------------------------------


def _day(text: Any, option: str, faults: list[Fault]) -> dt.date | None:
    try:
        return last_day(text)
    except ValueError as error:
        faults.append(Fault(option, str(text), str(error), f"write a date as {FORMS}"))
        return None


def _months(text: str, faults: list[Fault]) -> int:
    match = HORIZON.fullmatch(text)
    if match is None:
        rule, fix = "is not a number of months or years", "write 6m, 12m or 2y"
        faults.append(Fault("--horizon", repr(text), rule, fix))
        return 0
    return int(match[1]) * (12 if match[2] == "y" else 1)


def _doubles(values: Sequence[Any], option: str) -> list[Fault]:
    twice = dict.fromkeys(str(v) for v in values if list(values).count(v) > 1)
    return [Fault(option, v, "must not repeat itself", "remove the double") for v in twice]


def _misplaced(scenario: Scenario, day: dt.date, until: dt.date | None) -> list[Fault]:
    dates = [row["date"] for rows in scenario.evidence.tables.values() for row in rows]
    first = min(dates)
    baseline = scenario.forecast.algorithm_baseline
    rules = []
    if day < first:
        rules.append((f"is before any evidence, the first of {first}", "name a later date"))
    if until is not None and day >= until:
        rules.append((f"must be before --until, {until}", "move one of them"))
    if day <= baseline:
        rules.append((f"must be after forecast.algorithm_baseline, {baseline}", "move one"))
    return [Fault("--as-of", str(day), rule, fix) for rule, fix in rules]
