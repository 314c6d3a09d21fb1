"""Which runs are averaged: those that differ by seed, and by settings without an effect."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gopro.common.errors import GoproError
from gopro.results.averages import over_seeds
from many_runs import make

SETTINGS: dict[str, Any] = {
    "dataset": "folder:/here/pets",
    "method": "coop",
    "pretrained": "/here/weights.pt",
    "targets": None,
    "seed": 1,
    "out": "runs/1",
    "root": None,
    "device": "cpu",
    "precision": "fp32",
    "epochs": 50,
    "lr": 0.002,
    "processes": 1,
    "views": {"crop_scale": [0.08, 1.0]},
    "coop": {"n_ctx": 4, "texts": "/here/texts.json"},
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pretrained": "openai"}, "pretrained (weights.pt, openai)"),
        ({"epochs": 5, "lr": 0.01}, "epochs (50, 5) and 1 more"),
        ({"views": {"crop_scale": [0.5, 1.0]}}, "views.crop_scale ([0.08, 1.0], [0.5, 1.0])"),
        ({"coop": {"n_ctx": 16}}, "coop.n_ctx (4, 16)"),
    ],
)
def test_runs_with_other_settings_are_no_average(
    seed: int, changes: dict[str, Any], told: str
) -> None:
    runs = [make(settings=SETTINGS), make(seed=seed, settings={**SETTINGS, **changes})]
    message = f"runs of coop on dtd, base2new differ in {told}; name only runs with the same"
    with pytest.raises(GoproError, match=re.escape(message)):
        over_seeds(runs)


def test_settings_without_an_effect_and_missing_ones_may_differ() -> None:
    elsewhere = {
        **SETTINGS,
        "dataset": "folder:/there/pets",
        "pretrained": "/there/weights.pt",
        "targets": "art",
        "seed": 2,
        "out": "runs/2",
        "root": "/there",
        "device": "cuda",
        "processes": 2,
        "precision": "bf16",
        "lr": 2e-3,
        "coop": {"n_ctx": 4.0, "texts": "/there/texts.json"},
    }
    older = {"epochs": 50, "coop": {}}
    runs = [make(settings=SETTINGS), make(seed=2, settings=elsewhere), make(seed=3, settings=older)]
    [row] = over_seeds([*runs, make(seed=4)])  # the last as from a CSV file
    assert row["seeds"] == [1, 2, 3, 4]


def test_epochs_may_depend_on_shots_and_data_set() -> None:
    runs = [
        make(dataset=name, shots=shots, settings={**SETTINGS, "epochs": epochs})
        for name, shots, epochs in (("dtd", 1, 100), ("dtd", 16, 5), ("rsscn7", 1, 70))
    ]
    assert len(over_seeds(runs)) == 3
