"""What was drawn, in a terminal: each file, what to look for in it, and the number that decides."""

import textwrap
from typing import Any

from simulator.run import Run
from simulator.tables import print_checks, say, style, width
from simulator.units import significant

type Row = dict[str, Any]


def print_plots(run: Run, rows: list[Row]) -> None:
    """The checks of the run first, then every plot."""
    print_checks(run)
    for row in rows:
        if row["file"] is None:
            say(f"\n{row['plot']}: not drawn, {row['skipped']}")
            continue
        say("\n" + style(row["file"], bold=True))
        _line(f"look for {row['look_for']}")
        for number in row["numbers"]:
            _line(_number(number), fg=None if number["passed"] else "red")
        if row["left_out"]:
            _line(f"not shown: {'; '.join(row['left_out'])}", dim=True)


def _line(text: str, **how: Any) -> None:
    for line in textwrap.wrap(text, width() - 2) or [""]:
        say("  " + style(line, **how))


def _number(number: Row) -> str:
    value = number["value"]
    said = "not a number" if value is None else _short(value)
    where = f", in {number['worst']}" if number["worst"] else ""
    verdict = "passes" if number["passed"] else "FAILS"
    return f"{number['name']} {said} ({number['limit']}){where}: {verdict}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value % 1 == 0 or value >= 100 else significant(value, 4)
