"""The minimum work of a training step, and the time that this machine needs for it.

Operations: the multiplications and additions of all matrix products that the losses and their
gradients need, without tokens that cannot matter and without repetition. Bytes: the weights, read
once forward and once backward, and the activations that the gradient needs, written and read once.
Element-wise work is not counted, so the real minimum is higher.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gopro.backbones import Backbone

_KEPT = 9  # activations kept per token and block, in widths: 2 norms, q, k, v, 4 of GELU


@dataclass(frozen=True)
class Work:
    """Floating-point operations and bytes."""

    operations: float
    bytes: float

    def __add__(self, other: Work) -> Work:
        return Work(self.operations + other.operations, self.bytes + other.bytes)


@dataclass(frozen=True)
class Rates:
    """Matrix-product operations and copied bytes per second of this machine."""

    operations: float
    bytes: float

    def seconds(self, work: Work) -> float:
        """The time of the slower of the two."""
        return max(work.operations / self.operations, work.bytes / self.bytes)


def image_pass(backbone: Backbone, images: int) -> Work:
    """A pass of a ViT image encoder without gradient."""
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

    The weights are frozen. So the backward pass of a linear map costs as much as its forward pass,
    and that of attention twice as much. Tokens before the context do not depend on it, and neither
    do the keys and values of class tokens in the first block: they are computed once for all
    prompts.

    Args:
        backbone: Gives the sizes.
        prompts: Images times views.
        context: M.
        lengths: Tokens of each class, including end-of-text.
    """
    texts = backbone.text_encoder
    width, layers = texts.width, len(texts.blocks)
    own, classes = sum(lengths), len(lengths)
    pairs = sum(length * (length + 1) // 2 + length * (1 + context) for length in lengths)
    ends = sum(length + 1 + context for length in lengths)  # tokens that the last tokens attend to
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
    """The highest rates of this machine, measured in the same process.

    Args:
        dtype: Of the matrices.
        device: Of the matrices.
        width: Of the encoders: a product of their shape is timed, and a large square one.
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
