"""Learned prompts among the tokens of a ViT image tower.

With E the embedded tokens of an image (class token and patches, positions added), x_l what block l
makes of its input, and p_0, p_1, ... the prompts, P learned tokens each,

    [x_1, z_1] = block_1(pre-norm([E, p_0]))
    [x_l, z_l] = block_l([x_(l-1), p_(l-1)])   where there is a p_(l-1),
    [x_l, z_l] = block_l([x_(l-1), z_(l-1)])   behind the last one,

and the tower goes on as it does without prompts. One p_0 is VPT-shallow (Jia et al., ECCV 2022),
one for each block VPT-deep, some of them what MaPLe and PromptSRC do. VPT puts the prompts behind
the class token, the others at the end: to a block, which knows no order of its tokens, it is the
same. A tower that averages its tokens averages the prompts too, as VPT's code does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gopro.common.errors import GoproError


@dataclass
class _Pass:
    """One pass of the tower.

    Attributes:
        prompts: One [P, d_v] for each of the first blocks.
        own: How many tokens the tower has without prompts; known once they are embedded.
    """

    prompts: Sequence[Tensor]
    own: int = 0


class VisualPrompts:
    """Puts prompts into the passes of an ``open_clip`` image tower that ask for them.

    Args:
        visual: The tower.
        name: The model's name, for messages.
    """

    def __init__(self, visual: Any, name: str) -> None:
        self.name = name
        self.blocks: list[nn.Module] = []
        # by thread, so that a server may encode for several clients at once
        self._passes: dict[int, _Pass] = {}
        if hasattr(visual, "transformer"):
            self.blocks = list(visual.transformer.resblocks)
            visual.ln_pre.register_forward_pre_hook(self._append)
            for index, block in enumerate(self.blocks[1:], start=1):
                block.register_forward_pre_hook(partial(self._replace, index))

    def check(self, method: str, depth: int) -> None:
        """See whether so many blocks can have prompts of their own.

        Raises:
            GoproError: When the tower is a ResNet, or has fewer blocks.
        """
        if not self.blocks:
            raise GoproError(
                f"{method} learns prompts among the tokens of a ViT, and the image tower of "
                f"{self.name} is a ResNet; choose a backbone such as ViT-B-16, or another --method"
            )
        if not 1 <= depth <= len(self.blocks):
            raise GoproError(
                f"got prompts for {depth} blocks of the image tower; {self.name} has "
                f"{len(self.blocks)}: choose from 1 to {len(self.blocks)}"
            )

    @contextmanager
    def entering(self, prompts: Sequence[Tensor]) -> Iterator[None]:
        """Passes of the tower in this context, on this thread, have these prompts."""
        thread = threading.get_ident()
        self._passes[thread] = _Pass(prompts)
        try:
            yield
        finally:
            del self._passes[thread]

    def _append(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        under_way = self._passes.get(threading.get_ident())
        if under_way is None:
            return None
        tokens, *rest = args
        under_way.own = tokens.shape[1]
        return _joined(tokens, under_way.prompts[0]), *rest

    def _replace(
        self, index: int, module: nn.Module, args: tuple[Any, ...]
    ) -> tuple[Any, ...] | None:
        under_way = self._passes.get(threading.get_ident())
        if under_way is None or index >= len(under_way.prompts):
            return None
        tokens, *rest = args
        return _joined(tokens[:, : under_way.own], under_way.prompts[index]), *rest


def _joined(tokens: Tensor, prompts: Tensor) -> Tensor:
    """[B, N + P, d_v] of [B, N, d_v] and [P, d_v]."""
    return torch.cat([tokens, prompts.to(tokens.dtype).expand(len(tokens), -1, -1)], dim=1)
