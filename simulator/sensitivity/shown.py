"""What moves the answer, as people read it in a terminal: one line per output, or all about one."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from simulator import tables
from simulator.run import Run
from simulator.sensitivity import Sensitivity
from simulator.sensitivity.learning import AROUND
from simulator.units import error, show, significant

SMALL = 0.01  # shares below which a belief is not listed

type Row = dict[str, Any]


def print_sensitivity(run: Run, found: Sensitivity, detailed: bool) -> None:
    """Checks first, then a line per output; each output on its own too if asked for by name."""
    tables.print_checks(run)
    tables.say()
    _print_lines(found.outputs)
    if detailed:
        for output in found.outputs:
            _print_output(output, found.sources)
    _print_failed(run, found)


def _print_lines(outputs: list[Row]) -> None:
    wide = tables.width() >= tables.MIDDLE
    header = ["", "rests on", "goes most with", "share"]
    header += ["±", "learnt", "source"] if wide else []
    body: list[list[str]] = []
    for title, rows in groupby(outputs, key=lambda row: row["heading"]):
        body.append([title])
        body += [_line(row, wide) for row in rows]
    header, *body = _left([header, *body], (1, 2, 6))
    tables.print_grid(header, body)
    said = "Rests on: by power-scaling, whether doubling the weight of all your beliefs, or of all"
    said += " data, would move it. Goes most with: the belief that carries the largest share of its"
    said += " spread (in orders of magnitude, or ranks where some draws are infinite);"
    said += " shares of beliefs that depend on one another overlap."
    if wide:
        said += " Learnt: by how much its 90% interval shrinks on average if that belief were known"
        said += " exactly. Source: the one whose doubling would move it most, where that is clear."
    said += " Too noisy to tell: an effect could hide in Monte Carlo noise, which more draws lower."
    said += " What no belief carries is chance, or particular to a task, a benchmark or a curve."
    tables.note(said + " All about one output: --output WORDS.")


def _line(row: Row, wide: bool) -> list[str]:
    first = next(iter(row["beliefs"]), None)
    named = first is not None and first["first"] >= SMALL
    cells = [f"  {row['label']}", row["diagnosis"]]
    cells += [first["belief"], _share(first["first"])] if named else ["", ""]
    if wide:
        cells += [_points(first["first_error"]), _share(-first["narrower"])] if named else ["", ""]
        cells.append(_clearest(row))
    return cells


def _clearest(row: Row) -> str:
    clear = [one for one in row["sources"] if one["power"]["sensitive"]]
    return max(clear, key=lambda one: one["power"]["sensitivity"])["source"] if clear else ""


def _left(body: list[list[str]], columns: tuple[int, ...]) -> list[list[str]]:
    """Words as wide as their column, which stand left then."""
    full = [row for row in body if len(row) > 1]
    for i in columns:
        size = max((len(row[i]) for row in full if i < len(row)), default=0)
        for row in full:
            if i < len(row):
                row[i] = row[i].ljust(size)
    return body


# --- one output -----------------------------------------------------------------------------------


def _print_output(row: Row, sources: list[Row]) -> None:
    unit = row["unit"]
    tables.say("\n" + tables.style(f"{row['heading']}, {row['label']}", bold=True))
    tables.say(f"{show(row['q50'], unit)} [{show(row['q05'], unit)}, {show(row['q95'], unit)}]")
    tables.say(f"{row['diagnosis']}{_reason(row)}")
    together = row["together"]["share"]
    if together is not None:
        share, more = _share(together), _points(row["together"]["share_error"])
        tables.say(f"all beliefs together: {share} {more} of its spread")
    tables.say()
    _print_beliefs(row)
    if sources:
        tables.say()
        _print_sources(row, sources)


def _reason(row: Row) -> str:
    parts = [
        f"{name} {row[key]['sensitivity']:.2f} (noise {row[key]['noise']:.2f})"
        for key, name in (("prior", "beliefs"), ("data", "data"))
        if row[key]
    ]
    return f": {', '.join(parts)}" if parts else ""


def _print_beliefs(row: Row) -> None:
    wide = tables.width() >= tables.MIDDLE
    unit = row["unit"]
    kept = [one for one in row["beliefs"] if _matters(one)]
    header = ["", "rank r", "share", "alone", "learnt", "if low", "if high"]
    header += ["power"] if wide else []
    body = []
    for one in kept:
        cells = [one["belief"], f"{one['rank_correlation']:.2f}", _with(one, "first", wide)]
        cells += [_with(one, "total", wide), _with(one, "narrower", wide, -1)]
        cells += [show(one["low"], unit), show(one["high"], unit)]
        body.append(cells + ([_power(one["power"])] if wide else []))
    tables.print_grid(header, body)
    said = f"{len(row['beliefs']) - len(kept)} further beliefs carry under 1% each. Share: of its"
    said += " spread that goes with the belief. Alone: what no other belief tells as well."
    said += " Learnt: change of the 90% interval if it were known. If low, if high: the median"
    said += (
        f" where the belief is at its 5% and 95% quantile (give or take {100 * AROUND:g} points)."
    )
    tables.note(said)


def _matters(one: Row) -> bool:
    sensitive = one["power"] is not None and one["power"]["sensitive"]
    return max(one["first"], one["total"] or 0.0) >= SMALL or sensitive


def _print_sources(row: Row, sources: list[Row]) -> None:
    unit = row["unit"]
    rows = {one["source"]: one for one in sources}
    body = []
    for one in sorted(row["sources"], key=_importance(row["sources"])):
        about = rows[one["source"]]
        k = about["pareto_k"]
        figures = ["weights fail", "", ""]
        if one["by"]:
            low, high = show(one["q05"], unit), show(one["q95"], unit)
            figures = [show(one["q50"], unit), error(one["shift_error"], unit), f"{low} - {high}"]
        cells = [one["source"], str(about["rows"]), _power(one["power"])]
        body.append([*cells, "" if k is None else f"{k:.2f}", *figures])
    header = ["without", "rows", "power", "k", "median", "±", "5% - 95%"]
    if tables.width() < tables.MIDDLE:
        header, body = header[:-1], [cells[:-1] for cells in body]
    tables.print_grid(header, body)
    said = (
        "Power: how far its doubling would move the answer, in brackets too little to matter or to"
    )
    said += " tell from noise."
    said += " k: Pareto k of the weights that leave the source out. ±: Monte Carlo error of the"
    tables.note(said + " shift of the median.")


def _importance(sources: list[Row]) -> Callable[[Row], float]:
    """By how far the answer moves without it where that is known of all, else by power."""
    if all(one["by"] for one in sources):
        return lambda one: -abs(one["moved"])
    return lambda one: -one["power"]["sensitivity"]


def _print_failed(run: Run, found: Sensitivity) -> None:
    """Which sources only a refit leaves out, and how to get that."""
    for one in found.sources:
        if one["refit_status"] == "failed":
            tables.say(f"\nThe run without {one['source']} FAILED its checks: {one['refitted']}")
    failed = [one for one in found.sources if one["refit"] and not one["refitted"]]
    if not failed:
        return
    names = ", ".join(one["source"] for one in failed)
    many = "these sources" if len(failed) > 1 else "this source"
    tables.say(f"\nDraws do not say what the answer is without {many}: {names}.")
    tables.say(f"Sample them anew: simulator sensitivity {run.path} --refit")
    largest = _largest(found, {one["source"] for one in failed})
    one = next(one for one in failed if one["source"] == largest)
    tables.say(f"Or one, as {largest}: {one['refit']}")


def _largest(found: Sensitivity, among: set[str]) -> str:
    powers = {
        one["source"]: one["power"]["sensitivity"]
        for one in found.outputs[0]["sources"]
        if one["source"] in among
    }
    return max(powers, key=powers.__getitem__)


# --- figures --------------------------------------------------------------------------------------


def _share(share: float) -> str:
    """A share in whole percent; what is below half a percent is nothing."""
    return f"{100 * share:.0f}%".replace("-0%", "0%")


def _points(error: float) -> str:
    return f"±{significant(100 * error, 1)}"


def _with(one: Row, name: str, wide: bool, sign: int = 1) -> str:
    if one[name] is None:
        return ""
    share = _share(sign * one[name])
    return f"{share} {_points(one[f'{name}_error'])}" if wide else share


def _power(of: Row | None) -> str:
    if of is None:
        return ""
    said = f"{of['sensitivity']:.2f}"
    return said if of["sensitive"] else f"({said})"
