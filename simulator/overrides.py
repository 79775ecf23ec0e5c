"""`--set KEY=VALUE`: one dotted key of a scenario replaced before it is checked.

A belief stated anew sheds the other ways of stating it: giving `quantiles` drops `value`, giving
`value` makes it a constant, and its source becomes the command line.
"""

import datetime as dt
import json
import tomllib
from collections.abc import Iterator
from typing import Any

from simulator.beliefs import DISTRIBUTION
from simulator.faults import BadInput, Fault, nearest
from simulator.quantities import BELIEFS

SET = {"source": "command-line", "why": "set for this run"}

type Spec = dict[str, Any]


def parse_override(text: str) -> tuple[str, Any]:
    """Split KEY=VALUE; the value is TOML, or plain text where it is not valid TOML."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        fault = Fault(
            "--set", text, "must be KEY=VALUE", "as in prior.rl_slope.quantiles={q05=5,…}"
        )
        raise BadInput([fault])
    key = key.strip()
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        parsed = {} if value.lstrip().startswith(("{", "[", '"', "'")) else {"value": value.strip()}
    except (ValueError, RecursionError):  # more digits or brackets than Python reads
        parsed = {}
    if parsed.keys() != {"value"}:
        rule = f"{value:.60} is not valid TOML"
        raise BadInput([Fault("--set", key, rule, "quote it for the shell")])
    return key, parsed["value"]


def written(key: str, value: Any) -> str:
    """KEY=VALUE as `parse_override` reads it."""
    return f"{key}={_inline(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_inline(k)} = {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, dt.date):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON allows it


def override(spec: Spec, key: str, new: Any) -> Iterator[Fault]:
    """Set a dotted key in place; a belief set anew sheds the other ways of stating it."""
    *path, last = parts = key.split(".")
    table: Any = spec
    for depth, part in enumerate(path):
        if not isinstance(table, dict):
            break
        if part not in table and depth and path[0] in ("prior", "task") and depth + 1 < len(parts):
            rule, fix = f"{'.'.join(path)} is not in the scenario", nearest(part, table)
            if part in BELIEFS:
                fix = "set the whole belief, as in prior.NAME='{family=\"constant\",value=1}'"
            yield Fault("--set", key, rule, fix)
            return
        table = table.setdefault(part, {})
    if not isinstance(table, dict):
        yield Fault("--set", key, f"{'.'.join(path)} holds no keys", "set it as a whole")
        return
    if parts[0] == "prior" and len(parts) == 3 and last in DISTRIBUTION:
        _restate(table, {last: new})
    elif parts[0] == "prior" and len(parts) == 2 and isinstance(new, dict):
        belief = table.setdefault(last, {"unit": BELIEFS[last].unit} if last in BELIEFS else {})
        if isinstance(belief, dict):
            _restate(belief, new)
    elif parts[0] == "prior" and len(parts) == 2 and new == "derived":
        table.pop(last, None)
    else:
        table[last] = new
        if parts[0] == "prior" and len(parts) > 2 and parts[2] in (*DISTRIBUTION, "family"):
            spec["prior"][parts[1]] |= SET


def _restate(belief: Spec, new: Spec) -> None:
    stated = [key for key in new if key in DISTRIBUTION]
    pair = {"mu": "sigma", "sigma": "mu", "low": "high", "high": "low"}
    keep = {*stated, *(pair.get(key, "") for key in stated)}
    for key in DISTRIBUTION:
        if stated and key not in keep:
            belief.pop(key, None)
    if stated == ["value"]:
        belief["family"] = "constant"
    belief |= SET | new
