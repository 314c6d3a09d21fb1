"""Which regions of a picture an answer rests on: occlusion.

A square of the picture's mean colour is moved over it, and each place is charged with how much the
answer suffers. It takes no gradient, holds for any tower and any method, and shows what the whole
way from pixels to probabilities does.
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
"""Cells along a side of the square that hides."""

_RIVALS = 4


@torch.no_grad()
def occlusion(method: Method, pixels: Tensor, batch: int = 64) -> tuple[str, Tensor]:
    """How much each cell of a picture supports the most likely class.

    The loss of a place is the fall of the log-probability of that class among it and its four
    nearest rivals; a cell gets the mean over the squares that cover it.

    Args:
        method: Answers.
        pixels: [3, S, S] in [0, 1], not normalised.
        batch: Pictures per step.

    Returns:
        The class's name, and [CELLS, CELLS], above 0 where hiding hurts the answer.
    """
    first = scores(method, encode(method, pixels[None], cached=False))[0]
    chosen = first.topk(min(1 + _RIVALS, len(first))).indices.tolist()
    narrow = method.for_classes([method.class_names[place] for place in chosen])
    places = [(y, x) for y in range(CELLS - SPAN + 1) for x in range(CELLS - SPAN + 1)]
    hidden = torch.stack([pixels, *(_hide(pixels, *place) for place in places)])
    logits = scores(narrow, encode(narrow, hidden, batch, cached=False), batch)
    logs = logits.log_softmax(dim=1)[:, 0].cpu()
    total, count = torch.zeros(CELLS, CELLS), torch.zeros(CELLS, CELLS)
    for (y, x), loss in zip(places, logs[0] - logs[1:], strict=True):
        total[y : y + SPAN, x : x + SPAN] += loss
        count[y : y + SPAN, x : x + SPAN] += 1
    return method.class_names[chosen[0]], total / count


def _hide(pixels: Tensor, y: int, x: int) -> Tensor:
    side = pixels.shape[-1]
    rows = slice(round(y * side / CELLS), round((y + SPAN) * side / CELLS))
    columns = slice(round(x * side / CELLS), round((x + SPAN) * side / CELLS))
    hidden = pixels.clone()
    hidden[:, rows, columns] = pixels.mean(dim=(1, 2), keepdim=True)
    return hidden


def in_words(map_: Tensor) -> str:
    """Where the support is strongest, for people who read: "middle left, upper centre"."""
    thirds = torch.nn.functional.adaptive_avg_pool2d(map_.clamp(min=0)[None], 3)[0]
    if not thirds.any():
        return "nowhere in particular"
    ranked = thirds.flatten().argsort(descending=True, stable=True).tolist()
    strong = [place for place in ranked if thirds.flatten()[place] >= thirds.max() / 2][:3]
    rows, columns = ("upper", "middle", "lower"), ("left", "centre", "right")
    return ", ".join(
        "centre" if place == 4 else f"{rows[place // 3]} {columns[place % 3]}" for place in strong
    )
