"""A term beside the blocks of an image tower, for adapters: added to the output of a block.

With LN the first norm of block l, a pass computes ``block_l(x) + beside(l, LN(x))`` where
``beside`` gives something. Text towers do the same in ``TextTower.run``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from torch import Tensor, nn

from gopro.backbones.passes import Passes

Beside = Callable[[int, Tensor], Tensor | None]
"""Number of a block, counted from 0, and its normalised input [.., n, d] -> what is added to its
output, [.., n, d]; None for nothing."""


class BesideBlocks:
    """Adds terms in chosen passes of an image tower, by hooks.

    Args:
        blocks: Its blocks.

    Attributes:
        possible: Whether there are blocks, each with a first norm.
    """

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        self._passes: Passes[Beside] = Passes()
        self._norms = [_first_norm(block) for block in blocks]
        self.possible = bool(blocks) and None not in self._norms
        for index, block in enumerate(blocks):
            block.register_forward_hook(partial(self._add, index))

    def adding(self, beside: Beside) -> AbstractContextManager[Any]:
        """Add this term in all passes in this context and thread."""
        return self._passes.entering(beside)

    def _add(self, index: int, module: nn.Module, args: Any, output: Tensor) -> Tensor | None:
        beside, norm = self._passes.current, self._norms[index]
        if beside is None or norm is None:
            return None
        term = beside(index, norm(args[0]))
        return None if term is None else output + term


def _first_norm(block: nn.Module) -> nn.Module | None:
    """open_clip's or timm's."""
    norms = (getattr(block, name, None) for name in ("ln_1", "norm1"))
    return next((norm for norm in norms if isinstance(norm, nn.Module)), None)
