"""CLIP's two towers with the modules and names of open_clip's, for the embedded models.

They are built here because loading open_clip, with timm, torchvision and transformers, takes longer
than everything else that a command on cached features does.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-5
_EXPANSION = 4


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each added to its input.

    Args:
        width: Of a token.
        heads: Attention heads.
        eps: What the layer norms add to the variance.
    """

    def __init__(self, width: int, heads: int, eps: float = EPS) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ls_1 = nn.Identity()  # the layer scales of other models of open_clip
        self.ln_2 = nn.LayerNorm(width, eps)
        wide = _EXPANSION * width
        parts = {
            "c_fc": nn.Linear(width, wide),
            "gelu": nn.GELU(),
            "c_proj": nn.Linear(wide, width),
        }
        self.mlp = nn.Sequential(OrderedDict(parts))
        self.ls_2 = nn.Identity()

    def forward(self, tokens: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        """[B, n, width] to the same; the mask [n, n] is added to the attention's scores."""
        normal = self.ln_1(tokens)
        mask = None if attn_mask is None else attn_mask.to(normal.dtype)
        mixed = self.attn(normal, normal, normal, need_weights=False, attn_mask=mask)[0]
        tokens = tokens + self.ls_1(mixed)
        output: Tensor = tokens + self.ls_2(self.mlp(self.ln_2(tokens)))
        return output


class Transformer(nn.Module):
    """Blocks, one after another.

    Args:
        width: Of a token.
        heads: Attention heads of each block.
        layers: Number of blocks.
        eps: What the layer norms add to the variance.
    """

    def __init__(self, width: int, heads: int, layers: int, eps: float = EPS) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, heads, eps) for _ in range(layers))

    def forward(self, tokens: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        """[B, n, width] to the same."""
        for block in self.resblocks:
            tokens = block(tokens, attn_mask)
        return tokens


class VisionTransformer(nn.Module):
    """A ViT that reads its result at a class token.

    Args:
        embed_dim: e.
        settings: ``vision_cfg`` of open_clip.
        preprocessing: ``preprocess_cfg`` of open_clip.
    """

    def __init__(
        self, embed_dim: int, settings: dict[str, Any], preprocessing: dict[str, Any]
    ) -> None:
        super().__init__()
        width, side, patch = settings["width"], settings["image_size"], settings["patch_size"]
        self.image_size = (side, side)
        self.preprocess_cfg = preprocessing
        self.image_mean, self.image_std = preprocessing["mean"], preprocessing["std"]
        self.conv1 = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty((side // patch) ** 2 + 1, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, width // settings["head_width"], settings["layers"])
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, embed_dim))

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings [B, e] of normalised pixels [B, 3, S, S]."""
        output: Tensor = self._pool(self.transformer(self._embeds(pixels)))[0] @ self.proj
        return output

    # as in open_clip, for methods that run the blocks themselves

    def _embeds(self, pixels: Tensor) -> Tensor:
        """The input of the first block: [B, n, width]."""
        patches = self.conv1(pixels).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_embedding.expand(len(patches), 1, -1), patches], dim=1)
        normal: Tensor = self.ln_pre(tokens + self.positional_embedding)
        return normal

    def _pool(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The class token [B, width] of the last block's output, and the others."""
        normal = self.ln_post(tokens)
        return normal[:, 0], normal[:, 1:]


class TwoTowers(nn.Module):
    """An image tower and a causal text tower, without initial weights.

    Args:
        visual: From normalised pixels to embeddings [B, e].
        embed_dim: e.
        settings: ``text_cfg`` of open_clip; ``norm_eps`` if the layer norms add another number to
            the variance.
    """

    def __init__(self, visual: nn.Module, embed_dim: int, settings: dict[str, Any]) -> None:
        super().__init__()
        width, length = settings["width"], settings["context_length"]
        self.visual = visual
        self.context_length, self.vocab_size = length, settings["vocab_size"]
        eps = settings.get("norm_eps", EPS)
        self.transformer = Transformer(width, settings["heads"], settings["layers"], eps)
        rows = torch.empty(self.vocab_size, width)
        self.token_embedding = nn.Embedding.from_pretrained(rows)  # type: ignore[no-untyped-call]
        self.positional_embedding = nn.Parameter(torch.empty(length, width))
        self.ln_final = nn.LayerNorm(width, eps)
        self.text_projection = nn.Parameter(torch.empty(width, embed_dim))
        self.text_pool_type = "argmax"
        self.attn_mask: Tensor
        mask = torch.full((length, length), float("-inf")).triu(1)
        self.register_buffer("attn_mask", mask, persistent=False)
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def encode_image(self, image: Tensor, normalize: bool = False) -> Tensor:
        """Image embeddings [B, e]."""
        embedding: Tensor = self.visual(image)
        return F.normalize(embedding, dim=-1) if normalize else embedding

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Text embeddings [T, e] of CLIP's token ids [T, L], L at most 77, all texts ended."""
        length = text.shape[1]
        tokens = self.token_embedding(text) + self.positional_embedding[:length]
        tokens = self.transformer(tokens, attn_mask=self.attn_mask[:length, :length])
        tokens = self.ln_final(tokens)
        last = tokens[torch.arange(len(text), device=text.device), text.argmax(-1)]
        embedding: Tensor = last @ self.text_projection
        return F.normalize(embedding, dim=-1) if normalize else embedding
