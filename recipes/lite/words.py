"""What lite learns to read: ImageNet's names, WordNet's nouns, a list of CLIP's, captions.

All lists come from installed packages (open_clip, timm) or the data folder; none is of the names
of a set that lite is judged on.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip import SimpleTokenizer
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from torch import Tensor

LENGTH = 26
# of CLIP's vocabulary the most frequent tokens; all others occur in some name or caption
FREQUENT = 3000
RARE = 3

PLAIN_TEMPLATES = (
    "a photo of a {}.",
    "a photo of the {}.",
    "a photo of one {}.",
    "a photo of my {}.",
    "a good photo of a {}.",
    "a picture of a {}.",
    "an image of a {}.",
    "there is a {}.",
    "a {} in a scene.",
    "itap of a {}.",
    "the {}.",
    "a {}.",
    "{}.",
    "{}",
    "a photo of {}.",
    "a photo of a {}, seen by somebody.",
    "a photo of a nice {}.",
    "a photo of a large {}.",
)
ANCHOR = PLAIN_TEMPLATES[0]


@dataclass(frozen=True)
class Noun:
    """A noun of WordNet that ImageNet-22k has a synset of."""

    name: str
    definition: str
    synset: str


@lru_cache(maxsize=1)
def nouns() -> tuple[Noun, ...]:
    """Every name of every synset of ImageNet-22k, with its definition."""
    meanings = _table("imagenet_synset_to_definition.txt")
    return tuple(
        Noun(name.strip(), meanings.get(synset, ""), synset)
        for synset, names in _table("imagenet_synset_to_lemma.txt").items()
        for name in names.split(",")
    )


@lru_cache(maxsize=1)
def synonyms() -> tuple[tuple[str, ...], ...]:
    """For each of the 1000 ImageNet classes its name and what else it alone is called."""
    order = _read("imagenet_synsets.txt").split()
    place = {synset: index for index, synset in enumerate(order)}
    users: dict[str, set[str]] = {}
    for noun in nouns():
        users.setdefault(noun.name.lower(), set()).add(noun.synset)
    own = {name.lower() for name in IMAGENET_CLASSNAMES}
    found = [[name] for name in IMAGENET_CLASSNAMES]
    for noun in nouns():
        index = place.get(noun.synset)
        latin = noun.name[:1].isupper() and " " in noun.name
        if index is None or latin or noun.name.lower() in own:
            continue
        if len(users[noun.name.lower()]) == 1:
            found[index].append(noun.name)
    return tuple(tuple(names) for names in found)


def defined(lexicon: Lexicon, most: int = 3) -> tuple[list[str], list[str]]:
    """Short readable nouns, each once, and the same with up to two of their definitions."""
    senses: dict[str, list[str]] = {}
    for noun in nouns():
        latin = noun.name[:1].isupper() and " " in noun.name
        if not latin:
            senses.setdefault(noun.name.lower(), []).append(noun.definition)
    names = [name for name in senses if lexicon.readable(name, most)]
    return names, [f"{name}: {'; '.join(senses[name][:2])}" for name in names]


def captions(file: Path) -> dict[str, list[str]]:
    """Each photograph's captions, as they are, by file name."""
    found: dict[str, list[str]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        next(lines)
        for line in lines:
            name, _, text = line.strip().partition(",")
            if text.startswith('"'):
                text = next(csv.reader([text]))[0]
            found.setdefault(name, []).append(text.strip().removesuffix(".").strip())
    return found


def clip_names(file: Path) -> tuple[list[str], Tensor]:
    """The 2,068 names that CLIP ViT-B/32's text embeddings are known of, and these."""
    stored = np.load(file, allow_pickle=False)
    return [str(name) for name in stored["names"]], torch.from_numpy(stored["text"]).float()


class Lexicon:
    """From sentences to token numbers of the tower in training, which holds only some rows.

    Args:
        sentences: What must be readable.
        corpus: Sentences whose tokens count when they occur ``RARE`` times.
        frequent: How many frequent tokens of the vocabulary are added.
    """

    def __init__(
        self, sentences: list[str], corpus: Sequence[str] = (), frequent: int = FREQUENT
    ) -> None:
        self.tokenizer: Any = SimpleTokenizer()
        self.start, self.end = self.tokenizer.sot_token_id, self.tokenizer.eot_token_id
        met = {number for text in sentences for number in self.tokenizer.encode(text)}
        times = Counter(number for text in corpus for number in set(self.tokenizer.encode(text)))
        met.update(number for number, count in times.items() if count >= RARE)
        # 512 bytes and byte pairs come first, then merges by frequency
        met.update(range(512 + frequent))
        self.ids = torch.tensor([*sorted(met), self.start, self.end])
        self.row = {number: row for row, number in enumerate(self.ids.tolist())}
        self._known: dict[str, list[int]] = {}

    def rows(self, text: str) -> list[int]:
        """A sentence's rows with start and end, cut at ``LENGTH``; unknown tokens are left out."""
        found = self._known.get(text)
        if found is None:
            inside = [self.row[n] for n in self.tokenizer.encode(text) if n in self.row]
            inside = inside[: LENGTH - 2]
            found = [self.row[self.start], *inside, self.row[self.end]]
            if len(self._known) < 400_000:
                self._known[text] = found
        return found

    def readable(self, text: str, most: int = LENGTH) -> bool:
        """Whether it has at most so many tokens, each of which has a row."""
        numbers = self.tokenizer.encode(text)
        return len(numbers) <= most and all(number in self.row for number in numbers)


def padded(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Rows of equal length, and where each ends."""
    ends = torch.tensor([len(row) - 1 for row in rows])
    out = torch.zeros(len(rows), int(ends.max()) + 1, dtype=torch.long)
    for index, row in enumerate(rows):
        out[index, : len(row)] = torch.tensor(row)
    return out, ends


def _table(name: str) -> dict[str, str]:
    lines = _read(name).splitlines()
    return dict(line.split("\t", 1) for line in lines if "\t" in line)


def _read(name: str) -> str:
    return (resources.files("timm.data") / "_info" / name).read_text(encoding="utf-8")
