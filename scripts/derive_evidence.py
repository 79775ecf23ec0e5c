"""Derive three evidence tables from raw public data files.

`python scripts/derive_evidence.py DATA_DIR` writes response_points.csv, response_slopes.csv and
cost_records.csv to priors/evidence; with `--check` it writes nothing and exits 1 when a file
differs from what the data give. The few rows of these tables that no data file holds are typed
below, so that each table has one owner. The other tables in priors/evidence are typed by hand.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

Row = dict[str, object]

EVIDENCE = Path(__file__).resolve().parent.parent / "priors" / "evidence"

COLUMNS = {
    "response_points.csv": (
        "source,locator,date,curve,system,kind,recipe,benchmark,compute,compute_unit,score"
    ),
    "response_slopes.csv": (
        "source,locator,date,curve,kind,recipe,benchmark,slope_logit_per_oom,se,"
        "lowest_score,highest_score,span_oom,points"
    ),
    "cost_records.csv": (
        "source,locator,date,series,benchmark,score_level,model,cost_usd,output_tokens,"
        "usd_per_million_tokens,observed_until,vintage_note"
    ),
}

SATURATED = 0.95  # a logit near 1 is dominated by a handful of unsolvable or mislabelled items
MINIMUM_TOKEN_RANGE = 3.0
ARC_TASKS = 100  # size of the semi-private set, the binomial n of its scores
PLUNGING_PUBLISHED = "2026-09-22"
PLUNGING_OBSERVED_UNTIL = "2026-08-21"
ARC_OBSERVED_UNTIL = "2026-06-16"

# --- corrections --------------------------------------------------------------------------------

# (bench, level, published label, published date) -> (true date of the run behind it, reason)
FIGURE2_DATES = {
    ("gpqa", 0.75, "o3 (high)", "2025-01-31"): ("2025-04-16", "published date is o3-mini's"),
    ("gpqa", 0.75, "Gemini 2.5 Pro (Jun 2025)", "2025-03-25"): (
        "2025-06-17",
        "published date is the experimental release's; the run is the general release",
    ),
    ("aime", 0.25, "QwQ-32B", "2024-11-28"): (
        "2025-03-05",
        "published date is QwQ-32B-Preview's",
    ),
    ("gpqa", 0.25, "GPT-4 Turbo (Nov 2023)", "2023-11-06"): (
        "2024-04-09",
        "cost is that of the gpt-4-turbo-2024-04-09 run; the Nov 2023 model stays below the level",
    ),
    ("gpqa", 0.25, "Gemini 1.5 Pro", "2024-02-15"): (
        "2024-05-24",
        "published date is the announcement; cost is that of the gemini-1.5-pro-001 run",
    ),
    ("gpqa", 0.25, "Mistral Small 3", "2025-01-25"): (
        "2025-01-30",
        "mistral-small-2501 was released on 30 January",
    ),
}

# (bench, level, published label, published date) -> why the row is no cost of the level at all
FIGURE2_REJECTED = {
    ("gpqa", 0.75, "Gemini 2.5 Pro (Jun 2025)", "2025-06-05"): (
        "1,262 mean tokens against 8,895 for the general release at the same score: "
        "hidden reasoning was not counted"
    ),
}

# (bench, level, published label) -> which price lies behind the cost, where it is not the launch's
FIGURE2_VINTAGES = {
    ("aime", 0.25, "o1-mini (medium)"): "later price of $4.40 per million output tokens",
    ("aime", 0.75, "Qwen3.7 Flash"): (
        "later price: a twelfth of the cost of the same run in caisi_curves_all.csv"
    ),
    ("gpqa", 0.25, "WizardLM-2 8x22B"): (
        "later price: below half of the cost in caisi_curves_all.csv"
    ),
    ("gpqa", 0.75, "o3 (high)"): (
        "launch price of $40 per million output tokens; cut by 80% on 2025-06-10"
    ),
    ("gpqa", 0.75, "GPT-5.6 Luna (low)"): (
        "a tenth of the cost at launch price; the list price fell to a fifth on 2026-07-30"
    ),
}

# (id prefix, release date in arcprize/models.json) -> (public release, reason)
ARC_DATES = {
    ("claude-sonnet-4-", "2025-05-14"): ("2025-05-22", "given date is the snapshot's"),
    ("claude-opus-4-", "2025-05-14"): ("2025-05-22", "given date is the snapshot's"),
    ("claude-haiku-4-5-", "2025-10-01"): ("2025-10-15", "given date is the snapshot's"),
    ("grok-4-fast-", "2025-10-21"): ("2025-09-19", "given date is a month after the release"),
    ("gpt-5-4-", "2026-03-04"): ("2026-03-05", "the API name carries a later snapshot"),
    ("gpt-5-5-", "2026-04-22"): ("2026-04-23", "the API name carries a later snapshot"),
}

# arcprize/evaluations.json: entries whose cost cannot be right
ARC_REJECTED = {
    "gemini-2-5-flash-preview-05-20": (
        "same score as its 16k run at 1/5.75 of the cost: thinking tokens charged at the "
        "non-thinking price"
    ),
}

ARC_VINTAGES = {
    "o3-2025-04-16-high": (
        "list price was cut by 80% on 2025-06-10; the file does not say which price this is"
    ),
}

# effort sweeps: release date by merged model name -> (date, where it comes from); names that
# carry a date and need no correction are absent
SWEEP_DATES = {
    "claude-3-7-sonnet": ("2025-02-24", "arcprize/models.json"),
    "claude-haiku-4-5": ("2025-10-15", "release; the name carries the snapshot"),
    "claude-opus-4": ("2025-05-22", "release; the name carries the snapshot"),
    "claude-opus-4-5": ("2025-11-24", "arcprize/models.json"),
    "claude-opus-4-6": ("2026-02-05", "arcprize/models.json"),
    "claude-opus-4-7": ("2026-04-16", "arcprize/models.json"),
    "claude-sonnet-4": ("2025-05-22", "release; the name carries the snapshot"),
    "claude-sonnet-4-6": ("2026-02-17", "arcprize/models.json"),
    "gemini-3-flash-preview": ("2025-12-17", "arcprize/models.json"),
    "gemini-3.5-flash": ("2026-05-19", "arcprize/models.json"),
    "gpt-oss-120b-maas": ("2025-08-05", "figure2_published.csv"),
}

# --- rows without a data file -------------------------------------------------------------------

O1_MINI_POINTS = [(363, 0.20), (1106, 0.43), (8668, 0.60), (42868, 0.675), (88448, 0.70)]

TAN_EXPONENTS = {"tan_7b": 0.047, "tan_32b": 0.096, "tan_72b": 0.114}

FRONTIERMATH = [
    ("o4-mini (high)", "2025-04-16", 43_000_000, 4.40),
    ("GPT-5.2 (low)", "2025-12-11", 5_000_000, 14.00),
]

# --- response curves ----------------------------------------------------------------------------

DIGITISED = {  # series in response_curves.csv -> source, figure, date, curve, kind, benchmark
    "o1_train_AIME": (
        "openai-o1", "figure, train-time panel", "2024-09-12", "o1_train", "rl", "aime",
    ),
    "o1_test_AIME": (
        "openai-o1", "figure, test-time panel", "2024-09-12", "o1_test", "inference", "aime",
    ),
    "cursor_composer15_CursorBench": (
        "composer", "figure of CursorBench against training compute", "2026-02", "composer", "rl",
        "cursorbench",
    ),
}  # fmt: skip
# RL curves -> whether they were made with an o1-era recipe or a later, improved one
RECIPE = {
    "o1_train": "baseline",
    "composer": "today",
    "scalerl_8b": "today",
    "scalerl_scout": "today",
}
SCALERL_CURVES = {
    "ScaleRL_AIME24_8B_dense": "scalerl_8b",
    "ScaleRL_AIME24_17Bx16_MoE": "scalerl_scout",
}


def response_points(data: Path) -> Iterator[Row]:
    """Points of the digitised curves; the higher-resolution copy of one panel is left out."""
    curves = pd.read_csv(data / "digitised" / "response_curves.csv")
    for series, (source, figure, date, curve, kind, benchmark) in DIGITISED.items():
        for point in curves[curves.series == series].itertuples():
            yield {
                "source": source,
                "locator": f"{figure}; digitised/response_curves.csv, series {series}",
                "date": date,
                "curve": curve,
                "system": "o1" if source == "openai-o1" else curve,  # its two panels are one model
                "kind": kind,
                "recipe": RECIPE.get(curve, ""),
                "benchmark": benchmark,
                "compute": f"{10**point.log10_x_relative:.6g}",
                "compute_unit": "relative",
                "score": f"{point.score_percent / 100:.6g}",
            }
    yield from scalerl_points(data)
    for tokens, score in O1_MINI_POINTS:
        yield {
            "source": "o1-mini-budgets",
            "locator": "accuracy against tokens used; majority vote at the larger budgets",
            "date": "2024-09",
            "curve": "o1_mini",
            "system": "o1_mini",
            "kind": "inference",
            "recipe": "",
            "benchmark": "aime",
            "compute": tokens,
            "compute_unit": "tokens",
            "score": score,
        }


def scalerl_points(data: Path) -> Iterator[Row]:
    table = pd.read_csv(data / "digitised" / "scalerl_aime24.csv")
    for series, curve in SCALERL_CURVES.items():
        for point in table[table.series == series].itertuples():
            yield {
                "source": "scalerl",
                "locator": "figure of AIME-24 against compute; digitised/scalerl_aime24.csv, "
                f"series {series}",
                "date": "2025-10-15",
                "curve": curve,
                "system": curve,
                "kind": "rl",
                "recipe": RECIPE[curve],
                "benchmark": "aime",
                "compute": point.gpu_hours_GB200,
                "compute_unit": "GB200 GPU-hours",
                "score": point.aime24_pass_rate,
            }


# --- effort sweeps ------------------------------------------------------------------------------


def logit_slope(x: np.ndarray, score: np.ndarray, n: np.ndarray) -> tuple[float, float]:
    """Weighted least squares of logit(score) on x, binomial weights; slope and standard error.

    Binomial noise is the least there can be: a sweep that strays from a line by more than that
    (reduced chi-square above 1) has its standard error widened by the root of the excess. The
    misfit never narrows it, because three points fit a line well by luck.
    """
    logit = np.log(score / (1 - score))
    weight = n * score * (1 - score)
    x_centred = x - np.average(x, weights=weight)
    spread = np.sum(weight * x_centred**2)
    slope = np.sum(weight * x_centred * logit) / spread
    residual = logit - np.average(logit, weights=weight) - slope * x_centred
    misfit = np.sum(weight * residual**2) / (len(x) - 2)
    return float(slope), float(np.sqrt(max(1.0, misfit) / spread))


def sweep_row(x: np.ndarray, score: np.ndarray, n: np.ndarray, **names: str) -> Row:
    slope, se = logit_slope(x, score, n)
    return names | {
        "kind": "inference",
        "recipe": "",
        "slope_logit_per_oom": f"{slope:.4f}",
        "se": f"{se:.4f}",
        "lowest_score": f"{score.min():.4f}",
        "highest_score": f"{score.max():.4f}",
        "span_oom": f"{np.ptp(x):.3f}",
        "points": len(x),
    }


def distinct_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per run: a dated and an undated name, or two effort labels, may hold the same one.

    Two rows are the same run when token means agree within 2% and scores within a point; the
    dated name, which sorts first here, is kept.
    """
    kept: list[int] = []
    dated_first = runs.assign(undated=runs.model == runs.merged).sort_values(["undated", "effort"])
    for run in dated_first.itertuples():
        same = (
            abs(run.mean_tokens_used / runs.loc[i, "mean_tokens_used"] - 1) < 0.02
            and abs(run.full_run_acc - runs.loc[i, "full_run_acc"]) < 0.01
            for i in kept
        )
        if not any(same):
            kept.append(run.Index)
    return runs.loc[kept]


