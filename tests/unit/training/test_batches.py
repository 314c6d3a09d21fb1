"""A step's images: live views, what is encoded once, and cached views against live ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from counted_pictures import Counted
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures, feature_cache
from gopro.backbones.image import to_unit
from gopro.common.errors import GoproError
from gopro.methods.base import Batch
from gopro.methods.gopro import GOPro, GOProSettings
from gopro.methods.linear_adapter import LinearAdapter, LinearAdapterSettings
from gopro.methods.prolip import ProLIP
from gopro.training import batches
from gopro.training.batches import Augment, CachedViews, LiveViews, draw_seed
from gopro.training.trainingset import TrainingSet
from gopro.training.views import ViewSettings, make_views
from small_clips import close, small_backbone

NAMES = ["ant", "bee", "cat"]
SEED = 3
LABELS = torch.tensor([0, 1, 2, 0, 1])


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_backbone()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def method(backbone: Backbone) -> GOPro:
    torch.manual_seed(0)
    return GOPro(backbone, NAMES, GOProSettings())


@pytest.fixture
def pixels() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (5, 3, 32, 32), generator=generator, dtype=torch.uint8)


def cached(method: GOPro, pixels: Tensor, copies: int = 2, **options: object) -> CachedViews:
    given = {"settings": ViewSettings(), "augment": "none", "seed": SEED} | options
    data = TrainingSet(pixels, LABELS)
    return CachedViews(method, data, copies=copies, **given)  # type: ignore[arg-type]


def live(method: GOPro, pixels: Tensor, augment: Augment = "none") -> LiveViews:
    return LiveViews(method, TrainingSet(pixels, LABELS), ViewSettings(), augment, SEED)


def step(source: LiveViews, chosen: Tensor, epoch: int) -> Batch:
    (batch,) = source.batches([chosen], epoch)
    return batch


def test_live_views_are_those_of_the_epoch(method: GOPro, pixels: Tensor) -> None:
    chosen = torch.tensor([4, 1])
    batch = step(live(method, pixels), chosen, 5)
    pictures = [pixels[index].permute(1, 2, 0).numpy() for index in (4, 1)]
    wanted = make_views(pictures, ("moco", "augmix"), draw_seed(SEED, 5), keys=[4, 1], size=32)
    assert list(batch.images) == ["moco", "augmix"]
    for name, view in wanted.items():
        assert torch.equal(batch.images[name], view)
    assert torch.equal(batch.labels, torch.tensor([1, 1]))


def test_an_image_that_is_not_augmented_is_encoded_once(method: GOPro, pixels: Tensor) -> None:
    chosen = torch.tensor([3, 0])
    once = step(live(method, pixels), chosen, 0)
    assert list(once.features) == ["x"]
    views = {"x": to_unit(pixels[chosen], torch.device("cpu")), **once.images}
    every = {name: method.encode_image(view) for name, view in views.items()}
    for name, found in method.encode(once).items():
        close(found.embedding, every[name].embedding)
        close(found.mean, every[name].mean)
        close(found.std, every[name].std)


def test_an_augmented_image_is_encoded_every_time(method: GOPro, pixels: Tensor) -> None:
    batch = step(live(method, pixels, "crop-flip"), torch.tensor([0]), 0)
    assert not batch.features and list(batch.images) == ["x", "moco", "augmix"]


@pytest.mark.parametrize("augment", ["none", "crop-flip"])
def test_cached_views_are_live_views_of_the_first_epochs(
    method: GOPro, pixels: Tensor, folder: Path, augment: Augment
) -> None:
    source = cached(method, pixels, copies=2, augment=augment)
    views = live(method, pixels, augment)
    seen = set()
    for epoch in range(6):
        for place in range(5):
            chosen = torch.tensor([place])
            found = step(source, chosen, epoch)
            assert not found.images
            matches = [
                copy
                for copy in range(2)
                if all(
                    torch.allclose(found.features[name].mean, wanted.mean, atol=2e-3, rtol=1e-3)
                    for name, wanted in method.encode(step(views, chosen, copy)).items()
                )
            ]
            assert len(matches) == 1
            seen.add((place, matches[0]))
    assert len(seen) == 10  # every image shows both of its copies


def test_losses_and_gradients_are_those_of_live_views_to_half_precision(
    method: GOPro, pixels: Tensor, folder: Path
) -> None:
    chosen = torch.arange(5)
    once = step(cached(method, pixels, copies=1), chosen, 4)
    found, wanted = method.loss(once), method.loss(step(live(method, pixels), chosen, 0))
    parameters = [p for p in method.parameters() if p.requires_grad]
    for name in wanted:
        close(found[name], wanted[name], 2e-3)
    ours = torch.autograd.grad(method.total_loss(found), parameters, allow_unused=True)
    theirs = torch.autograd.grad(method.total_loss(wanted), parameters, allow_unused=True)
    scale = max(part.abs().max().item() for part in theirs if part is not None)
    for one, other in zip(ours, theirs, strict=True):
        if other is not None:
            assert (one - other).abs().max().item() < 5e-3 * scale


def test_which_copy_depends_on_seed_epoch_and_image_alone(
    method: GOPro, pixels: Tensor, folder: Path
) -> None:
    source = cached(method, pixels, copies=4)
    whole = step(source, torch.arange(5), 2).features["moco"].embedding
    again = cached(method, pixels, copies=4)
    order = torch.tensor([3, 0, 4])
    assert torch.equal(step(again, order, 2).features["moco"].embedding, whole[order])
    assert not torch.equal(step(source, torch.arange(5), 3).features["moco"].mean, whole)


def test_copies_are_made_once_and_found_again(
    method: GOPro, pixels: Tensor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cached(method, pixels)
    assert isinstance(first.store, np.memmap) and first.store.dtype == np.float16

    def refuse(*arguments: object) -> None:
        raise AssertionError("made twice")

    monkeypatch.setattr(batches, "cut", refuse)
    assert np.array_equal(cached(method, pixels).store, first.store)


def test_anything_else_never_hits(method: GOPro, pixels: Tensor, folder: Path) -> None:
    def files() -> int:
        return len(list(folder.glob("*.npy")))

    cached(method, pixels)
    other = pixels.clone()
    other[2, 1, 3, 3] ^= 1
    cached(method, other)
    cached(method, pixels, copies=3)
    cached(method, pixels, seed=SEED + 1)
    cached(method, pixels, settings=ViewSettings(moco_blur_sigma=(0.1, 1.0)))
    cached(method, pixels, augment="crop-flip")
    cached(GOPro(small_backbone(seed=1), NAMES, GOProSettings()), pixels)
    cached(GOPro(method.backbone, NAMES, GOProSettings(augmix=False)), pixels)
    assert files() == 8
    cached(GOPro(method.backbone, ["cow", "dog"], GOProSettings(w_sem=2.0)), pixels)
    assert files() == 8  # class names and loss weights change no view


@pytest.mark.parametrize("end", [-4, 40, 0])
def test_a_damaged_file_is_remade(method: GOPro, pixels: Tensor, folder: Path, end: int) -> None:
    wanted = np.array(cached(method, pixels).store)
    (file,) = folder.glob("*.npy")
    file.write_bytes(file.read_bytes()[:end])
    assert np.array_equal(cached(method, pixels).store, wanted)


@pytest.mark.parametrize("place", ["file/at-the-start", "at-the-end"])
def test_without_a_cache_that_can_be_written_the_copies_stay_in_memory(
    method: GOPro, pixels: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    kept = cached(method, pixels).store
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path / place))
    monkeypatch.setattr(Path, "replace", Mock(side_effect=PermissionError(1, "not permitted")))
    unwritable = cached(method, pixels).store
    assert not isinstance(unwritable, np.memmap) and np.array_equal(unwritable, kept)


def test_copies_larger_than_the_cache_are_refused(
    method: GOPro, pixels: Tensor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(feature_cache.LIMIT, "0.00001")
    with pytest.raises(GoproError, match="GOPRO_CACHE_GB"):
        cached(method, pixels)
    assert not list(folder.glob("*.npy*"))


def test_features_beyond_half_precision_are_refused(
    method: GOPro, pixels: Tensor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = Backbone.encode_image

    def huge(self: Backbone, images: Tensor) -> ImageFeatures:
        found = encode(self, images)
        return replace(found, mean=found.mean * 1e9)

    monkeypatch.setattr(Backbone, "encode_image", huge)
    with pytest.raises(GoproError, match="half precision"):
        cached(method, pixels)
    assert not list(folder.glob("*.npy*"))


def test_random_views_are_cut_from_the_originals(method: GOPro, pixels: Tensor) -> None:
    originals = Counted()
    data = TrainingSet(pixels, LABELS, originals)
    source = LiveViews(method, data, ViewSettings(), "none", SEED)
    batch = step(source, torch.tensor([2, 4]), 1)
    wanted = make_views(
        [originals.arrays[2], originals.arrays[4]],
        ("moco", "augmix"),
        draw_seed(SEED, 1),
        keys=[2, 4],
        size=32,
    )
    for name, view in wanted.items():
        assert torch.equal(batch.images[name], view)


def test_one_step_is_cut_ahead(method: GOPro, pixels: Tensor) -> None:
    originals = Counted()
    source = LiveViews(
        method, TrainingSet(pixels, LABELS, originals), ViewSettings(), "none", SEED, workers=1
    )
    batches = source.batches([torch.tensor([index]) for index in range(5)], 0)
    for done in range(1, 6):
        assert len(next(batches).labels) == 1
        assert len(originals.asked) <= done + 1
    assert originals.asked == list(range(5))


def test_views_of_other_originals_are_not_taken_for_them(
    method: GOPro, pixels: Tensor, folder: Path
) -> None:
    for originals in (None, Counted()):
        data = TrainingSet(pixels, LABELS, originals)
        CachedViews(method, data, ViewSettings(), "none", SEED, copies=1)
    assert len(list(folder.glob("*.npy"))) == 2


def test_copies_have_the_parts_that_the_method_reads(
    backbone: Backbone, pixels: Tensor, folder: Path
) -> None:
    data, everything = TrainingSet(pixels, LABELS), torch.arange(5)
    for kind, parts in ((LinearAdapter, (32, 0, 0, 0)), (ProLIP, (32, 0, 0, 64))):
        learner = kind(backbone, NAMES, LinearAdapterSettings())
        source = CachedViews(learner, data, ViewSettings(), "crop-flip", SEED, copies=2)
        view = step(source, everything, 0).features["x"]
        assert tuple(part.shape[1] for part in view.parts.values()) == parts
        assert source.store.shape == (5, 2, 1, sum(parts))
        views = LiveViews(learner, data, ViewSettings(), "crop-flip", SEED)
        found = learner.map_input(view)
        of_epochs = [
            learner.map_input(learner.encode(step(views, everything, epoch))["x"])
            for epoch in (0, 1)
        ]
        for row in range(5):
            distances = [(one[row] - found[row]).abs().max() for one in of_epochs]
            assert min(distances) < 0.01 * found.abs().max()
