"""What moves the answer: against closed forms, against ArviZ, and against a refit."""

import json
from dataclasses import replace

import arviz as az
import made
import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm, spearmanr

from simulator import cli, importance, load_scenario, open_run, simulate
from simulator.average import average
from simulator.faults import BadInput
from simulator.observations import observe
from simulator.scenario import sealed_scenario
from simulator.sensitivity import (
    gist,
    learning,
    medians,
    power,
    sensitivity,
    sources,
    tornado_rows,
)
from simulator.sensitivity.given import blocks, given, group, scale
from simulator.sensitivity.shares import shares

SHAPE = 4, 1000
BLOCK = blocks(*SHAPE)
SURE = 4.5  # standard errors from 20 blocks, t with 19 degrees: 1 in 4,000 beyond, either side


def correlated(rho, seed=1, count=3, shape=SHAPE):
    """Standard normals (count, sample), the first two correlated."""
    z = np.random.default_rng(seed).standard_normal((count, shape[0] * shape[1]))
    z[1] = rho * z[0] + np.sqrt(1 - rho**2) * z[1]
    return z


def within(estimate, truth, sure=SURE):
    return abs(estimate.value - truth) <= sure * estimate.error + 1e-12


# --- variance shares ------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0.0, 0.7, -0.9])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shares_of_a_linear_gaussian_model_are_the_closed_form(rho, seed):
    """36 comparisons at 1 in 2,000: a false alarm in 1 of 50 changes of seeds."""
    x = correlated(rho, seed)
    a, cov = np.array([1.0, 2.0, 0.5]), np.eye(3)
    cov[0, 1] = cov[1, 0] = rho
    y = a @ x + np.random.default_rng(seed + 100).standard_normal(x.shape[1])
    whole = a @ cov @ a + 1
    found = shares(dict(zip("abc", x, strict=True)), y[None], BLOCK)
    first, total = (cov @ a) ** 2 / whole, a**2 / np.diag(np.linalg.inv(cov)) / whole
    for i, name in enumerate("abc"):
        assert within(found.first[name], first[i])
        assert within(found.total[name], total[i])
    assert within(found.together, (whole - 1) / whole)
    assert found.together.error < 0.02
    if rho == 0.7:  # the shares of independent beliefs would not do
        assert not within(found.first["a"], a[0] ** 2 / whole)


def test_an_interaction_shows_in_the_total_only():
    x = correlated(0.0, count=2)
    found = shares(dict(zip("ab", x, strict=True)), (x[0] * x[1])[None], BLOCK)
    assert within(found.first["a"], 0.0)
    assert found.total["a"].value == pytest.approx(1.0, abs=0.02)


def test_shares_feel_only_ranks_of_beliefs():
    x = correlated(0.3)
    y = (x[0] + x[2])[None]
    one = shares({"a": x[0], "b": x[1]}, y, BLOCK)
    other = shares({"a": np.exp(3 * x[0]), "b": x[1] ** 3}, y, BLOCK)
    assert one.total["a"].value == pytest.approx(other.total["a"].value)
    assert one.rank["b"].value == pytest.approx(spearmanr(x[1], y[0]).statistic, abs=0.003)


def test_errors_hold_autocorrelation_and_many_columns():
    """40 slow chains that tell nothing: shares are zero within their errors, and errors are real.

    Of 400 shares 1 in 100 may lie beyond 3 errors, 12 at the most (1 in 4,000 by chance). Counting
    every draw as independent is the control that must fail.
    """
    far = naive = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        steps = rng.standard_normal((11, *SHAPE))
        z = np.zeros_like(steps)
        for i in range(1, SHAPE[1]):
            z[..., i] = 0.8 * z[..., i - 1] + 0.6 * steps[..., i]
        flat = z.reshape(11, -1)
        found = shares({str(i): x for i, x in enumerate(flat[1:])}, flat[:1], BLOCK)
        far += sum(not within(one, 0.0, 3.0)[0] for one in found.first.values())
        plain = [np.corrcoef(x, flat[0])[0, 1] * np.sqrt(flat[0].size) for x in flat[1:]]
        naive += sum(abs(r) > 3 for r in plain)
    assert far <= 12
    assert naive > 12


