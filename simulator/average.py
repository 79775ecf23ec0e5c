"""An average of runs: one run whose draws mix theirs in given proportions.

Draw i of the average is draw i of the parent chosen for i. So a run averaged with itself is itself,
bit for bit. The choice is a race: every ultimate parent has an exponential of its own at every
draw, from its own stream, and the smallest over its weight wins. The winner of a race among some
is their winner in any larger one, so that averaging averages, under one seed, gives the draws of
averaging all at once.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from simulator import diagnostics, seal, streams, summary
from simulator.compare import structure
from simulator.faults import BadInput, Fault
from simulator.mixture import Parent, mixed, origin_of
from simulator.outcome import Outcome, dump, seal_outcome
from simulator.quantities import OUTPUTS
from simulator.run import Check, Run, open_run
from simulator.spread import prior_shares, shares
from simulator.streams import SAMPLE
from simulator.weights import Weights, weigh

NAME = "average"


def average(
    runs: Sequence[Run | str | Path],
    weights: Weights = "equal",
    *,
    into: str | Path = "runs",
    seed: int = 1,
) -> Run:
    """Mix runs in the proportions of `weights` and seal the mixture as a new run in `into`.

    `weights` is "equal", "stacking", a file or a mapping of run id to weight. Draws carry their
    `structure` and `parent` as coordinates. What not all runs have is left out, and recorded.
    Raises BadInput with every reason why the runs cannot be mixed.
    """
    began = time.perf_counter()
    seal.refuse_unwritable(Path(into))
    members = _members(runs)
    share = weigh(members, weights)
    parents = _parents(members, share)
    chosen = _chosen(members, share, parents, seed)
    draws, forecast, left_out = mixed(members, chosen, parents)
    failed = [one["id"] for one in (*parents, *map(about, members)) if one["status"] != "passed"]
    failed = list(dict.fromkeys(failed))
    total = sum(parent["weight"] for parent in parents)
    checks = {
        "parents_passed": Check(not failed, len(failed), ", ".join(failed)),
        "weights_sum_to_one": Check(abs(total - 1) < 1e-9, total),
        **diagnostics.check(draws, forecast),
    }
    rows = _with_prior(summary.summarise(draws, forecast, None), members)
    record = {
        "scenario_digest": _digest(parents),
        "parents": parents,
        "weights": weights if weights in ("equal", "stacking") else "stated",
        "left_out": left_out,
        "sampler": {dim + "s": draws["posterior"].sizes[dim] for dim in SAMPLE} | {"seed": seed},
        "nuts": None,
    }
    seconds = {"average": time.perf_counter() - began}
    outcome = Outcome(draws, forecast, checks, rows, _beliefs(members, draws, rows), seconds)
    prior = prior_shares(members, [share[run.id] for run in members])
    spread = shares(forecast, parents, rows, prior)
    files = _made_from(members) | {"shares.json": dump(spread)}
    return seal_outcome(Path(into), NAME, seed, outcome, files, record)


# --- who takes part -------------------------------------------------------------------------------


def _members(runs: Sequence[Run | str | Path]) -> list[Run]:
    """The runs, each once, of one shape."""
    opened = [run if isinstance(run, Run) else open_run(run) for run in runs]
    members = list({run.path.resolve(): run for run in opened}.values())
    if not members:
        raise BadInput([Fault(NAME, "run", "takes one run or more", "name some")])
    faults = []
    sums: dict[str, str] = {}
    for one in [one for run in members for one in (about(run), *_ultimate(run))]:
        if sums.setdefault(one["id"], one["sum"]) != one["sum"]:
            rule, fix = "is the name of two different runs", "rename one of the folders"
            faults.append(Fault(one["id"], "run", rule, fix))
    first = _shape(members[0])
    for run in members[1:]:
        if (shape := _shape(run)) != first:
            rule = f"has {shape[0]} chains of {shape[1]} draws, {members[0].id} has "
            rule += f"{first[0]} of {first[1]}"
            fix = f"run it again with --chains {first[0]} --draws {first[1]}"
            faults.append(Fault(run.id, "draws", rule, fix))
    if faults:
        raise BadInput(faults)
    return members


def _shape(run: Run) -> tuple[int, ...]:
    return tuple(run.draws["posterior"].sizes[dim] for dim in SAMPLE)


def about(run: Run) -> Parent:
    """What a run that was made from another one says of it."""
    return {
        "id": run.id,
        "scenario": run.scenario,
        "scenario_digest": run.record["scenario_digest"],
        "seed": run.seed,
        "structure": structure(run),
        "status": run.status,
        "sum": seal.manifest(run.path)["digest"],
    }


def _ultimate(run: Run) -> list[Parent]:
    """The runs that a run consists of, with their weights: itself, or its parents' parents."""
    return run.record.get("parents") or [about(run) | {"weight": 1.0}]


