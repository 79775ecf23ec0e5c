"""Evidence rows as arrays, each number worked out by hand or from the published figure."""

import datetime as dt
import random

import numpy as np
import pytest

from simulator import load_scenario
from simulator.evidence import Evidence
from simulator.observations import observe
from simulator.observations.arrays import UNSTATED_SE, Z90

DAY = dt.date(2025, 1, 1)


@pytest.fixture(scope="module")
def base():
    return load_scenario("base").evidence


@pytest.fixture(scope="module")
def observed(base):
    return observe(base)


def evidence(**tables):
    return Evidence({name: tuple(rows) for name, rows in tables.items()}, {})


def record(series, year, cost=None, *, tokens=None, price=None, benchmark="aime", until=2026):
    return {
        "source": "s",
        "date": dt.date(year, 1, 1),
        "series": series,
        "benchmark": benchmark,
        "cost_usd": cost,
        "output_tokens": tokens,
        "usd_per_million_tokens": price,
        "observed_until": dt.date(until, 1, 1),
    }


def factor(factor, q05=None, q95=None, *, estimator="grid", start=0.0, end=1.0):
    return {
        "source": "s",
        "date": DAY,
        "benchmark": "gpqa",
        "series": "all",
        "estimator": estimator,
        "factor": factor,
        "q05": q05,
        "q95": q95,
        "age_from_years": start,
        "age_to_years": end,
    }


def test_a_system_is_known_by_its_inference_or_else_by_its_first_rl_curve(base):
    """o1 was drawn in both kinds, RL first; the others of RL in that alone."""
    found = observe(base)
    kinds = (found.constant[name][1] for name in ("system_is_rl", "system_is_today"))
    known = dict(zip(found.coords["system"].tolist(), zip(*kinds, strict=True), strict=True))
    assert known["aime: o1"] == (0, 0)
    assert known["cursorbench: composer"] == known["aime: scalerl_8b"] == (1, 1)
    assert known["math: tan_7b"] == (1, 0)
    assert sum(rl for rl, _ in known.values()) == 6


def test_no_evidence_leaves_no_arrays():
    assert not any(observe(load_scenario("base", {"evidence.sources": "none"}).evidence))


@pytest.mark.parametrize("table", ["response_points", "response_slopes", "cost_records"])
def test_an_absent_table_leaves_its_arrays_out(base, observed, table):
    rest = observe(base._replace(tables=base.tables | {table: ()}))
    gone = {"response_points": "score_logit", "response_slopes": "slope_logit_per_oom"}
    assert observed.observed.keys() - rest.observed.keys() == (
        {gone[table]} if table in gone else {"record_oom_usd"}
    )


def test_every_array_spans_the_labels_of_its_dimension(observed):
    for dim, array in (observed.constant | observed.observed).values():
        assert array.shape == (observed.of(dim),)
        assert np.isfinite(array).all()


def test_labels_are_unique(observed):
    for labels in observed.coords.values():
        assert len(set(labels.tolist())) == len(labels)


# --- curves ---------------------------------------------------------------------------------------


def test_the_o1_panels_are_two_centred_curves_of_one_benchmark_and_one_system():
    panels = observe(load_scenario("base", {"evidence.sources": ["openai-o1"]}).evidence)
    assert panels.coords["curve"].tolist() == ["o1_train", "o1_test"]
    assert panels.coords["benchmark"].tolist() == ["aime"]
    assert panels.coords["system"].tolist() == ["aime: o1"]
    assert panels.constant["curve_is_rl"][1].tolist() == [1, 0]
    curve, x = panels.constant["point_curve"][1], panels.constant["point_compute_oom"][1]
    assert np.bincount(curve).tolist() == [8, 7]
    assert np.bincount(curve, x) == pytest.approx([0, 0], abs=1e-12)
    assert x[7] - x[0] == pytest.approx(np.log10(85.2511 / 1.11738))
    assert panels.observed["score_logit"][1][0] == pytest.approx(np.log(0.3298 / 0.6702))


def test_fitted_slopes_are_curves_after_the_drawn_ones(base, observed):
    drawn, slopes = observed.of("drawn_curve"), base.rows("response_slopes")
    assert observed.coords["curve"][drawn:].tolist() == observed.coords["slope"].tolist()
    assert observed.observed["slope_logit_per_oom"][1].tolist() == [
        row["slope_logit_per_oom"] for row in slopes
    ]
    benchmark = observed.coords["benchmark"][observed.constant["curve_benchmark"][1][drawn:]]
    assert benchmark.tolist() == [row["benchmark"] for row in slopes]


