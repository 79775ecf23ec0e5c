"""Reports: what they say, that nothing in them runs or loads, and how they look in a browser."""

import re
import shutil
from html.parser import HTMLParser

import browser
import pytest

from simulator import cli, load_scenario, open_run, run_batch, simulate
from simulator.average import average
from simulator.report import page, words

HOSTILE = "</script><img src=x onerror=alert(1)> \" ' \u202e\u05e9\u05dc\u05d5\u05dd {{ 7*7 }}"


@pytest.fixture(scope="module")
def base_page(base_run):
    return page.of_run(base_run)


@pytest.fixture(scope="module")
def hostile(compiled_code, tmp_path_factory):
    """A run whose names, title and reasons are an attack on the page."""
    task = {"cost_usd": 10.0, "debut": "2026-01-01", "resembles": "new"}
    said = {"evidence.sources": "none", "question": [], "title": HOSTILE, "why": HOSTILE}
    chosen = load_scenario("base", said | {"task": {HOSTILE: task}}).with_sampler(draws=200)
    return simulate(chosen, into=tmp_path_factory.mktemp("hostile"))


class Page(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.said = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]

    def handle_data(self, data):
        self.said.append(data)


def test_the_answer_is_three_sentences_made_from_the_numbers(base_run):
    said = words.answer(base_run)
    assert len(said) == 3
    rows = {
        row["coords"]["algorithm"]: row
        for row in base_run.rows
        if row["quantity"] == "required_rl_multiplier_oom"
        and row["coords"]["benchmark"] == "new"
        and row["coords"]["inference_factor"] == 100
    }
    for row in rows.values():
        assert words.middle(row) in said[0]
        assert words.range_of(row) in said[0]
        if row["coords"]["algorithm"] == "as_published":
            assert words.range_of(row, prior=True) in said[2]
    assert re.search(r"removed \d+% of the range of the o1-era multiplier", said[2])
    (never,) = (
        row["prob_infinite"]
        for row in base_run.rows
        if row["quantity"] == "years_to_threshold"
        and row["coords"] == {"task": "$50,000 task", "threshold": 500.0}
    )
    assert f"does not come down to $500 by 2046-10-01 is {100 * never:.0f}%" in said[1]
    assert all(sentence.count("median") == 1 for sentence in said[:2])


def test_without_evidence_the_answer_says_so(hostile):
    assert words.answer(hostile)[-1] == "Nothing was observed: these are the beliefs alone."


def test_an_average_is_not_said_to_have_seen_nothing(base_run, tmp_path):
    """Of parents with different priors it shows none of its own."""
    other = load_scenario("base", {"evidence.sources": "none", "structure.response": "linear"})
    beside = open_run(shutil.copytree(base_run.path, tmp_path / base_run.id))
    mixed = average([beside, simulate(other, into=tmp_path)], into=tmp_path)
    assert words.answer(mixed)[-1].startswith("This mixes 2 runs")


def test_everything_that_a_reader_needs_is_there(base_run, base_page):
    text = " ".join(" ".join(Page(base_page).said).split())
    headings = (
        "In numbers, Questions, Figures, What moves the answer, What is prior and what is data, "
    )
    headings += "Evidence, Checks, Limits, How to reproduce"
    assert all(heading in text for heading in headings.split(", "))
    assert base_run.id in text
    assert base_run.record["scenario_digest"] in text
    for belief in base_run.beliefs:
        assert belief["quantity"] in text
        assert " ".join(belief["why"].split()) in text
    links = [
        value for tag, name, value in Page(base_page).attributes if (tag, name) == ("a", "href")
    ]
    assert "https://openai.com/index/learning-to-reason-with-llms/" in links
    assert all(link.startswith(("https://", "#")) for link in links)


def test_what_reproduces_a_run_is_the_same_scenario(base_run, base_page, hostile):
    """A name that stands for another scenario by now would give another run."""
    assert f"simulator run base --seed {base_run.seed}" in base_page
    text = page.of_run(hostile)
    assert f"simulator run {hostile.id}/scenario.toml --seed {hostile.seed}" in text
    assert "simulator run base" not in text
    assert load_scenario(hostile.path / "scenario.toml").digest in text


