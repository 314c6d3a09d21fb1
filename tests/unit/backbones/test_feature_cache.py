"""The cache of frozen features: what hits, what must not, size, damage, a disk that is full."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones import feature_cache as cache_module
from gopro.backbones.feature_cache import (
    Cache,
    cached_features,
    cached_features_unless_busy,
    forget_unless_of,
    open_cache,
    pixels_key,
    tower_key,
)
from gopro.backbones.image import to_unit
from gopro.common.errors import GoproError
from small_clips import small_backbone, small_clip, tokenizer


@pytest.fixture
def backbone() -> Backbone:
    return small_backbone()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pictures(seed: int = 0, count: int = 3, side: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, side, side), generator=generator, dtype=torch.uint8)


def same(one: ImageFeatures, other: ImageFeatures) -> None:
    for name in ("embedding", "mean", "std"):
        assert torch.equal(getattr(one, name), getattr(other, name))


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many pictures went through the tower, pass by pass."""
    seen: list[int] = []
    encode = Backbone.encode_image

    def counted(self: Backbone, pixels: Tensor) -> ImageFeatures:
        seen.append(len(pixels))
        return encode(self, pixels)

    monkeypatch.setattr(Backbone, "encode_image", counted)
    yield seen


def test_a_picture_goes_through_the_tower_once(
    backbone: Backbone, folder: Path, passes: list[int]
) -> None:
    pixels = pictures()
    first = cached_features(backbone, pixels)
    again = cached_features(backbone, pixels.clone())
    assert passes == [3]
    same(first, again)
    same(first, backbone.encode_image(to_unit(pixels, backbone.device)))
    assert [path.suffix for path in folder.iterdir() if path.is_file()] == [".safetensors"]


def test_switched_off_nothing_is_written(
    backbone: Backbone, folder: Path, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPRO_CACHE", "off")
    cached_features(backbone, pictures())
    cached_features(backbone, pictures())
    assert passes == [3, 3] and not folder.exists()


def test_other_pixels_weights_and_precisions_never_hit(
    backbone: Backbone, folder: Path, passes: list[int]
) -> None:
    cached_features(backbone, pictures())
    cached_features(backbone, pictures(seed=1))
    cached_features(backbone, pictures()[:2])
    cached_features(small_backbone(seed=1), pictures())
    one = pictures()
    one[0, 0, 0, 0] ^= 1
    cached_features(backbone, one)
    half = small_backbone().to("cpu", "bf16")
    found = cached_features(half, pictures())
    assert passes == [3, 3, 2, 3, 3, 3]
    assert found.embedding.dtype == torch.float32


def test_the_key_follows_a_change_of_precision() -> None:
    backbone = small_backbone()
    key = tower_key(backbone)
    assert tower_key(small_backbone()) == key
    assert tower_key(backbone.to("cpu", "bf16")) != key


def test_equal_weights_with_another_activation_constant_or_name_are_another_tower() -> None:
    key = tower_key(small_backbone())
    assert tower_key(small_backbone(quick_gelu=True)) != key
    other = small_backbone()
    other.image_encoder.visual.ln_post.eps = 1e-6
    assert tower_key(other) != key
    named = Backbone(small_clip(), tokenizer(), name="small with other heads")
    assert tower_key(named) != key


@pytest.mark.parametrize("name", ["torch", "open_clip"])
def test_another_version_of_a_library_is_another_tower(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tower_key(small_backbone())
    monkeypatch.setattr(f"{name}.__version__", "0.0")
    assert tower_key(small_backbone()) != key


def test_the_same_pixels_in_another_shape_are_other_pictures() -> None:
    pixels = pictures(count=4, side=16)
    assert pixels_key(pixels) != pixels_key(pixels.view(1, 3, 32, 32))


@pytest.mark.parametrize("content", [b"", b"nothing like it", None])
def test_a_damaged_file_is_made_again(
    backbone: Backbone, folder: Path, passes: list[int], content: bytes | None
) -> None:
    first = cached_features(backbone, pictures())
    (file,) = folder.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-9] if content is None else content)
    same(first, cached_features(backbone, pictures()))
    same(first, cached_features(backbone, pictures()))
    assert passes == [3, 3]


