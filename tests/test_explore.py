"""The page to play with: what is in the file, and that a browser shows what Python computes."""

import base64
import datetime as dt
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import browser
import made
import numpy as np
import pytest
import tomli_w
from scipy import stats

from simulator import cli, explore, load_scenario, simulate, summary, units
from simulator.average import average
from simulator.explore import beyond
from simulator.explore import packed as packing
from simulator.explore.contents import contents, defaults
from simulator.explore.packed import packed
from simulator.explore.page import SCRIPTS, assembled, embedded
from simulator.explore.settings import RANGES, Settings
from simulator.explore.subject import answers, subject
from simulator.faults import BadInput
from simulator.forecast import costs, staircase
from simulator.run import open_run
from simulator.streams import SAMPLE

LIMIT = 1_500_000
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
HOSTILE = [
    "</script><img src=x onerror=document.title=1>",
    "\"double\" 'single' & <b>bold</b> ${title} $title",
    "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd \u2028\u2029 \U0001f916",
]
STRUCTURES = [(r, c) for r in ("logit", "linear", "saturating") for c in ("staircase", "trend")]


def quick(into, overrides=None, **sampler):
    """A run of beliefs alone."""
    chosen = load_scenario("base", {"evidence.sources": "none"} | (overrides or {}))
    return simulate(chosen.with_sampler(**({"chains": 4, "draws": 250} | sampler)), 1, into)


@pytest.fixture(scope="session")
def base_subject(base_run):
    return subject(base_run)


@pytest.fixture(scope="session")
def base_page(base_run, tmp_path_factory):
    return explore.write(base_run, tmp_path_factory.mktemp("page") / "base.html")


@pytest.fixture(scope="session")
def hostile_page(compiled_code, tmp_path_factory):
    into = tmp_path_factory.mktemp("hostile")
    task = {"cost_usd": 300.0, "debut": "2027-06-01", "resembles": "new"}
    file = into / "hostile.toml"
    spec = {"extends": "base", "name": "hostile", "title": HOSTILE[0], "why": "a test"}
    spec |= {"evidence": {"sources": "none"}, "task": dict.fromkeys(HOSTILE, task)}
    file.write_text(tomli_w.dumps(spec), "utf-8")
    # one chain fails checks, which has to be said first
    run = simulate(load_scenario(str(file)).with_sampler(chains=1, draws=100), 1, into / "runs")
    return explore.write(run)


# --- what Python says -----------------------------------------------------------------------------


@pytest.mark.parametrize("date", [0, 1, -1])
def test_at_the_posterior_answers_are_the_runs_own_forecast(base_run, base_subject, date):
    forecast, start = base_run.forecast, defaults(base_subject)
    for name, task in base_subject.scenario.tasks.items():
        for threshold in base_subject.scenario.forecast.thresholds_usd:
            asked = start._replace(
                task=name,
                cost_usd=task.cost_usd,
                threshold_usd=threshold,
                date=base_subject.scenario.forecast.dates[date],
            )
            found = answers(base_subject, asked)
            own = {"inference_factor": 100, "benchmark": "new", "algorithm": "today"}
            own |= {"task": name, "threshold": threshold, "date": str(asked.date)}
            own |= {"decision_date": str(asked.date)}
            for quantity, draws in found.items():
                expected = forecast[quantity]
                at = {dim: own[dim] for dim in expected.dims if dim in own}
                np.testing.assert_array_equal(draws, expected.sel(at).values, quantity)


@pytest.mark.parametrize(("factor", "algorithm"), [(100.0, "today"), (37.0, "as_published")])
def test_its_answers_are_those_of_a_question(base_run, base_subject, factor, algorithm):
    """Also at dates, factors and thresholds that the run has not stored."""
    asked = defaults(base_subject)._replace(
        inference_factor=factor, algorithm=algorithm, threshold_usd=777.0, date=dt.date(2029, 3, 7)
    )
    found, task = answers(base_subject, asked), asked.task
    for quantity, about in {
        "required_rl_multiplier_oom": {"inference_factor": factor, "algorithm": algorithm},
        "task_cost_oom_usd": {"task": task, "date": asked.date},
        "years_to_threshold": {"task": task, "threshold_usd": 777.0},
    }.items():
        expected = base_run.distribution(quantity, **about).draws
        np.testing.assert_array_equal(found[quantity], expected, quantity)


def flat(array):
    return array.transpose(*SAMPLE).values.ravel()


