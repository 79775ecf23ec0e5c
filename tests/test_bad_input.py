"""Whatever a person writes, the answer is a scenario or BadInput that names place, rule and fix."""

import copy
import csv
import datetime as dt
import io
import math
import pickle
import re
import shutil
import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.evidence import TABLES
from simulator.faults import BadInput
from simulator.overrides import parse_override
from simulator.quantities import BELIEFS
from simulator.scenario import load_scenario
from simulator.texts import LIMIT, SHIPPED

BASE = tomllib.loads((SHIPPED / "base.toml").read_text("utf-8"))
INF, NAN = float("inf"), float("nan")


def refused(load, *arguments):
    """The faults of input that is refused, each of them whole."""
    with pytest.raises(BadInput) as caught:
        load(*arguments)
    assert caught.value.faults
    for fault in caught.value.faults:
        assert fault.file
        assert fault.rule
        assert re.search(r"[^ ]$", fault.fix)  # "use one of " is no fix
    return caught.value.faults


def assert_said(faults, key, rule):
    """One of the faults is at this key and breaks this rule."""
    said = [(fault.key, f"{fault.rule}; {fault.fix}") for fault in faults]
    assert any(k == key and rule in text for k, text in said), said


@pytest.fixture
def write(tmp_path):
    """Write a scenario as text, or as tables that extend base, and return its path."""

    def write(text=None, **spec):
        path = tmp_path / "bad.toml"
        text = tomli_w.dumps({"extends": "base", "name": "bad"} | spec) if text is None else text
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


# --- beliefs --------------------------------------------------------------------------------------


def stated(name, /, **said):
    return name, {"unit": BELIEFS[name].unit, "source": "judgement", "why": "test"} | said


def positive(family, **said):
    return stated("curve_noise", family=family, **said)


def real(family, **said):
    return stated("algorithm_shift_oom", family=family, **said)


def share(family, **said):
    return stated("transfer_exponent", family=family, **said)


def quantiles(**said):
    return positive("lognormal", quantiles=said)


def good(**said):
    return positive("lognormal", quantiles={"q05": 1, "q95": 2}, **said)


FIXED = {"prior": dict([positive("constant", value=0.1)])}


def without(key):
    name, table = good()
    return name, {k: v for k, v in table.items() if k != key}