def test_a_cache_that_cannot_be_written_is_done_without(
    backbone: Backbone, tmp_path: Path, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path / "file" / "cache"))
    cached_features(backbone, pictures())
    assert passes == [3]


def test_a_file_of_another_user_is_read(
    backbone: Backbone, folder: Path, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can neither be marked as used nor removed."""

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    first = cached_features(backbone, pictures())
    monkeypatch.setattr(os, "utime", refuse)
    same(first, cached_features(backbone, pictures()))
    assert passes == [3]
    assert Cache(folder, limit=25).find("missing") is None
    (file,) = folder.glob("*.safetensors")
    monkeypatch.setattr(Path, "unlink", refuse)
    assert not forget_unless_of(pictures(), file.name)
    with pytest.raises(
        GoproError, match=r"other pixels, and can't be removed \(Operation not perm"
    ):
        forget_unless_of(pictures(seed=1), file.name)


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=25)
    for age, name in enumerate(("a", "b", "c", "d")):
        with cache.write(name) as temporary:
            temporary.write_bytes(bytes(8))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "d"]
    assert cache.find("b") is not None
    with cache.write("e") as temporary:
        temporary.write_bytes(bytes(16))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "e"]


def test_only_temporary_files_that_nobody_writes_any_more_are_removed(tmp_path: Path) -> None:
    old, young = tmp_path / ".a.x.tmp", tmp_path / ".a.y.tmp"
    for path, age in ((old, 7200), (young, 60)):
        path.write_bytes(bytes(8))
        os.utime(path, (time.time() - age, time.time() - age))
    with Cache(tmp_path, limit=10).write("b") as temporary:
        temporary.write_bytes(bytes(9))
    assert not old.exists() and young.exists() and (tmp_path / "b").exists()


def test_several_writers_at_once_leave_whole_files(backbone: Backbone, folder: Path) -> None:
    wanted = cached_features(backbone, pictures())
    for path in folder.glob("*.safetensors"):
        path.unlink()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: cached_features(backbone, pictures()), range(8)))
    for one in found:
        same(wanted, one)
    assert len([path for path in folder.iterdir() if path.is_file()]) == 1


def test_what_another_process_encodes_is_left_to_it(
    backbone: Backbone, folder: Path, passes: list[int]
) -> None:
    cache = open_cache()
    assert cache is not None
    cached_features(backbone, pictures(seed=1))
    (name,) = (path.name for path in folder.glob("*.safetensors"))
    (folder / name).unlink()
    with cache.making(name, 0) as ours:  # stands for the other process
        assert ours
        assert cached_features_unless_busy(backbone, pictures(seed=1)) is None
        assert passes == [3]
    assert cached_features_unless_busy(backbone, pictures(seed=1)) is not None
    with cache.making(name, 0):
        assert cached_features_unless_busy(backbone, pictures(seed=1)) is not None  # it is there
    assert passes == [3, 3]


def test_who_waited_takes_what_the_other_made(
    backbone: Backbone, folder: Path, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four at once: each batch of pictures goes through the tower once."""
    encode = Backbone.encode_image
    monkeypatch.setattr(Backbone, "encode_image", lambda *to: (time.sleep(0.2), encode(*to))[1])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: cached_features(backbone, pictures()), range(4)))
    assert passes == [3]
    for one in found:
        same(found[0], one)


def test_after_the_patience_it_is_encoded_twice(
    backbone: Backbone, folder: Path, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped in the middle keeps nobody waiting for ever."""
    monkeypatch.setattr(cache_module, "_PATIENCE", 0.1)
    wanted = cached_features(backbone, pictures())
    (file,) = folder.glob("*.safetensors")
    file.unlink()
    cache = open_cache()
    assert cache is not None
    with cache.making(file.name, 0):
        same(wanted, cached_features(backbone, pictures()))
    assert passes == [3, 3]


@pytest.mark.parametrize("size", ["0", "-1", "much", "nan", "inf"])
def test_a_size_that_is_none_is_refused(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPRO_CACHE", "somewhere")
    monkeypatch.setenv("GOPRO_CACHE_GB", size)
    with pytest.raises(GoproError, match="gigabytes above 0"):
        open_cache()


def test_the_usual_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOPRO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert open_cache() == Cache(Path("/somewhere/gopro/features"), 10_000_000_000)
