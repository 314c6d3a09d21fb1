"""The environment that a result was computed in."""

from __future__ import annotations

import torch

from gopro.common import environment


def test_describe() -> None:
    described = environment.describe(torch.device("cpu"))
    assert described["device"].startswith("cpu (")
    assert described["torch"] == torch.__version__.partition("+")[0] or described["torch"]
    assert all(isinstance(value, str) and value for value in described.values())
    assert environment.version_of("no-such-package-here") is None
