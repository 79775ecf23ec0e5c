"""The house rules that an eye could miss: heavy imports have addresses, modules stay short."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.cli import COMMANDS
from simulator.quantities import BELIEFS, QUANTITIES

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "simulator").rglob("*.py"))
HEAVY = {"arviz", "arviz_stats", "matplotlib", "numba", "nutpie", "pandas", "pymc", "pytensor"}
HEAVY |= {"netCDF4", "pyarrow", "scipy", "scoringrules", "xarray", "zarr"}
LIGHT = ["cli", "scenario", "evidence", "run", "tables", "seal", "pipeline", "score_tables"]
LIGHT += ["batch.state", "batch.status", "questions.tasks", "questions.task_tables"]
LIGHT += ["figures", "commands.figure"]


def imported(path):
    """Top-level packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_only_the_model_and_the_engine_import_pymc():
    samplers = {"pymc", "pytensor", "nutpie", "numba"}
    users = {m.relative_to(ROOT / "simulator") for m in MODULES if samplers & {*imported(m)}}
    model = {m for m in users if m.parent.name == "model"}
    assert model
    assert {str(m) for m in users - model} == {"inference.py", "compiled.py", "graphs.py"}


STAIRCASES = {"simulator.model.staircase", "simulator.forecast.staircase"}
RUN = """
import sys
from simulator import load_scenario, simulate
from simulator.model import build
from simulator.observations import observe

def scenario(sources):
    chosen = {"structure.cost": sys.argv[1], "evidence.sources": sources}
    return load_scenario("base", chosen).with_sampler(draws=4)

asked = scenario("all")
build(asked, observe(asked.evidence, asked.structure))
simulate(scenario("none"), into=sys.argv[2])
print(*(name for name in sys.modules if name.startswith("simulator.")))
"""


@pytest.mark.parametrize(("cost", "loaded"), [("trend", set()), ("staircase", STAIRCASES)])
def test_a_structure_that_is_not_asked_for_is_not_loaded(tmp_path, cost, loaded):
    done = subprocess.run(
        [sys.executable, "-c", RUN, cost, tmp_path], capture_output=True, text=True, check=True
    )
    found = {*done.stdout.split()}
    assert found >= {"simulator.model.costs", "simulator.forecast.costs", "simulator.inference"}
    assert STAIRCASES & found == loaded


def test_looking_loads_no_numerical_library():
    modules = ", ".join(f"simulator.{name}" for name in LIGHT)
    code = f"import sys, {modules}; print(*{{m.split('.')[0] for m in sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not (HEAVY | {"numpy", "rich"}) & {*loaded.stdout.split()}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_module_is_one_short_thing(module):
    text = module.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "says what it is"
    assert len(text.splitlines()) <= 320


def test_the_readme_names_every_module_and_no_other():
    diagram = (ROOT / "README.md").read_text("utf-8")
    for module in MODULES:
        if module.parent.name == "simulator" and not module.stem.startswith("__"):
            assert f"{module.stem}.py" in diagram, module.stem


def test_every_command_is_listed_and_documented():
    modules = {m.stem for m in MODULES if m.parent.name == "commands" and m.stem != "__init__"}
    assert modules == {*COMMANDS}
    readme = (ROOT / "README.md").read_text("utf-8")
    assert all(f"simulator {name}" in readme for name in COMMANDS)


def test_the_table_of_beliefs_is_that_of_the_vocabulary():
    table = (ROOT / "priors" / "README.md").read_text("utf-8")
    for name, quantity in BELIEFS.items():
        assert f"| `{name}` | {quantity.unit} | {quantity.meaning} |" in table


def test_every_quantity_has_a_unit_and_a_meaning():
    assert all(q.unit and q.meaning for q in QUANTITIES.values())


def test_visible_top_level_is_the_layout_that_users_know():
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {line.split("/")[0] for line in listed.stdout.splitlines()}
    visible = {name for name in top if not name.startswith(".")}
    known = {"README.md", "priors", "pyproject.toml", "runs", "scripts", "simulator", "tests"}
    assert visible == known
