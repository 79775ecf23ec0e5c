"""The evidence tables against published truths, and against the raw data when these are at hand."""

import csv
import math
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parent.parent
EVIDENCE = ROOT / "priors" / "evidence"
TABLES = (
    "response_points",
    "response_slopes",
    "exchange_rates",
    "recipes",
    "cost_records",
    "annual_factors",
    "progress_rates",
)
# Second-hand in the evidence at hand: none of their numbers belongs in a table.
SECOND_HAND = {"ord-rl", "ord-gains", "jones", "a16z", "ai-index", "ho-2024"}


def rows(table, /, **wanted):
    with open(EVIDENCE / f"{table}.csv", encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    return [row for row in found if all(row[key] == value for key, value in wanted.items())]


def logit(score):
    return math.log(score / (1 - score))


def least_squares_slope(x, y):
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    products = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return products / sum((a - mean_x) ** 2 for a in x)


def curve_slope(curve, link=logit):
    points = rows("response_points", curve=curve)
    x = [math.log10(float(p["compute"])) for p in points]
    return least_squares_slope(x, [link(float(p["score"])) for p in points])


def task_cost(record):
    if record["cost_usd"]:
        return float(record["cost_usd"])
    return float(record["output_tokens"]) * float(record["usd_per_million_tokens"]) / 1e6


def series_names():
    return sorted({record["series"] for record in rows("cost_records")})


@pytest.mark.parametrize("table", TABLES)
def test_every_row_names_a_known_source_a_place_and_a_date(table):
    sources = tomllib.loads((ROOT / "priors" / "sources.toml").read_text("utf-8"))
    found = rows(table)
    assert found
    for row in found:
        assert list(row)[:3] == ["source", "locator", "date"]
        assert row["source"] in sources
        assert row["source"] not in SECOND_HAND
        assert row["locator"]
        assert re.fullmatch(r"20\d\d-[01]\d(-[0-3]\d)?", row["date"])
        assert None not in row
        assert None not in row.values()


def test_sources_are_complete():
    sources = tomllib.loads((ROOT / "priors" / "sources.toml").read_text("utf-8"))
    for source in sources.values():
        assert source["title"]
        assert source["authors"]
        assert re.fullmatch(r"20\d\d(-\d\d(-\d\d)?)?", source["date"])
        assert "url" in source or "where" in source


@pytest.mark.parametrize(
    ("curve", "points"),
    [
        ("o1_train", 8),
        ("o1_test", 7),
        ("composer", 13),
        ("scalerl_8b", 26),
        ("scalerl_scout", 20),
        ("o1_mini", 5),
    ],
)
def test_curves_have_their_published_number_of_points(curve, points):
    assert len(rows("response_points", curve=curve)) == points


@pytest.mark.parametrize(
    ("curve", "logits"),
    [
        ("o1_train", 0.712),
        ("o1_test", 1.540),
        ("composer", 0.469),
        ("scalerl_8b", 0.553),
        ("scalerl_scout", 0.522),
    ],
)
def test_curves_have_their_published_slope(curve, logits):
    assert curve_slope(curve) == pytest.approx(logits, abs=0.005)


@pytest.mark.parametrize(("curve", "points"), [("o1_train", 17.2), ("o1_test", 34.9)])
def test_o1_panels_in_percentage_points(curve, points):
    assert curve_slope(curve, link=lambda score: 100 * score) == pytest.approx(points, abs=0.05)


def test_scores_are_fractions():
    for point in rows("response_points"):
        assert 0 < float(point["score"]) < 1
        assert float(point["compute"]) > 0
    for slope in rows("response_slopes", kind="inference"):
        assert 0 < float(slope["lowest_score"]) < float(slope["highest_score"]) < 0.95
        assert int(slope["points"]) >= 3


@pytest.mark.parametrize(
    ("benchmark", "low", "high"),
    [("aime", 1.6, 1.8), ("gpqa", 0.45, 0.52), ("arc-agi-1", 1.6, 1.75)],
)
def test_median_slope_of_the_effort_sweeps(benchmark, low, high):
    sweeps = rows("response_slopes", benchmark=benchmark, kind="inference")
    assert len({sweep["curve"] for sweep in sweeps}) == len(sweeps) > 20
    assert low < median(float(sweep["slope_logit_per_oom"]) for sweep in sweeps) < high
    assert all(float(sweep["se"]) > 0 for sweep in sweeps)


def test_error_power_laws_are_slopes_at_one_half():
    slopes = {r["curve"]: r for r in rows("response_slopes", kind="rl")}
    for curve, exponent in {"tan_7b": 0.047, "tan_32b": 0.096, "tan_72b": 0.114}.items():
        slope = float(slopes[curve]["slope_logit_per_oom"])
        assert slope == pytest.approx(4.605 * exponent, abs=1e-3)
        assert float(slopes[curve]["se"]) == pytest.approx(0.3 * slope, abs=1e-3)


def steepest_points_per_oom(recipe):
    rise = float(recipe["asymptote"]) - float(recipe["start"])
    return 100 * rise * float(recipe["steepness"]) * math.log(10) / 4


@pytest.mark.parametrize(
    ("family", "steepest"),
    [("scalerl", 23.7), ("minimax", 21.6), ("magistral", 11.2), ("dapo", 12.8), ("grpo", 5.9)],
)
def test_steepest_slope_of_the_recipes(family, steepest):
    (recipe,) = rows("recipes", table="recipes", family=family)
    assert steepest_points_per_oom(recipe) == pytest.approx(steepest, abs=0.1)


@pytest.mark.parametrize(
    ("family", "hours"),
    [
        ("scalerl", (1419, 1805, 2007)),
        ("minimax", (2207, 2860, 3210)),
        ("magistral", (1507, 2291, 2822)),
        ("dapo", (2647, 3817, 4678)),
        ("grpo", (2138, 5214, 10608)),
    ],
)
def test_gpu_hours_to_a_pass_rate(family, hours):
    """Printed parameters are rounded, and near an asymptote a third decimal moves the hours."""
    (recipe,) = rows("recipes", table="recipes", family=family)
    ceiling, steepness, start, middle = (
        float(recipe[key]) for key in ("asymptote", "steepness", "start", "c_mid_gpu_hours")
    )
    for rate, expected in zip((0.45, 0.47, 0.48), hours, strict=True):
        reached = middle * ((rate - start) / (ceiling - rate)) ** (1 / steepness)
        assert reached == pytest.approx(expected, rel=0.01)


def test_recipes_became_public_after_they_were_made():
    counts = {"recipes": 5, "table1": 10, "leave_one_out": 9}
    for table, count in counts.items():
        found = rows("recipes", table=table)
        assert len(found) == count
        for recipe in found:
            assert recipe["date"] == "2025-10-15"
            assert recipe["recipe_date"] <= recipe["date"]


@pytest.mark.parametrize("series", series_names())
def test_records_fall_strictly(series):
    records = rows("cost_records", series=series)
    assert len(records) >= 2
    for earlier, later in pairwise(records):
        assert earlier["date"] < later["date"]
        assert task_cost(earlier) > task_cost(later)
    assert len({record["observed_until"] for record in records}) == 1
    assert records[-1]["date"] <= records[0]["observed_until"]


def test_a_record_has_a_cost_or_tokens_and_a_price():
    for record in rows("cost_records"):
        by_tokens = (bool(record["output_tokens"]), bool(record["usd_per_million_tokens"]))
        assert by_tokens == ((not record["cost_usd"]),) * 2
        assert 0 < float(record["score_level"]) < 1
        assert record["series"].startswith(record["benchmark"])


def test_gpqa_75_falls_by_its_published_factor():
    records = rows("cost_records", series="gpqa-75")
    assert (records[0]["model"], records[0]["date"]) == ("o3 (high)", "2025-04-16")
    assert task_cost(records[0]) / task_cost(records[-1]) == pytest.approx(725, abs=1)


def test_frontiermath_pair():
    first, last = rows("cost_records", series="frontiermath-27")
    factor = task_cost(first) / task_cost(last)
    assert (task_cost(first), task_cost(last)) == pytest.approx((189.2, 70.0))
    assert factor == pytest.approx(2.70, abs=0.01)
    assert factor ** (12 / 8) == pytest.approx(4.4, abs=0.05)


def test_the_preview_that_dominates_any_fit_is_absent():
    assert not [r for r in rows("cost_records", benchmark="arc-agi-1") if task_cost(r) > 2]


@pytest.mark.parametrize("table", ["annual_factors", "progress_rates"])
def test_intervals_contain_their_factor(table):
    for row in rows(table):
        assert bool(row["q05"]) == bool(row["q95"])
        if row["q05"]:
            assert 0 < float(row["q05"]) < float(row["factor"]) < float(row["q95"])


def test_quarterly_falls_become_annual_factors():
    published = {
        ("aime", "grid"): 43.4,
        ("aime", "surface"): 46.4,
        ("aime", "regression"): -1.2,
        ("gpqa", "grid"): 35.9,
        ("gpqa", "surface"): 45.3,
        ("gpqa", "regression"): -8.4,
    }
    found = rows("annual_factors", source="epoch-plunging")
    assert {(r["benchmark"], r["estimator"]) for r in found} == set(published)
    for row in found:
        fall = published[row["benchmark"], row["estimator"]] / 100
        assert float(row["factor"]) == pytest.approx((1 - fall) ** -4, rel=0.01)
        assert (float(row["factor"]) < 1) == (row["estimator"] == "regression")


def test_annual_factors_average_over_an_age_window():
    for row in rows("annual_factors"):
        assert 0 <= float(row["age_from_years"]) < float(row["age_to_years"]) <= 3


def test_price_decline_splits_into_its_components():
    rate = {(r["study"], r["component"]): float(r["factor"]) for r in rows("progress_rates")}
    hardware = rate["price-of-progress", "hardware"]
    gpqa = rate["price-of-progress-gpqa", "algorithm"]
    aime = rate["price-of-progress-aime", "algorithm"]
    assert 1.155 * hardware * gpqa == pytest.approx(5.3, abs=0.05)
    assert 2.49 * hardware * aime == pytest.approx(11.7, abs=0.1)


def test_derived_tables_follow_from_the_raw_data():
    data = ROOT.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("raw data are not beside this checkout")
    script = ROOT / "scripts" / "derive_evidence.py"
    done = subprocess.run(
        [sys.executable, script, data, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