def test_implied_beliefs_and_too_few_draws_have_no_total():
    x = correlated(0.5, shape=(4, 20))
    named = dict(zip("abc", x, strict=True))
    few = shares(named, x[:1], blocks(4, 20))
    assert few.total.keys() == {"a", "b", "c"}  # straight lines, one column each
    many = {str(i): x[0] + i * x[1] for i in range(9)}
    assert shares(many, x[:1], blocks(4, 20)).total == {}
    assert shares(named, x[:1], blocks(4, 20), frozenset("c")).total.keys() == {"a", "b"}
    assert shares({}, x[:1], blocks(4, 20)).together is None


def test_blocks_are_alike_and_within_chains():
    found = blocks(4, 1003).reshape(4, 1003)
    sizes = np.unique(found, return_counts=True)[1]
    assert len(sizes) == 20
    assert np.ptp(sizes) <= 1
    assert all(np.ptp(row) == 4 for row in found)
    assert blocks(1, 7).tolist() == [0, 1, 2, 3, 4, 5, 6]


# --- learning, tornado ----------------------------------------------------------------------------


@pytest.mark.parametrize("slope", [0.0, 0.5, 2.0])
def test_learning_narrows_a_gaussian_by_what_the_closed_form_says(slope):
    x = correlated(0.0, 5, 2)
    y = slope * x[0] + x[1]
    found = learning.narrower({"a": x[0]}, y[None], BLOCK)["a"]
    truth = 1 - 1 / np.sqrt(1 + slope**2)
    assert abs(found.value[0] - truth) < SURE * found.error[0] + 0.005  # bins of 200 draws
    assert found.error < 0.03


def test_conditional_medians_are_those_of_the_closed_form():
    x = correlated(0.0, 6, 2)
    low, high = learning.conditional_medians(2 * x[0] + x[1], x[0])
    errors = learning.conditional_error(2 * x[0] + x[1], x[0])
    for found, z, error in zip((low, high), norm.ppf([0.05, 0.95]), errors, strict=True):
        assert abs(found - 2 * z) < SURE * error + 2 * 0.06  # draws further out than the quantile
    assert learning.conditional_medians(np.where(x[0] > 1, np.inf, x[1]), x[0])[1] == np.inf


def test_ranks_are_used_where_draws_are_infinite_and_logs_for_factors():
    draws = np.array([1.0, 10.0, np.inf, np.inf])
    assert scale(draws, "years")[1] == "rank"
    assert scale(draws, "years")[0].tolist() == [0.125, 0.375, 0.75, 0.75]
    assert scale(draws[:2], "OOM USD")[0].tolist() == [1.0, 10.0]
    assert scale(draws[:2], "x per year")[0].tolist() == [0.0, 1.0]
    assert scale(np.array([0.0, 2.0]), "x")[1] == "rank"


# --- power-scaling --------------------------------------------------------------------------------


def conjugate(prior_sd, data_mean, data_sd, seed=1, mean=0.0):
    """Exact posterior draws of a normal mean, and both log densities."""
    precision = prior_sd**-2 + data_sd**-2
    centre = (mean * prior_sd**-2 + data_mean * data_sd**-2) / precision
    z = np.random.default_rng(seed).standard_normal(SHAPE[0] * SHAPE[1])
    x = centre + z / np.sqrt(precision)
    densities = {
        "prior": norm.logpdf(x, mean, prior_sd),
        "data": norm.logpdf(x, data_mean, data_sd),
    }
    return x, densities


@pytest.mark.parametrize(
    ("prior_sd", "data_mean", "data_sd", "said"),
    [
        (1.0, 6.0, 1.0, "prior and data disagree"),
        (1.0, -4.0, 0.7, "prior and data disagree"),
        (20.0, 1.0, 1.0, "informed by data"),
        (1.0, 0.0, 20.0, "mostly your prior"),
    ],
)
def test_a_planted_conflict_is_said_and_agreement_is_not(prior_sd, data_mean, data_sd, said):
    for seed in range(10):
        x, densities = conjugate(prior_sd, data_mean, data_sd, seed)
        found = power.powers(densities, x[None], SHAPE)
        assert power.diagnosis(found["prior"], found["data"]) == [said]


