"""squigglepy: a Python module of draws under one index, as distributions, with fitted forms.

A distribution takes draws with equal chances, as `sq.discrete` would, only ten thousand times
faster. squigglepy samples each distribution by itself; `joint` takes one index for all of them.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from simulator.exports import forms
from simulator.exports.item import Item, about, stamp
from simulator.exports.joint import described, probabilities, rows, values

FUNCTIONS = '''
SIZE = {size}


def joint(n):
    """So many draws of all quantities at once, by name; they keep their dependence."""
    at = _places(sq.sample(sq.uniform(0, SIZE), n=n))
    return {{name: found[at] for name, found in draws.items()}}


def _places(at):
    return np.minimum(np.atleast_1d(at), SIZE - 1).astype(int)


def _dist(name):
    def take(at):
        found = draws[name][_places(at)]
        return found if np.ndim(at) else float(found[0])

    return sq.dist_fn(sq.uniform(0, SIZE), fn=take, name=name)


# Each by itself: two of them in one formula are independent.
dists = {{name: _dist(name) for name in draws}}
'''

METALOG = """

def _metalog(of):
    def at(p):
        return of(p - 0.5, np.log(p / (1 - p)))

    return sq.dist_fn(sq.uniform(0, 1), fn=at, name="metalog")

"""


def write(items: Sequence[Item]) -> str:
    """Python source: `draws`, `dists`, `joint(n)`, `fits`, `prob_infinite` and `about`."""
    return "".join(_lines(items, values(items)))


def _lines(items: Sequence[Item], found: Sequence[np.ndarray]) -> Iterator[str]:
    yield f"# {stamp(items)}\n"
    yield "import numpy as np\nimport squigglepy as sq\n\ninf = np.inf\n"
    yield f"about = {about(items)!r}\n\n"
    yield "# The same place in each array is the same draw, (chain, draw) in order.\ndraws = {\n"
    for item, drawn in zip(items, found, strict=True):
        yield f"    # {described(item)}\n"
        texts = [_number(x) for x in drawn.ravel().tolist()]
        yield f'    "{item.name}": np.array([\n{rows(texts, " " * 8)}\n    ], dtype=float),\n'
    yield "}\n# Infinite draws are larger than any number; NumPy's percentiles of them are NaN.\n"
    yield "prob_infinite = {\n"
    for item in items:
        yield f'    "{item.name}": {item.forecast.prob_infinite!r},\n'
    yield "}\n# Of what lies on the asked side of a threshold, by all draws.\n"
    yield f"probability = {probabilities(items)!r}\n"
    yield FUNCTIONS.format(size=items[0].forecast.size)
    yield from _fits(items)


def _number(value: float) -> str:
    return "inf" if value == np.inf else f"{value:.10g}"


def _fits(items: Sequence[Item]) -> Iterator[str]:
    """Forms that are good enough, and why others are not here."""
    yield f"{METALOG}\n# Forms fitted to all draws; none keeps a dependence.\nfits = {{\n"
    for item in items:
        form = forms.fitted(item.forecast)
        if isinstance(form, str):
            yield f"    # {item.name}: left out, {form}\n"
        else:
            source = _source(item, form)
            yield f'    # {form.family}: {form.error}\n    "{item.name}": {source},\n'
    yield "}\n"


def _source(item: Item, form: forms.Form) -> str:
    if form.family == "metalog":
        return f"_metalog(lambda m, logit: {forms.formula(form, '**', item.forecast.askable.oom)})"
    names = {
        "lognormal": "sq.lognorm(norm_mean={}, norm_sd={})",
        "normal": "sq.norm(mean={}, sd={})",
    }
    return names[form.family].format(*(f"{number:.10g}" for number in form.numbers))
