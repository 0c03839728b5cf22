"""A command that runs jobs, for tests that kill it: DIRECTORY FUNCTION COUNT_OR_SECONDS..."""

import sys
from pathlib import Path

import train_job_functions as functions

from camber.train import Job, ProcessExecutor, run_jobs

if __name__ == "__main__":
    directory, name, *values = sys.argv[1:]
    key = "seconds" if name == "sleep" else "n"
    jobs = [Job({key: float(value)}, seed=0) for value in values]
    try:
        run_jobs(getattr(functions, name), jobs, Path(directory), ProcessExecutor(2))
    except KeyboardInterrupt:
        sys.exit(130)
