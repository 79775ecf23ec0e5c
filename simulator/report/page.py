"""The page: parts laid out by a template that escapes every text it is given."""

from pathlib import Path
from typing import Any

from simulator import __version__
from simulator.pipeline import Observer, Silence
from simulator.report import parts, words
from simulator.run import Run
from simulator.whole import refuse, whole

HERE = Path(__file__).parent
BEGINNING = b"<!DOCTYPE html>"  # of every page

type Row = dict[str, Any]


def of_run(run: Run, observer: Observer | None = None) -> str:
    """The report of one run as HTML."""
    observer = observer or Silence()
    observer.stage("figures")
    figures = parts.figures(run)
    observer.stage("sensitivity")
    moves = parts.moves(run)
    observer.stage("answers")
    return render(
        "run.html",
        run=run,
        title=run.spec.get("title", run.scenario) if "parents" not in run.record else run.scenario,
        spec={} if "parents" in run.record else run.spec,
        answer=words.answer(run),
        checks=parts.checks(run),
        headline=parts.headline(run),
        questions=parts.questions(run),
        figures=figures,
        moves=moves,
        beliefs=parts.beliefs(run),
        evidence=parts.evidence(run),
        limits=parts.limits(run),
        again=parts.again(run),
    )


def of_batch(folder: Path, observer: Observer | None = None) -> str:
    """The report of a batch as HTML: its scenarios side by side."""
    from simulator.report import scenarios

    observer = observer or Silence()
    observer.stage("scenarios")
    found = scenarios.comparison(folder)
    return render("batch.html", title=found["about"]["name"], **found)


def render(template: str, **about: Any) -> str:
    """A template filled in; what it is given is text, never markup, but for figures."""
    import jinja2

    loader = jinja2.FileSystemLoader(HERE / "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    style = (HERE / "templates" / "report.css").read_text("utf-8")
    return environment.get_template(template).render(version=__version__, style=style, **about)


def write(text: str, file: Path) -> Path:
    """Put a page where it is wanted, whole or not at all; an older one is replaced."""
    refuse(file, "--out", beginning=BEGINNING)
    with whole(file) as made:
        made.write_text(text, "utf-8", newline="\n")
    return file
