"""The engine against posteriors known from elsewhere: closed forms, quadrature and posteriordb.

posteriordb (https://github.com/stan-dev/posteriordb) publishes data, Stan models and reference
figures from long, checked runs. Its means and mean squares are typed below from
reference_posteriors/summary_statistics/{mean_value,mean_squared_value}. They carry Monte Carlo
errors of their own, so each posterior is also integrated here: normal given one scale, and the
scale by quadrature. Published figures must agree with the integral, and the engine with it too.
"""

import inspect
from typing import NamedTuple

import numpy as np
import pymc as pm
import pytest
from arviz_stats.base import array_stats
from scipy.stats import halfcauchy, norm

from simulator import load_scenario
from simulator.compiled import density
from simulator.inference import completion, posterior_draws

BUDGET = 1e-4  # false alarms of this file, shared among its comparisons
COMPARISONS = 120  # at most
LIMIT = norm.isf(BUDGET / COMPARISONS / 2)  # standard errors

SCHOOLS = {  # posterior_database/data/data/eight_schools.json
    "y": [28, 8, -3, 7, -1, 1, 18, 12],
    "sigma": [15, 10, 16, 11, 9, 11, 10, 18],
}
YEARS = np.arange(3952, 4014)  # kilpisjarvi_mod.json, x; 1952 to 2013 with 2,000 added
SUMMERS = [  # kilpisjarvi_mod.json, y
    8.3, 10.9, 9.4, 8.1, 8.1, 7.7, 8.6, 9.1, 11.0, 10.1, 7.6, 8.8, 8.3, 7.2, 9.3, 8.8, 7.6, 10.5,
    11.0, 8.9, 11.3, 10.0, 10.1, 6.4, 8.2, 8.4, 9.5, 9.9, 10.6, 7.6, 7.7, 8.1, 8.4, 9.7, 9.5, 7.3,
    10.3, 9.6, 10.3, 9.8, 9.0, 9.1, 9.5, 8.7, 9.9, 10.5, 9.4, 9.0, 9.0, 9.7, 11.4, 10.7, 10.1,
    10.8, 10.4, 10.3, 8.8, 9.8, 8.8, 10.8, 8.6, 11.1,
]  # fmt: skip
WEIGHT = [  # mesquite.json, as in stan-dev/stan, src/models/ARM/Ch.4/mesquite.data.R
    401.3, 513.7, 1179.2, 308, 855.2, 268.7, 155.5, 1253.2, 328, 614.6, 60.2, 269.6, 448.4, 120.4,
    378.7, 266.4, 138.9, 1020.8, 635.7, 621.8, 579.8, 326.8, 66.7, 68, 153.1, 256.4, 723, 4052,
    345, 330.9, 163.5, 1160, 386.6, 693.5, 674.4, 217.5, 771.3, 341.7, 125.7, 462.5, 64.5, 850.6,
    226, 1745.1, 908, 213.5,
]  # fmt: skip
DIAM1 = [
    1.8, 1.7, 2.8, 1.3, 3.3, 1.4, 1.5, 3.9, 1.8, 2.1, 0.8, 1.3, 1.2, 1.5, 2.8, 1.4, 1.5, 2.4, 1.9,
    2.3, 2.1, 2.4, 1, 1.3, 1.1, 1.3, 2.5, 5.2, 2, 1.6, 1.4, 3.2, 1.9, 2.4, 2.5, 2.1, 2.4, 2.4, 1.9,
    2.7, 1.3, 2.9, 2.1, 4.1, 2.8, 1.27,
]  # fmt: skip
DIAM2 = [
    1.15, 1.35, 2.55, 0.85, 1.9, 1.4, 0.5, 2.3, 1.35, 1.6, 0.63, 0.95, 0.9, 0.7, 1.7, 0.85, 0.6,
    2.4, 1.55, 1.6, 1.7, 1.3, 0.4, 0.6, 0.7, 1.2, 2.3, 4, 1.6, 1.6, 1, 1.9, 1.8, 2.4, 1.8, 1.5, 2.2,
    1.7, 1.2, 2.5, 1.1, 2.7, 1, 3.8, 2.5, 1,
]  # fmt: skip
CANOPY_HEIGHT = [
    1, 1.33, 0.6, 1.2, 1.05, 1, 0.9, 1.3, 0.6, 0.8, 0.6, 0.95, 1.2, 0.7, 1.2, 1.1, 0.64, 1.2, 1.2,
    1.3, 1, 0.9, 1, 0.5, 0.9, 0.6, 1.4, 2.5, 1.4, 1.3, 1.1, 1.5, 0.8, 1.1, 1.3, 0.85, 1.5, 1.2,
    1.15, 1.5, 0.7, 1.9, 1.5, 1.5, 1.5, 0.62,
]  # fmt: skip
LOG_WEIGHT = np.log(WEIGHT)
LOG_VOLUME = np.log(np.array(DIAM1) * DIAM2 * CANOPY_HEIGHT)

