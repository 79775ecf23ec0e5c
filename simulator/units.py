"""Numbers as people read them: $11,000 and 40,000x, not 4.04 and 4.6.

Two significant digits for what is known in orders of magnitude, three otherwise: no more than the
Monte Carlo error of a default run supports.
"""

import math

WORDS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
INFINITE = {
    "year": "never",
    "years": "never",
    "OOM uses": "never",
    "OOM": "out of reach",
    "OOM GPU-hours": "out of reach",
}


def show(value: float | None, unit: str) -> str:
    """A value of a quantity with its unit; None is infinite."""
    if value is None:
        return INFINITE.get(unit, "infinite")
    match unit:
        case "OOM":
            return f"{power(value)}x"
        case "OOM USD":
            return f"${power(value)}"
        case "OOM uses":
            return power(value).rstrip()
        case "OOM GPU-hours":
            return f"{power(value)} h".replace("  ", " ")
        case "years":
            return f"{significant(value, 2)} y"
        case "year":
            return f"{value:.1f}"
        case "x" | "x per year":
            return f"{significant(value, 2)}x"
    return significant(value, 3)


def error(mcse: float | None, unit: str) -> str:
    """Monte Carlo error of a median: relative where the quantity is in OOM."""
    if mcse is None or mcse == 0:
        return ""
    if unit.startswith("OOM") and "per" not in unit:
        if mcse > 1:
            return f"±{significant(mcse, 1)} OOM"
        return f"±{significant(100 * (10**mcse - 1), 1)}%"
    return f"±{significant(mcse, 1)}"


def power(oom: float) -> str:
    """10**oom to two digits, in words where it is large."""
    if not -300 < oom < 15:
        return f"10^{oom:.1f}" if abs(oom) < 1e4 else f"10^({oom:.1e})"
    value = float(f"{10**oom:.1e}")
    for size, word in WORDS:
        if value >= size:
            return f"{significant(value / size, 2)} {word} "
    return significant(value, 2)


def significant(value: float, digits: int) -> str:
    """A number rounded to significant digits, with commas, never in exponents if avoidable."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    magnitude = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if magnitude < -5:
        return f"{value:.{digits - 1}e}"
    places = max(digits - 1 - magnitude, 0)
    return f"{round(value, digits - 1 - magnitude):,.{places}f}"
