"""Build a backbone by name: the embedded ``lite`` and ``mini``, or any CLIP of ``open_clip``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from gopro.backbones import embedded, models
from gopro.backbones.clip import DTYPES, Backbone
from gopro.backbones.names import HUB, canonical
from gopro.common.allocator import keep_memory
from gopro.common.errors import GoproError
from gopro.common.localdir import LOCAL

if TYPE_CHECKING:
    from torch import nn


def build(
    name: str,
    pretrained: str | None = None,
    *,
    device: str = "auto",
    precision: str = "fp32",
    chunk_tokens: int = 8_192,
) -> Backbone:
    """Build a frozen backbone.

    Args:
        name: "lite", "mini", or a name as ``names.canonical`` takes it, such as "ViT-B/16".
        pretrained: A tag of ``open_clip`` (downloaded and cached) or a weights file. None for
            "lite" and "mini", which contain their own, and for models of the hub or a folder.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        precision: "fp32", "bf16" or "fp16".
        chunk_tokens: See ``PromptEncoder``.

    Raises:
        GoproError: For an unknown name, tag, device or precision, or weights of another model.
    """
    resolved = choose_device(device)
    if resolved.type == "cpu":
        keep_memory()
    if precision not in DTYPES:
        raise GoproError(f"got the precision {precision!r}; choose one of {', '.join(DTYPES)}")
    name = canonical(name)
    if name in embedded.LOADERS:
        model, tokenizer = _embedded(name, pretrained), embedded.tokenizer()
    else:
        model, tokenizer = models.open_model(name, pretrained)
    backbone = Backbone(
        model, tokenizer, name=name, pretrained=pretrained or "", chunk_tokens=chunk_tokens
    )
    return backbone.to(resolved, precision)


def untrained(name: str) -> Backbone:
    """A backbone with random weights, to count parameters without a download.

    Args:
        name: As ``build`` takes it; "lite" and "mini" have their own weights, and models of the
            hub or a folder too.

    Raises:
        GoproError: For an unknown name.
    """
    name = canonical(name)
    if name in embedded.LOADERS or name.startswith((HUB, LOCAL)):
        return build(name, device="cpu")
    return Backbone(*models.random_model(name), name=name)


def choose_device(device: str) -> torch.device:
    """The device of that name; "auto" is cuda if available, else mps, else cpu.

    Raises:
        GoproError: If the device isn't available.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise GoproError(f"got the device {device!r}; choose auto, cpu, cuda or mps") from error
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (chosen.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(chosen.type, False):
        raise GoproError(f"the device {device!r} is not on this machine; use --device auto or cpu")
    return chosen


def _embedded(name: str, pretrained: str | None) -> nn.Module:
    if pretrained:
        raise GoproError(
            f"{name} contains its own weights and got --pretrained {pretrained}; leave that out, "
            "or choose another --backbone"
        )
    model: nn.Module = embedded.loader(name).load()
    return model
