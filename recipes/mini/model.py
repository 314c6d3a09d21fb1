"""The model in training: mini with the tokens of the lexicon, and two heads for the teachers."""

from __future__ import annotations

import copy
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from open_clip.transformer import PatchDropout
from recipes.mini.batches import Batch
from torch import Tensor, nn

from gopro.backbones.mini import load as mini

MASKED = -1e4
GUIDE_WIDTH = 512


class Learner(nn.Module):
    """An ``open_clip`` CLIP of mini's shape with linear heads to the embeddings of the teachers.

    Args:
        rows: Tokens in the lexicon; during training the embedding has no others.
        drop: Fraction of image patches left out, different ones in every picture; saves time.
        shape: The architecture; by default that of the package.
    """

    def __init__(self, rows: int, drop: float = 0.5, shape: dict[str, Any] | None = None) -> None:
        super().__init__()
        shape = copy.deepcopy(shape or mini.config()["model_cfg"])
        shape["text_cfg"]["vocab_size"] = rows
        self.clip = open_clip.CLIP(**shape)
        self.clip.visual.patch_dropout = PatchDropout(drop)
        width = shape["embed_dim"]
        self.to_teacher = nn.Linear(width, 256)
        self.to_guide = nn.Linear(width, GUIDE_WIDTH)
        self.mean: Tensor
        self.std: Tensor
        preprocess = mini.config()["preprocess_cfg"]
        self.register_buffer("mean", torch.tensor(preprocess["mean"]).view(1, 3, 1, 1), False)
        self.register_buffer("std", torch.tensor(preprocess["std"]).view(1, 3, 1, 1), False)

    def image(self, images: Tensor) -> Tensor:
        """Embeddings [B, e], not normalised, of pictures in [0, 1]."""
        embedding: Tensor = self.clip.encode_image((images - self.mean) / self.std)
        return embedding

    def text(self, tokens: Tensor) -> Tensor:
        """Embeddings [T, e], not normalised, of tokens [T, L] cut at the longest sentence.

        End-of-text has the largest number in the lexicon, as in the vocabulary. It cannot attend to
        tokens after it, so the cut changes nothing.
        """
        clip, length = self.clip, tokens.shape[1]
        x = clip.token_embedding(tokens) + clip.positional_embedding[:length]
        x = clip.transformer(x, attn_mask=clip.attn_mask[:length, :length])
        x = x[torch.arange(len(x), device=x.device), tokens.argmax(-1)]
        embedding: Tensor = clip.ln_final(x) @ clip.text_projection
        return embedding

    def _in_buckets(self, tokens: Tensor, buckets: int = 4) -> Tensor:
        """Like :meth:`text`, in groups of similar length, to save padding."""
        length = tokens.argmax(-1) + 1
        order = length.argsort()
        parts = [
            self.text(tokens[rows, : int(length[rows].max())]) for rows in order.chunk(buckets)
        ]
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=order.device)
        return torch.cat(parts)[back]

    def losses(
        self, batch: Batch, guide_tokens: Tensor | None, guide: Tensor | None
    ) -> dict[str, Tensor]:
        """All loss terms, each a mean.

        ``caption``: each captioned picture against all captions, and each caption against all
        pictures; other true pairs are masked. ``prompt``: each picture against the class prompts.
        ``teacher``: 1 - cosine to the feature of the image teacher. ``guide``: 1 - cosine to CLIP's
        text embedding, and the similarities between names.
        """
        seen = self.image(batch.images)
        texts = [batch.captions, batch.prompts]
        if guide_tokens is not None:
            texts.append(guide_tokens)
        every = self._in_buckets(_stacked(texts))
        written, rest = every[: len(batch.captions)], every[len(batch.captions) :]
        unit = F.normalize(seen.float(), dim=-1)
        scale = self.clip.logit_scale.exp()
        logits = scale * unit @ F.normalize(written.float(), dim=-1).T
        own = torch.arange(len(written), device=unit.device)
        hidden = batch.true.clone()
        hidden[batch.captioned, own] = False
        logits = logits.masked_fill(hidden, MASKED)
        both = F.cross_entropy(logits[batch.captioned], own)
        both = both + F.cross_entropy(logits.T, batch.captioned)
        prompts = F.normalize(rest[: len(batch.prompts)].float(), dim=-1)
        asked = scale * unit @ prompts.T

        def cost(rows: Tensor) -> Tensor:
            """Cross-entropy of pictures against the classes in ``rows``, [B]."""
            hidden = asked.masked_fill(batch.clash[rows], MASKED)
            return F.cross_entropy(hidden, batch.target[rows], reduction="none")

        own_part = batch.share * cost(torch.arange(len(asked), device=unit.device))
        each = own_part + (1 - batch.share) * cost(batch.partner)
        # a rare kind has few pictures, and gets a weight in proportion
        trusted = batch.trust.sum().clamp(min=len(each) / 8)
        terms = {"caption": both / 2, "prompt": (each * batch.trust).sum() / trusted}
        close = F.cosine_similarity(self.to_teacher(seen).float(), batch.teacher, dim=-1)
        counted = batch.has_teacher.float()
        terms["teacher"] = ((1 - close) * counted).sum() / counted.sum().clamp(min=1)
        if guide is not None:
            names = rest[len(batch.prompts) :]
            close = F.cosine_similarity(self.to_guide(names).float(), guide, dim=-1)
            terms["guide"] = (1 - close).mean() + _geometry(names.float(), guide)
        return terms


def _stacked(texts: list[Tensor]) -> Tensor:
    longest = max(text.shape[1] for text in texts)
    return torch.cat([F.pad(text, (0, longest - text.shape[1])) for text in texts])


def _geometry(ours: Tensor, real: Tensor) -> Tensor:
    """Mean over names of KL(neighbours in CLIP || our neighbours), without the name itself.

    CLIP's text embeddings lie in a narrow cone, so they are centred first.
    """
    diagonal = torch.eye(len(ours), dtype=torch.bool, device=ours.device)
    tables = []
    for vectors in (ours, real - real.mean(0)):
        unit = F.normalize(vectors - vectors.mean(0), dim=-1)
        tables.append((8 * unit @ unit.T).masked_fill(diagonal, MASKED).log_softmax(-1))
    return F.kl_div(tables[0], tables[1], log_target=True, reduction="batchmean")
