"""What a person sees of a batch before and after it ran."""

from typing import TYPE_CHECKING, Any

from simulator import tables

if TYPE_CHECKING:
    from simulator.batch.engine import Tally

SHOWN = 10  # models or faults; the rest is counted


def print_check(found: dict[str, Any]) -> None:
    """Counts, faults, compiled models, and the estimate."""
    sizes = " x ".join(f"{size} {name}" for name, size in found["dims"].items())
    tables.say(f"{found['name']}: {found['scenarios']:,} scenarios ({sizes})")
    for group in found["faults"][:SHOWN]:
        where = f"  {group['scenarios']:,} cannot be run, {_levels(group['levels'])}:"
        tables.say(tables.style(where, fg="red"))
        for fault in group["faults"]:
            tables.say(f"    {fault}")
    _rest(found["faults"], "more faults")
    faulty = sum(group["scenarios"] for group in found["faults"])
    if same := found["scenarios"] - found["to_sample"] - faulty:
        tables.say(f"  {same:,} are the same as another but in name, and share its run")
    models = found["models"]
    tables.say(f"{found['to_sample']:,} to sample, with {_models(len(models))}:")
    for model in models[:SHOWN]:
        tables.say(f"  {model['scenarios']:>6,}  {_levels(model['levels'])}")
    _rest(models, "more models")
    if estimate := found["estimate"]:
        tables.note(
            f"From a short trial: {estimate['seconds_each']:.0f} s and "
            f"{estimate['mb_each']:.0f} MB each on one processor, so with {estimate['jobs']} "
            f"about {_span(estimate['minutes'])} and {_size(estimate['disk_mb'])}; "
            "a model that is not kept yet takes a minute or two more, once"
        )


def print_tally(tally: "Tally") -> None:
    """What was done now, and what is left."""
    now = [report.status for report in tally.reports]
    passed, errors = now.count("passed"), now.count("error")
    parts = [f"{passed:,} passed"]
    if again := sum(report.kind == "reweighted" for report in tally.reports):
        parts[0] += f" ({again:,} of them reweighted)"
    if checks := now.count("failed"):
        parts.append(tables.style(f"{checks:,} failed their checks", fg="red"))
    if errors:
        parts.append(tables.style(f"{errors:,} could not be run", fg="red"))
    if tally.faulty:
        parts.append(tables.style(f"{tally.faulty:,} are bad input", fg="red"))
    if tally.before:
        failed = f" ({tally.failed_before:,} failed)" if tally.failed_before else ""
        parts.append(f"{tally.before:,} were done before{failed}")
    if left := tally.total - tally.done - errors:
        parts.append(f"{left:,} left to do")
    tables.say(f"{tally.name}: {', '.join(parts)}")
    if tally.reports:
        rate = f"{tally.per_minute:.1f} a minute"
        tables.say(f"{_span(tally.seconds / 60)}, {rate}, at most {tally.peak_mb:,.0f} MB a worker")
    for report in [r for r in tally.reports if r.status == "error"][:SHOWN]:
        tables.say(f"  {tally.labels[report.key]}: {report.kind}: {report.why}")
    tables.say(str(tally.path))


def _rest(things: list, what: str) -> None:
    if len(things) > SHOWN:
        tables.say(f"  and {len(things) - SHOWN:,} {what}")


def _levels(levels: dict[str, list]) -> str:
    return "; ".join(f"{axis} {', '.join(map(str, x))}" for axis, x in levels.items()) or "all"


def _models(count: int) -> str:
    return "one compiled model" if count == 1 else f"{count:,} compiled models"


def _span(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _size(mb: float) -> str:
    return f"{mb:.0f} MB" if mb < 1000 else f"{mb / 1000:.1f} GB"
