"""Exports against their platforms: rules restated from published code, and readers of theirs.

Rules: Metaculus' questions/serializers/common.py, hubverse's schemas 6.0.0 and its model-output
documentation, PySIPmath's chanceCalc.py, Guesstimate's formatter.
"""

import json
import math
import os
import re
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import item, shapes
from scipy import stats

from simulator.exports import fit, formats, hubverse, metaculus, metalog
from simulator.faults import BadInput
from simulator.questions.question import Range

FEW = settings(max_examples=60, deadline=None)
WIDE = {"low": 1e-6, "high": 1e6, "scale": "log"}

# --- Metaculus ------------------------------------------------------------------------------------


def server_refuses(cdf, found):
    """The server's rules for 200 steps, on what it makes of a submission."""
    cdf = np.round(cdf, 10)
    steps = np.round(np.diff(cdf), 10)
    rules = {
        "size": cdf.size == 201,
        "rising": (steps >= 5e-5).all(),
        "cap": (steps <= 0.2).all(),
        "low": cdf[0] >= 0.001 if found.open_low else cdf[0] == 0,
        "high": cdf[-1] <= 0.999 if found.open_high else cdf[-1] == 1,
    }
    return [name for name, holds in rules.items() if not holds]


@st.composite
def ranges(draw):
    zero = draw(st.sampled_from([None, 0.0, -10.0]))
    low = draw(st.floats(-3, 2))
    return Range(
        low=10**low,
        high=10 ** (low + draw(st.floats(0.5, 6))),
        scale="linear" if zero is None else "log",
        zero_point=zero,
        open_low=draw(st.booleans()),
        open_high=draw(st.booleans()),
    )


@FEW
@given(draws=shapes(), found=ranges())
def test_metaculus_takes_it_or_it_is_refused_with_a_reason(draws, found):
    asked = item(draws, range=found.model_dump())
    outside = {"low": (draws < found.low).mean(), "high": (draws > found.high).mean()}
    closed = {"low": not found.open_low, "high": not found.open_high}
    try:
        entry = json.loads(formats.write("metaculus", [asked]))["forecasts"][0]
    except BadInput as error:
        ends = {fault.key.removeprefix("range.") for fault in error.faults}
        assert ends == {end for end in closed if closed[end] and outside[end] > metaculus.BEYOND}
        return
    cdf, at = np.array(entry["continuous_cdf"]), metaculus.locations(found)
    assert server_refuses(cdf, found) == []
    assert (
        abs(cdf - metaculus.shares(asked.forecast, found)).max()
        <= entry["error"]["probability"] + 1e-6
    )
    # A quantile in range, read off with straight lines between the points, is as near as stated.
    for p in (0.05, 0.25, 0.5, 0.75, 0.95):
        true = float(asked.forecast.quantile(p))
        if found.low < true < found.high and cdf[0] < p < cdf[-1]:
            place = np.interp(true, at, np.linspace(0, 1, 201))
            read = np.interp(p, cdf, np.linspace(0, 1, 201))
            assert abs(place - read) <= entry["error"]["quantile"] + 1 / 200


@FEW
@given(draws=shapes(), found=ranges())
def test_only_what_is_too_steep_moves(draws, found):
    """Elsewhere the error is the even part that the rules ask for, and mass stays in its place."""
    raw = np.array(metaculus.shares(item(draws).forecast, found))
    cdf = metaculus.standardised(raw, found)
    raw[0], raw[-1] = raw[0] * found.open_low, raw[-1] if found.open_high else 1
    if np.diff(raw).max() <= 0.2:
        assert abs(cdf - raw).max() <= 0.0135
    made = metaculus.capped(raw, 0.2)
    assert (np.diff(made) <= 0.2 + 1e-9).all()
    assert made[[0, -1]] == pytest.approx(raw[[0, -1]])
    far = np.array([np.diff(raw)[max(i - 8, 0) : i + 8].sum() for i in range(201)]) == 0
    assert made[far] == pytest.approx(raw[far], abs=1e-6)  # a step needs at most five