def test_beliefs_and_data_of_one_voice_never_disagree():
    """30 samples of two equal voices; the control is the same with one of them shifted."""

    def said(apart):
        each = (conjugate(1.0, apart, 1.0, seed) for seed in range(30))
        found = [power.powers(densities, x[None], SHAPE) for x, densities in each]
        return [power.diagnosis(one["prior"], one["data"])[0] for one in found]

    assert said(0.1).count("prior and data disagree") == 0
    assert said(3.0).count("prior and data disagree") == 30


def test_unrelated_densities_raise_no_alarm_however_large():
    """300 outputs, 1 in 1,000 each by two criteria: 4 at the most, 1 in 300 by chance.

    The control is the threshold alone, which sees an effect in nearly all of them.
    """
    rng = np.random.default_rng(3)
    outputs = rng.standard_normal((20, SHAPE[0] * SHAPE[1]))
    found = power.powers(
        {str(i): 15 * rng.standard_normal(outputs.shape[1]) for i in range(15)}, outputs, SHAPE
    )
    assert sum(one.sensitive.sum() for one in found.values()) <= 4
    assert sum((one.sensitivity >= power.SENSITIVE).sum() for one in found.values()) > 200


def test_noise_that_would_hide_an_effect_is_not_taken_for_none():
    rng = np.random.default_rng(5)
    x, faint, loud = (sd * rng.standard_normal(4000) for sd in (1.0, 1.0, 20.0))
    found = power.powers({"faint": faint, "loud": loud}, x[None], SHAPE)
    assert found["loud"].noise > power.SENSITIVE > found["faint"].noise
    assert power.diagnosis(found["faint"], found["faint"]) == ["neither moves it"]
    assert power.diagnosis(found["faint"], found["loud"]) == ["too noisy to tell"]


def test_noise_is_that_of_unrelated_densities():
    rng = np.random.default_rng(4)
    outputs = np.array([rng.standard_normal(4000), rng.exponential(size=4000)])
    each = [power.powers({"p": 5 * rng.standard_normal(4000)}, outputs, SHAPE)["p"]
            for _ in range(30)]  # fmt: skip
    seen = np.sqrt(np.mean([np.square(one.sensitivity) for one in each], axis=0))
    assert seen == pytest.approx(each[0].noise, rel=0.5)
    pulls = np.std([one.pull for one in each], axis=0)
    assert pulls == pytest.approx(each[0].pull_error, rel=0.45)


def test_sensitivity_is_that_of_arviz():
    x, densities = conjugate(1.0, 2.0, 1.0)
    tree = xr.DataTree.from_dict(
        {
            "posterior": made_dataset(x=x),
            "log_prior": made_dataset(x=densities["prior"]),
            "log_likelihood": made_dataset(y=densities["data"]),
        }
    )
    found = power.powers(densities, x[None], SHAPE)
    for ours, theirs in (("prior", "prior"), ("data", "likelihood")):
        assert found[ours].sensitivity[0] == pytest.approx(
            float(az.psense(tree, group=theirs)["x"])
        )


def made_dataset(**flat):
    arrays = {name: (("chain", "draw"), x.reshape(SHAPE)) for name, x in flat.items()}
    return xr.Dataset(arrays, {"chain": np.arange(SHAPE[0]), "draw": np.arange(SHAPE[1])})


def test_what_does_not_vary_moves_nothing():
    x, _ = conjugate(1.0, 0.0, 1.0)
    found = power.powers({"flat": np.zeros(x.size)}, x[None], SHAPE)["flat"]
    assert not found.sensitive.any()
    assert not found.unclear.any()


# --- sources --------------------------------------------------------------------------------------

FORMS = [(r, c) for r in ("logit", "linear", "saturating") for c in ("staircase", "trend")]