# --- exchange rates -------------------------------------------------------------------------------


def test_an_exchange_rate_is_the_log_ratio_at_the_middle_of_its_range(observed):
    # 1-2 OOM of inference for one of training; 5-6 for 3-4; one for a half to one.
    low, high = np.log([1, 5 / 4, 1]), np.log([2, 2, 2])
    assert observed.observed["exchange_ratio_ln"][1] == pytest.approx((low + high) / 2)
    assert observed.constant["exchange_se"][1] == pytest.approx((high - low) / (2 * Z90))


# --- recipes --------------------------------------------------------------------------------------


def fitted(observed, name, recipe):
    """What was published of one of the five curves."""
    at = observed.coords["fitted_recipe"].tolist().index(recipe)
    return (observed.constant | observed.observed)[name][1][at]


def test_scale_rl_is_steeper_than_the_baseline_by_its_published_curve(observed):
    # 25 ln 10 (A - R0) B: 23.7 points per OOM over 5.9
    slope = np.exp(observed.observed["recipe_slope_ln"][1])
    named = dict(zip(observed.coords["recipe"].tolist(), slope, strict=True))
    factor = named["ScaleRL"] / named["DeepSeek (GRPO)"]
    assert factor == pytest.approx((0.209 * 1.97) / (0.088 * 1.17))
    assert factor == pytest.approx(23.7 / 5.9, rel=0.01)


def test_scale_rl_reaches_45_percent_with_1419_gpu_hours_instead_of_2138(observed):
    # Printed to two or three digits, the curves give these to 1%.
    for recipe, hours in {"ScaleRL": 1419, "DeepSeek (GRPO)": 2138}.items():
        oom = fitted(observed, "recipe_compute_oom_hours", recipe)
        assert oom == pytest.approx(np.log10(hours), abs=0.005)


def test_asymptotes_are_as_published(observed):
    assert fitted(observed, "recipe_asymptote_score", "ScaleRL") == 0.610
    assert fitted(observed, "recipe_asymptote_score", "DeepSeek (GRPO)") == 0.490


def test_a_seed_moves_the_compute_to_a_score_by_its_points_over_the_slope(observed):
    # 1.75 points: 0.074 OOM where a curve gains 23.7 points per OOM, 0.295 where it gains 5.9
    assert fitted(observed, "reference_se", "ScaleRL") == pytest.approx(0.0739, rel=0.01)
    assert fitted(observed, "reference_se", "DeepSeek (GRPO)") == pytest.approx(0.295, rel=0.01)


def test_curves_without_a_start_are_left_out(base, observed):
    kept = [r for r in base.rows("recipes") if r["start"]]
    recipes = observed.coords["recipe"]
    assert len(recipes) == len(kept) == 21
    assert not {"Scout MoE", "math only", "code only"} & set(recipes.tolist())


def test_the_baseline_comes_first_and_gains_nothing_on_itself(observed):
    families = ["grpo", "scalerl", "minimax", "magistral", "dapo"]
    assert observed.coords["family"].tolist() == families
    assert observed.coords["new_family"].tolist() == families[1:]
    assert observed.coords["fitted_recipe"].tolist() == [
        "DeepSeek (GRPO)",
        "ScaleRL",
        "MiniMax-M1 (CISPO)",
        "Magistral",
        "Qwen2.5 (DAPO)",
    ]
    assert observed.constant["fitted_family"][1].tolist() == [0, 1, 2, 3, 4]


def test_variants_of_one_recipe_share_its_family(base, observed):
    families = observed.coords["family"][observed.constant["recipe_family"][1]]
    kept = [row["family"] for row in base.rows("recipes") if row["start"]]
    assert families.tolist() == kept
    assert set(families[5:].tolist()) == {"scalerl"}


def test_a_recipe_is_dated_from_the_baseline(observed):
    years = dict(
        zip(observed.coords["new_family"], observed.constant["new_family_years"][1], strict=True)
    )
    # From 22 January to 12 June, in months of equal length.
    assert years["magistral"] == pytest.approx((5 + 11 / 30 - 21 / 31) / 12)


@pytest.mark.parametrize("family", ["scalerl", "minimax", "magistral", "dapo"])
def test_the_order_of_the_rows_does_not_matter(base, observed, family):
    rows = sorted(base.rows("recipes"), key=lambda row: row["family"] != family)
    moved = observe(evidence(recipes=rows))
    for recipe in observed.coords["fitted_recipe"].tolist():
        for name in ("recipe_asymptote_score", "recipe_compute_oom_hours", "reference_se"):
            assert fitted(moved, name, recipe) == fitted(observed, name, recipe)
    assert moved.coords["family"][0] == "grpo"


