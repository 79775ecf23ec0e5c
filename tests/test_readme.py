"""Every block of the README runs, and what it shows is what a run prints."""

import re
import shlex
from pathlib import Path

import pytest

from simulator import cli, load_scenario, tables

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text("utf-8")
NUMBER = re.compile(r"\d[\d,]*\.?\d*(?:e-\d+)?")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def commands():
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]
    return [shlex.split(line, comments=True) for line in lines]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, compiled_code):
    """A folder with the README's files, in which its commands leave their runs."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "slopes.toml").write_text(blocks("toml")[2], "utf-8")
    for name, block in zip(("tasks.csv", "outcomes.csv"), blocks("csv"), strict=True):
        (folder / name).write_text(block, "utf-8")
    return folder


def test_scripts_named_are_there_and_can_be_run():
    named = [words[0] for words in commands() if words[0].startswith("./")]
    assert {"./scripts/simulate", "./scripts/test"} <= set(named)
    assert all((ROOT / name).stat().st_mode & 0o111 for name in named)


@pytest.mark.parametrize("words", [w for w in commands() if w[0] == "simulator"], ids=" ".join)
def test_command_does_what_it_says(words, workplace, monkeypatch, capsys):
    monkeypatch.chdir(workplace)
    assert cli.run(words[1:]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out


def test_scenario_in_the_readme_has_no_fault(tmp_path):
    question, text, _ = blocks("toml")
    (tmp_path / "mine.toml").write_text(f"{text}\n{question}", "utf-8")
    scenario = load_scenario(tmp_path / "mine.toml")
    assert "my task" in scenario.tasks
    assert [asked.id for asked in scenario.questions] == ["fifty-thousand-to-five-hundred"]


def test_python_blocks_run(workplace, monkeypatch):
    monkeypatch.chdir(workplace)
    names = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert names["run"].passed
    assert names["same"].id == names["run"].id


def test_shown_output_is_what_a_run_prints(base_run, capsys):
    """Rows exactly; medians within 25%, six times their Monte Carlo error and their two digits.

    How likely a row is never to be: within 4%. So near to one half its median may be finite or not.
    """
    shown = next(block for block in blocks("text") if "checks passed" in block)
    tables.print_run(base_run)
    ours, real = (table(text) for text in (shown, capsys.readouterr().out))
    assert ours.keys() == real.keys()
    for row, (median, never) in ours.items():
        other, share = real[row]
        assert never == pytest.approx(share, abs=4), row
        if min(abs(never - 50), abs(share - 50)) <= 4:
            continue
        assert NUMBER.sub("", median) == NUMBER.sub("", other), row
        for a, b in zip(NUMBER.findall(median), NUMBER.findall(other), strict=True):
            assert float(a.replace(",", "")) == pytest.approx(float(b.replace(",", "")), rel=0.25)


def table(text):
    """Median and probability of never, in percent, of each row of a table, by heading and label."""
    heading, found = "", {}
    for line in text.splitlines():
        cells = re.split(r"\s{2,}", line.strip())
        if not line.startswith("  "):
            heading = line
        elif len(cells) > 3 and cells[1] != "50%":
            never = re.search(r"[a-z] [<>]?([\d.]+)%", line)
            found[heading, cells[0]] = cells[2], float(never[1]) if never else 0.0
    return found
