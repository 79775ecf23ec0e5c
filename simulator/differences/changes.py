"""What differs between two runs, and scenarios between theirs that take only some of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from simulator.beliefs import DISTRIBUTION
from simulator.evidence import Evidence, Row
from simulator.quantities import BELIEFS, SLOPES
from simulator.run import Run
from simulator.scenario import Scenario, sealed_scenario
from simulator.units import significant

STATED = (*DISTRIBUTION, "family", "unit")


class Item(NamedTuple):
    """A change that one step takes: its kind, what it is called, and the names in it.

    Kinds: questions (tasks and what is forecast), belief, removed, added and restated (rows of
    sources), structure.
    """

    kind: str
    label: str
    names: tuple[str, ...] = ()


def items(one: Scenario, other: Scenario) -> list[Item]:
    """Every change from one scenario to the other that can move an answer, in the order taken."""
    found = []
    if any(one.spec.get(key, {}) != other.spec.get(key, {}) for key in ("task", "forecast")):
        found.append(Item("questions", "tasks and dates"))
    found += [Item("belief", ", ".join(names), names) for names in _beliefs(one, other)]
    rows = [_by_source(scenario.evidence) for scenario in (one, other)]
    for source in sorted(rows[0].keys() | rows[1]):
        before, after = (of.get(source) for of in rows)
        if before != after:
            kind = "added" if before is None else "removed" if after is None else "restated"
            found.append(Item(kind, f"{source} {kind}", (source,)))
    changed = [f"{key} {was} to {now}" for key, was, now in structure(one, other)]
    return found + ([Item("structure", ", ".join(changed))] if changed else [])


def _beliefs(one: Scenario, other: Scenario) -> list[tuple[str, ...]]:
    """Beliefs that change together: each alone, but the slopes, and all where correlations do."""
    names = [
        name
        for name in BELIEFS
        if (name in one.beliefs or name in other.beliefs) and _differs(name, one, other)
    ]
    if one.spec.get("correlation", []) != other.spec.get("correlation", []):
        return [(*names, "correlations")]
    slopes = tuple(name for name in names if name in SLOPES)
    stated = [[name for name in SLOPES if name in s.spec["prior"]] for s in (one, other)]
    if stated[0] == stated[1]:
        return [(name,) for name in names]
    return [slopes, *((name,) for name in names if name not in SLOPES)]


def _differs(name: str, one: Scenario, other: Scenario) -> bool:
    if name in one.beliefs and name in other.beliefs:
        return one.beliefs[name][1:4] != other.beliefs[name][1:4]
    texts = [s.spec["prior"].get(name, {}) for s in (one, other)]
    return _stated(texts[0]) != _stated(texts[1])


def _stated(belief: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in belief.items() if key in STATED}


def structure(one: Scenario, other: Scenario) -> list[tuple[str, str, str]]:
    """Choices of form that differ, with both."""
    forms = [scenario.structure.model_dump() for scenario in (one, other)]
    return [(key, was, forms[1][key]) for key, was in forms[0].items() if forms[1][key] != was]


def _by_source(evidence: Evidence) -> dict[str, list[tuple[str, Row]]]:
    found: dict[str, list[tuple[str, Row]]] = {}
    for table, rows in evidence.tables.items():
        for row in rows:
            found.setdefault(row["source"], []).append((table, row))
    return found


# --- between them ---------------------------------------------------------------------------------


def between(runs: Sequence[Run], scenarios: Sequence[Scenario], taken: Sequence[Item]) -> Scenario:
    """The first run's scenario with some changes towards the second's, sampled as the second is."""
    one, other = scenarios
    kinds = {item.kind for item in taken}
    spec = {"structure": _of(one, other, "structure" in kinds).spec.get("structure", {})}
    asking = _of(one, other, "questions" in kinds).spec
    spec |= {key: asking.get(key, {}) for key in ("task", "forecast")}
    names = {name for item in taken if item.kind == "belief" for name in item.names}
    spec["prior"] = _prior(one.spec["prior"], other.spec["prior"], names)
    spec["correlation"] = _of(one, other, "correlations" in names).spec.get("correlation", [])
    evidence = _evidence(one.evidence, other.evidence, taken)
    kept = sorted({row["source"] for rows in evidence.tables.values() for row in rows})
    chosen = {"sources": kept or "none"}
    spec["sampler"] = other.spec["sampler"]
    # Tasks may resemble what only the folder that they are from knows.
    path = runs["questions" in kinds or one.spec.get("task") == other.spec.get("task")].path
    mixed = sealed_scenario(path, {**spec, "evidence": chosen})
    return replace(mixed, evidence=evidence)


def _of(one: Scenario, other: Scenario, second: bool) -> Scenario:
    return other if second else one


def _prior(one: dict, other: dict, names: set[str]) -> dict[str, Any]:
    kept = {name: belief for name, belief in one.items() if name not in names}
    return kept | {name: other[name] for name in names if name in other}


def _evidence(one: Evidence, other: Evidence, taken: Sequence[Item]) -> Evidence:
    """Rows of the first, in their order, with those changes to sources that are taken."""
    gone, come = (
        {item.names[0] for item in taken if item.kind in (kind, "restated")}
        for kind in ("removed", "added")
    )
    tables = {
        table: tuple(
            [row for row in one.rows(table) if row["source"] not in gone]
            + [row for row in other.rows(table) if row["source"] in come]
        )
        for table in {**one.tables, **other.tables}
    }
    return Evidence(tables, one.sources | other.sources)


# --- as read --------------------------------------------------------------------------------------


def changes(runs: Sequence[Run], scenarios: Sequence[Scenario]) -> dict[str, list[dict[str, Any]]]:
    """All that differs, by section: rows of what it is called, before and after, as text."""
    one, other = scenarios
    sampler = [
        {**s.spec.get("sampler", {}), "seed": run.seed}
        for s, run in zip(scenarios, runs, strict=True)
    ]
    made = [{**run.record.get("versions", {}), "python": run.record.get("python")} for run in runs]
    sections = {
        "beliefs": _belief_rows(one, other),
        "evidence": _source_rows(one, other),
        "structure": [*_rows(*(s.structure.model_dump() for s in scenarios))],
        "tasks": [*_rows(*(_flat(s.spec.get("task", {})) for s in scenarios))],
        "forecast": [*_rows(*(s.spec.get("forecast", {}) for s in scenarios))],
        "sampler": [*_rows(*sampler)],
        "versions": [*_rows(*made)],
        "made by": [*_rows(*(_made(run) for run in runs))],
    }
    return {name: rows for name, rows in sections.items() if rows}


def _belief_rows(one: Scenario, other: Scenario) -> list[dict[str, Any]]:
    rows = []
    for names in _beliefs(one, other):
        for name in names:
            if name == "correlations":
                before, after = (_correlations(s) for s in (one, other))
            else:
                before, after = (_believed(s, name) for s in (one, other))
            unit = BELIEFS[name].unit if name in BELIEFS else ""
            rows.append({"name": name, "unit": unit, "before": before, "after": after})
    return rows


def _correlations(scenario: Scenario) -> str:
    said = [f"{' and '.join(c.between)} {c.rank:g}" for c in scenario.correlations]
    return ", ".join(said) or "none"


def _believed(scenario: Scenario, name: str) -> str:
    if name not in scenario.beliefs:
        return "not stated" if name in SLOPES else "not used"
    belief = scenario.beliefs[name]
    q = {key: significant(x, 3) for key, x in belief.quantiles().items()}
    return q["q50"] if belief.constant else f"{q['q50']} [{q['q05']}, {q['q95']}]"


def _source_rows(one: Scenario, other: Scenario) -> list[dict[str, Any]]:
    rows = [_by_source(scenario.evidence) for scenario in (one, other)]
    found = []
    for source in sorted(rows[0].keys() | rows[1]):
        before, after = (of.get(source, []) for of in rows)
        if before != after:
            same = sum(row in after for row in before)
            kept = f", {same} as before" if before and after else ""
            counts = {"before": _count(before), "after": _count(after) + kept}
            found.append({"name": source, "unit": "", **counts})
    return found


def _count(rows: Sequence[Any]) -> str:
    return f"{len(rows)} row{'s' if len(rows) > 1 else ''}" if rows else "none"


def _flat(tasks: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}: {key}": value for name, task in tasks.items() for key, value in task.items()}


def _made(run: Run) -> dict[str, str]:
    parent = run.record.get("reweighted", {}).get("parent", {}).get("id")
    return {"made by": f"reweighting {parent}" if parent else "sampling"}


def _rows(one: dict[str, Any], other: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in dict.fromkeys([*one, *other]):
        if key != "why" and not key.endswith(": why") and one.get(key) != other.get(key):
            before, after = (_text(of.get(key)) for of in (one, other))
            yield {"name": key, "unit": "", "before": before, "after": after}


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
