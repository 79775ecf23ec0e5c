"""The text of a scenario: its file found, read, and merged with those that it extends."""

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from simulator.faults import BadInput, Fault, nearest
from simulator.quantities import SLOPES

PACKAGE = Path(__file__).parent
SHIPPED = next(p for p in (PACKAGE / "shipped", PACKAGE.parent / "priors") if p.is_dir())
LIMIT = 2**20  # bytes of a scenario file; more is a mistake

type Spec = dict[str, Any]


def shipped() -> list[str]:
    """Names of the scenarios that come with the simulator."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml") if path.stem != "sources")


def find(name: str, folder: Path) -> Path:
    """A scenario file by path, seen from a folder, or by its shipped name; BadInput if none is."""
    if name.endswith(".toml") or "/" in name:
        with suppress(OSError, ValueError, RuntimeError):  # too long, NUL, links in a circle
            path = (folder / name).resolve()
            if path.is_file():
                return path
        raise BadInput([Fault(name, "file", "does not exist", "check the path")])
    if name in shipped():
        return SHIPPED / f"{name}.toml"
    fix = f"{nearest(name, shipped())} or give a path that ends in .toml"
    raise BadInput([Fault(name, "scenario", "is neither a file nor a shipped scenario", fix)])


def resolved(path: Path, heirs: tuple[Path, ...] = ()) -> Spec:
    """A scenario file on top of what it extends; raises BadInput where that goes in a circle."""
    if path in heirs:
        raise BadInput(
            [Fault(str(path), "extends", "must not come back to itself", "cut the circle")]
        )
    spec = read_toml(path)
    parent = spec.pop("extends", None)
    if parent is None:
        return spec
    if not isinstance(parent, str):
        raise BadInput([Fault(str(path), "extends", "must be a name or path", "quote it")])
    return _merged(resolved(find(parent, path.parent), (*heirs, path)), spec)


def read_toml(path: Path) -> Spec:
    """A TOML file as plain data; raises BadInput where it is none, or too large."""
    try:
        if path.stat().st_size > LIMIT:
            raise BadInput(
                [Fault(str(path), "file", f"must be under {LIMIT} bytes", "is it TOML?")]
            )
        return tomllib.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:  # bad TOML, bad UTF-8, endless digits or nesting
        fix = "mend that line; a key may stand only once"
        raise BadInput([Fault(str(path), "file", f"must be TOML: {error}", fix)]) from None
    except OSError as error:
        raise BadInput(
            [Fault(str(path), "file", f"cannot be read ({error.strerror})", "check it")]
        ) from None


def _merged(parent: Spec, child: Spec) -> Spec:
    """The child's word on top of the parent's: beliefs and tasks by name, settings key by key;
    questions of its own in place of the parent's.

    The three slopes are inherited together or not at all: two of them imply the third.
    """
    merged = parent | child
    for section in ("structure", "sampler", "forecast", "evidence", "task", "prior"):
        above, own = parent.get(section, {}), child.get(section, {})
        if isinstance(above, dict) and isinstance(own, dict):
            if section == "prior" and not own.keys().isdisjoint(SLOPES):
                above = {key: belief for key, belief in above.items() if key not in SLOPES}
            merged[section] = above | own
    return merged
