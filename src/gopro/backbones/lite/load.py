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
import torch.nn.functional as F
from open_clip.model import set_model_preprocess_cfg
from open_clip.transformer import TextTransformer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gopro.backbones.lite.network import fused, network
from gopro.backbones.token_rows import untouched_rows
from gopro.common.errors import GoproError

FEATURES = 1280


class ImageTower(nn.Module):
    """The frozen network, its features standardised, and a linear projection.

    ``embedding = projection((pooled - feature_mean) / feature_std)``, not normalised. ``stages``
    are the seven groups of blocks, for whoever wants each one's feature map.

    Args:
        embed_dim: Width of the shared space.
        size: Side of the square input.
    """

    def __init__(self, embed_dim: int, size: int) -> None:
        super().__init__()
        self.image_size = (size, size)
        trunk = fused(network())
        trunk.reset_classifier(0)
        self.trunk = trunk.to(memory_format=torch.channels_last)
        self.projection = nn.Linear(FEATURES, embed_dim)
        self.feature_mean: Tensor
        self.feature_std: Tensor
        self.register_buffer("feature_mean", torch.zeros(FEATURES))
        self.register_buffer("feature_std", torch.ones(FEATURES))

    @property
    def stages(self) -> nn.Sequential:
        """The seven groups of blocks."""
        return self.trunk.blocks  # type: ignore[no-any-return]

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


class Lite(nn.Module):
    """Two towers under the names of ``open_clip.CLIP``."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        text = TextTransformer(**settings["text_cfg"], output_dim=settings["embed_dim"])
        self.visual = ImageTower(settings["embed_dim"], settings["preprocess_cfg"]["size"][0])
        self.transformer = text.transformer
        self.context_length = text.context_length
        self.vocab_size = text.vocab_size
        self.token_embedding = text.token_embedding
        self.positional_embedding = text.positional_embedding
        self.ln_final = text.ln_final
        self.text_projection = text.text_projection
        self.text_pool_type = "argmax"
        self.attn_mask: Tensor
        self.register_buffer("attn_mask", text.attn_mask, persistent=False)
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def encode_image(self, image: Tensor, normalize: bool = False) -> Tensor:
        """Image embeddings [B, e]."""
        found: Tensor = self.visual(image)
        return F.normalize(found, dim=-1) if normalize else found

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Text embeddings [T, e] of CLIP's token ids [T, L], L at most 77, all texts ended."""
        length = text.shape[1]
        tokens = self.token_embedding(text) + self.positional_embedding[:length]
        tokens = self.transformer(tokens, attn_mask=self.attn_mask[:length, :length])
        tokens = self.ln_final(tokens)
        last = tokens[torch.arange(len(text), device=text.device), text.argmax(-1)]
        found: Tensor = last @ self.text_projection
        return F.normalize(found, dim=-1) if normalize else found


def config() -> dict[str, Any]:
    """The architecture and ``preprocess_cfg``, in open_clip's words."""
    return _json("config.json")


def card() -> dict[str, Any]:
    """What the model is, and its measured accuracies in percent."""
    return _json("card.json")


def weights_path() -> Path:
    """Where the installed weights are."""
    return Path(str(resources.files(__package__) / "weights.safetensors"))


def load(weights: Path | None = None, settings: dict[str, Any] | None = None) -> Lite:
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
        model = Lite(settings)
    try:
        stored = load_file(path)
        ids, rows = stored.pop("token_ids").long(), stored.pop("token_rows").float()
        embedding = untouched_rows(rows, settings["text_cfg"]["vocab_size"])
        embedding[ids] = rows
        state = {name: value.float() for name, value in stored.items()}
        trunk = {f"visual.trunk.{k}": v for k, v in model.visual.trunk.state_dict().items()}
        model.load_state_dict({**state, **trunk, "token_embedding.weight": embedding})
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
    set_model_preprocess_cfg(model, settings["preprocess_cfg"])
    return model.eval()


def _json(name: str) -> dict[str, Any]:
    text = (resources.files(__package__) / name).read_text(encoding="utf-8")
    contents: dict[str, Any] = json.loads(text)
    return contents
