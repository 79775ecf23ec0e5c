"""Draw all figures of a run, of runs side by side, and of a backtest, for print and for web pages.

    .venv/bin/python scripts/figures.py runs/ID                      # every figure of a run
    .venv/bin/python scripts/figures.py runs/ID runs/OTHER           # and both as ridges
    ./scripts/simulate backtest base --structures --json > backtest.json
    .venv/bin/python scripts/figures.py runs/ID backtest.json        # and what past intervals held

They go into figures/, in both widths and formats, with their captions. Copy it and change it.
"""

import json
import sys
from pathlib import Path

from simulator import figures, open_run
from simulator.faults import BadInput
from simulator.seal import Damaged

INTO = Path("figures")
WIDTHS = {"column": figures.COLUMN, "page": figures.PAGE}


def draw(runs: list, backtests: list) -> dict[str, str]:
    """Write every figure; captions by the figure's name."""
    captions = {}
    for name, width in WIDTHS.items():
        drawn = {plot.stem: (plot.draw(width), plot.caption) for plot in figures.plots(runs[0])}
        if len(runs) > 1:
            drawn["ridges"] = figures.ridges(runs, width=width), figures.caption("ridges", runs)
        for i, one in enumerate(backtests, 1):
            stem = "coverage" if i == 1 else f"coverage-{i}"
            drawn[stem] = figures.coverage(one, width=width), figures.caption("coverage", one)
        for stem, (figure, caption) in drawn.items():
            captions[stem] = caption
            for format in figures.FORMATS:
                whole = figure.figure or figure  # axes know their figure
                figures.save(whole, INTO / f"{stem}-{name}.{format}", stem, caption)
    return captions


def main(arguments: list[str]) -> None:
    """Take folders of runs and JSON files of backtests."""
    files = [Path(name) for name in arguments if name.endswith(".json")]
    folders = [name for name in arguments if not name.endswith(".json")]
    if not folders:
        raise SystemExit("usage: figures.py RUN [RUN ...] [BACKTEST.json ...]")
    try:
        backtests = [json.loads(file.read_text("utf-8")) for file in files]
        captions = draw([open_run(folder) for folder in folders], backtests)
    except (BadInput, Damaged, OSError, ValueError) as error:
        raise SystemExit(str(error)) from None
    text = "\n".join(f"{stem}: {caption}\n" for stem, caption in captions.items())
    (INTO / "captions.txt").write_text(text, "utf-8")
    print(text, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
