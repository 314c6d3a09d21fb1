"""A sweep of real processes: killed, stopped and started again, it ends with the same numbers."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from filelock import FileLock

from gopro.cli.main import main
from small_sweep import JOBS, command, finish, numbers, start
from tiny_run import write_photos

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="signals as on Linux and macOS"),
    pytest.mark.timeout(900),  # a dozen starts of the program, on a machine that may be busy
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("sweep") / "animals")


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep as it ends when nothing comes between."""
    out = tmp_path_factory.mktemp("whole") / "runs"
    finish(pictures, out, "--parallel", "2")
    return out


@pytest.mark.parametrize("number", range(2))
def test_killed_at_a_random_moment(
    whole: Path, pictures: Path, tmp_path: Path, number: int
) -> None:
    out = tmp_path / "runs"
    process = start(pictures, out, "--parallel", "2")
    while not list(out.glob("*/config.yaml")) and process.poll() is None:
        time.sleep(0.01)
    time.sleep(random.Random(number).uniform(0, 2))
    process.kill()
    process.communicate()
    finish(pictures, out)
    assert len(numbers(out)) == JOBS
    assert numbers(out) == numbers(whole)


def test_ctrl_c(whole: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    process = start(pictures, out, start_new_session=True)
    while not list(out.glob("*/config.yaml")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
    _, error = process.communicate(timeout=600)
    if process.returncode != 0:  # it may have been through by then
        assert process.returncode == 130, error
        assert f"of {JOBS} jobs done; the same command continues" in error
        assert "Traceback" not in error
    finish(pictures, out)
    assert numbers(out) == numbers(whole)


def test_a_second_sweep_on_the_folder_is_refused(
    whole: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FileLock(whole / ".locks" / "sweep"):
        assert main(command(pictures, whole)) == 2
    assert capsys.readouterr().err == (
        f"gopro: another sweep is running in {whole}; wait for it to end, or choose another --out\n"
    )


def test_a_failing_job_does_not_stop_the_rest(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        [
            *("bench", "--methods", "zeroshot", "--seeds", "1", "--shots", "2,9"),
            *("--backbone", "mini"),
            *("--datasets", f"folder:{pictures},dtd", "--root", str(tmp_path)),
            *("--out", str(tmp_path / "runs"), "--device", "cpu"),
        ]
    )
    out, error = capsys.readouterr()
    assert code == 2
    assert "1 of 4 jobs done" in out
    assert out.count("  failed: ") == 3 and "no folder" in out
    assert error.startswith("gopro: 3 of 4 jobs failed, the first (zeroshot, ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "zero"], "there is no method 'zero'; did you mean zeroshot?"),
        (["--datasets", "wold"], "unknown data set 'wold'; did you mean world?"),
        (["--tasks", "fewshot"], "unknown task 'fewshot'; did you mean few-shot?"),
        (["--seeds", "1,x"], "got --seeds x; wanted whole numbers"),
        (["--shots", ","], "got empty --shots"),
        (["--parallel", "0"], "got --parallel 0; it must be 1 or more"),
        (["--cluster", "here"], "got --cluster here; wanted host:port"),
        (["--cluster", "127.0.0.1:9"], "no Ray cluster answers at 127.0.0.1:9"),
        (["--gpus_per_job", "-1"], "got --gpus_per_job -1"),
        (["--shots", "0"], "got --shots 0"),
    ],
)
def test_slips(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    usual = {"--methods": "zeroshot", "--datasets": "world", "--out": str(tmp_path / "runs")}
    usual |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert main(["bench", *(word for pair in usual.items() for word in pair)]) == 2
    error = capsys.readouterr().err
    if "Ray" in message or "--cluster" in message:
        pytest.importorskip("ray", reason="the extra `cluster` isn't installed")
    assert message in error and error.count("\n") == 1
