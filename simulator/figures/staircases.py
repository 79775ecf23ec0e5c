"""Records of cheapest costs, with what the run predicts for them: behind them and ahead."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.columns import Row
from simulator.dates import decimal_year
from simulator.evidence import usd
from simulator.faults import BadInput, Fault, nearest
from simulator.figures import provenance, shapes, style, ticks
from simulator.figures.provenance import conditions, scenario_of
from simulator.forecast.costs import path
from simulator.run import Run
from simulator.scenario import Scenario
from simulator.schema import Task
from simulator.streams import SAMPLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AHEAD = dt.timedelta(days=731)  # forecast from the last day on which a series was watched
GRID = 12  # days of a band
MASSES = 50, 90
HEIGHT = 1.35  # inches of a panel


def records(
    run: Run,
    series: Sequence[str] | None = None,
    *,
    figure: "Figure | None" = None,
    width: float = style.PAGE,
) -> "Figure":
    """The record staircase of each series, a panel each, as `staircase` draws one.

    `series`: names, all by default. Raises BadInput for one of which the run has no records.
    """
    scenario, found = _series(run, series)
    columns = 2 if width < (style.COLUMN + style.PAGE) / 2 else 5
    columns = min(columns, len(found))
    rows = -(-len(found) // columns)
    with style.sheet(figure, [run], width, 0.7 + HEIGHT * rows) as figure:
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, rows_of in zip(panels, found.values(), strict=False):
            _panel(run, scenario, axes, rows_of, 3 if columns < 5 else 2)
            axes.set_title(_title(rows_of), fontsize=style.TEXT, loc="left")
        for axes in panels[len(found) :]:
            axes.remove()
        handles, labels = panels[0].get_legend_handles_labels()
        provenance.heading(
            figure, [run], "Cheapest cost of one task on record, US dollars", (handles, labels),
            2 if style.narrow(figure) else 5,
        )  # fmt: skip
    return figure


def staircase(
    run: Run, series: str, *, axes: "Axes | None" = None, width: float = style.PAGE
) -> "Axes":
    """The records of one series, US dollars on a log axis, with 50% and 90% predictive bands.

    Grey: what the run predicts for the records that it was given (under `staircase` paths that
    start at the first record, under `trend` the record that stood). Blue: the next two years, from
    the last record on. Raises BadInput for a series of which the run has no records.
    """
    scenario, found = _series(run, [series])
    with style.canvas(axes, [run], width, min(0.62 * width, 3.0)) as axes:
        _panel(run, scenario, axes, found[series], 6)
        provenance.titled(axes, [run], f"Cheapest on record: {_title(found[series])}")
        axes.set_ylabel("US dollars for one task")
        axes.legend(loc="lower left")
    return axes


def records_caption(run: Run, series: Sequence[str] | None = None) -> str:
    """What the record staircases show, under which conditions."""
    scenario, found = _series(run, series)
    behind = (
        "paths of the fitted process that start at the first record"
        if scenario.structure.cost == "staircase"
        else "records drawn around the fitted trend"
    )
    said = f"Records of the cheapest cost of one task, US dollars, {len(found)} series. Grey bands"
    said += f" hold 50% and 90% of {behind}, blue ones of forecasts from the last record on."
    return f"{said} {conditions(run)}"


# --- one series -----------------------------------------------------------------------------------


def _panel(run: Run, scenario: Scenario, axes: "Axes", rows: list[Row], years: int) -> None:
    days, costs = [row["date"] for row in rows], [usd(row) for row in rows]
    end = max(rows[-1]["observed_until"], days[-1])
    last = min(end + AHEAD, scenario.forecast.horizon)
    behind = _trend_bands if scenario.structure.cost == "trend" else _paths_behind
    seen = [*costs, *behind(run, scenario, axes, rows, end)]
    grid = _grid(end, last)
    ahead = _paths(run, scenario, rows[0]["series"], costs[-1], days[0], grid, priced=end)
    seen += _fill(axes, grid, ahead, style.BLUE, "forecast ")
    # To the right of the last record the staircase goes on, unbroken, as long as it was watched.
    axes.step([*days, end], [*costs, costs[-1]], where="post", color=style.BLACK, lw=0.9)
    axes.plot(days, costs, "o", color=style.BLACK, ms=2.2, label="records", gid="records")
    ticks.log_axis(axes.yaxis, min(seen) / 1.5, max(seen) * 1.5, "OOM USD", 5)
    ticks.date_axis(axes.xaxis, days[0] - (last - days[0]) / 40, last, years)


def _paths_behind(run: Run, scenario: Scenario, axes: "Axes", rows: list[Row],
                  end: dt.date) -> list[float]:  # fmt: skip
    first = rows[0]
    grid = _grid(first["date"], end)
    draws = _paths(run, scenario, first["series"], usd(first), first["date"], grid)
    return _fill(axes, grid, draws, style.GREY, "predicted ")


def _trend_bands(run: Run, scenario: Scenario, axes: "Axes", rows: list[Row],
                 end: dt.date) -> list[float]:  # fmt: skip
    """What was predicted for each record, for as long as it stood."""
    if "posterior_predictive" not in run.draws.children:
        return []
    # Records are in the order of the model: by series, then by date.
    series = run.draws["posterior"]["series"].values.tolist().index(rows[0]["series"])
    of = run.draws["constant_data"]["record_series"].values == series
    draws = shapes.flat(run.draws["posterior_predictive"]["record_oom_usd"])[:, of]
    days = [row["date"] for row in rows]
    return _fill(axes, [*days, end], draws[:, [*range(len(days)), -1]], style.GREY, "predicted ",
                 step="post")  # fmt: skip


def _paths(
    run: Run,
    scenario: Scenario,
    series: str,
    cost: float,
    debut: dt.date,
    grid: list[dt.date],
    priced: dt.date | None = None,
) -> np.ndarray:
    """The cost of a task of this series that cost so much when priced; (draw, date), OOM USD."""
    task = Task(cost_usd=cost, debut=debut, priced=priced, resembles=series, kind="benchmark")
    draws = run.draws["posterior"].dataset.drop_vars(SAMPLE)
    # A path is drawn up to the horizon, and no further day is shown.
    near = scenario.forecast.model_copy(update={"horizon": grid[-1] + dt.timedelta(days=1)})
    scenario = replace(scenario, forecast=near)
    way = path(scenario, draws, run.seed, f"figure, {series}, {priced}", task)
    ages = [max(decimal_year(day) - way.decline.debut, 0.0) for day in grid]
    return np.stack([shapes.flat(way.cost(age)) for age in ages], axis=1)


def _fill(axes: "Axes", days: list, draws: np.ndarray, colour: str, name: str,
          step: str | None = None) -> list[float]:  # fmt: skip
    """Bands of costs; what the axis has to hold of them."""
    found = [b._replace(low=ticks.powered(b.low), high=ticks.powered(b.high))
             for b in shapes.bands(draws, MASSES)]  # fmt: skip
    shapes.fill_bands(axes, days, found, colour, name, step)
    return [*found[0].low, *found[0].high]


def _grid(first: dt.date, last: dt.date) -> list[dt.date]:
    steps = np.linspace(0, (last - first).days, GRID).round().astype(int)
    return [first + dt.timedelta(days=n) for n in sorted({*steps.tolist()})]


def _title(rows: list[Row]) -> str:
    return style.plain(rows[0]["series"], 28)


def _series(run: Run, names: Sequence[str] | None) -> tuple[Scenario, dict[str, list[Row]]]:
    """The scenario and the records asked for, by series and date."""
    if "parents" in run.record:
        rule, fix = "is an average of runs", "ask one of its parents"
        raise BadInput([Fault(run.id, "run", rule, fix)])
    scenario = scenario_of(run.path)
    rows = sorted(scenario.evidence.rows("cost_records"), key=lambda r: (r["series"], r["date"]))
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["series"], []).append(row)
    if not found:
        rule, fix = "is not conditional on records of costs", "ask a run that has such evidence"
        raise BadInput([Fault(run.id, "records", rule, fix)])
    if unknown := [name for name in names or () if name not in found]:
        rule = "has no records in it"
        raise BadInput([Fault(run.id, f"series {n!r}", rule, nearest(n, found)) for n in unknown])
    return scenario, {name: found[name] for name in names or found}
