"""Random splits for data sets without one, by the CoOp benchmark's rules.

Each class of each domain is split separately. Images are ordered by a hash of seed and key, so the
split is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gopro.data.dataset import Item
from gopro.data.fewshot import rank

SEED = 1
"""Seed of the splits that are generated for data sets of the catalog."""

Parts = Mapping[str, tuple[Item, ...]]
"""Part -> items. The parts are train, val and test; or trainval and test; or all."""


def complete(parts: Parts, seed: int = SEED) -> tuple[dict[str, tuple[Item, ...]], str]:
    """Make train, val and test, and a note on what was generated; empty if nothing was.

    Args:
        parts: ``all`` is split 50/20/30, ``trainval`` 80/20; other parts stay as they are.
        seed: Any integer; another seed gives another split.
    """
    if "all" in parts:
        drawn = split(parts["all"], {"train": 0.5, "val": 0.2}, "test", seed)
        return drawn, f"split generated 50/20/30 a class with seed {seed}"
    if "trainval" in parts:
        drawn = split(parts["trainval"], {"val": 0.2}, "train", seed)
        note = f"validation split generated, 20 % of each class, with seed {seed}"
        return {**drawn, "test": parts["test"]}, note
    return {"train": (), "val": (), "test": (), **parts}, ""


def split(
    items: Iterable[Item], shares: Mapping[str, float], rest: str, seed: int
) -> dict[str, tuple[Item, ...]]:
    """Split each class of each domain separately.

    Args:
        items: The items to split.
        shares: Part -> its fraction of each class, rounded half to even.
        rest: The part that gets the remaining items, at least one per class.
        seed: Any integer; another seed gives another split.

    Returns:
        Part -> items, class by class, sorted by key within each.
    """
    groups: dict[tuple[int, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.label, item.domain), []).append(item)
    parts: dict[str, list[Item]] = {part: [] for part in (*shares, rest)}
    for _, group in sorted(groups.items()):
        drawn = sorted(group, key=lambda item: rank(f"split{seed}", item.key))
        start = 0
        for part, share in shares.items():
            count = max(0, min(round(share * len(drawn)), len(drawn) - start - 1))
            parts[part] += sorted(drawn[start : start + count], key=lambda item: item.key)
            start += count
        parts[rest] += sorted(drawn[start:], key=lambda item: item.key)
    return {part: tuple(part_items) for part, part_items in parts.items()}
