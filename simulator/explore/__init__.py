"""A page to play with: a run's draws in one HTML file, where every setting can be moved.

`simulator explore RUN` writes it. Python computes here what the page has to show
(`subject.answers`), with the forecast's own functions; the page repeats the same equations.
"""

from collections.abc import Sequence
from pathlib import Path

from simulator import seal
from simulator.explore.page import MARK, assembled
from simulator.faults import BadInput, Fault
from simulator.run import Run
from simulator.whole import whole


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
    refuse_foreign(path)
    text = explore(run, tasks)
    with whole(path) as made:
        made.write_text(text, "utf-8", newline="\n")
    return path.absolute()


def refuse_foreign(path: Path) -> None:
    """BadInput where a file would be lost that is no such page, or nothing can be written."""
    seal.refuse_unwritable(path.parent, key="--out")
    if path.is_dir():
        raise BadInput([Fault("--out", str(path), "is a folder", "name a file in it")])
    if path.exists():
        with path.open("rb") as file:
            if file.read(len(MARK)) != MARK:
                rule, fix = "is there, and no page of this kind", "name another, or remove it"
                raise BadInput([Fault("--out", str(path), rule, fix)])
