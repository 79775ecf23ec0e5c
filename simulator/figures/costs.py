"""The fan: what a task will cost by date, in the draws of a run."""

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from simulator.dates import decimal_year
from simulator.evidence import usd
from simulator.faults import BadInput, Fault, nearest
from simulator.figures import provenance, shapes, style, ticks
from simulator.figures.provenance import conditions, scenario_of
from simulator.forecast.effects import per_date
from simulator.questions import answer
from simulator.run import Run
from simulator.scenario import Scenario
from simulator.streams import SAMPLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BETWEEN = 48  # days of a fan between the first and the last


def costs_by_date(run: Run, task: str, dates: Sequence[dt.date]) -> xr.DataArray:
    """The cost of a task of the run at any dates, in OOM USD: dims chain, draw, date.

    From the run's own draws and streams, so that at its own dates it is the stored forecast.
    Infinite before the debut. Raises BadInput for a task or a date that the run cannot know.
    """
    scenario = _scenario(run, task)
    if late := [day for day in dates if day > scenario.forecast.horizon]:
        rule = f"{max(late)} is past the horizon, {scenario.forecast.horizon}"
        raise BadInput([Fault(run.id, "dates", rule, "ask for earlier ones")])
    way = answer.posterior(run).way(task)
    ages = [decimal_year(day) - way.decline.debut for day in dates]
    never = xr.full_like(way.start, np.inf)
    return per_date("date", list(dates), [way.cost(age) if age >= 0 else never for age in ages])


def fan(
    run: Run,
    task: str,
    *,
    human_cost_usd: float | None = None,
    until: dt.date | None = None,
    axes: "Axes | None" = None,
    width: float = style.PAGE,
) -> "Axes":
    """The cost of a task by date: 50%, 80% and 90% of the probability, median, and past records.

    US dollars on a log axis, from the debut to `until` (the last date of the run's forecast).
    `human_cost_usd` is what a human takes for the same, by default what the scenario says. Records
    are those of the series that the task resembles. Raises BadInput for a task that the
    run does not have, or a bad cost or date.
    """
    found = _fan(run, task, until)
    human_cost_usd = _human(run, task) if human_cost_usd is None else human_cost_usd
    if human_cost_usd is not None and not 0 < human_cost_usd < float("inf"):
        rule = "must be above 0 dollars"
        raise BadInput([Fault("human_cost_usd", str(human_cost_usd), rule, "as in 180")])
    records = _records(run, task)
    with style.canvas(axes, [run], width, min(0.62 * width, 3.2)) as axes:
        days = found["date"].values
        draws = shapes.flat(found)
        bands = shapes.bands(draws)
        usd_bands = [b._replace(low=ticks.powered(b.low), high=ticks.powered(b.high))
                     for b in bands]  # fmt: skip
        shapes.fill_bands(axes, days, usd_bands, style.BLUE)
        median = ticks.powered(shapes.quantile(draws, 0.5))
        axes.plot(days, median, color=style.BLUE, label="median", gid="median")
        seen = [x for b in bands for end in (b.low, b.high) for x in 10 ** end[np.isfinite(end)]]
        if never := np.isinf(draws).mean(axis=0).max():
            axes.plot([], [], " ", label=f"no such task yet {style.share(never)}")
        if records:
            _draw_records(axes, records, days[-1])
            seen += [cost for _, cost in records]
        if human_cost_usd is not None:
            label = f"a human: {ticks.reading(human_cost_usd, 'OOM USD')}"
            axes.axhline(
                human_cost_usd, color=style.GREEN, ls=(0, (5, 2)), label=label, gid="human"
            )
            seen.append(human_cost_usd)
        # An average has several.
        today = run.spec["forecast"]["today"] if "parents" not in run.record else None
        if today and days[0] < np.datetime64(today) < days[-1]:
            axes.axvline(
                np.datetime64(today), color=style.GREY, lw=0.6, ls=":", label="date of the forecast"
            )
        ticks.log_axis(axes.yaxis, min(seen) / 1.6, max(seen) * 1.6, "OOM USD")
        first = np.datetime64(records[0][0]) if records else days[0]
        most = 5 if style.narrow(axes.get_figure(root=True)) else 9
        ticks.date_axis(axes.xaxis, min(first, days[0]), days[-1], most)
        provenance.titled(axes, [run], f"Cost of: {style.plain(task)}")
        axes.set_ylabel("US dollars for one task")
        # Costs fall, so that corner is free.
        axes.legend(loc="lower left", ncols=1 if style.narrow(axes.get_figure(root=True)) else 2)
    return axes


