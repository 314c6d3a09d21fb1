"""The probes learn from a few embeddings."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from recipes.mini import evaluate, probe

from gopro.backbones.mini import load as mini


def test_a_free_head_learns_its_shots_and_a_strong_decay_holds_it() -> None:
    generator = torch.Generator().manual_seed(0)
    images = F.normalize(torch.randn(24, 16, generator=generator), dim=-1)
    labels = torch.arange(24) % 4
    start = F.normalize(torch.randn(4, 16, generator=generator), dim=-1)
    free = probe.head(images, labels, start, scale=20.0, decay=0.001)
    assert evaluate.accuracy(images, free, labels) == 100.0
    held = probe.head(images, labels, start, scale=20.0, decay=1e6)
    torch.testing.assert_close(held, start, atol=1e-3, rtol=0)


def test_coop_lowers_the_loss_on_its_shots() -> None:
    model = mini.load()
    names = ["dog", "horse", "house"]
    judge = evaluate.Judge(model)
    images = judge.zero_shot(names, "a line drawing of the {} at night.")
    labels = torch.arange(3)
    scale = float(model.logit_scale.detach().exp())

    def loss(classes: torch.Tensor) -> float:
        return float(F.cross_entropy(scale * images @ classes.T, labels))

    before = judge.zero_shot(names)
    torch.testing.assert_close(
        probe.coop(model, images, labels, names, seed=1, steps=0)(names), before
    )
    learned = probe.coop(model, images, labels, names, seed=1, steps=25, batch=2)(names)
    assert loss(learned) < 0.9 * loss(before)


def test_each_class_counts_the_same() -> None:
    classes = torch.eye(2)
    images = torch.tensor([[1.0, 0], [1, 0], [1, 0], [1, 0]])
    labels = torch.tensor([0, 0, 0, 1])
    assert evaluate.accuracy(images, classes, labels) == 75.0
    assert evaluate.accuracy_by_class(images, classes, labels) == 50.0