def test_records_are_the_runs_own_up_to_its_horizon_and_go_on_from_there(base_subject):
    task = base_subject.scenario.tasks["$50,000 task"]
    seed = base_subject.run.seed
    own = costs.path(base_subject.scenario, base_subject.draws, seed, "$50,000 task", task)
    longer, span = base_subject.records["$50,000 task"], flat(own.time(own.decline.horizon_age))
    for short, long in zip(own.blocks, longer, strict=False):
        in_run = short.clock <= span[short.paths]
        np.testing.assert_array_equal(long.clock, np.where(in_run, short.clock, np.nan))
        np.testing.assert_array_equal(long.fallen[in_run], short.fallen[in_run])
    further = longer[len(own.blocks) :]
    assert sum(b.clock.size for b in further) > 2 * sum(b.clock.size for b in own.blocks)
    first, at_end = further[0], flat(own.start - own.cost(own.decline.horizon_age))
    assert (first.clock[0] > span[first.paths]).all()
    floored = flat(own.cost(own.decline.horizon_age) <= own.floor + 1e-9)[first.paths]
    assert (first.fallen[0] > at_end[first.paths])[~floored].all()
    again = staircase.records(own.time(own.decline.horizon_age), own.drop, seed + 1, "$50,000 task")
    assert not np.array_equal(again[0].clock, own.blocks[0].clock)


def test_hashed_exponentials_are_as_random_as_they_have_to_be():
    """Five tests of 1 in 10,000 each; a key that is not mixed in would fail them."""
    paths, numbers = np.arange(4000), np.arange(64)[:, None]
    drawn = beyond.exponentials(beyond.key(1, "a task"), paths, numbers)
    other = beyond.exponentials(beyond.key(1, "another"), paths, numbers)
    assert stats.kstest(drawn.ravel(), "expon").pvalue > 1e-4
    scores = [stats.norm.ppf(-np.expm1(-x)) for x in (drawn, other)]
    pairs = [(scores[0][1:], scores[0][:-1]), (scores[0][:, 1:], scores[0][:, :-1]), scores]
    for x, y in [*pairs, (scores[0][::2], scores[0][1::2])]:
        assert stats.pearsonr(x.ravel(), y.ravel()).pvalue > 1e-4
    assert stats.kstest(drawn.ravel() * 1.02, "expon").pvalue < 1e-4


def test_a_path_of_a_billion_records_has_as_many_as_fit_and_falls_as_far():
    span, end, drop = np.full(2, 2.0), np.array([1e9, 40.0]), np.full(2, 0.1)
    blocks = beyond.extended([], span, end, drop, 1)
    assert sum(block.paths.size for block in blocks) * staircase.BLOCK < 2 * beyond.MOST
    last = blocks[-1]
    assert last.paths == [0]
    assert last.clock[-1] > end[0]
    # Two sums of 1,024 exponentials: at 5 sd, fewer than one false alarm in a million.
    assert last.fallen[-1] / last.clock[-1] == pytest.approx([0.1], rel=5 * np.sqrt(2 / 1024))
    assert max(block.clock[0, -1] for block in blocks if block.paths[-1] == 1) < 60  # one by one


def test_by_hand_tenfold_a_year_and_half_the_slope(tmp_path):
    """Constants: 10x a year; slope ratio 1/2; each factor does what its name says."""
    run = quick(tmp_path, {"structure.cost": "trend"}, draws=100)
    about = subject(run)
    about = about._replace(draws=made.tenfold((4, 100)))
    task = about.scenario.tasks["$50,000 task"]
    date = task.debut.replace(year=task.debut.year + 2)
    ask = defaults(about)._replace(date=date, algorithm="as_published", threshold_usd=50.0)

    def one(name, **changes):
        draws = answers(about, ask._replace(**changes))[name]
        assert (draws == draws[0, 0]).all()
        return draws[0, 0]

    # the task resembles "new", whose rate strays; a typical one does not
    typical = task.model_copy(update={"resembles": "typical"})
    about.scenario.tasks["$50,000 task"] = typical
    assert one("task_cost_oom_usd") == pytest.approx(np.log10(500))
    assert one("task_cost_oom_usd", decline_rate_factor=0.5) == pytest.approx(np.log10(5000))
    assert one("task_cost_oom_usd", cost_usd=5e6) == pytest.approx(np.log10(5e4))
    assert one("years_to_threshold") == pytest.approx(3)
    assert one("years_to_threshold", decline_rate_factor=2.0) == pytest.approx(1.5)
    typical_ratio = {"benchmark": "typical"}
    assert one("required_rl_multiplier_oom", **typical_ratio) == pytest.approx(4)
    twice = {"slope_ratio_factor": 2.0, **typical_ratio}
    assert one("required_rl_multiplier_oom", **twice) == pytest.approx(2)
    gains = {g: one("required_rl_multiplier_oom", algorithm="today", algorithm_gain_factor=g,
                    **typical_ratio) for g in (0.0, 1.0, 2.0)}  # fmt: skip
    assert gains == pytest.approx({0.0: 4.0, 1.0: 2 - 0.5, 2.0: 1 - 1.0})