# fmt: off
BELIEF = {  # name: ((quantity, table), key below prior.<quantity>, rule)
    "no quantity": (("curve_nose", {}), "", "did you mean curve_noise"),
    "unknown key": (good(medin=1), "medin", "is not a key"),
    "key with a space": (good(**{"a b": 1}), "a b", "is not a key"),
    "key like a type": (good(float=1), "float", "is not a key"),
    "wrong unit": (good(unit="OOM"), "unit", 'unit = "logit"'),
    "unknown source": (good(source="ordrl"), "source", "did you mean ord-rl"),
    "empty why": (good(why=""), "why", "at least 1 character"),
    "missing unit": (without("unit"), "unit", "is missing"),
    "missing source": (without("source"), "source", "is missing"),
    "missing why": (without("why"), "why", "is missing"),
    "missing family": (without("family"), "family", "is missing"),
    "no table": (("curve_noise", 0.1), "", "must be a table"),
    "unknown family": (positive("gamma"), "family", "'lognormal'"),
    "normal for positive": (positive("normal", mu=1, sigma=1), "", "must be greater than 0"),
    "uniform below 0": (positive("uniform", low=-1, high=1), "", "must be greater than 0"),
    "0 for positive": (positive("constant", value=0), "", "must be greater than 0"),
    "0 for a fraction": (share("constant", value=0), "", "must be inside (0, 1)"),
    "fraction above 1": (share("constant", value=1.2), "", "must be inside (0, 1)"),
    "fraction up to 2": (share("uniform", low=0, high=2), "", "must be inside (0, 1)"),
    "lognormal fraction": (share("lognormal", mu=-3, sigma=1), "", "uniform, loguniform"),
    "sigma 0": (positive("lognormal", mu=0, sigma=0), "", "sigma must be greater than 0"),
    "sigma below 0": (real("normal", mu=0, sigma=-1), "", "sigma must be greater than 0"),
    "mu without sigma": (positive("lognormal", mu=0), "", "mu and sigma"),
    "falling quantiles": (quantiles(q05=2, q95=1), "", "must rise"),
    "equal quantiles": (quantiles(q05=1, q95=1), "", "must rise"),
    "one probability twice": (quantiles(q05=1, q050=2), "", "quantile"),
    "one quantile": (quantiles(q05=1), "", "exactly two"),
    "three quantiles": (quantiles(q05=1, q50=2, q95=3), "", "exactly two"),
    "no quantiles": (quantiles(), "", "exactly two"),
    "q5": (quantiles(q5=1, q95=2), "", "q5 is no quantile"),
    "q00": (quantiles(q00=1, q95=2), "", "q00 is no quantile"),
    "q100": (quantiles(q05=1, q100=2), "", "q100 is no quantile"),
    "p05": (quantiles(p05=1, q95=2), "", "p05 is no quantile"),
    "Arabic digits": (quantiles(q٠٥=1, q95=2), "", "is no quantile"),
    "lognormal below 0": (quantiles(q05=-1, q95=2), "", "lies inside (0, inf)"),
    "logitnormal at 1": (share("logitnormal", quantiles={"q05": 0.5, "q95": 1}), "", "(0, 1)"),
    "loguniform from 0": (positive("loguniform", low=0, high=1), "", "lies inside (0, inf)"),
    "low above high": (positive("uniform", low=2, high=1), "", "low must be below high"),
    "low at high": (positive("loguniform", low=1, high=1), "", "low must be below high"),
    "value and quantiles": (good(value=1), "", "got quantiles and value"),
    "value of a family": (positive("lognormal", value=1), "", "got value"),
    "quantiles of a constant": (positive("constant", quantiles={"q05": 1}), "", "takes value"),
    "nothing said": (positive("lognormal"), "", "got none"),
    "never for positive": (positive("constant", value="never"), "", "must be greater than 0"),
    "never for real": (real("constant", value="never"), "", "must be finite"),
    "never as mu": (real("normal", mu="never", sigma=1), "mu", "valid number"),
    "text": (positive("constant", value="0.1"), "value", "valid number"),
    "text as quantile": (quantiles(q05="1", q95=2), "quantiles.q05", "valid number"),
    "boolean": (quantiles(q05=True, q95=2), "quantiles.q05", "valid number"),
    "nan": (positive("constant", value=NAN), "value", "must be finite"),
    "inf": (quantiles(q05=1, q95=INF), "quantiles.q95", "must be finite"),
    "no float": (positive("constant", value=10**400), "value", "valid number"),
    "lognormal past floats": (positive("lognormal", mu=0, sigma=1000), "", "too large"),
    "logitnormal past floats": (share("logitnormal", mu=-800, sigma=1), "", "too large"),
    "uniform past floats": (real("uniform", low=-1e308, high=1e308), "", "too large"),
    "normal past floats": (real("normal", mu=1e308, sigma=1e308), "", "too large"),
}
# fmt: on


@pytest.mark.parametrize(("belief", "below", "rule"), BELIEF.values(), ids=BELIEF)
def test_a_bad_belief_is_refused(write, belief, below, rule):
    name, table = belief
    faults = refused(load_scenario, write(prior={name: table}))
    assert_said(faults, f"prior.{name}.{below}".rstrip("."), rule)
    assert len({fault.key for fault in faults}) == 1


def test_a_uniform_from_zero_may_be_stated_by_its_quantiles(write):
    name, table = positive("uniform", quantiles={"q05": 0.5, "q95": 9.5})
    belief = load_scenario(write(prior={name: table})).beliefs[name]
    assert belief.quantile(0.5) == pytest.approx(5)


