"""Whether a data set is installed and complete; optionally checks every image."""

from __future__ import annotations

import os
from collections.abc import Callable
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
    """The state of a data set of the catalog on this machine.

    Attributes:
        state: ``partial`` when its folder exists but can't be read, or has fewer images than
            published.
        images: Number of images in the splits; the published number when the set can't be read.
        problem: The problem in one line; empty if there is none.
    """

    state: Literal["built in", "here", "partial", "missing"]
    images: int
    problem: str = ""


def state(name: str, root: Path) -> State:
    """The state of a data set of the catalog in ``root``; lists folders, but opens no image."""
    known = KNOWN[name]
    published = sum(known.size.counts)
    if not known.folders:
        return State("built in", published)
    if known.home(root) is None:
        return State("missing", published)
    try:
        dataset = known.load(name, root)
    except GoproError as error:
        return State("partial", published, str(error))
    images = sum(counts(dataset))
    if images < published:
        return State("partial", images, f"{images:,} of {published:,} published pictures")
    return State("here", images)


def counts(dataset: Dataset) -> tuple[int, int, int]:
    """Number of images in train, val and test."""
    return len(dataset.train), len(dataset.val), len(dataset.test)


def differs_from_published(dataset: Dataset) -> str:
    """How the sizes of a set's splits differ from the published ones; empty if they don't.

    A set without a published split may have more images than published, but not fewer.
    """
    known = KNOWN.get(dataset.name)
    if known is None:
        return ""
    here: tuple[int, ...] = counts(dataset)
    wanted = known.size.counts
    if len(wanted) == 1:
        here = (sum(here),)
    if here == wanted or (len(wanted) == 1 and here > wanted):
        return ""
    got, published = (" / ".join(f"{n:,}" for n in numbers) for numbers in (here, wanted))
    return f"{dataset.name} has {got} pictures, {published} were published"


def broken(
    dataset: Dataset, advance: Callable[[str], None] = lambda note: None, workers: int | None = None
) -> list[str]:
    """Open every image of the splits; returns the error messages of unreadable ones.

    Args:
        dataset: The data set.
        advance: Called after each image, with a note for the progress bar.
        workers: Number of threads; None for one per core.
    """

    def problem(item: Item) -> str:
        try:
            dataset.open(item)
        except GoproError as error:
            return str(error)
        return ""

    problems: list[str] = []
    workers = workers or os.cpu_count() or 1
    remaining = iter([*dataset.train, *dataset.val, *dataset.test])
    with ThreadPoolExecutor(workers) as pool:
        # in chunks, so that the pool never has a million images in its queue
        while chunk := list(islice(remaining, 64 * workers)):
            for message in pool.map(problem, chunk):
                if message:
                    problems.append(message)
                advance(f"{len(problems)} broken" if problems else "")
    return problems
