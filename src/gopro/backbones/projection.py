"""The input of an image tower's last linear map, the projection into the shared space."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones.passes import Passes
from gopro.common.errors import GoproError

Pooling = Callable[[Tensor], Tensor]


class ProjectionInput:
    """Keeps the pooled features p of a pass, of which the tower computes ``W p + b``.

    W is ``proj`` of open_clip's ViT, the output map of its ResNet's attention pooling, the last
    linear layer of timm's networks, and ``projection`` of lite. A tower whose last layer is another
    one has no p; it has the width 0.

    Args:
        visual: The ``visual`` module of an ``open_clip`` model.
        last: The last of its layers; see ``ImageTower``.
        name: The model's name, for messages.

    Attributes:
        width: Number of pooled features.
    """

    def __init__(self, visual: Any, last: nn.Module, name: str) -> None:
        self.name = name
        self._pooling: Pooling | None = None
        self._passes: Passes[list[Tensor]] = Passes()
        linear, (self.width, pooling) = _last_linear(visual), _pooling(visual)
        if linear is not None:
            self.width = linear.in_features
            linear.register_forward_pre_hook(self._keep_input)
        elif pooling is not None:
            self._pooling = pooling
            last.register_forward_hook(self._keep_pooled)

    def entering(self) -> AbstractContextManager[list[Tensor]]:
        """Gives the list that a pass in this context and thread puts its p [B, width] into."""
        return self._passes.entering([])

    def check(self, method: str) -> None:
        """Check that there is a last linear map.

        Raises:
            GoproError: If there is none.
        """
        if not self.width:
            raise GoproError(
                f"{method} learns the linear map at the end of the image tower, and that of "
                f"{self.name} ends with another layer; choose --method linear_adapter, or a "
                "--backbone such as lite or ViT-B-16"
            )

    # methods, not local functions: a classifier is pickled with its backbone

    def _keep_input(self, module: nn.Module, arguments: Any) -> None:
        kept = self._passes.current
        if kept is not None:
            kept.append(arguments[0])

    def _keep_pooled(self, module: nn.Module, arguments: Any, output: Tensor) -> None:
        kept = self._passes.current
        if kept is not None and self._pooling is not None:
            kept.append(self._pooling(output))


def _last_linear(visual: Any) -> nn.Linear | None:
    """The last layer of lite's tower and of timm's networks, where it is linear."""
    last = getattr(visual, "projection", None)
    if hasattr(visual, "head"):  # what open_clip puts after timm's network
        parts = dict(visual.head.named_children())
        mlp = parts.get("mlp")
        last = mlp.fc2 if mlp is not None else parts.get("proj")
        if not parts:
            last = visual.trunk.get_classifier()
    return last if isinstance(last, nn.Linear) else None


def _pooling(visual: Any) -> tuple[int, Pooling | None]:
    """Width of the pooled features of open_clip's own towers, and how the last layer gives them."""
    if getattr(visual, "proj", None) is not None:
        return int(visual.proj.shape[0]), partial(_class_token, visual)
    if hasattr(visual, "attnpool"):
        return int(visual.attnpool.c_proj.in_features), partial(_attended, visual.attnpool)
    return 0, None


def _class_token(visual: Any, tokens: Tensor) -> Tensor:
    pooled: Tensor = visual._pool(tokens)[0]
    return pooled


def _attended(pool: Any, maps: Tensor) -> Tensor:
    """[B, d] of feature maps [B, d, H, W]: the attention pooling without its output map."""
    tokens = maps.flatten(2).permute(2, 0, 1)
    tokens = torch.cat([tokens.mean(dim=0, keepdim=True), tokens])
    tokens = tokens + pool.positional_embedding[:, None].to(tokens.dtype)
    query = F.linear(tokens[:1], pool.q_proj.weight, pool.q_proj.bias)
    key = F.linear(tokens, pool.k_proj.weight, pool.k_proj.bias)
    value = F.linear(tokens, pool.v_proj.weight, pool.v_proj.bias)
    query, key, value = (
        torch.unflatten(rows, -1, (pool.num_heads, -1)).permute(1, 2, 0, 3)
        for rows in (query, key, value)
    )
    return F.scaled_dot_product_attention(query, key, value).flatten(1)
