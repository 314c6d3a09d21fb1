"""The pictures that the tests of views share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from view_helpers import picture


@pytest.fixture
def pictures() -> Tensor:
    """Six different pictures, [6, 3, 48, 48]."""
    return torch.stack([picture(seed=seed) for seed in range(6)])