def _parents(members: Sequence[Run], share: Mapping[str, float]) -> list[Parent]:
    """All ultimate parents by id, with flattened weights."""
    found: dict[str, Parent] = {}
    for run in members:
        for parent in _ultimate(run):
            known = found.setdefault(parent["id"], parent | {"weight": 0.0})
            known["weight"] += share[run.id] * parent["weight"]
    return [found[one] for one in sorted(found)]


def _digest(parents: Sequence[Parent]) -> str:
    """Ten characters that change with the parents and their weights."""
    text = json.dumps([[p["scenario_digest"], p["seed"], p["weight"]] for p in parents])
    return hashlib.sha256(text.encode()).hexdigest()[:10]


# --- which draw comes from whom -------------------------------------------------------------------


def _chosen(
    members: Sequence[Run], share: Mapping[str, float], parents: Sequence[Parent], seed: int
) -> np.ndarray:
    """The member that each draw comes from, by index; shape (chain, draw)."""
    shape = _shape(members[0])
    names = _streams(parents)
    winner = _race([names[p["id"]] for p in parents], [p["weight"] for p in parents], shape, seed)
    wanted = np.array([p["id"] for p in parents])[winner]
    has = np.array([origin_of(run, shape) == wanted for run in members])
    if has.any(axis=0).all():
        return has.argmax(axis=0)
    # An average under another seed chose otherwise: choose between the members themselves.
    ids = [f"member {run.id}" for run in members]
    return _race(ids, [share[run.id] for run in members], shape, seed)


def _streams(parents: Sequence[Parent]) -> dict[str, str]:
    """A name for each parent that a repeated run of the same scenario and seed shares."""
    names: dict[str, str] = {}
    for parent in parents:
        same = f"{parent['scenario_digest']} {parent['seed']}"
        names[parent["id"]] = f"{same} {sum(name.startswith(same) for name in names.values())}"
    return names


def _race(
    names: Sequence[str], weights: Sequence[float], shape: tuple[int, ...], seed: int
) -> np.ndarray:
    chains, draws = shape
    times = [
        [streams.stream(seed, NAME, n, c).standard_exponential(draws) for c in range(chains)]
        for n in names
    ]
    with np.errstate(divide="ignore"):
        return (np.array(times) / np.array(weights)[:, None, None]).argmin(axis=0)


# --- what is said of it ---------------------------------------------------------------------------


def _with_prior(rows: list[summary.Row], members: Sequence[Run]) -> list[summary.Row]:
    """Rows with the quantiles before any evidence, where all members have the same ones."""
    priors: dict[str, list] = {}
    for run in members:
        for row in run.rows:
            priors.setdefault(_key(row), []).append(row["prior"])
    for row in rows:
        found = priors.get(_key(row), [])
        row["prior"] = found[0] if found and all(one == found[0] for one in found) else None
    return rows


def _key(row: summary.Row) -> str:
    return json.dumps([row["quantity"], row["coords"]], sort_keys=True)


def _beliefs(
    members: Sequence[Run], draws: xr.DataTree, rows: list[summary.Row]
) -> list[summary.Row]:
    """Beliefs that all members state; where they differ, the prior is the mixture's."""
    stated = [{row["quantity"]: row for row in run.beliefs} for run in members]
    posterior = {row["quantity"]: row for row in rows if row["quantity"] not in OUTPUTS}
    out = []
    for name, row in stated[0].items():
        if name not in posterior or not all(name in of for of in stated):
            continue
        new = row | {"posterior": {q: posterior[name][q] for q in summary.NAMES}}
        if any({**of[name], "posterior": 0} != {**row, "posterior": 0} for of in stated):
            found = summary.quantiles(draws["prior"][name].values)
            prior = {q: v if np.isfinite(v) else None for q, v in found.items()}
            source = ", ".join(dict.fromkeys(of[name]["source"] for of in stated))
            new |= {"family": "mixture", "source": source, "prior": prior}
            new |= {"why": "The runs averaged do not share this belief."}
        out.append(new)
    return out


def _made_from(members: Sequence[Run]) -> dict[str, str]:
    """The scenarios of all ultimate parents, and the evidence where it is the same for all."""
    files: dict[str, str] = {}
    for run in members:
        for path in run.path.glob("scenario*.toml"):
            own = path.name == "scenario.toml"
            name = f"scenario-{run.record['scenario_digest']}.toml" if own else path.name
            files[name] = path.read_text("utf-8")
    evidence = [
        {p.name: p.read_text("utf-8") for pattern in ("evidence-*.csv", "sources.json")
         for p in run.path.glob(pattern)}
        for run in members
    ]  # fmt: skip
    same = all(one == evidence[0] for one in evidence)
    return files | evidence[0] if same else files
