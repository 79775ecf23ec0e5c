"""From model to draws: an xarray.DataTree in ArviZ's schema, with every density one may ask for.

NUTS by nutpie on the kept machine code gives the free variables; all else (deterministics,
predictions, pointwise densities) is one pass of the model's own graph over all draws at once, which
needs no compiler. Names of sampler statistics are ArviZ's, so that no check is skipped in silence.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import xarray as xr

from simulator import compiled, diagnostics, streams
from simulator.graphs import (
    Complete,
    Draws,
    completion,
    densities,
    lent,
    placement,
    sizes,
    terms,
)
from simulator.observations import Observations
from simulator.scenario import Scenario
from simulator.schema import Sampler
from simulator.streams import SAMPLE

CAREFUL, LAST = 0.95, 0.99  # target acceptance of a second and of a last attempt
LONGER = 3  # times the draws in a last attempt; as many as were asked for are kept
MASS_MATRIX = {"gradients": "diag", "draws": "draw_diag"}  # nutpie's names
PRIOR_DRAWS = 500  # per chain: enough to draw a prior, and half the size of the file
STATISTICS = {  # nutpie's names to ArviZ's
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "mean_tree_accept": "acceptance_rate",
    "logp": "lp",
    "diverging": "diverging",
    "energy": "energy",
    "energy_error": "energy_error",
    "n_steps": "n_steps",
    "step_size": "step_size",
}


def sample(
    scenario: Scenario,
    model: pm.Model,
    observations: Observations,
    seed: int,
    *,
    stage: Callable[[str], None] = lambda name: None,
    chains: Callable[[Any], None] | None = None,
    threads: int | None = None,
) -> xr.DataTree:
    """Draw prior and posterior, with predictions and densities at every draw.

    Without observations the posterior is the prior, drawn exactly and independently. `stage` hears
    of "compile", "sample" and "check" (of each attempt) and "predict"; `chains` is called from
    another thread with nutpie's progress of each chain; `threads` work, one per chain by default.
    Raises KeyboardInterrupt with nothing left running.
    """
    stage("compile")
    with lent(model, compiled.shape(model, scenario.form)) as own:
        groups = _sampled(scenario, own, seed, stage, chains, threads)
    if observations.observed:
        groups["observed_data"] = _data(observations.observed, observations)
        groups["constant_data"] = _data(observations.constant, observations)
    return xr.DataTree.from_dict(groups)


def _sampled(
    scenario: Scenario,
    model: pm.Model,
    seed: int,
    stage: Callable[[str], None],
    chains: Callable[[Any], None] | None,
    threads: int | None,
) -> dict[str, xr.Dataset]:
    settings, complete = scenario.sampler, completion(model)
    statistics = None
    if model.observed_RVs:
        code = compiled.density(model, scenario.form)
        draws, statistics = posterior_draws(
            code, model, complete, settings, seed, chains, threads, stage
        )
    else:
        stage("sample")
        draws = complete(prior_draws(model, seed, (settings.chains, settings.draws), "posterior"))
    stage("predict")
    shape = settings.chains, min(settings.draws, PRIOR_DRAWS)
    prior = complete(prior_draws(model, seed, shape, "prior"))
    groups = tree(model, prior, "prior") | tree(model, draws, "posterior")
    if statistics is not None:
        groups |= predictions(model, prior, "prior_predictive", seed)
        groups |= predictions(model, draws, "posterior_predictive", seed)
        groups |= _densities(model, draws)
        groups["sample_stats"] = statistics
    return groups


def posterior_draws(
    code: Any,
    model: pm.Model,
    complete: Complete,
    settings: Sampler,
    seed: int,
    chains: Callable | None = None,
    threads: int | None = None,
    stage: Callable[[str], None] = lambda name: None,
) -> tuple[Draws, xr.Dataset]:
    """Completed draws and their statistics; a poor sample is drawn anew, in smaller steps.

    Most scenarios need one attempt, with the settings as they are; each further one takes longer.
    The statistics say how many there were and what was wrong. The gate judges what comes out, as
    ever.
    """
    earlier: list[str] = []
    every = attempts(settings)
    for number, tried in enumerate(every, 1):
        stage("sample")
        found = finish(model, begin(code, tried, seed, number, chains, threads))
        stage("check")
        free, statistics = _thinned(*found, tried.draws // settings.draws)
        draws = complete(free)
        if number == len(every) or not (poor := _poor(draws, statistics, settings)):
            break
        earlier.append(poor)
    statistics.attrs |= {
        "mass_matrix_from": _by(number),
        "target_accept": tried.target_accept,
        "tuning_steps": tried.tune,
    }
    if earlier:
        statistics.attrs["earlier_attempts"] = "; ".join(earlier)
    return draws, statistics


def _by(attempt: int) -> str:
    """What tunes the mass matrix: gradients take half the steps, draws bear a bent posterior."""
    return "gradients" if attempt == 1 else "draws"


def attempts(settings: Sampler) -> list[Sampler]:
    """The settings of one attempt after the other: smaller steps, at last for longer too."""
    last = {
        "target_accept": max(LAST, settings.target_accept),
        "tune": 2 * settings.tune,
        "draws": LONGER * settings.draws,
    }
    further = [{"target_accept": CAREFUL}] if settings.target_accept < CAREFUL else []
    return [settings, *(settings.model_copy(update=more) for more in [*further, last])]


def _thinned(free: Draws, statistics: xr.Dataset, step: int) -> tuple[Draws, xr.Dataset]:
    """Every so-manieth draw, diverged if any since the one before was; E-BFMI is that of all."""
    if step == 1:
        return free, statistics
    draws = np.arange(statistics.sizes["draw"] // step)
    diverging = statistics["diverging"].values.reshape(-1, draws.size, step).any(axis=2)
    kept = slice(step - 1, None, step)
    thin = statistics.isel(draw=kept).assign(diverging=(SAMPLE, diverging), draw=draws)
    thin.attrs = {
        "kept_every": step,
        "e_bfmi": float(diagnostics.e_bfmi(statistics["energy"].values).min()),
    }
    return {name: array[:, kept] for name, array in free.items()}, thin


def _poor(draws: Draws, statistics: xr.Dataset, settings: Sampler) -> str:
    """What the gate would have against a sample, if anything."""
    if divergent := int(statistics["diverging"].sum()):
        return f"{divergent} divergence{'s' if divergent > 1 else ''}"
    return "unmixed chains" if _large(settings) and not _mixed(draws) else ""


def _large(settings: Sampler) -> bool:
    """Whether so many draws could pass the gate at all."""
    return (
        settings.chains >= diagnostics.CHAINS
        and settings.chains * settings.draws >= 2 * diagnostics.ESS
    )


def _mixed(draws: Draws) -> bool:
    """Whether all that the gate will look at has mixed, but for what never varies."""
    each = diagnostics.columns(draws.values())
    return all(diagnostics.mixed(one) for one in each if (one != one[0, 0]).any())


def begin(
    code: Any,
    settings: Sampler,
    seed: int,
    attempt: int = 1,
    chains: Callable | None = None,
    cores: int | None = None,
) -> Any:
    """A sampler at work in threads of its own, one per chain unless `cores` says fewer."""
    return nutpie.sample(
        code,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=cores,
        target_accept=settings.target_accept,
        seed=streams.integer(seed, "nuts", attempt) % 2**32,
        adaptation=MASS_MATRIX[_by(attempt)],
        save_warmup=False,
        progress_bar=False,
        progress_callback=chains,
        blocking=False,
    )


def finished(sampler: Any) -> bool:
    """Whether a sampler has all its draws; asking never waits."""
    try:
        return sampler.is_finished
    except TimeoutError:  # which is how nutpie says no
        return False


def finish(model: pm.Model, sampler: Any) -> tuple[Draws, xr.Dataset]:
    """Wait for a sampler; its draws of the free variables, and their statistics."""
    try:
        trace = sampler.wait()
    except BaseException:
        sampler.cancel()  # nutpie's own handling would return the draws so far as if all were there
        raise
    found = trace["sample_stats"].dataset
    stats = found[list(STATISTICS)].rename(STATISTICS)
    draws = {rv.name: trace["posterior"][rv.name].values for rv in model.free_RVs}
    sample = {dim: np.arange(stats.sizes[dim]) for dim in SAMPLE}
    return draws, xr.Dataset({name: (SAMPLE, a.values) for name, a in stats.items()}, sample)


def prior_draws(model: pm.Model, seed: int, shape: tuple[int, int], use: str) -> Draws:
    """Independent draws of the free variables."""
    normals = {
        name: streams.normals(seed, use, name, shape=(*shape, *size))
        for name, size in sizes(model).items()
    }
    return placement(model)(normals)


def tree(model: pm.Model, draws: Draws, group: str) -> dict[str, xr.Dataset]:
    """The group in the units of the beliefs, and the standard normals behind them."""
    groups = {group: labelled(model, {n: a for n, a in draws.items() if not n.endswith("_z")})}
    if group == "posterior":
        normals = {n.removesuffix("_z"): a for n, a in draws.items() if n.endswith("_z")}
        groups["unconstrained_posterior"] = labelled(model, normals)
    return groups


def predictions(model: pm.Model, draws: Draws, group: str, seed: int) -> dict[str, xr.Dataset]:
    """Replicates of every observation at every draw."""
    replicates = {}
    for rv, (*own, value) in zip(
        model.observed_RVs, terms(model, model.observed_RVs)(draws), strict=True
    ):
        chains, *size = value.shape
        rngs = [streams.stream(seed, group, rv.name, chain) for chain in range(chains)]
        drawn = [rv.owner.op.rng_fn(rng, *(p[i] for p in own), size) for i, rng in enumerate(rngs)]
        replicates[rv.name] = np.stack(drawn)
    return {group: labelled(model, replicates)}


def _densities(model: pm.Model, draws: Draws) -> dict[str, xr.Dataset]:
    """Log density of every free variable and of every observation at each draw.

    The density of a belief is that of its standard normal, given those it is correlated with.
    """
    prior = densities(model, model.free_RVs)(draws)
    return {
        "log_prior": labelled(model, {n.removesuffix("_z"): a for n, a in prior.items()}),
        "log_likelihood": labelled(model, densities(model, model.observed_RVs)(draws)),
    }


def labelled(model: pm.Model, arrays: Draws) -> xr.Dataset:
    """Arrays with the model's own dimensions and labels."""
    dims = {name: [*SAMPLE, *model.named_vars_to_dims.get(name, ())] for name in arrays}
    coords = {
        dim: np.asarray(model.coords[dim])
        for dim in dict.fromkeys(d for ds in dims.values() for d in ds[2:])
    }
    chains, draws = next(iter(arrays.values())).shape[:2]
    coords |= {"chain": np.arange(chains), "draw": np.arange(draws)}
    return xr.Dataset({name: (dims[name], array) for name, array in arrays.items()}, coords)


def _data(arrays: dict[str, tuple[str, np.ndarray]], observations: Observations) -> xr.Dataset:
    used: Iterable[str] = dict.fromkeys(dim for dim, _ in arrays.values())
    return xr.Dataset(arrays, {dim: observations.coords[dim] for dim in used})
