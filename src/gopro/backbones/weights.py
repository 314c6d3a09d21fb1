"""Read CLIP weights from several file formats, without running code from the files."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.jit import _pickle

from gopro.common.errors import GoproError

# TorchScript writes lists of numbers as calls of these functions, which return their argument
_TYPED_LISTS: list[Any] = [
    _pickle.build_intlist,
    _pickle.build_doublelist,
    _pickle.build_boollist,
    _pickle.restore_type_tag,
]


# position embeddings of an image tower -> its patch embedding
_GRIDS = {
    "visual.positional_embedding": "visual.conv1.weight",
    "visual.trunk.pos_embed": "visual.trunk.patch_embed.proj.weight",
}
_SIZES = {"input_resolution", "context_length", "vocab_size"}
# older versions of transformers saved it; it only counts from 0 on
_OLD_POSITIONS = "text.transformer.embeddings.position_ids"


class _Node:
    """A module of a TorchScript archive: its attributes, without its code."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive, as OpenAI's original CLIP files are."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of a weights file by name, read without running code from it.

    Args:
        path: OpenAI's original archive, an ``open_clip`` ``.pt`` / ``.bin``, or ``.safetensors``.

    Raises:
        GoproError: If the file is damaged, or contains other things than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if is_torchscript(path):
            return _read_torchscript(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the protocol of a pickle that is refused anyway
            # not open_clip's reader, which can fall back to unsafe unpickling
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _unreadable(path, error) from error
    state = stored.get("state_dict", stored) if isinstance(stored, dict) else None
    if not (isinstance(state, dict) and state and _only_tensors(state)):
        raise _unreadable(path, TypeError("it holds no table of tensors"))
    # a prefix that training on several devices adds
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def is_openai(path: Path, weights: dict[str, Tensor]) -> bool:
    """Whether a file is OpenAI's: their archive, or its tensors with the three size entries."""
    return is_torchscript(path) or weights.keys() >= _SIZES


def load_weights(
    model: nn.Module, path: Path, name: str, weights: dict[str, Tensor] | None = None
) -> None:
    """Load weights into an ``open_clip`` model, in place.

    Every tensor must have the model's shape; position embeddings are not resized for another
    image size.

    Args:
        model: The model, built with the right architecture.
        path: See ``read_weights``.
        name: The model's name, for messages.
        weights: The file's tensors, if they are read already.

    Raises:
        GoproError: If the file can't be read safely, or belongs to another model.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    weights = read_weights(path) if weights is None else weights
    wanted, openai = model.state_dict(), is_openai(path, weights)
    try:
        weights = dict(convert_state_dict(model, weights))  # from MobileCLIP's own layout
    except (AttributeError, KeyError, RuntimeError) as error:
        raise _another(path, name, "it has the layout of Apple's MobileCLIP files") from error
    if "text.positional_embedding" in wanted and "positional_embedding" in weights:
        weights = convert_to_custom_text_state_dict(weights)
    for key in ("logit_scale", "logit_bias"):  # a scalar in some files, [1] in others
        value = weights.get(key)
        if value is not None and value.numel() == 1 and key in wanted:
            weights[key] = value.reshape(wanted[key].shape)
    _check_size(wanted, weights, path, name)
    if openai:  # it contains masks and sizes too
        leaves = {key.rpartition(".")[2] for key in wanted}
        weights = {key: weights[key] for key in weights if key.rpartition(".")[2] in leaves}
    weights.pop(_OLD_POSITIONS, None)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise _another(path, name, _first_difference(error)) from error


def _check_size(
    wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor], path: Path, name: str
) -> None:
    """Check that the weights are for the model's input size."""
    stated = int(weights.get("input_resolution", 0))  # OpenAI's files have it
    theirs, ours = stated or _side(weights), _side(wanted)
    if theirs and ours and theirs != ours:
        raise GoproError(
            f"{path} holds the weights of a model for {theirs} x {theirs} pixels, and {name} takes "
            f"{ours} x {ours}; name its model with --backbone"
        )


def _side(weights: Mapping[str, Tensor]) -> int:
    """Side of a ViT's or a ResNet's input, by its position embeddings; 0 if it isn't known."""
    for positions, patches in _GRIDS.items():
        if positions in weights and patches in weights:
            kernel = weights[patches].shape
            if len(kernel) < 4 or kernel[-1] == 1:  # the patches were made by other layers
                return 0
            # a few tokens beside those of the grid don't change the root
            return math.isqrt(weights[positions].shape[-2]) * kernel[-1]
    rows = weights.get("visual.attnpool.positional_embedding")
    return 0 if rows is None else math.isqrt(len(rows)) * 32


def _only_tensors(state: dict[Any, Any]) -> bool:
    return all(isinstance(value, Tensor) for value in state.values())


def _read_torchscript(path: Path) -> dict[str, Tensor]:
    """Tensors of a TorchScript archive; its code is neither compiled nor run.

    A copy of the archive without its code is read with ``weights_only=True``; scripted modules
    become plain objects.
    """
    data = _without_code(path)
    names = torch.serialization.get_unsafe_globals_in_checkpoint(data)
    modules: list[Any] = [(_Node, name) for name in names if name.startswith("__torch__.")]
    data.seek(0)
    with torch.serialization.safe_globals([*modules, *_TYPED_LISTS]):
        root = torch.load(data, map_location="cpu", weights_only=True)
    tensors: dict[str, Tensor] = {}
    _collect(root, "", tensors)
    return tensors


def _without_code(path: Path) -> io.BytesIO:
    """The archive's pickled data and storages, without code and constants."""
    target = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for member in source.infolist():
            inner = member.filename.partition("/")[2]
            if inner in ("data.pkl", "version", "byteorder") or inner.startswith("data/"):
                copy.writestr(f"archive/{inner}", source.read(member))
    target.seek(0)
    return target


def _collect(node: Any, prefix: str, tensors: dict[str, Tensor]) -> None:
    for name, value in vars(node).items():
        if isinstance(value, Tensor):
            tensors[prefix + name] = value.float() if value.is_floating_point() else value
        elif isinstance(value, _Node):
            _collect(value, f"{prefix}{name}.", tensors)


def _another(path: Path, name: str, difference: str) -> GoproError:
    return GoproError(
        f"{path} holds the weights of another model than {name} ({difference}); name its model "
        "with --backbone"
    )


def _unreadable(path: Path, error: Exception) -> GoproError:
    # torch tells how to read a file unsafely, which is no advice to pass on
    reason = "it is damaged, or holds other things than tensors"
    if isinstance(error, (OSError, SafetensorError, TypeError)):
        reason = str(error).strip().splitlines()[0][:160]
    return GoproError(
        f"can't read weights from {path} ({reason}); wanted OpenAI's .pt archive, an open_clip "
        ".pt with only tensors, or .safetensors"
    )


def _first_difference(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines[1:] if line), lines[0])[:160].rstrip(" .,")
