"""What people read of several runs at once: comparisons, and the parts of an average."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from simulator.compare import Comparison
from simulator.labels import heading, headline, label
from simulator.run import Run
from simulator.tables import note, print_grid, say, style, width
from simulator.units import show, significant

type Row = dict[str, Any]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LABEL, GAP = 28, 2  # columns that a label should keep, and between cells


def print_comparison(found: Comparison) -> None:
    """The runs by letter, how they predict the shared evidence, and what they answer."""
    letters = dict(zip((run["id"] for run in found.runs), _letters(), strict=False))
    _print_runs(found.runs, letters)
    if found.loo:
        say()
        _print_predictions(found.loo, letters)
    say()
    _print_answers(found.headline, letters)


def _letters() -> Iterator[str]:
    yield from LETTERS
    yield from (one + other for one in LETTERS for other in LETTERS)


def _print_runs(runs: list[Row], letters: dict[str, str]) -> None:
    body = [
        [f"{letters[run['id']]}  {run['id']}", run["structure"], f"seed {run['seed']}"]
        for run in runs
    ]
    print_grid(["run", "structure", ""], body, texts=2)
    failed = [letters[run["id"]] for run in runs if run["status"] != "passed"]
    if failed:
        said = f"FAILED checks: {', '.join(failed)}. Do not rely on what is said of them below."
        say(style(said, fg="red", bold=True))


# --- predictions ----------------------------------------------------------------------------------


def _print_predictions(loo: Row, letters: dict[str, str]) -> None:
    verdict = loo["verdict"]
    for name, letter in letters.items():
        verdict = verdict.replace(name, letter)
    say(style("Prediction of the shared evidence, each observation left out in turn", bold=True))
    header = ["", "elpd", "difference", "± se", "weight", "largest k", ""]
    body = [
        [
            letters[row["run"]],
            f"{row['elpd']:.1f}",
            f"{row['elpd_diff']:.1f}",
            f"{row['se_diff']:.1f}",
            f"{row['weight']:.2f}",
            f"{row['largest_k']:.2f}",
            row["preference"],
        ]
        for row in loo["table"]
    ]
    print_grid(header, body)
    say(f"{style(verdict, bold=True)}, by {loo['observations']} observations")
    notes = ["elpd: sum of leave-one-out log densities (PSIS), higher is better. No preference: a "
             "difference under 4 or under two standard errors. Weight: by stacking; where there is "
             "no preference, it says as little as the difference does."]  # fmt: skip
    if loo["observations"] < 100:
        notes += ["With fewer than 100 observations the standard errors are too small."]
    notes += [f"Not compared: {row['variable']} ({row['reason']})." for row in loo["not_shared"]]
    if loo["reference"]:
        named = ", ".join(f"{row['variable']} {row['observation']}" for row in loo["reference"])
        notes += [f"Not left out, as others are measured from it: {named}."]
    if loo["left_out"]:
        named = ", ".join(f"{row['variable']} {row['observation']}" for row in loo["left_out"])
        notes += [f"LEFT OUT of all runs for a Pareto k above {loo['good_k']:.2f}: {named}."]
    for text in notes:
        note(text)


# --- answers --------------------------------------------------------------------------------------


def _print_answers(rows: list[Row], letters: dict[str, str]) -> None:
    """A column per run: median, and under it the 5% and 95% quantiles where they do not fit."""
    if not rows:
        say("The runs have no headline quantity in common.")
        return
    names = list(letters)
    cells = {name: [_cell(row["runs"][name], row["unit"]) for row in rows] for name in names}
    longest = max(len(f"{m} {i}") for column in cells.values() for m, i in column)
    split = LABEL + len(names) * (longest + GAP) > width()
    if split:
        longest = max(max(len(m), len(i)) for column in cells.values() for m, i in column)
    fit = max((width() - LABEL) // (longest + GAP), 1)
    for start in range(0, len(names), fit):
        if start:
            say()
        _print_block(rows, names[start : start + fit], cells, letters, split)
    note("Median [5%, 95%]; never: not within the horizon.")


def _print_block(
    rows: list[Row],
    names: list[str],
    cells: dict[str, list[tuple[str, str]]],
    letters: dict[str, str],
    split: bool,
) -> None:
    body: list[list[str]] = []
    for title, group in groupby(range(len(rows)), key=lambda i: heading(rows[i])):
        body.append([title])
        for i in group:
            found = [cells[name][i] for name in names]
            if split:
                body.append([f"  {label(rows[i])}", *(median for median, _ in found)])
                body.append(["", *(interval for _, interval in found)])
            else:
                body.append([f"  {label(rows[i])}", *(f"{m} {i}" for m, i in found)])
    print_grid(["", *(letters[name] for name in names)], body)


def _cell(row: Row, unit: str) -> tuple[str, str]:
    low, median, high = (show(row[q], unit).strip() for q in ("q05", "q50", "q95"))
    return median, f"[{low}, {high}]"


# --- averages -------------------------------------------------------------------------------------


def print_average(run: Run, everything: bool = False) -> None:
    """What an average is made of, and how much of its spread its parents' differences make."""
    parents = run.record["parents"]
    say("\n" + style("An average of", bold=True))
    body = [[one["id"], one["structure"], f"{one['weight']:.3g}", one["status"]] for one in parents]
    print_grid(["run", "structure", "weight", "status"], body, texts=2)
    if run.record["left_out"]:
        count = len(run.record["left_out"])
        note(f"Left out, not the same in all: {count} variables or groups; record.json has them.")
    say("\n" + style("Share of the spread", bold=True))
    found = run.to_json()["shares"]
    rows = [row for row in run.rows if any(_same(row, one) for one in found)]
    kept = rows if everything else list(headline(rows))
    body = []
    for title, group in groupby(kept, key=heading):
        body.append([title])
        for row in group:
            share = next(one for one in found if _same(row, one))
            body.append([f"  {label(row)}", *map(_percent, _parts(share))])
    print_grid(["", "structure", "scenario", "prior", "evidence"], body)
    note("Of the spread of ranks (draws can be infinite): between structures, between scenarios "
         "of one structure, and within a run what follows beliefs that no observation moved "
         "(prior) and what the evidence leaves open, with chance. Two structures of equal weight "
         "without a value in common reach 75%.")  # fmt: skip


def _parts(share: Row) -> list[float | None]:
    prior, within = share["prior"], share["within"]
    evidence = None if prior is None else within - prior
    return [share["structure"], share["scenario"], prior, evidence]


def _same(one: Row, other: Row) -> bool:
    return one["quantity"] == other["quantity"] and one["coords"] == other["coords"]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{significant(100 * share, 2)}%" if share >= 5e-4 else "0%"
