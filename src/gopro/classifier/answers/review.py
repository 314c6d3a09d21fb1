"""The pictures that are most worth labelling, and a page to label them on.

A picture is worth a label if the classifier is uncertain about it, and if it isn't like another
one that gets a label. Uncertain is a small margin between the two best names (Scheffer et al.,
"Active Hidden Markov Models for Information Extraction", 2001). Of the most uncertain pictures, ten
for each one wanted (as in Zhdanov, "Diverse mini-batch Active Learning", 2019), those are chosen
one after the other whose

    (1 - margin) * distance to the nearest chosen picture

is largest, a weighted k-center greedy choice (Sener and Savarese, "Active Learning for
Convolutional Neural Networks: A Core-Set Approach", ICLR 2018). The distance is 1 - cosine of image
embeddings.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import os
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from gopro.classifier.answers.answer import Answer
from gopro.common.errors import GoproError
from gopro.common.files import write_text
from gopro.common.text import counted
from gopro.data.images import open_image
from gopro.results.pages.page import data_uri, template

if TYPE_CHECKING:
    from gopro.classifier.embedder import Embeddings

_CANDIDATES = 10
"""Uncertain pictures to choose from, for each one that is wanted."""

_SIDE = 480
"""Longer side of a picture on the page in pixels."""

_SUGGESTED = 5
"""Class names with a button of their own; the others are in a list."""


def choose(
    answers: Iterable[Answer], number: int, embed: Callable[[list[str]], Embeddings]
) -> list[Answer]:
    """The answers to the pictures that are most worth labelling, the most valuable first.

    Args:
        answers: Read one by one; pictures that can't be read are left out.
        number: How many to choose.
        embed: Unit image embeddings [M, e] of pictures.
    """
    readable = (answer for answer in answers if not answer.error)
    pool = heapq.nsmallest(_CANDIDATES * number, readable, key=lambda answer: answer.margin)
    if not pool:
        return []
    embeddings = embed([answer.picture for answer in pool])
    uncertain = np.array([1 - answer.margin for answer in pool])
    distance = np.full(len(pool), 2.0)
    chosen: list[int] = []
    while len(chosen) < min(number, len(pool)):
        worth = uncertain * distance
        worth[chosen] = -1
        best = int(worth.argmax())
        chosen.append(best)
        distance = np.minimum(distance, 1 - embeddings @ embeddings[best])
    return [pool[index] for index in chosen]


def write(path: Path, answers: Sequence[Answer], names: Sequence[str], title: str) -> None:
    """Write the page: one picture after the other, with the names to choose from.

    What is chosen there is saved as ``corrections.csv``, which ``gopro fit --corrections`` reads.

    Args:
        path: The file.
        answers: The pictures to show, and what the classifier says about them.
        names: All class names.
        title: The headline.

    Raises:
        GoproError: When it can't be written.
    """
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    pictures = [
        {
            "picture": os.path.abspath(answer.picture),  # noqa: PTH100 - links stay as they are
            "shown": answer.picture,
            "image": _thumbnail(answer.picture),
            "ranked": [
                {"name": name, "percent": round(100 * share)}
                for name, share in answer.ranked[:_SUGGESTED]
            ],
        }
        for answer in answers
    ]
    text = template("review.html").render(
        title=title,
        lead=f"{counted(len(answers), 'picture')}, the most uncertain and unlike each other.",
        data={"pictures": pictures, "names": sorted(names)},
        script=Markup(script),  # nosec B704  # a file of this package
        digest=digest,
    )
    write_text(path, text)


def _script() -> str:
    """The page's script; the page allows no other, by its SHA-256."""
    folder = resources.files("gopro.results.pages") / "templates"
    return (folder / "review.js").read_text(encoding="utf-8")


def _thumbnail(picture: str) -> str:
    try:
        image = open_image(picture, _SIDE)
    except GoproError:  # removed since it was answered
        return ""
    image.thumbnail((_SIDE, _SIDE))
    return str(data_uri(np.asarray(image)))
