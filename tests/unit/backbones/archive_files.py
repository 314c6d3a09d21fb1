"""Makes weights files as OpenAI published them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn


class Shell(nn.Module):
    """A scripted module may hold sizes, lists and masks beside its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes = torch.jit.Attribute([1, 2], list[int])
        self.ratios = torch.jit.Attribute([0.5], list[float])
        self.label = "shell"
        self.attn_mask = torch.zeros(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.sizes[0]


def archive(model: nn.Module, path: Path) -> None:
    """Save as OpenAI did: TorchScript, half precision, three numbers beside the weights."""
    root = Shell()
    for name, tensor in model.state_dict().items():
        node: nn.Module = root
        *parents, leaf = name.split(".")
        for parent in parents:
            if parent not in node._modules:
                node.add_module(parent, Shell())
            node = node.get_submodule(parent)
        value = tensor.half() if tensor.is_floating_point() else tensor
        node.register_buffer(leaf, value)
    for number, name in enumerate(("input_resolution", "context_length", "vocab_size")):
        root.register_buffer(name, torch.tensor(number))
    torch.jit.save(torch.jit.script(root), path)
