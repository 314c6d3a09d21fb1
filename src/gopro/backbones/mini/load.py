"""Reading the embedded model: architecture, weights and card, all package data, no network.

The weights file holds float16 tensors under ``open_clip``'s names. Of the token embedding it holds
only the rows that training touched (``token_ids`` and ``token_rows``); all others are filled by
:func:`untouched_rows`, the same on every machine.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gopro.common.errors import GoproError

if TYPE_CHECKING:
    import open_clip
    from torch import Tensor

FILL_SEED = 0
FILL_SPREAD = 0.5
_EMBEDDING = "token_embedding.weight"


def config() -> dict[str, Any]:
    """The architecture (``model_cfg``) and preprocessing (``preprocess_cfg``), as open_clip's."""
    return _json("config.json")


def card() -> dict[str, Any]:
    """What the model is and how well it does: figures in percent, written by the recipe."""
    return _json("card.json")


def weights_path() -> Path:
    """Where the installed weights are."""
    return Path(str(resources.files(__package__) / "mini.safetensors"))


def load(weights: Path | None = None) -> open_clip.CLIP:
    """Build the model in float32 and evaluation mode; the global random state is left alone.

    Args:
        weights: Another file of the same layout, for example one the recipe just made.

    Raises:
        GoproError: When the weights are missing, damaged, or of another shape.
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


def untouched_rows(rows: Tensor, vocabulary: int) -> Tensor:
    """Embedding rows for tokens that training never met.

    Each is the mean of the rows it met plus noise of half their spread, drawn with a fixed seed: an
    unknown word then means little, and two unknown words still differ.

    Args:
        rows: The trained rows, [n, width].
        vocabulary: How many rows to make.

    Returns:
        float32 [vocabulary, width].
    """
    import torch

    noise = torch.randn(
        vocabulary, rows.shape[1], generator=torch.Generator().manual_seed(FILL_SEED)
    )
    return noise.mul_(rows.std(0) * FILL_SPREAD).add_(rows.mean(0))


def _json(name: str) -> dict[str, Any]:
    text = (resources.files(__package__) / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
