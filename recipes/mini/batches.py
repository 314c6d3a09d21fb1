"""One training batch: randomly altered pictures, their captions, and which captions are true."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from open_clip import SimpleTokenizer
from recipes.mini import augment
from recipes.mini.captions import describe, kind_of, prompt
from recipes.mini.pictures import Pictures
from torch import Tensor


class Lexicon:
    """The tokens that occur in training, numbered without gaps.

    Args:
        sentences: Text that contains every word used in training.

    Attributes:
        ids: Their numbers in CLIP's vocabulary, sorted, int64 [rows].
    """

    def __init__(self, sentences: list[str]) -> None:
        self._tokenizer = SimpleTokenizer()
        self._known: dict[str, list[int]] = {}
        ends = (0, self._tokenizer.sot_token_id, self._tokenizer.eot_token_id)
        found = set(ends).union(*(self._tokenizer.encode(text) for text in sentences))
        self.ids = torch.tensor(sorted(found))
        self._row = {token: row for row, token in enumerate(self.ids.tolist())}
        self._start, self._end = self._row[ends[1]], self._row[ends[2]]

    def tokens(self, texts: list[str]) -> Tensor:
        """Embedding rows of each text, int64 [texts, longest]; end-of-text is the largest."""
        coded = []
        for text in texts:
            if text not in self._known:
                if len(self._known) > 200_000:
                    self._known.clear()
                self._known[text] = [self._row[token] for token in self._tokenizer.encode(text)]
            coded.append(self._known[text])
        out = torch.zeros(len(texts), max(map(len, coded)) + 2, dtype=torch.long)
        for line, row in zip(out, coded, strict=True):
            line[: len(row) + 2] = torch.tensor([self._start, *row, self._end])
        return out


@dataclass
class Batch:
    """The inputs of one step: B pictures, K captions, P class prompts.

    Attributes:
        images: float [B, 3, side, side] in [0, 1].
        captions: Tokens of the captions, [K, L].
        captioned: The picture of each caption, [K].
        true: Whether caption k is true of picture i, [B, K].
        prompts: Tokens of "a photo of a CLASS.", or of another kind of picture, [P, L].
        target: The prompt of each picture, [B].
        clash: Whether prompt p is also true of picture i, but is not its target, [B, P].
        trust: Weight of the prompt loss of each picture; 0 if it is of another kind, [B].
        partner: The picture whose part was pasted in, [B]; itself if there is none.
        share: Fraction of each picture that is its own, [B].
        teacher: Features to predict, [B, 256].
        has_teacher: Whether a picture has such features, [B].
    """

    images: Tensor
    captions: Tensor
    captioned: Tensor
    true: Tensor
    prompts: Tensor
    target: Tensor
    clash: Tensor
    trust: Tensor
    partner: Tensor
    share: Tensor
    teacher: Tensor
    has_teacher: Tensor


class Batches:
    """Draws batches. The same step of the same seed always gives the same batch.

    Args:
        pictures: All training pictures.
        lexicon: For the tokens.
        size: Pictures per batch. An eighth of them are second copies of others with different
            alterations, so a batch always contains the same picture with a different true caption.
            Half of the pictures get a caption, including these pairs. More captions would help
            little, and the text encoder costs as much as the image encoder.
        absent: Number of prompts of classes that are not in the batch.
        side: Side of the model's input in pixels.
        seed: Of all random choices; different in each process.
    """

    def __init__(
        self,
        pictures: Pictures,
        lexicon: Lexicon,
        size: int,
        absent: int,
        side: int,
        seed: tuple[int, ...],
    ) -> None:
        self.pictures, self.lexicon = pictures, lexicon
        self.size, self.absent, self.side, self.seed = size, absent, side, seed
        self._sum = np.cumsum(pictures.weight / pictures.weight.sum())
        self._fits = pictures.vocabulary.fits()
        self._word = {word: row for row, word in enumerate(pictures.vocabulary.words())}

    def __call__(self, step: int) -> Batch:
        rng = np.random.default_rng((*self.seed, step))
        words = random.Random(int(rng.integers(2**62)))
        torch_rng = torch.Generator().manual_seed(int(rng.integers(2**62)))
        twins = self.size // 8
        fresh = self.size - twins
        index = np.searchsorted(self._sum, rng.random(fresh)).clip(max=len(self.pictures) - 1)
        index = np.concatenate([index, index[:twins]])
        label = self.pictures.label[index]
        before = self.pictures.slots[index]
        captioned = np.concatenate([np.arange(3 * twins), np.arange(fresh, self.size)])
        told = np.isin(np.arange(self.size), captioned)
        often = np.where(told, 0.5, 0.15)
        often[fresh:] = 1.0
        slots, window = augment.choose(before, self.pictures.built_in[index], often, rng)
        pixels = torch.from_numpy(self.pictures.pixels(index))
        images = augment.render(pixels, slots, before, window, self.side, torch_rng)
        classes = self.pictures.vocabulary.classes
        wider = self.pictures.vocabulary.wider
        captions = [
            describe(classes[c], wider[c], row, words)
            for c, row in zip(label[captioned].tolist(), slots[captioned].tolist(), strict=True)
        ]
        said = np.array([caption.said for caption in captions])
        fits = self._fits[[self._word[caption.word] for caption in captions]]  # [captions, classes]
        true = fits[:, label].T & ((said[None] == -1) | (said[None] == slots[:, None])).all(-1)
        # all prompts of a batch are of one kind, and "photo" is used for photographs only: context
        # words that are true of every picture would leave nothing for prompt learning to choose
        kind, of_kind = kind_of(slots[rng.integers(self.size)].tolist(), words)
        prompts, target, clash = self._prompts(label, kind, rng, words)
        known = np.array(of_kind) == -1
        other = ((slots != np.array(of_kind)) & ~known).any(1)
        altered = ((slots != before) & known).any(1)
        trust = torch.from_numpy(np.where(other, 0.0, np.where(altered, 0.3, 1.0))).float()
        images, partner, share = augment.pasted(images, np.flatnonzero(~told), rng)
        teacher = F.normalize(torch.from_numpy(self.pictures.teacher[index]).float(), dim=-1)
        return Batch(
            images,
            self.lexicon.tokens([caption.text for caption in captions]),
            torch.from_numpy(captioned),
            torch.from_numpy(true),
            prompts,
            target,
            clash,
            trust * (trust[partner] > 0),
            partner,
            share,
            share[:, None] * teacher + (1 - share)[:, None] * teacher[partner],
            teacher.any(1) & teacher[partner].any(1),
        )

    def _prompts(
        self,
        label: NDArray[np.int64],
        kind: str,
        rng: np.random.Generator,
        words: random.Random,
    ) -> tuple[Tensor, Tensor, Tensor]:
        classes = self.pictures.vocabulary.classes
        present = np.unique(label)
        others = np.setdiff1d(np.arange(len(classes)), present)
        others = rng.permutation(others)[: self.absent]
        shown = np.concatenate([present, others])
        chosen = [
            classes[c][0] if words.random() < 0.75 else words.choice(classes[c])
            for c in shown.tolist()
        ]
        target = np.searchsorted(present, label)
        clash = self._fits[[self._word[word] for word in chosen]][:, label].T
        clash[np.arange(len(label)), target] = False
        tokens = self.lexicon.tokens([prompt(word, kind) for word in chosen])
        return tokens, torch.from_numpy(target), torch.from_numpy(clash)