# --- the file -------------------------------------------------------------------------------------


class Parts(HTMLParser):
    """Elements and attributes of a page, and the text of its scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self._in = [], [], {"script": [], "style": []}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, key, value) for key, value in attrs]
        self._in = tag if tag in self.texts else None
        if self._in:
            self.texts[tag].append("")

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, data):
        if self._in:
            self.texts[self._in][-1] += data


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else(hostile_page):
    parts = Parts(hostile_page.read_text("utf-8"))
    (policy,) = [v for t, k, v in parts.attributes if (t, k) == ("meta", "content") and "src" in v]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert rules.pop("img-src") == "data:"
    data, script = parts.texts["script"]
    (style,) = parts.texts["style"]
    for kind, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules.pop(f"{kind}-src") == f"'sha256-{digest}'"
    assert not rules
    assert not [name for _, name, _ in parts.attributes if name.startswith("on") or name == "style"]
    assert not {"img", "b", "iframe", "form", "base"} & {*parts.tags}
    links = [v for _, k, v in parts.attributes if k in ("src", "href", "action")]
    assert links == ["data:,"]
    assert not re.search(r"[<>&\u2028\u2029]", data)
    assert [*json.loads(data)["tasks"]][-3:] == HOSTILE


def test_no_script_holds_an_end_of_script_or_reaches_for_html(base_page):
    code = "".join((Path(explore.__file__).parent / f"{name}.js").read_text() for name in SCRIPTS)
    for word in ("</", "innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write"):
        assert word not in code
    names = re.findall(r"^(?:function|class|const|let) (\w+)", code, re.MULTILINE)
    assert len({*names}) == len(names)  # a later one would take the place of the earlier
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", base_page.read_text("utf-8"))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_of_text_stand_out(scheme):
    """At least 4.5 to 1, as WCAG asks of text."""
    text = (Path(explore.__file__).parent / "page.css").read_text()
    root = text.split(":root")[1:][scheme]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", root))

    def luminance(name):
        channels = [int(colours[name][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot((0.2126, 0.7152, 0.0722), linear))

    on = {"paper": ("ink", "dim", "posterior", "changed"), "panel": ("ink", "dim")}
    on |= {"changed-panel": ("ink", "dim", "changed"), "bad-panel": ("bad",), "changed": ("paper",)}
    for behind, fronts in on.items():
        for front in fronts:
            low, high = sorted((luminance(behind), luminance(front)))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (front, behind)


def test_data_survive_their_embedding():
    value = {"a": [*HOSTILE, "<!--", "]]>"], "b": 0.1}
    assert json.loads(embedded(value)) == value
    with pytest.raises(ValueError, match="JSON"):
        embedded(float("inf"))


def test_the_page_is_small_and_the_same_every_time(base_run, base_page):
    assert base_page.stat().st_size < LIMIT
    assert base_page.read_bytes() == explore.explore(open_run(base_run.path)).encode()


def test_all_draws_of_the_base_run_are_in_its_page(base_subject):
    said = contents(base_subject)["thinned"]
    assert (said["of"], said["draws"], said["paths"], said["rows"]) == (4000, 4000, 4000, [])


def test_the_page_says_what_thinning_did(base_subject, monkeypatch):
    monkeypatch.setattr("simulator.explore.packed.OF_ALL", 500_000)
    said = contents(base_subject)["thinned"]
    assert (said["of"], said["draws"]) == (4000, 4000)
    assert 600 <= said["paths"] <= 2000
    row = next(row for row in said["rows"] if row["name"].startswith("Cost of: $50,000 task"))
    thin, start = packed(base_subject)[1], defaults(base_subject)
    draws = base_subject.run.forecast["task_cost_oom_usd"].sel(
        task=start.task, date=str(start.date)
    )
    for found, of in ((row["all"], draws), (row["here"], thin.paths(draws))):
        quantiles = summary.quantiles(of.values)
        assert found == [units.show(quantiles[q], "OOM USD") for q in ("q05", "q50", "q95")]
    # the difference that it says is the largest of its medians
    apart = max(row["apart_oom"] for row in said["rows"])
    assert 0 < apart < 0.3
    assert said["apart"] == f"{units.significant(100 * (10**apart - 1), 2)}%"


def test_many_draws_and_many_tasks_are_thinned_until_the_page_is_small(tmp_path, compiled_code):
    task = {"cost_usd": 300.0, "debut": "2027-06-01", "resembles": "new"}
    many = {f"task.task {n}": task for n in range(12)} | {"structure.response": "saturating"}
    about = subject(quick(tmp_path, many, chains=3, draws=1500))
    data, thin = packed(about)
    assert thin == (2, thin.every)
    assert thin.every > 1
    assert len(json.dumps(data)) < LIMIT - 60_000
    fewer, all_paths = packed(subject(about.run, [f"task {n}" for n in range(12)]))
    assert all_paths == (2, 1)
    # coarser records come before fewer paths
    assert (data["per_oom"], fewer["per_oom"] < 2048) == (2048, True)


def test_tasks_that_leave_no_room_are_said_to(small_run, monkeypatch):
    monkeypatch.setattr("simulator.explore.packed.OF_ALL", 75_000)
    with pytest.raises(BadInput, match=r"no room for enough paths of \d tasks; .*--task"):
        explore.explore(small_run)
    assert explore.explore(small_run, ["ARC-AGI-1 puzzle at 85%"])


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def small_run(tmp_path_factory, compiled_code):
    return quick(tmp_path_factory.mktemp("small") / "runs", draws=100)


def test_the_page_lies_beside_the_run_and_a_newer_one_takes_its_place(small_run, capsys):
    assert cli.run(["explore", str(small_run.path)]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == small_run.path.with_name(f"{small_run.id}-explore.html")
    first = path.stat().st_ino
    assert cli.run(["explore", str(small_run.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["path"], told["bytes"]) == (str(path), path.stat().st_size)
    assert path.stat().st_ino != first
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []
    open_run(small_run.path)  # still sealed


def test_the_page_on_stdout_is_the_page(small_run, capsys, tmp_path):
    assert cli.run(["explore", str(small_run.path), "--out", "-"]) == 0
    printed = capsys.readouterr().out
    file = tmp_path / "page.html"
    assert cli.run(["explore", str(small_run.path), "--out", str(file)]) == 0
    assert file.read_text("utf-8") == printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--task", "$50,000 tsk"], "did you mean $50,000 task?"),
        (["--out", "notes.txt"], "no page of this kind"),
        (["--out", "."], "is a folder"),
        (["--out", "/dev/null/page.html"], "--out"),
    ],
)
def test_bad_input_is_said_and_nothing_is_written(
    small_run, capsys, tmp_path, monkeypatch, words, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert cli.run(["explore", str(small_run.path), *words]) == 2
    assert said in capsys.readouterr().err
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"notes.txt": "mine"}


def test_an_average_is_refused_with_its_parents(small_run, tmp_path):
    mixed = average([small_run], into=tmp_path)
    with pytest.raises(BadInput, match=f"average of runs; explore one of them: {small_run.id}"):
        explore.explore(mixed)


def test_a_page_that_cannot_be_finished_leaves_nothing(small_run, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        explore.write(small_run, tmp_path / "page.html")
    assert not [*tmp_path.iterdir()]


# --- in a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium():
    with browser.launched() as found:
        yield found


@pytest.fixture
def page(chromium, base_page):
    with chromium.open(base_page) as opened:
        yield opened
        assert not opened.errors
        assert not opened.requests


def shown(opened):
    """The page's answers at what it is set to now, per draw; and its settings."""
    told = opened.evaluate(
        """() => {
          const plain = (x) => Array.from(x, (y) => (Number.isFinite(y) ? y : 1e300));
          const { fan, ...found } = answers(settings);
          const said = { ...settings };
          if (said.half_life_factor === Infinity) said.half_life_factor = null;
          return [Object.fromEntries(Object.entries(found).map(([k, v]) => [k, plain(v)])), said];
        }"""
    )
    draws = {k: np.where(np.array(v) == 1e300, np.inf, v) for k, v in told[0].items()}
    said = told[1] | {"date": dt.date.fromisoformat(told[1]["date"])}
    if said["half_life_factor"] is None:
        said["half_life_factor"] = np.inf
    return draws, Settings(**said)


