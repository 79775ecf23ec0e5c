"""Write a batch file in which every level drops one source of a scenario's evidence.

    .venv/bin/python scripts/leave_one_out.py base > leave-one-out.toml
    ./scripts/simulate batch run leave-one-out.toml

A script, because the list of sources is data: a file typed by hand would miss the next one. What a
level says less than "all" is what that source alone contributes; where leaving a source out moves
the answer far, the answer rests on it.
"""

import json
import sys

from simulator import load_scenario
from simulator.faults import BadInput


def batch(name: str) -> str:
    """The batch file of a scenario, by file or shipped name."""
    scenario = load_scenario(name)
    rows = [row for table in scenario.evidence.tables.values() for row in table]
    sources = sorted({row["source"] for row in rows})
    if len(sources) < 2:
        raise SystemExit(f"{name} has {len(sources)} sources of evidence; it takes two or more")
    lines = [f"base = {json.dumps(name)}", 'name = "leave-one-out"', "", "[[axis]]"]
    lines += ['name = "without"', "", "[[axis.level]]", 'name = "nothing"']
    for out in sources:
        kept = [source for source in sources if source != out]
        lines += ["", "[[axis.level]]", f"name = {json.dumps(out)}"]
        lines += [f"set = {{ evidence.sources = {json.dumps(kept)} }}"]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        print(batch(sys.argv[1] if len(sys.argv) > 1 else "base"))
    except BadInput as error:
        raise SystemExit(str(error)) from None
