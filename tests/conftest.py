"""Shared by all tests: one folder of compiled code, and one run of the base scenario."""

import os
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest

from simulator import load_scenario, simulate
from simulator.run import Run

matplotlib.use("Agg")


@pytest.fixture(scope="session", autouse=True)
def compiled_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of compiled code: the environment's own, or one of this session."""
    with pytest.MonkeyPatch.context() as patch:
        if "SIMULATOR_CACHE" not in os.environ:
            base = tmp_path_factory.getbasetemp()
            shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
            patch.setenv("SIMULATOR_CACHE", str(shared / "compiled"))
        yield Path(os.environ["SIMULATOR_CACHE"])


@pytest.fixture(scope="session")
def base_run(compiled_code: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The base scenario, simulated once and sealed; not to be changed."""
    return simulate(load_scenario("base"), into=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def sampled(compiled_code: Path):
    """Draws of a shipped scenario with overrides and sampler settings, each sampled once."""
    from simulator.inference import sample
    from simulator.model import build
    from simulator.observations import observe

    kept = {}

    def draw(name: str, overrides: dict | None = None, seed: int = 1, **sampler: int):
        key = repr((name, overrides, seed, sampler))
        if key not in kept:
            scenario = load_scenario(name, overrides).with_sampler(**sampler)
            observed = observe(scenario.evidence, scenario.structure)
            kept[key] = sample(scenario, build(scenario, observed), observed, seed)
        return kept[key]

    return draw
