"""Every block of Python on the page about scikit-learn runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import documented
from tiny_run import write_photos

PAGE = documented.ROOT / "docs" / "scikit-learn.md"


def test_the_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("pandas")
    folder = write_photos(tmp_path / "photographs", ["ant", "bee"], count=4)
    for path in folder.rglob("*.png"):
        Image.open(path).save(path.with_suffix(".jpg"))
    monkeypatch.chdir(tmp_path)
    found = [block for kind, block in documented.blocks(PAGE) if kind == "python"]
    assert len(found) == 2
    for block in found:
        exec(compile(block, str(PAGE), "exec"), {})