PUBLISHED = {  # mean, its Monte Carlo error; mean square, its error
    "schools": {
        # eight_schools-eight_schools_noncentered; squares from eight_schools_centered, which is
        # the same posterior, as those of the noncentred form were not to be had
        "theta[0]": (6.15050229334425, 0.0557375282295219, 69.36345, 1.1692102),
        "theta[1]": (4.9395811407422, 0.0462293788624847, 45.9787, 0.6346494),
        "theta[2]": (3.90590609001582, 0.0542313705632124, 43.13923, 0.6539418),
        "theta[3]": (4.79601675138494, 0.0474935816762281, 45.76135, 0.6193689),
        "theta[4]": (3.6144363246799, 0.0461450610244603, 34.35767, 0.4550489),
        "theta[5]": (4.0511475789675, 0.0485195392528031, 39.4135, 0.5390213),
        "theta[6]": (6.31716975886893, 0.0498766794075794, 64.93269, 0.9216132),
        "theta[7]": (4.88399694353288, 0.0542511606560972, 52.12845, 0.9024748),
        "mu": (4.41051833695493, 0.0330374705950917, 30.40302, 0.3351356),
        "tau": (3.60205952364059, 0.0318615135640706, 23.20407, 0.4848872),
    },
    "kilpisjarvi": {  # kilpisjarvi_mod-kilpisjarvi
        "alpha": (-60.7122808222295, 0.306589251426294, 4583.772546515, 39.10262890948),
        "beta": (0.0175836260167159, 7.69685220285905e-05, 0.000365792, 2.80815e-06),
        "sigma": (1.13166692864844, 0.00106203149739368, 1.292293839, 0.00247150994),
    },
    "mesquite": {  # mesquite-logmesquite_logvolume
        "alpha": (5.17084758450824, 0.000873165446265347, 26.7451327, 0.009058146),
        "beta": (0.722008519434549, 0.000563651945878131, 0.5244543, 0.0008146948),
        "sigma": (0.426670305955934, 0.000480101525987333, 0.184331, 0.0004276198),
    },
}


class Truth(NamedTuple):
    mean: float
    sd: float


# --- truths by integration ------------------------------------------------------------------------


def mixed(scale, log_weight, means, variances):
    """Mean and sd of normals mixed over a grid of a scale, and of the scale itself."""
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = weight @ means
    square = weight @ (variances + means**2)
    first, second = weight @ scale, weight @ scale**2
    return [*map(Truth, mean, np.sqrt(square - mean**2)), Truth(first, np.sqrt(second - first**2))]


def schools_truth(noise=1.0):
    """Eight schools: all is normal given tau; noise scales the known errors (for the control)."""
    y, error = np.array(SCHOOLS["y"]), noise * np.array(SCHOOLS["sigma"])
    log_tau = np.linspace(-12, 7, 20_001)  # flat steps in log tau, hence the + log tau below
    tau = np.exp(log_tau)
    v = error**2 + tau[:, None] ** 2
    precision = 1 / 25 + (1 / v).sum(1)
    mu = (y / v).sum(1) / precision
    fit = -0.5 * (np.log(v).sum(1) + np.log(precision) + (y**2 / v).sum(1) - mu**2 * precision)
    share = tau[:, None] ** 2 / v  # of a school's own estimate in its effect
    theta = share * y + (1 - share) * mu[:, None]
    spread = share * error**2 + (1 - share) ** 2 / precision[:, None]
    found = mixed(
        tau,
        fit + halfcauchy.logpdf(tau, scale=5) + log_tau,
        np.column_stack([theta, mu]),
        np.column_stack([spread, 1 / precision]),
    )
    return dict(zip([*(f"theta[{j}]" for j in range(8)), "mu", "tau"], found, strict=True))


