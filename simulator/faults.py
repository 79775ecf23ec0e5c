"""Bad input, said once and whole: every fault names the place, the rule and the fix."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing wrong with what a person wrote."""

    file: str
    key: str
    rule: str
    fix: str

    def __str__(self) -> str:
        said = f"{self.file}: {self.key}: {self.rule}; {self.fix}"
        return plain(said)  # names of others stand in it


class BadInput(Exception):
    """Input that cannot be used; `faults` lists everything wrong with it."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = list(dict.fromkeys(faults))
        super().__init__(self.faults)  # in args, so that it pickles between processes

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


def plain(text: str) -> str:
    """A text with everything that is not printable written out, as in \\x1b and \\n."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def nearest(word: str, known: Iterable[str]) -> str:
    """A fix for a name that is not known: the closest ones, or all of them."""
    known = sorted(known)
    if not known:
        return "there is none to choose from"
    close = get_close_matches(word, known, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else f"use one of {', '.join(known)}"
