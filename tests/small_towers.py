"""One small random model of each family that open_clip builds, from its real configuration.

Width and depth are cut, and the tokenizers of the hub replaced by small ones of the same kind.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import open_clip
import timm
import torch
from torch import Tensor

import small_tokenizers
from gopro.backbones import Backbone

_TEXT = {"width": 32, "heads": 2, "layers": 3}
_VIT = {"embed_dim": 64, "depth": 3, "num_heads": 4}
_OWN_VIT = {"image_size": 32, "layers": 3, "width": 64, "head_width": 32, "patch_size": 8}
Tokenizer = Callable[[Path], str]


@dataclass(frozen=True)
class Family:
    """How one family's configuration is cut.

    Attributes:
        name: A name of open_clip.
        trunk: Arguments of timm's network.
        vision: Replaces parts of ``vision_cfg``.
        text: Replaces parts of ``text_cfg``.
        tokenizer: Makes a small one, if it isn't CLIP's.
        hub: Configuration of a small text model of transformers.
        blocks: Whether the image tower takes prompts and LoRA.
    """

    name: str
    trunk: Mapping[str, Any] = field(default_factory=dict)
    vision: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: Tokenizer | None = None
    hub: Mapping[str, Any] = field(default_factory=dict)
    blocks: bool = True


def _gemma(folder: Path) -> str:
    return small_tokenizers.sentencepiece(folder, first_marked=False)


def _xlm(folder: Path) -> str:
    return small_tokenizers.sentencepiece(folder, start=True)


_SMALL = {"vocab_size": small_tokenizers.SIZE, "context_length": 48}
_ROBERTA = {
    "model_type": "roberta",
    "vocab_size": small_tokenizers.SIZE,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 80,
    "pad_token_id": 0,
}
_T5 = {
    "model_type": "mt5",
    "vocab_size": small_tokenizers.SIZE,
    "d_model": 64,
    "d_kv": 16,
    "d_ff": 64,
    "num_layers": 2,
    "num_decoder_layers": 1,
    "num_heads": 4,
    "pad_token_id": 0,
}
_M2M = {
    "model_type": "m2m_100",
    "vocab_size": small_tokenizers.SIZE,
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 80,
    "pad_token_id": 0,
}
_SIGLIP = {**_VIT, "img_size": 32}

FAMILIES = {
    "siglip": Family(
        "ViT-B-16-SigLIP", _SIGLIP, text=_SMALL, tokenizer=small_tokenizers.sentencepiece
    ),
    "siglip2": Family("ViT-B-16-SigLIP2", _SIGLIP, text=_SMALL, tokenizer=_gemma),
    "siglip-i18n": Family(
        "ViT-SO400M-16-SigLIP-i18n-256",
        _SIGLIP,
        text={**_SMALL, "width": 64},  # it has no projection
        tokenizer=small_tokenizers.sentencepiece,
    ),
    "eva01": Family("EVA01-g-14", {**_VIT, "img_size": 28}),
    "eva02": Family("EVA02-B-16", {**_VIT, "img_size": 32}),
    "eva02-enormous": Family("EVA02-E-14", {**_VIT, "img_size": 28}),
    "pe-core": Family("PE-Core-B-16", {**_VIT, "img_size": 32}),
    "mobileclip-vit": Family("MobileCLIP-B", {"depth": 2, "img_size": 32}),
    "mobileclip-l": Family("MobileCLIP2-L-14", {**_VIT, "img_size": 28}),
    "mobileclip": Family(
        "MobileCLIP-S1",
        {"layers": (1, 1, 1, 1), "embed_dims": (16, 32, 64, 128)},
        {"image_size": 64},
        blocks=False,
    ),
    "mobileclip2": Family(
        "MobileCLIP2-S3",
        {"layers": (1, 1, 1, 1, 1), "embed_dims": (16, 32, 64, 128, 256)},
        {"image_size": 64},
        blocks=False,
    ),
    "convnext": Family(
        "convnext_base_w",
        {"depths": (1, 1, 1, 1), "dims": (8, 16, 24, 64)},
        {"image_size": 64},
        blocks=False,
    ),
    "convnext-mlp": Family(
        "convnext_large_d",
        {"depths": (1, 1, 1, 1), "dims": (8, 16, 24, 64)},
        {"image_size": 64},
        blocks=False,
    ),
    "swin": Family(
        "swin_base_patch4_window7_224",
        {
            "embed_dim": 8,
            "depths": (1, 1, 1, 1),
            "num_heads": (1, 1, 2, 2),
            "img_size": 64,
            "window_size": 2,
        },
        blocks=False,
    ),
    "vitamin": Family("ViTamin-S", {"depth": 2, "img_size": 64}),
    "gap": Family("vit_medium_patch16_gap_256", {**_VIT, "img_size": 32}),
    "relative": Family("vit_relpos_medium_patch16_cls_224", {**_VIT, "img_size": 32}, blocks=False),
    "hiera": Family(
        "convnext_base",
        {"embed_dim": 8, "num_heads": 1, "stages": (1, 1, 1, 1), "img_size": 64},
        {"timm_model_name": "hiera_tiny_224"},
        blocks=False,
    ),
    "efficientnet": Family(
        "convnext_base",
        vision={"timm_model_name": "efficientnet_b0", "image_size": 64},
        blocks=False,
    ),
    "clipa": Family(
        "ViT-L-14-CLIPA",
        vision=_OWN_VIT,
        text=_SMALL,
        tokenizer=small_tokenizers.wordpiece,
    ),
    "worldwide": Family(
        "ViT-L-14-worldwide",
        vision=_OWN_VIT,
        text=_SMALL,
        tokenizer=small_tokenizers.sentencepiece,
    ),
    "worldwide-xlm": Family(
        "ViT-H-14-worldwide", vision=_OWN_VIT, text={**_SMALL, "eos_id": 1}, tokenizer=_xlm
    ),
    "coca": Family("coca_ViT-B-32", vision={**_OWN_VIT, "attn_pooler_heads": 2}),
    "coca-base": Family("coca_base", vision=_OWN_VIT),
    "roberta": Family("roberta-ViT-B-32", vision=_OWN_VIT, tokenizer=_xlm, hub=_ROBERTA),
    "coca-roberta": Family("coca_roberta-ViT-B-32", vision=_OWN_VIT, tokenizer=_xlm, hub=_ROBERTA),
    "mt5": Family(
        "mt5-base-ViT-B-32",
        vision=_OWN_VIT,
        tokenizer=small_tokenizers.sentencepiece,
        hub=_T5,
    ),
    "nllb": Family("nllb-clip-base-siglip", _SIGLIP, tokenizer=_xlm, hub=_M2M),
}


def small_model(family: Family, folder: Path, seed: int = 0) -> tuple[Any, Any]:
    """The model with random weights, and its tokenizer; ``folder`` holds the small files."""
    config = open_clip.get_model_config(family.name)
    config["embed_dim"] = 64
    vision, text = config["vision_cfg"], config["text_cfg"]
    vision.update(family.vision)
    if "img_size" in family.trunk:
        vision["image_size"] = family.trunk["img_size"]
    if family.tokenizer is not None:
        text["hf_tokenizer_name"] = family.tokenizer(folder / "tokenizer")
    if family.hub:
        text["hf_model_name"] = _written(family.hub, folder / "text")
        text.update(family.text)
    else:
        text.update({**_TEXT, **family.text})
    if "multimodal_cfg" in config:
        config["multimodal_cfg"].update(_TEXT)
    with _cut(family.trunk), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with mock.patch.dict(open_clip.factory._MODEL_CONFIGS, {"cut": config}):
            model: Any = open_clip.create_model("cut", pretrained_text=False)
            tokenizer = open_clip.get_tokenizer("cut")
        _shake(model)
    return model.eval(), tokenizer


def small_family(name: str, *, chunk_tokens: int = 8_192, seed: int = 0) -> Backbone:
    """A model of ``FAMILIES`` as a backbone."""
    with TemporaryDirectory() as folder:
        model, tokenizer = small_model(FAMILIES[name], Path(folder), seed)
    return Backbone(model, tokenizer, name=name, chunk_tokens=chunk_tokens)


@cache
def shared_family(name: str) -> Backbone:
    """The same, kept for all tests; they leave its weights as they are."""
    return small_family(name)


def _written(config: Mapping[str, Any], folder: Path) -> str:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(dict(config)), encoding="utf-8")
    return str(folder)


@contextmanager
def _cut(arguments: Mapping[str, Any]) -> Iterator[None]:
    """Let open_clip's networks of timm have these arguments."""
    create = timm.create_model

    def cut(name: str, **options: Any) -> Any:
        return create(name, **{**options, **arguments})

    with mock.patch.object(open_clip.timm_model.timm, "create_model", cut):
        yield


def _shake(model: Any) -> None:
    """Make every weight and bias random, so that each one matters."""
    for name, tensor in model.named_parameters():
        if tensor.dim() and "token_embedding" not in name:
            tensor.data += 0.03 * torch.randn_like(tensor)
    for name, tensor in model.named_buffers():
        if "running" in name:
            tensor += 0.1 * torch.rand_like(tensor)
    text: Any = getattr(model, "text", model)
    if hasattr(text, "token_embedding"):
        text.token_embedding.weight.data *= 5
        text.positional_embedding.data *= 5


def pictures(backbone: Backbone, count: int) -> Tensor:
    """Random pixels [count, 3, S, S] in [0, 1]."""
    side = backbone.image_size
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def near(found: Tensor, wanted: Tensor, tolerance: float = 1e-5) -> None:
    """Assert that unit rows agree."""
    assert found.shape == wanted.shape
    unit = torch.nn.functional.normalize
    difference = (unit(found, dim=-1) - unit(wanted, dim=-1)).abs().max().item()
    assert math.isfinite(difference) and difference <= tolerance, difference
