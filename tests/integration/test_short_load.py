"""A few seconds of load on the served page and API, bad requests among the good ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.load import served

from load_mix import fitted, load
from tiny_run import write_photos

pytest.importorskip("gradio", reason="the extra `app` isn't installed")


def test_load(tmp_path: Path) -> None:
    model = fitted(tmp_path / "model", write_photos(tmp_path / "animals", side=64))
    with served(model, "--device", "cpu") as server:
        found = load(server, seconds=8, warm=2)
        assert server.process.poll() is None
    assert not found.api.failures, found.api.failures[:5]
    assert not found.wrong, found.wrong[:5]
    assert found.api.sent > 30 and found.asked > 3
