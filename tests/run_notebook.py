"""A notebook run from its first cell to its last, in a kernel of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient isn't installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat isn't installed")
pytest.importorskip("ipykernel", reason="ipykernel isn't installed")

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def run(path: Path, folder: Path, first: str = "") -> None:
    """Run a notebook in an empty folder, after a first cell that it doesn't have."""
    made = nbformat.read(path, as_version=4)
    nbformat.validate(made)
    made.cells.insert(0, nbformat.v4.new_code_cell(first))
    client = nbclient.NotebookClient(
        made, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    kinds = [output for cell in made.cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in kinds)
    assert not list(folder.iterdir()), "a notebook leaves nothing behind"
