"""Killed without a word (SIGKILL), begun again, and bit for bit what it had been anyway."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from killed_work import caching, downloading, small_dtd
from killing import after, survives, while_written
from same_runs import assert_same
from tiny_run import Cli, register

pytestmark = pytest.mark.timeout(600)

EPOCHS = ["--epochs", "30"]
TESTS = Path(__file__).resolve().parents[1]
Start = Callable[[Path], "subprocess.Popen[bytes]"]


@pytest.fixture
def begin(tiny: list[str], photos: Path, tmp_path: Path) -> Start:
    """The real command line in a process of its own."""
    register(tmp_path)  # writes the architecture, which the process registers as well
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1));"
        "from killing import slow_disk; slow_disk(0.05);"
        "import open_clip; open_clip.add_model_config(sys.argv.pop(1));"
        "from gopro.results.pages import picture; picture.draw = lambda folder, datasets: folder;"
        "from gopro.cli.main import main; sys.exit(main())"
    )

    def start(out: Path) -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-c", code, str(TESTS), str(tmp_path / "tiny-test.json")),
            *("train", f"folder:{photos}", "base2new", *tiny, "--method", "coop", "--shots", "4"),
            *("--batch", "2", "--augment", "none", "--workers", "1", *EPOCHS, "--out", str(out)),
        ]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return start


@pytest.mark.parametrize(
    ("name", "number"), [("config.yaml", 1), ("checkpoint.safetensors", 7), ("results.json", 1)]
)
def test_training(train: Cli, begin: Start, tmp_path: Path, name: str, number: int) -> None:
    train(tmp_path / "whole", *EPOCHS)
    process = begin(tmp_path / "run")
    assert while_written(tmp_path / "run", name, number)(process)
    assert not (tmp_path / "run" / "done").exists()
    answer = train(tmp_path / "run", *EPOCHS, "--resume")
    assert answer.code == 0, answer.err
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_features(tmp_path: Path) -> None:
    work = caching(tmp_path / "whole", count=20)
    for number, part in enumerate((0.3, 0.7)):
        survives(work, tmp_path / str(number), after(part * work.seconds))


def test_downloads(tmp_path: Path) -> None:
    with small_dtd(tmp_path) as (pieces, counts):
        work = downloading(tmp_path / "whole", pieces, counts)
        for number in range(4):
            survives(work, tmp_path / str(number), after((number + 0.5) / 4 * work.seconds))
