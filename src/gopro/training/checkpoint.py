"""The training state on disk: one safetensors file, replaced atomically, without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gopro.common.errors import UnusableFileError
from gopro.common.tensors import load_tensors, save_tensors


@dataclass
class Progress:
    """Progress of a training.

    Attributes:
        epoch: The current epoch, counted from 0.
        step: Finished steps of this epoch.
        sums: Sums over this epoch's steps of the loss and its terms.
        rows: Rows of ``metrics.jsonl``, one for each epoch.
        best: Best validation accuracy so far, in percent.
        seconds: Training time without interruptions.
        scaler: State of the loss scaling in half precision.
    """

    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    best: float | None = None
    seconds: float = 0.0
    scaler: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(
    path: Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    best: dict[str, Tensor] | None,
    extra_state: Mapping[str, Tensor] | None = None,
) -> None:
    """Write everything that a training needs to continue bit for bit.

    Args:
        path: The file.
        model: The trained module.
        optimizer: Its optimizer.
        progress: Of the training.
        best: Weights of the best epoch so far.
        extra_state: The method's other tensors that last from epoch to epoch.

    Raises:
        GoproError: When the disk is full or the file can't be written.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = value
    tensors.update({f"best.{name}": value for name, value in (best or {}).items()})
    tensors.update({f"extra_state.{name}": value for name, value in (extra_state or {}).items()})
    states = _random_states(next(model.parameters()).device)
    tensors.update({f"random.{name}": state for name, state in states.items()})
    save_tensors(path, tensors, asdict(progress))


def load_checkpoint(
    path: Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    extra_state: dict[str, Tensor] | None = None,
) -> tuple[Progress, dict[str, Tensor] | None]:
    """Restore a training from ``save_checkpoint``'s file.

    Args:
        path: The file.
        model: Gets its weights.
        optimizer: Gets its state.
        extra_state: Gets the method's other tensors, on the weights' device.

    Returns:
        The progress, and the best weights so far.

    Raises:
        UnusableFileError: When the checkpoint is damaged or belongs to another method.
    """
    tensors, about = load_tensors(path)
    parts: dict[str, dict[str, Tensor]] = {
        part: {} for part in ("model", "optimizer", "best", "extra_state", "random")
    }
    for name, value in tensors.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = value
    try:
        model.load_state_dict(parts["model"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["optimizer"].items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
        device = next(model.parameters()).device
        _set_random_states(device, parts["random"])
        if extra_state is not None:
            extra_state.clear()
            extra_state.update(
                {name: value.to(device) for name, value in parts["extra_state"].items()}
            )
        return Progress(**about), parts["best"] or None
    except torch.OutOfMemoryError:  # a RuntimeError; the checkpoint is sound
        raise
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise UnusableFileError(
            f"{path} belongs to another method or other settings", "train into another --out"
        ) from error


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """States of the generators that a training on the device draws from, by the device's type."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def _set_random_states(device: torch.device, states: Mapping[str, Tensor]) -> None:
    """Set them again; the device's own is missing if the training was begun on another type."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])
