"""A scenario: beliefs, evidence, structure, tasks and sampler settings, frozen and free of faults.

Loading resolves `extends` and overrides, then checks everything at once. Nothing here imports a
numerical library, so that checking is instant.
"""

import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from simulator import schema, texts
from simulator.beliefs import Correlation, missing_beliefs, read_beliefs, read_correlations
from simulator.evidence import Evidence, read_evidence, read_sealed, select, write_table
from simulator.faults import BadInput, Fault, nearest
from simulator.labels import BENCHMARKS
from simulator.overrides import override
from simulator.prior import Belief
from simulator.quantities import BELIEFS, SLOPES
from simulator.questions.question import Known, Question, fitting, read_questions
from simulator.texts import Spec, find, read_toml, resolved

ASKED_ABOUT = {"task", "forecast", "structure"}  # sections that questions depend on
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


@dataclass(frozen=True)
class Scenario:
    """Everything a run depends on but its seed; made by `load_scenario`, never by hand.

    `beliefs` are those that its structure uses, in the order of the vocabulary; `evidence` holds
    the rows in use; `spec` is the resolved text as plain data, of which `digest` is the sum.
    `questions` are put to its runs; they change nothing in them.
    """

    name: str
    spec: Spec
    beliefs: dict[str, Belief]
    correlations: tuple[Correlation, ...]
    evidence: Evidence
    structure: schema.Structure
    sampler: schema.Sampler
    forecast: schema.Forecast
    tasks: dict[str, schema.Task]
    questions: tuple[Question, ...] = ()

    @property
    def form(self) -> list:
        """What shapes its model beyond the sizes of the data: forms, families, correlated pairs."""
        families = [(name, belief.family) for name, belief in self.beliefs.items()]
        pairs = [c.between for c in self.correlations]
        return [self.structure.model_dump(), families, pairs]

    @property
    def known(self) -> Known:
        """What questions to its runs may name."""
        return _known(self.forecast, self.tasks, self.beliefs, self.evidence)

    @cached_property
    def digest(self) -> str:
        """Ten characters that change when anything that moves the answer does, seed apart."""
        tables = {t: write_table(rows, t) for t, rows in self.evidence.tables.items() if rows}
        sampler = {key: x for key, x in self.spec["sampler"].items() if key != "seed"}
        spec = {k: v for k, v in self.spec.items() if k != "question"} | {"sampler": sampler}
        text = json.dumps([spec, tables], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    def with_sampler(self, **changes: int | float | None) -> "Scenario":
        """The same scenario with other sampler settings; None leaves one as it is."""
        changes = {key: value for key, value in changes.items() if value is not None}
        sampler, faults = schema.parse(
            schema.Sampler, self.sampler.model_dump() | changes, self.name, "sampler"
        )
        if faults:
            raise BadInput(faults)
        spec = self.spec | {"sampler": sampler.model_dump()}
        return replace(self, sampler=sampler, spec=spec)


def load_scenario(name: str | Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Load a scenario by file or shipped name, with dotted keys replaced by `overrides`.

    Evidence is read from the scenario's own folder where that holds `sources.toml` and `evidence/`,
    else from the shipped tables. Raises BadInput with every fault of file, overrides and evidence.
    """
    return variants(name)(overrides or {})


def variants(name: str | Path) -> Callable[[Mapping[str, Any]], Scenario]:
    """A scenario as a function of overrides, its files read once; see `load_scenario`."""
    path = find(str(name), Path.cwd())
    spec = resolved(path)
    inherited = "question" not in read_toml(path)
    own = (path.parent / "sources.toml").exists() and (path.parent / "evidence").is_dir()
    try:
        evidence, faults = read_evidence(path.parent if own else texts.SHIPPED), []
    except BadInput as error:
        evidence, faults = None, error.faults
    return lambda news: _checked(
        copy.deepcopy(spec), str(path), news, evidence, faults, inherited=inherited
    )


def sealed_scenario(run: Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario of a sealed run's folder, on the evidence in it, with keys replaced.

    What is shipped may have changed since, so nothing is read or selected anew: overrides of
    `evidence` show in `spec` alone. Raises BadInput with every fault.
    """
    path = run / "scenario.toml"
    return _checked(read_toml(path), str(path), overrides or {}, read_sealed(run), sealed=True)


def _checked(
    spec: Spec,
    where: str,
    overrides: Mapping[str, Any],
    evidence: Evidence | None,
    bad: Iterable[Fault] = (),
    *,
    sealed: bool = False,
    inherited: bool = False,
) -> Scenario:
    resembled = [t["resembles"] for t in spec.get("task", {}).values()] if sealed else []
    news = copy.deepcopy(dict(overrides))
    faults = [fault for key, new in news.items() for fault in override(spec, key, new)]
    faults += bad
    parts, bad = _sections(spec, where)
    faults += bad
    # What was sealed cites only what its evidence needs.
    sources = None if sealed else evidence and evidence.sources
    beliefs, bad = read_beliefs(spec.get("prior", {}), where, sources)
    faults += bad
    faults += missing_beliefs(spec.get("prior", {}), where)
    correlations, bad = read_correlations(
        spec.get("correlation", []), beliefs, where, spec.get("prior", {})
    )
    faults += bad
    tasks, bad = _tasks(spec.get("task", {}), where, evidence, resembled)
    faults += bad
    chosen = evidence
    if evidence is not None and "evidence" in parts and not sealed:
        chosen, bad = _select(evidence, parts["evidence"], where)
        faults += bad
    if "forecast" in parts:
        faults += _consistency(parts["forecast"], tasks, where)
    structure = parts.get("structure", schema.Structure())
    used = {k: beliefs[k] for k, q in BELIEFS.items() if k in beliefs and structure.uses(q)}
    # A sealed run knows better than its scenario what can be asked of it.
    asked_later = faults or (sealed and not overrides)
    known = None if asked_later else _known(parts["forecast"], tasks, used, evidence)
    if known and "question" in spec and _written_for_others(overrides, inherited):
        spec["question"] = fitting(spec["question"], where, known)
    questions, bad = read_questions(spec.get("question", []), where, known)
    faults += bad
    if faults:
        raise BadInput(faults)
    return Scenario(
        name=spec["name"],
        spec=spec,
        beliefs=used,
        correlations=tuple(c for c in correlations if used.keys() >= {*c.between}),
        evidence=chosen,
        structure=structure,
        sampler=parts["sampler"],
        forecast=parts["forecast"],
        tasks=tasks,
        questions=questions,
    )


# --- checks ---------------------------------------------------------------------------------------


def _sections(spec: Spec, where: str) -> tuple[dict[str, Any], list[Fault]]:
    known = [*schema.SECTIONS, *schema.PLAIN]
    parts: dict[str, Any] = {}
    faults = [
        Fault(where, key, "is not a key of a scenario", nearest(key, known))
        for key in spec
        if key not in known
    ]
    for key, kind in schema.PLAIN.items():
        if not isinstance(value := spec.get(key, kind()), kind) or (kind is str and not value):
            fix = {"name": 'write name = "..."', "prior": "write [prior.NAME] tables"}.get(key)
            rule = f"must be {schema.KINDS[kind]}"
            faults.append(Fault(where, key, rule, fix or f"write {schema.KINDS[kind]}"))
    if isinstance(name := spec.get("name"), str) and name and not NAME.fullmatch(name):
        rule = f"{name!r} is not 1 to 40 of a-z 0-9 - _ ."
        faults.append(Fault(where, "name", rule, "it names the run's folder"))
    for key, model in schema.SECTIONS.items():
        section, bad = schema.parse(model, spec.get(key, {}), where, key)
        faults += bad
        if not bad:
            parts[key] = section
    return parts, faults


def _tasks(
    listed: Any, where: str, evidence: Evidence | None, resembled: Iterable[str] = ()
) -> tuple[dict[str, schema.Task], list[Fault]]:
    tasks, faults = {}, []
    known = {"typical", "new", *resembled}
    for table, names in {
        "cost_records": ("benchmark", "series"),
        "annual_factors": ("benchmark",),
    }.items():
        rows = evidence.rows(table) if evidence else ()
        known |= {row[name] for row in rows for name in names}
    for name, table in listed.items() if isinstance(listed, dict) else ():
        key = f"task.{name}"
        task, bad = schema.parse(schema.Task, table, where, key)
        if not bad and evidence and task.resembles not in known:
            rule = f"{task.resembles!r} is no benchmark or series with costs"
            bad = [Fault(where, f"{key}.resembles", rule, nearest(task.resembles, known))]
        faults += bad
        if not bad:
            tasks[name] = task
    return tasks, faults


def _select(
    evidence: Evidence, chosen: schema.EvidenceChoice, where: str
) -> tuple[Evidence | None, list[Fault]]:
    if chosen.sources == "none":
        return select(evidence, ()), []
    keys = None if chosen.sources == "all" else chosen.sources
    used = {row["source"] for rows in evidence.tables.values() for row in rows}
    faults = [
        Fault(
            where, "evidence.sources", f"{key!r} is no source of an observation", nearest(key, used)
        )
        for key in keys or ()
        if key not in used
    ]
    kept = select(evidence, keys, chosen.as_of)
    if not faults and not kept.size:
        fix = 'name other sources or a later date, or write sources = "none"'
        faults = [Fault(where, "evidence", "this choice leaves no observation", fix)]
    return kept, faults


def _written_for_others(overrides: Mapping[str, Any], inherited: bool) -> bool:
    """Whether questions were written for other tasks, dates or structures than those in use."""
    changed = {key.partition(".")[0] for key in overrides}
    return "question" not in changed and (inherited or not changed.isdisjoint(ASKED_ABOUT))


def _known(
    forecast: schema.Forecast,
    tasks: dict[str, schema.Task],
    beliefs: Iterable[str],
    evidence: Evidence | None,
) -> Known:
    """What questions may name, whatever part of the evidence is in use."""
    found = evidence or Evidence({}, {})
    curves = (*found.rows("response_points"), *found.rows("response_slopes"))
    families = {row["family"] for row in found.rows("recipes")}
    seen = {row["benchmark"] for row in curves}
    return Known(tasks, forecast, {*beliefs, *SLOPES}, {*BENCHMARKS, *seen}, families)


def _consistency(
    forecast: schema.Forecast, tasks: dict[str, schema.Task], where: str
) -> Iterator[Fault]:
    for key in ("dates", "thresholds_usd", "inference_factors", "ages_years", "recipe_scores"):
        asked = getattr(forecast, key)
        if len({*asked}) < len(asked):
            yield Fault(where, f"forecast.{key}", "must not repeat itself", "remove the double")
    for date in forecast.dates:
        if date > forecast.horizon:
            rule = f"{date} is past the horizon, {forecast.horizon}"
            yield Fault(where, "forecast.dates", rule, "move the horizon or drop the date")
    if not forecast.algorithm_baseline < forecast.today < forecast.horizon:
        rule = "algorithm_baseline, today and horizon must follow one another"
        yield Fault(where, "forecast", rule, "put them in order")
    for name, task in tasks.items():
        if task.debut >= forecast.horizon:
            rule, fix = "must be before the horizon", "move one of them"
            yield Fault(where, f"task.{name}.debut", rule, fix)
        if task.priced is not None and task.priced < task.debut:
            rule, fix = "must not be before its debut", "move one of them"
            yield Fault(where, f"task.{name}.priced", rule, fix)
