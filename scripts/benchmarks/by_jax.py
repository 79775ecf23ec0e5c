"""NumPyro and BlackJAX on a PyMC model, called by themselves.

PyMC 6.4 cannot call this BlackJAX any more, and tells compiling from sampling for neither. Free
variables are all unbounded, so draws need no transformation; what the model computes from them is
left out, in their favour.
"""

import time
from collections.abc import Callable
from typing import Any

type Alone = Callable[[], float]  # seconds


def sample(sampler: str, model: Any, settings: Any, seed: int) -> tuple[dict[str, Any], Any, Alone]:
    """Draws of the free variables by name (chain, draw, ...), divergences, and one thing more.

    Calling the last samples again, and gives the seconds that sampling alone takes.
    """
    import jax
    import xarray as xr

    jax.config.update("jax_enable_x64", True)
    key, *keys = jax.random.split(jax.random.PRNGKey(seed), 1 + len(model.free_RVs))
    at = model.initial_point()
    shapes = {rv.name: (settings.chains, *at[rv.name].shape) for rv in model.free_RVs}
    starts = [
        at[name] + jax.random.uniform(each, shape, "float64", -1, 1)
        for each, (name, shape) in zip(keys, shapes.items(), strict=True)
    ]
    by = {"numpyro": _numpyro, "blackjax": _blackjax}[sampler]
    draws, diverging, seconds = by(model, settings, key, starts)
    dims = ("chain", "draw")
    free = {
        name: xr.DataArray(values, dims=[*dims, *(f"{name}_{i}" for i in range(values.ndim - 2))])
        for name, values in zip(shapes, draws, strict=True)
    }
    return free, xr.DataArray(diverging, dims=dims), seconds


def _numpyro(model: Any, settings: Any, key: Any, starts: list) -> tuple[list, Any, Alone]:
    import jax
    from numpyro.infer import MCMC, NUTS
    from pymc.sampling.jax import get_jaxified_logp

    potential = get_jaxified_logp(model, negative_logp=False)  # which is what turns the sign

    def run(draws: int, tune: int) -> tuple[list, Any]:
        mcmc = MCMC(
            NUTS(potential_fn=potential, target_accept_prob=settings.target_accept),
            num_warmup=tune,
            num_samples=draws,
            num_chains=settings.chains,
            chain_method="parallel" if _enough(settings) else "vectorized",
            progress_bar=False,
        )
        mcmc.run(key, init_params=starts, extra_fields=("diverging",))
        fields = mcmc.get_extra_fields(group_by_chain=True)
        return jax.block_until_ready((mcmc.get_samples(group_by_chain=True), fields["diverging"]))

    def alone() -> float:
        """It traces anew whenever it is called, as a run of one draw does."""
        run(1, 1)
        return _timed(run, settings.draws, settings.tune) - _timed(run, 1, 1)

    return *run(settings.draws, settings.tune), alone


def _blackjax(model: Any, settings: Any, key: Any, starts: list) -> tuple[list, Any, Alone]:
    import blackjax
    import jax
    from blackjax.adaptation.base import get_filter_adapt_info_fn
    from pymc.sampling.jax import get_jaxified_logp

    logp = get_jaxified_logp(model)

    def chain(key: Any, start: list) -> Any:
        first, second = jax.random.split(key)
        adapt = blackjax.window_adaptation(
            blackjax.nuts,
            logp,
            target_acceptance_rate=settings.target_accept,
            adaptation_info_fn=get_filter_adapt_info_fn(),
        )
        (state, tuned), _ = adapt.run(first, start, num_steps=settings.tune)
        step = blackjax.nuts(logp, **tuned).step

        def one(state: Any, key: Any) -> Any:
            state, info = step(key, state)
            return state, (state.position, info.is_divergent)

        return jax.lax.scan(one, state, jax.random.split(second, settings.draws))[1]

    chains = jax.pmap(chain) if _enough(settings) else jax.jit(jax.vmap(chain))
    keys = jax.random.split(key, settings.chains)

    def run() -> tuple[list, Any]:
        return jax.block_until_ready(chains(keys, starts))

    return *run(), lambda: _timed(run)


def _enough(settings: Any) -> bool:
    import jax

    return jax.local_device_count() >= settings.chains


def _timed(call: Callable, *arguments: Any) -> float:
    since = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - since
