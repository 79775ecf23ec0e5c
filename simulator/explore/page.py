"""The page: template, style, scripts and data in one file that asks nothing of any network."""

import base64
import hashlib
import html
import json
from importlib.resources import files
from string import Template
from typing import Any

SCRIPTS = ("numbers", "equations", "paths", "answers", "figures", "controls", "page")
MARK = b"<!doctype html>\n<!-- A page of simulator explore"  # first bytes of every page


def assembled(title: str, data: dict[str, Any]) -> str:
    """One HTML text; the policy in it allows its own style and script and nothing else."""
    style = _read("page.css")
    script = "'use strict';\n" + "\n".join(_read(f"{name}.js") for name in SCRIPTS)
    policy = [
        "default-src 'none'",
        f"script-src {_digest(script)}",
        f"style-src {_digest(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return Template(_read("page.html")).substitute(
        title=html.escape(title),
        policy="; ".join(policy),
        style=style,
        script=script,
        data=embedded(data),
    )


def embedded(data: Any) -> str:
    """JSON that stays data inside HTML, whatever its strings hold."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))  # ASCII: no U+2028 or U+2029
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return (files("simulator.explore") / name).read_text("utf-8")
