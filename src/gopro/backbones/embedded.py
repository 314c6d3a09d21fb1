"""The backbones that come with the package: their names, weights and cards."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from gopro.common.single_module import single_module

LOADERS = {"lite": "gopro.backbones.lite.load", "mini": "gopro.backbones.mini.load"}
"""Name -> the module that has ``load``, ``weights_path``, ``config`` and ``card``."""


def loader(name: str) -> Any:
    """The module that reads an embedded backbone; it is imported only here, since torch is slow."""
    return importlib.import_module(LOADERS[name])


@cache
def tokenizer() -> Any:
    """CLIP's tokenizer, which all of them have; read once."""
    module = single_module("open_clip", "tokenizer")
    # the module makes one for itself when it is loaded; a second one takes as long again
    return getattr(module, "_tokenizer", None) or module.SimpleTokenizer()


def trained_tokens(name: str) -> set[int]:
    """Ids of the tokens that the training of an embedded backbone used."""
    from safetensors import safe_open

    with safe_open(loader(name).weights_path(), framework="pt") as file:
        return set(file.get_tensor("token_ids").tolist())
