"""GOPro plus: its head and its softer loss against the formulas, and what each setting is for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gopro_formulas as formulas
import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, NEW
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods import gopro_plus
from gopro.methods.base import Batch, Recipe
from gopro.methods.gopro import GOPro, GOProSettings
from gopro.methods.gopro_plus import GOProPlus, GOProPlusSettings
from gopro.prediction.fast import is_conditioned
from small_clips import close

LABELS = torch.tensor([0, 1, 2, 2, 1, 0])


@pytest.fixture(scope="module")
def training(backbone: Backbone) -> ImageFeatures:
    generator = torch.Generator().manual_seed(2)
    return backbone.encode_image(torch.rand(6, 3, 32, 32, generator=generator))


def plus(backbone: Backbone, training: ImageFeatures, **options: Any) -> GOProPlus:
    torch.manual_seed(0)
    method = GOProPlus(backbone, NAMES, GOProPlusSettings(**options))
    method.prepare(training, LABELS)
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn_like(parameter)
    return method.eval()


def head_scores(
    training: ImageFeatures, features: ImageFeatures, settings: GOProPlusSettings
) -> Tensor:
    """h_c(x), pair by pair, with the system inverted."""
    rows = [slow.unit(row).double() for row in training.embedding]
    middle = sum(rows) / len(rows)
    spread = sum(float(((row - middle) ** 2).sum()) for row in rows) / len(rows)

    def similarity(one: Tensor, other: Tensor) -> Tensor:
        return torch.exp(-settings.sharpness * ((one - other) ** 2).sum() / (2 * spread))

    kernel = torch.stack([torch.stack([similarity(a, b) for b in rows]) for a in rows])
    inverse = torch.linalg.inv(kernel + settings.ridge * torch.eye(len(rows)).double())
    share = torch.stack([(label == LABELS).double().mean() for label in range(3)])
    weights = inverse @ (torch.eye(3).double()[LABELS] - share)
    images = [slow.unit(image).double() for image in features.embedding]
    return torch.stack(
        [
            sum(similarity(image, row) * w for row, w in zip(rows, weights, strict=True))
            for image in images
        ]
    )


@pytest.mark.parametrize(
    "options", [{}, {"w_head": 5.0, "ridge": 2.0, "sharpness": 0.5}, {"w_sem": 1.0}]
)
def test_trained_names_get_the_head(
    backbone: Backbone, batch: Batch, training: ImageFeatures, options: dict[str, Any]
) -> None:
    method = plus(backbone, training, **options)
    features = backbone.encode_image(batch.images["x"])
    text = formulas.text(method, slow.READ, features, "x")
    wanted = formulas.scores(method, features, text) + method.settings.w_head * head_scores(
        training, features, method.settings
    )
    close(method.logits(features), wanted.float())


def test_other_names_have_the_scores_of_gopro(
    backbone: Backbone, batch: Batch, training: ImageFeatures
) -> None:
    method = plus(backbone, training)
    features = backbone.encode_image(batch.images["x"])
    ours = formulas.scores(method, features, formulas.text(method, NEW, features, "x"))
    close(method.for_classes(NEW).logits(features), ours)


def test_names_of_both_kinds(backbone: Backbone, batch: Batch, training: ImageFeatures) -> None:
    method, without = plus(backbone, training), plus(backbone, training, w_head=0.0)
    features = backbone.encode_image(batch.images["x"])
    names = [NEW[0], NAMES[2], NEW[1], NAMES[0]]
    mixed = method.for_classes(names).logits(features)
    prompted = without.for_classes(names).logits(features)
    head = method.logits(features)
    for row, own, image in zip(mixed, prompted, head, strict=True):
        close(row[[0, 2]], own[[0, 2]])
        # the best trained name is as far from the others as without the head
        close(row[[1, 3]].max(), own[[1, 3]].max())
        # and between two trained names it is the head that counts
        close(row[1] - row[3], image[2] - image[0])


def test_cross_entropy_of_scaled_scores(backbone: Backbone, batch: Batch) -> None:
    torch.manual_seed(0)
    method = GOProPlus(backbone, NAMES, GOProPlusSettings(ce_scale=0.2)).train()
    features = method.encode(batch)
    scores = formulas.scores(
        method, features["x"], formulas.text(method, slow.READ, features["x"], "x")
    )
    wanted = sum(
        torch.logsumexp(0.2 * row, 0) - 0.2 * row[label]
        for row, label in zip(scores, batch.labels, strict=True)
    ) / len(batch.labels)
    close(method.loss(batch)["ce"], wanted)


def test_with_nothing_added_it_is_gopro(
    backbone: Backbone, batch: Batch, training: ImageFeatures
) -> None:
    method = plus(backbone, training, w_head=0.0, ce_scale=1.0)
    plain = GOPro(backbone, NAMES, GOProSettings(w_sem=0.0)).eval()
    plain.load_state_dict(
        {name: value for name, value in method.state_dict().items() if name in plain.state_dict()}
    )
    features = backbone.encode_image(batch.images["x"])
    for names in (NAMES, NEW):
        close(method.for_classes(names).logits(features), plain.for_classes(names).logits(features))
    ours, theirs = method.train().loss(batch), plain.train().loss(batch)
    assert ours.keys() == theirs.keys() == {"ce", "con"}
    for name in ours:
        close(ours[name], theirs[name])


def test_the_head_is_right_on_its_own_images(backbone: Backbone, training: ImageFeatures) -> None:
    method = plus(backbone, training, ridge=1e-3)
    answers = method.kernel(method.head_images, method.head_images) @ method.head
    assert torch.equal(answers.argmax(1), LABELS)


def test_far_from_all_training_images_it_is_gopro(
    backbone: Backbone, training: ImageFeatures
) -> None:
    method, without = plus(backbone, training), plus(backbone, training, w_head=0.0)
    away = replace(training, embedding=-training.embedding)
    added = method.logits(away) - without.logits(away)
    near = method.logits(training) - without.logits(training)
    assert near.abs().min() > 1 > 1e-3 > added.abs().max()


def test_nearly_equal_training_images(backbone: Backbone, training: ImageFeatures) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = 1e-6 * torch.randn(6, backbone.embed_dim, generator=generator)
    alike = replace(training, embedding=training.embedding[:1] + noise)
    method = plus(backbone, alike)
    assert method.kernel(method.head_images, method.head_images).max() < 1.01
    with pytest.raises(GoproError, match="ridge = 1e-30, too small for these images"):
        plus(backbone, replace(alike, embedding=alike.embedding[:1].expand(6, -1)), ridge=1e-30)


def test_without_its_weight_there_is_no_head(backbone: Backbone, training: ImageFeatures) -> None:
    assert not len(plus(backbone, training, w_head=0.0).head)


def test_with_too_many_images_some_are_left_out(
    backbone: Backbone, training: ImageFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gopro_plus, "MOST", 3)
    method = plus(backbone, training)
    unit = torch.nn.functional.normalize(training.embedding, dim=-1)
    assert torch.equal(method.head_images, unit[[0, 2, 5]])
    assert method.head.shape == (3, 3)


def test_saved_with_the_learned_weights(
    backbone: Backbone, batch: Batch, training: ImageFeatures
) -> None:
    method = plus(backbone, training)
    again = GOProPlus(backbone, NAMES, GOProPlusSettings()).eval()
    again.load_state_dict(method.state_dict())
    features = backbone.encode_image(batch.images["x"])
    for names in (NAMES, NEW):
        assert torch.equal(
            again.for_classes(names).logits(features), method.for_classes(names).logits(features)
        )


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    torch.manual_seed(0)
    method = GOProPlus(backbone, NAMES, GOProPlusSettings())
    slow.check_training(method, tmp_path, Recipe(epochs=8, batch=3, lr=0.05, warmup_epochs=0))
    assert method.head.any() and "head" not in dict(method.named_parameters())


def test_no_fast_prediction(backbone: Backbone, training: ImageFeatures) -> None:
    assert not is_conditioned(plus(backbone, training))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "released"}, "leave the variant out"),
        ({"w_head": -1.0}, "w_head = -1.0; it is 0 or more"),
        ({"ce_scale": float("nan")}, "ce_scale = nan"),
        ({"ridge": 0.0}, "ridge = 0.0; it must be above 0"),
        ({"sharpness": float("inf")}, "sharpness = inf"),
    ],
)
def test_refused_settings(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GoproError, match=message):
        GOProPlusSettings(**options)
