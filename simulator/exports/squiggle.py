"""Squiggle: a script of draws under one index, as SampleSets, with fitted forms beside them.

A SampleSet with infinite samples gives NaN for quantiles and loses them when it is drawn, so draws
that are infinite at times stay a list, and what is a SampleSet is given that it is finite. Squiggle
combines the first samples of two sets pair by pair (1,000 of them where one is no SampleSet), so
draws are shuffled, all alike: any first part of them stands for all.
"""

import json
from collections.abc import Iterator, Sequence

import numpy as np

from simulator import streams
from simulator.exports import forms
from simulator.exports.item import Item, about, stamp
from simulator.exports.joint import described, probabilities, rows, values
from simulator.faults import BadInput, Fault

MOST, LEAST, ALL = 5_000, 1_000, 10_000  # draws of a forecast, and of a file: 2,000 take a second
FEWEST = 6  # samples in a SampleSet

FUNCTIONS = """\
// With infinite draws, which are larger than any number.
export chanceBelow(name, x) = List.length(List.filter(draws[name], {|d| d <= x})) / size
export quantileOf(name, p) = sort(draws[name])[max(0, ceil(p * size - 1e-9) - 1)]
"""

METALOG = """\
metalog(of) = {
  uniform = SampleSet.fromDist(Sym.uniform(0, 1))
  SampleSet.map(uniform, {|p| of(p - 0.5, log(p / (1 - p)))})
}
"""


def write(items: Sequence[Item]) -> str:
    """A script of definitions: concatenate a model of your own, or import it."""
    found = values(items)
    size = items[0].forecast.size
    if size < FEWEST:
        rule = f"has {size} draws, and a SampleSet needs {FEWEST}"
        raise BadInput(
            [Fault(item.question.id, "draws", rule, "use another format") for item in items]
        )
    at = chosen(size, len(items))
    drawn = [every.ravel()[at] for every in found]
    return "".join(_lines(items, drawn))


def chosen(size: int, forecasts: int) -> np.ndarray:
    """Which draws to write, evenly over all of them, in an order in which every part is fair."""
    most = min(size, max(LEAST, min(MOST, ALL // forecasts)))
    even = np.linspace(0, size - 1, most).round().astype(int)
    return streams.stream(0, "order of exported draws").permutation(even)


def _lines(items: Sequence[Item], drawn: Sequence[np.ndarray]) -> Iterator[str]:
    size = drawn[0].size
    thinned = size < items[0].forecast.size
    yield f"// {stamp(items)}\n"
    yield f"export about = {json.dumps(about(items))}\n\n"
    yield f"// {size:,} of {items[0].forecast.size:,} draws"
    yield ", taken evenly. " if thinned else ". "
    yield "The same place in each list is the same draw, so forecasts stay joint.\n"
    yield f"size = {size}\ninfinity = 1 / 0\nexport draws = {{\n"
    for item, found in zip(items, drawn, strict=True):
        yield f"  // {described(item)}\n"
        if thinned:
            yield f"  // {_loss(item, found)}\n"
        yield f'  "{item.name}": [\n{rows([_number(x) for x in found.tolist()], "    ")}\n  ],\n'
    yield "}\n\n" + FUNCTIONS
    yield "// In all draws: how likely it is infinite, and on the asked side of its threshold.\n"
    yield "export probInfinite = {\n"
    for item in items:
        yield f'  "{item.name}": {item.forecast.prob_infinite!r},\n'
    yield "}\nexport probability = {\n"
    asked = probabilities(items)
    for item in items:
        if said := asked.get(item.name):
            yield f'  "{item.name}": {said["probability"]!r},{_bound(said["relation"])}\n'
    yield "}\n"
    yield from _sets(items, drawn)
    yield from _fits(items)


def _bound(relation: str) -> str:
    """What no draw shows, or every one, is said to be below or above what they can tell."""
    return {"<": " // less than that", ">": " // more than that"}.get(relation, "")


def _number(value: float) -> str:
    return "infinity" if value == np.inf else f"{value:.10g}"


def _loss(item: Item, found: np.ndarray) -> str:
    """What taking some of the draws does to the distribution."""
    every = np.sort(item.forecast.sample())
    some = np.searchsorted(np.sort(found), every, side="right") / found.size
    off = abs(some - np.searchsorted(every, every, side="right") / every.size).max()
    return f"these against all draws: KS distance {off:.3f}"


def _sets(items: Sequence[Item], drawn: Sequence[np.ndarray]) -> Iterator[str]:
    """SampleSets: the joint ones, and those that are given that they are finite."""
    infinite = [bool(np.isinf(found).any()) for found in drawn]
    yield "\n// Joint: arithmetic on two of them goes draw by draw.\nexport dists = {\n"
    for item, some in zip(items, infinite, strict=True):
        if not some:
            yield f'  "{item.name}": SampleSet.fromList(draws["{item.name}"]),\n'
    yield "}\n"
    if not any(infinite):
        return
    yield "\n// Given that they are finite, and so not joint with anything.\nexport ifFinite = {\n"
    for item, some, found in zip(items, infinite, drawn, strict=True):
        if some and np.isfinite(found).sum() >= FEWEST:
            finite = f'List.filter(draws["{item.name}"], {{|d| d < infinity}})'
            yield f'  "{item.name}": SampleSet.fromList({finite}),\n'
    yield "}\n"


def _fits(items: Sequence[Item]) -> Iterator[str]:
    """Forms that are good enough, and why others are not here."""
    yield f"\n// Forms fitted to all draws; none keeps a dependence.\n{METALOG}export fits = {{\n"
    for item in items:
        form = forms.fitted(item.forecast)
        if isinstance(form, str):
            yield f"  // {item.name}: left out, {form}\n"
        else:
            yield f'  // {form.family}: {form.error}\n  "{item.name}": {_source(item, form)},\n'
    yield "}\n"


def _source(item: Item, form: forms.Form) -> str:
    if form.family == "metalog":
        return f"metalog({{|m, logit| {forms.formula(form, '^', item.forecast.askable.oom)}}})"
    return f"Sym.{form.family}({form.numbers[0]:.10g}, {form.numbers[1]:.10g})"