def test_the_server_refuses_what_was_not_standardised():
    """The negative control of its rules."""
    found = Range(**WIDE)
    raw = item(10 ** np.random.default_rng(1).standard_normal((2, 500))).forecast.cdf(
        metaculus.locations(found)
    )
    assert "rising" in server_refuses(raw, found)
    assert server_refuses(np.repeat([0.001, 0.999], [100, 101]), found) == ["rising", "cap"]
    closed = found.model_copy(update={"open_low": False, "open_high": False})
    assert {"low", "high"} <= {*server_refuses(metaculus.standardised(raw, found), closed)}


def test_one_value_is_as_narrow_as_metaculus_takes():
    asked = item(np.full((2, 50), 10.0), range=WIDE)
    entry = json.loads(formats.write("metaculus", [asked]))["forecasts"][0]
    cdf = np.array(entry["continuous_cdf"])
    steep = np.flatnonzero(np.diff(cdf) > 0.1)
    assert steep.size in (5, 6)
    assert np.average((np.arange(200) + 0.5)[steep], weights=np.diff(cdf)[steep]) == pytest.approx(
        200 * 7 / 12, abs=0.5
    )
    assert "narrower" in entry["error"]["why"]
    assert metaculus.locations(Range(**WIDE))[steep.min()] < 10
    assert metaculus.locations(Range(**WIDE))[steep.max() + 1] > 10


def test_infinite_mass_is_above_an_open_range_and_refused_by_a_closed_one():
    draws = np.where(np.arange(100) < 30, np.inf, np.linspace(1, 2, 100))
    cdf = json.loads(formats.write("metaculus", [item(draws, range=WIDE)]))["forecasts"][0]
    assert cdf["continuous_cdf"][-1] == pytest.approx(0.7, abs=0.01)
    with pytest.raises(BadInput, match=r"30% of the forecast lies beyond it, and it is closed"):
        formats.write("metaculus", [item(draws, range=WIDE | {"open_high": False})])


@pytest.mark.parametrize(
    ("value", "first", "last"), [(1.0, 0.0, 1.0), (0.5, 1.0, 1.0), (9.0, 0.0, 0.0)]
)
def test_what_is_at_the_low_end_is_not_below_it(value, first, last):
    found = Range(low=1, high=8, scale="log")
    raw = metaculus.shares(item(np.full((2, 10), value)).forecast, found)
    assert (raw[0], raw[-1]) == (first, last)


@pytest.mark.parametrize(("below", "given"), [(0.5, 0.001), (1.5, 0.5), (3.0, 0.999)])
def test_a_yes_is_never_sure(below, given):
    asked = item(1 + np.random.default_rng(2).random((4, 1000)), threshold=below, direction="below")
    entry = json.loads(formats.write("metaculus", [asked]))["forecasts"][0]
    assert entry["continuous_cdf"] is None
    assert entry["probability_yes"] == pytest.approx(given, abs=0.03)
    assert 0.001 <= entry["probability_yes"] <= 0.999


def test_a_distribution_without_a_range_is_refused_before_any_work():
    with pytest.raises(BadInput, match=r"made: range: is missing"):
        formats.write("metaculus", [item(np.ones((2, 2)))])


CLIENT = """
import json, sys
from forecasting_tools.data_models.numeric_report import NumericDistribution, Percentile

for asked in json.load(sys.stdin):
    found = asked["range"]
    make = lambda: NumericDistribution(
        declared_percentiles=[
            Percentile(percentile=p, value=x) for p, x in zip(asked["cdf"], asked["at"])
        ],
        open_upper_bound=found["open_high"], open_lower_bound=found["open_low"],
        upper_bound=found["high"], lower_bound=found["low"], zero_point=found["zero_point"],
        cdf_size=201, standardize_cdf=False, strict_validation=True,
    )
    try:
        made = make()
    except ValueError:
        print("refused")
        continue
    # Its way back moves points next to a closed end, of its own distributions too.
    ends = found["open_low"] and found["open_high"]
    read = [p.percentile for p in (made.get_cdf() if ends else made.declared_percentiles)]
    print(max(abs(a - b) for a, b in zip(read, asked["cdf"])))
"""


