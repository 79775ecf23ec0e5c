"""Run a batch on SLURM, whose jobs are Dask workers for as long as it takes.

    pip install '.[cluster]'
    python scripts/cluster_slurm.py scripts/batches/beliefs.toml runs/beliefs --jobs 8

Run it on a login node, in tmux. The environment and the folder must be on a drive that all nodes
see. Adapt partition, account, memory and time to your site; `--print` shows the job script and
submits nothing. Killed or out of time, run it again: what is done stays done.
"""

import argparse
import sys

import dask
from dask_jobqueue import SLURMCluster

from simulator import cli


def main() -> int:
    """Submit the workers, run the batch on them, cancel them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("into")
    parser.add_argument("--jobs", type=int, default=4, help="jobs of SLURM")
    parser.add_argument("--workers", type=int, default=4, help="workers and processors per job")
    parser.add_argument("--memory", default="8GB", help="of a job")
    parser.add_argument("--time", default="02:00:00", help="of a job")
    parser.add_argument("--partition")
    parser.add_argument("--account")
    parser.add_argument("--print", action="store_true", help="only show the job script")
    asked = parser.parse_args()
    # A scenario that kills its worker (memory, mostly) fails; it is not given to the next one.
    dask.config.set({"distributed.scheduler.allowed-failures": 0})
    with SLURMCluster(
        cores=asked.workers,
        processes=asked.workers,  # one thread each
        memory=asked.memory,
        walltime=asked.time,
        queue=asked.partition,
        account=asked.account,
    ) as cluster:
        if asked.print:
            print(cluster.job_script())
            return 0
        cluster.scale(jobs=asked.jobs)
        command = ["batch", "run", asked.file, "--into", asked.into]
        return cli.run([*command, "--scheduler", cluster.scheduler_address])


if __name__ == "__main__":
    sys.exit(main())