def expected(opened, about, settings):
    """What Python computes there, of the draws that are in the page."""
    step, every = opened.evaluate("[DATA.draws.step, DATA.draws.every]")
    thin = {"required_rl_multiplier_oom": step}
    found = answers(about, settings)
    return {n: draws[:, :: thin.get(n, step * every)].ravel() for n, draws in found.items()}


def tolerance(name, draws, rounded=True):
    """What single precision explains and, of what records make, their rounding to 1/2048 OOM."""
    draws = np.where(np.isinf(draws), 0.0, draws)
    if name == "required_rl_multiplier_oom" or not rounded:
        return 2e-5 * (1 + np.abs(draws))
    return 0.02 + 0.002 * draws if "years" in name else np.full_like(draws, 1e-3)


def disagreement(found, wanted, rounded=True):
    """Share of draws that differ by more than rounding explains, at worst."""
    assert found.keys() == wanted.keys()
    worst = 0.0
    for name, draws in wanted.items():
        assert found[name].shape == draws.shape
        finite = np.isfinite(draws)
        close = found[name] == draws
        apart = np.abs(found[name][finite] - draws[finite])
        close[finite] = apart <= tolerance(name, draws[finite], rounded)
        worst = max(worst, 1 - close.mean())
    return worst


def between(name, draws, p):
    """Where a quantile of the page may be: two draws of 4,000 to either side, and rounding."""
    level = p + np.array([-0.0005, 0.0005])
    low, high = np.quantile(draws, level, method="inverted_cdf")
    return low - tolerance(name, low), high + tolerance(name, high)


