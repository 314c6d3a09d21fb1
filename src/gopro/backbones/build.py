"""Build a backbone by name: the embedded ``lite`` and ``mini``, or any CLIP of ``open_clip``."""

from __future__ import annotations

import contextlib
import difflib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gopro.backbones import embedded
from gopro.backbones.clip import DTYPES, Backbone
from gopro.backbones.weights import is_torchscript, load_weights
from gopro.common.allocator import keep_memory
from gopro.common.errors import GoproError

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
        name: "lite", "mini", or a model name of ``open_clip`` such as "ViT-B-16".
        pretrained: A tag of ``open_clip`` (downloaded and cached) or a weights file. None for
            "lite" and "mini", which contain their own.
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
    contained = name in embedded.LOADERS
    model = _embedded(name, pretrained) if contained else _open_clip(name, pretrained)
    import open_clip

    tokenizer: Any = open_clip.get_tokenizer("ViT-B-32" if contained else name)
    if not hasattr(tokenizer, "encode"):
        raise GoproError(
            f"{name} uses a tokenizer other than CLIP's; choose a model such as ViT-B-16"
        )
    backbone = Backbone(
        model, tokenizer, name=name, pretrained=pretrained or "", chunk_tokens=chunk_tokens
    )
    return backbone.to(resolved, precision)


def untrained(name: str) -> Backbone:
    """A backbone with random weights, to count parameters without a download.

    Args:
        name: "lite" or "mini" (with their own weights), or a model name of ``open_clip``.

    Raises:
        GoproError: For an unknown name.
    """
    if name in embedded.LOADERS:
        return build(name, device="cpu")
    import open_clip

    _check_name(name)
    with _without_warnings():
        model = open_clip.create_model(name, pretrained=None, pretrained_text=False)
    return Backbone(model, open_clip.get_tokenizer(name), name=name)


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


def _check_name(name: str) -> None:
    import open_clip

    names = open_clip.list_models()
    if name not in names:
        similar = difflib.get_close_matches(name, [*embedded.LOADERS, *names], n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(similar)}?" if similar else "see `gopro backbones`"
        raise GoproError(f"there is no backbone {name!r}; {hint}")
    config = open_clip.get_model_config(name)
    foreign = [
        key
        for key in ("timm_model_name", "hf_model_name", "hf_tokenizer_name")
        if config["vision_cfg"].get(key) or config["text_cfg"].get(key)
    ]
    if foreign:
        raise GoproError(
            f"{name} has other encoders than CLIP's own; choose a model such as ViT-B-16, "
            "ViT-L-14 or RN50"
        )


def _open_clip(name: str, pretrained: str | None) -> nn.Module:
    import open_clip

    _check_name(name)
    tags = open_clip.list_pretrained_tags_by_model(name)
    if not pretrained:
        raise GoproError(
            f"{name} needs weights: give --pretrained a file, or one of the tags "
            f"{', '.join(tags) or '(none known)'}"
        )
    settings: dict[str, Any] = {}
    if pretrained in tags:
        settings = dict(open_clip.get_pretrained_cfg(name, pretrained))
        path = _download(name, pretrained, settings)
    else:
        path = Path(pretrained).expanduser()
        if not path.is_file():
            raise GoproError(
                f"there is no weights file {pretrained}, and no tag of that name for {name}; "
                f"known tags: {', '.join(tags) or 'none'}"
            )
    # OpenAI's weights need QuickGELU, which open_clip's plain model names don't have
    quick = bool(settings.get("quick_gelu")) or is_torchscript(path)
    with _without_warnings():
        model: nn.Module = open_clip.create_model(
            name, pretrained=None, precision="fp32", force_quick_gelu=quick, pretrained_text=False
        )
    load_weights(model, path, name)
    for key in ("mean", "std"):
        if settings.get(key):
            setattr(model.visual, f"image_{key}", settings[key])
    return model


def _download(name: str, tag: str, settings: dict[str, Any]) -> Path:
    from open_clip.pretrained import download_pretrained

    try:
        return Path(download_pretrained(settings))
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise GoproError(
            f"can't download the weights {tag} of {name} ({reason}); check the network, or fetch "
            "the file elsewhere and give its path to --pretrained"
        ) from error


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence open_clip's warning that no weights were loaded: they are loaded next."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(previous)
