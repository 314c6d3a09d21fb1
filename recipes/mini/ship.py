"""From trained parameters to the weights file in the package."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gopro.common.files import atomic_write

AVERAGE = 0.996


def average(mean: dict[str, Tensor], model: nn.Module, step: int) -> None:
    """Update the running mean of the weights, faster at the start."""
    keep = min(AVERAGE, step / (step + 10))
    for name, parameter in model.named_parameters():
        mean[name].lerp_(parameter, 1 - keep)


def write_weights(path: Path, weights: dict[str, Tensor], token_ids: Tensor) -> None:
    """Write float16 safetensors, with only the rows ``token_ids`` of the token embedding."""
    tensors = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in weights.items()
        if name != "token_embedding.weight"
    }
    tensors["token_ids"] = token_ids.to(torch.int32)
    tensors["token_rows"] = weights["token_embedding.weight"].detach().to("cpu", torch.float16)
    with atomic_write(path) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})


def read_weights(path: Path, model: nn.Module, token_ids: Tensor) -> None:
    """Load the weights of such a file into a model with the tokens ``token_ids``.

    Tokens that are not in the file keep their rows.
    """
    stored = {name: value.float() for name, value in load_file(path).items()}
    known = dict(zip(stored.pop("token_ids").int().tolist(), stored.pop("token_rows"), strict=True))
    rows = model.get_parameter("token_embedding.weight").detach().clone()
    for row, token in enumerate(token_ids.tolist()):
        if token in known:
            rows[row] = known[token]
    model.load_state_dict({**stored, "token_embedding.weight": rows})