def sweep_date(merged: str, names: list[str]) -> tuple[str, str]:
    if merged in SWEEP_DATES:
        return SWEEP_DATES[merged]
    for name in names:
        suffix = name.removeprefix(merged).replace("-", "")
        if len(suffix) == 8 and suffix.isdigit():
            return f"{suffix[:4]}-{suffix[4:6]}-{suffix[6:]}", "date in the model's name"
    return PLUNGING_PUBLISHED, "release date not found, publication date of the source"


def epoch_sweeps(data: Path) -> Iterator[Row]:
    """Slope of accuracy on mean output tokens over the effort levels of one model.

    Every run is truncated there at twelve token budgets. The rows at the largest budget, 131,072,
    are the whole run: their token mean is the untruncated one, and their accuracy differs from
    full_run_acc in a few rows only (by 0.0223 at most), so full_run_acc is the score.
    """
    table = pd.read_csv(data / "epoch_inference_cost" / "caisi_curves_all.csv")
    full = table[table.budget == table.budget.max()].copy()
    full["merged"] = full.model.str.replace(r"-(\d{8}|\d{4}-\d\d-\d\d)$", "", regex=True)
    for (benchmark, merged), group in full.groupby(["benchmark", "merged"]):
        runs = distinct_runs(group)
        runs = runs[runs.full_run_acc.between(0, SATURATED, inclusive="neither")]
        runs = runs.sort_values("mean_tokens_used")
        tokens = runs.mean_tokens_used.to_numpy()
        if len(runs) < 3 or tokens[-1] / tokens[0] <= MINIMUM_TOKEN_RANGE:
            continue
        date, origin = sweep_date(merged, sorted(set(group.model)))
        yield sweep_row(
            np.log10(tokens),
            runs.full_run_acc.to_numpy(),
            runs.n_samples.to_numpy(),
            source="epoch-plunging",
            locator="epoch_inference_cost/caisi_curves_all.csv, full budget, model "
            f"{merged}; date: {origin}",
            date=date,
            curve=f"{benchmark}_{merged}",
            benchmark=benchmark,
        )


