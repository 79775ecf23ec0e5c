"""When does a product that sells 90-minute software tasks earn back what it cost to build?

A squigglepy model around the forecasts of a run, draw by draw: cheap years come together.

    simulator export latest --format squigglepy \\
        --questions scripts/break_even.toml --out forecasts.py
    python scripts/break_even.py forecasts.py

break_even.squiggle is the same model for Squiggle. The figures in capitals are made up: use yours.
"""

import runpy
import sys

import numpy as np
import squigglepy as sq

PRICE = 60  # US dollars a task
USES = sq.lognorm(10_000, 100_000)  # tasks sold a year, 90% interval
BUILDING = sq.lognorm(1_000_000, 5_000_000)  # US dollars, once
RL_RUN = 10_000  # US dollars of the RL run that 100x inference would stand in for more of
YEARS = range(2027, 2035)
SAMPLES = 20_000


def earned_back(draws, uses, building, trained):
    """The probability of it by the end of each year.

    `trained`: pay for the RL compute that does what 100x inference does, and then a hundredth of
    the cost at each use. Nothing is sold at a loss.
    """
    earned = -building - trained * RL_RUN * draws["rl_100x"]
    chance = []
    for year in YEARS:
        cost = draws[f"software_{year}"] / (100 if trained else 1)
        earned = earned + uses * np.maximum(PRICE - cost, 0)
        chance.append(float(np.mean(earned >= 0)))
    return chance


def main():
    found = runpy.run_path(sys.argv[1])
    draws, uses, building = found["joint"](SAMPLES), USES @ SAMPLES, BUILDING @ SAMPLES
    rows = {
        "more inference": earned_back(draws, uses, building, trained=False),
        "more RL": earned_back(draws, uses, building, trained=True),
    }
    print(f"Earned back by the end of; run {found['about']['run']}, {found['about']['checks']}")
    print(f"{'':16}" + "".join(f"{year:>6}" for year in YEARS))
    for name, chance in rows.items():
        print(f"{name:16}" + "".join(f"{p:>6.0%}" for p in chance))


if __name__ == "__main__":
    main()
