"""A user's own tasks: known truths, own paths, every fault of a table at once, harmless names."""

import csv
import datetime as dt
import io
import json
import math
import runpy
import sys
from pathlib import Path

import made
import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator import BadInput, cli, summary
from simulator.dates import MONTHS, date_of, decimal_year
from simulator.outcome import Outcome, seal_run
from simulator.questions import sheets, task_tables
from simulator.questions.askable import ASKABLE
from simulator.questions.tasks import checked, read, tasks, undercutting
from simulator.run import Check

SCRIPTS = Path(__file__).parent.parent / "scripts"
HEADER = "name,cost_usd,debut,human_cost_usd"
DEBUT = dt.date(2027, 1, 1)
HOSTILE = ("=cmd()|' /C calc'!A0", "../../etc/passwd", 'a "quote"', "a\nnewline", "@x;=1+1", "-1+1")
HOSTILE += (
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    "＝1",
    "$(x)",
)


def sealed(into, cost="trend", passed=True, **changes):
    """A run in which a typical cost falls tenfold a year for ever, at every draw."""
    draws = xr.DataTree.from_dict(
        {group: made.tenfold(made.SHAPE, **changes) for group in ("prior", "posterior")}
    )
    outputs = made.forecast(np.zeros(made.SHAPE))
    rows = summary.summarise(draws, outputs, None)
    checks = {"r_hat_at_most_1_01": Check(passed, math.nan)}
    found = Outcome(draws, outputs, checks, rows, [], {})
    return seal_run(into, made.scenario(cost=cost), 1, found)


@pytest.fixture(scope="module")
def smooth(tmp_path_factory):
    return sealed(tmp_path_factory.mktemp("smooth"))


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    return sealed(tmp_path_factory.mktemp("steps"), "staircase", decline_remaining_fraction=0.3)


def task(name="t", cost=50_000.0, human=501.0, resembles="typical", debut=DEBUT, **more):
    return {"name": name, "cost_usd": cost, "debut": debut, "human_cost_usd": human} | {
        "resembles": resembles, **more
    }  # fmt: skip


def row_of(run, by=None, **about):
    (row,) = tasks(run, [task(**about)], by)
    return row