def arc_entries(data: Path) -> pd.DataFrame:
    """Chain-of-thought models shown on the ARC-AGI-1 semi-private board, with release dates."""
    folder = data / "arcprize"
    models = pd.DataFrame(json.loads((folder / "models.json").read_text("utf-8")))
    runs = pd.DataFrame(json.loads((folder / "evaluations.json").read_text("utf-8")))
    models = models[(models.modelType == "CoT") & models.modelReleaseDate.notna()]
    runs = runs[(runs.datasetId == "v1_Semi_Private") & runs.display]
    entries = runs.drop_duplicates("modelId").merge(
        models.drop_duplicates("id"), left_on="modelId", right_on="id"
    )
    entries = entries[~entries.modelId.isin(ARC_REJECTED) & (entries.costPerTask > 0)]
    dates = [arc_date(e.modelId, e.modelReleaseDate[:10]) for e in entries.itertuples()]
    return entries.assign(date=[d for d, _ in dates], correction=[why for _, why in dates])


def arc_date(model: str, given: str) -> tuple[str, str]:
    """Release date and, where it differs from the given one, why."""
    for (prefix, wrong), (date, why) in ARC_DATES.items():
        if model.startswith(prefix) and given == wrong:
            return date, f"; date corrected from {given}: {why}"
    return given, ""


