"""ProGrad's terms and its gradient against the formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.methods.base import Batch, Recipe
from gopro.methods.prograd import ProGrad, ProGradSettings, project
from small_clips import close


def prograd(backbone: Backbone, **options: float) -> ProGrad:
    method = ProGrad(backbone, NAMES, ProGradSettings(n_ctx=5, **options))  # type: ignore[arg-type]
    slow.stir(method)
    return method


def literal(method: ProGrad, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    backbone, heat = method.backbone, method.settings.temperature
    ends = [slow.words(backbone, f"{name}.") for name in READ]
    texts = torch.stack([slow.sentence(backbone, [method.context, end]) for end in ends])
    learned = slow.scores(backbone, images, texts)
    zero_shot = slow.scores(backbone, images, slow.written(backbone, "a photo of a {}."))
    kl = torch.zeros(())
    for mine, theirs in zip(learned, zero_shot, strict=True):
        p, q = torch.exp(theirs / heat), torch.exp(mine / heat)
        p, q = p / p.sum(), q / q.sum()
        kl = kl + heat**2 * (p * torch.log(p / q)).sum() / len(images)
    return {"ce": slow.cross_entropy(learned, labels), "kl": kl}


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("strength", [1.0, 0.8])
@pytest.mark.parametrize("labels", [[2, 0, 1], [0, 1, 2], [1, 1, 1], [0, 0, 2]])
def test_formulas(
    backbone: Backbone, batch: Batch, temperature: float, strength: float, labels: list[int]
) -> None:
    method = prograd(backbone, temperature=temperature, strength=strength)
    batch = Batch(labels=torch.tensor(labels), images=batch.images)
    features = backbone.encode_image(batch.images["x"])
    wanted = literal(method, features.embedding, batch.labels)
    terms = method.loss(batch)
    assert set(terms) == set(method.loss_weights) == {"ce", "kl"}
    close(terms["ce"], wanted["ce"])
    close(terms["kl"], wanted["kl"], 1e-4)
    assert torch.equal(method.total_loss(terms), terms["ce"])
    domain, general = (slow.gradients(wanted[name], method)[0] for name in ("ce", "kl"))
    dot = (domain * general).sum()
    step = domain if dot >= 0 else domain - strength * dot / (general**2).sum() * general
    method.backward(terms, Tensor.backward)
    assert method.context.grad is not None
    close(method.context.grad, step, 1e-4)


def test_projection() -> None:
    guide = torch.tensor([[0.0, 2.0], [0.0, 0.0]])
    along, against = torch.tensor([[1.0, 3.0], [4.0, 5.0]]), torch.tensor([[1.0, -3.0], [4.0, 5.0]])
    assert torch.equal(project(along, guide, 1.0), along)
    assert torch.equal(project(against, guide, 1.0), torch.tensor([[1.0, 0.0], [4.0, 5.0]]))
    assert torch.equal(project(against, guide, 0.5), torch.tensor([[1.0, -1.5], [4.0, 5.0]]))
    assert torch.equal(project(against, torch.zeros(2, 2), 1.0), against)


def test_both_cases_occur(backbone: Backbone, batch: Batch) -> None:
    """The gradients agree for some labels and not for others: the formulas' test meets both."""
    agreements = []
    for labels in ([2, 0, 1], [0, 1, 2], [1, 1, 1], [0, 0, 2]):
        method = prograd(backbone)
        terms = method.loss(Batch(labels=torch.tensor(labels), images=batch.images))
        domain, general = (slow.gradients(terms[name], method)[0] for name in ("ce", "kl"))
        agreements.append((domain * general).sum().item() > 0)
    assert len(set(agreements)) == 2


def test_the_context_starts_from_the_template(backbone: Backbone) -> None:
    words = backbone.token_embeddings("a texture of")
    for options in ({"template": "a texture of {}."}, {"ctx_init": "a texture of"}):
        context = ProGrad(backbone, NAMES, ProGradSettings(n_ctx=5, **options)).context
        assert torch.equal(context[2:], words)
    usual = ProGrad(backbone, NAMES, ProGradSettings(n_ctx=5)).context
    assert torch.equal(usual[1:], backbone.token_embeddings("a photo of a"))


def test_the_codes_term_is_larger_by_the_teachers_entropy(backbone: Backbone, batch: Batch) -> None:
    method = prograd(backbone, temperature=2.0)
    features = backbone.encode_image(batch.images["x"])
    learned = method.logits(features) / 2
    teacher = (method.cosine_logits(features, method.template_text) / 2).softmax(dim=1)
    entropy = -(teacher * teacher.log()).sum(dim=1).mean()
    soft_labels = -4 * (teacher * learned.log_softmax(dim=1)).sum(dim=1).mean()
    kl = method.loss(batch)["kl"]
    close(soft_labels, kl + 4 * entropy)
    close(slow.gradients(soft_labels, method)[0], slow.gradients(kl, method)[0], 1e-4)


def test_new_names_and_state(backbone: Backbone, batch: Batch) -> None:
    method = prograd(backbone)
    slow.check_gradients(method, batch)
    slow.check_new_names(method, batch.images["x"])
    slow.check_state(method, {"context"})


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    method = prograd(backbone)
    recipe = Recipe(epochs=8, batch=6, lr=0.05, augment="none")
    rows = slow.check_training(method, tmp_path, recipe)
    assert rows[0]["loss"] == rows[0]["ce"]
    assert rows[0]["kl"] > 0
