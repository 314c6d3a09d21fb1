"""One job of a sweep: finished, failed, broken, left half-written, held by another process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from gopro.methods.coop import CoOpSettings
from gopro.results import results_json
from gopro.runs import run
from gopro.runs.sweep import work
from gopro.runs.sweep.grid import Job
from gopro.runs.sweep.work import Outcome, do, log_of
from gopro.training.config import TrainSettings
from gopro.training.trainer import Interrupted


@pytest.fixture
def job(tmp_path: Path, tiny: list[str], photos: Path) -> Job:
    settings = TrainSettings(
        dataset=f"folder:{photos}",
        method="coop",
        backbone=tiny[1],
        pretrained=tiny[3],
        device="cpu",
        shots=2,
        epochs=1,
        batch=2,
        augment="none",
        resume=True,
        out=tmp_path / "runs" / "abc",
    )
    return Job(settings, CoOpSettings())


def test_a_job_is_done_once(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert do(job, threads=1) == work.Outcome("abc", "done")
    assert results_json.read(job.folder)["method"] == "coop"
    assert job.done
    assert not log_of(job).exists()  # it had nothing to say
    monkeypatch.setattr(run, "train", _broken)
    assert do(job).state == "done"


def test_halves_of_files_are_no_other_things(job: Job) -> None:
    job.folder.mkdir(parents=True)
    (job.folder / ".config.yaml.x1y2.tmp").write_text("data")
    assert do(job).state == "done"
    assert not list(job.folder.glob(".*"))


def test_a_mistake_is_a_line(job: Job) -> None:
    broken = Job(replace(job.settings, shots=1000), job.options)
    outcome = do(broken)
    assert outcome.state == "failed" and "1000" in outcome.cause and "\n" not in outcome.cause
    assert not job.folder.exists()


def test_what_nobody_expected_is_kept_in_the_log(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "train", _broken)
    outcome = do(job)
    assert outcome.state == "failed"
    assert outcome.cause.startswith("ZeroDivisionError: first line (more in ")
    assert "Traceback" in log_of(job).read_text() and "said before" in log_of(job).read_text()


@pytest.mark.parametrize("stop", [Interrupted, KeyboardInterrupt])
def test_stopped(job: Job, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]) -> None:
    def train(*_: Any, **__: Any) -> None:
        raise stop

    monkeypatch.setattr(run, "train", train)
    assert do(job).state == "stopped"


def test_a_job_that_another_process_holds(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_PATIENCE", 0.05)
    locks = job.folder.parent / ".locks"
    locks.mkdir(parents=True)
    with FileLock(locks / "abc"):
        assert "another process is running" in do(job).cause
    assert do(job).state == "done"


def test_a_place_that_cannot_be_written(job: Job, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    blocked = Job(replace(job.settings, out=tmp_path / "file" / "abc"), job.options)
    assert "can't write" in do(blocked).cause


def test_a_log_that_cannot_be_ended(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full: the end of the log is lost, not what became of the job."""
    log_of(job).parent.mkdir(parents=True)
    log_of(job).symlink_to("/dev/full")
    monkeypatch.setattr(run, "train", lambda *_, **__: print("said"))
    assert do(job) == Outcome(job.key, "done")


def test_an_error_of_the_system_is_the_jobs_own(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "train", train)
    assert do(job).cause.startswith("OSError: [Errno 28] No space left on device (more in ")


def _broken(*_: Any, **__: Any) -> None:
    print("said before")
    raise ZeroDivisionError("first line\nsecond")
