"""What people read in a terminal: checks, headline quantities, beliefs, evidence, runs.

Plain lines as wide as the terminal. Where they do not fit, labels are cut and never numbers.
"""

import math
import os
import re
import shutil
import sys
import textwrap
from itertools import groupby
from typing import Any

import click

from simulator.faults import plain
from simulator.labels import heading, headline, label
from simulator.quantities import OUTPUTS
from simulator.run import Run
from simulator.scenario import Scenario
from simulator.units import error, show, significant

type Row = dict[str, Any]

PIPE = 120  # columns where there is no terminal
MIDDLE, WIDE = 100, 130  # columns from which on the prior, then the quarters, are shown too
ENDS = ("q05", "q50", "q95")
STYLE = re.compile(r"(\x1b\[(?:[012]|[39][0-7])m)")


def print_run(run: Run, everything: bool = False) -> None:
    """Checks first, then the headline quantities (or every row), then where the run lies."""
    print_checks(run)
    rows = [row for row in run.rows if row["quantity"] in OUTPUTS]
    say()
    print_quantiles(rows if everything else list(headline(rows)))
    click.echo(f"\n{run.path}")


def print_checks(run: Run) -> None:
    """One line when all is well; when not, every failure, before anything else is said."""
    failed = {name: check for name, check in run.checks.items() if not check.passed}
    made = run.record.get("reweighted")
    title = f"{run.scenario}, seed {run.seed}"
    title += f", reweighted from {made['parent']['id']}: " if made else ": "
    if not failed:
        say(title + style(f"all {len(run.checks)} checks passed", fg="green"))
        say(style(_worst(run), dim=True))
    else:
        said = (
            f"FAILED {len(failed)} of {len(run.checks)} checks. Do not rely on the numbers below."
        )
        say(title + style(said, fg="red", bold=True))
    for name, check in failed.items():
        where = f" in {check.worst}" if check.worst else ""
        say(f"  {style(name, fg='red')}: {significant(check.value, 4)}{where}")
    _print_attempts(run)
    _print_reweighted(made)


def _print_reweighted(made: Row | None) -> None:
    """What was changed after sampling, and what it cost in draws."""
    if made is None:
        return
    said = f"changed: {', '.join(made['changes']) or 'nothing'}; Pareto k "
    k = made["pareto_k"]
    said += "none" if k is None else f"{k:.2f} of at most {made['pareto_k_threshold']:.2f}"
    say(style(f"{said}, weights worth {significant(made['effective_size'], 2)} draws", dim=True))


def _worst(run: Run) -> str:
    value = {name: check.value for name, check in run.checks.items()}
    if math.isnan(value["r_hat_at_most_1_01"]):
        return "the scenario fixes every quantity"
    said = f"R-hat at most {value['r_hat_at_most_1_01']:.3f}, ESS at least "
    said += significant(min(value["ess_bulk_at_least_400"], value["ess_tail_at_least_400"]), 2)
    if "no_divergences" in value:
        said += f", {value['no_divergences']:.0f} divergences"
    return said


def _print_attempts(run: Run) -> None:
    """What it took to sample it, if more than the settings say."""
    nuts = run.record["nuts"] or {}
    if earlier := nuts.get("earlier_attempts"):
        number = "third" if ";" in earlier else "second"
        how = "longer, in smaller steps" if "kept_every" in nuts else "in smaller steps"
        say(style(f"{number} attempt, {how}, after {earlier}", dim=True))


# --- headline quantities --------------------------------------------------------------------------


def print_quantiles(rows: list[Row]) -> None:
    """Rows of a summary under their quantity, in the units that people use.

    Narrow terminals see the median between 5% and 95%, wider ones the prior too, then the quarters.
    """
    shown = ("q05", "q25", "q50", "q75", "q95") if width() >= WIDE else ENDS
    with_prior = width() >= MIDDLE and any(row["prior"] for row in rows)
    header = ["", *(f"{int(name[1:])}%" for name in shown), "±"]
    body: list[list[str]] = []
    for title, group in groupby(rows, key=heading):
        body.append([title])
        for row in group:
            cells = [show(row[name], row["unit"]) for name in shown]
            prior = [_interval(row["prior"], row["unit"])] if with_prior else []
            body.append([f"  {label(row)}", *cells, _plus_minus(row), *prior])
    print_grid(header + ["before any evidence"] * with_prior, body)
    said = "5% of the probability lies below the 5% column, 5% above the 95% column."
    said += " ±: Monte Carlo standard error of the median (tails have more), or how likely there"
    said += " is no finite value."
    if with_prior:
        said += " Before any evidence: the same 5% to 95%."
    note(said)


def _interval(prior: Row | None, unit: str) -> str:
    return f"{show(prior['q05'], unit)} - {show(prior['q95'], unit)}" if prior else ""


def _plus_minus(row: Row) -> str:
    """How likely the quantity is to be infinite, or else the error of its median."""
    if row["prob_infinite"] > 0:
        return f"{show(None, row['unit'])} {_share(row)}"
    return error(row["mcse_q50"], row["unit"])


