"""Every notebook runs from its first cell to its last, in a kernel of its own, and soon."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient isn't installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat isn't installed")
pytest.importorskip("ipykernel", reason="ipykernel isn't installed")

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebook(path: Path, tmp_path: Path) -> None:
    made = nbformat.read(path, as_version=4)
    nbformat.validate(made)
    started = time.monotonic()
    client = nbclient.NotebookClient(
        made, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert time.monotonic() - started < 240
    kinds = [output for cell in made.cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in kinds)
    assert not list(tmp_path.iterdir()), "a notebook leaves nothing behind"