@pytest.mark.parametrize(("response", "cost"), FORMS)
def test_the_source_of_each_observation_is_the_one_whose_rows_it_is_made_of(response, cost):
    """Each source's rows are changed in turn, and the observations that follow must be its own."""
    scenario = load_scenario("base", {"structure.response": response, "structure.cost": cost})
    whole = observe(scenario.evidence, scenario.structure)
    of = sources.labelled(scenario.evidence, whole)
    assert {n: len(labels) for n, labels in of.items()} == {
        n: array.size for n, (_, array) in whole.observed.items()
    }
    for source in sorted({one for labels in of.values() for one in labels}):
        rows = {
            table: tuple(nudged(row) if row["source"] == source else row for row in rows)
            for table, rows in scenario.evidence.tables.items()
        }
        other = observe(scenario.evidence._replace(tables=rows), scenario.structure)
        for name, (_, array) in whole.observed.items():
            if name != "records_in_quarter":  # which no cost moves
                changed = array != other.observed[name][1]
                assert (changed == (of[name] == source)).all(), (name, source)


def nudged(row):
    """The row with other values, in the same order."""
    new = dict(row)
    for name in ("score", "slope_logit_per_oom", "asymptote", "factor"):
        if name in row:
            new[name] = row[name] * 1.001
    if "training_oom_low" in row:
        new["training_oom_low"] = row["training_oom_low"] * 0.99
    if "cost_usd" in row:  # the later the more, so that falls change too
        by = 1 + row["date"].toordinal() % 97 / 1000
        new["cost_usd"] = row["cost_usd"] and row["cost_usd"] * by
        new["output_tokens"] = row["output_tokens"] and row["output_tokens"] * by
    if row.get("c_mid_gpu_hours"):
        new["c_mid_gpu_hours"] = row["c_mid_gpu_hours"] * 1.01
    return new


def test_a_series_of_two_sources_cannot_be_weighted_apart():
    scenario = load_scenario("base")
    assert sources.inseparable(scenario, ["arcprize"]) == ""
    records = scenario.evidence.rows("cost_records")
    series = [row for row in records if row["series"] == records[0]["series"]]
    mixed = tuple({**row, "source": "tan-rl"} if row in series[1::2] else row for row in records)
    tables = scenario.evidence.tables | {"cost_records": mixed}
    other = replace(scenario, evidence=scenario.evidence._replace(tables=tables))
    assert "changes without it" in sources.inseparable(other, ["tan-rl"])


def test_densities_of_sources_add_up_to_the_likelihood(base_run):
    scenario = sealed_scenario(base_run.path)
    log = group(base_run, "log_likelihood")
    of = sources.labelled(scenario.evidence, observe(scenario.evidence, scenario.structure))
    found = sources.densities(log, of)
    whole = sum(v.sum([d for d in v.dims if d not in ("chain", "draw")]) for v in log.values())
    assert sum(found.values()) == pytest.approx(whole.values.ravel())
    assert found.keys() == {row["source"] for t in scenario.evidence.tables.values() for row in t}


def test_weights_leave_a_source_out_as_the_closed_form_does():
    """Two sources of a normal mean; medians of 100 samples, by the error that is shown."""
    scaled = []
    for seed in range(100):
        x, densities = conjugate(1.0, 1.0, 2.0, seed)
        rest, _ = conjugate(1.0, 1.0, 2.0, seed)
        found = importance.smoothed(-densities["data"].reshape(SHAPE))
        assert found.good
        weights = np.exp(found.log).ravel()
        error = medians.shift_error(x, weights, BLOCK)
        shift = medians.quantile(x, weights, 0.5) - medians.quantile(rest, None, 0.5)
        scaled.append((shift + 0.2) / error)  # from 0.2 back to the prior's 0
    assert abs(np.mean(scaled)) < 0.6  # smoothing of the largest weights is a bias
    assert 0.7 < np.std(scaled) < 1.4


