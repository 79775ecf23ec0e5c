"""New beliefs by reweighting against sampling anew: time, and whether the answers agree.

From one sealed run of `base`: a belief that the evidence speaks to is narrowed (its draws are
weighted), and one that it does not speak to is moved. Weights and the quantiles of the headline
outputs from an opened run are set against the stages of a refit, imports apart from both; the
whole command `simulator reweight` against the whole `simulator run`. Quantiles are compared at 5,
50 and 95% in Monte Carlo standard errors of both; if nothing is wrong 95% of the differences are
below two.
"""

import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import measure
import samplers

CHANGES = {
    "weighted": "prior.rl_slope.quantiles={q05=7,q95=28}",
    "moved": "prior.transfer_exponent.quantiles={q05=0.3,q95=0.9}",
}
SHARES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
FASTER, WITHIN, AGREE = 100, 2, 0.9


def alone(parent: str, change: str) -> dict:
    """Weights, and with them the quantiles of the headline."""
    import arviz_stats.base  # noqa: F401 - imports are not what is timed
    import numpy as np

    from simulator import importance, labels, open_run
    from simulator.overrides import parse_override
    from simulator.scenario import sealed_scenario

    run = open_run(parent)
    old, new = sealed_scenario(run.path), sealed_scenario(run.path, dict([parse_override(change)]))
    rows = [row for row in labels.headline(run.rows) if row["quantity"] in run.forecast]
    outputs = np.stack([_draws(run, row).ravel() for row in rows])
    posterior = run.draws["posterior"].dataset
    since = time.perf_counter()
    weights = importance.weights(posterior, old, new)
    taken = importance.resampled(weights.log, run.seed).ravel()
    np.quantile(outputs[:, taken], list(SHARES.values()), axis=1, method="inverted_cdf")
    return {"seconds": time.perf_counter() - since, "pareto_k": weights.pareto_k}


def differences(one: Path, other: Path) -> list[float]:
    """Of each headline quantile, finite in both, in Monte Carlo standard errors of both."""
    from simulator import diagnostics, labels, open_run

    first, second = (open_run(path) for path in (one, other))
    wanted = [(row["quantity"], row["coords"]) for row in labels.headline(second.rows)]
    found = []
    for a, b in zip(first.rows, second.rows, strict=True):
        if (b["quantity"], b["coords"]) not in wanted:
            continue
        draws = [_draws(run, a) for run in (first, second)]
        for name, share in SHARES.items():
            if a[name] is None or b[name] is None:
                continue
            errors = [_error(diagnostics, each, share) for each in draws]
            off = abs(a[name] - b[name])
            found.append(off / (errors[0] ** 2 + errors[1] ** 2) ** 0.5 if off else 0.0)
    return found


def _draws(run, row):
    import numpy as np

    at = {d: np.datetime64(x) if "date" in d else x for d, x in row["coords"].items()}
    return run.forecast[row["quantity"]].sel(at).transpose("chain", "draw").values


def _error(diagnostics, draws, share: float) -> float:
    return float(diagnostics.array_stats.mcse(draws, method="quantile", prob=share))


def changed(parent: Path, change: str, number: int, quick: bool, home: Path) -> dict:
    """All three ways, and how their quantiles differ."""
    folder = home / f"{number}"
    few = [f"--{name}={count}" for name, count in samplers.QUICK.items()] if quick else []
    words = ["run", "base", "--set", change, "--seed", str(number), "--into", folder, *few]
    refit = measure.timed(measure.simulator(*words, "--json"), good=(0, 3))
    words = ["reweight", parent, "--set", change, "--into", folder, "--json"]
    command = measure.timed(measure.simulator(*words), good=(0, 3))
    weights = {"seconds": None}
    if "rl_slope" in change:
        weights = measure.fresh(__file__, {"parent": str(parent), "change": change})
    if why := measure.skipped([refit, command, weights]):
        return {"skipped": why}
    from simulator import open_run

    stages = open_run(Path(refit["path"])).seconds
    off = differences(Path(command["path"]), Path(refit["path"]))
    return {
        "weights": weights["seconds"],
        "command": command["wall"],
        "refit": refit["wall"],
        "refit_stages": sum(stages.values()) - stages["import"],
        "pareto_k": weights.get("pareto_k"),
        "within": sum(z <= WITHIN for z in off) / len(off),
        "median_z": statistics.median(off),
        "largest_z": max(off),
    }


def measured(options) -> dict:
    """Rows by change; how much faster than a refit, and how often the same within its error."""
    if find_spec("simulator.reweight") is None:
        why = "this simulator does not reweight"
        return {"part": "reweight", "rows": [], "claims": [measure.unmeasured("all", why, "")]}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        few = [f"--{n}={count}" for n, count in samplers.QUICK.items()] if options.quick else []
        words = measure.simulator("run", "base", "--into", home / "parent", "--json", *few)
        parent = measure.timed(words, good=(0, 3))
        if "skipped" in parent:
            raise SystemExit(f"the run to be reweighted failed: {parent['skipped']}")
        ways = {
            name: lambda number, c=change: changed(
                Path(parent["path"]), c, number, options.quick, home
            )
            for name, change in CHANGES.items()
        }
        runs = measure.rounds(ways, options)
    rows, claims = [], []
    for name, each in runs.items():
        if why := measure.skipped(each):
            rows.append({"change": name, "skipped": why})
            claims.append(measure.unmeasured(f"reweighting, {name}", why, ""))
            continue
        keys = [key for key, value in each[0].items() if value is not None]
        rows.append({"change": name, **{key: float(measure.middle(each, key)) for key in keys}})
        for key, of, what in (
            ("weights", "refit_stages", "weights and headline quantiles"),
            ("command", "refit", "the sealed command"),
        ):
            if key not in keys:
                continue
            ratio = statistics.median(run[of] / run[key] for run in each)
            says = f"refit against {what}, {name}"
            claims.append(
                measure.at_least(says, ratio, FASTER)
                if key == "weights"
                else measure.claim(says, f"{ratio:.3g}x", "told", None)
            )
        says = f"headline quantiles within {WITHIN} standard errors of a refit, {name}"
        claims.append(measure.at_least(says, measure.middle(each, "within"), AGREE, unit=""))
    return {"part": "reweight", "rows": rows, "claims": claims}


if __name__ == "__main__":
    sys.exit(measure.part(__doc__, measured, alone))
