"""Building ``lite``: image weights from their package, the text tower from the file beside this.

The weights file holds float16 tensors under ``open_clip``'s names for the text tower, and under
``visual.`` the projection and what its features are standardised with. Of the token embedding it
holds only the rows that were trained (``token_ids`` and ``token_rows``); ``untouched_rows``
computes the others, the same on every machine.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gopro.backbones.lite.network import fused, network
from gopro.backbones.token_rows import untouched_rows
from gopro.backbones.two_towers import TwoTowers
from gopro.common.errors import GoproError

FEATURES = 1280


class ImageTower(nn.Module):
    """The frozen network, its features standardised, and a linear projection.

    ``embedding = projection((pooled - feature_mean) / feature_std)``, not normalised. ``stages``
    are the seven groups of blocks, for whoever wants each one's feature map.

    Args:
        embed_dim: Width of the shared space.
        preprocessing: ``preprocess_cfg`` of the configuration.
    """

    def __init__(self, embed_dim: int, preprocessing: dict[str, Any]) -> None:
        super().__init__()
        self.image_size = tuple(preprocessing["size"])
        self.preprocess_cfg = preprocessing
        self.image_mean, self.image_std = preprocessing["mean"], preprocessing["std"]
        trunk = fused(network())
        trunk.classifier = nn.Identity()
        self.trunk = trunk.to(memory_format=torch.channels_last)
        self.projection = nn.Linear(FEATURES, embed_dim)
        self.feature_mean: Tensor
        self.feature_std: Tensor
        self.register_buffer("feature_mean", torch.zeros(FEATURES))
        self.register_buffer("feature_std", torch.ones(FEATURES))

    @property
    def stages(self) -> nn.Sequential:
        """The seven groups of blocks."""
        return self.trunk.blocks

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels after each of ``stages``."""
        found = []
        for stage in self.stages:
            convolutions = [part for part in stage.modules() if isinstance(part, nn.Conv2d)]
            found.append(convolutions[-1].out_channels)
        return tuple(found)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings [B, e] of normalised pixels [B, 3, size, size]."""
        pooled = self.trunk(pixels.contiguous(memory_format=torch.channels_last))
        embedding: Tensor = self.projection((pooled - self.feature_mean) / self.feature_std)
        return embedding


def config() -> dict[str, Any]:
    """The architecture and ``preprocess_cfg``, in open_clip's words."""
    return _json("config.json")


def card() -> dict[str, Any]:
    """What the model is, and its measured accuracies in percent."""
    return _json("card.json")


def weights_path() -> Path:
    """Where the installed weights are."""
    return Path(str(resources.files(__package__) / "weights.safetensors"))


def load(weights: Path | None = None, settings: dict[str, Any] | None = None) -> TwoTowers:
    """Build the model in float32 and evaluation mode; the global random state is left alone.

    Args:
        weights: Another file of the same layout, for example one the recipe just made.
        settings: Its architecture, by default the installed one.

    Raises:
        GoproError: If a weights file or the package of the image network is missing, or a file is
            damaged or has other contents.
    """
    settings = settings or config()
    path = weights or weights_path()
    with torch.random.fork_rng(devices=[]):
        size = settings["embed_dim"]
        visual = ImageTower(size, settings["preprocess_cfg"])
        model = TwoTowers(visual, size, settings["text_cfg"])
    try:
        stored = load_file(path)
        ids, rows = stored.pop("token_ids").long(), stored.pop("token_rows").float()
        embedding = untouched_rows(rows, settings["text_cfg"]["vocab_size"])
        embedding[ids] = rows
        state = {name: value.float() for name, value in stored.items()}
        trunk = {f"visual.trunk.{k}": v for k, v in visual.trunk.state_dict().items()}
        state |= {**trunk, "token_embedding.weight": embedding}
        model.load_state_dict(state, assign=True)
    except FileNotFoundError as error:
        raise GoproError(
            f"lite's weights are missing at {path}: reinstall gopro-clip, or make them with "
            "`python -m recipes.lite.train`"
        ) from error
    except (SafetensorError, KeyError, RuntimeError, OSError) as error:
        raise GoproError(
            f"lite's weights at {path} can't be used ({str(error).splitlines()[0]}): reinstall "
            "gopro-clip, or make them again with `python -m recipes.lite.train`"
        ) from error
    return model.eval()


def _json(name: str) -> dict[str, Any]:
    text = (resources.files(__package__) / name).read_text(encoding="utf-8")
    contents: dict[str, Any] = json.loads(text)
    return contents
