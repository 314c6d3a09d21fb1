"""What a training step must do at least, and how fast this machine could do that.

Operations: every multiplication and addition of the matrix products that the losses and their
gradients need, no token computed that can't matter and nothing computed twice. Bytes: the weights,
read once in each direction, and the activations that the gradient needs, written and read once.
Element-wise work, which costs time as well, is in neither: the floor is a floor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gopro.backbones import Backbone

_KEPT = 9  # what the gradient needs of a token and block, in widths: 2 norms, q, k, v, GELU's 4


@dataclass(frozen=True)
class Work:
    """Floating-point operations, and bytes."""

    operations: float
    bytes: float

    def __add__(self, other: Work) -> Work:
        return Work(self.operations + other.operations, self.bytes + other.bytes)


@dataclass(frozen=True)
class Rates:
    """What the machine does in a second: operations of matrix products, bytes copied."""

    operations: float
    bytes: float

    def seconds(self, work: Work) -> float:
        """The time that the scarcer of the two takes."""
        return max(work.operations / self.operations, work.bytes / self.bytes)


def image_pass(backbone: Backbone, images: int) -> Work:
    """A pass of a ViT's image tower without gradient."""
    visual: Any = backbone.image_encoder.visual
    width, layers = int(visual.conv1.out_channels), len(backbone.image_encoder.layers)
    patch = int(visual.conv1.kernel_size[0])
    tokens = 1 + (backbone.image_size // patch) ** 2
    block = 24 * tokens * width**2 + 4 * tokens**2 * width
    ends = 2 * (tokens - 1) * 3 * patch**2 * width + 2 * width * backbone.embed_dim
    item = torch.finfo(backbone.dtype).bits // 8
    weights = item * sum(p.numel() for p in visual.parameters())
    return Work(images * (layers * block + ends), weights)


def text_step(backbone: Backbone, prompts: int, context: int, lengths: Sequence[int]) -> Work:
    """Text embeddings of ``prompts`` contexts for all classes, and the gradient in the contexts.

    The weights are frozen, so the way back costs a linear map what the way there costs, and
    attention twice as much. What stands before the context doesn't depend on it, nor does the
    first block's key and value of a class token: those are computed once for all prompts.

    Args:
        backbone: Gives the sizes.
        prompts: Images times views.
        context: M.
        lengths: Tokens of each class, end-of-text counted.
    """
    texts = backbone.text_encoder
    width, layers = texts.width, len(texts.blocks)
    own, classes = sum(lengths), len(lengths)
    pairs = sum(length * (length + 1) // 2 + length * (1 + context) for length in lengths)
    ends = sum(length + 1 + context for length in lengths)  # what the last tokens attend to
    prefix = context * (context + 3) // 2
    # query, key and value 6, output 2, feed-forward 16, times tokens times width squared
    early = (layers - 1) * 24 * (context + own) - 6 * own
    last = 4 * (context + own) + (2 + 2 + 16) * classes
    linear = prompts * width**2 * (early + last) + 6 * own * width**2
    projection = prompts * 2 * classes * width * backbone.embed_dim
    attention = prompts * 4 * width * ((layers - 1) * (pairs + prefix) + ends)
    item = torch.finfo(backbone.dtype).bits // 8
    weights = item * sum(p.numel() for block in texts.blocks for p in block.parameters())
    kept = item * _KEPT * width * (layers - 1) * prompts * (context + own)
    return Work(2 * (linear + projection) + 3 * attention, 2 * weights + 2 * kept)


def measure(dtype: torch.dtype, device: torch.device, width: int) -> Rates:
    """The machine's best rates, in the process that is measured.

    Args:
        dtype: Of the matrices.
        device: Where they lie.
        width: Of the towers: products of their shape are tried beside a large square one.
    """
    best = 0.0
    for rows, inner, columns in ((2048, 2048, 2048), (1024, width, 4 * width)):
        a = torch.randn(rows, inner, device=device).to(dtype)
        b = torch.randn(columns, inner, device=device).to(dtype)
        seconds = _fastest(lambda a=a, b=b: torch.nn.functional.linear(a, b))  # type: ignore[misc]
        best = max(best, 2 * rows * inner * columns / seconds)
    source = torch.randn(64 * 2**20 // 4, device=device)
    target = torch.empty_like(source)
    copied = 2 * source.numel() * 4 / _fastest(lambda: target.copy_(source))
    return Rates(best, copied)


def _fastest(work: Callable[[], object], repetitions: int = 8) -> float:
    times = []
    for _ in range(repetitions):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times)