# A record within rounding of the date asked for falls on either side of it; so does a score within
# it of an asymptote, of which saturating curves under prior beliefs have more.
FLIPS, NEAR_ASYMPTOTES = 0.005, 0.01

KEYS = {"slope_ratio_factor": "ArrowRight", "date": "PageUp"}
RISES = {  # what a slider moved to the right does to medians: up, down, and what it leaves alone
    "inference_factor": (["required_rl_multiplier_oom", "persistence_years"], [],
                         ["task_cost_oom_usd", "years_to_threshold"]),
    "slope_ratio_factor": ([], ["required_rl_multiplier_oom", "break_even_uses_oom"],
                           ["task_cost_oom_usd", "years_to_threshold", "persistence_years"]),
    "algorithm_gain_factor": ([], ["required_rl_multiplier_oom", "break_even_uses_oom"],
                              ["task_cost_oom_usd", "years_to_threshold", "persistence_years"]),
    "cost_usd": (["task_cost_oom_usd", "years_to_threshold"], [],
                 ["required_rl_multiplier_oom", "break_even_uses_oom", "persistence_years"]),
    "threshold_usd": ([], ["years_to_threshold"],
                      ["task_cost_oom_usd", "required_rl_multiplier_oom", "break_even_uses_oom"]),
    "date": ([], ["task_cost_oom_usd"],
             ["years_to_threshold", "required_rl_multiplier_oom", "persistence_years"]),
    "decline_rate_factor": (["break_even_uses_oom"],
                            ["task_cost_oom_usd", "years_to_threshold", "persistence_years"],
                            ["required_rl_multiplier_oom"]),
    "half_life_factor": ([], ["task_cost_oom_usd", "years_to_threshold", "persistence_years"],
                         ["required_rl_multiplier_oom"]),
}  # fmt: skip
OVERRIDES = {"slope_ratio_factor", "algorithm_gain_factor", "cost_usd", "decline_rate_factor"}
OVERRIDES |= {"half_life_factor"}


@browser.needed
@pytest.mark.parametrize("slider", RISES)
def test_a_slider_moves_what_it_should_to_what_python_computes(page, base_subject, slider):
    before, start = shown(page)
    assert start == defaults(base_subject)
    assert disagreement(before, expected(page, base_subject, start)) <= FLIPS
    page.press(f"#{slider}", *["ArrowRight"] * 8)
    after, settings = shown(page)
    assert settings._replace(**{slider: getattr(start, slider)}) == start
    assert settings != start
    wanted = expected(page, base_subject, settings)
    assert disagreement(after, wanted) <= FLIPS
    # that the comparison can fail: these are not the answers of where the slider stood
    assert disagreement(after, expected(page, base_subject, start)) > 0.2
    up, down, still = RISES[slider]
    for names, sign in ((up, 1), (down, -1), (still, 0)):
        for name in names:
            move = np.quantile(after[name], 0.4) - np.quantile(before[name], 0.4)
            assert np.sign(move) == sign, name
            if not sign:
                np.testing.assert_array_equal(after[name], before[name])
    overridden = slider in OVERRIDES
    marked = page.evaluate("Array.from(document.querySelectorAll('.overridden'), x => x.id)")
    assert ("bar" in marked) == overridden
    assert ("multiplier" in marked) == ("required_rl_multiplier_oom" in up + down and overridden)
    assert ("costs" in marked) == ("task_cost_oom_usd" in up + down and overridden)
    assert page.evaluate(f"sliders.{slider} && id('{slider}').getAttribute('aria-valuetext')")
    assert ("Not the posterior" in page.page.inner_text("#standing")) == overridden


