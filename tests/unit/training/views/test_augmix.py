"""The AugMix view: its operations beside PIL's own, and the way it mixes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor
from view_helpers import picture

from gopro.training.config import ViewSettings
from gopro.training.views import augmix
from gopro.training.views.augmix import AFFINE, OPERATIONS, TONE, make_augmix
from gopro.training.views.draws import Draws
from gopro.training.views.geometry import resample

DEFAULT = ViewSettings()
LEVELS = [0.1, 0.4, 1.0, 2.5, 6.0, 9.0]
PIL_TONE: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "autocontrast": lambda image, level: ImageOps.autocontrast(image),
    "equalize": lambda image, level: ImageOps.equalize(image),
    "posterize": lambda image, level: ImageOps.posterize(image, 4 - int(level * 4 / 10)),
    "solarize": lambda image, level: ImageOps.solarize(image, 256 - int(level * 256 / 10)),
}
PIL_AFFINE: dict[str, Callable[[float, int, int], tuple[float, ...]]] = {
    "shear_x": lambda level, width, height: (1, level * 0.03, 0, 0, 1, 0),
    "shear_y": lambda level, width, height: (1, 0, 0, level * 0.03, 1, 0),
    "translate_x": lambda level, width, height: (1, 0, level * width / 30, 0, 1, 0),
    "translate_y": lambda level, width, height: (1, 0, 0, 0, 1, level * height / 30),
}


def to_pil(image: Tensor) -> Image.Image:
    return Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy())


def from_pil(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def test_the_operations_are_augmix_s() -> None:
    assert sorted(OPERATIONS) == [
        "autocontrast",
        "equalize",
        "posterize",
        "rotate",
        "shear_x",
        "shear_y",
        "solarize",
        "translate_x",
        "translate_y",
    ]


@pytest.mark.parametrize("name", TONE)
def test_tone_operations_agree_with_pil(name: str, pictures: Tensor) -> None:
    ours = TONE[name]((pictures * 255).round().byte(), torch.tensor(LEVELS))
    assert ours.dtype == torch.uint8
    for image, level, result in zip(pictures, LEVELS, ours, strict=True):
        theirs = from_pil(PIL_TONE[name](to_pil(image), level))
        # exact, but for autocontrast's table, which PIL computes with other rounding
        tolerance = 1 if name == "autocontrast" else 0
        assert (result.int() - theirs.int()).abs().max() <= tolerance


@pytest.mark.parametrize("name", TONE)
def test_tone_operations_on_even_images_agree_with_pil(name: str) -> None:
    images = torch.tensor([0, 90, 255], dtype=torch.uint8)[:, None, None, None].expand(3, 3, 8, 8)
    ours = TONE[name](images, torch.full((3,), 1.0))
    for image, result in zip(images, ours, strict=True):
        assert torch.equal(result, from_pil(PIL_TONE[name](to_pil(image / 255), 1.0)))


def test_posterize_keeps_a_bit_at_the_highest_level() -> None:
    image = torch.arange(256, dtype=torch.uint8).expand(1, 3, 1, 256)
    assert TONE["posterize"](image, torch.tensor([10.0])).unique().tolist() == [0, 128]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("name", AFFINE)
def test_affine_operations_agree_with_pil(name: str, sign: int) -> None:
    image = picture(40, width=56)
    level = sign * 2.0
    ours = resample(image[None], AFFINE[name](np.array([level]), 56, 40), "zeros")[0]
    for channel in range(3):
        pil = Image.fromarray(image[channel].numpy(), mode="F")
        if name == "rotate":
            theirs = pil.rotate(3 * level, Image.Resampling.BILINEAR)
        else:
            matrix = PIL_AFFINE[name](level, 56, 40)
            theirs = pil.transform(
                pil.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
            )
        # all but the frame that the operation may move in from outside
        difference = np.abs(ours[channel].numpy() - np.asarray(theirs))[5:-5, 5:-5]
        assert difference.max() < 1e-3
        moved = np.abs(ours[channel].numpy() - image[channel].numpy())[5:-5, 5:-5]
        assert moved.max() > 0.05


def augmix_view(images: Tensor, seed: int, settings: ViewSettings = DEFAULT) -> Tensor:
    return make_augmix(images, Draws(seed, range(len(images)), 2), settings)


def identity_tone(images: Tensor, levels: Tensor) -> Tensor:
    return images


def identity_affine(levels: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.tile(np.eye(2, 3), (len(levels), 1, 1))


def test_mixing_identities_gives_the_image(
    pictures: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in TONE:
        monkeypatch.setitem(TONE, name, identity_tone)
    for name in AFFINE:
        monkeypatch.setitem(AFFINE, name, identity_affine)
    # tone operations round to 8 bits
    torch.testing.assert_close(augmix_view(pictures, 0), pictures, rtol=0, atol=0.51 / 255)


def test_a_literal_loop_gives_the_same_view(pictures: Tensor) -> None:
    """One image, chain and operation at a time, with the numbers drawn in the same order."""
    settings = replace(DEFAULT, augmix_severity=3.0)
    draws = Draws(4, range(6), 2)
    images = pictures
    weights, share, lengths = draws.simplex(3), draws.uniform(), draws.integer(1, 3, (3,))
    kinds = draws.integer(0, 8, (3, 3))
    levels, signs = draws.uniform(0.1, 3.0, (3, 3)), draws.uniform(-1, 1, (3, 3))
    wanted = torch.empty_like(images)
    for i, image in enumerate(images):
        mixed = torch.zeros_like(image)
        for k in range(3):
            chain = image
            for step in range(lengths[i, k]):
                name, level = OPERATIONS[kinds[i, k, step]], levels[i, k, step]
                if name in TONE:
                    eight_bit = (chain * 255).round().byte()
                    chain = TONE[name](eight_bit[None], torch.tensor([level]).float())[0] / 255
                else:
                    signed = np.array([level * np.sign(signs[i, k, step])])
                    chain = resample(chain[None], AFFINE[name](signed, 48, 48), "zeros")[0]
            mixed += weights[i, k] * chain
        wanted[i] = (1 - share[i]) * image + share[i] * mixed
    torch.testing.assert_close(augmix_view(pictures, 4, settings), wanted, rtol=0, atol=1e-5)


def test_every_operation_depth_and_sign_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = dict.fromkeys(OPERATIONS, 0)
    signs: list[float] = []
    depths: list[int] = []

    def counted_tone(name: str) -> Callable[[Tensor, Tensor], Tensor]:
        def operation(images: Tensor, levels: Tensor) -> Tensor:
            assert levels.min() >= 0.1
            assert levels.max() <= 1
            counts[name] += len(levels)
            return images

        return operation

    def counted_affine(name: str) -> Callable[[np.ndarray, int, int], np.ndarray]:
        def operation(levels: np.ndarray, width: int, height: int) -> np.ndarray:
            assert np.all((np.abs(levels) >= 0.1) & (np.abs(levels) <= 1))
            counts[name] += len(levels)
            signs.extend(np.sign(levels))
            return identity_affine(levels, width, height)

        return operation

    apply = augmix._apply

    def counted_apply(chains: Tensor, kind: np.ndarray, *rest: np.ndarray) -> None:
        depths.append(int((kind >= 0).sum()))
        apply(chains, kind, *rest)

    for name in TONE:
        monkeypatch.setitem(TONE, name, counted_tone(name))
    for name in AFFINE:
        monkeypatch.setitem(AFFINE, name, counted_affine(name))
    monkeypatch.setattr(augmix, "_apply", counted_apply)
    augmix_view(torch.rand(500, 3, 4, 4), 0)
    total = sum(counts.values())
    assert total / 1500 == pytest.approx(2, abs=0.07)
    shares = np.array(list(counts.values())) / total
    assert shares == pytest.approx([1 / 9] * 9, abs=0.025)
    assert np.mean(signs) == pytest.approx(0, abs=0.08)
    assert np.array(depths) / 1500 == pytest.approx([1, 2 / 3, 1 / 3], abs=0.05)


def test_severity_changes_the_strength(pictures: Tensor) -> None:
    images = pictures.repeat(4, 1, 1, 1)
    distances = [
        (augmix_view(images, 0, replace(DEFAULT, augmix_severity=severity)) - images).abs().mean()
        for severity in (0.1, 1.0, 5.0, 10.0)
    ]
    assert distances == sorted(distances)
