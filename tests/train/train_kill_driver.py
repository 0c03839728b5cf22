"""A command that runs jobs, for tests that kill it: DIRECTORY FUNCTION COUNT_OR_SECONDS..."""

import sys
from pathlib import Path

import train_job_functions as functions

from camber.train import Job, ProcessExecutor, run_jobs


def job_list(name: str, values: list[str]) -> list[Job]:
    """The jobs of one command."""
    if name == "mark":  # a few hundredths of a second each, by their seeds
        count = int(values[0])
        return [Job({"seconds": 0.01 + 0.03 * (n % 3)}, seed=n) for n in range(count)]
    key = "seconds" if name == "sleep" else "n"
    return [Job({key: float(value)}, seed=0) for value in values]


if __name__ == "__main__":
    directory, name, *values = sys.argv[1:]
    try:
        outcomes = run_jobs(
            getattr(functions, name), job_list(name, values), Path(directory), ProcessExecutor(2)
        )
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(any(outcome.status == "failed" for outcome in outcomes))
