"""A Monte Carlo simulator of the economics of AI scaling.

    from simulator import load_scenario, open_run, simulate

Names are imported when first used, so that looking at a scenario loads no numerical library.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "BadInput": "faults",
    "Damaged": "seal",
    "Run": "run",
    "Scenario": "scenario",
    "calibrate": "calibration",
    "load_scenario": "scenario",
    "open_batch": "batch.collect",
    "open_run": "run",
    "run_batch": "batch.engine",
    "simulate": "pipeline",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
