"""CoPrompt against its formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.data.templates import ensemble_templates
from gopro.methods.base import Batch, Recipe
from gopro.methods.coprompt import CoPrompt, CoPromptSettings
from slow_vision import plain_image
from small_clips import close, plain_prompts


def coprompt(backbone: Backbone, **options: Any) -> CoPrompt:
    torch.manual_seed(0)
    method = CoPrompt(backbone, NAMES, CoPromptSettings(**options))
    slow.stir(method)
    return method


def adapted(method: CoPrompt, embedding: Tensor, name: str, ratio: float) -> Tensor:
    learned = dict(method.named_parameters())
    first, second = learned[f"{name}.0.weight"], learned[f"{name}.2.weight"]
    rows = []
    for row in embedding:
        hidden = (first @ row).clamp(min=0)
        rows.append(slow.unit(ratio * (second @ hidden).clamp(min=0) + (1 - ratio) * row))
    return torch.stack(rows)


def literal(method: CoPrompt, images: Tensor, shares: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Unit image and text embeddings, [B, e] and [C, e]."""
    learned, depth = dict(method.named_parameters()), len(method.deep)
    prompts = [learned["context"], *(learned[f"deep.{j}"] for j in range(depth))]
    maps = ["couple", *(f"couple_deep.{j}" for j in range(depth))]
    made = [
        tokens @ learned[f"{one}.weight"].T + learned[f"{one}.bias"]
        for one, tokens in zip(maps, prompts, strict=True)
    ]
    image = plain_image(method.backbone, images, made)
    text = plain_prompts(method.backbone, READ, prompts[0], prompts[1:])
    return (
        adapted(method, image, "adapt_image", shares[0]),
        adapted(method, text, "adapt_text", shares[1]),
    )


@pytest.mark.parametrize(
    ("options", "shares", "weight"),
    [({}, (0.1, 0.2), 8.0), ({"image_ratio": 0.5, "text_ratio": 1.0, "w_con": 0.5}, (0.5, 1), 0.5)],
)
def test_formulas(
    backbone: Backbone,
    batch: Batch,
    options: dict[str, Any],
    shares: tuple[float, float],
    weight: float,
) -> None:
    method = coprompt(backbone, **options)
    assert len(method.deep) == 1  # both blocks of the text tower
    image, text = literal(method, batch.images["x"], shares)
    wanted = slow.scores(backbone, image, text)
    close(method.logits(method.encode_image(batch.images["x"])), wanted)
    torch.manual_seed(4)
    sentence = ensemble_templates("imagenet")[int(torch.randint(80, ()))]
    written = slow.written(backbone, sentence)
    frozen = [slow.unit(row) for row in backbone.encode_image(batch.images["augmix"]).embedding]
    distance = sum(1 - (one * other).sum() for one, other in zip(text, written, strict=True)) / 3
    distance += sum(1 - (one * other).sum() for one, other in zip(image, frozen, strict=True)) / 3
    loss = slow.cross_entropy(wanted, batch.labels) + weight * distance
    torch.manual_seed(4)
    terms = method.loss(batch)
    close(terms["con"], distance, 1e-4)
    total = method.total_loss(terms)
    close(total, loss)
    for mine, plain in zip(
        slow.gradients(total, method), slow.gradients(loss, method), strict=True
    ):
        close(mine, plain, 3e-4)
    slow.check_gradients(method, batch)


def test_without_its_second_term(backbone: Backbone, batch: Batch) -> None:
    method = coprompt(backbone, w_con=0.0)
    assert method.views == ("x",)
    assert method.loss(batch).keys() == {"ce"}
    assert coprompt(backbone).views == ("x", "augmix")


def test_new_names_and_state(backbone: Backbone, batch: Batch) -> None:
    method = coprompt(backbone)
    method.loss(batch)
    slow.check_new_names(method, batch.images["x"])
    maps = {f"{one}.{kind}" for one in ("couple", "couple_deep.0") for kind in ("weight", "bias")}
    adapters = {f"adapt_{one}.{k}.weight" for one in ("image", "text") for k in (0, 2)}
    slow.check_state(method, {"context", "deep.0", *maps, *adapters})
    other = method.for_classes(slow.NEW)
    for one, names in ((other, slow.NEW), (method, READ)):
        torch.manual_seed(9)
        wanted = slow.written(
            backbone, ensemble_templates("imagenet")[int(torch.randint(80, ()))], names
        )
        torch.manual_seed(9)
        close(one.frozen_text(), wanted)


def test_sentences_about_each_class(backbone: Backbone, tmp_path: Path) -> None:
    file = tmp_path / "texts.json"
    said = {
        "cat": ["It purrs.", "whiskers, and a tail"],
        "golden retriever": ["It fetches.", "It is blond."],
        "C-130_Hercules": ["It flies.", "four propellers", "one more than the others have"],
        "tree": ["It stands."],
    }
    file.write_text(json.dumps(said), encoding="utf-8")
    method = coprompt(backbone, texts=str(file))
    seen = set()
    for seed in range(16):
        torch.manual_seed(seed)
        k = {count: int(torch.randint(count, ())) for count in (2, 3)}
        names = ("cat", "golden retriever", "C-130_Hercules")
        spoken = [said[name][k[len(said[name])]] for name in names]
        rows = [slow.sentence(backbone, [slow.words(backbone, text)]) for text in spoken]
        torch.manual_seed(seed)
        close(method.frozen_text(), torch.stack([slow.unit(row) for row in rows]).detach())
        seen.update(k.items())
    assert seen == {(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)}
    named = method.for_classes(["tree", "house"])  # asked for in training alone
    with pytest.raises(GoproError, match="has no sentences about the class 'house'"):
        named.frozen_text()


def test_classes_can_share_a_sentence(backbone: Backbone, tmp_path: Path) -> None:
    file = tmp_path / "texts.json"
    file.write_text(json.dumps({name: ["It has fur."] for name in NAMES}), encoding="utf-8")
    first, *others = coprompt(backbone, texts=str(file)).frozen_text()
    for other in others:
        close(other, first)


def test_sentences_that_do_not_fit_are_refused_before_the_training(
    backbone: Backbone, tmp_path: Path
) -> None:
    file = tmp_path / "texts.json"
    texts = {name: ["It has fur.", "fur " * 23] for name in NAMES}
    file.write_text(json.dumps(texts), encoding="utf-8")
    with pytest.raises(
        GoproError, match=r"the text 'fur .*' is 23 tokens long and only 22 fit; sh"
    ):
        coprompt(backbone, texts=str(file))
    coprompt(backbone, texts=str(file), w_con=0.0)  # needs none
    names = ["cat", "fur " * 14]  # with one template it is longer than with others
    with pytest.raises(GoproError, match="is 23 tokens long and only 22 fit"):
        CoPrompt(backbone, names, CoPromptSettings())
    backbone.encode_class_names(names)


def test_training(backbone: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=6, batch=6, lr=0.01, augment="none")
    slow.check_training(coprompt(backbone, w_con=0.5), tmp_path, recipe)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"w_con": -1.0}, "got w_con = -1.0"),
        ({"w_con": float("nan")}, "got w_con = nan"),
        ({"image_ratio": 1.5}, "got image_ratio = 1.5"),
        ({"text_ratio": -0.5}, "got text_ratio = -0.5"),
        ({"reduction": 0}, "got the reduction 0"),
    ],
)
def test_what_it_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GoproError, match=message):
        CoPromptSettings(**options)
