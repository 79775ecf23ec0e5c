"""Run a batch on a Dask cluster on this machine: what a cluster does, to try it out.

    pip install '.[cluster]'
    python scripts/cluster_local.py scripts/batches/beliefs.toml runs/beliefs --workers 4

Without Dask, `simulator batch run` does the same with less. Exits as that command does.
"""

import argparse
import sys

import dask
from distributed import LocalCluster

from simulator import cli


def main() -> int:
    """Start the workers, run the batch on them, stop them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("into")
    parser.add_argument("--workers", type=int, default=None, help="one per processor by default")
    asked = parser.parse_args()
    # A scenario that kills its worker (memory, mostly) fails; it is not given to the next one.
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    # One thread each: the sampler is not made to run twice in one process.
    with LocalCluster(n_workers=asked.workers, threads_per_worker=1, dashboard_address=None) as own:
        command = ["batch", "run", asked.file, "--into", asked.into]
        return cli.run([*command, "--scheduler", own.scheduler_address])


if __name__ == "__main__":  # workers import this file
    sys.exit(main())
