"""The inputs of the benchmarks: a backbone, GOPro with non-zero weights, images, class names."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gopro.backbones import Backbone, build
from gopro.backbones.build import untrained
from gopro.common.allocator import keep_memory
from gopro.methods.gopro import GOPro, GOProSettings

_LONG = (1, 2, 1, 3)  # words per name, repeated: 3.75 tokens per class with "." and end-of-text


@dataclass(frozen=True)
class Setup:
    """The work that all ways do.

    Attributes:
        method: GOPro as published (variant ``released`` or ``paper``), with random learned weights.
        pixels: uint8 [B, 3, S, S].
        labels: [B].
    """

    method: GOPro
    pixels: Tensor
    labels: Tensor

    @property
    def backbone(self) -> Backbone:
        """The frozen CLIP."""
        return self.method.backbone


def load_backbone(name: str, pretrained: str | None, device: str, precision: str) -> Backbone:
    """A backbone with random weights unless weights are named; ``mini`` has its own."""
    if pretrained is None:
        if device == "cpu":
            keep_memory()  # as ``build`` does, which commands use
        torch.manual_seed(0)
        return untrained(name).to(device, precision)
    return build(name, pretrained, device=device, precision=precision)


def make(backbone: Backbone, classes: int, batch: int, variant: str = "paper") -> Setup:
    """Random images and classes, and a method with weights as after some training."""
    torch.manual_seed(1)
    options = GOProSettings(variant=variant)  # type: ignore[arg-type]
    method = GOPro(backbone, class_names(backbone, classes), options).to(backbone.device)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    size = backbone.image_size
    pixels = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
    return Setup(method, pixels, torch.arange(batch) % classes)


def class_names(backbone: Backbone, count: int) -> list[str]:
    """Different class names from whole words of CLIP's vocabulary, about as long as ImageNet's."""
    vocabulary = sorted(
        word.removesuffix("</w>")
        for word in backbone.tokenizer.encoder  # type: ignore[attr-defined]
        if word.endswith("</w>") and word[:-4].isascii() and word[:-4].isalpha() and len(word) > 8
    )
    words = iter(vocabulary)
    return [" ".join(next(words) for _ in range(_LONG[i % len(_LONG)])) for i in range(count)]