def test_a_median_with_infinite_draws_around_has_no_error():
    x = np.where(np.arange(4000) % 2, np.inf, np.linspace(0, 1, 4000))
    assert medians.shift_error(x, np.full(4000, 1 / 4000), BLOCK) is None
    assert medians.moved(x, np.inf) == 0.25
    assert medians.quantile(x, None, 0.75) == np.inf


def test_a_source_left_out_by_weights_is_as_a_refit_finds_it(base_run, tmp_path):
    """Medians of all headline outputs, within 4 standard errors of the difference: 1 in 500."""
    found = sensitivity(base_run)
    fit = [one["source"] for one in found.sources if not one["weights_fail"]]
    assert fit
    scenario = sealed_scenario(base_run.path)
    rest = [s for s in sources.used(scenario.evidence) if s != fit[0]]
    less = sources.reduced(base_run, rest, sources.changes(scenario, rest))
    again = simulate(less, base_run.seed + 1, into=tmp_path)
    medians_again = {json.dumps([r["quantity"], r["coords"]]): r for r in again.rows}
    compared = 0
    for output in found.outputs:
        one = next(s for s in output["sources"] if s["source"] == fit[0])
        other = medians_again[json.dumps([output["quantity"], output["coords"]])]
        own = next(r for r in base_run.rows if (r["quantity"], r["coords"]) == key(output))
        if None in (one["q50"], other["q50"], one["shift_error"], other["mcse_q50"]):
            continue
        error = np.hypot(np.hypot(one["shift_error"], own["mcse_q50"]), other["mcse_q50"])
        assert abs(one["q50"] - other["q50"]) <= 4 * error, output["label"]
        compared += 1
    assert compared > 10


def key(row):
    return row["quantity"], row["coords"]


# --- runs -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moved(base_run):
    return sensitivity(base_run)


def test_a_run_says_what_moves_each_headline(base_run, moved):
    json.dumps(moved.to_json(), allow_nan=False)
    by_label = {f"{o['heading']}, {o['label']}": o for o in moved.outputs}
    ratio = by_label["RL compute for 100x inference, new benchmark, o1-era recipe"]
    assert ratio["beliefs"][0]["belief"] == "slope_ratio"
    assert ratio["beliefs"][0]["low"] > ratio["q50"] > ratio["beliefs"][0]["high"]
    assert ratio["scale"] == "OOM"
    assert {o["scale"] for o in moved.outputs if o["unit"] == "years"} == {"rank"}
    for output in moved.outputs:
        for one in output["beliefs"]:
            assert -0.1 < one["first"] < 1
            assert one["first_error"] > 0
    refits = [one["refit"] for one in moved.sources if one["weights_fail"]]
    assert all("--evidence" in command for command in refits)


def test_the_gist_is_what_all_of_it_says(base_run, moved):
    for short, full in zip(gist(base_run), moved.outputs, strict=True):
        beliefs = [{name: one[name] for name in ("belief", "first")} for one in full["beliefs"]]
        kept = {name: full[name] for name in ("heading", "label", "diagnosis")}
        assert short == kept | {"beliefs": beliefs}


def test_the_tornado_has_the_longest_bar_first(base_run):
    rows = tornado_rows(base_run, "required_rl_multiplier_oom")
    assert rows[0].keys() >= {"label", "low", "base", "high", "unit"}
    assert len({row["base"] for row in rows}) == 1


def test_a_run_without_evidence_rests_on_its_prior_alone(tmp_path, capsys):
    scenario = load_scenario("base", {"evidence.sources": "none"}).with_sampler(draws=500)
    run = simulate(scenario, into=tmp_path)
    found = sensitivity(run, ["required_rl_multiplier_oom"])
    assert {one["diagnosis"] for one in found.outputs} == {"your prior alone"}
    assert found.sources == []
    assert all(one["data"] is None for one in found.outputs)
    assert cli.run(["sensitivity", str(run.path)]) == 0
    assert "your prior alone" in capsys.readouterr().out


def test_a_failed_run_says_so_first(tmp_path, capsys):
    run = made.seal(tmp_path, passed=False)
    assert cli.run(["sensitivity", str(run.path)]) == 0
    assert "FAILED 1 of 1 checks" in capsys.readouterr().out.splitlines()[0]