def test_two_slopes_are_stated_no_more_and_no_fewer(write):
    three = ("rl_slope", "inference_slope", "slope_ratio")
    prior = dict(stated(name, family="constant", value=1) for name in three)
    faults = refused(load_scenario, write(prior=prior, correlation=[]))
    assert_said(faults, "prior", "remove one")
    faults = refused(load_scenario, write(prior={"rl_slope": prior["rl_slope"]}, correlation=[]))
    assert_said(faults, "prior", "add one")


@pytest.mark.parametrize("name", ["curve_noise", "cost_floor_fraction"])
def test_a_missing_belief_is_named(write, name):
    prior = {key: table for key, table in BASE["prior"].items() if key != name}
    (fault,) = refused(load_scenario, write(tomli_w.dumps(BASE | {"prior": prior})))
    assert (fault.key, fault.rule) == (f"prior.{name}", "is missing")


def test_missing_beliefs_are_listed_in_the_order_of_the_vocabulary(write):
    slopes = {"rl_slope", "inference_slope", "slope_ratio"}
    _, *faults = refused(
        load_scenario, write(tomli_w.dumps(BASE | {"prior": {}, "correlation": []}))
    )
    assert [fault.key for fault in faults] == [f"prior.{n}" for n in BELIEFS if n not in slopes]


def test_a_bad_belief_is_not_also_called_unknown_where_it_correlates(write):
    faults = refused(load_scenario, write(prior={"rl_slope": {}, "inference_slope": {}}))
    assert not [fault for fault in faults if fault.key.startswith("correlation")]


# --- other sections -------------------------------------------------------------------------------


def task(**said):
    return {"task": {"t": {"cost_usd": 1.0, "debut": "2026", "resembles": "new"} | said}}


def pair(a, b, rank=0.6, **said):
    return {"between": [a, b], "rank": rank, "why": "test"} | said


def correlated(*pairs):
    return {"correlation": list(pairs)}


def sampler(**said):
    return {"sampler": said}


def forecast(**said):
    return {"forecast": said}


def chosen(**said):
    return {"evidence": said}


A, B, C = "curve_noise", "rl_slope", "inference_slope"

