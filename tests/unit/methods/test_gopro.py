"""GOPro in both variants against its formulas, and what each setting switches off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gopro_formulas as formulas
import pytest
import torch
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.methods import find
from gopro.methods.base import Batch
from gopro.methods.gopro import GOPro, GOProSettings
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from small_clips import RESNET, close, small_backbone

NAMES = ["cat", "golden retriever", "car_side", "C-130 Hercules"]
READ = [name.replace("_", " ") for name in NAMES]
NEW = ["tree", "sailing boat on a lake"]


def gopro(backbone: Backbone, names: list[str] = NAMES, *, seed: int = 0, **options: Any) -> GOPro:
    """A method whose weights, those that start at zero too, are random."""
    torch.manual_seed(seed)
    method = GOPro(backbone, names, GOProSettings(**options))
    with torch.no_grad():
        for parameter in method.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return method


def step(method: GOPro, batch: Batch, rate: float = 0.1) -> dict[str, Tensor]:
    """One plain gradient step on the total; gives the gradients by name."""
    terms = method.loss(batch)
    total = sum(method.loss_weights[name] * term for name, term in terms.items())
    method.zero_grad()
    total.backward()
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.grad is not None:
                parameter -= rate * parameter.grad
    return {
        name: torch.zeros_like(value) if value.grad is None else value.grad.clone()
        for name, value in method.named_parameters()
    }


def gradients(value: Tensor, parameters: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """The gradient of each parameter; zeros where the value doesn't depend on it."""
    found = torch.autograd.grad(
        value,
        list(parameters.values()),
        allow_unused=True,
        retain_graph=True,
        materialize_grads=True,
    )
    return dict(zip(parameters, found, strict=True))


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


@pytest.mark.parametrize(
    ("options", "views", "terms", "branches"),
    [
        ({}, "x moco augmix", "ce sem con", "x moco augmix"),
        ({"w_sem": 0.0}, "x moco", "ce con", "x"),
        ({"w_con": 0.0}, "x moco augmix", "ce sem", "x moco augmix"),
        ({"w_sem": 0.0, "w_con": 0.0}, "x", "ce", "x"),
        ({"moco": False}, "x augmix", "ce sem", "x augmix"),
        ({"augmix": False}, "x moco", "ce sem con", "x moco"),
        ({"moco": False, "augmix": False}, "x", "ce", "x"),
        ({"per_branch": False}, "x moco augmix", "ce sem con", "x"),
        ({"image_projector": False}, "x moco augmix", "ce sem", "x moco augmix"),
        ({"image_projector": False, "w_sem": 0.0}, "x", "ce", "x"),
    ],
    ids=str,
)
def test_views_and_terms(
    backbone: Backbone, batch: Batch, options: dict[str, Any], views: str, terms: str, branches: str
) -> None:
    method = gopro(backbone, **options)
    assert method.views == tuple(views.split())
    assert set(method.generator.get_submodule("rho").keys()) == set(branches.split())
    needed = {view: batch.images[view] for view in method.views}
    found = method.loss(Batch(labels=batch.labels, images=needed))
    assert set(found) == set(terms.split())
    gradients = step(method, Batch(labels=batch.labels, images=needed))
    assert all(gradient.any() for gradient in gradients.values())


@pytest.mark.parametrize("options", [{"w_con": 0.0}, {"moco": False}], ids=str)
def test_released_without_contrast_has_no_projector(
    backbone: Backbone, batch: Batch, options: dict[str, Any]
) -> None:
    method = gopro(backbone, variant="released", **options)
    assert isinstance(method.image_projector, nn.Identity)
    assert all(gradient.any() for gradient in step(method, batch).values())


def test_primitives(backbone: Backbone, images: dict[str, Tensor]) -> None:
    layers, features = len(backbone.vision_widths), backbone.encode_image(images["x"])

    def rows(**options: Any) -> int:
        method = gopro(backbone, **options)
        found: Any = method.generator
        assert len(found.maps) == len(found.primitives(features))
        return len(found.maps)

    assert rows() == layers + 2
    assert rows(content=False) == 2
    assert rows(style=False) == layers
    assert rows(layers=(2,)) == 3
    assert rows(layers=(-1,), style=False) == 1


def test_settings_remove_the_projectors(backbone: Backbone) -> None:
    bare = gopro(backbone, image_projector=False, text_projector=False)
    assert isinstance(bare.image_projector, nn.Identity)
    assert isinstance(bare.text_projector, nn.Identity)
    removed = gopro(backbone).trainable_parameters - bare.trainable_parameters
    assert removed == 2 * (backbone.embed_dim**2 + backbone.embed_dim)


def test_weights_are_reported_apart_from_the_terms(backbone: Backbone, batch: Batch) -> None:
    method = gopro(backbone, w_ce=2.0, w_sem=3.0, w_con=4.0)
    assert method.loss_weights == {"ce": 2.0, "sem": 3.0, "con": 4.0}
    for name, term in gopro(backbone).loss(batch).items():
        assert torch.equal(term, method.loss(batch)[name])


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "other"}, "got the variant 'other'; choose paper or released"),
        ({"content": False, "style": False}, "generates nothing"),
        ({"w_sem": -1.0}, r"got w_sem = -1\.0"),
        ({"w_ce": float("nan")}, "got w_ce = nan"),
        ({"w_con": float("inf")}, "got w_con = inf"),
        ({"temperature": 0.0}, r"got the temperature 0\.0"),
        ({"temperature": float("nan")}, "got the temperature nan"),
        ({"variant": "released", "style": False}, "released variant has no setting style"),
        ({"variant": "released", "layers": (1,)}, "released variant has no setting layers"),
        ({"n_ctx": 0}, "got 0 context tokens"),
        ({"n_ctx": 24}, "only 0 fit"),
        ({"layers": (0,)}, r"got the layers \[0\]; this image encoder has layers 1 to 3"),
        ({"layers": (1, 4)}, r"got the layers \[1, 4\]"),
        ({"layers": (-4,)}, r"got the layers \[-4\]; .* or -1 for the last"),
        ({"layers": ()}, r"got the layers \[\]"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit(
    backbone: Backbone, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(GoproError, match=message):
        GOPro(backbone, NAMES, GOProSettings(**options))


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


def test_found_by_name() -> None:
    assert find("gopro") is GOPro
    with pytest.raises(GoproError, match="did you mean gopro"):
        find("gropro")
    with pytest.raises(GoproError, match="choose one of zeroshot, coop, "):
        find("xyz")
