"""Load the embedded model: architecture, weights and card are package data, without a network.

The weights file contains float16 tensors with ``open_clip``'s names. Of the token embedding it has
only the rows that were trained (``token_ids`` and ``token_rows``); ``untouched_rows`` computes the
others, the same on every machine.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gopro.backbones.token_rows import untouched_rows
from gopro.common.errors import GoproError

if TYPE_CHECKING:
    import open_clip

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


def load(weights: Path | None = None) -> open_clip.CLIP:
    """Build the model in float32 and evaluation mode, without changing the global random state.

    Args:
        weights: Another file with the same layout, for example a new one of the recipe.

    Raises:
        GoproError: If the weights are missing, damaged, or of another shape.
    """
    import open_clip
    import torch
    from open_clip.model import set_model_preprocess_cfg
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = weights or weights_path()
    settings = config()
    try:
        stored = load_file(path)
        ids, rows = stored.pop("token_ids"), stored.pop("token_rows")
        state = {name: value.float() for name, value in stored.items()}
        vocabulary = settings["model_cfg"]["text_cfg"]["vocab_size"]
        state[_EMBEDDING] = untouched_rows(rows.float(), vocabulary)
        state[_EMBEDDING][ids] = rows.float()
        with torch.random.fork_rng(devices=[]):
            model = open_clip.CLIP(**settings["model_cfg"])
        model.load_state_dict(state)
    except FileNotFoundError as error:
        raise GoproError(
            f"mini's weights are missing at {path}: reinstall gopro, or make them with "
            "`python -m recipes.mini.train`"
        ) from error
    except (SafetensorError, KeyError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise GoproError(
            f"mini's weights at {path} can't be used ({reason}): reinstall gopro, or make them "
            "anew with `python -m recipes.mini.train`"
        ) from error
    set_model_preprocess_cfg(model, settings["preprocess_cfg"])
    return model.eval()


def _json(name: str) -> dict[str, Any]:
    text = (resources.files(__package__) / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
