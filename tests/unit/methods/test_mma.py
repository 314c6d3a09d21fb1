"""MMA and MMA++ against their formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import slow_methods as slow
import torch
from mma_formulas import literal_images, literal_text
from slow_methods import NAMES, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods import configs, mma
from gopro.methods.base import Batch, Recipe
from gopro.methods.mma import MMA, MMASettings
from gopro.training.config import TrainSettings
from gopro.training.recipe import choose_recipe
from small_clips import RESNET, close, small_backbone
from small_towers import pictures, shared_family

TEMPLATES = ("a photo of a {}.", "art of the {}.", "{}")
LOUD = {"scale": 0.5, "width": 4}
"""A scale at which the adapters matter."""


@pytest.fixture(scope="module")
def deep() -> Backbone:
    """Three blocks in both towers."""
    return small_backbone(text={"layers": 3, "context_length": 24})


@pytest.fixture(autouse=True)
def _three_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of 80."""
    monkeypatch.setattr(mma, "ensemble_templates", lambda name: TEMPLATES)


def made(backbone: Backbone, **options: Any) -> MMA:
    torch.manual_seed(0)
    method = MMA(backbone, NAMES, MMASettings(**{**LOUD, "dropout": 0.0, **options}))
    slow.stir(method)
    return method


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 2), ({"blocks": 3, "scale": 0.25}, 3), ({"blocks": 1, "template": "{} texture."}, 1)],
)
def test_formulas(deep: Backbone, batch: Batch, options: dict[str, Any], count: int) -> None:
    method = made(deep, **options)
    assert len(method.shared) == len(method.image_up) == len(method.text_up) == count
    pixels, template = batch.images["x"], options.get("template", "a photo of a {}.")
    sentences = [template.replace("{}", name) for name in READ]
    scale = options.get("scale", 0.5)
    image, text = literal_images(method, pixels, scale), literal_text(method, sentences, scale)
    wanted = slow.scores(deep, image, text)
    frozen = slow.scores(deep, literal_images(method, pixels, 0), slow.written(deep, template))
    assert (wanted - frozen).abs().max() > 0.1
    close(method.logits(method.encode_image(pixels)), wanted)
    loss = slow.cross_entropy(wanted, batch.labels)
    terms = method.loss(batch)
    assert list(terms) == ["ce"]
    close(terms["ce"], loss, 5e-5)
    slow.check_gradients(method, batch)


def test_gradients_do_not_depend_on_the_scale(deep: Backbone, batch: Batch) -> None:
    """One block: the gradient of an adapter is that of the loss, divided by the scale.

    With more blocks, what passes an upper adapter on its way to a lower one is scaled as the
    output is, which is the gradient of the loss as well.
    """
    for count in (1, 2):
        method = made(deep, blocks=count)
        sentences = [f"a photo of a {name}." for name in READ]
        image = literal_images(method, batch.images["x"], 0.5)
        scores = slow.scores(deep, image, literal_text(method, sentences, 0.5))
        plain = slow.gradients(slow.cross_entropy(scores, batch.labels), method)
        for mine, other in zip(
            slow.gradients(method.loss(batch)["ce"], method), plain, strict=True
        ):
            close(mine, other / 0.5, 5e-4)


