"""Tensors on disk as safetensors files: atomic writes, and no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gopro.common.errors import GoproError, UnusableFileError
from gopro.common.files import atomic_write


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write tensors, and ``about`` as JSON in the file's metadata.

    Raises:
        GoproError: When the disk is full or ``path`` can't be written.
    """
    with atomic_write(path) as temporary:
        write_tensors(temporary, tensors, {"gopro": json.dumps(about)})


def write_tensors(temporary: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write tensors into the temporary file that ``atomic_write`` gives.

    safetensors' ``save_file`` makes a temporary file of its own, which would stay after a kill.
    This needs the memory of the whole file instead.

    Raises:
        OSError: When the disk is full or the file can't be written.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    temporary.write_bytes(save(plain, metadata))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors and ``about`` that ``save_tensors`` wrote.

    Raises:
        UnusableFileError: When the file is missing, damaged, or was written by another program.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["gopro"])
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise UnusableFileError(
            f"can't read {path} ({reason}); it is missing, damaged or not gopro's",
            "train again without --resume into another --out",
        ) from error


def load_learned(path: Path, model: torch.nn.Module, about: dict[str, Any]) -> None:
    """Load learned weights, written by ``save_tensors``, into a model.

    Args:
        path: The file.
        model: Receives the weights.
        about: The description that the file must contain, so that the weights fit the model.

    Raises:
        GoproError: When the file is missing, damaged, or describes or fits another model.
    """
    tensors, stored = load_tensors(path)
    if stored != about:
        raise GoproError(
            f"{path} holds the weights of {_words(stored)}, not of {_words(about)}; put the run's "
            "own file back, or train again into another --out"
        )
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise GoproError(
            f"{path} doesn't fit {_words(about)} with this run's settings "
            f"({_mismatch(tensors, model.state_dict())}); put the run's own file back, or train "
            "again into another --out"
        ) from error


def _mismatch(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """The first tensor that is missing, unexpected or of another shape."""
    for name in sorted({*tensors, *wanted}):
        got, want = (
            list(side[name].shape) if name in side else "absent" for side in (tensors, wanted)
        )
        if got != want:
            return f"{name} is {got}, wanted {want}"
    return "the values can't be used"


def _words(about: Any) -> str:
    values = about.values() if isinstance(about, dict) else [about]
    return " on ".join(str(value) for value in values) or "an unknown model"