# fmt: off
SECTION = {  # name: (spec, key, rule)
    "unknown section": ({"priors": {}}, "priors", "did you mean prior"),
    "unknown sampler key": (sampler(chain=4), "sampler.chain", "did you mean chains"),
    "unknown structure key": ({"structure": {"x": 1}}, "structure.x", "is not a key"),
    "unknown forecast key": (forecast(date=[]), "forecast.date", "did you mean dates"),
    "unknown evidence key": (chosen(since=1), "evidence.since", "is not a key"),
    "unknown task key": (task(cost=1), "task.t.cost", "did you mean cost_usd"),
    "unknown correlation key": (correlated(pair(A, B, r=1)), "correlation[0].r", "is not a key"),
    "key with a dash": (sampler(**{"target-accept": 1}), "sampler.target-accept", "target_accept"),
    "key with a line break": (sampler(**{"a\nb": 1}), "sampler.a\nb", "is not a key"),
    "key like a type": (chosen(list=1), "evidence.list", "is not a key"),
    "sampler is a number": ({"sampler": 4}, "sampler", "must be a table"),
    "prior is a number": ({"prior": 4}, "prior", "[prior.NAME]"),
    "task is a list": ({"task": []}, "task", "table of tables"),
    "correlation is a table": ({"correlation": {}}, "correlation", "list of tables"),
    "extends is a number": ({"extends": 4}, "extends", "must be a name or path"),
    "no name": ({"name": ""}, "name", "must be text"),
    "name of a path": ({"name": "../x"}, "name", "is not 1 to 40"),
    "title is a number": ({"title": 1}, "title", "must be text"),
    "unknown structure": ({"structure": {"cost": "flat"}}, "structure.cost", "'trend'"),
    # sampler
    "draws as text": (sampler(draws="1000"), "sampler.draws", "valid integer"),
    "draws as boolean": (sampler(draws=True), "sampler.draws", "valid integer"),
    "draws as a float": (sampler(draws=10.0), "sampler.draws", "valid integer"),
    "no chains": (sampler(chains=0), "sampler.chains", "greater than or equal to 1"),
    "huge seed": (sampler(seed=2**63), "sampler.seed", "less than"),
    "accept all": (sampler(target_accept=1.0), "sampler.target_accept", "less than 1"),
    "accept nan": (sampler(target_accept=NAN), "sampler.target_accept", "finite"),
    # correlations
    "with a constant": (correlated(pair("curve_noise", B)) | FIXED, "correlation[0]", "a constant"),
    "with an unknown": (correlated(pair("curve_nose", B)), "correlation[0]", "did you mean curve_"),
    "with itself": (correlated(pair(B, B)), "correlation[0]", "new pair"),
    "twice": (correlated(pair(A, B), pair(B, A)), "correlation[1]", "new pair"),
    "of rank 1": (correlated(pair(A, B, 1)), "correlation[0].rank", "less than 1"),
    "of rank -1": (correlated(pair(A, B, -1)), "correlation[0].rank", "greater than -1"),
    "of three": (correlated(pair(A, B, between=[A, B, C])), "correlation[0].between", "2 items"),
    "without why": (correlated(pair(A, B, why="")), "correlation[0].why", "at least 1"),
    "impossible": (
        correlated(pair(A, B), pair(B, C), pair(A, C, -0.6)), "correlation", "no joint distribution"
    ),
    # forecast
    "date in words": (forecast(today="1 October 2026"), "forecast.today", "YYYY-MM-DD"),
    "month 13": (forecast(today="2025-13"), "forecast.today", "month"),
    "month 0": (forecast(today="2025-00"), "forecast.today", "month"),
    "day 1 of month 13": (forecast(today="2025-13-01"), "forecast.today", "month"),
    "30 February": (forecast(today="2025-02-30"), "forecast.today", "day"),
    "year 0": (forecast(today="0000"), "forecast.today", "write a date as"),
    "year 1": (forecast(algorithm_baseline="0001"), "forecast.algorithm_baseline", "year"),
    "year 9999": (forecast(horizon=dt.date(9999, 12, 31)), "forecast.horizon", "year"),
    "year 2400": (forecast(horizon="2500", dates=["2400"]), "forecast.dates.0", "year"),
    "time": (forecast(today=dt.time(7)), "forecast.today", "is not a date"),
    "true": (forecast(today=True), "forecast.today", "is not a date"),
    "list of a date": (forecast(today=["2026"]), "forecast.today", "is not a date"),
    "date past the horizon": (forecast(dates=["2060"]), "forecast.dates", "past the horizon"),
    "horizon before today": (forecast(horizon="2026-09"), "forecast", "must follow one another"),
    "baseline after today": (forecast(algorithm_baseline="2027"), "forecast", "must follow"),
    "no factors": (forecast(inference_factors=[]), "forecast.inference_factors", "1 item"),
    "no dates": (forecast(dates=[]), "forecast.dates", "1 item"),
    "no ages": (forecast(ages_years=[]), "forecast.ages_years", "1 item"),
    "no thresholds": (forecast(thresholds_usd=[]), "forecast.thresholds_usd", "1 item"),
    "factor 0": (forecast(inference_factors=[0]), "forecast.inference_factors.0", "equal to 1"),
    "free threshold": (forecast(thresholds_usd=[5, 0]), "forecast.thresholds_usd.1", "than 0"),
    "age below 0": (forecast(ages_years=[-1]), "forecast.ages_years.0", "equal to 0"),
    # tasks
    "debut past the horizon": (task(debut="2050"), "task.t.debut", "before the horizon"),
    "priced before debut": (task(priced="2025"), "task.t.priced", "not be before its debut"),
    "like no benchmark": (task(resembles="arc-agi"), "task.t.resembles", "did you mean arc-agi-1"),
    "negative cost": (task(cost_usd=-1), "task.t.cost_usd", "greater than 0"),
    "unknown kind": (task(kind="toy"), "task.t.kind", "'benchmark'"),
    "no debut": ({"task": {"t": {}}}, "task.t.debut", "is missing"),
    "task is a number": ({"task": {"t": 1}}, "task.t", "must be a table"),
    # evidence
    "unknown source": (chosen(sources=["openai-01"]), "evidence.sources", "did you mean openai-o1"),
    "source without rows": (chosen(sources=["ord-rl"]), "evidence.sources", "is no source of an"),
    "no sources": (chosen(sources=[]), "evidence.sources", "1 item"),
    "some word": (chosen(sources="some"), "evidence.sources", "'all'"),
    "nothing left": (chosen(sources=["scalerl"], as_of="2025-09"), "evidence", "no observation"),
    "as of never": (chosen(as_of="never"), "evidence.as_of", "YYYY-MM-DD"),
}
# fmt: on