def test_forecasting_tools_reads_what_it_is_given():
    """Its own numeric distribution, with its strict validation, in a Python that has it."""
    python = os.environ.get("FORECASTING_TOOLS_PYTHON")
    if not python:
        pytest.skip("FORECASTING_TOOLS_PYTHON names no Python that has forecasting-tools")
    rng = np.random.default_rng(20261122)
    asked = []
    for i in range(40):
        found = Range(low=0.01, high=100, scale="log" if i % 2 else "linear", open_low=i % 3 > 0,
                      open_high=i % 5 > 0)  # fmt: skip
        draws = np.clip(10 ** (rng.uniform(0.01, 2) * rng.standard_normal((2, 300))), 0.01, 100)
        entry = json.loads(formats.write("metaculus", [item(draws, range=found.model_dump())]))
        points = {
            "at": metaculus.locations(found).tolist(),
            "range": entry["forecasts"][0]["range"],
        }
        asked.append({"cdf": entry["forecasts"][0]["continuous_cdf"], **points})
    asked.append(asked[1] | {"cdf": np.linspace(0, 1, 201).round(1).tolist()})
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", CLIENT], input=json.dumps(asked), env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    *off, control = done.stdout.splitlines()[-41:]
    assert control == "refused"
    assert max(map(float, off)) < 1e-6
    assert len(off) == 40


# --- hubverse -------------------------------------------------------------------------------------


def hub(items, into):
    for path, content in formats.write("hubverse", items).items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_bytes(content)
    return into


@pytest.fixture
def items():
    """Three forecasts of one run, the third a threshold, the second infinite at times."""
    rng = np.random.default_rng(3)
    z = rng.standard_normal((4, 250))
    years = np.where(z > 1.5, np.inf, 1 + np.exp(z))
    return [
        item(10**z, id="cost", text='a "cost"\n=cmd()'),
        item(years, quantity="years_to_threshold", id="years-to-it"),
        item(10 ** (2 * z), id="under", threshold=2.0, direction="below"),
    ]


def test_hubdata_reads_a_hub(items, tmp_path):
    """The hubverse's own Python client finds every row, with its types."""
    hubdata = pytest.importorskip("hubdata")
    table = hubdata.connect_hub(hub(items, tmp_path)).to_table().to_pandas()
    assert {*table["model_id"]} == {"simulator-made"}
    assert table.groupby("output_type").size().to_dict() == {
        "cdf": 1,
        "quantile": 69,
        "sample": 3000,
    }
    for asked in items:
        rows = table[table["target"] == asked.name]
        read = rows[rows["output_type"] == "quantile"]
        levels = read["output_type_id"].astype(float)
        assert read["value"].to_numpy() == pytest.approx(asked.forecast.quantile(levels))
        samples = rows[rows["output_type"] == "sample"].sort_values(
            "output_type_id", key=lambda ids: ids.astype(int)
        )
        assert samples["value"].to_numpy() == pytest.approx(asked.forecast.sample())
    (cdf,) = table[table["output_type"] == "cdf"].itertuples()
    assert (cdf.target, cdf.output_type_id) == ("under", "2")
    assert cdf.value == items[2].forecast.probability(below=2)


@FEW
@given(draws=shapes())
def test_a_hub_gives_back_what_went_in(draws):
    """Of any shape, infinite values among the quantiles and samples and above the threshold."""
    import io

    import pandas as pd

    asked = item(draws, threshold=3.5, direction="above")
    made = formats.write("hubverse", [asked])
    (path,) = (path for path in made if path.endswith(".parquet"))
    rows = pd.read_parquet(io.BytesIO(made[path])).set_index(["output_type", "output_type_id"])
    value = rows["value"]
    assert value["sample"].to_numpy() == pytest.approx(draws.ravel(), rel=1e-12)
    levels = value["quantile"].index.astype(float)
    assert (value["quantile"].to_numpy() == asked.forecast.quantile(levels)).all()
    assert value["cdf"].to_dict() == {"3.5": (draws <= 3.5).mean()}
    assert value["quantile"].is_monotonic_increasing


