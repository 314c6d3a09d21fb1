"""MMRL against its formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, NEW, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.mmrl import MMRL, MMRLSettings
from slow_vision import MEAN, STD
from small_clips import RESNET, close, small_backbone
from small_towers import pictures, shared_family

SMALL = {"n_tokens": 2, "width": 6}


@pytest.fixture(scope="module")
def deep() -> Backbone:
    """Three blocks in both towers."""
    return small_backbone(text={"layers": 3, "context_length": 24})


def mmrl(backbone: Backbone, **options: Any) -> MMRL:
    torch.manual_seed(0)
    method = MMRL(backbone, NAMES, MMRLSettings(**{**SMALL, **options}))
    slow.stir(method)
    return method


def mapped(method: MMRL, encoder: str) -> list[Tensor]:
    """F_j(R) of each block, row by row."""
    learned = dict(method.named_parameters())
    count = sum(name.startswith(f"to_{encoder}") for name in learned) // 2
    return [
        torch.stack(
            [
                learned[f"to_{encoder}.{j}.weight"] @ row + learned[f"to_{encoder}.{j}.bias"]
                for row in learned["tokens"]
            ]
        )
        for j in range(count)
    ]


def upper(tokens: Tensor, blocks: Any, own: list[Tensor], mask: bool = False) -> Tensor:
    """All blocks on [n, d]; the tokens ``own`` stand after the first one in the last of them."""
    first = len(blocks) - len(own)
    for number, block in enumerate(blocks):
        if number >= first:
            count = len(own[number - first]) if number > first else 0
            tokens = torch.cat([tokens[:1], own[number - first], tokens[1 + count :]])
        future = torch.full((len(tokens), len(tokens)), -torch.inf).triu(1) if mask else None
        tokens = block(tokens[None], attn_mask=future)[0]
    return tokens


def literal_images(method: MMRL, images: Tensor) -> tuple[Tensor, Tensor]:
    """v and r, [B, e] each."""
    tower: Any = method.backbone.model.visual
    own, count = mapped(method, "image"), len(method.tokens)
    embeddings, representations = [], []
    for image in images:
        patches = tower.conv1(((image - MEAN) / STD)[None])[0].flatten(1).T
        tokens = torch.cat([tower.class_embedding[None], patches]) + tower.positional_embedding
        tokens = upper(tower.ln_pre(tokens), tower.transformer.resblocks, own)
        embeddings.append(tower.ln_post(tokens[0]) @ tower.proj)
        outputs = torch.stack([tower.ln_post(row) for row in tokens[1 : 1 + count]])
        representations.append(outputs.mean(dim=0) @ method.project)
    return torch.stack(embeddings), torch.stack(representations)


def literal_text(method: MMRL, names: list[str], template: str) -> Tensor:
    """t_c: [C, e]."""
    backbone, own, rows = method.backbone, mapped(method, "text"), []
    tower: Any = backbone.model
    embed, known = tower.token_embedding.weight, backbone.tokenizer
    for name in names:
        ids = known.encode(template.replace("{}", name))
        ids = [known.sot_token_id, *ids, known.eot_token_id]
        end = len(ids) - 1 + len(method.tokens)
        length = tower.positional_embedding.shape[0]
        tokens = embed[ids + [0] * (length - len(ids))] + tower.positional_embedding
        tokens = upper(tokens, tower.transformer.resblocks, own, mask=True)
        rows.append(tower.ln_final(tokens[end]) @ tower.text_projection)
    return torch.stack(rows)


@pytest.mark.parametrize(
    ("options", "blocks"),
    [
        ({}, 2),
        ({"blocks": 1, "alpha": 0.4, "w_reg": 2.0, "template": "{}, a type of pet."}, 1),
        ({"n_tokens": 1}, 2),
    ],
)
def test_formulas(deep: Backbone, batch: Batch, options: dict[str, Any], blocks: int) -> None:
    method = mmrl(deep, **options)
    assert len(method.to_text) == len(method.to_image) == blocks
    pixels, template = batch.images["x"], options.get("template", "a photo of a {}.")
    alpha, weight = options.get("alpha", 0.7), options.get("w_reg", 0.5)
    image, representation = literal_images(method, pixels)
    text = literal_text(method, READ, template)
    own, other = slow.scores(deep, image, text), slow.scores(deep, representation, text)
    close(method.logits(method.encode_image(pixels)), alpha * own + (1 - alpha) * other)

    def away(vectors: Tensor, frozen: Tensor) -> Tensor:
        pairs = zip(vectors, frozen, strict=True)
        return 1 - sum((slow.unit(a) * slow.unit(b)).sum() for a, b in pairs) / len(vectors)

    wanted = {
        "ce": slow.cross_entropy(own, batch.labels),
        "ce_rep": slow.cross_entropy(other, batch.labels),
        "image": away(image, deep.encode_image(pixels).embedding),
        "text": away(text, slow.written(deep, template)),
    }
    terms = method.loss(batch)
    assert terms.keys() == wanted.keys()
    for name, value in wanted.items():
        assert abs(terms[name] - value) <= 2e-6 * max(1.0, value)  # of numbers around 1
    total = alpha * wanted["ce"] + (1 - alpha) * wanted["ce_rep"]
    total = total + weight * (wanted["image"] + wanted["text"])
    close(method.total_loss(terms), total)
    for mine, plain in zip(
        slow.gradients(method.total_loss(terms), method),
        slow.gradients(total, method),
        strict=True,
    ):
        close(mine, plain, 5e-4)
    slow.check_gradients(method, batch)


def test_texts_in_chunks(deep: Backbone, batch: Batch) -> None:
    """These are computed again for the gradient."""
    method = mmrl(deep)
    chunked = mmrl(small_backbone(text={"layers": 3, "context_length": 24}, chunk_tokens=20))
    for one, other in zip(
        slow.gradients(method.total_loss(method.loss(batch)), method),
        slow.gradients(chunked.total_loss(chunked.loss(batch)), chunked),
        strict=True,
    ):
        close(other, one, 1e-4)


def test_a_trained_name_decides(deep: Backbone, batch: Batch) -> None:
    """Class by class, wherever the name stands."""
    method, pixels = mmrl(deep), batch.images["x"]
    names = [NEW[0], NAMES[2], NAMES[0], NEW[1]]
    image, representation = literal_images(method, pixels)
    text = literal_text(method, [name.replace("_", " ") for name in names], "a photo of a {}.")
    own, other = slow.scores(deep, image, text), slow.scores(deep, representation, text)
    found = method.for_classes(names).logits(method.encode_image(pixels))
    close(found[:, [0, 3]], own[:, [0, 3]])
    close(found[:, [1, 2]], (0.7 * own + 0.3 * other)[:, [1, 2]])


def test_how_it_starts(deep: Backbone) -> None:
    torch.manual_seed(0)
    method = MMRL(deep, NAMES, MMRLSettings())
    assert method.tokens.shape == (5, 512) and method.project.shape == (64, 32)
    for maps in (method.to_image, method.to_text):
        assert torch.equal(maps[0].weight, maps[1].weight)


def test_new_names_and_state(deep: Backbone, batch: Batch) -> None:
    method = mmrl(deep)
    features = method.encode_image(batch.images["x"])
    other = method.for_classes(NEW)
    built = MMRL(deep, NAMES, method.settings)
    built.load_state_dict(method.state_dict())
    assert torch.equal(other.logits(features), built.for_classes(NEW).logits(features))
    assert all(
        dict(other.named_parameters())[name] is value for name, value in method.named_parameters()
    )
    maps = {
        f"to_{encoder}.{block}.{kind}"
        for encoder in ("image", "text")
        for block in (0, 1)
        for kind in ("weight", "bias")
    }
    slow.check_state(method, {"tokens", "project", *maps})


def test_training(deep: Backbone, tmp_path: Path) -> None:
    recipe = Recipe(epochs=4, batch=6, lr=0.02, augment="none", optimizer="adamw")
    slow.check_training(mmrl(deep), tmp_path, recipe)


def test_a_tower_that_is_not_causal() -> None:
    """SigLIP's: its texts are full, all tokens see each other, and the last one is read."""
    backbone = shared_family("siglip")
    torch.manual_seed(0)
    method = MMRL(backbone, NAMES, MMRLSettings(**SMALL))
    slow.stir(method)
    tower: Any = backbone.model.text
    rows = []
    for name in READ:
        (ids,) = backbone.tokenizer([f"a photo of a {name}."], tower.context_length)
        tokens = tower.token_embedding(ids) + tower.positional_embedding
        own, blocks = mapped(method, "text"), tower.transformer.resblocks
        for number, block in enumerate(blocks):
            if number >= len(blocks) - len(own):
                old = len(tokens) - len(ids)
                tokens = torch.cat([own[number - len(blocks)], tokens[old:]])
            tokens = block(tokens[None])[0]
        rows.append(slow.unit(tower.text_projection(tower.ln_final(tokens[-1]))))
    close(method.encode_text(), torch.stack(rows))
    pixels = pictures(backbone, 2)
    trunk: Any = backbone.model.visual.trunk
    tokens = trunk.patch_embed(backbone.image_encoder.normalised(pixels)) + trunk.pos_embed
    own, patches = mapped(method, "image"), tokens.shape[1]
    for number, block in enumerate(trunk.blocks):
        if number >= len(trunk.blocks) - len(own):
            added = own[number - len(trunk.blocks)].expand(len(tokens), -1, -1)
            tokens = torch.cat([tokens[:, :patches], added], dim=1)
        tokens = block(tokens)
    tokens = trunk.norm(tokens)
    embedding = trunk.attn_pool(tokens)
    representation = tokens[:, patches:].mean(dim=1) @ method.project
    close(method.encode_image(pixels).embedding, torch.cat([embedding, representation], dim=1))


def test_what_it_refuses(deep: Backbone) -> None:
    for options, words in (
        ({"n_tokens": 0}, "got n_tokens = 0; it must be 1 or more"),
        ({"alpha": 1.5}, "got alpha = 1.5; it is a share"),
        ({"w_reg": float("nan")}, "got w_reg = nan; a weight is 0 or more"),
    ):
        with pytest.raises(GoproError, match=words):
            MMRLSettings(**options)  # type: ignore[arg-type]
    with pytest.raises(GoproError, match=r"got 3 upper blocks; small has 3 .* choose from 1 to 2"):
        MMRL(deep, NAMES, MMRLSettings(blocks=3))
    resnet = small_backbone(vision=RESNET, text={"layers": 2, "context_length": 24})
    with pytest.raises(GoproError, match=r"mmrl learns prompts among .* no transformer blocks"):
        MMRL(resnet, NAMES, MMRLSettings())
    with pytest.raises(GoproError, match="mmrl changes the upper blocks of the text"):
        MMRL(shared_family("roberta"), NAMES, MMRLSettings())