def arc_sweeps(data: Path) -> Iterator[Row]:
    """Slope of score on dollars per task within one model group of the board."""
    entries = arc_entries(data)
    entries = entries[entries.score.between(0, SATURATED, inclusive="neither")]
    entries = entries[entries.modelGroup.fillna("").str.strip() != ""]
    for name, group in entries.sort_values("costPerTask").groupby("modelGroup"):
        if len(group) < 3:
            continue
        yield sweep_row(
            np.log10(group.costPerTask.to_numpy()),
            group.score.to_numpy(),
            np.full(len(group), ARC_TASKS),
            source="arcprize",
            locator="arcprize/evaluations.json, v1_Semi_Private, model group "
            f"{name}; n = {ARC_TASKS} tasks",
            date=group.date.min(),
            curve=f"arc-agi-1_{name}",
            benchmark="arc-agi-1",
        )


def tan_slopes() -> Iterator[Row]:
    """error = C**-k gives d logit / d log10 C = k ln(10) / score, taken at score one half.

    The score level is not printed; between 0.4 and 0.7 the slope moves by about 30%, the se.
    """
    for curve, exponent in TAN_EXPONENTS.items():
        slope = exponent * np.log(10) / 0.5
        yield {
            "source": "tan-rl",
            "locator": f"figure of compute scaling, error = C**-{exponent}; slope at an assumed "
            "score of 0.5, se 30% because the score level is not printed",
            "date": "2025-12-22",
            "curve": curve,
            "kind": "rl",
            "recipe": "baseline",
            "benchmark": "math",
            "slope_logit_per_oom": f"{slope:.4f}",
            "se": f"{0.3 * slope:.4f}",
        }


def response_slopes(data: Path) -> Iterator[Row]:
    yield from epoch_sweeps(data)
    yield from arc_sweeps(data)
    yield from tan_slopes()