def test_infinite_draws_are_ranked(tmp_path):
    z = np.random.default_rng(1).standard_normal(made.SHAPE)
    run = made.seal(tmp_path, outputs=made.forecast(5 + z, years=np.where(z > 0, np.inf, 4 + z)))
    found = sensitivity(run, ["years_to_threshold"])
    (output,) = found.outputs
    assert output["scale"] == "rank"
    (ratio,) = output["beliefs"]
    assert ratio["high"] is None
    assert ratio["first"] > 0.7
    json.dumps(found.to_json(), allow_nan=False)


def test_an_output_is_called_by_words_of_its_quantity_or_label(tmp_path):
    run = made.seal(tmp_path)
    for words in ("multiplier", "required_rl_multiplier_oom", "rl COMPUTE"):
        assert {row["quantity"] for row in given(run, [words]).rows} == {
            "required_rl_multiplier_oom"
        }


def test_an_average_is_refused_with_the_runs_to_ask(tmp_path):
    runs = [made.seal(tmp_path, seed=i) for i in (1, 2)]
    with pytest.raises(BadInput) as caught:
        sensitivity(average(runs, into=tmp_path))
    assert runs[0].id in caught.value.faults[0].fix


def test_what_is_asked_for_must_exist_and_vary(tmp_path, capsys):
    run = made.seal(tmp_path)
    assert cli.run(["sensitivity", str(run.path), "--output", "nothing of this"]) == 2
    assert "is no output of this run" in capsys.readouterr().err
    assert cli.run(["sensitivity", str(run.path), "--into", "figure.pdf"]) == 2
    constant = made.seal(tmp_path, outputs=made.forecast(np.full(made.SHAPE, 4.0)))
    with pytest.raises(BadInput, match="the same value at every draw"):
        given(constant)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_command_prints_one_object_and_draws_a_tornado(tmp_path, capsys, kind):
    run = made.seal(tmp_path)
    file = tmp_path / f"tornado.{kind}"
    assert cli.run(["sensitivity", str(run.path), "--json", "--into", str(file)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["run"] == run.id
    assert found["figure"] == str(file)
    assert file.stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name]


def test_a_refit_is_made_once(tmp_path):
    scenario = load_scenario("base", {"evidence.sources": "none"}).with_sampler(draws=20)
    one = sources.refitted(scenario, 1, tmp_path, None)
    assert sources.refitted(scenario, 1, tmp_path, None).path == one.path
    other = replace(scenario).with_sampler(draws=21)
    assert sources.refitted(other, 1, tmp_path, None).path != one.path


def test_refits_are_used_where_weights_fail(tmp_path):
    chosen = {"evidence.sources": ["openai-o1", "composer", "villalobos"]}
    run = simulate(load_scenario("base", chosen).with_sampler(draws=250, tune=250), into=tmp_path)
    asked = ["new benchmark, o1-era recipe"]
    before, after = sensitivity(run, asked), sensitivity(run, asked, refit=True, into=tmp_path)
    failed = [one["source"] for one in before.sources if one["weights_fail"]]
    assert "openai-o1" in failed
    by_source = {one["source"]: one for one in after.outputs[0]["sources"]}
    assert {name for name, one in by_source.items() if one["by"] == "refit"} == {*failed}
    assert all(one["by"] is None for one in before.outputs[0]["sources"] if one["source"] in failed)
    without = next(one for one in after.sources if one["source"] == "openai-o1")
    again = open_run(without["refitted"])
    assert {row["source"] for row in read_rows(again)} == {"composer", "villalobos"}
    row = next(r for r in again.rows if key(r) == key(after.outputs[0]))
    assert by_source["openai-o1"]["q50"] == row["q50"]
    assert by_source["openai-o1"]["shift"] == pytest.approx(row["q50"] - after.outputs[0]["q50"])


def read_rows(run):
    return [row for rows in sealed_scenario(run.path).evidence.tables.values() for row in rows]
