"""Lock files: one holder at a time, in one process or in several."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from filelock import FileLock

from gopro.common.errors import GoproError
from gopro.common.locks import locked


def test_another_holder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    with locked(path, "busy"):
        assert path.exists()
        with pytest.raises(TimeoutError):
            FileLock(path, timeout=0).acquire()
    assert not path.exists()
    path.touch()  # left by a killed process
    with FileLock(path), pytest.raises(GoproError, match=r"^busy$"), locked(path, "busy"):
        raise AssertionError


def test_one_thread_may_hold_it_several_times(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, "busy"):
        with locked(path, "busy"):
            pass
        with pytest.raises(TimeoutError):
            FileLock(path, timeout=0).acquire()
    with FileLock(path, timeout=0):
        pass


def test_it_ends_with_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock", "busy"):
        raise ZeroDivisionError
    with locked(tmp_path / "lock", "busy"):
        pass


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "lock"
    refused = pytest.raises(GoproError, match=r"can't write .*file is a file, not a folder")
    with refused, locked(path, "busy"):
        raise AssertionError


def _add(path: Path, times: int) -> None:
    for _ in range(times):
        with locked(path / "lock", "busy", patience=60):
            total = int((path / "total").read_text())
            (path / "total").write_text(str(total + 1))


def test_who_waits_gets_it_alone(tmp_path: Path) -> None:
    (tmp_path / "total").write_text("0")
    context = multiprocessing.get_context("forkserver")
    adding = [context.Process(target=_add, args=(tmp_path, 40)) for _ in range(3)]
    for process in adding:
        process.start()
    for process in adding:
        process.join()
    assert (tmp_path / "total").read_text() == "120"