def test_plus(deep: Backbone, batch: Batch) -> None:
    method = made(deep, variant="plus", test_scale=0.2, w_con=3.0).train()
    pixels = batch.images["x"]
    torch.manual_seed(4)
    terms = method.loss(batch)
    torch.manual_seed(4)
    drawn = torch.randint(len(TEMPLATES), (3,)).tolist()
    assert len(set(drawn)) > 1
    less = torch.rand(()).item() * 0.5
    sentences = [TEMPLATES[k].replace("{}", name) for k, name in zip(drawn, READ, strict=True)]
    image, text = literal_images(method, pixels, 0.5), literal_text(method, sentences, 0.5)
    scores = slow.scores(deep, image, text)

    def away(vectors: Tensor, others: Tensor) -> Tensor:
        pairs = zip(vectors, others.detach(), strict=True)
        return 1 - sum((slow.unit(a) * slow.unit(b)).sum() for a, b in pairs) / len(vectors)

    wanted = {
        "ce": slow.cross_entropy(scores, batch.labels),
        "text": away(text, literal_text(method, sentences, less)),
        "image": away(image, literal_images(method, pixels, less)),
    }
    assert list(terms) == list(wanted)
    for name, value in wanted.items():
        assert abs(terms[name] - value) <= 5e-6 * max(1.0, value)
    total = wanted["ce"] + 3 * wanted["text"] + 3 * wanted["image"]
    for mine, plain in zip(
        slow.gradients(method.total_loss(terms), method),
        slow.gradients(total, method),
        strict=True,
    ):
        close(mine, plain, 5e-4)
    slow.check_gradients(method, batch)
    method.eval()
    texts = [
        literal_text(method, [one.replace("{}", name) for name in READ], 0.2) for one in TEMPLATES
    ]
    means = torch.stack(
        [sum(slow.unit(text[c]) for text in texts) for c in range(3)]  # type: ignore[misc]
    )
    wanted_scores = slow.scores(deep, literal_images(method, pixels, 0.2), means)
    close(method.logits(method.encode_image(pixels)), wanted_scores)


def test_plus_with_sentences_about_each_class(deep: Backbone, batch: Batch, tmp_path: Path) -> None:
    sentences = [["an oak"], ["small birds sing", "a bird"], ["cars", "a red car", "a fast car"]]
    file = tmp_path / "texts.json"
    file.write_text(json.dumps(dict(zip(NAMES, sentences, strict=True))), encoding="utf-8")
    options = {"variant": "plus", "texts": str(file), "w_con": 0.0, "test_scale": 0.2}
    method = made(deep, **options).train()
    torch.manual_seed(4)
    loss = method.loss(batch)["ce"]
    torch.manual_seed(4)
    drawn = [rows[int(torch.randint(len(rows), ()))] for rows in sentences]
    image = literal_images(method, batch.images["x"], 0.5)
    scores = slow.scores(deep, image, literal_text(method, drawn, 0.5))
    assert abs(loss - slow.cross_entropy(scores, batch.labels)) <= 5e-6 * max(1.0, loss.item())
    method.eval()
    means = [
        sum(slow.unit(one) for one in literal_text(method, rows, 0.2)) / len(rows)
        for rows in sentences
    ]
    close(method.encode_text(), torch.stack([slow.unit(one) for one in means]))
    with pytest.raises(GoproError, match="has no sentences about the class 'moon'"):
        method.for_classes(["moon"])
    with pytest.raises(GoproError, match="so --texts has no use in it; leave it out, or add"):
        MMASettings(texts=str(file))


def test_plus_with_a_sentence_that_classes_share(
    deep: Backbone, batch: Batch, tmp_path: Path
) -> None:
    file = tmp_path / "texts.json"
    file.write_text(json.dumps({name: ["It has fur."] for name in NAMES}), encoding="utf-8")
    method = made(deep, variant="plus", texts=str(file))
    assert method.loss(batch)["ce"].isfinite()
    first, *others = method.encode_text()
    for other in others:
        close(other, first)
    texts = {name: ["It has fur.", "fur " * 23] for name in NAMES}
    file.write_text(json.dumps(texts), encoding="utf-8")
    with pytest.raises(
        GoproError, match=r"the text 'fur .*' is 23 tokens long and only 22 fit; sh"
    ):
        made(deep, variant="plus", texts=str(file))


def test_plus_without_the_consistency_loss(deep: Backbone, batch: Batch) -> None:
    assert list(made(deep, variant="plus", w_con=0.0).loss(batch)) == ["ce"]


def test_dropout_is_for_training(deep: Backbone, batch: Batch) -> None:
    method, pixels = made(deep, variant="plus", dropout=0.5, test_scale=0.5), batch.images["x"]
    steady = literal_images(method, pixels, 0.5)
    close(method.eval().encode_image(pixels).embedding, steady)
    assert (method.train().encode_image(pixels).embedding - steady).abs().max() > 0.01


