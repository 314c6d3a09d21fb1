"""The embedded model: there, small, quick to load, the same each time, and better than chance."""

from __future__ import annotations

import time
from pathlib import Path

import open_clip
import pytest
import torch

from gopro.backbones.mini import load as mini
from gopro.backbones.two_towers import TwoTowers
from gopro.common.errors import GoproError
from gopro.data.world import CLASS_NAMES, draw, scene


@pytest.fixture(scope="module")
def model() -> TwoTowers:
    return mini.load()


def test_weights_are_small_enough_for_the_wheel() -> None:
    assert mini.weights_path().stat().st_size <= 15_000_000


def test_loads_quickly_and_leaves_the_random_state_alone(model: TwoTowers) -> None:
    state = torch.get_rng_state()
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        again = mini.load()
        best = min(best, time.process_time() - started)
    assert torch.equal(state, torch.get_rng_state())
    assert best < 1.0
    for name, value in again.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name


def test_answers_as_an_open_clip_model_does(model: TwoTowers) -> None:
    assert not model.training
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    tokens = open_clip.SimpleTokenizer()(["a photo of a cat.", "zyzzyva"])
    with torch.no_grad():
        text = model.encode_text(tokens, normalize=True)
        image = model.encode_image(torch.zeros(1, 3, 64, 64), normalize=True)
    width = mini.config()["model_cfg"]["embed_dim"]
    assert text.shape == (2, width) and image.shape == (1, width)
    assert text.isfinite().all() and image.isfinite().all()
    assert tuple(model.visual.image_mean) == tuple(mini.config()["preprocess_cfg"]["mean"])


def test_unknown_words_get_different_rows(model: TwoTowers) -> None:
    rows = model.token_embedding.weight
    assert torch.unique(rows[:2000], dim=0).shape[0] == 2000


def test_card_names_every_set_it_was_measured_on() -> None:
    card = mini.card()
    assert card["name"] == "mini"
    assert set(card["zero_shot"]) >= {"world"}
    assert all(0 <= value <= 100 for value in card["zero_shot"].values())


def test_knows_the_world_better_than_chance(model: TwoTowers) -> None:
    from torchvision.transforms.functional import normalize, to_tensor

    labels = list(range(0, len(CLASS_NAMES), 2))
    preprocess = mini.config()["preprocess_cfg"]
    pictures = [draw(scene(label, "cartoon", seed=2, index=0), 64) for label in labels]
    batch = torch.stack(
        [normalize(to_tensor(p), preprocess["mean"], preprocess["std"]) for p in pictures]
    )
    tokens = open_clip.SimpleTokenizer()([f"a photo of a {name}." for name in CLASS_NAMES])
    with torch.no_grad():
        scores = model.encode_image(batch, True) @ model.encode_text(tokens, True).T
    right = (scores.argmax(-1) == torch.tensor(labels)).float().mean()
    assert right > 3 / len(CLASS_NAMES)


@pytest.mark.parametrize("content", [None, b"not a weights file"])
def test_bad_weights_are_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "mini.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(GoproError, match="mini's weights"):
        mini.load(file)