@browser.needed
def test_the_words_and_tables_are_the_quantiles_of_python(page, base_subject):
    page.press("#decline_rate_factor", *["ArrowLeft"] * 3)
    _, settings = shown(page)
    wanted = expected(page, base_subject, settings)
    cells = {
        "#multiplier-table": {"required_rl_multiplier_oom": "OOM"},
        "#cost-table": {"task_cost_oom_usd": "OOM USD", "years_to_threshold": "years"},
        "#uses-table": {"break_even_uses_oom": "OOM uses", "persistence_years": "years"},
    }
    for place, quantities in cells.items():
        rows = [
            row.split("\t")[1:]
            for row in page.page.inner_text(f"{place} tbody").split("\n")
            if not row.startswith("posterior")
        ]
        for (name, unit), row in zip(quantities.items(), rows, strict=True):
            quantiles = summary.quantiles(wanted[name]).items()
            for (level, q), cell in zip(quantiles, row, strict=True):
                p = int(level[1:]) / 100
                near = [q] if np.isinf(q) else np.linspace(*between(name, wanted[name], p), 99)
                assert cell in [units.show(None if np.isinf(x) else x, unit) for x in near]
    headline = page.page.inner_text("#cost-headline strong")
    assert headline == page.page.inner_text("#cost-table tbody tr td:nth-of-type(3)")
    share = (wanted["years_to_threshold"] <= 2).mean()
    said = page.page.inner_text("#cost-more")
    assert any(f"by then: {100 * (share + n / 4000):.2g}%" in said for n in range(-4, 5))


@browser.needed
def test_python_and_the_page_write_numbers_alike(page):
    rng = np.random.default_rng(1)
    values = [*rng.uniform(-8, 20, 300), 0.0, 3.0, 6.0, -5.0, 100.0, 2e4, -301.5]
    for unit in ("OOM", "OOM USD", "OOM uses", "years"):
        told = page.evaluate("([values, unit]) => values.map(x => show(x, unit))", [values, unit])
        asked = [v for v in values if unit != "years" or abs(v) < 100]
        assert [t for t, v in zip(told, values, strict=True) if v in asked] == [
            units.show(v, unit) for v in asked
        ]


