"""What ``gopro doctor`` finds, with the hub played by a server on this machine."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from gopro.cli import machine
from gopro.common import environment
from tiny_run import Cli


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Answer) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


def test_hub_that_answers(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", server)
    found = machine.hub(5.0)
    assert found.mark == "ok"
    assert "answers" in found.text


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://no host", "nonsense"])
def test_hub_that_does_not(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    found = machine.hub(2.0)
    assert found.mark == "note"
    assert "can't be reached" in found.text
    assert "mini" in found.why


def test_offline_by_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in machine.hub(1.0).text


def test_command(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "weights").write_bytes(b"x" * 2000)
    done = cli("doctor", "--offline", "--json")
    assert done.code == 0, done.err
    topics = {one["topic"]: one for one in json.loads(done.out)}
    assert topics["device"]["text"].endswith("by default")
    assert topics["weights"]["text"].startswith("2 kB")
    assert "0 bytes of at most" in topics["features"]["text"]
    assert topics["hub"]["text"] == "not asked"
    assert "torch" in topics["packages"]["text"]
    text = cli("doctor", "--offline").out
    assert "precision" in text
    assert "wanted more than 0" in cli("doctor", "--timeout", 0).line


def test_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "version_of", lambda name: None)
    found = list(machine.examine(ask_hub=False))
    assert any(one.mark == "missing" and one.topic == "packages" for one in found)
    assert any("pip install" in one.why for one in found if one.topic == "extra app")
