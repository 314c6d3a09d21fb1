"""Every method that trains, 200 steps in half precision where the published codes overflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from gopro.methods import TABLE, find
from half_precision import assert_sound, train

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

TRAINED = [
    name
    for name in TABLE
    if find(name).recipe_for("ViT-B-16").epochs > 0 and not find(name).learns_from_features
]

# the tiny towers leave the adapter 4 hidden units by default, all of them dead in any precision
OPTIONS = {"clip_adapter": {"reduction": 1}}


@pytest.mark.parametrize("method", TRAINED)
def test_200_steps(tmp_path: Path, method: str) -> None:
    assert_sound(train(method, tmp_path, "fp16", **OPTIONS.get(method, {})))