def _share(row: Row) -> str:
    """A probability no finer than the draws allow."""
    if not row["ess_bulk"]:
        return f"{100 * row['prob_infinite']:.0f}%"
    finest = 1 / row["ess_bulk"]
    if row["prob_infinite"] < finest:
        return f"<{significant(100 * finest, 1)}%"
    if row["prob_infinite"] > 1 - finest:
        return f">{100 * (1 - finest):.2f}%"
    return f"{significant(100 * row['prob_infinite'], 2)}%"


# --- beliefs, evidence, runs ----------------------------------------------------------------------


def print_beliefs(beliefs: list[Row]) -> None:
    """Beliefs of a run, prior beside posterior; in a wide terminal with more of the prior."""
    wide = width() >= MIDDLE
    before = ENDS if wide else (ENDS[0], ENDS[-1])
    names = [f"{int(q[1:])}%" for q in (*before, *ENDS)]
    names[0], names[len(before)] = f"prior {names[0]}", f"posterior {names[len(before)]}"
    body = [
        [
            row["quantity"],
            *(_plain(row["prior"][q]) for q in before),
            *(_plain(row["posterior"][q]) for q in ENDS),
            *([row["unit"]] if wide else []),
        ]
        for row in beliefs
    ]
    print_grid(["", *names, *(["unit"] if wide else [])], body)


def _plain(value: float | None) -> str:
    return significant(value, 3) if value is not None and math.isfinite(value) else "never"


def print_priors(scenario: Scenario) -> None:
    """Each belief with its quantiles, and under it its unit, family, source and reason."""
    columns = width()
    body = [[b.name, *map(_plain, b.quantiles().values())] for b in scenario.beliefs.values()]
    print_grid(["", "5%", "25%", "50%", "75%", "95%"], body)
    for belief in scenario.beliefs.values():
        say(f"\n{style(belief.name, bold=True)}: {belief.unit}, {belief.family}, {belief.source}")
        for text in (belief.meaning, belief.why):
            say(textwrap.fill(text, columns, initial_indent="  ", subsequent_indent="  "))
    for correlation in scenario.correlations:
        one, other = correlation.between
        say(f"\nrank correlation of {one} and {other}: {correlation.rank:g}")


def print_evidence(counts: list[Row]) -> None:
    """Observations by source, table, kind and benchmark, with their dates."""
    wide = width() >= MIDDLE
    names = ["source", "table", "kind", "benchmark"] if wide else ["source", "kind", "benchmark"]
    body = [
        [*(row[name] for name in names), str(row["count"]), row["first"], row["last"]]
        for row in counts
    ]
    print_grid([*names, "count", "first", "last"], body, texts=len(names))


def print_runs(runs: list[Run]) -> None:
    """Runs by name."""
    body = [[run.id, str(run.seed), run.status, run.created[:16].replace("T", " ")] for run in runs]
    print_grid(["run", "seed", "status", "created"], body)


# --- lines ----------------------------------------------------------------------------------------


def width() -> int:
    """Columns of the terminal; in a pipe, enough for most."""
    return shutil.get_terminal_size((PIPE, 24)).columns if sys.stdout.isatty() else PIPE


def style(text: str, **how: Any) -> str:
    """Text in a style, where the reader has not asked for none (NO_COLOR)."""
    return text if os.environ.get("NO_COLOR") else click.style(text, **how)


def say(line: str = "") -> None:
    """A line on stdout, without its style where that is not a terminal.

    Names and texts come from files of others: what a terminal would obey in them is written out.
    """
    parts = STYLE.split(line)  # every other one is a style of ours
    click.echo("".join(p if i % 2 else _harmless(p) for i, p in enumerate(parts)))


def _harmless(text: str) -> str:
    return "\n".join(map(plain, text.split("\n")))


def note(text: str) -> None:
    """How to read what stands above: dim, in lines as wide as the terminal."""
    for line in textwrap.wrap(text, width()):
        say(style(line, dim=True))


def print_grid(header: list[str], body: list[list[str]], texts: int = 1) -> None:
    """Aligned columns, the first `texts` of them words, which are cut where the line is too long.

    A row with a single cell is a heading.
    """
    full = [row for row in (header, *body) if len(row) > 1]
    sizes = [max(len(row[i]) for row in full) for i in range(len(header))]
    last = texts - 1  # the first words are names that people type, so the last give way
    while sum(sizes) + 2 * (len(sizes) - 1) > width() and sizes[last] > 8:
        sizes[last] -= 1
    say(style(_line(header, sizes, texts), dim=True))
    for row in body:
        say(style(row[0], bold=True) if len(row) == 1 else _line(row, sizes, texts))


def _line(cells: list[str], sizes: list[int], texts: int) -> str:
    words = [_cut(cell, size).ljust(size) for cell, size in zip(cells, sizes[:texts], strict=False)]
    rest = zip(cells[texts:], sizes[texts:], strict=True)
    return "  ".join([*words, *(cell.rjust(size) for cell, size in rest)]).rstrip()


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"