def test_samples_of_one_index_are_joint(items, tmp_path):
    """Targets that share their draws keep their dependence, infinite ones included."""
    import pandas as pd

    (path,) = hub(items, tmp_path).glob("model-output/*/*.parquet")
    rows = pd.read_parquet(path)
    wide = rows[rows["output_type"] == "sample"].pivot(
        index="output_type_id", columns="target", values="value"
    )
    assert wide["under"].to_numpy() == pytest.approx(wide["cost"].to_numpy() ** 2)
    assert (np.isinf(wide["years_to_it"]) == (wide["cost"] > 10**1.5)).all()


def test_a_hub_keeps_the_rules_of_its_schemas(items, tmp_path):
    """What of tasks.json 6.0.0 and the layout applies to a hub like ours."""
    at = hub([*items, item(np.ones((4, 250)), id="x" * 60)], tmp_path)
    tasks = json.loads((at / "hub-config/tasks.json").read_text())
    admin = json.loads((at / "hub-config/admin.json").read_text())
    assert {"name", "maintainer", "contact", "repository", "file_format", "timezone"} < admin.keys()
    for found, name in ((tasks, "tasks"), (admin, "admin")):
        assert found["schema_version"].endswith(f"/v6.0.0/{name}-schema.json")
    (only,) = tasks["rounds"]
    assert only["round_id"] in only["model_tasks"][0]["task_ids"]
    (model,) = (at / "model-output").iterdir()
    team, short = model.name.split("-")
    assert re.fullmatch(r"\w{1,15}", team)
    assert re.fullmatch(r"\w{1,15}", short)
    (day,) = only["model_tasks"][0]["task_ids"]["origin_date"]["required"]
    assert (model / f"{day}-{model.name}.parquet").is_file()
    assert (at / "model-metadata" / f"{model.name}.yml").is_file()
    for group in only["model_tasks"]:
        keys = [target["target_keys"] for target in group["target_metadata"]]
        assert keys == [{"target": name} for name in group["task_ids"]["target"]["required"]]
        ids = [target["target_id"] for target in group["target_metadata"]]
        assert len({*ids}) == len(ids)
        for target in group["target_metadata"]:
            assert re.fullmatch(r"\w{1,30}", target["target_id"])
            assert len(target["target_name"]) <= 100
            assert len(target["target_units"]) <= 100
            assert "\n" not in target["target_name"]
        for kind, output in group["output_type"].items():
            assert output["is_required"] is True
            sample = {"output_type_id_params", "value", "is_required"}
            other = {"output_type_id", "value", "is_required"}
            assert output.keys() == (sample if kind == "sample" else other)
    sample = only["model_tasks"][0]["output_type"]["sample"]["output_type_id_params"]
    assert sample["min_samples_per_task"] == sample["max_samples_per_task"] == 1000
    assert {*sample["compound_taskid_set"]} < {*only["model_tasks"][0]["task_ids"]}
    assert tuple(sorted({*hubverse.LEVELS})) == hubverse.LEVELS
    assert len(hubverse.LEVELS) == 23


# --- SIPmath --------------------------------------------------------------------------------------


def uniforms(n, varId, entity, seed3, seed4, counter):
    """HDR 2.0, the counter-based generator of the standard, for trials 1 to n."""

    def mixed(weights, prime, times, plus):
        names = (varId, entity, seed3, seed4)
        added = sum(w * x for w, x in zip(weights[1:], names, strict=True))
        return (np.arange(1, n + 1) * weights[0] + added) % prime * times + plus

    first = mixed((2499997, 1800451, 2000371, 1796777, 2299603), 7450589, 4658, 7450581)
    second = mixed((2246527, 2399993, 2100869, 1918303, 1624729), 7450987, 7580, 7560584)
    big = 999999999999989
    made = big % first * 383 % 99991 * 7440893 + big % second * 17669 % 7440893
    return (made * 1343 % 2**32 + 0.5) / 2**32


