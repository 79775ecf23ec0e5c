"""Is the sampler honest? Data drawn from the model must rank its truths uniformly among the draws.

Each check has its control: a model that is wrong must fail what the right one passes.
"""

import json

import numpy as np
import pytest
import xarray as xr
from arviz_stats import ecdf_utils
from scipy.stats import kstest

from simulator import BadInput, calibration, cli, load_scenario
from simulator.calibration import KEPT, Calibration, calibrate
from simulator.graphs import densities
from simulator.inference import begin, predictions, prior_draws
from simulator.model import build
from simulator.model.replicas import replicated
from simulator.observations import observe
from simulator.uniformity import judge, staying

O1 = load_scenario("base", {"evidence.sources": ["openai-o1"]})
BINS = KEPT + 1
N = 200


def ranked(u):
    return np.floor(u * BINS).astype(int)


# --- the band -------------------------------------------------------------------------------------


def test_p_values_of_uniform_ranks_are_uniform():
    """500 of them, by Kolmogorov's test at 1e-6. The control, ranks shifted a little, must fail."""
    rng = np.random.default_rng(1)
    honest = rng.uniform(size=(500, N))

    def alarm(u):
        return kstest([judge(ranked(row), BINS).p_value for row in u], "uniform").pvalue < 1e-6

    assert not alarm(honest)
    assert alarm(honest**1.3)


@pytest.mark.parametrize("n", [20, 100, 500])
def test_the_band_covers_what_simulation_says(n):
    """ArviZ's own 90% band: 10,000 samples of ranks stay inside as often as the sum says.

    Five standard errors of 0.003. ArviZ rounds its bands to whole counts, so that its own 90% is
    only roughly one where these are few. The control is a band that is one count narrower.
    """
    points = np.arange(1, BINS) / BINS
    rng = np.random.default_rng(2)
    prob = ecdf_utils.simulate_confidence_bands(n, 1, points, 0.9, 2000, rng)
    low, high = (
        np.round(n * edge)[:, None]
        for edge in ecdf_utils.get_pointwise_confidence_band(prob, n, points)
    )
    counts = rng.multinomial(n, np.full(BINS, 1 / BINS), 10_000).cumsum(axis=1)[:, :-1, None]
    simulated = ((counts >= low) & (counts <= high)).all(axis=(1, 2)).mean()
    grid = np.arange(n + 1)
    assert staying((grid >= low) & (grid <= high)) == pytest.approx(simulated, abs=0.015)
    assert staying((grid >= low) & (grid < high)) != pytest.approx(simulated, abs=0.015)
    assert simulated == pytest.approx(0.9, abs=0.03 if n > 20 else 0.08)
    assert staying(np.ones((BINS - 1, n + 1))) == pytest.approx(1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda u: u**2, "posterior shifted up"),
        (lambda u: 1 - u**2, "posterior shifted down"),
        (lambda u: 0.5 + (u - 0.5) / 2, "posterior too wide"),
        (lambda u: np.clip(0.5 + (u - 0.5) * 1.5, 0, 0.999), "posterior too narrow"),
    ],
)
def test_biased_or_overconfident_ranks_fail_and_are_told_apart(wrong, words):
    honest = np.random.default_rng(2).uniform(size=N)
    assert judge(ranked(honest), BINS).p_value > 0.01
    verdict = judge(ranked(wrong(honest)), BINS)
    assert verdict.p_value < 1e-6
    assert verdict.direction == words


# --- ranks ----------------------------------------------------------------------------------------


def test_ties_are_broken_at_random_and_infinity_is_a_value_like_any_other():
    """Half of the draws infinite, and the truth too: ranks 50 to 99, each as likely."""
    draws = np.array([1.0] * 50 + [np.inf] * 49)
    rng = np.random.default_rng(3)
    found = np.bincount([calibration._rank(np.inf, draws, rng) for _ in range(5000)], minlength=100)
    assert not found[:50].any()
    assert np.abs(found[50:] - 100).max() < 60  # six standard errors
    assert calibration._rank(2.0, draws, rng) == 50


def test_a_replicated_model_observes_everything_twice():
    """With the same data the likelihood doubles; the first data stay when the second are set."""
    model = build(O1, observe(O1.evidence))
    draws = prior_draws(model, 1, (1, 5), "test")

    def likelihood():
        found = densities(model, model.observed_RVs)(draws)
        return [density.sum(axis=-1) for density in found.values()]

    (once,) = likelihood()
    replicated(model)
    np.testing.assert_allclose(likelihood(), [once, once])
    other = predictions(model, draws, "test", 1)["test"]["score_logit"].values[0, 0]
    model["observed_score_logit_again"].set_value(other)
    first, second = likelihood()
    np.testing.assert_allclose(first, once)
    assert (second != once).all()


# --- the whole ------------------------------------------------------------------------------------


class Counter:
    def __init__(self, stop=None):
        self.heard, self.stop = [], stop

    def stage(self, name):
        self.heard.append(name)

    def simulated(self, done, total, failed):
        self.heard.append(done)
        if done == self.stop:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def few(compiled_code):
    observer = Counter()
    found = calibrate(O1, 20, seed=5, truths="prior", observer=observer)
    return found, observer.heard


def test_an_honest_sampler_passes(few):
    found, heard = few
    assert heard == ["build", "compile", "simulate", *range(1, 21)]
    assert found.passed
    assert {"rl_slope", "slope_ratio", calibration.LIKELIHOOD} <= found.ranks.keys()
    assert "required_rl_multiplier_oom[100.0, new, today]" in found.ranks
    assert "rl_slope_z" not in found.ranks  # the belief itself, in other units
    assert all((rank >= 0).all() and (rank <= KEPT).all() for rank in found.ranks.values())


