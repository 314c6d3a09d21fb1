"""From trained parameters to the weights file: averaged, in float16, only the trained rows."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from gopro.common.files import atomic_write

AVERAGE = 0.996
STREAM = 0.3
"""The factor of the text encoder's residual stream.

Layer norms undo it where the stream is read, so the embeddings are the same. But the token rows are
then about as large as CLIP's (standard deviation 0.02), so a learned context token moves further in
proportion, and learning rates near the published ones fit.
"""
NORM_EPS = 9e-7  # 1e-5 STREAM^2
_STREAM = ("positional_embedding", ".attn.out_proj.", ".mlp.c_proj.")
ROWS = "text.token_embedding.weight"


def average(mean: dict[str, Tensor], model: nn.Module, step: int) -> None:
    """Move the running mean of the weights towards the present ones, faster at the start."""
    keep = min(AVERAGE, step / (step + 10))
    for name, parameter in model.named_parameters():
        mean[name].lerp_(parameter.detach(), 1 - keep)


def shipped(
    weights: dict[str, Tensor], mean: Tensor, std: Tensor, ids: Tensor
) -> dict[str, Tensor]:
    """The tensors of the weights file, float16, under the names of the package's model.

    What is added to the residual stream is multiplied by ``STREAM``.
    ``feature_mean`` and ``feature_std`` stay beside the projection: standardised features are
    what a method may want to work with.
    """
    out = {
        name.removeprefix("text."): value
        for name, value in weights.items()
        if name.startswith("text.") and name != ROWS
    }
    out = {
        name: value * STREAM if any(part in name for part in _STREAM) else value
        for name, value in out.items()
    }
    out["token_rows"] = weights[ROWS] * STREAM
    out["visual.projection.weight"] = weights["image_projection.weight"]
    out["visual.projection.bias"] = weights["image_projection.bias"]
    out["visual.feature_mean"], out["visual.feature_std"] = mean, std
    out["logit_scale"] = weights["logit_scale"]
    half = {
        name: value.detach().to("cpu", torch.float16).contiguous() for name, value in out.items()
    }
    return {**half, "token_ids": ids.to(torch.int32)}


def write_weights(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write the file, whole or not at all."""
    with atomic_write(path) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})
