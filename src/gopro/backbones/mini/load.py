"""Load the embedded model: architecture, weights and card are package data, without a network.

The weights file contains float16 tensors with ``open_clip``'s names. Of the token embedding it has
only the rows that were trained (``token_ids`` and ``token_rows``); ``untouched_rows`` computes the
others, the same on every machine.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from gopro.backbones.token_rows import untouched_rows
from gopro.backbones.two_towers import TwoTowers, VisionTransformer
from gopro.common.errors import GoproError
from gopro.common.version import DISTRIBUTION

_EMBEDDING = "token_embedding.weight"


def config() -> dict[str, Any]:
    """The architecture (``model_cfg``) and preprocessing (``preprocess_cfg``), as open_clip's."""
    return _json("config.json")


def card() -> dict[str, Any]:
    """The model card: what the model is, and its accuracies in percent, written by the recipe."""
    return _json("card.json")


def weights_path() -> Path:
    """Path of the installed weights."""
    return Path(str(resources.files(__package__) / "mini.safetensors"))


def load(weights: Path | None = None) -> TwoTowers:
    """Build the model in float32 and evaluation mode, without changing the global random state.

    Args:
        weights: Another file with the same layout, for example a new one of the recipe.

    Raises:
        GoproError: If the weights are missing, damaged, or of another shape.
    """
    path = weights or weights_path()
    settings = config()
    shape = settings["model_cfg"]
    try:
        stored = load_file(path)
        ids, rows = stored.pop("token_ids"), stored.pop("token_rows")
        state = {name: value.float() for name, value in stored.items()}
        vocabulary = shape["text_cfg"]["vocab_size"]
        state[_EMBEDDING] = untouched_rows(rows.float(), vocabulary)
        state[_EMBEDDING][ids] = rows.float()
        with torch.random.fork_rng(devices=[]):
            size, preprocessing = shape["embed_dim"], settings["preprocess_cfg"]
            visual = VisionTransformer(size, shape["vision_cfg"], preprocessing)
            model = TwoTowers(visual, size, shape["text_cfg"])
        model.load_state_dict(state)
    except FileNotFoundError as error:
        raise GoproError(
            f"mini's weights are missing at {path}: reinstall {DISTRIBUTION}, or make them with "
            "`python -m recipes.mini.train`"
        ) from error
    except (SafetensorError, KeyError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise GoproError(
            f"mini's weights at {path} can't be used ({reason}): reinstall {DISTRIBUTION}, or make "
            "them anew with `python -m recipes.mini.train`"
        ) from error
    return model.eval()


def _json(name: str) -> dict[str, Any]:
    text = (resources.files(__package__) / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
