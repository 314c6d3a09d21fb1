"""Frozen text embeddings of sentences about each class, for the setting ``texts``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gopro.backbones import Backbone
from gopro.data.texts import read_texts


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
    embeddings = backbone.encode_class_names(sentences, "{}")
    if unit:
        embeddings = F.normalize(embeddings, dim=-1)
    place = {text: index for index, text in enumerate(sentences)}
    means = [embeddings[[place[text] for text in row]].mean(dim=0) for row in rows]
    return F.normalize(torch.stack(means), dim=-1)
