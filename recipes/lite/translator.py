"""From a sentence encoder's embeddings to the image space: what the text tower learns to say.

MiniLM has read far more than we can show a small text tower, but no picture. A linear map and a
small network beside it, fitted in minutes on stored embeddings of captions and of ImageNet's names,
move what it says to the space of the image features. The text tower then has a target for every
sentence, and not only the question which picture belongs to it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from recipes.lite import teacher
from recipes.lite.material import Material
from recipes.lite.words import synonyms
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gopro.common.files import atomic_write
from gopro.common.progress import bar

RATE, DECAY = 2e-3, 0.1
# the projection starts with what the classifier needs; moved little, it suits new names better
PROJECTION_RATE = 1e-4
STARTING_SCALE = 14.0
HIDDEN = 1024
PHOTOGRAPHS, FEATURES, WORDS = 512, 384, 512
WARM = 100
WORD_WEIGHT = 0.5
SHARPNESS = 12.0
Draw = Callable[[int], tuple[Tensor, Tensor]]


class Translator(nn.Module):
    """Unit vectors [n, out] of sentence embeddings [n, 384]: a linear map and a network, added."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self.line = nn.Linear(teacher.WIDTH, out)
        self.bend = nn.Sequential(
            nn.Linear(teacher.WIDTH, HIDDEN), nn.GELU(), nn.Dropout(0.3), nn.Linear(HIDDEN, out)
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Translate rows of length 1."""
        # components of about 1, and some left out, so that no caption is learnt by heart
        given = F.dropout(rows * teacher.WIDTH**0.5, 0.1, self.training)
        return F.normalize(self.line(given) + self.bend(given), dim=-1)


@dataclass
class Told:
    """What the translator says of every text, as unit vectors [n, out] of the image space.

    Args:
        captions: Of all captions, photograph by photograph.
        names: Of all names of the 1000 classes, class by class.
        words: Of all nouns.
        projection: The image projection's weight and bias, fitted with it.
        scale: The logarithm of the logit scale, fitted with it.
    """

    captions: Tensor
    names: Tensor
    words: Tensor
    projection: dict[str, Tensor]
    scale: Tensor

    def save(self, file: Path) -> None:
        """Write everything, the texts' vectors in float16."""
        tensors = {name: getattr(self, name).half() for name in ("captions", "names", "words")}
        for name, value in self.projection.items():
            tensors[f"projection.{name}"] = value
        with atomic_write(file) as temporary:
            save_file({**tensors, "scale": self.scale}, temporary)

    @classmethod
    def load(cls, file: Path) -> Told:
        """Read what ``save`` wrote."""
        stored = load_file(file)
        return cls(
            *(stored[name].float() for name in ("captions", "names", "words")),
            {name: stored[f"projection.{name}"] for name in ("weight", "bias")},
            stored["scale"],
        )


class Fitting:
    """Fits a translator and the image projection together.

    Args:
        material: What from.
        projection: The image projection; it is trained.
        mean: Of the pooled features.
        std: Of the pooled features.
        draw: Gives ``n`` features and what the network says of them.
        absent: ImageNet classes whose names are never read.
        seed: Of the start and the draws.
    """

    def __init__(
        self,
        material: Material,
        projection: nn.Linear,
        mean: Tensor,
        std: Tensor,
        draw: Draw,
        absent: tuple[int, ...] = (),
        seed: int = 0,
    ) -> None:
        self.material, self.projection, self.draw = material, projection, draw
        self.mean, self.std = mean, std
        self.random = random.Random(seed)
        self.translator = Translator(projection.out_features)
        self.scale = nn.Parameter(torch.tensor(math.log(STARTING_SCALE)))
        taught = set(range(len(material.classifier))) - set(absent)
        self.taught = torch.tensor(sorted(taught))
        called = [len(names) for names in synonyms()]
        # where each class's names begin among all names, and how many they are
        self.count = torch.tensor(called)
        self.first = self.count.cumsum(0) - self.count
        self.copies: list[list[int]] = [[] for _ in material.captions]
        for row, owner in enumerate(material.picture.tolist()):
            self.copies[owner].append(row)

    def images(self, features: Tensor) -> Tensor:
        """Unit embeddings of pooled features."""
        return F.normalize(self.projection((features - self.mean) / self.std), dim=-1)

    def loss(self) -> Tensor:
        """Captions against photographs, names as the network says, and words among each other."""
        return self._captions() + self._names() + WORD_WEIGHT * self._words()

    def fit(self, steps: int) -> Told:
        """Train for so many steps and translate everything; leaves the projection trained."""
        groups = [
            {"params": [*self.translator.parameters()], "weight_decay": DECAY},
            {
                "params": [*self.projection.parameters()],
                "weight_decay": DECAY,
                "lr": PROJECTION_RATE,
            },
            {"params": [self.scale], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=RATE)
        warm = min(WARM, max(1, steps // 10))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: (
                min(1.0, (step + 1) / warm) * (0.005 + 0.5 * (1 + math.cos(math.pi * step / steps)))
            ),
        )
        with bar("translator", steps) as advance:
            for _ in range(steps):
                loss = self.loss()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                advance(f"loss {float(loss.detach()):.2f}", 1)
        return self.told()

    @torch.no_grad()
    def told(self) -> Told:
        """What the translator says of everything."""
        material, say = self.material, self.translator.eval()
        words = F.normalize(say(material.word_rows) + say(material.meant_rows), dim=-1)
        return Told(
            say(material.caption_rows),
            say(material.name_rows),
            words,
            {name: value.clone() for name, value in self.projection.state_dict().items()},
            self.scale.detach(),
        )

    def _captions(self) -> Tensor:
        material = self.material
        owners = self.random.sample(material.captioned, min(PHOTOGRAPHS, len(material.captioned)))
        said = torch.tensor([self.random.choice(material.caption_places(o)) for o in owners])
        seen = torch.tensor([self.random.choice(self.copies[owner]) for owner in owners])
        asked = (
            self.scale.exp()
            * self.translator(material.caption_rows[said])
            @ self.images(material.features[seen]).T
        )
        own = torch.arange(len(owners))
        return (F.cross_entropy(asked, own) + F.cross_entropy(asked.T, own)) / 2

    def _names(self) -> Tensor:
        features, said = self.draw(FEATURES)
        drawn = (torch.rand(len(self.count)) * self.count).long()
        # every other time the names as they are, else synonyms
        rows = self.first + (drawn if self.random.random() < 0.5 else 0)
        texts = self.translator(self.material.name_rows[rows[self.taught]])
        asked = self.scale.exp() * self.images(features) @ texts.T
        target = said[:, self.taught].softmax(1)
        return F.kl_div(asked.log_softmax(1), target, reduction="batchmean")

    def _words(self) -> Tensor:
        """A word's neighbours among ImageNet's names, by its name or by its definition."""
        material = self.material
        rows = torch.randint(len(material.names), (WORDS,))
        known = material.word_rows if self.random.random() < 0.5 else material.meant_rows
        texts = self.translator(known[rows])
        bank = self.translator(material.name_rows[self.first[self.taught]]).detach()
        centre = bank.mean(0)
        asked = F.normalize(texts - centre, dim=-1) @ F.normalize(bank - centre, dim=-1).T
        target = material.targets[rows] @ material.anchors[self.taught].T
        return F.kl_div(
            (SHARPNESS * asked).log_softmax(1),
            (SHARPNESS * target).softmax(1),
            reduction="batchmean",
        )
