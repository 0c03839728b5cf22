"""Run a study: jobs, findings, and the directory that keeps both."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from camber.errors import RunError
from camber.train.atomic import write_text
from camber.train.executors import Executor
from camber.train.job import Event, EventSink
from camber.train.job_runner import already_there, run_jobs
from camber.train.lock import locked
from camber.train.machine import environment
from camber.train.plain_json import plain_dict
from camber.train.run_directory import RunDirectory
from camber.train.study_definition import Study, study
from camber.train.study_report import study_html
from camber.train.study_result import StudyResult


def run_study(
    which: str | Study[Any],
    size: str = "smoke",
    directory: Path | str | None = None,
    executor: Executor | None = None,
    on_event: EventSink | None = None,
    on_start: Callable[[str], None] | None = None,
) -> StudyResult:
    """Run a study at one size, or take up where it was, and return what it came to.

    The directory holds ``study.toml``, one directory per job under ``jobs/``, ``metrics.jsonl``
    (one line per finished job), ``result.json`` and ``report.html``. Jobs whose outcome stands
    are not run again; the conclusion is always drawn anew from the outcomes.

    Args:
        which: a registered name, or the study itself.
        size: "tiny", "smoke" or "full".
        directory: default ``runs/studies/<name>/<size>``.
        executor: where jobs run; default: one worker process per processor.
        on_event: is told of every :class:`~camber.train.job.Event`.
        on_start: is told once, in a sentence, what is about to run, where, and what stands there.

    Raises:
        UnknownNameError: no such study or size.
        RunError: the directory belongs to another configuration, is in use, damaged or cannot be
            written; or jobs failed (the first is named, the others' outcomes stand).
    """
    chosen = study(which) if isinstance(which, str) else which
    config = chosen.config(size)
    place = Path("runs", "studies", chosen.name, size) if directory is None else Path(directory)
    settings = plain_dict(config, where="the configuration of a study")
    with locked(place):
        return _run(chosen, config, size, settings, place, executor, on_event, on_start)


def _run(
    chosen: Study[Any],
    config: object,
    size: str,
    settings: dict[str, object],
    place: Path,
    executor: Executor | None,
    on_event: EventSink | None,
    on_start: Callable[[str], None] | None,
) -> StudyResult:
    run = RunDirectory(place, {"study": chosen.name, "size": size, **settings})
    logged = {record.get("job") for record in run.metrics()}

    def tell(event: Event) -> None:
        if event.kind in ("stands", "finished") and event.job.short not in logged:
            numbers = {k: v for k, v in event.fields.items() if isinstance(v, int | float | str)}
            run.append({"job": event.job.short, "label": event.job.label, **numbers})
        if on_event is not None:
            on_event(event)

    jobs = chosen.jobs(config)
    if on_start is not None:
        on_start(
            f"{len(jobs)} jobs of the study {chosen.name} ({size}), "
            f"kept in {place}{already_there(jobs, place / 'jobs')}"
        )
    outcomes = run_jobs(chosen.work, jobs, place / "jobs", executor, tell) if jobs else []
    if failed := [outcome for outcome in outcomes if outcome.status == "failed"]:
        raise RunError(
            f"{len(failed)} of {len(outcomes)} jobs of the study {chosen.name} failed; "
            f"{failed[0].job.title}: {failed[0].error}. "
            "The finished ones stand: correct the cause and run the same command again"
        )
    findings = chosen.conclude(config, outcomes)
    earlier = run.result() or {}
    where = earlier.get("environment")
    result = StudyResult(
        study=chosen.name,
        title=chosen.title,
        source=chosen.source,
        size=size,
        config=settings,
        claims=findings.claims,
        tables=findings.tables,
        notes=findings.notes,
        # of the machine that ran the jobs, not of the one that reads them again
        environment=where if isinstance(where, dict) else environment(),
        seconds=sum(outcome.seconds for outcome in outcomes),
    )
    run.write_result(result.to_dict())
    write_text(place / "report.html", study_html(result))
    return replace(result, directory=place)
