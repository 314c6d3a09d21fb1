"""Weights files of several makers, and files that must not be trusted."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from archive_files import archive
from open_clip.model import CustomTextCLIP
from safetensors.torch import save_file
from torch import nn

from gopro.backbones.weights import is_torchscript, load_weights, read_weights
from gopro.common.errors import GoproError
from small_clips import RESNET, VIT, small_clip

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit.* is deprecated:FutureWarning", "ignore:Detected pickle protocol"
)


def assert_loaded(model: nn.Module, source: nn.Module, tolerance: float = 0.0) -> None:
    wanted = source.state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.allclose(tensor, wanted[name], rtol=tolerance, atol=tolerance / 10), name


@pytest.fixture(scope="module")
def source() -> nn.Module:
    return small_clip(seed=1)


def test_torchscript_archive_is_read_without_its_code(source: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "ViT-X.pt"
    archive(source, path)
    assert is_torchscript(path)
    found = read_weights(path)
    for name, tensor in source.state_dict().items():
        wanted = tensor.half().float() if tensor.is_floating_point() else tensor
        assert torch.equal(found[name], wanted), name
    model = small_clip(seed=2)
    load_weights(model, path, "small")
    assert_loaded(model, source, 2e-3)


def test_state_dict_and_checkpoint(source: nn.Module, tmp_path: Path) -> None:
    state = source.state_dict()
    kinds: dict[str, Any] = {
        "plain.pt": state,
        "plain.bin": dict(state),
        "checkpoint.pt": {"epoch": 3, "name": "run", "state_dict": state},
        "parallel.pt": {"state_dict": {f"module.{key}": value for key, value in state.items()}},
    }
    for name, stored in kinds.items():
        torch.save(stored, tmp_path / name)
        assert not is_torchscript(tmp_path / name)
        model = small_clip(seed=2)
        load_weights(model, tmp_path / name, "small")
        assert_loaded(model, source)


def test_safetensors(source: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({key: value.contiguous() for key, value in source.state_dict().items()}, path)
    model = small_clip(seed=2)
    load_weights(model, path, "small")
    assert_loaded(model, source)


def test_text_tower_moves_where_the_model_has_it_apart(source: nn.Module, tmp_path: Path) -> None:
    torch.save(source.state_dict(), tmp_path / "plain.pt")
    archive(source, tmp_path / "archive.pt")
    for name in ("plain.pt", "archive.pt"):
        model: Any = small_clip(kind=CustomTextCLIP, seed=2)
        load_weights(model, tmp_path / name, "small")
        wanted = source.state_dict()["token_embedding.weight"]
        assert torch.allclose(model.text.token_embedding.weight, wanted, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_scale_as_scalar_or_as_one_number(
    source: nn.Module, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    state = source.state_dict()
    state["logit_scale"] = torch.full(shape, 3.5)
    torch.save(state, tmp_path / "weights.pt")
    model: Any = small_clip(seed=2)
    load_weights(model, tmp_path / "weights.pt", "small")
    assert model.logit_scale.item() == 3.5


class Touch:
    """Unpickling this creates a file: proof that code ran."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def refused(path: Path, *, model: nn.Module | None = None) -> str:
    with pytest.raises(GoproError) as caught:
        load_weights(model or small_clip(seed=2), path, "small")
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("name", ["weights.pt", "weights.bin", "weights.pkl"])
def test_code_in_a_pickle_does_not_run(tmp_path: Path, name: str) -> None:
    proof = tmp_path / "ran"
    torch.save({"state_dict": Touch(proof)}, tmp_path / name)
    assert "can't read weights" in refused(tmp_path / name)
    (tmp_path / name).write_bytes(pickle.dumps({"a": Touch(proof)}))
    assert "can't read weights" in refused(tmp_path / name)
    assert not proof.exists()


def test_a_type_error_while_reading_does_not_unlock_the_pickle(tmp_path: Path) -> None:
    """A reader that tries again with all of pickle after a TypeError would run the second item."""
    proof = tmp_path / "ran"
    path = tmp_path / "weights.pt"

    class Wrong:
        def __reduce__(self) -> tuple[Any, ...]:
            return torch.Size, (3.5,)

    torch.save([Wrong(), Touch(proof)], path)
    assert "can't read weights" in refused(path)
    assert not proof.exists()