def line_given(sigma, x, y, prior_mean, prior_precision):
    """Mean and covariance of a line's (alpha, beta) with known noise, and its log evidence.

    x is centred on the way: with years around 4,000 the two are all but collinear.
    """
    middle = x.mean()
    design = np.column_stack([np.ones_like(x), x - middle])
    turn = np.array([[1.0, middle], [0.0, 1.0]])  # from (alpha, beta) to centred ones
    back = np.linalg.inv(turn)
    prior = back.T @ np.diag(prior_precision) @ back
    precision = design.T @ design / sigma**2 + prior
    right = design.T @ y / sigma**2 + prior @ turn @ prior_mean
    centre = np.linalg.solve(precision, right)
    evidence = -len(y) * np.log(sigma) - 0.5 * np.linalg.slogdet(precision)[1]
    residual = y - design @ centre
    away = back @ centre - prior_mean
    evidence -= 0.5 * (residual @ residual / sigma**2 + away**2 @ prior_precision)
    return back @ centre, back @ np.linalg.inv(precision) @ back.T, evidence


def line_truth(x, y, prior_mean=(0.0, 0.0), prior_precision=(0.0, 0.0)):
    """A line with normal (or flat) priors on its coefficients and a flat one on its noise."""
    sigma = np.linspace(0.2, 5, 4_801) * np.std(y)
    given = [line_given(s, x, y, np.array(prior_mean), np.array(prior_precision)) for s in sigma]
    means, covariances, evidence = map(np.array, zip(*given, strict=True))
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    found = mixed(sigma, evidence, means, variances)
    return dict(zip(["alpha", "beta", "sigma"], found, strict=True))


