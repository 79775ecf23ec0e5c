"""What sensitivity is asked of: outputs on a scale with a variance, beliefs, blocks of draws."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import ndtri
from scipy.stats import rankdata

from simulator.diagnostics import elements
from simulator.faults import BadInput, Fault, nearest
from simulator.labels import heading, headline, label
from simulator.quantities import BELIEFS, OUTPUTS, SLOPES
from simulator.run import Run
from simulator.streams import SAMPLE

BLOCKS = 20  # of draws in a row, at the least: as good as independent, which single draws are not

type Row = dict[str, Any]


class Given(NamedTuple):
    """Draws of a run, all flattened chain after chain.

    `rows` are the outputs asked for (their rows of the summary); `draws` their values (output,
    sample); `scaled` the same in OOM or as ranks (see `scale`), `scales` which; `beliefs` the
    values by name, each (sample,); `implied` those that follow from others; `block` (sample,).
    """

    rows: list[Row]
    draws: np.ndarray
    scaled: np.ndarray
    scales: list[str]
    beliefs: dict[str, np.ndarray]
    implied: frozenset[str]
    block: np.ndarray
    shape: tuple[int, int]


def given(run: Run, outputs: Sequence[str] = ()) -> Given:
    """The outputs asked for (all headline ones by default) and every belief that varies."""
    rows = asked(run, outputs)
    flat = {}
    for name in dict.fromkeys(row["quantity"] for row in rows):
        every = [row for row in run.rows if row["quantity"] == name]
        for row, draws in zip(every, elements(run.forecast[name]).values(), strict=True):
            flat[id(row)] = draws.ravel()
    kept = [row for row in rows if np.ptp(rankdata(flat[id(row)])) > 0]
    if not kept:
        what = ", ".join(outputs) or "every headline output"
        rule, fix = "has the same value at every draw", "ask for one that varies"
        raise BadInput([Fault(run.id, what, rule, fix)])
    draws = np.array([flat[id(row)] for row in kept])
    both = [scale(one, row["unit"]) for one, row in zip(draws, kept, strict=True)]
    posterior = group(run, "posterior", [*BELIEFS])
    beliefs = {
        name: one.transpose(*SAMPLE).values.ravel()
        for name, one in posterior.items()
        if one.dims and np.ptp(rankdata(one.values.ravel())) > 0
    }
    stated = {row["quantity"] for row in run.beliefs} or {*beliefs}
    shape = tuple(posterior.sizes[dim] for dim in SAMPLE)
    implied = frozenset(name for name in SLOPES if name in beliefs and name not in stated)
    scaled, scales = np.array([one for one, _ in both]), [name for _, name in both]
    return Given(kept, draws, scaled, scales, beliefs, implied, blocks(*shape), shape)


def asked(run: Run, outputs: Sequence[str]) -> list[Row]:
    """Rows of a summary by words of the quantity's name, or of a heading and label."""
    rows = [row for row in run.rows if row["quantity"] in OUTPUTS]
    first = list(headline(rows))
    if not outputs:
        return first
    found: dict[int, Row] = {}
    faults = []
    for words in outputs:
        own = [row for row in first if _called(row, words)]
        own = own or [row for row in rows if _called(row, words)]
        found |= {id(row): row for row in own}
        if not own:
            known = {row["quantity"] for row in rows} | {title(row) for row in first}
            faults.append(
                Fault("--output", words, "is no output of this run", nearest(words, known))
            )
    if faults:
        raise BadInput(faults)
    return [row for row in rows if id(row) in found]


def _called(row: Row, words: str) -> bool:
    return any(words.casefold() in said.casefold() for said in (row["quantity"], title(row)))


def title(row: Row) -> str:
    """What a row is called where its heading does not stand above it."""
    return f"{heading(row)}, {label(row)}"


def scale(draws: np.ndarray, unit: str) -> tuple[np.ndarray, str]:
    """Draws on a scale with a variance, and its name: "OOM", or "rank" where that has none.

    Orders of magnitude as they are, factors by their logarithm. Where a draw is infinite, and for
    years, which often are: ranks between 0 and 1, in which infinite draws tie above all others.
    """
    if np.isfinite(draws).all():
        if unit.startswith("OOM"):
            return draws, "OOM"
        if unit.startswith("x") and (draws > 0).all():
            return np.log10(draws), "OOM"
    return (rankdata(draws) - 0.5) / draws.size, "rank"


def scores(draws: np.ndarray) -> np.ndarray:
    """Normal scores of ranks; shape (sample,)."""
    return ndtri((rankdata(draws) - 3 / 8) / (draws.size + 1 / 4))


def blocks(chains: int, draws: int) -> np.ndarray:
    """The block of each draw; blocks are as long as one another, to a draw, and within a chain."""
    each = min(-(-BLOCKS // chains), draws)
    own = np.arange(draws) * each // draws
    return (np.arange(chains)[:, None] * each + own).ravel()


def group(run: Run, name: str, variables: Sequence[str] | None = None) -> xr.Dataset:
    """A group of the draws, or its variables of these names; empty if there is none."""
    found = run.draws[name].dataset if name in run.draws.children else xr.Dataset()
    return found if variables is None else found[[v for v in variables if v in found]]
