"""The joint model against the same density written out by hand, and its shape for any evidence."""

import numpy as np
import pymc as pm
import pytest
from pytensor.compile.mode import Mode
from scipy.integrate import quad
from scipy.special import erf, expit, logit
from scipy.stats import expon, norm, poisson, spearmanr, t

from simulator import load_scenario
from simulator.dates import decimal_year
from simulator.model import build
from simulator.observations import observe

BASE = load_scenario("base")
SOURCES = sorted({row["source"] for rows in BASE.evidence.tables.values() for row in rows})


def built(scenario):
    return build(scenario, observe(scenario.evidence, scenario.structure))


def evaluator(model, graphs):
    """A function of a point of the model that evaluates graphs without a compiler."""
    mode = Mode(linker="py", optimizer=None)
    function = pm.compile(model.value_vars, graphs, mode=mode, on_unused_input="ignore")
    return lambda point: function(*(point[v.name] for v in model.value_vars))


def evaluate_density(model):
    terms = evaluator(model, model.logp(sum=False))
    return lambda point: sum(term.sum() for term in terms(point))


def points(model, count):
    rng = np.random.default_rng(1)
    start = model.initial_point()
    shapes = {v.name: np.shape(start[v.name]) for v in model.value_vars}
    return [{n: rng.normal(0, 0.7, s) for n, s in shapes.items()} for _ in range(count)]


# --- the density, by hand -------------------------------------------------------------------------


def stated(belief, z):
    """A belief's value at a standard normal, from the words of the scenario file."""
    family = belief["family"]
    if family == "constant":
        return belief["value"]
    if family == "loguniform":
        low, high = np.log([belief["low"], belief["high"]])
        return np.exp(low + (high - low) * (1 + erf(z / np.sqrt(2))) / 2)
    unlink, link = {
        "normal": (np.asarray, np.asarray),
        "lognormal": (np.log, np.exp),
        "logitnormal": (lambda p: np.log(p / (1 - p)), expit),
    }[family]
    (p, low), (q, high) = ((float(f"0.{k[1:]}"), v) for k, v in belief["quantiles"].items())
    sd = (unlink(high) - unlink(low)) / (norm.ppf(q) - norm.ppf(p))
    return link(unlink(low) + sd * (z - norm.ppf(p)))


def ageing(age, years, remaining):
    return remaining * age + (1 - remaining) * years * (1 - np.exp(-age / years))


def in_log_odds(at, b, c, y, slope):
    curve = c["point_curve"]
    noise = b["curve_noise"] * np.exp(b["curve_noise_spread"] * at["curve_noise_effect"])
    mean = 0.05 * at["curve_level_z"][curve] + slope[curve] / 25 * c["point_compute_oom"]
    return t.logpdf(y["score_logit"], 4, mean, noise[curve]).sum()


def on_a_line(at, b, c, y, slope):
    curve = c["point_curve"]
    noise = b["curve_noise"] / 4 * np.exp(b["curve_noise_spread"] * at["curve_noise_effect"])
    mean = expit(0.05 * at["curve_level_z"])[curve] + slope[curve] / 100 * c["point_compute_oom"]
    return t.logpdf(y["score"], 4, mean, noise[curve]).sum()


def between_ends(at, b, c, y, slope):
    """ScaleRL's own form: start + (top - start) / (1 + 10**(-B (x - x_mid)))."""
    curve = c["point_curve"]
    noise = b["curve_noise"] / 4 * np.exp(b["curve_noise_spread"] * at["curve_noise_effect"])
    level = expit(0.05 * at["curve_level_z"])
    stray = b["asymptote_spread"] * at["curve_asymptote_share_effect"]
    top = level + (1 - level) * expit(logit(b["asymptote_share"]) + stray)
    stray = b["start_spread"] * at["curve_start_fraction_effect"]
    low = level * expit(logit(b["start_fraction"]) + stray)
    way = (level - low) / (top - low)
    steepness = slope[: len(top)] / (25 * (top - low) * np.log(10))
    middle = -np.log10(way / (1 - way)) / steepness
    away = c["point_compute_oom"] - middle[curve]
    share = 1 / (1 + 10 ** (-steepness[curve] * away))
    mean = low[curve] + (top - low)[curve] * share
    return t.logpdf(y["score"], 4, mean, noise[curve]).sum()