def test_neither_the_jobs_nor_the_number_of_simulations_changes_a_rank(few):
    found, _ = few
    again = calibrate(O1, 2, seed=5, jobs=1, truths="prior")
    shared = found.ranks.keys() & again.ranks.keys()
    assert shared
    for name in shared:
        np.testing.assert_array_equal(again.ranks[name], found.ranks[name][:2])


def test_a_sample_that_fails_is_drawn_anew_once_in_smaller_steps(few, monkeypatch):
    asked = []

    def heard(code, settings, seed, attempt, *, cores):
        asked.append((attempt, settings.target_accept))
        return begin(code, settings, seed, attempt, cores=cores)

    monkeypatch.setattr(calibration, "begin", heard)
    monkeypatch.setattr(calibration, "R_HAT", 0.0)  # nothing is good enough
    found = calibrate(O1, 2, seed=5, truths="prior")
    assert sorted(asked) == [(1, 0.8), (1, 0.8), (2, 0.95), (2, 0.95)]
    assert found.failed.all()


def test_data_noisier_than_the_model_believes_fail(compiled_code, monkeypatch):
    """Negative control: every truth is told with less noise than its data have."""

    def noisier(model, draws, group, seed):
        louder = draws | {"curve_noise_z": draws["curve_noise_z"] + 3}
        return predictions(model, louder, group, seed)

    monkeypatch.setattr(calibration, "predictions", noisier)
    found = calibrate(O1, 20, seed=5, truths="prior")
    assert not found.passed
    assert "curve_noise" in found.outside
    assert found.verdicts["curve_noise"].direction == "posterior shifted up"


def test_what_a_scenario_fixes_is_not_ranked(monkeypatch):
    monkeypatch.setattr(calibration, "density", lambda *_: None)  # compiling takes a minute
    fixed = load_scenario(
        "base", {"evidence.sources": ["openai-o1"], "prior.transfer_exponent.value": 1.0}
    )
    experiment = calibration._Experiment(fixed, 5, 1, "prior", Counter())
    assert "rl_slope" in experiment._free
    assert "transfer_exponent" in experiment._truth.keys() - experiment._free


def test_an_interrupt_ends_it(few):
    with pytest.raises(KeyboardInterrupt):
        calibrate(O1, 20, seed=5, truths="prior", observer=Counter(stop=1))


def test_without_evidence_there_is_nothing_to_calibrate():
    with pytest.raises(BadInput, match="nothing to infer from"):
        calibrate(load_scenario("base", {"evidence.sources": "none"}))


# --- the command ----------------------------------------------------------------------------------


def made(ranks, **others):
    usual = {"divergences": np.zeros(N, int), "r_hat": np.ones(N), "ess": np.full(N, 500.0)}
    return Calibration("base", 1, "prior", ranks, **(usual | others))


def called(monkeypatch, capsys, found, *arguments):
    monkeypatch.setattr(calibration, "calibrate", lambda *_: found)
    code = cli.run(["calibrate", "base", *arguments])
    return code, capsys.readouterr().out


HONEST = np.random.default_rng(4).integers(0, BINS, (3, N))


def test_the_command_says_that_all_is_inside_and_how_many_failed(monkeypatch, capsys):
    divergences = np.zeros(N, int)
    divergences[:7] = 1
    found = made(dict(zip("abc", HONEST, strict=True)), divergences=divergences)
    code, out = called(monkeypatch, capsys, found)
    assert code == 0
    first, second, *_ = out.splitlines()
    assert "all 3 quantities inside the simultaneous 99% bands, 200 simulations" in first
    assert second.startswith("7 of 200 simulations failed their own diagnostics, 7 with divergence")


def test_the_command_fails_and_names_what_is_outside(monkeypatch, capsys):
    found = made({"a": HONEST[0], "b": HONEST[1] // 2})
    code, out = called(monkeypatch, capsys, found)
    assert code == 3
    assert "1 of 2 quantities OUTSIDE the simultaneous 99% bands" in out.splitlines()[0]
    row = next(line for line in out.splitlines() if line.startswith("b "))
    assert row.endswith("posterior shifted up")
    code, out = called(monkeypatch, capsys, found, "--json")
    told = json.loads(out)
    assert (code, told["passed"], told["outside"]) == (3, False, ["b"])


def test_ranks_are_saved_and_sealed(monkeypatch, capsys, tmp_path):
    found = made({"a": HONEST[0], "b": HONEST[1]}, r_hat=np.full(N, np.nan))
    assert found.failed.all()
    code, out = called(monkeypatch, capsys, found, "--into", str(tmp_path))
    assert code == 0
    path = tmp_path / "calibration-base"
    assert out.splitlines()[-1] == str(path)
    with xr.open_dataset(path / "ranks.nc") as table:
        np.testing.assert_array_equal(table["rank"].sel(quantity="b"), HONEST[1])


def test_a_folder_that_takes_no_ranks_is_refused_before_any_sampling(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(calibration, "calibrate", lambda *_: pytest.fail("sampled"))
    (tmp_path / "file").touch()
    assert cli.run(["calibrate", "base", "--into", str(tmp_path / "file" / "ranks")]) == 2
    assert "--into" in capsys.readouterr().err


# --- slow -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("truths", ["prior", "posterior"])
def test_the_o1_panels_are_calibrated(compiled_code, truths):
    """One false alarm in 100, shared among all quantities."""
    found = calibrate(O1, 100, seed=7, truths=truths)
    assert not found.outside
