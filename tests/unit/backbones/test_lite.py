"""The embedded lite: exact against its own plain forward pass, its stages, training, bad input."""

from __future__ import annotations

from pathlib import Path

import open_clip
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gopro.backbones import Backbone, build
from gopro.backbones.image import token_statistics
from gopro.backbones.lite import load as lite
from gopro.backbones.lite import network
from gopro.common.errors import GoproError
from gopro.methods import find
from gopro.methods.base import Batch

NAMES = ("grand piano", "tennis ball", "dog")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return build("lite", device="cpu")


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def test_weights_are_small_enough_for_the_wheel() -> None:
    assert lite.weights_path().stat().st_size <= 13_000_000


def test_the_image_network_is_timms_with_the_weights_of_the_package(pixels: Tensor) -> None:
    plain = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    stored = torch.load(network.weights_path(), map_location="cpu", weights_only=True)
    plain.load_state_dict(dict(zip(plain.state_dict(), stored.values(), strict=True)))
    with torch.no_grad():
        expected, fused = plain(pixels), network.fused(network.network())(pixels)
    assert (fused - expected).abs().max() < 1e-4 * expected.abs().max()


def test_images_are_encoded_as_by_the_plain_forward_pass(
    backbone: Backbone, pixels: Tensor
) -> None:
    features = backbone.encode_image(pixels)
    with torch.no_grad():
        expected = backbone.model.encode_image((pixels - 0.5) / 0.5)
    assert torch.equal(features.embedding, expected)


def test_layer_statistics_are_those_of_the_seven_stages(backbone: Backbone, pixels: Tensor) -> None:
    visual = backbone.model.visual
    maps: list[Tensor] = []
    hooks = [stage.register_forward_hook(lambda *to: maps.append(to[2])) for stage in visual.stages]
    features = backbone.encode_image(pixels)
    for hook in hooks:
        hook.remove()
    assert backbone.vision_widths == tuple(one.shape[1] for one in maps)
    assert len(maps) == 7
    pairs = [token_statistics(one, channels_first=True) for one in maps]
    assert torch.equal(features.mean, torch.cat([mean for mean, _ in pairs], dim=1))
    assert torch.equal(features.std, torch.cat([std for _, std in pairs], dim=1))


def test_texts_are_encoded_as_by_the_plain_forward_pass(backbone: Backbone) -> None:
    tokens = open_clip.SimpleTokenizer()([f"a photo of a {name}." for name in NAMES])
    with torch.no_grad():
        expected = backbone.model.encode_text(tokens)
    assert (backbone.encode_class_names(NAMES) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("method", ["coop", "cocoop", "gopro", "tip_adapter", "prolip", "stylip"])
def test_a_training_step(backbone: Backbone, pixels: Tensor, method: str) -> None:
    kind = find(method)
    torch.manual_seed(0)
    learner = kind(backbone, NAMES, kind.Settings())
    labels = torch.arange(3)
    if learner.learns_from_features:
        learner.prepare(learner.encode_image(pixels), labels)
    loss = learner.total_loss(learner.loss(Batch(labels, dict.fromkeys(learner.views, pixels))))
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for p in learner.parameters() if p.grad is not None]
    assert gradients and all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.abs().max() > 0 for gradient in gradients)


@pytest.mark.parametrize(
    "method", ["vpt", "maple", "promptsrc", "coprompt", "mmrl", "mma", "promptkd", "clip_lora"]
)
def test_methods_that_need_transformer_blocks(backbone: Backbone, method: str) -> None:
    kind = find(method)
    with pytest.raises(GoproError, match="lite has no transformer blocks; choose a backbone"):
        kind(backbone, NAMES, kind.Settings())


def test_other_weights_are_refused() -> None:
    with pytest.raises(GoproError, match="lite contains its own weights and got --pretrained x"):
        build("lite", "x")


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "PACKAGE", "no_such_package")
    with pytest.raises(GoproError, match="lite needs the package no-such-package; install it"):
        network.weights_path()


def test_another_file_in_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save({"weight": torch.ones(1)}, other)
    monkeypatch.setattr(network, "weights_path", lambda: other)
    with pytest.raises(GoproError, match="is not the file that lite was trained with"):
        network.network()
    other.unlink()
    with pytest.raises(GoproError, match=r"can't read .*, which lite needs \(No such file"):
        network.network()


def test_damaged_weights(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match="lite's weights are missing"):
        lite.load(tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(lite.weights_path().read_bytes()[:-100])
    with pytest.raises(GoproError, match="can't be used"):
        lite.load(cut)
    stored = load_file(lite.weights_path())
    stored["text_projection"] = stored["text_projection"][:, :-1].contiguous()
    save_file(stored, tmp_path / "narrow.safetensors")
    with pytest.raises(GoproError, match="can't be used"):
        lite.load(tmp_path / "narrow.safetensors")


def test_the_random_state_is_left_alone() -> None:
    state = torch.get_rng_state()
    model: nn.Module = lite.load()
    assert torch.equal(state, torch.get_rng_state())
    assert not model.training