def simulated(library, n=4000):
    """What a SIPmath reader makes of a library: the trials of each of its SIPs."""
    rng = {r["name"]: uniforms(n, **r["arguments"]) for r in library["U01"]["rng"]}
    layers = {}
    for copula in library["U01"].get("copula", ()):
        (shared,) = library["globalVariables"]
        entries = shared["value"]["matrix"]
        order = list(dict.fromkeys(entry["row"] for entry in entries))
        matrix = np.zeros((len(order), len(order)))
        for entry in entries:
            i, j = order.index(entry["row"]), order.index(entry["col"])
            matrix[i, j] = matrix[j, i] = entry["value"]
        scores = stats.norm.ppf([rng[name] for name in copula["arguments"]["rng"]])
        mixed = stats.norm.cdf(np.linalg.cholesky(matrix) @ scores)
        layers = dict(zip(copula["copulaLayer"], mixed, strict=True))
    trials = {}
    for sip in library["sips"]:
        ref, given = sip["ref"], sip["arguments"]
        u = rng[ref["name"]] if ref["source"] == "rng" else layers[ref["copulaLayer"]]
        made = sum(a * term(u, k) for k, a in enumerate(given["aCoefficients"], 1))
        trials[sip["name"]] = given["lowerBound"] + np.exp(made) if "lowerBound" in given else made
    return trials


