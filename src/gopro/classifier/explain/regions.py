"""Occlusion: the image regions that support a prediction.

A square of the picture's mean colour is moved over the picture, and the drop of the prediction is
measured at each position. This needs no gradients, works for any image encoder and any method, and
measures the complete path from pixels to probabilities.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gopro.methods.base import Method
from gopro.prediction.encode import encode
from gopro.prediction.predict import scores

CELLS = 8
"""Cells along a side of the map."""

SPAN = 2
"""Cells along a side of the square that hides a region."""

_RIVALS = 4


@torch.no_grad()
def occlusion(method: Method, pixels: Tensor, batch: int = 64) -> tuple[str, Tensor]:
    """How much each cell of a picture supports the most likely class.

    The drop at a position is the decrease of the log-probability of that class, in a softmax over
    this class and its four nearest rivals. A cell gets the mean over the squares that cover it.

    Args:
        method: Computes the logits.
        pixels: [3, S, S] in [0, 1], not normalised.
        batch: Pictures per step.

    Returns:
        The class name, and [CELLS, CELLS], above 0 where hiding lowers the prediction.
    """
    first = scores(method, encode(method, pixels[None], cached=False))[0]
    top = first.topk(min(1 + _RIVALS, len(first))).indices.tolist()
    top_method = method.for_classes([method.class_names[index] for index in top])
    positions = [(y, x) for y in range(CELLS - SPAN + 1) for x in range(CELLS - SPAN + 1)]
    hidden = torch.stack([pixels, *(_hide(pixels, *position) for position in positions)])
    logits = scores(top_method, encode(top_method, hidden, batch, cached=False), batch)
    logs = logits.log_softmax(dim=1)[:, 0].cpu()
    total, count = torch.zeros(CELLS, CELLS), torch.zeros(CELLS, CELLS)
    for (y, x), drop in zip(positions, logs[0] - logs[1:], strict=True):
        total[y : y + SPAN, x : x + SPAN] += drop
        count[y : y + SPAN, x : x + SPAN] += 1
    return method.class_names[top[0]], total / count


def _hide(pixels: Tensor, y: int, x: int) -> Tensor:
    side = pixels.shape[-1]
    rows = slice(round(y * side / CELLS), round((y + SPAN) * side / CELLS))
    columns = slice(round(x * side / CELLS), round((x + SPAN) * side / CELLS))
    hidden = pixels.clone()
    hidden[:, rows, columns] = pixels.mean(dim=(1, 2), keepdim=True)
    return hidden


def in_words(regions: Tensor) -> str:
    """Where the support is strongest, as text: "middle left, upper centre"."""
    thirds = torch.nn.functional.adaptive_avg_pool2d(regions.clamp(min=0)[None], 3).flatten()
    if not thirds.any():
        return "nowhere in particular"
    ranked = thirds.argsort(descending=True, stable=True).tolist()
    strong = [index for index in ranked if thirds[index] >= thirds.max() / 2][:3]
    rows, columns = ("upper", "middle", "lower"), ("left", "centre", "right")
    return ", ".join(
        "centre" if index == 4 else f"{rows[index // 3]} {columns[index % 3]}" for index in strong
    )