def test_texts_for_tests_are_kept_until_a_weight_changes(deep: Backbone, batch: Batch) -> None:
    method = made(deep, variant="plus").eval()
    with (
        torch.no_grad(),
        mock.patch.object(MMA, "encode_sentences", wraps=method.encode_sentences) as encode,
    ):
        first = method.encode_text()
        assert method.encode_text() is first and encode.call_count == len(TEMPLATES)
        method.text_up[0].weight += torch.randn(64, 4)
        assert (method.encode_text() - first).abs().max() > 1e-4
        assert method.for_classes(["tree"]).encode_text().shape == (1, 32)


def test_how_it_starts(deep: Backbone) -> None:
    torch.manual_seed(0)
    base, plus = (MMA(deep, NAMES, MMASettings(variant=one)) for one in ("base", "plus"))  # type: ignore[arg-type]
    assert (base.scale, base.test_scale) == (0.001, 0.001)
    assert (plus.scale, plus.test_scale) == (0.01, 0.0065)
    assert not any(layer.bias.any() for layer in base.shared)
    assert all(layer.bias.any() for layer in plus.shared)


def test_a_variant_has_its_own_recipe() -> None:
    settings = TrainSettings("caltech101", backbone="ViT-B-16")
    plus = choose_recipe(MMA, settings, 50, MMASettings(variant="plus"))
    assert (plus.epochs, plus.lr, plus.batch) == (50, 0.3, 16)
    base = choose_recipe(MMA, settings, 50, MMASettings())
    assert (base.epochs, base.lr, base.batch) == (5, 0.0015, 16)
    assert configs.values("mma", variant="plus")["mma"] == {"variant": "plus"}
    assert configs.values("mma", variant="base") == configs.values("mma")


def test_new_names_and_state(deep: Backbone, batch: Batch) -> None:
    method = made(deep)
    slow.check_new_names(method, batch.images["x"])
    parts = ("image_down", "image_up", "text_down", "text_up", "shared")
    kinds = ("weight", "bias")
    slow.check_state(method, {f"{p}.{n}.{k}" for p in parts for n in (0, 1) for k in kinds})


@pytest.mark.parametrize("variant", ["base", "plus"])
def test_training(deep: Backbone, tmp_path: Path, variant: str) -> None:
    recipe = Recipe(epochs=4, batch=6, lr=0.05, augment="none")
    slow.check_training(made(deep, variant=variant), tmp_path, recipe)


def test_texts_in_chunks_and_another_tower(batch: Batch) -> None:
    """Chunks are computed again for the gradient; SigLIP's tower isn't causal."""
    size = {"layers": 3, "context_length": 24}
    whole, chunked = (made(small_backbone(text=size, chunk_tokens=n)) for n in (8192, 20))
    for one, other in zip(
        slow.gradients(whole.loss(batch)["ce"], whole),
        slow.gradients(chunked.loss(batch)["ce"], chunked),
        strict=True,
    ):
        close(other, one, 1e-4)
    backbone = shared_family("siglip")
    method = made(backbone)
    with torch.no_grad():
        method.scale = method.test_scale = 1e-12
        close(method.encode_text(), method.template_embeddings(NAMES))
        pixels = pictures(backbone, 2)
        close(method.encode_image(pixels).embedding, backbone.encode_image(pixels).embedding)


def test_what_it_refuses(deep: Backbone) -> None:
    for options, words in (
        ({"variant": "other"}, "got the variant 'other'; choose base or plus"),
        ({"width": 0}, "got the width 0; it must be 1 or more"),
        ({"scale": 0.0}, "got scale = 0.0; it must be above 0"),
        ({"dropout": 1.0}, "got the dropout 1.0; it is a share"),
    ):
        with pytest.raises(GoproError, match=words):
            MMASettings(**options)  # type: ignore[arg-type]
    with pytest.raises(GoproError, match=r"got 4 upper blocks; small has 3 .* choose from 1 to 3"):
        made(deep, blocks=4)
    resnet = small_backbone(vision=RESNET, text={"layers": 2, "context_length": 24})
    with pytest.raises(GoproError, match="mma puts adapters beside the blocks of a ViT, and the"):
        made(resnet)
    with pytest.raises(GoproError, match="mma changes the upper blocks of the text tower"):
        made(shared_family("roberta"))