def around_a_trend(at, b, c, y, rate, shape):
    start = 2 * at["series_level_z"] - 1 + rate * ageing(c["series_middle_age"], *shape)
    series, noise = c["record_series"], b["record_noise_oom"]
    trend = start[series] - rate[series] * ageing(c["record_age"], *shape)
    return t.logpdf(y["record_oom_usd"], 4, trend, noise).sum()


def in_steps(at, b, c, y, rate, shape):
    """Poisson counts of the decline of each quarter over the mean fall, and exponential falls."""
    mean = b["record_drop_oom"]
    expected = [
        rate[series] * quad(lambda age: share_of_rate(age, *shape), low, high)[0] / mean
        for series, low, high in zip(
            c["quarter_series"], c["quarter_from"], c["quarter_to"], strict=True
        )
    ]
    counts = poisson.logpmf(y["records_in_quarter"], expected).sum()
    return counts + expon.logpdf(y["record_fall_oom"], scale=mean).sum()


def share_of_rate(age, years, remaining):
    return remaining + (1 - remaining) * np.exp(-age / years)


POINTS_OF_CURVES = {"logit": in_log_odds, "linear": on_a_line, "saturating": between_ends}
RECORDS = {"trend": around_a_trend, "staircase": in_steps}


def log_density(at, scenario):
    """Log density of a scenario like base at a point, one observation model after the other."""
    seen = observe(scenario.evidence, scenario.structure)
    c = {name: array for name, (_, array) in seen.constant.items()}
    y = {name: array for name, (_, array) in seen.observed.items()}
    z = {name.removesuffix("_z"): value for name, value in at.items()}
    r = 2 * np.sin(np.pi * 0.5 / 6)  # of the normals whose rank correlation is 0.5
    scores = z | {"inference_slope": r * z["rl_slope"] + np.sqrt(1 - r**2) * z["inference_slope"]}
    words = scenario.spec["prior"]
    b = {name: stated(words[name], scores[name]) for name in scenario.beliefs}
    ratio = b["rl_slope"] / b["inference_slope"]
    asked = scenario.forecast
    years = decimal_year(asked.today) - decimal_year(asked.algorithm_baseline)

    baseline = {
        "slope_ln": np.log(10) + at["baseline_slope_effect"],
        "ceiling_logit": -2 + 1.5 * at["baseline_ceiling_effect"],
    }
    scaled = {"curve_level_z": (0, 1.5 / 0.05)}

    def strayed(name, spread, mean=0.0, known=0.15):
        """What strays around a mean, from what is sampled of it."""
        sd = np.hypot(1, spread / known)
        part = spread / known / sd
        scaled[f"{name}_z"] = part * mean / known, sd
        return mean + spread * (at[f"{name}_z"] - part * mean / known) / sd

    slope_ln = np.log(10) + strayed(
        "recipe_slope_ln_of",
        b["recipe_slope_spread"],
        at["baseline_slope_effect"] + np.log(b["algorithm_slope_factor"]),
        0.05,
    )
    ceiling = -2 + strayed(
        "recipe_ceiling_logit_of",
        b["recipe_ceiling_spread"],
        1.5 * at["baseline_ceiling_effect"] + b["algorithm_ceiling_gain"],
    )
    benchmark = c["curve_benchmark"]
    lag = np.log(ratio) + strayed("benchmark_ratio_effect", b["benchmark_ratio_spread"])
    gain = np.log(b["algorithm_slope_factor"])
    seen_rl = c["system_is_rl"] * lag[c["system_benchmark"]] + c["system_is_today"] * gain
    progress = b["algorithm_shift_oom"] / years
    published = strayed("models_progress_oom_per_year", b["progress_transfer_spread"], progress)
    typical = np.log(b["inference_slope"] / 25)
    typical = strayed("benchmark_slope_ln", b["benchmark_slope_spread"], typical, 0.05)
    seen_in = typical[c["system_benchmark"]] + seen_rl
    seen_in = strayed("system_slope_ln", b["system_slope_spread"], seen_in)
    own = (np.log(25) + seen_in - seen_rl)[c["curve_system"]]
    own += c["curve_is_rl"] * lag[benchmark] + c["curve_is_today"] * gain
    points = np.exp(own)
    total = POINTS_OF_CURVES[scenario.structure.response](at, b, c, y, points)
    fitted = points[len(at["curve_level_z"]) :]
    if scenario.structure.response == "linear":
        total += norm.logpdf(y["slope_per_oom"], fitted / 100, c["slope_se"]).sum()
    else:
        total += norm.logpdf(y["slope_logit_per_oom"], fitted / 25, c["slope_se"]).sum()

    worth = np.log(ratio * b["pretraining_slope_factor"])
    error = np.hypot(c["exchange_se"], b["benchmark_ratio_spread"])
    total += norm.logpdf(y["exchange_ratio_ln"], worth, error).sum()

    steepest = np.append(baseline["slope_ln"], slope_ln)[c["recipe_family"]]
    total += norm.logpdf(y["recipe_slope_ln"], steepest, b["recipe_variant_spread"]).sum()
    top = 0.45 + 0.55 * expit(np.append(baseline["ceiling_logit"], ceiling))
    total += norm.logpdf(y["recipe_asymptote_score"], top[c["fitted_family"]], 0.0175).sum()
    saved = progress * c["new_family_years"]
    saved = saved + strayed("recipe_shift_effect", b["recipe_shift_spread"])
    reference = 3.3 + 0.5 * at["baseline_reference_effect"] - np.append(0, saved)
    reached = reference[c["fitted_family"]]
    total += norm.logpdf(y["recipe_compute_oom_hours"], reached, c["reference_se"]).sum()

    hardware = np.log10(b["hardware_decline_factor"])
    competition = np.log10(b["competition_decline_factor"])
    rate = np.where(c["rate_is_hardware"] == 1, hardware, published)
    rate = np.where(c["rate_is_competition"] == 1, competition, rate)
    error = np.hypot(c["rate_se"], b["progress_rate_spread"])
    total += norm.logpdf(y["progress_oom_per_year"], rate, error).sum()

    shape = b["decline_ageing_years"], b["decline_remaining_fraction"]
    at_debut = np.log10(b["cost_decline_factor"]) / ageing(1, *shape)
    strays = strayed("benchmark_decline_effect", b["decline_benchmark_spread"])
    by_benchmark = at_debut * np.exp(strays)
    own = np.exp(strayed("series_decline_effect", b["decline_series_spread"]))
    rate = by_benchmark[c["series_benchmark"]] * own
    total += RECORDS[scenario.structure.cost](at, b, c, y, rate, shape)

    span = c["factor_age_to"] - c["factor_age_from"]
    fallen = ageing(c["factor_age_to"], *shape) - ageing(c["factor_age_from"], *shape)
    bias = strayed("estimator_bias", b["estimator_spread_oom"])
    mean = by_benchmark[c["factor_benchmark"]] * fallen / span
    mean += bias[c["factor_estimator"]] - c["factor_without_hardware"] * hardware
    error = np.hypot(c["factor_se"], b["factor_noise_oom"])
    total += norm.logpdf(y["annual_factor_oom"], mean, error).sum()
    return total + sum(norm.logpdf(v, *scaled.get(name, (0, 1))).sum() for name, v in at.items())


