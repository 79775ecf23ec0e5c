"""The burden by date: how often a capability must be used before RL once is cheaper."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from simulator.faults import BadInput, Fault
from simulator.figures import provenance, shapes, style, ticks
from simulator.figures.provenance import conditions
from simulator.labels import RECIPES, usual_factor
from simulator.run import Run
from simulator.schema import Forecast

if TYPE_CHECKING:
    from matplotlib.axes import Axes

APART = np.timedelta64(50, "D")  # between the bars of one date
ENDS = 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95  # quantiles that the axis has to hold
THICK = {90: 1.0, 80: 2.6, 50: 5.0}  # points, by mass


def burden(
    run: Run,
    *,
    inference_factor: float | None = None,
    axes: "Axes | None" = None,
    width: float = style.PAGE,
) -> "Axes":
    """Uses from which on RL once is cheaper, by date of the choice and RL recipe, on a log axis.

    Dots are medians; lines hold 50%, 80% and 90% of the probability, the thicker the less. Where no
    number of uses suffices, arrows, and its probability in the legend. Raises BadInput.
    """
    inference_factor, found = _uses(run, inference_factor)
    with style.canvas(axes, [run], width, min(0.6 * width + 0.4, 3.1)) as axes:
        dates = found["decision_date"].values
        draws = {a: shapes.flat(found.sel(algorithm=a)) for a in found["algorithm"].values.tolist()}
        ends = np.concatenate([shapes.quantile(d, ENDS).ravel() for d in draws.values()])
        finite = ends[np.isfinite(ends)] if np.isfinite(ends).any() else np.zeros(1)
        low, high = finite.min() - 0.4, finite.max() + 0.4
        for side, (algorithm, of) in zip((-1, 1), draws.items(), strict=True):
            _bars(axes, dates + side * APART // 2, of, algorithm, high)
        room = 0.3 * (high - low)  # for the legend
        ticks.log_axis(axes.yaxis, *ticks.powered([low, high + room]), "OOM uses", 6)
        ticks.date_axis(axes.xaxis, dates[0] - 5 * APART, dates[-1] + 5 * APART, 6)
        axes.set_ylabel("uses to break even")
        axes.set_xlabel("date of the choice")
        provenance.titled(axes, [run], _title(inference_factor))
        axes.legend(loc="upper right")
    return axes


def burden_caption(run: Run, *, inference_factor: float | None = None) -> str:
    """What the figure of the burden shows, under which conditions."""
    inference_factor, found = _uses(run, inference_factor)
    said = (
        f"{_title(inference_factor)}, by date of the choice: medians, and 50%, 80% and 90% of the"
    )
    said += " probability."
    if "parents" not in run.record:
        asked = Forecast.model_validate(run.spec["forecast"])
        spend, price = np.log10([asked.rl_spend_usd, asked.cost_per_use_usd])
        said += f" An RL run costs {shapes.said(spend, 'OOM USD')}, a use"
        said += f" {shapes.said(price, 'OOM USD')}."
    for algorithm in found["algorithm"].values.tolist():
        first = shapes.flat(found.sel(algorithm=algorithm))[:, 0]
        day = str(found["decision_date"].values[0])[:10]
        q = shapes.quantile(first, (0.05, 0.5, 0.95))
        low, middle, high = (shapes.said(x, "OOM uses") for x in q)
        said += f" On {day}, {RECIPES[algorithm]}: {middle} uses, 90% between {low} and {high}."
    return f"{said} {conditions(run)}"


def _bars(axes: "Axes", dates: np.ndarray, draws: np.ndarray, algorithm: str, high: float) -> None:
    colour, mark, _ = style.RECIPES[algorithm]
    never = np.isinf(draws).mean(axis=0)
    label = RECIPES[algorithm]
    if never.any():
        ends = dict.fromkeys(style.share(p) for p in (never.min(), never.max()))
        label += f" (never {' to '.join(ends)})"
    for band in shapes.bands(draws):
        axes.vlines(dates, ticks.powered(np.minimum(band.low, high)),
                    ticks.powered(np.minimum(band.high, high)), lw=THICK[band.mass],
                    color=style.tint(colour, style.MASSES[band.mass] + 0.2),
                    gid=f"band-{band.mass}-{algorithm}")  # fmt: skip
        endless = np.isinf(band.high)
        axes.plot(dates[endless], [10 ** min(high, 300)] * endless.sum(), "^", color=colour,
                  ms=4.5, mec="white", mew=0.4, gid="infinite")  # fmt: skip
    median = np.minimum(shapes.quantile(draws, 0.5), high)
    axes.plot(dates, ticks.powered(median), mark, color=colour, ms=3.5, mec="white", mew=0.5,
              label=label, gid=f"median-{algorithm}")  # fmt: skip


def _title(inference_factor: float) -> str:
    return f"Uses that make RL once cheaper than {inference_factor:,.15g}x inference at every use"


def _uses(run: Run, asked: float | None) -> tuple[float, xr.DataArray]:
    """The factor that is asked for, 100 or else the first, and its uses in OOM."""
    found = run.forecast["break_even_uses_oom"]
    known = found["inference_factor"].values.tolist()
    factor = usual_factor(known) if asked is None else asked
    if factor not in known:
        rule = f"{asked!r} is not among {', '.join(map(str, known))}"
        raise BadInput([Fault(run.id, "inference_factor", rule, "ask for one")])
    return factor, found.sel(inference_factor=factor)
