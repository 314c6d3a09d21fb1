"""The backbone built last is built once, and its checksum is its weights'."""

from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from gopro.backbones import shared as shared_module
from gopro.backbones.shared import Shared, backbone_key, shared_backbone
from gopro.common.errors import GoproError
from small_clips import clip_folder
from tiny_run import NAME


def shared(name: str, pretrained: str | None, device: str, precision: str) -> Shared:
    return shared_backbone(backbone_key(name, pretrained, device, precision))


def test_the_same_one_is_shared(tiny: list[str]) -> None:
    one = shared(NAME, tiny[3], "cpu", "fp32")
    assert shared(NAME, tiny[3], "cpu", "fp32") is one
    rounded = shared(NAME, tiny[3], "cpu", "bf16")
    assert rounded.backbone.dtype == torch.bfloat16
    assert rounded.backbone is not one.backbone
    assert rounded.checksum == one.checksum


def test_the_checksum_is_of_the_weights_not_of_the_file(tiny: list[str], tmp_path: Path) -> None:
    weights = load_file(tiny[3])
    wanted = shared(NAME, tiny[3], "cpu", "fp32").checksum
    torch.save(weights, tmp_path / "same.pt")
    assert shared(NAME, str(tmp_path / "same.pt"), "cpu", "fp32").checksum == wanted
    weights["ln_final.bias"][3] += 1e-6
    save_file(weights, tmp_path / "other.safetensors")
    other = str(tmp_path / "other.safetensors")
    assert shared(NAME, other, "cpu", "fp32").checksum != wanted


def test_a_file_that_was_replaced_is_read_again(tiny: list[str], tmp_path: Path) -> None:
    weights, path = load_file(tiny[3]), tmp_path / "weights.safetensors"
    save_file(weights, path)
    first = shared(NAME, str(path), "cpu", "fp32")
    save_file({name: value * 2 for name, value in weights.items()}, path)
    assert shared(NAME, str(path), "cpu", "fp32").checksum != first.checksum


def test_a_folder_that_was_changed_is_read_again(tmp_path: Path) -> None:
    folder = clip_folder(tmp_path / "clip")
    name, weights = f"local-dir:{folder}", folder / "open_clip_model.safetensors"
    first = shared(name, None, "cpu", "fp32")
    assert shared(name, None, "cpu", "fp32") is first
    save_file({name: value * 2 for name, value in load_file(weights).items()}, weights)
    assert shared(name, None, "cpu", "fp32").checksum != first.checksum


def test_mini() -> None:
    assert len(shared("mini", None, "cpu", "fp32").checksum) == 64


def test_wrong_values(tiny: list[str]) -> None:
    with pytest.raises(GoproError, match="precision"):
        shared(NAME, tiny[3], "cpu", "fp8")
    with pytest.raises(GoproError, match="device"):
        shared(NAME, tiny[3], "abacus", "fp32")
    with pytest.raises(GoproError, match="no home directory"):
        shared(NAME, "~nosuchuser/weights.pt", "cpu", "fp32")


def test_one_cache_with_and_without_a_checksum(tiny: list[str]) -> None:
    key = backbone_key(NAME, tiny[3], "cpu", "bf16", chunk_tokens=64)
    plain = shared_backbone(key, hashed=False)
    assert plain.checksum == ""
    assert plain.backbone.dtype == torch.bfloat16
    assert plain.backbone.text_encoder.chunk_tokens == 64
    assert shared_backbone(key, hashed=False) is plain
    hashed = shared_backbone(key)
    assert hashed.checksum == shared(NAME, tiny[3], "cpu", "fp32").checksum


def test_building_leaves_the_random_generator(tiny: list[str]) -> None:
    before = torch.get_rng_state()
    for precision in ("fp32", "bf16"):
        shared(NAME, tiny[3], "cpu", precision)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_last_one_is_released_first(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a file of its own: other tests may hold the backbone of the common one
    path = str(shutil.copy(tiny[3], tmp_path))
    last = weakref.ref(shared(NAME, path, "cpu", "fp32").backbone)
    build, alive = shared_module.build, []

    def watched(*arguments: Any, **options: Any) -> Any:
        gc.collect()
        alive.append(last() is not None)
        return build(*arguments, **options)

    monkeypatch.setattr(shared_module, "build", watched)
    shared(NAME, path, "cpu", "bf16")
    assert alive == [False]