@pytest.mark.parametrize(("spec", "key", "rule"), SECTION.values(), ids=SECTION)
def test_a_bad_section_is_refused(write, spec, key, rule):
    assert_said(refused(load_scenario, write(**spec)), key, rule)


# --- files ----------------------------------------------------------------------------------------

HEAD = 'extends = "base"\nname = "bad"\n'
FILE = {
    # name: (content, key, rule)
    "duplicate key": (HEAD + 'name = "again"', "file", "must be TOML"),
    "duplicate table": (HEAD + "[sampler]\n[sampler]", "file", "must be TOML"),
    "syntax error": (HEAD + "[sampler", "file", "must be TOML"),
    "month 13 in TOML": (HEAD + "[forecast]\ntoday = 2025-13-01", "file", "at line 4"),
    "not UTF-8": (HEAD.encode() + b'title = "\xff"', "file", "must be TOML"),
    "NUL": (HEAD + "\0", "file", "must be TOML"),
    "too big": (HEAD + "#" * LIMIT, "file", f"under {LIMIT} bytes"),
    "empty": ("", "name", "must be text"),
    "spaces": (" \n\n", "name", "must be text"),
    "nested without end": (HEAD + "x = " + "[" * 5000, "file", "must be TOML"),
    "number without end": (HEAD + "x = " + "1" * 5000, "file", "must be TOML"),
    "hexadecimal without end": (HEAD + "[sampler]\nseed = 0x" + "f" * 5000, "sampler.seed", "less"),
    "parent unknown": ('extends = "bsae"\nname = "bad"', "scenario", "did you mean base"),
    "parent missing": ('extends = "no.toml"\nname = "bad"', "file", "does not exist"),
    "parent of NUL": ('extends = "\\u0000.toml"\nname = "bad"', "file", "does not exist"),
    "parent too long": (f'extends = "{"a" * 300}.toml"\nname = "bad"', "file", "does not exist"),
}


@pytest.mark.parametrize(("text", "key", "rule"), FILE.values(), ids=FILE)
def test_a_bad_file_is_refused(write, text, key, rule):
    assert_said(refused(load_scenario, write(text)), key, rule)


def test_a_scenario_that_is_nowhere_is_refused(tmp_path):
    assert_said(refused(load_scenario, "bsae"), "scenario", "did you mean base")
    assert_said(refused(load_scenario, tmp_path / "no.toml"), "file", "does not exist")
    (tmp_path / "folder.toml").mkdir()
    assert_said(refused(load_scenario, tmp_path / "folder.toml"), "file", "")


def test_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    refused(load_scenario, tmp_path / "loop.toml")


def test_faults_of_all_sections_are_reported_together(write):
    path = write(
        sampler={"draws": 0, "chain": 1},
        forecast={"today": "soon", "dates": []},
        prior={"curve_noise": {}, "nonsense": {}},
        task={"t": {"cost_usd": -1}},
        evidence={"sources": ["nobody"]},
        correlation=[{}],
        colour="red",
    )
    keys = {fault.key for fault in refused(load_scenario, path)}
    assert keys >= {
        "sampler.draws",
        "sampler.chain",
        "forecast.today",
        "forecast.dates",
        "prior.curve_noise.family",
        "prior.nonsense",
        "task.t.cost_usd",
        "evidence.sources",
        "correlation[0].between",
        "colour",
    }


def test_faults_between_keys_are_reported_with_those_within(write):
    faults = refused(load_scenario, write(colour="red", forecast={"dates": ["2060"]}))
    assert {"colour", "forecast.dates"} <= {fault.key for fault in faults}


