"""The backbone built last is built once, and its checksum is its weights'."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gopro.backbones.shared import shared_backbone
from gopro.common.errors import GoproError
from tiny_run import NAME


def test_the_same_one_is_shared(tiny: list[str]) -> None:
    one = shared_backbone(NAME, tiny[3], "cpu", "fp32")
    assert shared_backbone(NAME, tiny[3], "cpu", "fp32") is one
    rounded = shared_backbone(NAME, tiny[3], "cpu", "bf16")
    assert rounded.backbone.dtype == torch.bfloat16
    assert rounded.backbone is not one.backbone
    assert rounded.checksum == one.checksum


def test_the_checksum_is_of_the_weights_not_of_the_file(tiny: list[str], tmp_path: Path) -> None:
    weights = load_file(tiny[3])
    wanted = shared_backbone(NAME, tiny[3], "cpu", "fp32").checksum
    torch.save(weights, tmp_path / "same.pt")
    assert shared_backbone(NAME, str(tmp_path / "same.pt"), "cpu", "fp32").checksum == wanted
    weights["ln_final.bias"][3] += 1e-6
    save_file(weights, tmp_path / "other.safetensors")
    other = str(tmp_path / "other.safetensors")
    assert shared_backbone(NAME, other, "cpu", "fp32").checksum != wanted


def test_a_file_that_was_replaced_is_read_again(tiny: list[str], tmp_path: Path) -> None:
    weights, path = load_file(tiny[3]), tmp_path / "weights.safetensors"
    save_file(weights, path)
    first = shared_backbone(NAME, str(path), "cpu", "fp32")
    save_file({name: value * 2 for name, value in weights.items()}, path)
    assert shared_backbone(NAME, str(path), "cpu", "fp32").checksum != first.checksum


def test_mini() -> None:
    assert len(shared_backbone("mini", None, "cpu", "fp32").checksum) == 64


def test_wrong_values(tiny: list[str]) -> None:
    with pytest.raises(GoproError, match="precision"):
        shared_backbone(NAME, tiny[3], "cpu", "fp8")
    with pytest.raises(GoproError, match="device"):
        shared_backbone(NAME, tiny[3], "abacus", "fp32")