@pytest.mark.parametrize("cost", RECORDS)
@pytest.mark.parametrize("response", POINTS_OF_CURVES)
def test_the_density_is_the_one_written_out_by_hand(response, cost):
    scenario = load_scenario("base", {"structure": {"response": response, "cost": cost}})
    model = built(scenario)
    density = evaluate_density(model)
    for point in points(model, 5):
        assert density(point) == pytest.approx(log_density(point, scenario), rel=1e-10)


# --- any evidence ---------------------------------------------------------------------------------


def test_without_evidence_nothing_is_observed():
    model = built(load_scenario("base", {"evidence.sources": "none"}))
    assert not model.observed_RVs
    assert {rv.name for rv in model.free_RVs} == {f"{name}_z" for name in BASE.beliefs}


@pytest.mark.parametrize("chosen", [("logit", "trend"), ("linear", "staircase"), ("saturating",)])
@pytest.mark.parametrize("source", SOURCES)
def test_each_source_alone_makes_a_model_of_its_own_observations(source, chosen):
    structure = dict(zip(("response", "cost"), chosen, strict=False))
    scenario = load_scenario("base", {"evidence.sources": [source], "structure": structure})
    model = built(scenario)
    seen = observe(scenario.evidence, scenario.structure)
    assert {rv.name for rv in model.observed_RVs} == seen.observed.keys()
    density = evaluate_density(model)
    assert all(np.isfinite(density(point)) for point in points(model, 2))


