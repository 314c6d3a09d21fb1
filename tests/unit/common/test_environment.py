"""What a result was made with."""

from __future__ import annotations

import torch

from gopro.common import environment


def test_describe() -> None:
    found = environment.describe(torch.device("cpu"))
    assert found["device"].startswith("cpu (")
    assert found["torch"] == torch.__version__.partition("+")[0] or found["torch"]
    assert all(isinstance(value, str) and value for value in found.values())
    assert environment.version_of("no-such-package-here") is None
