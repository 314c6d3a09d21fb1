"""Which optimiser trains which weights."""

from __future__ import annotations

import torch
from torch import nn


def optimizers(
    model: nn.Module, rate: float, decay: float, *, muon: bool
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the text tower's blocks, AdamW for all else, or AdamW alone.

    Muon's steps are scaled to the size of AdamW's, so that one learning rate serves both.
    """
    inside, outside, plain = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2 or "embedding" in name:
            plain.append(parameter)
        elif muon and "resblocks" in name:
            inside.append(parameter)
        else:
            outside.append(parameter)
    groups = [{"params": outside, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}]
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))]
    if inside:
        found.append(
            torch.optim.Muon(inside, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
        )
    return found