@pytest.mark.parametrize("scenario", ["base", "epoch-2026", "ord-2025", "skeptic"])
def test_every_shipped_scenario_has_a_finite_density(scenario):
    model = built(load_scenario(scenario))
    assert np.isfinite(evaluate_density(model)(points(model, 1)[0]))


# --- beliefs --------------------------------------------------------------------------------------

SLOPES = {"rl_slope": 10.0, "inference_slope": 20.0, "slope_ratio": 0.5}


def with_slopes(folder, names):
    lines = ['extends = "base"', 'name = "two"', "correlation = []", "[evidence]"]
    lines += ['sources = ["openai-o1"]']
    for name in names:
        unit = "1" if name == "slope_ratio" else "points per OOM"
        lines += [f"[prior.{name}]", 'family = "constant"', f"value = {SLOPES[name]}"]
        lines += [f'unit = "{unit}"', 'source = "judgement"', 'why = "a test"']
    path = folder / f"{'-'.join(names)}.toml"
    path.write_text("\n".join(lines))
    return load_scenario(path)


@pytest.mark.parametrize("left_out", SLOPES)
def test_any_two_slopes_imply_the_third_and_one_likelihood(tmp_path, left_out):
    names = [name for name in SLOPES if name != left_out]
    model = built(with_slopes(tmp_path, names))
    reference = built(with_slopes(tmp_path, ["inference_slope", "slope_ratio"]))
    drawn = points(model, 1)[0]
    third = pm.draw([model[name] for name in SLOPES], mode="FAST_COMPILE")
    assert third == pytest.approx([*SLOPES.values()])

    def likelihood(model):
        terms = evaluator(model, model.logp(model.observed_RVs, sum=False))
        at = drawn | dict.fromkeys((f"{name}_z" for name in SLOPES), np.array(0.3))
        return sum(term.sum() for term in terms(at))

    assert likelihood(model) == pytest.approx(likelihood(reference), rel=1e-12)


def test_correlated_beliefs_have_the_stated_rank_correlation(sampled):
    """Spearman's r of 40,000 independent pairs at z = 5: 6e-7 false alarms.

    The controls, a stated rank of 0.45 and a pair that nobody correlated, must fail.
    """
    prior = sampled("base", {"evidence.sources": "none"}, draws=10_000)["posterior"]

    def agrees(pair, rank):
        found = spearmanr(*(prior[name].values.ravel() for name in pair)).statistic
        error = (1 - rank**2) * np.sqrt((1 + rank**2 / 2) / 40_000)  # Bonett and Wright
        return abs(found - rank) < 5 * error

    assert agrees(("rl_slope", "inference_slope"), 0.5)
    assert not agrees(("rl_slope", "inference_slope"), 0.45)
    assert not agrees(("rl_slope", "curve_noise"), 0.5)


def test_prior_draws_have_the_stated_quantiles(sampled):
    """5 quantiles of 27 beliefs, 40,000 draws, at z = 5.5: 5e-6 false alarms.

    The control, the same beliefs with every normal shifted by 0.05, must fail.
    """
    prior = sampled("base", {"evidence.sources": "none"}, draws=10_000)["posterior"]
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.95])

    def worst(shift):
        z = []
        for name, belief in BASE.beliefs.items():
            if not belief.constant:
                cuts = np.array([belief.quantile(norm.cdf(norm.ppf(p) + shift)) for p in levels])
                below = (prior[name].values.ravel()[:, None] < cuts).mean(axis=0)
                z.append(np.abs(below - levels) / np.sqrt(levels * (1 - levels) / 40_000))
        return np.max(z)

    assert worst(0) < 5.5
    assert worst(0.05) > 5.5
