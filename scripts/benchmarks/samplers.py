"""Smallest effective sample size per second, of the whole run and of sampling alone, by sampler.

The same model, `base` as the simulator builds it, the same chains, draws, tuning steps and target
acceptance, each in a fresh process with another seed in every round. Whole runs count from before
the imports: the simulator's to the sealed folder, with checks, forecasts and predictions; the
others' to what they return. JAX keeps what it compiles; the time of its sampling alone is that of
a second call in the same process, without tracing.
"""

import time

BEGAN = time.perf_counter()  # before anything heavy is imported

import sys  # noqa: E402
import tempfile  # noqa: E402
from importlib.util import find_spec  # noqa: E402

import measure  # noqa: E402

OURS = "simulator"
OTHERS = {"PyMC": "pymc", "nutpie": "nutpie", "NumPyro": "numpyro", "BlackJAX": "blackjax"}
JAX = ("numpyro", "blackjax")
QUICK = {"draws": 100, "tune": 200}


def alone(sampler: str, seed: int, quick: bool) -> dict:
    """One whole run in this process: seconds, divergences, and the smallest ESS."""
    from simulator import load_scenario

    scenario = load_scenario("base").with_sampler(**(QUICK if quick else {}))
    found = _ours(scenario, seed) if sampler == OURS else _other(scenario, sampler, seed)
    return {key: value for key, value in found.items() if key != "free"} | {
        "ess": smallest_ess(found["free"])
    }


def _ours(scenario, seed: int) -> dict:
    from simulator import simulate

    with tempfile.TemporaryDirectory() as folder:
        run = simulate(scenario, seed, folder)
        whole, draws = time.perf_counter() - BEGAN, run.draws
    free = draws["unconstrained_posterior"].dataset
    effects = [n for n in draws["log_prior"].data_vars if n not in free]
    return {
        "whole": whole,
        "sampling": run.seconds["sample"],
        "divergences": int(draws["sample_stats"]["diverging"].sum()),
        "free": {
            **{f"{name}_z": variable for name, variable in free.items()},
            **{name: draws["posterior"][name] for name in effects},
        },
    }


def _other(scenario, sampler: str, seed: int) -> dict:
    model = built(scenario)
    if sampler in JAX:
        import by_jax

        free, diverging, seconds = by_jax.sample(sampler, model, scenario.sampler, seed)
        whole = time.perf_counter() - BEGAN
        sampling = seconds()
    else:
        draws = sampled(model, scenario.sampler, seed, nuts_sampler=sampler)
        whole, sampling = time.perf_counter() - BEGAN, draws["posterior"].attrs["sampling_time"]
        free = {rv.name: draws["posterior"][rv.name] for rv in model.free_RVs}
        diverging = draws["sample_stats"]["diverging"]
    return {
        "whole": whole,
        "sampling": sampling,
        "divergences": int(diverging.sum()),
        "free": free,
    }


def built(scenario):
    """The model of a scenario, as the simulator builds it."""
    from simulator import model, observations

    return model.build(scenario, observations.observe(scenario.evidence, scenario.structure))


def sampled(model, settings, seed: int, **more):
    """What a script of one's own would do, with the scenario's settings."""
    import pymc as pm

    about = {
        "draws": settings.draws,
        "tune": settings.tune,
        "chains": settings.chains,
        "target_accept": settings.target_accept,
        "random_seed": seed,
        "progressbar": False,
        "compute_convergence_checks": False,
    }
    with model:
        return pm.sample(**about | more)


def smallest_ess(free: dict) -> float:
    """The smallest bulk or tail ESS over all elements of all free variables."""
    from simulator import diagnostics

    every = [draws for each in free.values() for draws in diagnostics.elements(each).values()]
    return min(min(diagnostics.ess_bulk(d), diagnostics.ess_tail(d)) for d in every)


def run(sampler: str, seed: int, quick: bool, kept: str) -> dict:
    """The same in a fresh process; `kept` is where JAX keeps what it compiles."""
    if sampler in OTHERS.values() and find_spec(sampler) is None:
        return {"skipped": f"{sampler} is not installed"}
    variables = {
        "JAX_COMPILATION_CACHE_DIR": kept,
        "JAX_TRACEBACK_FILTERING": "off",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={min(measure.cores(), 4)}",
    }
    found = measure.fresh(__file__, {"sampler": sampler, "seed": seed, "quick": quick}, **variables)
    if "skipped" in found:
        return found
    rates = {f"ess_per_second_{of}": found["ess"] / found[of] for of in ("whole", "sampling")}
    return found | rates


def measured(options) -> dict:
    """Rows by sampler, and how far ahead of each of the others the simulator is."""
    with tempfile.TemporaryDirectory() as kept:
        ways = {
            name: lambda number, s=sampler: run(s, number, options.quick, kept)
            for name, sampler in {OURS: OURS, **OTHERS}.items()
        }
        runs = measure.rounds(ways, options)
    rows, claims = [], []
    for name, each in runs.items():
        row = {"sampler": name}
        if why := measure.skipped(each):
            rows.append(row | {"skipped": why})
            continue
        keys = ("whole", "sampling", "ess", "divergences")
        keys += ("ess_per_second_whole", "ess_per_second_sampling")
        rows.append(row | {key: float(measure.middle(each, key)) for key in keys})
    for key, of in (("whole", "whole run"), ("sampling", "sampling alone")):
        for name in OTHERS:
            says = f"smallest ESS per second of {of}, against {name}"
            why = measure.skipped(runs[OURS]) or measure.skipped(runs[name])
            if why:
                claims.append(measure.unmeasured(says, why, "ahead"))
                continue
            ahead = measure.ratio(runs[OURS], runs[name], f"ess_per_second_{key}")
            claims.append(measure.at_least(says, ahead, 1.0))
    return {"part": "samplers", "rows": rows, "claims": claims}


if __name__ == "__main__":
    # Processes that PyMC's own sampler starts read this file too.
    sys.exit(measure.part(__doc__, measured, alone))