def test_it_is_small_loads_nothing_and_runs_nothing(base_page):
    found = Page(base_page)
    assert len(base_page.encode()) < 3_000_000
    assert not {"script", "iframe", "object", "embed", "link", "form"} & {*found.tags}
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    policy = next(v for t, n, v in found.attributes if t == "meta" and "default-src" in v)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    loaded = [v for _, name, v in found.attributes if name in ("src", "xlink:href", "srcset")]
    assert all(v.startswith(("data:", "#")) for v in loaded)
    assert "url(http" not in base_page


def test_every_figure_has_a_caption_and_ids_are_not_shared(base_page):
    found = Page(base_page)
    assert found.tags.count("figure") == found.tags.count("figcaption") >= 8
    ids = [value for tag, name, value in found.attributes if name == "id"]
    twice = {each for each in ids if ids.count(each) > 1 and f"#{each}" in base_page}
    assert not twice, "what one figure refers to must not be part of another"


def test_hostile_names_are_text(hostile):
    text = page.of_run(hostile)
    found = Page(text)
    assert "<img" not in text
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", text)[0]
    assert any("onerror=alert(1)" in said for said in found.said)


def test_a_run_that_failed_says_so_first(compiled_code, tmp_path):
    few = load_scenario("base", {"evidence.sources": "none"}).with_sampler(chains=1, draws=100)
    run = simulate(few, into=tmp_path)
    assert not run.passed
    text = page.of_run(run)
    words_of = " ".join(" ".join(Page(text).said).split())
    assert re.search(r"This run failed \d of its \d+ checks", words_of)
    assert words_of.index("This run failed") < words_of.index("The question and the answer")


def test_the_command_writes_beside_the_run_or_to_stdout(hostile, tmp_path, capsys):
    assert cli.run(["report", str(hostile.path)]) == 0
    file = hostile.path.parent / f"{hostile.id}-report.html"
    assert capsys.readouterr().out.strip() == str(file)
    assert cli.run(["verify", str(hostile.path)]) == 0
    capsys.readouterr()
    assert cli.run(["report", str(hostile.path), "--out", "-"]) == 0
    assert capsys.readouterr().out == file.read_text("utf-8")


@pytest.mark.parametrize("out", [".", "no/such/page.html", "tasks.csv", "SEALED"])
def test_a_place_that_cannot_be_written_is_refused(hostile, tmp_path, monkeypatch, capsys, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks.csv").write_text("name,cost_usd")
    file = hostile.path / "page.html" if out == "SEALED" else out
    assert cli.run(["report", str(hostile.path), "--out", str(file)]) == 2
    assert "--out" in capsys.readouterr().err
    assert (tmp_path / "tasks.csv").read_text() == "name,cost_usd"


def test_a_batch_is_compared(compiled_code, tmp_path):
    file = tmp_path / "batch.toml"
    file.write_text(
        'name = "two"\nbase = "base"\nseeds = [1]\n'
        'set = { "evidence.sources" = "none", "sampler.draws" = 200 }\n'
        '[[axis]]\nname = "<b>slope</b>"\n[[axis.level]]\nname = "usual"\n'
        '[[axis.level]]\nname = "steep"\n'
        'set = { "prior.rl_slope.quantiles" = { q05 = 20, q95 = 40 } }\n',
        "utf-8",
    )
    run_batch(file, tmp_path / "runs", jobs=1)
    text = page.of_batch(tmp_path / "runs")
    found = Page(text)
    said = " ".join(" ".join(found.said).split())
    assert "<b>slope</b>" in said
    assert "b" not in found.tags
    assert all(name in said for name in ("usual", "steep", "RL compute for 100x inference"))
    assert found.tags.count("figure") == 3


@browser.needed
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser(base_page, tmp_path, width):
    file = tmp_path / "report.html"
    file.write_text(base_page, "utf-8")
    with browser.launched() as chromium, chromium.open(file, width=width) as shown:
        assert shown.errors == []
        assert shown.requests == []
        assert shown.overflow() <= 0
        assert shown.evaluate("document.querySelectorAll('figure svg').length") >= 8
        shown.page.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.className") == "skip"
