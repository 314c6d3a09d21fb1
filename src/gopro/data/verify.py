"""Whether a data set is here and whole: quickly by its folders, or picture by picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from gopro.common.errors import GoproError
from gopro.data.catalog import KNOWN
from gopro.data.dataset import Dataset, Item


@dataclass(frozen=True)
class State:
    """What is here of a known set.

    Attributes:
        state: ``partial`` where its folder is there and can't be used, or holds fewer pictures
            than were published.
        images: Pictures in the splits; those published where the set can't be read.
        problem: What is wrong, in a line; empty where nothing is.
    """

    state: Literal["built in", "here", "partial", "missing"]
    images: int
    problem: str = ""


def state(name: str, root: Path) -> State:
    """Look whether a known set is below ``root``: folders are listed, no picture is opened."""
    known = KNOWN[name]
    published = sum(known.counts)
    if not known.folders:
        return State("built in", published)
    if known.home(root) is None:
        return State("missing", published)
    try:
        dataset = known.load(name, root)
    except GoproError as error:
        return State("partial", published, str(error))
    found = sum(counts(dataset))
    if found < published:
        return State("partial", found, f"{found:,} of {published:,} published pictures")
    return State("here", found)


def counts(dataset: Dataset) -> tuple[int, int, int]:
    """Pictures of train, val and test."""
    return len(dataset.train), len(dataset.val), len(dataset.test)


def differs_from_published(dataset: Dataset) -> str:
    """How a known set's splits differ from the published ones, in a line; empty where they don't.

    A set without a published split may hold more pictures than were published, not fewer.
    """
    known = KNOWN.get(dataset.name)
    if known is None:
        return ""
    found = counts(dataset)
    if len(known.counts) == 1:
        whole = sum(found) >= known.counts[0]
        found_text, published = f"{sum(found):,}", f"{known.counts[0]:,}"
    else:
        whole = found == known.counts
        found_text, published = (
            " / ".join(f"{count:,}" for count in numbers) for numbers in (found, known.counts)
        )
    if whole:
        return ""
    return f"{dataset.name} has {found_text} pictures, {published} were published"


def broken(
    dataset: Dataset, advance: Callable[[str], None] = lambda note: None, workers: int | None = None
) -> list[str]:
    """Open every picture of the splits; gives what is wrong with those that can't be used.

    Args:
        dataset: The set.
        advance: Called after each picture, with what to show.
        workers: Threads; None for one per core.
    """

    def problem(item: Item) -> str:
        try:
            dataset.open(item)
        except GoproError as error:
            return str(error)
        return ""

    problems: list[str] = []
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for some in _pieces([*dataset.train, *dataset.val, *dataset.test], 64 * workers):
            for found in pool.map(problem, some):
                if found:
                    problems.append(found)
                advance(f"{len(problems)} broken" if problems else "")
    return problems


def _pieces(items: list[Item], size: int) -> Iterator[list[Item]]:
    """Bounded work in flight: a set may hold a million pictures."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
