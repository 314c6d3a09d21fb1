"""All that a run learns from, in memory: features, names, captions and what the teachers say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import torch
import torch.nn.functional as F
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from recipes.lite import pictures, teacher, words
from recipes.lite.alter import KINDS
from recipes.lite.words import Lexicon
from torch import Tensor

from gopro.backbones.lite.network import network

NAME_TEMPLATES = ("a photo of a {}.", "a picture of a {}.", "the {}.", "{}")


@dataclass
class Material:
    """What the tasks draw from.

    Args:
        features: Pooled features [n, 1280] of all copies.
        picture: [n], which photograph a copy is of.
        kind: [n], how it was altered, by its place in ``KINDS``.
        source: [photographs], the number of the source each came from.
        captions: For each photograph its captions; none for those without.
        classifier: The network's rows [1000, 1280] and
        offset: its biases.
        lexicon: The tokens.
        names: Nouns that no picture need show.
        targets: Their unit vectors in the text teachers' space, [n, 512].
        word_rows: MiniLM's embeddings [n, 384] of them in a prompt, and
        meant_rows: of their definitions, or the same again where none is known.
        name_rows: MiniLM's embeddings of all names of the 1000 classes, class by class.
        caption_rows: MiniLM's embeddings of all captions, photograph by photograph.
        anchors: Those of the 1000 ImageNet names.
        watch: Whole photographs that nothing learns from, and
        watch_captions: their captions.
        look: More of the kind, without captions.
    """

    features: Tensor
    picture: Tensor
    kind: Tensor
    source: Tensor
    captions: list[list[str]]
    classifier: Tensor
    offset: Tensor
    lexicon: Lexicon
    names: list[str]
    targets: Tensor
    word_rows: Tensor
    meant_rows: Tensor
    anchors: Tensor
    name_rows: Tensor
    caption_rows: Tensor
    watch: Tensor
    watch_captions: list[list[str]]
    look: Tensor

    @property
    def captioned(self) -> list[int]:
        """Photographs with captions."""
        return [number for number, texts in enumerate(self.captions) if texts]

    def caption_places(self, photograph: int) -> range:
        """Where the captions of a photograph stand in ``caption_rows``."""
        return range(
            self._ends[photograph] - len(self.captions[photograph]), self._ends[photograph]
        )

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(len(texts) for texts in self.captions))


def gather(data: Path, cache: Path, vocabulary: Path) -> Material:
    """Read everything; what MiniLM says is computed where the cache lacks it."""
    model = network()
    known = words.captions(data / "flickr8k" / "captions.csv")
    features, owners, kinds, texts = [], [], [], []
    origins: list[int] = []
    for number, source in enumerate(("flickr", "caltech", "tiny")):
        if not any((cache / "features").glob(f"{source}-*")):
            continue
        pool = pictures.load(data, cache / "features", source)
        features.append(pool.features)
        owners.append(pool.picture + len(texts))
        kinds.append(pool.kind)
        origins += [number] * len(pool.names)
        texts += [known.get(name, []) if source == "flickr" else [] for name in pool.names]
    watch = pictures.load(data, cache / "features", "watch")
    clip_names, clip_rows = words.clip_names(vocabulary)
    lexicon = _lexicon(texts, clip_names)
    nouns, meanings = words.defined(lexicon)
    minilm = cache / "text"
    plain = teacher.embedded(minilm, "clip", [words.ANCHOR.format(name) for name in clip_names])
    anchors = teacher.embedded(
        minilm, "inet", [words.ANCHOR.format(name) for name in IMAGENET_CLASSNAMES]
    )
    meant = teacher.embedded(minilm, "nouns", meanings)
    prompted = teacher.embedded(minilm, "words", [words.ANCHOR.format(name) for name in nouns])
    every = [name for names in words.synonyms() for name in names]
    named = [
        teacher.embedded(minilm, f"names-{number}", [template.format(name) for name in every])
        for number, template in enumerate(NAME_TEMPLATES)
    ]
    matrix, mean = teacher.towards_clip(plain, clip_rows)
    clip_unit = F.normalize(clip_rows, dim=-1)
    rows = [F.normalize(clip_unit - clip_unit.mean(0), dim=-1)]
    # definitions have another mean than names have
    rows.append(F.normalize((meant - meant.mean(0)) @ matrix, dim=-1))
    return Material(
        torch.cat(features),
        torch.cat(owners),
        torch.cat(kinds),
        torch.tensor(origins),
        texts,
        model.classifier.weight.detach().clone(),
        model.classifier.bias.detach().clone(),
        lexicon,
        [*clip_names, *nouns],
        torch.cat(rows),
        torch.cat([plain, prompted]),
        torch.cat([plain, meant]),
        F.normalize((anchors - mean) @ matrix, dim=-1),
        F.normalize(torch.stack(named).mean(0), dim=-1),
        teacher.embedded(minilm, "captions", [f"{text}." for each in texts for text in each]),
        watch.features,
        [known[name] for name in watch.names],
        pictures.load(data, cache / "features", "look").features,
    )


def _lexicon(texts: list[list[str]], clip_names: list[str]) -> Lexicon:
    """Every token of names and prompts; of captions those that occur three times."""
    sentences = [name for names in words.synonyms() for name in names]
    sentences += [*clip_names, *words.PLAIN_TEMPLATES]
    sentences += [template for templates in KINDS.values() for template in templates]
    return Lexicon(sentences, [text for each in texts for text in each])
