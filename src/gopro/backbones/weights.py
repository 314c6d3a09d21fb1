"""Reading CLIP weights from files of several makers, without ever running what is in them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gopro.errors import GoproError


class _Node:
    """Stands for a module of a TorchScript archive: attributes, no behaviour."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive, as OpenAI's original CLIP files are."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Tensors of a TorchScript archive by name; its code is neither compiled nor run.

    The archive's data is copied beside its code's reach and read with ``weights_only=True``,
    each scripted module becoming an empty shell.

    Raises:
        GoproError: When the archive holds anything but modules and tensors, or is damaged.
    """
    try:
        data = _without_code(path)
        names = torch.serialization.get_unsafe_globals_in_checkpoint(data)
        shells = [(_Node, name) for name in names if name.startswith("__torch__.")]
        data.seek(0)
        with torch.serialization.safe_globals(shells):
            root = torch.load(data, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _unreadable(path, error) from error
    found: dict[str, Tensor] = {}
    _collect(root, "", found)
    # OpenAI keeps three numbers beside the weights
    extra = ("input_resolution", "context_length", "vocab_size")
    return {name: tensor for name, tensor in found.items() if name not in extra}


def load_weights(model: nn.Module, path: Path, name: str) -> None:
    """Load a weights file into an ``open_clip`` model, in place.

    Args:
        model: The model, built with the right architecture.
        path: OpenAI's original archive, an ``open_clip`` ``.pt`` / ``.bin``, or ``.safetensors``.
        name: The model's name, for messages.

    Raises:
        GoproError: When the file can't be read safely, or belongs to another model.
    """
    from open_clip.factory import load_checkpoint

    try:
        if is_torchscript(path):
            own = model.state_dict()
            weights = read_torchscript(path)
            model.load_state_dict({key: weights[key] for key in weights if key in own})
        else:
            load_checkpoint(model, str(path), strict=True, weights_only=True)
    except GoproError:
        raise
    except RuntimeError as error:
        if "Error(s) in loading state_dict" in str(error) or "size mismatch" in str(error):
            raise GoproError(
                f"{path} holds the weights of another model than {name} "
                f"({_first_difference(error)}); name its model with --backbone"
            ) from error
        raise _unreadable(path, error) from error
    except Exception as error:
        raise _unreadable(path, error) from error


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


def _collect(node: Any, prefix: str, found: dict[str, Tensor]) -> None:
    for name, value in vars(node).items():
        if isinstance(value, Tensor):
            found[prefix + name] = value.float() if value.is_floating_point() else value
        elif isinstance(value, _Node):
            _collect(value, f"{prefix}{name}.", found)


def _unreadable(path: Path, error: Exception) -> GoproError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
    return GoproError(
        f"can't read weights from {path} ({reason}); wanted OpenAI's .pt archive, an open_clip "
        ".pt with tensors alone, or .safetensors"
    )


def _first_difference(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines[1:] if line), lines[0])[:160].rstrip(".")
