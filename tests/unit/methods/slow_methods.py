"""Shared by the tests of methods: slow formulas, and checks that hold for every method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gopro.backbones import Backbone
from gopro.methods.base import Batch, Method, Recipe
from gopro.training.trainer import Trainer
from gopro.training.trainingset import TrainingSet
from gopro.training.views import ViewSettings

NAMES = ["cat", "golden_retriever", "C-130 Hercules"]
READ = [name.replace("_", " ") for name in NAMES]
NEW = ["tree", "sailing boat on a lake", "sun"]


def unit(vector: Tensor) -> Tensor:
    return vector / vector.square().sum().sqrt()


def words(backbone: Backbone, text: str) -> Tensor:
    """Token embeddings of a text, one row per token."""
    tower: Any = backbone.model
    return tower.token_embedding.weight[backbone.tokenizer.encode(text)]


def sentence(backbone: Backbone, tokens: Sequence[Tensor]) -> Tensor:
    """The text embedding [e] of [start, tokens, end], over the full context length."""
    tower: Any = backbone.model
    embed, known = tower.token_embedding.weight, backbone.tokenizer
    rows = torch.cat([embed[[known.sot_token_id]], *tokens, embed[[known.eot_token_id]]])
    end, length = len(rows) - 1, tower.positional_embedding.shape[0]
    rows = torch.cat([rows, embed[[0] * (length - len(rows))]]) + tower.positional_embedding
    mask = torch.full((length, length), -torch.inf).triu(1)
    rows = rows[None]
    for block in tower.transformer.resblocks:
        rows = block(rows, attn_mask=mask)
    return tower.ln_final(rows)[0, end] @ tower.text_projection


def written(backbone: Backbone, template: str, names: Sequence[str] = READ) -> Tensor:
    """Unit text embeddings [C, e] of hand-written prompts."""
    texts = [template.replace("{}", name) for name in names]
    rows = [sentence(backbone, [words(backbone, text)]) for text in texts]
    return torch.stack([unit(row) for row in rows]).detach()


def scores(backbone: Backbone, images: Tensor, texts: Tensor) -> Tensor:
    """``exp(logit_scale) cos``, one pair at a time; texts [C, e], or [B, C, e] for each image."""
    scale = math.exp(backbone.model.get_parameter("logit_scale").item())
    per_image = texts if texts.dim() == 3 else texts.expand(len(images), -1, -1)
    rows = [
        torch.stack([scale * (unit(image) * unit(text)).sum() for text in classes])
        for image, classes in zip(images, per_image, strict=True)
    ]
    return torch.stack(rows)


def cross_entropy(rows: Tensor, labels: Tensor) -> Tensor:
    terms = [
        torch.log(torch.exp(row - row.max()).sum()) + row.max() - row[label]
        for row, label in zip(rows, labels, strict=True)
    ]
    return torch.stack(terms).mean()


def stir(method: Method, seed: int = 0) -> None:
    """Add noise to every parameter, so that none has its initial value."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)


def gradients(value: Tensor, method: Method) -> list[Tensor]:
    return list(torch.autograd.grad(value, list(method.parameters()), retain_graph=True))


def check_gradients(method: Method, batch: Batch) -> None:
    """Every learned parameter has a gradient; no weight of the backbone has one."""
    method.zero_grad()
    method.backward(method(batch), torch.Tensor.backward)
    for name, parameter in method.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all() and parameter.grad.any(), name
    assert all(weight.grad is None for weight in method.backbone.model.parameters())
    method.zero_grad()


def check_state(method: Method, learned: set[str]) -> None:
    """The saved tensors are the learned ones, for other class names too."""
    assert set(method.state_dict()) == learned
    own = {weight.data_ptr() for weight in method.backbone.model.parameters()}
    assert not own & {tensor.data_ptr() for tensor in method.state_dict().values()}


def check_new_names(method: Method, images: Tensor, names: Sequence[str] = NEW) -> None:
    """Other names have their own tokens and the same weights; the method is unchanged."""
    features = method.encode_image(images)
    before = method.eval().logits(features)
    other = method.for_classes(names)
    built = type(method)(method.backbone, names, method.settings)
    built.load_state_dict(method.state_dict())
    assert torch.equal(other.logits(features), built.eval().logits(features))
    assert (other.logits(features) - before).abs().max() > 0.01  # as many names as before
    assert torch.equal(method.logits(features), before)
    shared = dict(other.named_parameters())
    assert all(shared[name] is value for name, value in method.named_parameters())


def check_training(method: Method, folder: Path, recipe: Recipe) -> list[dict[str, Any]]:
    """Train a few epochs on six pictures; the loss falls. Returns the rows of metrics."""
    generator = torch.Generator().manual_seed(5)
    pixels = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8, generator=generator)
    data = TrainingSet(pixels, torch.arange(6) % 3)
    if method.learns_from_features:
        method.prepare(method.backbone.encode_image(pixels.float() / 255), data.labels)
    trainer = Trainer(
        method,
        data,
        recipe,
        folder=folder,
        seed=1,
        views=ViewSettings(),
    )
    rows = trainer.run().rows
    assert rows[-1]["loss"] < 0.98 * rows[0]["loss"], [row["loss"] for row in rows]
    return rows