def fan_caption(
    run: Run, task: str, *, human_cost_usd: float | None = None, until: dt.date | None = None
) -> str:
    """What the fan shows, under which conditions."""
    found = _fan(run, task, until)
    human_cost_usd = _human(run, task) if human_cost_usd is None else human_cost_usd
    last = str(found["date"].values[-1])[:10]
    ends = shapes.quantile(shapes.flat(found)[:, -1], (0.05, 0.5, 0.95))
    low, middle, high = (shapes.said(oom, "OOM USD") for oom in ends)
    said = f"Cost of: {style.plain(task)}, US dollars. Bands hold 50%, 80% and 90% of the"
    said += " probability, with equal parts outside on either side; the line is the median."
    said += f" On {last}: {middle}, 90% between {low} and {high}."
    if _records(run, task):
        said += f" Dots are the records of {_resembles(run, task)} on which it is conditional."
    if human_cost_usd is not None:
        said += f" A human takes {ticks.reading(human_cost_usd, 'OOM USD')} for the same."
    return f"{said} {conditions(run)}"


# --- what it is made of ---------------------------------------------------------------------------


@lru_cache(maxsize=1)  # a caption asks for what its figure has just drawn
def _fan(run: Run, task: str, until: dt.date | None) -> xr.DataArray:
    """Costs on the days of the fan; of an average of runs, those that it stored."""
    known = _known(run, task)
    if "parents" in run.record:
        return known.isel(date=np.isfinite(known).any(SAMPLE).values)
    scenario = _scenario(run, task)
    stored = [day.astype("datetime64[D]").item() for day in known["date"].values]
    about = scenario.tasks[task]
    first = about.priced or about.debut  # until then there are records, not forecasts
    last = until or (stored[-1] if stored[-1] > first else scenario.forecast.horizon)
    if last <= first:
        rule = f"{last} is not after {first}, from which on the task has a cost"
        raise BadInput([Fault(run.id, "until", rule, "ask for a later day")])
    steps = np.linspace(0, (last - first).days, BETWEEN).round().astype(int).tolist()
    grid = {first + dt.timedelta(days=n) for n in steps}
    return costs_by_date(run, task, sorted(grid | {d for d in stored if first <= d <= last}))


def _known(run: Run, task: str) -> xr.DataArray:
    costs = run.forecast.get("task_cost_oom_usd")
    known = [] if costs is None else costs["task"].values.tolist()
    if task not in known:
        raise BadInput([Fault(run.id, "task", f"{task!r} is not one of it", nearest(task, known))])
    return costs.sel(task=task)


def _scenario(run: Run, task: str) -> Scenario:
    if "parents" in run.record:
        rule, fix = "is an average of runs, with the dates that it stored", "ask one of its parents"
        raise BadInput([Fault(run.id, "run", rule, fix)])
    _known(run, task)
    return scenario_of(run.path)


def _human(run: Run, task: str) -> float | None:
    return None if "parents" in run.record else run.spec["task"][task].get("human_cost_usd")


def _resembles(run: Run, task: str) -> str:
    return run.spec["task"][task]["resembles"] if "parents" not in run.record else ""


def _records(run: Run, task: str) -> list[tuple[dt.date, float]]:
    """Dates and costs of the records of the series that a task resembles."""
    if "parents" in run.record:
        return []
    series = _resembles(run, task)
    rows = scenario_of(run.path).evidence.rows("cost_records")
    return sorted((row["date"], usd(row)) for row in rows if row["series"] == series)


def _draw_records(axes: "Axes", records: list[tuple[dt.date, float]], end: np.datetime64) -> None:
    days = [np.datetime64(day) for day, _ in records]
    costs = [cost for _, cost in records]
    axes.step(days, costs, where="post", color=style.BLACK, lw=0.8)
    axes.plot(days, costs, "o", color=style.BLACK, ms=2.5, label="records", gid="records")
