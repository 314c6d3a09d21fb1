"""A disk of a few kilobytes: an in-memory file system that can be resized."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_PAGE = 4096


@dataclass(frozen=True)
class Disk:
    """A mounted disk.

    Attributes:
        path: Its mount point.
    """

    path: Path

    def resize(self, size: int) -> None:
        """Set its size in bytes, rounded up to whole pages."""
        _mount("-o", f"remount,size={-(-size // _PAGE) * _PAGE}", str(self.path))

    def empty(self) -> None:
        """Delete everything on it."""
        for path in self.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def mounted(path: Path) -> Iterator[Disk]:
    """A disk mounted at a new folder; the test is skipped if mounting is not possible."""
    path.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk can't be mounted here: {error}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)


def used(folder: Path) -> int:
    """Bytes that the files of a folder need on such a disk."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(-(-path.stat().st_size // _PAGE) * _PAGE for path in files)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
