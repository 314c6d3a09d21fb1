"""Figures of photographs that nothing learns from; none of them is of a test set."""

from __future__ import annotations

import torch
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from recipes.lite.material import Material
from recipes.lite.model import Learner
from recipes.lite.words import ANCHOR
from torch import Tensor

SURE = 0.5
RETRIEVED = 250


@torch.no_grad()
def encoded(learner: Learner, sentences: list[str], batch: int = 250) -> Tensor:
    """Unit embeddings of many sentences."""
    parts = [sentences[start : start + batch] for start in range(0, len(sentences), batch)]
    return torch.cat([learner.texts(part) for part in parts])


def recall(images: Tensor, texts: Tensor, owner: Tensor, top: int = 5) -> tuple[float, float]:
    """Recall at ``top`` in percent: of images to texts (any of its own) and of texts to images."""
    scores = images @ texts.T
    to_text = owner[scores.topk(top).indices] == torch.arange(len(images))[:, None]
    to_image = scores.T.topk(top).indices == owner[:, None]
    return (
        100 * to_text.any(1).float().mean().item(),
        100 * to_image.any(1).float().mean().item(),
    )


@torch.no_grad()
def figures(learner: Learner, material: Material, absent: tuple[int, ...] = ()) -> dict[str, float]:
    """Recall at 5 of the watched photographs, and how often lite names what the network names."""
    learner.eval()
    found = {}
    said = material.watch_captions[:RETRIEVED]
    owner = torch.tensor([number for number, texts in enumerate(said) for _ in texts])
    texts = encoded(learner, [f"{text}." for each in said for text in each])
    forth, back = recall(learner.images(material.watch[:RETRIEVED]), texts, owner)
    found["recall_to_text"], found["recall_to_image"] = forth, back
    names = encoded(learner, [ANCHOR.format(name) for name in IMAGENET_CLASSNAMES])
    for part, features in (("watch", material.watch), ("look", material.look)):
        said = (features @ material.classifier.T + material.offset).softmax(1)
        sure, theirs = said.max(1)
        same = (learner.images(features) @ names.T).argmax(1) == theirs
        found[f"same_{part}"] = 100 * same.float().mean().item()
        found[f"same_{part}_sure"] = 100 * same[sure > SURE].float().mean().item()
    if absent:  # among names that were never read, which is the picture's?
        rows = torch.tensor(absent)
        said = (material.features @ material.classifier.T + material.offset).softmax(1)
        sure, theirs = said.max(1)
        here = (torch.isin(theirs, rows) & (sure > SURE) & (material.kind == 0)).nonzero().flatten()
        asked = learner.images(material.features[here]) @ names[rows].T
        found["absent"] = 100 * (rows[asked.argmax(1)] == theirs[here]).float().mean().item()
    learner.train()
    return {name: round(value, 2) for name, value in found.items()}
