"""A term added to the attention's query, key and value, by hooks on the layers that make them.

For towers whose attention has these layers as modules, as timm's and those of transformers do. The
attention of open_clip has none; ``low_rank`` computes that itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor, nn

from gopro.backbones.passes import Passes

Added = Callable[[int, Tensor], Tensor]
"""Number of a block, counted from 0, and its attention's input [.., n, d] -> [.., n, 3 d]."""

_NAMES = (
    ("qkv",),
    ("q_proj", "k_proj", "v_proj"),
    ("query", "key", "value"),
    ("q", "k", "v"),
)


@dataclass
class _Pass:
    added: Added
    parts: dict[int, tuple[Tensor, ...]] = field(default_factory=dict)


class AttentionTerms:
    """Adds terms in chosen passes of a tower.

    Args:
        blocks: Its blocks.
        width: d.

    Attributes:
        possible: Whether every block has these layers.
    """

    def __init__(self, blocks: Sequence[nn.Module], width: int) -> None:
        self._passes: Passes[_Pass] = Passes()
        layers = [_projections(block, width) for block in blocks]
        self.possible = bool(layers) and all(layers)
        if not self.possible:
            return
        for index, block in enumerate(blocks):
            for module in block.modules():
                if getattr(module, "q_bias", None) is not None and hasattr(module, "qkv"):
                    # EVA's attention calls its layer, and with it the hook, only in this case
                    module.qkv_bias_separate = True  # type: ignore[assignment]
            for part, layer in enumerate(layers[index]):
                which = None if len(layers[index]) == 1 else part
                layer.register_forward_hook(partial(self._add, index, which))

    def adding(self, added: Added) -> AbstractContextManager[Any]:
        """Add this term in all passes in this context and thread."""
        return self._passes.entering(_Pass(added))

    def _add(
        self, index: int, part: int | None, module: nn.Module, args: tuple[Any, ...], output: Tensor
    ) -> Tensor | None:
        current = self._passes.current
        if current is None:
            return None
        if part is None:
            return output + current.added(index, args[0])
        if part == 0:  # one call for the three, which draws dropout as for one layer
            current.parts[index] = current.added(index, args[0]).chunk(3, dim=-1)
        return output + current.parts[index][part]


def _projections(block: nn.Module, width: int) -> list[nn.Linear]:
    """The layers of query, key and value, or the one of all three; empty if there are none."""
    for names in _NAMES:
        layers = {name.rpartition(".")[2]: module for name, module in block.named_modules()}
        chosen = [layers[name] for name in names if isinstance(layers.get(name), nn.Linear)]
        size = 3 * width // len(names)
        if len(chosen) == len(names) and all(one.out_features == size for one in chosen):
            return chosen
    return []
