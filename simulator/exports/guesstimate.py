"""Guesstimate: for each forecast a column of samples to paste, and the text of a 90% interval.

A pasted column holds at most 5,000 samples.
"""

from collections.abc import Sequence

from simulator.exports.item import Item, stamp

MOST = 5_000


def write(items: Sequence[Item]) -> dict[str, bytes]:
    """The files of a folder: README.txt, and per forecast its samples."""
    files = {"README.txt": f"{stamp(items)}\n"}
    for item in items:
        values = item.forecast.sample(MOST if item.forecast.size > MOST else None)
        files[f"{item.name}_samples.csv"] = "".join(f"{v:.10g}\n" for v in values.tolist())
    return {name: text.encode() for name, text in files.items()}