def test_without_the_baseline_recipes_say_nothing(base):
    rows = [row for row in base.rows("recipes") if row["family"] != "grpo"]
    assert not any(observe(evidence(recipes=rows)))


# --- costs ----------------------------------------------------------------------------------------


def test_a_record_stands_in_the_middle_of_its_reign_and_the_last_until_the_end():
    rows = [record("a", 2023, 10), record("a", 2024, 1), record("a", 2025, 0.1)]
    seen = observe(evidence(cost_records=rows))
    assert seen.constant["record_age"][1].tolist() == [0.5, 1.5, 2.5]
    assert seen.constant["series_debut"][1].tolist() == [2023]
    assert seen.constant["series_middle_age"][1].tolist() == [1.5]
    assert seen.observed["record_oom_usd"][1] == pytest.approx([1, 0, -1])


def test_43_million_tokens_at_4_40_against_5_million_at_14_are_4_4x_a_year():
    rows = [record("a", 2024, tokens=43e6, price=4.40), record("a", 2025, tokens=5e6, price=14.0)]
    first, then = observe(evidence(cost_records=rows)).observed["record_oom_usd"][1]
    fall = 10 ** (first - then)
    assert fall == pytest.approx(189.2 / 70)
    assert fall == pytest.approx(2.70, abs=0.005)  # in eight months
    assert fall ** (12 / 8) == pytest.approx(4.4, abs=0.05)


def test_a_cost_series_is_the_same_in_whatever_order_its_rows_stand(base):
    def by_label(seen):
        debut, middle, at = (
            seen.constant[f"series_{name}"][1] for name in ("debut", "middle_age", "benchmark")
        )
        names, benchmark = seen.coords["series"].tolist(), seen.coords["cost_benchmark"][at]
        rows = zip(debut, middle, strict=True)
        return {n: (b, *r) for n, b, r in zip(names, benchmark, rows, strict=True)}

    rows = list(base.rows("cost_records"))
    expected = by_label(observe(evidence(cost_records=rows)))
    random.Random(1).shuffle(rows)
    shuffled = by_label(observe(evidence(cost_records=rows)))
    assert shuffled.keys() == expected.keys()
    for name, (benchmark, *numbers) in expected.items():
        assert shuffled[name][0] == benchmark
        assert shuffled[name][1:] == pytest.approx(tuple(numbers))


def test_an_as_of_date_ends_what_was_watched():
    chosen = {"evidence.sources": ["epoch-plunging"], "evidence.as_of": "2025-06-30"}
    rows = load_scenario("base", chosen).evidence.rows("cost_records")
    ends = {row["observed_until"] for row in rows}
    assert ends == {dt.date(2025, 6, 30)}


def test_a_factor_has_the_error_of_its_interval_or_the_stated_one():
    rows = [factor(10.0, 1.0, 100.0), factor(5.0)]
    seen = observe(evidence(annual_factors=rows))
    assert seen.observed["annual_factor_oom"][1] == pytest.approx([1, np.log10(5)])
    assert seen.constant["factor_se"][1] == pytest.approx([1 / Z90, UNSTATED_SE])


def test_only_hardware_adjusted_factors_lack_hardware():
    rows = [factor(4.0, estimator="hardware_adjusted", start=0.5, end=2), factor(3.0)]
    seen = observe(evidence(annual_factors=rows))
    assert seen.constant["factor_without_hardware"][1].tolist() == [1, 0]
    assert seen.constant["factor_age_from"][1].tolist() == [0.5, 0]
    assert seen.coords["estimator"][seen.constant["factor_estimator"][1]].tolist() == [
        "hardware_adjusted",
        "grid",
    ]


def test_rates_of_progress_are_annual_logs_with_the_error_of_their_interval(observed):
    assert observed.observed["progress_oom_per_year"][1][0] == pytest.approx(np.log10(5.84))
    assert observed.constant["rate_se"][1][0] == pytest.approx(np.log10(8.1 / 4.2) / (2 * Z90))
    is_hardware = observed.constant["rate_is_hardware"][1]
    assert observed.coords["rate"][is_hardware == 1].tolist() == [
        "price-of-progress: hardware",
        "ord-logx: hardware",
    ]
    is_competition = observed.constant["rate_is_competition"][1]
    named = observed.coords["rate"][is_competition == 1].tolist()
    assert named
    assert all(name.endswith(": competition") for name in named)
    assert not (is_hardware * is_competition).any()
