"""PromptSRC against its formulas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.common.tensors import load_tensors
from gopro.data.templates import ensemble_templates
from gopro.methods.base import Batch, Recipe
from gopro.methods.promptsrc import PromptSRC, PromptSRCSettings
from gopro.training.trainer import Interrupted, Trainer
from gopro.training.trainingset import TrainingSet
from gopro.training.views import ViewSettings
from slow_vision import plain_image
from small_clips import RESNET, close, plain_prompts, small_backbone


def promptsrc(backbone: Backbone, **options: Any) -> PromptSRC:
    torch.manual_seed(0)
    method = PromptSRC(backbone, NAMES, PromptSRCSettings(**options))
    slow.stir(method)
    return method


def literal(method: PromptSRC, batch: Batch, rest: str) -> tuple[Tensor, dict[str, Tensor]]:
    """Scores [B, C] and the loss terms."""
    backbone, images = method.backbone, batch.images["x"]
    image = plain_image(backbone, images, list(method.image_prompts))
    names = [f"{rest}{name}" for name in READ]
    text = plain_prompts(backbone, names, method.context, list(method.deep))
    image = torch.stack([slow.unit(row) for row in image])
    text = torch.stack([slow.unit(row) for row in text])
    frozen_image = torch.stack([slow.unit(row) for row in backbone.encode_image(images).embedding])
    sentences = []
    for template in ensemble_templates("imagenet")[:60]:
        filled = [template.replace("{}", name) for name in READ]
        rows = [slow.sentence(backbone, [slow.words(backbone, one)]) for one in filled]
        sentences.append(torch.stack(rows).detach())
    mean = sum(sentences[1:], sentences[0]) / 60
    frozen_text = torch.stack([slow.unit(row) for row in mean])
    wanted = slow.scores(backbone, image, text)
    frozen = slow.scores(backbone, frozen_image, frozen_text)
    divergence = torch.zeros(())
    for row, other in zip(wanted, frozen, strict=True):
        p, q = torch.exp(other - other.max()), torch.exp(row - row.max())
        p, q = p / p.sum(), q / q.sum()
        divergence = divergence + (p * (p.log() - q.log())).sum()
    return wanted, {
        "ce": slow.cross_entropy(wanted, batch.labels),
        "text": (text - frozen_text).abs().sum() / text.numel(),
        "image": (image - frozen_image).abs().sum() / image.numel(),
        "logits": divergence / wanted.numel(),
    }


@pytest.mark.parametrize(
    ("options", "rest", "depths", "weights"),
    [
        ({}, "", (2, 2), (25, 10, 1)),
        (
            {"n_ctx": 2, "n_ctx_vision": 3, "depth": 1, "image_depth": 3, "w_logits": 0.5},
            "of a ",
            (1, 3),
            (25, 10, 0.5),
        ),
    ],
)
def test_formulas(
    backbone: Backbone,
    batch: Batch,
    options: dict[str, Any],
    rest: str,
    depths: tuple[int, int],
    weights: tuple[float, float, float],
) -> None:
    method = promptsrc(backbone, **options)
    assert (1 + len(method.deep), len(method.image_prompts)) == depths
    wanted, plain_terms = literal(method, batch, rest)
    close(method.logits(method.encode_image(batch.images["x"])), wanted)
    terms = method.loss(batch)
    for name, value in plain_terms.items():
        close(terms[name], value, 1e-4)
    text, image, logits = weights
    loss = plain_terms["ce"] + text * plain_terms["text"] + image * plain_terms["image"]
    loss = loss + logits * plain_terms["logits"]
    total = method.total_loss(terms)
    close(total, loss)
    for mine, plain in zip(
        slow.gradients(total, method), slow.gradients(loss, method), strict=True
    ):
        close(mine, plain, 3e-4)
    slow.check_gradients(method, batch)


def test_sentences() -> None:
    sentences = ensemble_templates("imagenet")[:60]
    assert len(set(sentences)) == 60
    assert {"a photo of a {}.", "itap of the {}."} < set(sentences)
    assert "a plushie {}." not in sentences


def test_new_names_and_state(backbone: Backbone, batch: Batch) -> None:
    method = promptsrc(backbone)
    method.loss(batch)
    slow.check_new_names(method, batch.images["x"])
    slow.check_state(method, {"context", "deep.0", "image_prompts.0", "image_prompts.1"})
    other, plain = method.for_classes(slow.NEW), torch.zeros(3, 32)
    for sentence in ensemble_templates("imagenet")[:60]:
        filled = [sentence.replace("{}", name) for name in slow.NEW]
        rows = [slow.sentence(backbone, [slow.words(backbone, one)]) for one in filled]
        plain += torch.stack(rows).detach()
    close(other.frozen_text(), torch.stack([slow.unit(row) for row in plain]))


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=6, batch=6, lr=0.02, augment="none")
    slow.check_training(promptsrc(backbone, average=False), tmp_path, recipe)


RECIPE = Recipe(epochs=4, batch=3, lr=0.05, augment="none")


def trainer(method: PromptSRC, folder: Path, recipe: Recipe = RECIPE) -> Trainer:
    generator = torch.Generator().manual_seed(5)
    pixels = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8, generator=generator)
    data = TrainingSet(pixels, torch.arange(6) % 3)
    return Trainer(method, data, recipe, folder=folder, seed=1, views=ViewSettings())


class Watched(PromptSRC):
    """Writes down its weights after each epoch, and may be interrupted then."""

    stop_after: int | None = None

    def end_epoch(self, epoch: int, epochs: int) -> None:
        self.seen = [*getattr(self, "seen", []), self.context.detach().clone()]
        super().end_epoch(epoch, epochs)
        if epoch == self.stop_after:
            raise Interrupted


def watched(backbone: Backbone, **options: Any) -> Watched:
    torch.manual_seed(0)
    return Watched(backbone, NAMES, PromptSRCSettings(depth=1, image_depth=1, **options))


def test_average_over_epochs(backbone: Backbone, tmp_path: Path) -> None:
    method = watched(backbone, mean=2.0, std=1.5)
    trainer(method, tmp_path).run()
    bells = [math.exp(-((a - 2.0) ** 2) / (2 * 1.5**2)) for a in (1, 2, 3, 4)]
    wanted = sum(bell * seen for bell, seen in zip(bells, method.seen, strict=True)) / sum(bells)
    close(method.context, wanted, 1e-6)
    assert (method.context - method.seen[-1]).abs().max() > 1e-4
    plain = watched(backbone, average=False)
    trainer(plain, tmp_path / "plain").run()
    assert torch.equal(plain.context, plain.seen[-1])
    assert torch.equal(plain.seen[2], method.seen[2])


def test_a_far_away_mean_is_the_last_epoch(backbone: Backbone, tmp_path: Path) -> None:
    method = watched(backbone, mean=1e4)
    trainer(method, tmp_path).run()
    close(method.context, method.seen[-1], 1e-6)


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_average_over_an_interruption(backbone: Backbone, tmp_path: Path, epoch: int) -> None:
    whole = watched(backbone, mean=2.0, std=1.5)
    trainer(whole, tmp_path / "whole").run()
    stopped, folder = watched(backbone, mean=2.0, std=1.5), tmp_path / "stopped"
    stopped.stop_after = epoch + 1
    with pytest.raises(Interrupted):
        trainer(stopped, folder).run()
    tensors, _ = load_tensors(folder / "checkpoint.safetensors")
    assert any(name.startswith("extra_state.") for name in tensors)
    again = watched(backbone, mean=2.0, std=1.5)
    second = trainer(again, folder)
    second.resume()
    second.run()
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_what_it_refuses(backbone: Backbone) -> None:
    with pytest.raises(GoproError, match="got w_text = -1"):
        PromptSRCSettings(w_text=-1)
    for options in ({"std": 0.0}, {"mean": float("inf")}):
        with pytest.raises(GoproError, match="standard deviation"):
            PromptSRCSettings(**options)
    with pytest.raises(GoproError, match="got 0 prompt tokens"):
        PromptSRC(backbone, NAMES, PromptSRCSettings(n_ctx_vision=0))
    with pytest.raises(GoproError, match="got prompts for 3 blocks of the text tower"):
        PromptSRC(backbone, NAMES, PromptSRCSettings(depth=3))
    resnet = small_backbone(vision=RESNET, text={"layers": 1, "context_length": 24})
    with pytest.raises(
        GoproError, match=r"promptsrc learns prompts among .* has no transformer blocks"
    ):
        PromptSRC(resnet, NAMES, PromptSRCSettings())
