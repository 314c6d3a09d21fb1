"""What a step learns: one of four tasks, each a text pass and cheap image features.

``names``: the network's own probabilities over the 1000 ImageNet names. ``captions``: photographs
against their captions. ``words``: neighbourhoods of words by teachers that know text alone.
``kinds``: which of several altered copies a prompt speaks of.
"""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from recipes.lite.alter import KINDS, NAMES
from recipes.lite.material import Material
from recipes.lite.model import Learner
from recipes.lite.translator import Told
from recipes.lite.words import ANCHOR, PLAIN_TEMPLATES, synonyms
from torch import Tensor

MASKED = -1e4
CLASSES = 1000
SHARPNESS = 12.0
# how many features are pushed towards a class, and how many standard deviations at most
PUSHED = 0.35
FURTHEST = 6.0


class Tasks:
    """Draws batches and computes losses.

    Args:
        learner: What learns.
        material: What from.
        absent: ImageNet classes whose names are never read, to measure names that are new.
        seed: Of the draws.
    """

    told: Told | None = None
    """What the translator says of each text, once it is known."""
    weight = 0.0
    """Of the distance to it."""

    def __init__(
        self, learner: Learner, material: Material, absent: tuple[int, ...] = (), seed: int = 0
    ) -> None:
        self.learner, self.material = learner, material
        self.random = random.Random(seed)
        self.synonyms = synonyms()
        called = torch.tensor([len(names) for names in self.synonyms])
        # where each class's names begin among all names
        self.first_name = called.cumsum(0) - called
        self.captioned = material.captioned
        width = learner.text.text_projection.shape[1]
        # the names' latest text embeddings: what a step doesn't read it takes from here
        self.bank = F.normalize(torch.randn(CLASSES, width), dim=-1)
        self.filled = torch.zeros(CLASSES, dtype=torch.bool)
        self.taught = torch.tensor([c for c in range(CLASSES) if c not in set(absent)])
        # the latest captions, as more wrong answers for each picture
        self.queue = torch.zeros(0, width)
        self.queue_owner = torch.zeros(0, dtype=torch.long)
        self.plain = (material.kind == 0).nonzero().flatten()
        origin = material.source[material.picture[self.plain]]
        # each source as often as the others, however many pictures it has
        self.shares = 1 / origin.bincount().clamp(min=1).float()[origin]
        self.copies: list[list[int]] = [[] for _ in material.captions]
        for row, owner in enumerate(material.picture.tolist()):
            self.copies[owner].append(row)
        self.of_kind = [
            (material.kind == number).nonzero().flatten() for number in range(len(KINDS))
        ]
        centred = material.features[self.plain] - learner.mean
        covariance = centred.T @ centred / len(centred)
        towards = material.classifier @ covariance
        spread = (towards * material.classifier).sum(1, keepdim=True).sqrt()
        # one standard deviation of a class's score, the way features vary along with it
        self.towards = towards / spread

    def scores(self, features: Tensor) -> Tensor:
        """What the network itself says, before its softmax."""
        return features @ self.material.classifier.T + self.material.offset

    def features(self, count: int) -> Tensor:
        """Features of plain copies, of mixtures of two, and some pushed towards a random class.

        The network's answer to each is exact, for it is linear in them.
        """
        rows = self.plain[torch.multinomial(self.shares, 2 * count, replacement=True)].view(2, -1)
        share = torch.where(torch.rand(count, 1) < 0.5, torch.rand(count, 1) * 0.5, 0.0)
        found = self.material.features[rows[0]].lerp(self.material.features[rows[1]], share)
        push = torch.rand(count, 1) * FURTHEST * (torch.rand(count, 1) < PUSHED)
        classes = torch.randint(CLASSES, (count,))
        return (found + push * self.towards[classes]).clamp_(min=0)

    def answered(self, count: int) -> tuple[Tensor, Tensor]:
        """Features [count, 1280] and what the network says of them, before its softmax."""
        features = self.features(count)
        return features, self.scores(features)

    def names(self, images: int = 256, classes: int = 96) -> Tensor:
        """Distillation: the scores of names against the network's probabilities, over all names."""
        features, said = self.answered(images)
        said = said[:, self.taught]
        strong = said.topk(3).indices.flatten().bincount(minlength=len(self.taught))
        drawn = torch.multinomial(strong.clamp(max=4).float() + 0.15, classes)
        rows = self.taught[drawn]
        template = ANCHOR if self.random.random() < 0.4 else self.random.choice(PLAIN_TEMPLATES)
        known = [self.synonyms[row] for row in rows.tolist()]
        which = [
            self.random.randrange(len(names)) if self.random.random() < 0.25 else 0
            for names in known
        ]
        texts = self.learner.texts(
            [template.format(names[each]) for names, each in zip(known, which, strict=True)]
        )
        self._keep(rows, texts)
        every = self.bank.clone()
        every[rows] = texts
        here = self.taught[self.filled[self.taught]]
        place = torch.full((CLASSES,), -1)
        place[self.taught] = torch.arange(len(self.taught))
        asked = self.learner.logit_scale.exp() * self.learner.images(features) @ every[here].T
        target = said[:, place[here]].softmax(1)
        loss = F.kl_div(asked.log_softmax(1), target, reduction="batchmean")
        return loss + self._distance(
            texts, "names", (self.first_name[rows] + torch.tensor(which)).tolist()
        )

    def captions(self, photographs: int = 64, others: int = 384) -> Tensor:
        """Contrast, with more pictures and the latest captions as wrong answers."""
        learner, material = self.learner, self.material
        owners = self.random.sample(self.captioned, min(photographs, len(self.captioned)))
        more = self.random.sample(self.captioned, min(others, len(self.captioned)))
        owner = torch.tensor(owners)
        features = self._some_copy(owners)
        seen = learner.images(features)
        places = [self.random.choice(material.caption_places(o)) for o in owners]
        said = [
            material.captions[o][place - material.caption_places(o).start]
            for o, place in zip(owners, places, strict=True)
        ]
        texts = learner.texts([self._said(caption) for caption in said])
        scale = learner.logit_scale.exp()
        extra, extra_owner = learner.images(self._some_copy(more)), torch.tensor(more)
        to_image = scale * texts @ torch.cat([seen, extra]).T
        same = torch.cat([owner, extra_owner])[None] == owner[:, None]
        own = torch.arange(len(owners))
        same[own, own] = False
        loss = F.cross_entropy(to_image.masked_fill(same, MASKED), own)
        to_text = scale * seen @ torch.cat([texts, self.queue]).T
        same = torch.cat([owner, self.queue_owner])[None] == owner[:, None]
        same[own, own] = False
        loss = loss + F.cross_entropy(to_text.masked_fill(same, MASKED), own)
        self.queue = torch.cat([texts.detach(), self.queue])[:448]
        self.queue_owner = torch.cat([owner, self.queue_owner])[:448]
        return loss / 2 + self._distance(texts, "captions", places)

    def words(self, count: int = 96) -> Tensor:
        """A word's neighbours among the others and among ImageNet's names, as the teachers say."""
        material = self.material
        rows = torch.randint(len(material.names), (count,))
        rows[: count // 3] = torch.randint(min(2068, len(material.names)), (count // 3,))
        rows = rows.unique()
        template = ANCHOR if self.random.random() < 0.4 else self.random.choice(PLAIN_TEMPLATES)
        texts = self.learner.texts([template.format(material.names[row]) for row in rows.tolist()])
        here = self.taught[self.filled[self.taught]]
        bank = self.bank[here]
        centre = bank.mean(0)
        ours = F.normalize(texts - centre, dim=-1)
        named = F.normalize(bank - centre, dim=-1)
        real = material.targets[rows]
        asked = SHARPNESS * ours @ named.T
        told = SHARPNESS * real @ material.anchors[here].T
        loss = F.kl_div(asked.log_softmax(1), told.softmax(1), reduction="batchmean")
        hidden = torch.eye(len(rows), dtype=torch.bool)
        asked = (SHARPNESS * ours @ ours.T).masked_fill(hidden, MASKED)
        told = (SHARPNESS * real @ real.T).masked_fill(hidden, MASKED)
        loss = loss + F.kl_div(asked.log_softmax(1), told.softmax(1), reduction="batchmean")
        return loss + self._distance(texts, "words", rows.tolist())

    def kinds(self, kinds: int = 7, classes: int = 10, images: int = 20) -> Tensor:
        """Copies of several kinds against prompts that say the kind and a class.

        What class it is the network says of the whole, unaltered photograph.
        """
        learner, material = self.learner, self.material
        chosen = [0, *self.random.sample(range(1, len(KINDS)), kinds - 1)]
        rows = torch.cat(
            [of[torch.randint(len(of), (images,))] for of in (self.of_kind[k] for k in chosen)]
        )
        wholes = torch.tensor([self.copies[o][0] for o in material.picture[rows].tolist()])
        said = self.scores(material.features[wholes])[:, self.taught]
        strong = said.topk(2).indices.flatten().bincount(minlength=len(self.taught))
        drawn = torch.multinomial(strong.float() + 1e-3, classes)
        names = [IMAGENET_CLASSNAMES[self.taught[row]] for row in drawn.tolist()]
        prompts = [self.random.choice(KINDS[NAMES[kind]]) for kind in chosen]
        texts = learner.texts([prompt.format(name) for prompt in prompts for name in names])
        asked = learner.logit_scale.exp() * learner.images(material.features[rows]) @ texts.T
        of_class = said[:, drawn].softmax(1)
        target = torch.zeros(len(rows), kinds, classes)
        place = torch.arange(kinds).repeat_interleave(images)
        target[torch.arange(len(rows)), place] = of_class
        return F.kl_div(asked.log_softmax(1), target.flatten(1), reduction="batchmean")

    def _distance(self, texts: Tensor, part: str, rows: list[int]) -> Tensor:
        """Mean squared distance to what the translator says, weighted; 0 where there is none."""
        if self.told is None:
            return texts.new_zeros(())
        said = getattr(self.told, part)[torch.tensor(rows)]
        return self.weight * (texts - said).square().sum(1).mean()

    def _keep(self, rows: Tensor, texts: Tensor) -> None:
        self.bank[rows] = texts.detach()
        self.filled[rows] = True

    def _some_copy(self, owners: list[int]) -> Tensor:
        """Features of one copy of each, now and then altered, now and then between two copies."""
        draws = [self.random.choices(self.copies[owner], k=2) for owner in owners]
        rows = torch.tensor(draws).T
        share = torch.rand(len(owners), 1) * 0.5
        return self.material.features[rows[0]].lerp(self.material.features[rows[1]], share)

    def _said(self, caption: str) -> str:
        """A caption as it is, a part of it, or with words left out."""
        way = self.random.random()
        words = caption.split()
        if way < 0.8 or len(words) < 6:
            return caption if self.random.random() < 0.5 else f"{caption}."
        if way < 0.9:
            start = self.random.randrange(0, len(words) - 4)
            stop = self.random.randrange(start + 4, len(words) + 1)
            return " ".join(words[start:stop])
        kept = [word for word in words if self.random.random() > 0.2]
        return " ".join(kept)
