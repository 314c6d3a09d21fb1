"""The optimisers of the weights."""

from __future__ import annotations

import torch
from torch import nn


def optimizers(model: nn.Module, rate: float, decay: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices in the transformer blocks, AdamW for all other weights.

    The steps of Muon are scaled to the size of AdamW's, so both use the same learning rate.

    Args:
        model: Has ``resblocks`` in the names of its blocks, as in ``open_clip``. Weights without
            ``requires_grad`` are left out.
        rate: Learning rate.
        decay: Weight decay, of matrices only.
    """
    inside, outside, small = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if parameter.ndim < 2:
            small.append(parameter)
        elif parameter.ndim == 2 and "resblocks" in name:
            inside.append(parameter)
        else:
            outside.append(parameter)
    return [
        torch.optim.Muon(inside, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(
            [
                {"params": outside, "weight_decay": decay},
                {"params": small, "weight_decay": 0.0},
            ],
            lr=rate,
            betas=(0.9, 0.98),
            eps=1e-6,
        ),
    ]
