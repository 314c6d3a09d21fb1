"""Packing: the tokens of classes of different lengths, side by side without padding.

Shape notation: b images or 1, C classes, S tokens of a class, d_t text width. Packed tokens are
[b, n, d_t], with n the sum of all classes' lengths, group after group.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Group:
    """Classes whose suffixes have the same length, side by side in the packed tokens."""

    length: int
    classes: tuple[int, ...]


def token_counts(groups: tuple[Group, ...]) -> list[int]:
    """Number of packed tokens of each group."""
    return [group.length * len(group.classes) for group in groups]


def last_tokens(tokens: Tensor, groups: tuple[Group, ...]) -> Tensor:
    """The end-of-text token of each class: [b, classes, d_t] of [b, packed tokens, d_t]."""
    parts = zip(torch.split(tokens, token_counts(groups), 1), groups, strict=True)
    return torch.cat([part[:, group.length - 1 :: group.length] for part, group in parts], dim=1)


def put_before(
    tokens: Tensor, groups: tuple[Group, ...], class_tokens: Tensor
) -> tuple[Tensor, tuple[Group, ...]]:
    """Put class-specific tokens [1 or B, C, M, d_t] before the packed ones of each class."""
    batch = max(tokens.shape[0], class_tokens.shape[0])
    parts = torch.split(tokens, token_counts(groups), 1)
    joined = [
        torch.cat(
            [
                class_tokens[:, list(group.classes)].expand(batch, -1, -1, -1),
                torch.unflatten(part, 1, (-1, group.length)).expand(batch, -1, -1, -1),
            ],
            dim=2,
        ).flatten(1, 2)
        for part, group in zip(parts, groups, strict=True)
    ]
    longer = tuple(Group(group.length + class_tokens.shape[2], group.classes) for group in groups)
    return torch.cat(joined, dim=1), longer


def in_chunks(lengths: tuple[int, ...], tokens: int, extra: int = 0) -> list[tuple[Group, ...]]:
    """Sort classes by length and cut them into chunks of at most ``tokens`` tokens.

    A chunk has at least one class, and is a tuple of groups of equal length. ``extra`` tokens for
    each class are counted, because they are added later.
    """
    chunks: list[dict[int, list[int]]] = [{}]
    used = 0
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if used and used + lengths[index] + extra > tokens:
            chunks.append({})
            used = 0
        chunks[-1].setdefault(lengths[index], []).append(index)
        used += lengths[index] + extra
    return [
        tuple(Group(length, tuple(classes)) for length, classes in chunk.items())
        for chunk in chunks
    ]