def test_faults_of_evidence_overrides_and_file_are_reported_together(priors):
    with (priors / "evidence" / "recipes.csv").open("a") as file:
        file.write("nobody\n")
    overrides = {"name.x": 1, "sampler.draws": 0}
    keys = {fault.key for fault in refused(load_scenario, priors / "base.toml", overrides)}
    assert keys >= {"row", "name.x", "sampler.draws"}


def test_faults_cross_process_borders(write):
    with pytest.raises(BadInput) as caught:
        load_scenario(write(sampler={"draws": 0}))
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.faults == caught.value.faults


# --- overrides ------------------------------------------------------------------------------------

OVERRIDE = {
    # option: (key, rule)
    "sampler": ("sampler", "KEY=VALUE"),
    "=5": ("=5", "KEY=VALUE"),
    "": (None, "KEY=VALUE"),
    "sampler.draws={a=": ("sampler.draws", "not valid TOML"),
    "sampler.draws=many": ("sampler.draws", "valid integer"),
    "sampler.draws=10\nsampler.chains=9": ("sampler.draws", "not valid TOML"),
    "smapler.draws=5": ("smapler", "did you mean sampler"),
    "name.first=x": ("name.first", "holds no keys"),
    "correlation.0.rank=0.1": ("correlation.0.rank", "set it as a whole"),
    "prior.rl_slop.value=5": ("prior.rl_slop.value", "did you mean rl_slope"),
    "prior.rl_slope=5": ("prior.rl_slope", "must be a table"),
    "prior.rl_slope.value=-5": ("prior.rl_slope", "greater than 0"),
    "prior.rl_slope.value=true": ("prior.rl_slope.value", "number"),
    "prior.rl_slope.quantiles={q05=9,q95=5}": ("prior.rl_slope", "must rise"),
    "prior.rl_slope.family=constant": ("prior.rl_slope", "constant takes value"),
    "prior.rl_slope=derived": ("prior", "state two of"),
    "task.t.cost_usd=5": ("task.t.cost_usd", "task.t is not in the scenario"),
    "extends=skeptic": ("extends", "is not a key"),
    ".=5": (None, "is not a key"),
    f"title={'[' * 5000}": ("title", "not valid TOML"),
    f"sampler.seed={'9' * 5000}": ("sampler.seed", "not valid TOML"),
}


def load_set(*options):
    return load_scenario("base", dict(map(parse_override, options)))


@pytest.mark.parametrize("option", OVERRIDE, ids=lambda option: option[:40])
def test_a_bad_override_is_refused(option):
    key, rule = OVERRIDE[option]
    with pytest.raises(BadInput) as caught:
        load_set(option)
    faults = caught.value.faults
    assert all(fault.fix for fault in faults)
    assert_said(faults, faults[0].key if key is None else key, rule)


# --- evidence -------------------------------------------------------------------------------------


