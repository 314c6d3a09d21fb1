"""CoOp's positions of the class name, its class-specific contexts and its initial values."""

from __future__ import annotations

from pathlib import Path

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES, READ
from torch import Tensor

from gopro.backbones import Backbone
from gopro.common.errors import GoproError
from gopro.methods.base import Batch, Recipe
from gopro.methods.coop import CoOp, CoOpSettings
from small_clips import close
from small_towers import shared_family


def literal(method: CoOp, position: str) -> Tensor:
    """Unit text embeddings of the prompts, token by token."""
    backbone, rows = method.backbone, []
    stop = slow.words(backbone, ".")
    for index, name in enumerate(READ):
        context = method.context[index] if method.context.dim() == 3 else method.context
        before = {"end": len(context), "middle": len(context) // 2, "front": 0}[position]
        middle = slow.words(backbone, name)
        rows.append(slow.sentence(backbone, [context[:before], middle, context[before:], stop]))
    return torch.stack([slow.unit(row) for row in rows])


@pytest.mark.parametrize("class_specific", [False, True])
@pytest.mark.parametrize(
    ("position", "tokens"), [("end", 4), ("middle", 5), ("middle", 1), ("front", 3), ("end", 12)]
)
def test_formulas(
    backbone: Backbone, batch: Batch, position: str, tokens: int, class_specific: bool
) -> None:
    options = CoOpSettings(n_ctx=tokens, position=position, class_specific=class_specific)  # type: ignore[arg-type]
    method = CoOp(backbone, NAMES, options)
    slow.stir(method)
    features = backbone.encode_image(batch.images["x"])
    wanted = slow.scores(backbone, features.embedding, literal(method, position))
    close(method.logits(features), wanted)
    loss = slow.cross_entropy(wanted, batch.labels)
    terms = method.loss(batch)
    close(terms["ce"], loss)
    close(slow.gradients(terms["ce"], method)[0], slow.gradients(loss, method)[0], 5e-5)
    slow.check_gradients(method, batch)


@pytest.mark.parametrize("position", ["middle", "front"])
def test_new_names(backbone: Backbone, batch: Batch, position: str) -> None:
    method = CoOp(backbone, NAMES, CoOpSettings(position=position))  # type: ignore[arg-type]
    slow.stir(method)
    slow.check_new_names(method, batch.images["x"])
    slow.check_state(method, {"context"})


def test_class_specific_contexts_serve_the_training_classes(
    backbone: Backbone, batch: Batch
) -> None:
    method = CoOp(backbone, NAMES, CoOpSettings(class_specific=True))
    slow.stir(method)
    assert method.context.shape == (3, 4, 64)
    features = backbone.encode_image(batch.images["x"])
    some = method.for_classes([NAMES[2], NAMES[0]])
    close(some.logits(features), method.logits(features)[:, [2, 0]])
    with pytest.raises(GoproError, match=r"a separate context .* none for 'tree'"):
        method.for_classes(["cat", "tree"])
    slow.check_state(method, {"context"})


def test_starts(backbone: Backbone) -> None:
    torch.manual_seed(0)
    own = CoOp(backbone, NAMES, CoOpSettings(class_specific=True, ctx_init="", n_ctx=12)).context
    assert own.shape == (3, 12, 64)
    assert own.std().item() == pytest.approx(0.02, rel=0.1)
    assert (own[0] - own[1]).abs().max() > 0.01
    worded = CoOp(backbone, NAMES, CoOpSettings(class_specific=True)).context
    assert torch.equal(worded[0], backbone.token_embeddings("a photo of a"))
    assert torch.equal(worded[1], worded[0])


def test_a_full_stop_of_the_name_stays_with_it(backbone: Backbone) -> None:
    method = CoOp(backbone, ["St. Bernard."], CoOpSettings(position="front"))
    tokens = [slow.words(backbone, "St. Bernard."), method.context, slow.words(backbone, ".")]
    close(method.encode_text(), slow.unit(slow.sentence(backbone, tokens))[None])


@pytest.mark.parametrize(
    ("position", "tokens", "first"),
    [("front", 4, True), ("middle", 1, True), ("middle", 4, False), ("end", 4, False)],
)
def test_tokens_of_a_name_that_begins_the_text(position: str, tokens: int, first: bool) -> None:
    """SigLIP 2's tokenizer marks the words that follow others."""
    backbone = shared_family("siglip2")
    known = backbone.tokens
    method = CoOp(backbone, ["cat"], CoOpSettings(n_ctx=tokens, position=position))  # type: ignore[arg-type]
    text = "cat." if position == "end" else "cat"
    begins, follows = known.encode(text), known.following(text)
    assert begins != follows
    wanted = backbone.embed_tokens([*(begins if first else follows), *known.end])
    assert torch.equal(method.classes.embedding[0], wanted)


def test_what_is_refused(backbone: Backbone) -> None:
    with pytest.raises(GoproError, match="got the position 'left'; choose end, middle or front"):
        CoOpSettings(position="left")  # type: ignore[arg-type]
    # 24 places: start, 16 context tokens, full stop and end leave 5
    CoOp(backbone, ["a b c d e"], CoOpSettings(n_ctx=16, position="front"))
    with pytest.raises(GoproError, match="only 5 fit"):
        CoOp(backbone, ["a b c d e f"], CoOpSettings(n_ctx=16, position="front"))


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_training(backbone: Backbone, tmp_path: Path, position: str) -> None:
    method = CoOp(backbone, NAMES, CoOpSettings(position=position))  # type: ignore[arg-type]
    slow.check_training(method, tmp_path, Recipe(epochs=6, batch=6, lr=0.05, augment="none"))