def table(folder, text, name="tasks.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def simulator(capsys, *words):
    code = cli.run(list(map(str, words)))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def faults_of(path, run):
    stated, faults = read(path)
    with pytest.raises(BadInput) as error:
        checked(run, stated, faults)
    return error.value.faults


# --- known truths ---------------------------------------------------------------------------------


def test_a_hundredth_of_the_cost_takes_two_years_at_tenfold(smooth):
    row = row_of(smooth, ["2028-12-30", "2029-01-02"], human=500.0)
    assert {row["undercut"][q] for q in summary.NAMES} == {"2029-01-01"}
    before, after = row["by"]
    assert (before["relation"], after["relation"]) == ("<", ">")
    assert before["cost_usd"]["q50"] == pytest.approx(500, rel=0.02)
    assert after["cost_usd"]["q05"] == pytest.approx(after["cost_usd"]["q95"])
    assert row["undercut"]["never"]["relation"] == "<"


def test_who_costs_more_from_the_start_is_undercut_at_the_debut(smooth):
    row = row_of(smooth, ["2027-01-01"], human=60_000.0)
    assert row["undercut"]["q95"] == "2027-01-01"
    assert row["by"][0]["relation"] == ">"


def test_below_the_floor_it_never_happens(tmp_path):
    row = row_of(sealed(tmp_path, cost_floor_fraction=0.1), human=4_999.0)
    assert [row["undercut"][q] for q in summary.NAMES] == [None] * 5
    assert row["undercut"]["never"]["relation"] == ">"
    assert {day["relation"] for day in row["by"]} == {"<"}


def test_nothing_is_said_of_a_task_before_its_debut(smooth):
    early = task("early", debut=dt.date(2026, 1, 1))
    _, late = tasks(smooth, [early, task()], ["2026-06-30"])
    (day,) = late["by"]
    assert day["probability"] is day["cost_usd"] is None


def test_the_dates_are_those_of_the_forecast_and_the_horizon(smooth):
    asked = smooth.spec["forecast"]
    found = [day["date"] for day in row_of(smooth)["by"]]
    assert found == [str(date) for date in (*asked["dates"], asked["horizon"])]


def test_a_cost_stated_later_is_met_on_that_day(smooth):
    row = row_of(smooth, ["2028-01-01"], priced=dt.date(2028, 1, 1), human=50_001.0)
    assert row["by"][0]["cost_usd"]["q50"] == pytest.approx(50_000)
    assert row["undercut"]["q50"] in ("2027-12-31", "2028-01-01")


# --- agreement and independence -------------------------------------------------------------------


def test_probabilities_are_the_share_of_draws_and_agree_with_the_date(steps):
    by = [dt.date(year, 1, 1) for year in range(2028, 2046, 3)]
    about = {"cost": 900.0, "human": 120.0, "resembles": "new"}
    stated, faults = [row_of(steps, by, **about)], []
    asked = checked(steps, *_parsed([task(**about)]), by)
    (again,) = undercutting(steps, asked)
    assert not faults
    assert again == stated[0]
    at = _source(steps, asked)
    years = at.values(ASKABLE["year_of_threshold"], {"task": "t", "threshold_usd": 120.0})
    for day in again["by"]:
        share = np.mean(years <= decimal_year(dt.date.fromisoformat(day["date"])))
        assert 0 < share < 1
        assert day["probability"] == pytest.approx(share, abs=2 / years.size)
    q50 = dt.date.fromisoformat(again["undercut"]["q50"])
    finite = np.quantile(years, 0.5, method="inverted_cdf")
    assert decimal_year(q50) == pytest.approx(finite, abs=1 / 300)


def _parsed(rows):
    from simulator.questions.tasks import parse

    return parse((f"row {i}", row) for i, row in enumerate(rows))


def _source(run, asked):
    from simulator.questions.source import source

    return source(run, "posterior", asked.scenario)


def test_a_task_of_the_run_has_the_answer_that_the_run_gives(base_run):
    name, human = "$50,000 task", 9_000.0
    stated = base_run.spec["task"][name]
    row = {k: stated[k] for k in ("cost_usd", "debut", "resembles")}
    (found,) = tasks(base_run, [row | {"name": name, "human_cost_usd": human}])
    for day in found["by"]:
        forecast = base_run.distribution("task_cost", task=name, date=day["date"])
        assert day["probability"] == forecast.probability(below=human)
        assert day["prior"]["probability"] != day["probability"]
    when = base_run.distribution("year_of_threshold", task=name, threshold_usd=human)
    assert found["undercut"]["q50"] == date_of(when.quantile(0.5)).isoformat()
    assert found["undercut"]["never"]["probability"] == pytest.approx(when.prob_infinite)
    assert found["beyond"]


def test_what_is_said_of_a_task_does_not_depend_on_the_others(steps):
    about = [task(f"t{i}", cost=1000.0 + i, resembles="new") for i in range(3)]
    together, turned = tasks(steps, about), tasks(steps, about[::-1])
    assert together == turned[::-1]
    assert [tasks(steps, [one])[0] for one in about] == together
    assert together[0]["by"] != [*together[1]["by"]]  # a path each


def test_a_run_of_beliefs_alone_has_no_prior_beside_it(smooth):
    row = row_of(smooth)
    assert all(day["prior"] is None for day in row["by"])
    assert row["beyond"] == ["nothing was observed: this is belief alone"]


@given(st.dates(dt.date(1950, 1, 1), dt.date(2150, 12, 31)))
def test_a_date_comes_back_from_its_decimal_year(date):
    leap = (date.month, date.day) == (2, 29)
    assert date_of(decimal_year(date)) == (date.replace(month=3, day=1) if leap else date)


@given(st.floats(1950, 2150))
def test_a_decimal_year_falls_on_its_day(year):
    date = date_of(year)
    a_day = 1 / MONTHS[date.month - 1] / 12
    assert -1e-6 < year - decimal_year(date) < a_day + 1e-6


# --- the table ------------------------------------------------------------------------------------


def test_every_fault_is_told_at_once_with_its_line(tmp_path, smooth):
    text = (
        f"{HEADER},resembles,kind,priced\n"
        "a,-2,2027-13-01,,nwe,real,\n"
        'b,"1,5",2099,nan,typical,reel,\n'
        "c,1,2\n"
        "\n"
        "a,1,2027,1,new,real,2026\n"
        ",1,2027,1,new,real,\n"
    )
    found = {(f.file.rpartition(":")[2], f.key) for f in faults_of(table(tmp_path, text), smooth)}
    assert found == {
        ("2", "cost_usd"), ("2", "debut"), ("2", "human_cost_usd"), ("2", "resembles"),
        ("3", "cost_usd"), ("3", "debut"), ("3", "human_cost_usd"), ("3", "kind"),
        ("4", "row"), ("6", "name"), ("6", "priced"), ("7", "name"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\ufeff \n", "is empty"),
        (HEADER, "no rows"),
        ("name,cost_usd\na,1", "debut: is a column that this table needs"),
        (f"{HEADER},Resembles\na,1,2027,1,new", "did you mean resembles"),
        (f"{HEADER},name\na,1,2027,1,a", "must not stand twice"),
        (f"{HEADER}\na,1,2027,b'\xff'".encode("latin-1"), "UTF-8"),
        (f"{HEADER}\na,1,2027,1".encode("utf-16"), "UTF-8"),
        (f'{HEADER}\n"a,1,2027,1\nb,1,2027,1\n', "tasks.csv:2: row: must be CSV"),
        (f'{HEADER}\n"a"b,1,2027,1\n', "tasks.csv:2: row: must be CSV"),
        ("name;cost_usd;debut;human_cost_usd\na;1,5;2027;1", "may stand for two things"),
        (f"{HEADER}\na,1e999,2027,1", "cost_usd"),
        (f"{HEADER}\n{'x' * 201},1,2027,1", "name"),
        (f"{HEADER}\na,5 EUR,2027,1", "cost_usd"),
    ],
)
def test_a_table_that_is_none_is_refused_with_a_reason(tmp_path, smooth, text, said):
    assert said in "\n".join(map(str, faults_of(table(tmp_path, text), smooth)))


def test_a_path_that_leads_to_no_table_is_refused(tmp_path, smooth):
    for path in (tmp_path, tmp_path / "none.csv", Path("/dev/zero")):
        (fault,) = faults_of(path, smooth)
        assert fault.key == "file"


def test_too_many_rows_are_refused_and_too_many_faults_counted(tmp_path, smooth, monkeypatch):
    monkeypatch.setattr(sheets, "ROWS", 3)
    text = HEADER + "\n" + "".join(f"t{i},1,2027,1\n" for i in range(4))
    (fault,) = faults_of(table(tmp_path, text), smooth)
    assert "past the 3 rows" in fault.rule
    monkeypatch.setattr(sheets, "ROWS", 1000)
    text = HEADER + "\n" + "".join(f"t{i},x,2027,1\n" for i in range(500))
    found = faults_of(table(tmp_path, text), smooth)
    assert len(found) == sheets.FAULTS + 1
    assert found[-1].rule == "450 more faults"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_marks_and_ends_of_lines_are_told_apart(tmp_path, separator, start, end):
    lines = ['name,"cost_usd",debut,human_cost_usd', 'a "b",$1500.50,2027-01,3', "c,2,2027,4"]
    text = start + end.join(lines).replace(",", separator).replace('a "b"', '"a ""b"""')
    stated, faults = read(table(tmp_path, text))
    assert not faults
    assert [each.own.name for each in stated] == ['a "b"', "c"]
    assert stated[0].own.cost_usd == 1500.5
    assert stated[0].own.debut == dt.date(2027, 1, 31)
    assert stated[0].own.resembles == "new"


def test_a_quoted_line_break_does_not_shift_the_lines(tmp_path):
    stated, faults = read(table(tmp_path, f'{HEADER}\n"a\nb",1,2027,1\nc,x,2027,1\n'))
    assert [each.where.rpartition(":")[2] for each in stated] == ["2", "4"]
    assert faults[0].file.endswith(":4")


@pytest.mark.parametrize(
    ("text", "is_number"),
    [("1,500", True), ("$1,234,567.5", True), ("1,5", False), ("1,50,000", False), ("1,", False),
     (",5", False), ("1.5,000", False), ("1500", True), ("5e-3", True), ("$ 2", True)],
)  # fmt: skip
def test_commas_only_set_off_thousands(text, is_number):
    cost = ASKABLE["task_cost"]
    if is_number:
        assert cost.number(text) > 0
    else:
        with pytest.raises(ValueError, match="not a number of USD"):
            cost.number(text)


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
@example(b'"', True)
@example(b"\x00,1,2027,1", True)
@example(b"a,1,2027,1\r\rb,1,2027,1", True)
def test_no_bytes_break_the_reader(tmp_path_factory, body, headed):
    text = f"{HEADER}\n".encode() + body if headed else body
    stated, faults = read(table(tmp_path_factory.mktemp("bytes"), text))
    assert stated or faults
    assert all(fault.rule and fault.fix for fault in faults)


def test_dates_asked_for_are_checked_with_all_else(tmp_path, smooth, capsys):
    path = table(tmp_path, f"{HEADER}\na,x,2027,1\n")
    words = ["tasks", smooth.path, path, "--by", "2099", "--by", "soon", "--by", "2020"]
    code, out, err = simulator(capsys, *words, "--out", tmp_path / "out.csv")
    assert code == 2
    assert not out
    assert err.count("error:") == 4
    assert [p.name for p in tmp_path.iterdir()] == ["tasks.csv"]
    code, _, err = simulator(capsys, "tasks", tmp_path / "no run", path)
    assert code == 2
    assert "no run" in err
    assert "cost_usd" in err


# --- what comes out -------------------------------------------------------------------------------


def hostile(tmp_path):
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([HEADER.split(","), *([n, 5, "2027", 3] for n in HOSTILE)])
    return table(tmp_path, lines.getvalue())


def test_hostile_names_are_harmless_everywhere(tmp_path, smooth, capsys):
    path = hostile(tmp_path)
    code, out, err = simulator(capsys, "tasks", smooth.path, path, "--all")
    assert (code, err) == (0, "")
    assert all(c.isprintable() for c in out.replace("\n", ""))
    assert "\\x1b[31mred" in out
    code, out, _ = simulator(capsys, "tasks", smooth.path, path, "--out", "-")
    assert all(c.isprintable() for c in out.replace("\n", ""))
    assert len(out.splitlines()) == len(HOSTILE) + 1
    names = [row["name"] for row in csv.DictReader(io.StringIO(out))]
    assert not any(name.startswith(sheets.FORMULA) for name in names)
    assert names[1] == "../../etc/passwd"
    code, out, _ = simulator(capsys, "tasks", smooth.path, path, "--json")
    assert out.isascii()
    assert [row["name"] for row in json.loads(out)["tasks"]] == list(HOSTILE)


@given(st.text(max_size=40))
@example("=1")
@example("\t=1")
@example("\r=1")
def test_a_cell_is_one_line_and_no_formula(name):
    lines = io.StringIO(newline="")
    csv.writer(lines, quoting=csv.QUOTE_STRINGS).writerow([sheets.cell(name), 1.5])
    assert len(lines.getvalue().splitlines()) == 1
    ((read_back, value),) = csv.reader(io.StringIO(lines.getvalue()))
    assert value == "1.5"
    assert not read_back.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert all(c.isprintable() for c in read_back)


def test_the_csv_file_has_a_line_per_task_and_says_whose_it_is(tmp_path, smooth, capsys):
    import pandas as pd

    rows = "a,50000,2027-01-01,501,typical\nb,5,2026-01-01,1,typical\n"
    path = table(tmp_path, f"{HEADER},resembles\n{rows}")
    out = tmp_path / "undercut.csv"
    words = ["tasks", smooth.path, path, "--by", "2026-06-30", "--by", "2030", "--out", out]
    assert simulator(capsys, *words)[0] == 0
    frame = pd.read_csv(out)
    assert frame["name"].tolist() == ["a", "b"]
    assert math.isnan(frame["probability_2026-06-30"][0])
    assert frame["relation_2030-12-31"].tolist() == ["above", "above"]
    assert set(frame["run"]) == {smooth.id}
    assert set(frame["status"]) == {"passed"}
    assert frame["cost_usd_q50_2030-12-31"][0] < 6
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_failed_run_says_so_first_and_in_the_file(tmp_path, capsys):
    run = sealed(tmp_path / "runs", passed=False)
    path = table(tmp_path, f"{HEADER}\na,50000,2027-01-01,501\n")
    code, out, _ = simulator(capsys, "tasks", run.path, path, "--out", tmp_path / "o.csv")
    assert code == 0
    assert "FAILED" in out.splitlines()[0]
    assert '"failed"' in (tmp_path / "o.csv").read_text()


@pytest.mark.parametrize("out", ["tasks.csv", "o.txt", "nowhere/o.csv", "."])
def test_a_file_that_cannot_be_written_is_refused_before_any_work(
    tmp_path, smooth, capsys, monkeypatch, out
):
    monkeypatch.chdir(tmp_path)
    path = table(tmp_path, f"{HEADER}\na,50000,2027-01-01,501\n")
    before = path.read_bytes()
    monkeypatch.setattr("simulator.questions.tasks.undercutting", None)
    code, _, err = simulator(capsys, "tasks", smooth.path, path, "--out", out)
    assert code == 2
    assert "--out" in err
    assert path.read_bytes() == before
    assert simulator(capsys, "tasks", smooth.path, path, "--out", "-", "--json")[0] == 2


def test_an_interrupt_leaves_what_was_there_as_it_was(tmp_path, smooth, capsys, monkeypatch):
    found = tasks(smooth, [task()])

    def stopped(*_):
        yield from found
        raise KeyboardInterrupt

    monkeypatch.setattr("simulator.questions.tasks.undercutting", stopped)
    path, out = table(tmp_path, f"{HEADER}\na,5,2027,1\n"), tmp_path / "o.csv"
    out.write_text("older")
    code, _, _ = simulator(capsys, "tasks", smooth.path, path, "--out", out)
    assert code == 130
    assert out.read_text() == "older"
    assert {p.name for p in tmp_path.iterdir()} == {"tasks.csv", "o.csv"}


def test_a_terminal_is_shown_the_first_and_told_of_the_others(
    tmp_path, smooth, capsys, monkeypatch
):
    monkeypatch.setattr(task_tables, "MOST", 2)
    text = HEADER + "\n" + "".join(f"t{i},50000,2027,501\n" for i in range(5))
    _, out, _ = simulator(capsys, "tasks", smooth.path, table(tmp_path, text))
    assert "t1" in out
    assert "t2" not in out
    assert "3 more" in out


def test_an_average_of_runs_is_refused(tmp_path, capsys):
    from simulator.average import average

    runs = [made.seal(tmp_path, seed=seed) for seed in (1, 2)]
    mixed = average(runs, into=tmp_path)
    code, _, err = simulator(capsys, "tasks", mixed.path, table(tmp_path, f"{HEADER}\na,5,2027,1"))
    assert code == 2
    assert "is an average of several runs" in err


def test_the_script_and_its_table_run(base_run, capsys, monkeypatch):
    words = ["own_tasks.py", str(base_run.path), str(SCRIPTS / "tasks.csv")]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(SCRIPTS / "own_tasks.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert "Check a chip layout" in out
    assert "expected to be undercut" in out
    assert simulator(capsys, "tasks", base_run.path, SCRIPTS / "tasks.csv")[0] == 0


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_terminal(tmp_path, smooth, capsys, monkeypatch, columns):
    monkeypatch.setattr("simulator.tables.width", lambda: columns)
    monkeypatch.setattr(task_tables, "width", lambda: columns)
    name = "a task of which the name goes on and on " * 4
    path = table(tmp_path, f"{HEADER}\n{name},123456789,2027,0.00000123\n")
    _, out, _ = simulator(capsys, "tasks", smooth.path, path, "--all")
    assert max(map(len, out.splitlines())) <= columns
