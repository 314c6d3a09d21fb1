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

# the tiny towers leave the adapter 4 hidden units by default, all of them dead in any precision;
# the stages of two_stage one by one, because the loss rises at the start of the second one
OPTIONS: dict[str, list[dict[str, float]]] = {
    "clip_adapter": [{"reduction": 1}],
    "two_stage": [{"share": 1.0}, {"share": 0.0}],
}


@pytest.mark.parametrize(
    ("method", "options"), [(name, each) for name in TRAINED for each in OPTIONS.get(name, [{}])]
)
def test_200_steps(tmp_path: Path, method: str, options: dict[str, float]) -> None:
    assert_sound(train(method, tmp_path, "fp16", **options))
