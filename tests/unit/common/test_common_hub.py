"""Whether the hub answers is known soon, whatever the network does."""

from __future__ import annotations

import threading
import time
import urllib.request
from typing import Any

import pytest
from huggingface_hub import constants

from gopro.common.hub import problem


def test_an_address_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of ``urlopen`` holds for each address of a host, and not for looking them up."""
    release = threading.Event()

    def hang(*args: Any, **options: Any) -> None:
        release.wait(30)
        raise OSError("too late")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(urllib.request, "urlopen", hang)
    started = time.monotonic()
    assert problem(0.2) == "no answer within 0.2 s"
    assert time.monotonic() - started < 10
    release.set()


def test_an_address_that_refuses_and_the_clients_own_switch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    assert "refused" in problem()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert problem() == "$HF_HUB_OFFLINE is set"