@browser.needed
def test_quantiles_are_those_of_a_summary(page):
    rng = np.random.default_rng(2)
    for draws in (rng.normal(size=1000), rng.normal(size=37), np.ones(4)):
        for infinite in (0, 1, len(draws) // 2):
            with_some = draws.copy()
            with_some[:infinite] = np.inf
            plain = [x if np.isfinite(x) else None for x in with_some]
            told = page.evaluate(
                """draws => [0.05, 0.25, 0.5, 0.75, 0.95].map(p => {
                  const q = quantile(Float64Array.from(draws, x => x ?? Infinity).sort(), p);
                  return Number.isFinite(q) ? q : null; })""",
                plain,
            )
            own = summary.quantiles(with_some).values()
            assert [np.inf if q is None else q for q in told] == pytest.approx(list(own), rel=1e-12)


@browser.needed
@pytest.mark.parametrize(("response", "cost"), STRUCTURES)
def test_anything_set_at_once_gives_what_python_computes(
    chromium, tmp_path, compiled_code, response, cost
):
    """Eight views of each structure, prior beliefs, drawn at random; links set them."""
    run = quick(tmp_path, {"structure.response": response, "structure.cost": cost})
    about = subject(run)
    rng = np.random.default_rng(STRUCTURES.index((response, cost)))
    dates = [date for date, _ in contents(about)["dates"]]
    with chromium.open(explore.write(run)) as opened:
        for _ in range(8):
            task = rng.choice([*about.scenario.tasks])
            asked = {
                "benchmark": rng.choice(["typical", "new"]),
                "algorithm": rng.choice(["today", "as_published"]),
                "task": task,
                "date": rng.choice(dates),
            }
            for name, (low, high) in RANGES.items():
                top = 10.0 if np.isinf(high) else high
                asked[name] = 10 ** rng.uniform(np.log10(max(low, 0.05)), np.log10(top))
            if rng.random() < 0.3:
                asked["half_life_factor"] = "never"
            link = "&".join(f"{k}={str(v).replace('$', '%24')}" for k, v in asked.items())
            opened.evaluate("fragment => { settings = from_fragment(fragment); update(); }", link)
            found, settings = shown(opened)
            assert settings.task == task
            allowed = NEAR_ASYMPTOTES if response == "saturating" else FLIPS
            wanted = expected(opened, about, settings)
            assert disagreement(found, wanted, cost == "staircase") <= allowed
        assert not opened.errors


@browser.needed
@pytest.mark.parametrize(
    "link",
    ["", "task=90-minute software task&date=2033-11-01&threshold_usd=0.03&inference_factor=1000",
     "task=GPQA question at 75%25&threshold_usd=0.0002&algorithm=as_published&inference_factor=37"],
)  # fmt: skip
def test_its_quantiles_are_those_of_a_question(page, base_run, link):
    """To two draws of 4,000 and rounding; every other draw would not be enough."""
    page.evaluate("link => { settings = from_fragment(link); update(); }", link)
    found, settings = shown(page)
    recipe = {k: getattr(settings, k) for k in ("inference_factor", "algorithm")}
    missed = 0
    for quantity, about in {
        "required_rl_multiplier_oom": recipe,
        "task_cost_oom_usd": {"task": settings.task, "date": settings.date},
        "years_to_threshold": {"task": settings.task, "threshold_usd": settings.threshold_usd},
    }.items():
        asked = base_run.distribution(quantity, **about)
        half = asked.draws[:, ::2]
        for p in LEVELS:
            here = np.quantile(found[quantity], p, method="inverted_cdf")
            low, high = between(quantity, asked.draws, p)
            assert low <= here <= high, (quantity, p)
            missed += not low <= np.quantile(half, p, method="inverted_cdf") <= high
    assert missed >= 5


@browser.needed
def test_a_thinned_page_shows_what_python_computes_of_its_paths(
    chromium, small_run, tmp_path, monkeypatch
):
    limits = {"OF_MULTIPLIER": 6_000, "OF_ALL": 50_000, "FEWEST": 50, "PER_OOM": (1024,)}
    for name, limit in limits.items():
        monkeypatch.setattr(packing, name, limit)
    about, link = subject(small_run), "decline_rate_factor=3&half_life_factor=never"
    thin = packed(about)[1]
    assert thin.step > 1 < thin.every
    page = explore.write(small_run, tmp_path / "thinned.html")
    with chromium.open(page, link) as opened:
        found, settings = shown(opened)
        assert (
            disagreement(found, expected(opened, about, settings)) <= 0.05
        )  # at half the resolution
        assert "100 of them with paths of costs" in opened.page.inner_text("#thinning")


@browser.needed
def test_a_page_reads_whole_numbers_and_hashes_as_python_writes_them(page):
    rng = np.random.default_rng(4)
    for values in ([], [0], [7] * 9, [2**20, 0, 1], rng.geometric(1e-3, 999), [3, 0, 10_000]):
        told = page.evaluate("coded => [...integers(coded)]", packing.coded(np.array(values, int)))
        assert told == list(values)
    key = beyond.key(1, "a task")
    own = beyond.exponentials(key, np.arange(50), np.arange(20)[:, None])
    told = page.evaluate(
        """key => Array.from({ length: 20 }, (_, n) => Array.from(
        { length: 50 }, (_, path) => standard_exponential(key, path, n)))""",
        key,
    )
    np.testing.assert_allclose(told, own, rtol=1e-12)


@browser.needed
def test_a_link_shows_the_same_view(page, chromium, base_page):
    page.page.select_option("#task", "90-minute software task")
    page.page.select_option("#benchmark", "aime")
    page.page.select_option("#algorithm", "as_published")
    page.press("#slope_ratio_factor", "ArrowRight", "ArrowRight")
    page.press("#half_life_factor", "End")
    page.press("#date", "ArrowRight")
    page.press("#threshold_usd", "ArrowLeft")
    page.until("location.hash.includes('date=')")
    page.until("to_fragment(settings) === location.hash.slice(1)")
    fragment = page.evaluate("location.hash.slice(1)")
    seen = page.page.inner_text("main")
    with chromium.open(base_page, fragment) as other:
        other.settled()
        assert other.page.inner_text("main") == seen
        assert shown(other)[1] == shown(page)[1]
        assert other.evaluate("id('slope_ratio_factor').value") == "2"
        other.page.click("#to-posterior")
        other.settled()
        assert other.evaluate("[settings.slope_ratio_factor, settings.half_life_factor]") == [1, 1]
        assert other.evaluate("settings.benchmark") == "aime"  # a question, not an override
        other.page.click("#to-start")
        other.until("location.hash === ''")
        assert other.evaluate("to_fragment(settings)") == ""


@browser.needed
@pytest.mark.parametrize(
    "fragment",
    ["task=nobody&benchmark=__proto__&algorithm=constructor&date=2020-01-01", "date&&&=%",
     "slope_ratio_factor=NaN&cost_usd=-3&inference_factor=1e999&half_life_factor=soon"],
)  # fmt: skip
def test_a_link_that_says_nonsense_is_no_view_of_its_own(
    chromium, base_page, base_subject, fragment
):
    with chromium.open(base_page, fragment) as opened:
        settings = shown(opened)[1]
        for name, (low, high) in RANGES.items():
            assert low <= getattr(settings, name) <= high
        assert settings._replace(cost_usd=defaults(base_subject).cost_usd) == defaults(base_subject)
        assert not opened.errors


@browser.needed
def test_by_keyboard_alone(page):
    page.page.keyboard.press("Tab")
    order = []
    while (name := page.evaluate("document.activeElement.id")) not in order:
        order.append(name)
        page.page.keyboard.press("Tab")
    sliders = [*page.evaluate("Object.keys(sliders)")]
    assert order[:4] == ["to-start", "benchmark", "algorithm", "inference_factor"]
    assert [name for name in order if name in sliders] == sliders
    page.press("#slope_ratio_factor", "ArrowUp")
    page.page.keyboard.press("Tab")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "Reset: Slope ratio, RL to inference"
    page.page.keyboard.press("Enter")
    page.settled()
    assert page.evaluate("settings.slope_ratio_factor") == 1
    assert page.evaluate("document.activeElement.id") == "slope_ratio_factor"


@browser.needed
def test_what_a_screen_reader_is_told(page):
    unnamed = page.evaluate(
        """[...document.querySelectorAll('input, select')].filter(x => !x.labels.length).length"""
    )
    assert unnamed == 0
    assert page.evaluate(
        "[...document.querySelectorAll('svg')].every(x => x.ariaLabel.length > 20)"
    )
    assert page.evaluate("document.querySelectorAll('h1').length") == 1
    page.press("#half_life_factor", "End")
    assert page.evaluate("id('half_life_factor').getAttribute('aria-valuetext')") == (
        "never halve, overrides the posterior"
    )
    page.until("id('spoken').textContent.includes('Not the posterior')")
    assert page.page.inner_text("#cost-headline strong") in page.page.text_content("#spoken")


@browser.needed
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_width_scrolls_sideways(chromium, base_page, hostile_page, width, dark):
    for file in (base_page, hostile_page):
        with chromium.open(file, "half_life_factor=never", width=width, dark=dark) as opened:
            assert opened.overflow() <= 0
            paper = opened.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            assert (int(re.findall(r"\d+", paper)[0]) < 128) == dark


@browser.needed
def test_a_run_without_tasks_has_a_page(chromium, small_run, tmp_path):
    bare = subject(small_run)
    bare.scenario.tasks.clear()
    file = tmp_path / "bare.html"
    file.write_text(assembled("bare", contents(bare)), "utf-8")
    with chromium.open(file, "inference_factor=1000") as opened:
        assert not opened.page.is_visible("#costs")
        assert "undo a factor of 1,000 in" in opened.page.inner_text("#uses-more")
        assert not opened.errors


@browser.needed
def test_hostile_names_are_text(chromium, hostile_page):
    with chromium.open(hostile_page) as opened:
        title = opened.page.title()
        options = opened.evaluate("Array.from(id('task').options, o => o.textContent)")
        assert options[-3:] == HOSTILE
        for name in HOSTILE:
            opened.page.select_option("#task", name)
            opened.settled()
            assert opened.page.text_content("#cost-title") == f"Cost of: {name}"
        assert opened.evaluate("document.querySelectorAll('img, b').length") == 0
        assert opened.page.title() == title
        assert opened.page.inner_text("body").startswith("Failed ")
        assert "before any evidence" in opened.page.inner_text("#standing")
        assert not opened.errors
        assert not opened.requests


@browser.needed
def test_the_policy_is_enforced(chromium, base_page):
    """The negative control of no errors and no requests: both are heard, and stopped."""
    with chromium.open(base_page) as opened:
        opened.evaluate(
            """() => { const s = document.createElement('script');
            s.textContent = 'window.mine = 1'; document.body.append(s);
            fetch('https://example.org/').catch(() => {}); }"""
        )
        opened.page.wait_for_timeout(200)
        assert opened.evaluate("window.mine") is None
        assert len(opened.errors) >= 2


@browser.needed
def test_a_change_is_computed_while_one_looks(page, record_property):
    took = page.evaluate(
        """() => Array.from({ length: 9 }, (_, i) => {
          settings = { ...settings, decline_rate_factor: 1 + i / 50 };
          update();
          return measured; })"""
    )
    record_property("milliseconds", sorted(took)[4])
    print(f"\na change of everything: {sorted(took)[4]:.0f} ms")  # told, not judged
