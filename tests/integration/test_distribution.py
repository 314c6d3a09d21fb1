"""The wheel and the source archive hold everything, and the wheel works away from the sources."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]

_COMMANDS = """
import gopro
from gopro.cli.main import main

print(gopro.__file__)
main(["methods"])
main(["demo", "--help"])
"""


def _files(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder.parent).as_posix()
        for path in found
        if "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")))
    return Path(built)


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    assert wheel.name.startswith("gopro_clip-")
    names = zipfile.ZipFile(wheel).namelist()
    inside = {name for name in names if not name.partition("/")[0].endswith(".dist-info")}
    assert inside == _files(ROOT / "src" / "gopro")
    kinds = {Path(name).suffix for name in inside}
    assert {".py", ".yaml", ".safetensors", ".html", ".css", ".json"} <= kinds
    assert "gopro/py.typed" in inside


def test_the_installed_wheel_works_in_another_folder(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    assert _python(["-m", "gopro", "--version"], site, tmp_path).startswith("gopro-clip ")
    printed = _python(["-c", _COMMANDS], site, tmp_path)
    assert printed.startswith(str(site))
    assert "zeroshot" in printed and "--epochs" in printed


def _python(arguments: Iterable[str], site: Path, cwd: Path) -> str:
    env = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=cwd, env=env, check=True, capture_output=True, text=True
    ).stdout


def test_the_source_archive_holds_what_make_needs() -> None:
    files = {
        Path(one.relative_path).as_posix()
        for one in SdistBuilder(str(ROOT)).recurse_included_files()
    }
    assert {f"src/{name}" for name in _files(ROOT / "src" / "gopro")} <= files
    assert _files(ROOT / "tests") <= files
    for name in ("Makefile", "mkdocs.yml", "README.md", "LICENSE", "notebooks/own_pictures.ipynb"):
        assert name in files