def term(y, k):
    """The k-th term of a metalog, as the standard numbers them."""
    logit, middle = np.log(y / (1 - y)), y - 0.5
    match k:
        case 1:
            return np.ones_like(y)
        case 2:
            return logit
        case 3:
            return middle * logit
        case 4:
            return middle
    return middle ** ((k - 1) // 2) * (logit if k % 2 == 0 else 1)


@FEW
@given(draws=shapes())
def test_sip_gives_quantiles_back_within_its_error_or_says_why_not(draws):
    asked = item(draws)
    try:
        library = json.loads(formats.write("sip", [asked]))
    except BadInput as error:
        (fault,) = error.faults
        assert re.search(r"infinite in|no feasible metalog|too far", fault.rule)
        return
    assert np.isfinite(draws).all()
    (sip,) = library["sips"]
    a = np.array(sip["arguments"]["aCoefficients"])
    assert a.size >= 7
    p = np.linspace(0.001, 0.999, 999)
    made = sum(a[k - 1] * term(p, k) for k in range(1, a.size + 1))
    assert (np.diff(made) > 0).all()
    stated = sip["metadata"]["fit"]
    assert stated["ks"] <= fit.WORST_KS
    levels = np.array(fit.LEVELS)
    read = np.interp(levels, p, made) / math.log(10)
    true = np.quantile(asked.forecast.draws, levels)
    assert abs(read - true).max() <= stated["quantile"] + 0.01


def test_a_library_keeps_how_forecasts_depend_on_each_other():
    """4,000 trials of a reader against the draws: medians, 5% and 95%, and rank correlation.

    A correlation of 4,000 pairs is off by under 0.06 with all but 1e-4 of probability.
    """
    rng = np.random.default_rng(7)
    x, y = rng.standard_normal((2, 4, 1000))
    items = [
        item(10**x, id="a"),
        item(10 ** (0.8 * x + 0.6 * y), id="b"),
        item(10**x, id="a-again", threshold=1.0, direction="below"),
    ]
    found = simulated(json.loads(formats.write("sip", items)))
    for asked in items:
        read = np.quantile(found[asked.name], [0.05, 0.5, 0.95])
        true = np.quantile(asked.forecast.sample(), [0.05, 0.5, 0.95])
        assert np.log10(read) == pytest.approx(np.log10(true), abs=0.15)
    assert stats.spearmanr(found["a"], found["b"]).statistic == pytest.approx(
        stats.spearmanr(x.ravel(), (0.8 * x + 0.6 * y).ravel()).statistic, abs=0.06
    )
    assert stats.spearmanr(found["a"], found["a_again"]).statistic > 0.999


def test_a_metalog_finds_a_logistic():
    """The logistic is the metalog of two terms."""
    p = (np.arange(2000) + 0.5) / 2000
    made = metalog.fitted(3 + 0.5 * np.log(p / (1 - p)), 7)
    assert made.coefficients == pytest.approx([3, 0.5, 0, 0, 0, 0, 0], abs=1e-8)
    assert made.feasible
    assert made.cdf(np.array([3.0])) == pytest.approx(0.5, abs=1e-6)


def test_what_is_no_distribution_is_infeasible():
    assert not metalog.Metalog(np.array([0.0, -1.0, 0, 0, 0, 0, 0])).feasible
    assert not metalog.Metalog(np.array([0.0, 0.1, 0, 0, 0, 0, -30.0])).feasible


def test_a_metalog_rises_through_lumps():
    """Where least squares is no distribution, and within a half of the lump of the draws."""
    rng = np.random.default_rng(8)
    values = np.minimum(rng.standard_normal(2000), 1.8)  # 3.6% at its upper end
    assert not metalog.fitted(values, 9).feasible
    made = metalog.rising(values, 9)
    assert made.feasible
    found = fit.error(item(values, quantity="years_to_threshold").forecast, made.cdf, made.quantile)
    assert found.ks < 0.03


def test_a_bad_fit_is_refused_with_its_error():
    rng = np.random.default_rng(5)
    lumps = np.where(rng.random((4, 500)) < 0.7, 1.0, 10 ** rng.standard_normal((4, 500)))
    with pytest.raises(BadInput, match=r"KS distance 0\.\d+|no feasible metalog"):
        formats.write("sip", [item(lumps)])


# --- Guesstimate ----------------------------------------------------------------------------------

NUMBER = r"(-?(?:\d+|\d{1,3}(?:,\d{3})*|\d*\.\d+))"  # as its formatter reads one, without a suffix
PAIR = re.compile(rf"\[\s*{NUMBER}\s*,\s?\s*{NUMBER}\s*\]")


@FEW
@given(draws=shapes(infinite=False), shift=st.sampled_from([0, 5]))
def test_guesstimate_reads_samples_and_intervals(draws, shift):
    asked = item(draws - shift, quantity="years_to_threshold") if shift else item(draws)
    files = formats.write("guesstimate", [asked])
    pasted = [float(x) for x in re.split(r"[\n\s,]+", files["made_samples.csv"].decode()) if x]
    assert len(pasted) <= 5000
    assert np.quantile(pasted, 0.5) == pytest.approx(np.median(asked.forecast.sample()), rel=1e-6)
    text = files.get("made_interval.txt")
    readme = files["README.txt"].decode()
    if text is None:
        assert "no interval" in readme
        return
    found = PAIR.fullmatch(text.decode().strip())
    low, high = float(found[1]), float(found[2])
    assert low < high
    shape = "lognormal" if low > 0 else "normal"
    assert f"as {shape}" in readme
    a, b = np.log([low, high]) if low > 0 else (low, high)
    made = stats.norm((a + b) / 2, (b - a) / 3.29)
    values = np.sort(asked.forecast.sample())
    at = made.cdf(np.log(np.maximum(values, 1e-300)) if low > 0 else values)
    ks = max(abs(at - np.arange(at.size) / at.size).max(),
             abs(at - np.arange(1, at.size + 1) / at.size).max())  # fmt: skip
    stated = float(re.search(r"KS distance ([\d.]+)", readme)[1])
    assert ks <= fit.WORST_KS + 1e-3
    assert ks == pytest.approx(stated, abs=2e-3)


def test_more_samples_than_a_cell_holds_are_thinned():
    asked = item(np.linspace(1, 2, 12_000).reshape(4, -1))
    column = formats.write("guesstimate", [asked])["made_samples.csv"].decode().split()
    assert len(column) == 5000
    assert {*column} <= {f"{x:.8g}" for x in asked.forecast.sample()}
