"""The Ray executor, on a real Ray that starts and ends with the test."""

import sys
import types
from pathlib import Path

import pytest
import train_job_functions as functions

from camber.errors import CamberError, MissingExtraError, RunError
from camber.train import Event, InlineExecutor, Job, RayExecutor, executor, run_jobs

pytest.importorskip("ray")


def _jobs(*numbers: int, **more: object) -> list[Job]:
    return [Job({"n": n, **more}, seed=0, label=f"n={n}") for n in numbers]


def test_a_ray_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # One Ray for all that needs one: it takes seconds to start.
    import ray

    events: list[Event] = []
    jobs = _jobs(1, 2, 3)
    pool = executor("ray", workers=2)
    outcomes = run_jobs(functions.many_fates, jobs, tmp_path, pool, events.append)
    assert [o.status for o in outcomes] == ["finished", "failed", "finished"]
    assert [o.result.get("square") for o in outcomes] == [1, None, 9]
    assert outcomes[1].error.startswith("the Ray worker of n=2 (seed 0) died twice: ")
    kinds = [(e.job.config["n"], e.kind) for e in events if e.kind in ("started", "retried")]
    assert sorted(kinds) == [
        (1, "retried"), (1, "started"), (1, "started"),
        (2, "retried"), (2, "started"), (2, "started"),
        (3, "started"),
    ]  # fmt: skip
    assert {e.fields["step"] for e in events if e.kind == "progress"} == {1}
    assert "working on 3" in (tmp_path / jobs[2].short / "log.txt").read_text()
    assert not ray.is_initialized()
    # Standard output is the result's; Ray says there that workers died, unless it is kept quiet.
    assert capfd.readouterr().out == ""
    assert isinstance(print, types.BuiltinFunctionType)  # Ray puts another in its place


@pytest.mark.slow
def test_a_ray_of_the_callers_own(tmp_path: Path) -> None:
    import ray

    ray.init("local", num_cpus=2, object_store_memory=100 * 2**20, include_dashboard=False)
    try:
        pool = RayExecutor()
        jobs = _jobs(1, 2)
        same = list(InlineExecutor().map(functions.square, jobs))
        found = {o.job: o for o in pool.map(functions.square, jobs)}  # without a directory
        assert [found[job].result["square"] for job in jobs] == [o.result["square"] for o in same]
        refused, _ = run_jobs(functions.refuse, jobs, tmp_path / "a", pool)
        assert (refused.status, refused.error) == ("failed", "one is not allowed: give two")
        mistaken, _ = run_jobs(functions.stumble, jobs, tmp_path / "b", pool)
        assert mistaken.error.startswith("ZeroDivisionError: a mistake (the traceback stands in ")
        with pytest.raises(CamberError, match=r"gpus_per_job is 64 and this Ray has .* GPUs"):
            list(RayExecutor(gpus_per_job=64).map(functions.square, jobs))
        _closing_stops(pool, tmp_path / "c")
        assert ray.is_initialized()  # it is not ours to end
    finally:
        ray.shutdown()


def _closing_stops(pool: RayExecutor, place: Path) -> None:
    job = Job({"seconds": 600}, seed=0)

    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(pool.map(functions.sleep, [job], directory=place, on_event=interrupt))
    # The one processor it held is free again: another job gets through.
    assert len(list(RayExecutor(threads=2).map(functions.square, _jobs(5)))) == 1


def test_no_ray_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("Could not find any running Ray instance.\nmore of it")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(RunError, match=r"there is no Ray at auto \(Could not find .* instance\.\)"):
        list(RayExecutor(address="auto").map(functions.square, _jobs(1)))
    with pytest.raises(RunError, match=r"Ray did not start on this machine \(Could not find"):
        list(RayExecutor().map(functions.square, _jobs(1)))


def test_refused_settings() -> None:
    for options, says in [
        ({"workers": 0}, "workers is 0: give at least 1"),
        ({"threads": 0}, "threads is 0: give at least 1"),
        ({"gpus_per_job": -1}, "gpus_per_job is -1: give a number, 0 or more"),
        ({"workers": 2, "address": "auto"}, "give one of the two"),
        ({"address": "ray://host:10001"}, "is one of Ray's client"),
        ({"adress": "auto"}, "has no option 'adress'.*did you mean 'address'"),
    ]:
        with pytest.raises(CamberError, match=says):
            executor("ray", **options)
    assert repr(executor("ray", workers=3)) == (
        "RayExecutor(workers=3, address=None, gpus_per_job=0, threads=1)"
    )
    with pytest.raises(CamberError, match="a worker process cannot import"):
        list(RayExecutor().map(lambda job, place: {}, _jobs(1)))
    assert list(RayExecutor().map(functions.square, [])) == []


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError) as caught:
        executor("ray")
    assert str(caught.value) == "executor('ray') needs ray: pip install 'camber[ray]'"
