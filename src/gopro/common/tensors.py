"""Tensors on disk: safetensors files, written whole or not at all, never unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gopro.common.errors import GoproError
from gopro.common.files import atomic_write


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write tensors with a JSON note.

    Raises:
        GoproError: When the disk is full or the place can't be written.
    """
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(flat, metadata={"gopro": json.dumps(about)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what ``save_tensors`` wrote.

    Raises:
        GoproError: When the file is missing, damaged, or of another program.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["gopro"])
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise GoproError(
            f"can't read {path} ({reason}); it is missing, damaged or "
            "not gopro's: train again without --resume into another --out"
        ) from error


def load_learned(path: Path, model: torch.nn.Module, about: dict[str, Any]) -> None:
    """Put learned weights, written by ``save_tensors``, into a model.

    Args:
        path: The file.
        model: Gets the weights.
        about: The note the file must carry: whose weights are wanted.

    Raises:
        GoproError: When the file is missing, damaged, or holds the weights of something else.
    """
    tensors, found = load_tensors(path)
    if found != about:
        raise GoproError(
            f"{path} holds the weights of {_words(found)}, not of {_words(about)}; put the run's "
            "own file back, or train again into another --out"
        )
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise GoproError(
            f"{path} doesn't fit {_words(about)} with this run's settings "
            f"({_misfit(tensors, model.state_dict())}); put the run's own file back, or train "
            "again into another --out"
        ) from error


def _misfit(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """The first tensor that is missing, too much or of another shape."""
    for name in sorted({*found, *wanted}):
        got, want = (
            list(those[name].shape) if name in those else "absent" for those in (found, wanted)
        )
        if got != want:
            return f"{name} is {got}, wanted {want}"
    return "the values can't be used"


def _words(about: Any) -> str:
    values = about.values() if isinstance(about, dict) else [about]
    return " on ".join(str(value) for value in values) or "nothing known"
