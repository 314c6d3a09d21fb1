"""Sentences about each class, for the setting ``texts``, and their frozen text embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.text import readable
from gopro.data.texts import read_texts


def class_sentences(
    backbone: Backbone, names: Sequence[str], templates: Sequence[str], file: str | None
) -> list[tuple[str, ...]]:
    """The sentences about each class: those of a file, or templates filled with its name.

    Args:
        backbone: All sentences must fit into its text encoder.
        names: Class names.
        templates: Sentences with {} for the class name.
        file: See ``read_texts``; replaces the templates.

    Raises:
        GoproError: If the file can't be used, a class has no sentences in it, a name is empty,
            or a sentence is too long.
    """
    if file is not None:
        rows = read_texts(file, names)
        backbone.sentence_ids([sentence for row in rows for sentence in row])
        return rows
    longest = max(templates, key=lambda template: len(backbone.tokens.encode(template)))
    backbone.class_tokens(names, 0, longest)
    return [tuple(one.replace("{}", readable(name)) for one in templates) for name in names]


def text_means(backbone: Backbone, file: str, names: Sequence[str], *, unit: bool = True) -> Tensor:
    """Unit means [C, e] of the embeddings of each class's sentences.

    Args:
        backbone: Its text encoder is used.
        file: See ``read_texts``.
        names: Class names.
        unit: Whether each sentence's embedding is made a unit vector before the mean.

    Raises:
        GoproError: If the file can't be used, a class has no sentences in it, or one is too long.
    """
    rows = read_texts(file, names)
    sentences = list(dict.fromkeys(text for row in rows for text in row))
    embeddings = backbone.encode_sentences(sentences)
    if unit:
        embeddings = F.normalize(embeddings, dim=-1)
    place = {text: index for index, text in enumerate(sentences)}
    means = [embeddings[[place[text] for text in row]].mean(dim=0) for row in rows]
    return F.normalize(torch.stack(means), dim=-1)
