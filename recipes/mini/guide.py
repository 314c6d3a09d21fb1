"""Names with CLIP's text embeddings: they teach the text encoder which names are similar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from recipes.mini.batches import Lexicon
from recipes.mini.names import tidy
from recipes.mini.words import GUIDE_TEMPLATES
from torch import Tensor


class Guide:
    """The training targets from a file of text embeddings.

    Args:
        file: ``names`` and ``text`` (rows x 512, any length), npz.
    """

    def __init__(self, file: Path) -> None:
        with np.load(file) as stored:
            self.names = [tidy(name.split("_(")[0]) for name in stored["names"].tolist()]
            vectors = torch.from_numpy(stored["text"].astype(np.float32))
        self.vectors = F.normalize(vectors, dim=-1)
        # all names share one large component, which would hide their differences
        self.vectors = F.normalize(self.vectors - self.vectors.mean(0), dim=-1)

    def draw(self, count: int, seed: tuple[int, ...], lexicon: Lexicon) -> tuple[Tensor, Tensor]:
        """Some names in random short sentences: tokens [count, L], embeddings [count, 512]."""
        rng = np.random.default_rng(seed)
        index = rng.permutation(len(self.names))[:count]
        forms = rng.integers(len(GUIDE_TEMPLATES), size=count)
        texts = [
            GUIDE_TEMPLATES[form].format(self.names[i])
            for i, form in zip(index.tolist(), forms.tolist(), strict=True)
        ]
        return lexicon.tokens(texts), self.vectors[torch.from_numpy(index)]