SUMMER_PRIOR = {"prior_mean": (9.31290322580645, 0.0), "prior_precision": (1e-4, 900.0)}
INTEGRALS = {
    "schools": schools_truth,
    "kilpisjarvi": lambda: line_truth(YEARS.astype(float), np.array(SUMMERS), **SUMMER_PRIOR),
    "mesquite": lambda: line_truth(LOG_VOLUME, LOG_WEIGHT),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_figures_agree_with_the_integral(name):
    """So the data and the figures were typed as published. The control moves a mean by 0.1 sd."""
    truths = INTEGRALS[name]()
    for quantity, (mean, mean_error, square, square_error) in PUBLISHED[name].items():
        truth = truths[quantity]
        assert abs(mean - truth.mean) < LIMIT * mean_error
        assert abs(mean - truth.mean - 0.1 * truth.sd) > LIMIT * mean_error
        assert abs(square - truth.mean**2 - truth.sd**2) < LIMIT * square_error


# --- the engine -----------------------------------------------------------------------------------


def positive(name):
    """A positive scale with a flat prior, sampled by its logarithm; the normal cancels out."""
    log = pm.Normal(f"log_{name}", 0, 5)
    pm.Potential(f"{name}_is_flat", log + (log / 5) ** 2 / 2)
    return pm.math.exp(log)


def schools():
    """eight_schools_noncentered.stan."""
    effect = pm.Normal("effect", shape=8)
    mu = pm.Normal("mu", 0, 5)
    tau = positive("tau")
    pm.Potential("tau_is_half_cauchy", -pm.math.log1p((tau / 5) ** 2))
    pm.Normal("y", mu + tau * effect, np.array(SCHOOLS["sigma"]), observed=SCHOOLS["y"])


def kilpisjarvi():
    """kilpisjarvi.stan, with the priors of its data."""
    alpha = pm.Normal("alpha", 9.31290322580645, 100)
    beta = pm.Normal("beta", 0, 0.0333333333333333)
    pm.Normal("y", alpha + beta * YEARS, positive("sigma"), observed=SUMMERS)


def mesquite():
    """logmesquite_logvolume.stan, priors as good as flat."""
    alpha, beta = pm.Normal("alpha", 0, 1e4), pm.Normal("beta", 0, 1e4)
    pm.Normal("y", alpha + beta * LOG_VOLUME, positive("sigma"), observed=LOG_WEIGHT)


def pooled():
    """Partial pooling with known errors and fixed hyperparameters."""
    theta = pm.Normal("theta", 4, 6, shape=8)
    pm.Normal("y", theta, np.array(SCHOOLS["sigma"]), observed=SCHOOLS["y"])


def line():
    """Linear regression with known noise and normal priors."""
    alpha, beta = pm.Normal("alpha", 9, 2), pm.Normal("beta", 0, 0.05)
    pm.Normal("y", alpha + beta * (YEARS - 3990), 1.1, observed=SUMMERS)


def log_log():
    """Log-log regression with known noise and normal priors."""
    alpha, beta = pm.Normal("alpha", 0, 10), pm.Normal("beta", 0, 1)
    pm.Normal("y", alpha + beta * LOG_VOLUME, 0.4, observed=LOG_WEIGHT)


def pooled_truth():
    error = np.array(SCHOOLS["sigma"])
    precision = 1 / error**2 + 1 / 36
    means = (SCHOOLS["y"] / error**2 + 4 / 36) / precision
    return {f"theta[{j}]": Truth(means[j], precision[j] ** -0.5) for j in range(8)}


def known_line_truth(x, y, sigma, prior_mean, prior_sd):
    prior = np.array(prior_mean), np.array(prior_sd) ** -2.0
    mean, covariance, _ = line_given(sigma, x, np.array(y), *prior)
    return dict(zip(["alpha", "beta"], map(Truth, mean, np.diag(covariance) ** 0.5), strict=True))


ENGINE = {
    "pooled": (pooled, pooled_truth),
    "line": (line, lambda: known_line_truth(YEARS - 3990.0, SUMMERS, 1.1, (9, 0), (2, 0.05))),
    "log_log": (
        log_log,
        lambda: known_line_truth(LOG_VOLUME, LOG_WEIGHT, 0.4, (0, 0), (10, 1)),
    ),
    "schools": (schools, INTEGRALS["schools"]),
    "kilpisjarvi": (kilpisjarvi, INTEGRALS["kilpisjarvi"]),
    "mesquite": (mesquite, INTEGRALS["mesquite"]),
}


@pytest.fixture(scope="module")
def engine(compiled_code):
    """Draws of the engine, as the simulator samples, by name of the model and of the quantity."""
    kept = {}

    def sample(name):
        if name not in kept:
            write = ENGINE[name][0]
            with pm.Model() as model:
                write()
            text = [inspect.getsource(one) for one in (write, positive)]
            settings = load_scenario("base").with_sampler(draws=2500).sampler
            code, complete = density(model, text), completion(model)
            draws, statistics = posterior_draws(code, model, complete, settings, 11)
            kept[name] = quantities(draws), statistics
        return kept[name]

    return sample


def quantities(draws):
    """By element, in the units of the truths."""
    draws = {n.removeprefix("log_"): np.exp(a) if "log_" in n else a for n, a in draws.items()}
    if "effect" in draws:
        scaled = draws["tau"][..., None] * draws.pop("effect")
        draws["theta"] = draws["mu"][..., None] + scaled
    flat = {n: a for n, a in draws.items() if a.ndim == 2}
    return flat | {
        f"{n}[{j}]": a[..., j] for n, a in draws.items() if a.ndim == 3 for j in range(a.shape[2])
    }


def worst(found, truths):
    """Largest distance of a mean or sd from the truth, in its own Monte Carlo errors."""
    assert found.keys() == truths.keys()
    z = []
    for name, truth in truths.items():
        draws = found[name]
        z.append((draws.mean() - truth.mean) / array_stats.mcse(draws, method="mean"))
        z.append((draws.std() - truth.sd) / array_stats.mcse(draws, method="sd"))
    return np.abs(z).max()


@pytest.mark.parametrize("name", ENGINE)
def test_the_engine_finds_the_known_posterior(engine, name):
    """Means and sds at the budget above, and sds to a few percent."""
    found, statistics = engine(name)
    truths = ENGINE[name][1]()
    assert statistics["diverging"].sum() == 0
    assert worst(found, truths) < LIMIT
    for quantity, truth in truths.items():
        assert found[quantity].std() == pytest.approx(truth.sd, rel=0.06)


def test_errors_taken_for_twice_their_size_would_show(engine):
    """Negative control: the truth of another model, and a mean that is off by a tenth of an sd."""
    found, _ = engine("schools")
    assert worst(found, schools_truth(noise=2.0)) > LIMIT
    found, _ = engine("pooled")
    off = {
        n: truth._replace(mean=truth.mean + truth.sd / 10) for n, truth in pooled_truth().items()
    }
    assert worst(found, off) > LIMIT
