"""A page to play with: a run's draws in one HTML file, where every setting can be moved.

`simulator explore RUN` writes it. Python computes here what the page has to show
(`subject.answers`), with the forecast's own functions; the page repeats the same equations.
"""

from collections.abc import Sequence
from pathlib import Path

from simulator.explore.page import MARK, assembled
from simulator.run import Run
from simulator.whole import refuse, whole


def explore(run: Run, tasks: Sequence[str] = ()) -> str:
    """The page of a run, with all of its tasks or those named; raises BadInput."""
    from simulator.explore.contents import contents
    from simulator.explore.subject import subject

    return assembled(f"{run.id}: explore", contents(subject(run, tasks)))


def write(run: Run, out: Path | None = None, tasks: Sequence[str] = ()) -> Path:
    """Write the page of a run as one whole file, by default beside its folder; its path.

    An older page of this kind is replaced, nothing else is. Raises BadInput.
    """
    path = out or run.path.with_name(f"{run.id}-explore.html")
    refuse(path, "--out", beginning=MARK)
    text = explore(run, tasks)
    with whole(path) as made:
        made.write_text(text, "utf-8", newline="\n")
    return path.absolute()
