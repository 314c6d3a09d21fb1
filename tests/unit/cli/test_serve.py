"""``gopro serve``: what it prints before it serves."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from gopro.classifier.app import server, service
from gopro.cli import saved
from tiny_run import Cli


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", r"model is on http://127\.0\.0\.1:\d+ \(API: /api\); Ctrl-C stops it\n"),
        (
            "0.0.0.0",
            r"model is on http://127\.0\.0\.1:(\d+) \(API: /api\); on other machines, give "
            r"the name or address of this one and :\1; Ctrl-C stops it\n",
        ),
    ],
)
def test_the_address_can_be_opened(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, words: str
) -> None:
    for name in ("gradio", "uvicorn"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(saved, "load", lambda *_: None)
    monkeypatch.setattr(service, "Service", lambda _: None)
    monkeypatch.setattr(server, "application", lambda *_: None)
    monkeypatch.setattr(server, "serve", lambda *_: None)
    answer = cli("serve", tmp_path / "model", "--host", host, "--port", 0)
    assert answer.code == 0, answer.err
    assert re.fullmatch(words, answer.out)
