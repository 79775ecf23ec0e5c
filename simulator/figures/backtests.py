"""Coverage: whether intervals of past forecasts held what they said."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.faults import BadInput, Fault
from simulator.figures import style, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVELS = (50, 80, 90)  # percent, as the backtest scores them
LOOKS = ((style.BLUE, "o", "-"), (style.VERMILLION, "s", (0, (4, 1.5))),
         (style.GREEN, "^", (0, (1, 1))), (style.PURPLE, "D", "-."))  # fmt: skip
KINDS = {"cost": "costs on record", "slope": "slopes of new systems"}


def coverage(
    of: Any, *, kind: str = "cost", axes: "Axes | None" = None, width: float = style.PAGE
) -> "Axes":
    """Share of outcomes that central intervals held, against their mass; right is the diagonal.

    `of`: what `simulator.backtest.backtest` returns, its JSON, or several by name or in a list.
    Marks at 50%, 80% and 90% have bars of two standard errors, clustered by series or benchmark; a
    tied outcome counts in part. `kind`: cost, or slope. Raises BadInput where there is none.
    """
    found = _read(of, kind)
    with style.canvas(axes, [], width, min(0.85 * width, 3.2)) as axes:
        axes.plot([0, 1], [0, 1], color=style.GREY, lw=0.8, ls=":", label="as stated")
        for (name, rows, pooled), (colour, mark, line) in zip(found, LOOKS, strict=False):
            mass = np.linspace(0, 1, 101)
            held = [_held(rows, m) for m in mass]
            axes.plot(mass, held, color=colour, ls=line, lw=1, gid=f"curve-{name}")
            means = [pooled[f"covered_{level}"]["mean"] for level in LEVELS]
            errors = [pooled[f"covered_{level}"]["se"] or np.nan for level in LEVELS]
            bars = np.clip([np.array(means) - 2 * np.array(errors),
                            np.array(means) + 2 * np.array(errors)], 0, 1)  # fmt: skip
            known = ~np.isnan(errors)
            at = np.array(LEVELS) / 100
            axes.vlines(at[known], *bars[:, known], color=colour, lw=0.8)
            axes.plot(at, means, mark, color=colour, ms=4, gid=f"held-{name}",
                      label=f"{name} ({pooled['count']} outcomes)")  # fmt: skip
        for axis in (axes.xaxis, axes.yaxis):
            ticks.percent_axis(axis)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("stated: mass of a central interval")
        axes.set_ylabel("held: share of outcomes inside")
        axes.set_title(f"Backtest: {KINDS[kind]}")
        failed = [name for name, *_ in found if name in _failed(of)]
        if failed:
            axes.set_title(f"FAILED CHECKS in {', '.join(failed)}\nBacktest: {KINDS[kind]}",
                           color=style.VERMILLION)  # fmt: skip
        axes.legend(loc="upper left")
    return axes


def coverage_caption(of: Any, *, kind: str = "cost") -> str:
    """What the figure of coverage shows."""
    said = (
        f"Backtest of {KINDS[kind]}: share of outcomes inside central intervals of forecasts made"
    )
    said += " before, against the mass of the interval; bars are two standard errors, clustered by"
    said += f" {'series' if kind == 'cost' else 'benchmark'}. Below the diagonal intervals are too"
    said += " narrow, above it too wide."
    for name, _, pooled in _read(of, kind):
        held = ", ".join(
            f"{level}% held {100 * pooled[f'covered_{level}']['mean']:.0f}%" for level in LEVELS
        )
        said += f" {name}: {held} of {pooled['count']}."
    return said


def _held(rows: Sequence[Mapping[str, Any]], mass: float) -> float:
    """Mean share of the central interval that holds the outcome; of a tie, what share of it."""
    low, high = 0.5 - mass / 2, 0.5 + mass / 2
    shares = []
    for row in rows:
        first, last = row["pit_ends"]
        if last - first < 1e-12:
            shares.append(float(low <= first <= high))
        else:
            shares.append(max(0.0, min(high, last) - max(low, first)) / (last - first))
    return float(np.mean(shares))


def _read(of: Any, kind: str) -> list[tuple[str, list, Mapping[str, Any]]]:
    """Name, scores and the pooled row of each backtest."""
    if kind not in KINDS:
        raise BadInput([Fault("coverage", "kind", f"{kind!r} is unknown", "cost or slope")])
    found = []
    for name, one in _several(of).items():
        rows = [row for row in one["scores"] if row["kind"] == kind]
        pooled = [row for row in one["pooled"] if row["kind"] == kind and not row["by"]]
        if rows and pooled:
            found.append((name, rows, pooled[0]))
    if not found:
        fault = Fault("coverage", "kind", f"{kind!r} has no outcome here", "ask for the other")
        raise BadInput([fault])
    if len(found) > len(LOOKS):
        rule = f"{len(found)} are more than a figure can tell apart ({len(LOOKS)})"
        raise BadInput([Fault("coverage", "backtests", rule, "choose some")])
    return found


def _several(of: Any) -> dict[str, Mapping[str, Any]]:
    """Backtests as plain data, by name."""
    if isinstance(of, Mapping) and "structures" in of:
        return dict(of["structures"])
    if isinstance(of, Mapping) and "pooled" not in of:
        return {style.plain(name, 30): _plain(one) for name, one in of.items()}
    several = [of] if isinstance(of, Mapping) or hasattr(of, "pooled") else list(of)
    plain = [_plain(one) for one in several]
    scenarios = {one["scenario"] for one in plain}
    return {
        style.plain(", ".join([*([one["scenario"]] if len(scenarios) > 1 else []),
                               one["structure"]["cost"]]), 30): one
        for one in plain
    }  # fmt: skip


def _plain(one: Any) -> Mapping[str, Any]:
    return one if isinstance(one, Mapping) else one.to_json()


def _failed(of: Any) -> list[str]:
    return [
        name
        for name, one in _several(of).items()
        if any(fit["failed_checks"] for fit in one["fits"])
    ]