@pytest.fixture
def priors(tmp_path):
    """A copy of the shipped priors that may be spoilt."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "priors"))


def spoil(folder, table, **cells):
    """Write other cells into the first row of a table."""
    path = folder / "evidence" / f"{table}.csv"
    header, *rows = csv.reader(io.StringIO(path.read_text("utf-8")))
    rows[0] = [cells.get(name, old) for name, old in zip(header, rows[0], strict=True)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


# fmt: off
CELL = {  # name: (table, cells of its first row, key, rule)
    "score 0": ("response_points", {"score": "0"}, "score", "inside (0, 1)"),
    "score 1": ("response_points", {"score": "1"}, "score", "inside (0, 1)"),
    "score 1.2": ("response_points", {"score": "1.2"}, "score", "inside (0, 1)"),
    "score nan": ("response_points", {"score": "nan"}, "score", "not finite"),
    "score inf": ("response_points", {"score": "inf"}, "score", "not finite"),
    "score empty": ("response_points", {"score": ""}, "score", "is empty"),
    "score blank": ("response_points", {"score": " "}, "score", "is empty"),
    "score text": ("response_points", {"score": "high"}, "score", "not a number"),
    "score comma": ("response_points", {"score": "0,5"}, "score", "not a number"),
    "no date": ("response_points", {"date": "spring 2025"}, "date", "is no date"),
    "30 February": ("response_points", {"date": "2025-02-30"}, "date", "is no date"),
    "year 0": ("response_points", {"date": "0000"}, "date", "is no date"),
    "empty date": ("response_points", {"date": ""}, "date", "is empty"),
    "month 13": ("recipes", {"recipe_date": "2025-13"}, "recipe_date", "is no date"),
    "unknown source": ("response_points", {"source": "opnai-o1"}, "source", "mean openai-o1"),
    "kind misspelled": ("response_points", {"kind": "Inference"}, "kind", "rl, inference"),
    "no compute": ("response_points", {"compute": "0"}, "compute", "inside (0, inf)"),
    "certain slope": ("response_slopes", {"se": "0"}, "se", "inside (0, inf)"),
    "factor below": ("annual_factors", {"factor": "1", "q05": "2", "q95": "3"}, "factor", "lie"),
    "factor above": ("progress_rates", {"factor": "9", "q05": "2", "q95": "3"}, "factor", "lie"),
    "half an interval": ("annual_factors", {"q05": "2", "q95": ""}, "factor", "both or neither"),
    "ages reversed": (
        "annual_factors", {"age_from_years": "2", "age_to_years": "1"}, "age_to_years", "greater"
    ),
    "range reversed": (
        "exchange_rates", {"training_oom_low": "9"}, "inference_oom_high", "must not exceed"
    ),
    "start too high": ("recipes", {"start": "0.9"}, "asymptote", "greater than start"),
    "cost and tokens": (
        "cost_records", {"output_tokens": "5", "usd_per_million_tokens": "2"}, "cost_usd", "either"
    ),
    "cost and price": ("cost_records", {"usd_per_million_tokens": "2"}, "cost_usd", "either"),
    "no cost": ("cost_records", {"cost_usd": ""}, "cost_usd", "either"),
    "no price": ("cost_records", {"cost_usd": "", "output_tokens": "5"}, "cost_usd", "either"),
    "watched before it was": (
        "cost_records", {"observed_until": "2020"}, "observed_until", "before the date"
    ),
}
# fmt: on


@pytest.mark.parametrize(("table", "cells", "key", "rule"), CELL.values(), ids=CELL)
def test_a_bad_cell_is_refused(priors, table, cells, key, rule):
    spoil(priors, table, **cells)
    faults = refused(load_scenario, priors / "base.toml")
    assert_said(faults, key, rule)
    assert {Path(fault.file).name for fault in faults} == {f"{table}.csv:2"}


# fmt: off
TABLE = {  # name: (what becomes of the text of response_points.csv, key, rule)
    "missing column": (lambda s: s.replace(",score", "", 1), "score", "add it"),
    "unknown column": (lambda s: s.replace(",score", ",scoer", 1), "scoer", "did you mean score"),
    "column twice": (lambda s: s.replace("\n", ",score\n"), "score", "twice"),
    "too many cells": (lambda s: s.rstrip() + ",1\n", "row", "one cell per column"),
    "too few cells": (lambda s: s + "openai-o1,here\n", "row", "one cell per column"),
    "empty": (lambda s: "", "score", "add it"),
    "open quote": (lambda s: s + '"openai-o1,here\n', "row", "one cell per column"),
    "huge cell": (lambda s: s + "x" * 200_000, "file", "readable"),
    "not UTF-8": (lambda s: s.encode() + b"\xff", "file", "UTF-8"),
    "UTF-16": (lambda s: s.encode("utf-16"), "file", "UTF-8"),
}
# fmt: on


@pytest.mark.parametrize(("change", "key", "rule"), TABLE.values(), ids=TABLE)
def test_a_bad_table_is_refused(priors, change, key, rule):
    path = priors / "evidence" / "response_points.csv"
    text = change(path.read_text("utf-8"))
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert_said(refused(load_scenario, priors / "base.toml"), key, rule)


def test_the_line_of_a_bad_row_is_that_in_the_file(priors):
    path = priors / "evidence" / "response_points.csv"
    header, *rows = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([header, "", *rows, "nobody"]) + "\n", "utf-8")
    (fault,) = refused(load_scenario, priors / "base.toml")
    assert fault.file == f"{path}:{len(rows) + 3}"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_is_a_folder_is_refused(priors, table):
    path = priors / "evidence" / f"{table}.csv"
    path.unlink()
    path.mkdir()
    assert_said(refused(load_scenario, priors / "base.toml"), "file", "readable")


@pytest.mark.parametrize("text", ["[a", "x = " + "[" * 5000, "x = " + "9" * 5000, b"\xff", None])
def test_bad_sources_are_refused(priors, text):
    path = priors / "sources.toml"
    path.unlink()
    if text is None:
        path.mkdir()
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    faults = refused(load_scenario, priors / "base.toml")
    assert str(path) in {fault.file for fault in faults}


# --- anything at all ------------------------------------------------------------------------------

WORDS = ["all", "none", "never", "constant", "normal", "lognormal", "uniform", "1", "OOM", "new"]
NUMBERS = [0, -1, 1, 2**63, 10**400, 1e-320, 1e308, NAN, INF, -INF]
KEYS = st.text(max_size=6) | st.sampled_from(
    ["q05", "q50", "value", "mu", "sigma", "float", *BELIEFS]
)
ANYTHING = st.recursive(
    st.one_of(
        st.sampled_from(WORDS + NUMBERS),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=8),
        st.dates(),
        st.datetimes(),
        st.times(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def places(table, path=()):
    """Every path into nested tables."""
    for key, value in table.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


PATHS = list(places(BASE))
EDITS = st.one_of(
    st.tuples(st.just("delete"), st.sampled_from(PATHS), st.none()),
    st.tuples(st.just("replace"), st.sampled_from(PATHS), ANYTHING),
    st.tuples(st.just("insert"), st.sampled_from(PATHS), st.tuples(KEYS, ANYTHING)),
)


def edited(edits):
    """The base scenario with things deleted, replaced or put beside others."""
    spec = copy.deepcopy(BASE)
    for how, (*path, last), new in edits:
        table = spec
        for key in path:
            table = table.get(key) if isinstance(table, dict) else None
        if not isinstance(table, dict):
            continue
        if how == "delete":
            table.pop(last, None)
        else:
            table |= {last: new} if how == "replace" else [new]
    return spec


def assert_usable_or_refused(*arguments):
    """What is loaded can be computed with, what is refused is refused in this project's words."""
    try:
        scenario = load_scenario(*arguments)
    except BadInput:
        refused(load_scenario, *arguments)
        return
    assert re.fullmatch("[0-9a-f]{10}", scenario.digest)
    for belief in scenario.beliefs.values():
        quantiles = list(belief.quantiles().values())
        assert quantiles == sorted(quantiles)
        assert belief.constant or all(map(math.isfinite, quantiles))


@settings(max_examples=400, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=3))
def test_any_change_of_a_scenario_is_loaded_or_refused(scratch, edits):
    scratch.write_text(tomli_w.dumps(edited(edits)), "utf-8")
    assert_usable_or_refused(scratch)


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=200).map(str.encode) | st.binary(max_size=200)
)
def test_any_noise_is_refused(scratch, noise):
    scratch.write_bytes(noise)
    refused(load_scenario, scratch)


DOTTED = st.sampled_from(PATHS).map(".".join) | st.text(max_size=20)
VALUE = ANYTHING.map(lambda x: tomli_w.dumps({"x": x})[4:]) | st.text(max_size=20)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.builds("{}={}".format, DOTTED, VALUE) | st.text(), min_size=1, max_size=3))
def test_any_override_is_taken_or_refused(options):
    try:
        overrides = dict(map(parse_override, options))
    except BadInput:
        return
    assert_usable_or_refused("base", overrides)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A file to be written over and over."""
    return tmp_path_factory.mktemp("fuzz") / "scratch.toml"