def test_code_in_an_archives_data_does_not_run(source: nn.Module, tmp_path: Path) -> None:
    import zipfile

    path, bad, proof = tmp_path / "good.pt", tmp_path / "bad.pt", tmp_path / "ran"
    archive(source, path)
    with zipfile.ZipFile(path) as good, zipfile.ZipFile(bad, "w") as copy:
        for member in good.infolist():
            data = good.read(member)
            if member.filename.endswith("/data.pkl"):
                data = pickle.dumps({"a": Touch(proof)}, protocol=2)
            copy.writestr(member.filename, data)
    assert is_torchscript(bad)
    assert "can't read weights" in refused(bad)
    assert not proof.exists()


def test_a_pickle_is_refused_without_advice_to_read_it_unsafely(tmp_path: Path) -> None:
    torch.save(small_clip(), tmp_path / "object.pt")
    message = refused(tmp_path / "object.pt")
    assert "damaged, or holds other things than tensors" in message
    assert "weights_only" not in message and "still be loaded" not in message


def test_damaged_and_foreign_files(source: nn.Module, tmp_path: Path) -> None:
    torch.save(source.state_dict(), tmp_path / "whole.pt")
    archive(source, tmp_path / "archive.pt")
    save_file({"a": torch.zeros(3)}, tmp_path / "whole.safetensors")
    for name in ("whole.pt", "archive.pt", "whole.safetensors"):
        data = (tmp_path / name).read_bytes()
        cut = tmp_path / f"cut-{name}"
        cut.write_bytes(data[: len(data) // 2])
        assert "can't read weights" in refused(cut)
    # a zip file with its end intact and its table overwritten
    data = (tmp_path / "archive.pt").read_bytes()
    start = data.rindex(b"PK\x05\x06")
    place = int.from_bytes(data[start + 16 : start + 20], "little")
    broken = tmp_path / "table.pt"
    broken.write_bytes(data[:place] + bytes(start - place) + data[start:])
    assert not is_torchscript(broken)
    assert "can't read weights" in refused(broken)
    for name, content in (("a.txt", b"hello"), ("b.pt", b""), ("c.safetensors", b"hello there")):
        (tmp_path / name).write_bytes(content)
        assert "can't read weights" in refused(tmp_path / name)
    kinds: list[Any] = [[1, 2], torch.zeros(3), {}, {"state_dict": 3}, {"logit_scale": 3}]
    for number, stored in enumerate(kinds):
        torch.save(stored, tmp_path / f"{number}.pt")
        assert "holds no table of tensors" in refused(tmp_path / f"{number}.pt")


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"vision": {"patch_size": 16}}, r"size mismatch for visual\.(positional|conv1)"),
        ({"text": {"context_length": 40}}, r"size mismatch for positional_embedding"),
        ({"text": {"layers": 4}}, r"Unexpected key.*transformer\.resblocks\.3"),
        ({"text": {"layers": 2}}, r"Missing key.*transformer\.resblocks\.2"),
        ({"embed": 48}, r"size mismatch for text_projection"),
    ],
    ids=["patch", "context", "deeper", "shallower", "embedding"],
)
@pytest.mark.parametrize("scripted", [False, True], ids=["state_dict", "torchscript"])
def test_another_models_weights(
    options: dict[str, Any], difference: str, scripted: bool, tmp_path: Path
) -> None:
    path = tmp_path / "other.pt"
    other = small_clip(**options)
    if scripted:
        archive(other, path)
    else:
        torch.save(other.state_dict(), path)
    message = refused(path)
    assert "holds the weights of another model than small" in message
    assert re.search(difference, message), message


@pytest.mark.parametrize("vision", [VIT, RESNET], ids=["vit", "resnet"])
def test_another_input_size(vision: dict[str, Any], tmp_path: Path) -> None:
    size = vision["image_size"]
    model = small_clip(vision=vision)
    other = small_clip(vision={**vision, "image_size": 2 * size})
    torch.save(other.state_dict(), tmp_path / "other.pt")
    message = refused(tmp_path / "other.pt", model=model)
    assert f"for {2 * size} x {2 * size} pixels, and small takes {size} x {size}" in message


def test_apples_own_layout_in_another_model(tmp_path: Path) -> None:
    state = {"image_encoder.model.patch_emb.0.block.conv.weight": torch.zeros(3)}
    save_file(state, tmp_path / "mobile.safetensors")
    assert "another model than small (it has the layout of Apple" in refused(
        tmp_path / "mobile.safetensors"
    )
