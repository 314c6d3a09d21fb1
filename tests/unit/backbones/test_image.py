"""The image tower: CLIP's own embedding, and statistics equal to those of captured tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.image import token_statistics
from gopro.common.errors import GoproError
from small_clips import RESNET, close, small_backbone, small_clip, tokenizer

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None]
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]


def pictures(count: int, side: int) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def plain_statistics(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """method.md's formulas, one image and one channel at a time, in float64."""
    tokens = tokens.double()
    means, stds = torch.empty(tokens.shape[::2]), torch.empty(tokens.shape[::2])
    for i, image in enumerate(tokens):
        for j, values in enumerate(image.T):
            mean = sum(values) / len(values)
            squares = sum((value - mean) ** 2 for value in values)
            means[i, j], stds[i, j] = mean, ((squares + 2.3e-8) / len(values)) ** 0.5
    return means, stds


@pytest.mark.parametrize("options", [{}, {"vision": RESNET}], ids=["vit", "resnet"])
def test_embedding_and_statistics(options: dict[str, Any]) -> None:
    model: Any = small_clip(**options).eval()
    vit = not options
    layers = (
        list(model.visual.transformer.resblocks)
        if vit
        else [model.visual.layer1, model.visual.layer2, model.visual.layer3, model.visual.layer4]
    )
    captured: list[Tensor] = []
    hooks = [layer.register_forward_hook(lambda *got: captured.append(got[2])) for layer in layers]
    side = 32 if vit else 64
    pixels = pictures(2, side)
    with torch.no_grad():
        wanted = model.encode_image((pixels - MEAN) / STD)
    for hook in hooks:
        hook.remove()
    tokens = [kept if vit else kept.flatten(2).transpose(1, 2) for kept in captured]
    backbone = Backbone(model, tokenizer(), name="small")
    found = backbone.encode_image(pixels)
    close(found.embedding, wanted, 1e-5)
    means, stds = zip(*(plain_statistics(kept) for kept in tokens), strict=True)
    close(found.mean, torch.cat(means, dim=1), 1e-5)
    close(found.std, torch.cat(stds, dim=1), 1e-5)
    assert backbone.vision_widths == tuple(kept.shape[2] for kept in tokens)
    assert backbone.image_size == side
    assert backbone.embed_dim == wanted.shape[1]


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_statistics_do_not_depend_on_the_other_images(
    monkeypatch: pytest.MonkeyPatch, count: int, channels_first: bool
) -> None:
    """Two images at a time or all at once, the bits are the same."""
    shape = (count, 8, 4, 4) if channels_first else (count, 16, 8)
    tokens = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    wanted = token_statistics(tokens, channels_first=channels_first)
    monkeypatch.setattr("gopro.backbones.image._IN_CACHE", 2 * 128)
    found = token_statistics(tokens, channels_first=channels_first)
    assert found[0].shape == (count, 8)
    assert all(map(torch.equal, found, wanted))


def test_statistics_of_equal_tokens_have_no_infinite_gradient() -> None:
    tokens = torch.ones(1, 4, 2, requires_grad=True)
    mean, std = token_statistics(tokens, channels_first=False)
    assert torch.equal(mean, torch.ones(1, 2))
    close(std, torch.full((1, 2), (2.3e-8 / 4) ** 0.5))
    (gradient,) = torch.autograd.grad(std.sum(), tokens)
    assert torch.equal(gradient, torch.zeros_like(tokens))


def test_nothing_is_trained_and_no_token_is_kept() -> None:
    backbone = small_backbone()
    found = backbone.encode_image(pictures(2, 32))
    assert not any(tensor.requires_grad for tensor in backbone.model.parameters())
    assert not backbone.model.training
    for tensor in (found.embedding, found.mean, found.std):
        assert not tensor.requires_grad
        assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    assert backbone.image_encoder._statistics.current is None


def test_other_uses_of_the_tower_and_failures_leave_nothing_behind() -> None:
    backbone = small_backbone()
    pixels = pictures(2, 32)
    wanted = backbone.encode_image(pixels)
    backbone.model.encode_image(pixels)
    with pytest.raises(RuntimeError):
        backbone.encode_image(pixels[:, :2])
    assert backbone.image_encoder._statistics.current is None
    assert torch.equal(backbone.encode_image(pixels).mean, wanted.mean)


def test_several_threads_at_once() -> None:
    backbone = small_backbone()
    batches = [pictures(count, 32) for count in (1, 2, 3, 4)] * 8
    wanted = {count: backbone.encode_image(pictures(count, 32)) for count in (1, 2, 3, 4)}
    with ThreadPoolExecutor(4) as pool:
        for pixels, found in zip(batches, pool.map(backbone.encode_image, batches), strict=True):
            close(found.mean, wanted[len(pixels)].mean, 1e-5)
            close(found.std, wanted[len(pixels)].std, 1e-5)


def test_the_models_own_normalisation_is_used() -> None:
    model: Any = small_clip().eval()
    model.visual.image_mean, model.visual.image_std = (0.5, 0.4, 0.3), (0.5, 0.25, 1.0)
    pixels = pictures(1, 32)
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.5, 0.4, 0.3), (0.5, 0.25, 1.0)))
    with torch.no_grad():
        wanted = model.encode_image((pixels - mean) / std)
    close(Backbone(model, tokenizer(), name="small").encode_image(pixels).embedding, wanted, 1e-5)


@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.05), ("fp16", 0.01)])
def test_half_precision_stays_close(precision: str, tolerance: float) -> None:
    backbone = small_backbone()
    pixels = pictures(2, 32)
    wanted = backbone.encode_image(pixels)
    found = backbone.to("cpu", precision).encode_image(pixels)
    for name in ("embedding", "mean", "std"):
        assert getattr(found, name).dtype == torch.float32
        close(getattr(found, name), getattr(wanted, name), tolerance)


@pytest.mark.parametrize("size", [(33, 32), (32, 48), (64, 64)])
def test_another_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(GoproError, match=f"{size[0]}.*small takes 32 x 32"):
        small_backbone().encode_image(torch.zeros(1, 3, *size))


def test_features_are_cut_and_joined() -> None:
    backbone = small_backbone()
    pixels = pictures(3, 32)
    features = backbone.encode_image(pixels)
    assert len(features) == 3
    joined = ImageFeatures.cat([features[:1], features[torch.tensor([1, 2])]])
    assert torch.equal(joined.embedding, features.embedding)
    assert torch.equal(joined.mean, features.mean)
    assert torch.equal(joined.std, features.std)
    assert torch.equal(features.to(torch.device("cpu")).std, features.std)


def test_other_image_towers_are_refused() -> None:
    plain = small_clip()
    plain.visual = nn.Identity()
    with pytest.raises(GoproError, match="image tower of odd is a Identity, which doesn't name"):
        Backbone(plain, tokenizer(), name="odd")
