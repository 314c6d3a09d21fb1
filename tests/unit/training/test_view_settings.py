"""Settings of the views: defaults as published, nonsense refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from gopro.common.errors import GoproError
from gopro.training.config import ViewSettings


def test_defaults_are_the_published_numbers() -> None:
    settings = ViewSettings()
    assert settings.crop_scale == settings.moco_scale == (0.08, 1.0)
    assert settings.moco_jitter == (0.4, 0.4, 0.2, 0.1)
    assert (settings.moco_jitter_probability, settings.moco_grey_probability) == (0.8, 0.2)
    assert settings.moco_blur_sigma == (0.1, 2.0)
    assert (settings.augmix_chains, settings.augmix_depth, settings.augmix_severity) == (3, 3, 1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crop_scale", (0.0, 1.0)),
        ("moco_scale", (0.5, 0.4)),
        ("augmix_scale", (0.5, 1.1)),
        ("crop_scale", (float("nan"), 1.0)),
        ("moco_jitter", (0.4, 0.4, 1.2, 0.1)),
        ("moco_jitter", (0.4, 0.4, 0.2, 0.6)),
        ("moco_jitter", (-0.1, 0.4, 0.2, 0.1)),
        ("moco_jitter_probability", 1.5),
        ("moco_grey_probability", -0.1),
        ("moco_blur_probability", float("nan")),
        ("moco_blur_sigma", (0.0, 2.0)),
        ("moco_blur_sigma", (2.0, 1.0)),
        ("augmix_severity", 0.0),
        ("augmix_severity", 11.0),
        ("augmix_chains", 0),
        ("augmix_depth", 0),
    ],
)
def test_nonsense_is_refused_in_one_line(name: str, value: Any) -> None:
    with pytest.raises(GoproError) as error:
        ViewSettings(**{name: value})
    message = str(error.value)
    assert message.startswith(f"{name} is ")
    assert "\n" not in message
