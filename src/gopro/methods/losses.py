"""The self-supervised losses: visual contrastive loss (L_con), prompt consistency (L_sem).

Shape notation: B images, C classes, e embedding width. The classification loss L_ce is torch's
``cross_entropy``. A method's own terms are in its file: its ``loss`` names and computes them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from gopro.common.distributed import gather


def nt_xent(a: Tensor, b: Tensor, temperature: float = 0.1) -> Tensor:
    r"""Normalised temperature-scaled cross-entropy between two views (SimCLR's NT-Xent).

    With z_1..z_2B the rows of a and b, each divided by its norm, s_ij = z_i . z_j / temperature,
    and p(i) the row of z_i's other view:

    .. math:: \frac{1}{2B} \sum_i -\log \frac{\exp s_{i p(i)}}{\sum_{k \ne i} \exp s_{ik}}

    The positive of a row is its other view; its negatives are the 2B - 2 rows of other images. When
    several processes train together, B counts the images of all of them.
    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations",
    ICML 2020, equation 1 and algorithm 1.

    Args:
        a: Embeddings of one view, [B, e], of any norm and floating type.
        b: Embeddings of the other view, [B, e], in the same order.
        temperature: Positive; smaller values give hard negatives more weight.

    Returns:
        A float32 scalar; 0 for a single image, which has no negatives.

    Raises:
        ValueError: For shapes that differ or aren't [B, e], or a temperature of 0 or less.
    """
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(f"two views of shape [B, e] wanted, got {list(a.shape)}, {list(b.shape)}")
    if not temperature > 0:
        raise ValueError(f"a positive temperature wanted, got {temperature}")
    a, b = gather(a), gather(b)
    count = len(a)
    # in float32 without autocast: half precision overflows in the sum of exponentials
    with torch.autocast(a.device.type, enabled=False):
        rows = _unit(torch.cat([a, b]))
        similarities = rows @ rows.T / temperature
        itself = torch.eye(2 * count, dtype=torch.bool, device=rows.device)
        similarities = similarities.masked_fill(itself, -torch.inf)
        positives = torch.arange(2 * count, device=rows.device).roll(count)
        return F.cross_entropy(similarities, positives)


def consistency(t: Tensor, others: Sequence[Tensor]) -> Tensor:
    r"""Distance between the text embeddings of an image's views (L_sem).

    .. math:: \sum_o \frac{1}{B C e} \sum_{i c d} (T_{icd} - T^o_{icd})^2

    with T and T^o divided by their norms over e, so that a term is at most 4/e. Both sides get a
    gradient. Source: the released code of GOPro (arXiv 2308.11605).

    Args:
        t: Text embeddings from the prompts of x, [B, C, e].
        others: The same from other views' prompts, each [B, C, e].

    Returns:
        A float32 scalar; 0 without other views.

    Raises:
        ValueError: If the shape of a view differs from that of ``t``.
    """
    for other in others:
        if other.shape != t.shape:
            raise ValueError(f"views of shape {list(t.shape)} wanted, got {list(other.shape)}")
    unit = _unit(t)
    terms = [F.mse_loss(unit, _unit(other)) for other in others]
    return torch.stack(terms).sum() if terms else unit.new_zeros(())


def _unit(rows: Tensor) -> Tensor:
    """Divide by the norm over the last dimension in float32; a zero row stays zero.

    Dividing by the largest entry first avoids overflow and underflow of the squares. The norm is
    then at least 1, or 0 for a zero row, whose gradient stays bounded.
    """
    rows = rows.float()
    largest = rows.detach().abs().amax(dim=-1, keepdim=True)
    return F.normalize(rows / largest.where(largest > 0, 1), dim=-1, eps=0.5)
