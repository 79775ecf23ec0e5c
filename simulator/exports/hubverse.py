"""The hubverse: a hub of our own, with its configuration and one model's output.

Each question is a target. Quantiles and samples of all targets are one group, so that samples of
one index are joint over targets; a question with a threshold is asked again as a cdf of its own.
Infinite values are infinite quantiles and samples; cdf rows count them above every threshold.
"""

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simulator.exports.item import Item, about, identifier, line, stamp

SCHEMAS = "https://raw.githubusercontent.com/hubverse-org/schemas/main/v6.0.0"
LEVELS = (0.01, 0.025, *(round(0.05 * i, 2) for i in range(1, 20)), 0.975, 0.99)
TEAM, MOST, ID = "simulator", 15, 30  # characters: of a model's short name, of a target's id


def write(items: Sequence[Item]) -> dict[str, bytes]:
    """The files of a hub."""
    said = about(items)
    model = identifier(str(said.get("scenario", "")))[:MOST]
    day = str(said.get("created", ""))[:10] or "1970-01-01"
    name = f"{TEAM}-{model}"
    files = {
        "hub-config/admin.json": _admin(items),
        "hub-config/tasks.json": _tasks(items, day),
        "hub-config/model-metadata-schema.json": METADATA,
        f"model-metadata/{name}.yml": {
            "team_abbr": TEAM,
            "model_abbr": model,
            "from": stamp(items),
            **said,
        },
    }
    table = f"model-output/{name}/{day}-{name}.parquet"
    return {path: _json(content) for path, content in files.items()} | {table: _parquet(items, day)}


METADATA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"team_abbr": {"type": "string"}, "model_abbr": {"type": "string"}},
    "required": ["team_abbr", "model_abbr"],
}


def _json(content: Any) -> bytes:  # which is YAML too
    return (json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _admin(items: Sequence[Item]) -> dict[str, Any]:
    return {
        "schema_version": f"{SCHEMAS}/admin-schema.json",
        "name": f"Simulator: {about(items).get('scenario', 'forecasts')}",
        "maintainer": "those who exported it",
        "contact": {"name": "those who exported it", "email": "nobody@example.org"},
        "repository": {"host": "github", "owner": "example", "name": "example"},
        "file_format": ["parquet"],
        "timezone": "Europe/London",
    }


def _tasks(items: Sequence[Item], day: str) -> dict[str, Any]:
    joint = {
        "quantile": {
            "output_type_id": {"required": list(LEVELS)},
            "value": {"type": "double"},
            "is_required": True,
        },
        "sample": {
            "output_type_id_params": {
                "type": "integer",
                "min_samples_per_task": items[0].forecast.size,
                "max_samples_per_task": items[0].forecast.size,
                "compound_taskid_set": ["origin_date"],
            },
            "value": {"type": "double"},
            "is_required": True,
        },
    }
    groups = [_group(items, day, joint)]
    for item in items:
        if (threshold := item.question.at) is not None:
            cdf = {
                "output_type_id": {"required": [_number(threshold)]},
                "value": {"type": "double", "minimum": 0, "maximum": 1},
                "is_required": True,
            }
            groups.append(_group([item], day, {"cdf": cdf}))
    return {
        "schema_version": f"{SCHEMAS}/tasks-schema.json",
        "rounds": [
            {
                "round_id_from_variable": True,
                "round_id": "origin_date",
                "model_tasks": groups,
                "submissions_due": {"relative_to": "origin_date", "start": 0, "end": 1},
            }
        ],
        "output_type_id_datatype": "character",
    }


def _number(threshold: float) -> float | int:
    """A threshold whose text is the same in the configuration and the rows, as R reads them too."""
    return int(threshold) if threshold == int(threshold) < 2**31 else threshold


def _group(items: Sequence[Item], day: str, output: dict[str, Any]) -> dict[str, Any]:
    return {
        "task_ids": {
            "origin_date": {"required": [day], "optional": None},
            "target": {"required": [item.name for item in items], "optional": None},
        },
        "output_type": output,
        "target_metadata": [_target(item, i) for i, item in enumerate(items)],
    }


def _target(item: Item, i: int) -> dict[str, Any]:
    text = line(item.question.text)
    return {
        "target_id": item.name if len(item.name) <= ID else f"{item.name[: ID - 4]}_{i}",
        "target_name": text[:100],
        "target_units": item.forecast.unit,
        "target_keys": {"target": item.name},
        "description": text,
        "target_type": "continuous",
        "is_step_ahead": False,
    }


def _parquet(items: Sequence[Item], day: str) -> bytes:
    import datetime as dt

    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: dict[str, list[Any]] = {
        "target": [],
        "output_type": [],
        "output_type_id": [],
        "value": [],
    }
    for item in items:
        for output, ids, values in _outputs(item):
            rows["target"] += [item.name] * len(ids)
            rows["output_type"] += [output] * len(ids)
            rows["output_type_id"] += ids
            rows["value"] += np.asarray(values, dtype=float).tolist()
    schema = pa.schema(
        {
            "origin_date": pa.date32(),
            "target": pa.string(),
            "output_type": pa.string(),
            "output_type_id": pa.string(),
            "value": pa.float64(),
        },
        metadata={"simulator": json.dumps(about(items) | {"from": stamp(items)})},
    )
    days = [dt.date.fromisoformat(day)] * len(rows["value"])
    stream = io.BytesIO()
    pq.write_table(pa.table({"origin_date": days, **rows}, schema=schema), stream)
    return stream.getvalue()


def _outputs(item: Item) -> Iterator[tuple[str, list[str], Any]]:
    """Output type, ids and values of all rows of a forecast."""
    forecast = item.forecast
    yield "quantile", [str(level) for level in LEVELS], forecast.quantile(LEVELS)
    yield "sample", [str(i) for i in range(1, forecast.size + 1)], forecast.sample()
    if (threshold := item.question.at) is not None:
        yield "cdf", [str(_number(threshold))], [forecast.cdf(threshold)]
