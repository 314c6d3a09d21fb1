"""Durations include what the work started on a GPU."""

from __future__ import annotations

import time

import pytest
import torch

from gopro.common.timed import timed


@pytest.mark.parametrize(
    ("device", "waits"), [("cpu", []), ("cuda:1", ["cuda:1"]), ("mps", ["mps"])]
)
def test_the_device_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, device: str, waits: list[str]
) -> None:
    waited: list[str] = []

    def wait(where: object = "mps") -> None:
        waited.append(str(where))
        time.sleep(0.02)

    monkeypatch.setattr(torch.cuda, "synchronize", wait)
    monkeypatch.setattr(torch.mps, "synchronize", wait)
    result, seconds = timed(lambda: 3, torch.device(device))
    assert result == 3 and waited == waits
    assert seconds >= 0.02 * len(waits)