# --- cost records -------------------------------------------------------------------------------


def records_only(rows: list[Row]) -> Iterator[Row]:
    """Rows, by date, that are cheaper than all before: a corrected date may undo a record."""
    cheapest = float("inf")
    for row in sorted(rows, key=lambda r: (r["date"], r["cost_usd"])):
        if row["cost_usd"] < cheapest:
            cheapest = row["cost_usd"]
            yield row


def figure2_rows(data: Path) -> Iterator[Row]:
    table = pd.read_csv(data / "epoch_inference_cost" / "figure2_published.csv")
    chance = {"aime": "1/1000", "gpqa": "1/4"}
    for row in table[table.cost > 0].itertuples():
        key = (row.bench, row.level, row.model_label, row.date)
        if key in FIGURE2_REJECTED:
            continue
        date, why = FIGURE2_DATES.get(key, (row.date, ""))
        yield {
            "source": "epoch-plunging",
            "locator": f"epoch_inference_cost/figure2_published.csv, {row.bench} at {row.level}, "
            f"score net of chance ({chance[row.bench]})"
            + (f"; date corrected from {row.date}: {why}" if why else ""),
            "date": date,
            "series": f"{row.bench}-{row.level * 100:.0f}",
            "benchmark": row.bench,
            "score_level": row.level,
            "model": row.model_label,
            "cost_usd": row.cost,
            "observed_until": PLUNGING_OBSERVED_UNTIL,
            "vintage_note": FIGURE2_VINTAGES.get(key[:3], ""),
        }


def arc_rows(data: Path, level: float) -> Iterator[Row]:
    entries = arc_entries(data)
    for entry in entries[entries.score >= level].itertuples():
        yield {
            "source": "arcprize",
            "locator": f"arcprize/evaluations.json, v1_Semi_Private, {entry.modelId}, "
            f"score {entry.score:g}{entry.correction}",
            "date": entry.date,
            "series": f"arc-agi-1-{level * 100:.0f}",
            "benchmark": "arc-agi-1",
            "score_level": level,
            "model": entry.displayName,
            "cost_usd": entry.costPerTask,
            "observed_until": ARC_OBSERVED_UNTIL,
            "vintage_note": ARC_VINTAGES.get(entry.modelId, ""),
        }


def frontiermath_rows() -> Iterator[Row]:
    for model, date, tokens, price in FRONTIERMATH:
        yield {
            "source": "epoch-burden",
            "locator": "FrontierMath comparison, output tokens over the benchmark at about 27%; "
            "price: llm-prices, openai.json",
            "date": date,
            "series": "frontiermath-27",
            "benchmark": "frontiermath",
            "score_level": 0.27,
            "model": model,
            "output_tokens": tokens,
            "usd_per_million_tokens": f"{price:.2f}",
            "observed_until": "2025-12-11",
            "vintage_note": "list price per output token; input tokens left out",
        }


def cost_records(data: Path) -> Iterator[Row]:
    """Record staircases, one series after the other."""
    published = list(figure2_rows(data))
    for series in dict.fromkeys(row["series"] for row in published):
        yield from records_only([row for row in published if row["series"] == series])
    for level in (0.25, 0.40, 0.60, 0.75, 0.85):
        yield from records_only(list(arc_rows(data, level)))
    yield from frontiermath_rows()


# --- command line -------------------------------------------------------------------------------

TABLES: dict[str, Callable[[Path], Iterator[Row]]] = {
    "response_points.csv": response_points,
    "response_slopes.csv": response_slopes,
    "cost_records.csv": cost_records,
}


def rendered(name: str, rows: Iterator[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS[name].split(","), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description="Derive evidence tables from raw public data.")
    parser.add_argument("data", type=Path, help="folder of the raw data files")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on difference")
    options = parser.parse_args()
    differing = []
    for name, derive in TABLES.items():
        text, path = rendered(name, derive(options.data)), EVIDENCE / name
        if options.check:
            if not path.exists() or path.read_text("utf-8") != text:
                differing.append(name)
        else:
            path.write_text(text, "utf-8", newline="\n")
    if differing:
        print("differs from the data:", ", ".join(differing), file=sys.stderr)
    return int(bool(differing))


if __name__ == "__main__":
    raise SystemExit(main())
