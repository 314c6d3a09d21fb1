"""GOPro in both variants against its formulas; see ``test_gopro_settings.py`` for its settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gopro_formulas as formulas
import pytest
import torch
from random_gopro import NAMES, gopro, gradients, step
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.methods.base import Batch
from gopro.methods.gopro import GOPro, GOProSettings
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import RESNET, close, small_backbone

READ = [name.replace("_", " ") for name in NAMES]
NEW = ["tree", "sailing boat on a lake"]


def encoded(backbone: Backbone, images: dict[str, Tensor]) -> dict[str, ImageFeatures]:
    return {view: backbone.encode_image(pixels) for view, pixels in images.items()}


VARIANTS: list[dict[str, Any]] = [
    {"variant": "paper"},
    {"variant": "released"},
    {"variant": "released", "n_ctx": 6, "temperature": 0.5},
    {"variant": "paper", "n_ctx": 2, "layers": (3, 1)},
    {"variant": "paper", "content": False, "temperature": 0.5},
    {"variant": "paper", "style": False, "per_branch": False},
    {"variant": "paper", "image_projector": False},
    {"variant": "paper", "text_projector": False},
    {"variant": "paper", "rescale": False},
]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_formulas(
    backbone: Backbone, batch: Batch, images: dict[str, Tensor], options: dict[str, Any]
) -> None:
    method = gopro(backbone, **options)
    features = encoded(backbone, images)
    wanted_text = formulas.text(method, READ, features["x"], "x")
    wanted = formulas.scores(method, features["x"], wanted_text)
    close(method.eval().logits(features["x"]), wanted)
    terms = method.train().loss(batch)
    literal = formulas.losses(method, READ, features, batch.labels)
    assert set(literal) == {"ce", "sem", "con"}
    assert set(terms) == set(literal) - ({"con"} if "image_projector" in options else set())
    parameters = dict(method.named_parameters())
    for name, term in terms.items():
        close(term, literal[name])
        mine, slow = (gradients(value, parameters) for value in (term, literal[name]))
        largest = max(gradient.abs().max().item() for gradient in slow.values())
        for parameter, gradient in slow.items():
            close_to = 5e-5 * largest
            assert (mine[parameter] - gradient).abs().max() <= close_to, (name, parameter)


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_resnet_towers(variant: str) -> None:
    backbone = small_backbone(vision=RESNET, text={"layers": 2, "context_length": 24})
    images = {
        view: torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
        for seed, view in enumerate(("x", "moco", "augmix"))
    }
    method = gopro(backbone, variant=variant)
    features = encoded(backbone, images)
    labels = torch.tensor([0, 3])
    terms = method.loss(Batch(labels=labels, images=images))
    for name, value in formulas.losses(method, READ, features, labels).items():
        close(terms[name], value)


def test_features_in_place_of_images(
    backbone: Backbone, batch: Batch, images: dict[str, Tensor]
) -> None:
    method = gopro(backbone)
    features = encoded(backbone, images)
    found = method.loss(Batch(labels=batch.labels, features=features))
    for name, term in method.loss(batch).items():
        close(found[name], term)


def test_paper_starts_at_zero_shot(backbone: Backbone, images: dict[str, Tensor]) -> None:
    method = GOPro(backbone, NAMES, GOProSettings())
    zero = ZeroShot(backbone, NAMES, ZeroShotSettings())
    features = backbone.encode_image(images["x"])
    close(method.logits(features), zero.logits(features))


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_every_learned_parameter_gets_a_gradient(
    backbone: Backbone, batch: Batch, variant: str
) -> None:
    torch.manual_seed(0)
    method = GOPro(backbone, NAMES, GOProSettings(variant=variant))
    first = step(method, batch)
    if variant == "paper":  # rho starts at zero, so what feeds it has to wait one step
        waiting = {name for name, gradient in first.items() if not gradient.any()}
        assert waiting <= {name for name in first if name.startswith("generator.maps")} | {
            f"generator.rho.{view}.{part}"
            for view in ("moco", "augmix")
            for part in ("weight", "bias")
        }
    gradients = step(method, batch)
    for name, gradient in gradients.items():
        if (variant, name) == ("released", "image_projector.0.bias"):
            continue  # batch norm takes every constant away: rounding is all that is left
        assert gradient.any(), name


def test_contrast_cannot_move_the_released_prediction(backbone: Backbone, batch: Batch) -> None:
    features = backbone.encode_image(batch.images["x"])
    trained = {}
    for weight in (0.0, 0.1, 10.0):
        method = gopro(backbone, variant="released", w_con=weight)
        for _ in range(3):
            step(method, batch)
        trained[weight] = method.eval().logits(features)
    assert torch.equal(trained[0.1], trained[10.0])
    close(trained[0.0], trained[0.1], 1e-5)


def test_contrast_moves_the_papers_prediction(backbone: Backbone, batch: Batch) -> None:
    features = backbone.encode_image(batch.images["x"])
    trained = []
    for weight in (0.0, 10.0):
        method = gopro(backbone, w_con=weight)
        step(method, batch)
        trained.append(method.logits(features))
    assert (trained[0] - trained[1]).abs().max() > 1e-3


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_a_batch_of_one(backbone: Backbone, images: dict[str, Tensor], variant: str) -> None:
    method = gopro(backbone, variant=variant)
    one = {view: pixels[:1] for view, pixels in images.items()}
    terms = method.loss(Batch(labels=torch.tensor([1]), images=one))
    assert terms["con"].item() == 0
    assert all(term.isfinite() for term in terms.values())


@pytest.mark.parametrize("count", [1, 4])
def test_the_released_contrast_gets_unit_embeddings(
    backbone: Backbone, images: dict[str, Tensor], count: int
) -> None:
    method = gopro(backbone, variant="released")
    inputs: list[Tensor] = []
    method.image_projector.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    features = {
        view: backbone.encode_image(pixels[:1].expand(count, -1, -1, -1))
        for view, pixels in images.items()
    }
    batch = Batch(labels=torch.zeros(count, dtype=torch.long), features=features)
    for training in (True, False):
        method.train(training).loss(batch)
    # in training, one image alone does not go through the batch norm
    assert len(inputs) == (2 if count == 1 else 4)
    for given in inputs:
        close(given.norm(dim=-1), torch.ones(count))
    bare = features["x"].embedding.norm(dim=-1)
    assert (bare - 1).abs().min() > 0.1  # the frozen encoder's embeddings are no unit vectors


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_new_names_use_new_tokens(
    backbone: Backbone, batch: Batch, images: dict[str, Tensor], variant: str
) -> None:
    method = gopro(backbone, variant=variant)
    step(method, batch)
    method.eval()
    features = backbone.encode_image(images["x"])
    before = method.logits(features)
    other = method.for_classes(NEW)
    built = GOPro(backbone, NEW, GOProSettings(variant=variant))
    built.load_state_dict(method.state_dict())
    found = other.logits(features)
    assert torch.equal(found, built.eval().logits(features))
    close(found, formulas.scores(method, features, formulas.text(method, NEW, features, "x")))
    assert other.class_names == tuple(NEW)
    assert method.class_names == tuple(NAMES)
    assert torch.equal(method.logits(features), before)
    # as many names as before, where a stale list of tokens would go unseen
    same_count = method.for_classes(["tree", "boat", "house", "sun"]).logits(features)
    assert (same_count - before).abs().max() > 0.01
    shared = dict(other.named_parameters())
    assert all(shared[name] is value for name, value in method.named_parameters())
    step(method, batch)
    assert not torch.equal(other.logits(features), found)


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_only_what_is_learned_is_saved(backbone: Backbone, variant: str) -> None:
    method = gopro(backbone, variant=variant)
    state = method.state_dict()
    buffers = {name for name, _ in method.named_buffers()}
    assert set(state) == {name for name, _ in method.named_parameters()} | buffers
    assert all("running" in name or "num_batches" in name for name in buffers)
    assert not buffers or variant == "released"
    own = {tensor.data_ptr() for tensor in backbone.model.parameters()}
    assert not own & {tensor.data_ptr() for tensor in state.values()}
    assert set(method.for_classes(NEW).state_dict()) == set(state)
    assert all(parameter.requires_grad for parameter in method.parameters())
    assert all(value.grad is None for value in backbone.model.parameters())


@pytest.fixture
def half(request: pytest.FixtureRequest) -> Iterator[Backbone]:
    backbone = small_backbone(text={"layers": 2, "context_length": 24})
    yield backbone.to("cpu", request.param)


@pytest.mark.parametrize("half", ["bf16", "fp16"], indirect=True)
@pytest.mark.parametrize("variant", ["paper", "released"])
def test_half_precision_towers(half: Backbone, batch: Batch, variant: str) -> None:
    method = gopro(half, variant=variant)
    assert all(parameter.dtype == torch.float32 for parameter in method.parameters())
    terms = method.loss(batch)
    assert all(term.dtype == torch.float32 and term.isfinite() for term in terms.values())
    assert all(gradient.isfinite().all() for gradient in step(method, batch).values())
