"""Learned prompts among the tokens of a ViT image tower, open_clip's or timm's.

With E the embedded tokens of an image (class token and patches, with positions), x_l the output of
block l for them, z_l its output for the prompts, and p_0, p_1, ... prompts of P learned tokens,

    [x_1, z_1] = block_1(pre-norm([E, p_0]))
    [x_l, z_l] = block_l([x_(l-1), p_(l-1)])   if there is a p_(l-1),
    [x_l, z_l] = block_l([x_(l-1), z_(l-1)])   after the last one,

and the rest of the tower is unchanged. VPT-shallow (Jia et al., ECCV 2022) has p_0 only, VPT-deep
one for each block, MaPLe and PromptSRC some. VPT puts the prompts after the class token, the others
at the end; the result is the same, because a block does not depend on the order of its tokens. A
tower that averages its tokens averages the prompts too, as in VPT's code.

Prompts can also enter later, before block k > 1 (MMRL's representation tokens): the blocks before
it see the image alone, there is no pre-norm for the prompts, and p_(k-1) is the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gopro.backbones.passes import Passes
from gopro.common.errors import GoproError


@dataclass
class _Pass:
    """One pass of the tower.

    Attributes:
        prompts: One [P, d_v] for each block from ``first`` on.
        first: The block before which they enter, counted from 0.
        image_tokens: Number of tokens without prompts; set when the prompts enter.
        outputs: The last block's outputs for the prompts, [B, P, d_v]; set when it ran.
    """

    prompts: Sequence[Tensor]
    first: int = 0
    image_tokens: int = 0
    outputs: Tensor | None = None


class VisualPrompts:
    """Inserts prompts into chosen passes of an ``open_clip`` image tower.

    Args:
        visual: The tower.
        name: The model's name, for messages.

    Attributes:
        blocks: The tower's blocks; empty if it takes no prompts.
        norm: Its final norm, for outputs of the last block.
    """

    def __init__(self, visual: Any, name: str) -> None:
        self.name = name
        self.norm: Callable[[Tensor], Tensor] = _final_norm(visual)
        self.blocks: list[nn.Module] = []
        self.reason = ""
        self._passes: Passes[_Pass] = Passes()
        trunk = getattr(visual, "trunk", None)
        if hasattr(visual, "transformer"):
            self.blocks = list(visual.transformer.resblocks)
            visual.ln_pre.register_forward_pre_hook(self._append)
        elif trunk is not None and _is_timms(trunk, "VisionTransformer", "Eva"):
            self.blocks = list(trunk.blocks)
            getattr(trunk, "norm_pre", self.blocks[0]).register_forward_pre_hook(self._append)
        elif trunk is not None and hasattr(trunk, "blocks") and hasattr(trunk.blocks[0], "attn"):
            self.reason = f" that take more tokens: it is timm's {type(trunk).__name__}"
        for index, block in enumerate(self.blocks):
            if index:
                block.register_forward_pre_hook(partial(self._replace, index))
            if _is_timms(trunk, "Eva"):
                block.register_forward_pre_hook(self._unrotated, with_kwargs=True)
        if self.blocks:
            self.blocks[-1].register_forward_hook(self._keep_outputs)

    def check(self, method: str, depth: int) -> None:
        """Check that ``depth`` blocks can have prompts.

        Raises:
            GoproError: If the tower is no ViT, or has fewer blocks.
        """
        if not self.blocks:
            raise GoproError(
                f"{method} learns prompts among the tokens of a ViT, and the image tower of "
                f"{self.name} has no transformer blocks{self.reason}; choose a backbone such as "
                "ViT-B-16, or another --method"
            )
        if not 1 <= depth <= len(self.blocks):
            raise GoproError(
                f"got prompts for {depth} blocks of the image tower; {self.name} has "
                f"{len(self.blocks)}: choose from 1 to {len(self.blocks)}"
            )

    def entering(self, prompts: Sequence[Tensor], first: int = 0) -> AbstractContextManager[_Pass]:
        """Use these prompts in all passes in this context and thread, from block ``first`` on."""
        return self._passes.entering(_Pass(prompts, first))

    def _append(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        current = self._passes.current
        if current is None or current.first > 0:
            return None
        tokens, *rest = args
        current.image_tokens = tokens.shape[1]
        return _joined(tokens, current.prompts[0]), *rest

    def _replace(
        self, index: int, module: nn.Module, args: tuple[Any, ...]
    ) -> tuple[Any, ...] | None:
        current = self._passes.current
        number = -1 if current is None else index - current.first
        if current is None or not 0 <= number < len(current.prompts):
            return None
        tokens, *rest = args
        if number == 0:
            current.image_tokens = tokens.shape[1]
        return _joined(tokens[:, : current.image_tokens], current.prompts[number]), *rest

    def _keep_outputs(self, module: nn.Module, args: Any, output: Tensor) -> None:
        current = self._passes.current
        if current is not None:
            current.outputs = output[:, current.image_tokens :]

    def _unrotated(
        self, module: nn.Module, args: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """EVA rotates query and key of each patch by its place; prompts have none."""
        current, rope = self._passes.current, options.get("rope")
        if current is None or rope is None or not current.image_tokens:
            return None
        added, half = args[0].shape[1] - current.image_tokens, rope.shape[-1] // 2
        still = torch.cat([rope.new_zeros(half), rope.new_ones(half)])  # sine and cosine of 0
        rows = still.expand(*rope.shape[:-2], added, -1)
        return args, {**options, "rope": torch.cat([rope, rows], dim=-2)}


def _is_timms(trunk: Any, *names: str) -> bool:
    """Whether a network is one of these classes of timm, which is slow to load."""
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(trunk).__mro__}
    return any(("timm", name) in kinds for name in names)


def _final_norm(visual: Any) -> Callable[[Tensor], Tensor]:
    """The norm after the last block; one without weights if the tower has none of this width."""
    trunk = getattr(visual, "trunk", None)
    owner, names = (visual, ("ln_post",)) if trunk is None else (trunk, ("norm", "fc_norm"))
    # not a local function: a classifier is pickled with its backbone
    return partial(_normed, [getattr(owner, name, None) for name in names])


def _normed(norms: Sequence[Any], tokens: Tensor) -> Tensor:
    """Tokens after the first of the norms that has weights of their width."""
    for one in norms:
        weight = getattr(one, "weight", None)
        if one is not None and weight is not None and weight.shape == tokens.shape[-1:]:
            result: Tensor = one(tokens)
            return result
    return F.layer_norm(tokens, list(tokens.shape[-1:]))


def _joined(tokens: Tensor, prompts: Tensor) -> Tensor:
    """[B, N + P, d_v] of [B, N, d_v] and [P, d_v]."""
    return torch.cat([tokens, prompts.to(tokens.dtype).expand(len(tokens), -1, -1)], dim=1)
