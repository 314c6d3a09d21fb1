"""What a method is to the rest: a loss in named terms, logits, and other class names."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from typing_extensions import Self

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.common.typed import settings_from
from gopro.methods import configs


@dataclass(frozen=True)
class Recipe:
    """How a method is trained when the user doesn't say otherwise."""

    epochs: int = 50
    batch: int = 32
    lr: float = 0.002
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: int = 1
    warmup_lr: float = 1e-5
    augment: Literal["none", "crop-flip"] = "crop-flip"
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"

    def steps(self, images: int) -> int:
        """Of an epoch of so many images: an incomplete last batch is left out, as in CoOp."""
        return images // max(1, min(self.batch, images))


@dataclass(frozen=True)
class Batch:
    """Training images, view by view as pixels or as features that were computed before.

    Attributes:
        labels: [B], indexes of the training classes.
        images: View name -> [B, 3, H, W] in [0, 1], not normalised.
        features: View name -> features of the frozen tower; a view that has them needs no pixels.
    """

    labels: Tensor
    images: Mapping[str, Tensor] = field(default_factory=dict)
    features: Mapping[str, ImageFeatures] = field(default_factory=dict)


class Method(nn.Module, ABC):
    """A way to classify with a frozen CLIP.

    A method holds learned parameters alone: the backbone is not one of its modules, and what
    depends on the class names is computed again by ``for_classes``, never learned or saved.

    Class attributes:
        Settings: A frozen dataclass whose fields are the method's options.
        paper: Where it was published: authors, venue and year.
        about: What it learns, in one line for lists.
        parts: What an ablation changes: name -> settings. Without a part the rest stays as it is.
        learns_from_features: Whether ``prepare`` wants the training images' features.
        modifies_image_encoder: Whether the method changes the image tower, so that the frozen
            tower's features (cached, or shared with zero-shot CLIP) are not this method's.
        prompts_per_image: Whether each image has prompts of its own, so that scoring many images at
            once needs memory for all their prompts.

    Args:
        backbone: The frozen CLIP.
        class_names: Names of the training classes.
        settings: The method's options.

    Attributes:
        extra_state: Tensors that training carries from epoch to epoch; see ``end_epoch``.
    """

    Settings: ClassVar[type]
    paper: ClassVar[str]
    about: ClassVar[str]
    parts: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    learns_from_features: ClassVar[bool] = False
    modifies_image_encoder: ClassVar[bool] = False
    prompts_per_image: ClassVar[bool] = False

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.settings = settings
        self.class_names = tuple(class_names)
        self.extra_state: dict[str, Tensor] = {}

    @classmethod
    def recipe_for(cls, backbone: str, classes: int | None = None) -> Recipe:
        """The training recipe in ``configs``, of the files named like the method's module.

        Args:
            backbone: Its name; a folder of that name holds the values that differ.
            classes: Number of training classes, if known.
        """
        values = configs.values(cls.__module__.rpartition(".")[2], backbone)
        names = {one.name for one in fields(Recipe)} & values.keys()
        return settings_from(Recipe, {name: values[name] for name in names})

    @property
    def views(self) -> tuple[str, ...]:
        """Which views of an image training needs: of "x", "moco" and "augmix"."""
        return ("x",)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        """Weight of each term of ``loss`` in the total."""
        return {"ce": 1.0}

    @property
    def trainable_parameters(self) -> int:
        """How many numbers are learned."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def prepare(self, features: ImageFeatures, labels: Tensor) -> None:
        """See the whole training set once, before the first step.

        Called where ``learns_from_features`` is true, and not when learned weights are loaded.

        Args:
            features: Of all N training images, without augmentation.
            labels: [N], indexes of the training classes, on the features' device.
        """

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of the loss terms, a scalar."""
        return torch.stack([self.loss_weights[name] * term for name, term in terms.items()]).sum()

    def backward(self, terms: Mapping[str, Tensor], backward: Callable[..., None]) -> None:
        """Leave the gradient of a step in the parameters, which come with none.

        The default is the gradient of ``total``. A method that combines its terms' gradients in
        another way does it here.

        Args:
            terms: What ``loss`` gave.
            backward: Adds a scalar's gradient to the parameters' ``grad``, as
                ``Tensor.backward`` does, and takes its options.
        """
        backward(self.total(terms))

    def end_epoch(self, epoch: int, epochs: int) -> None:
        """Do what a method does between epochs, before the validation.

        What it needs of earlier epochs besides the learned weights belongs into ``extra_state``,
        which checkpoints keep and saved weights don't.

        Args:
            epoch: The one that ended, counted from 0.
            epochs: How many there are.
        """

    @abstractmethod
    def set_class_names(self, names: Sequence[str]) -> None:
        """Compute what depends on the class names: plain attributes, not parameters."""

    @abstractmethod
    def logits(self, features: ImageFeatures) -> Tensor:
        """Class scores [B, C] of images, before the softmax, in float32."""

    @abstractmethod
    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss terms by name, scalars not yet weighted."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``loss``, under the name that wrappers for several processes call."""
        return self.loss(batch)

    def for_classes(self, names: Sequence[str], **settings: Any) -> Self:
        """The same learned weights, shared and not copied, for other class names.

        Args:
            names: Class names.
            settings: Settings that belong to these names and replace the method's, such as the
                ``template`` they are put into.

        Raises:
            GoproError: For names that are empty, equal or too long, or where what was learned
                belongs to the training classes alone.
        """
        other = copy.copy(self)
        if settings:
            other.settings = replace(self.settings, **settings)
        other.class_names = tuple(names)
        other.set_class_names(names)
        return other

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """Features of images, as ``logits`` takes them: the frozen tower's, without gradient.

        A method that changes the image tower sets ``modifies_image_encoder`` and encodes here,
        with gradient to what it learns.

        Args:
            pixels: [B, 3, image_size, image_size] in [0, 1], not normalised.
        """
        return self.backbone.encode_image(pixels)

    def encode(self, batch: Batch) -> dict[str, ImageFeatures]:
        """Features of each view, all views in one pass of the method's image tower.

        Raises:
            GoproError: For features of the frozen tower where the method has another one.
        """
        if batch.features and self.modifies_image_encoder:
            raise GoproError(
                f"{type(self).__name__} changes the image tower and got features of the frozen "
                "one; give it images"
            )
        features = dict(batch.features)
        names = [name for name in batch.images if name not in features]
        if names:
            made = self.encode_image(torch.cat([batch.images[name] for name in names]))
            size = len(batch.labels)
            for place, name in enumerate(names):
                features[name] = made[place * size : (place + 1) * size]
        return features


def initial_context(backbone: Backbone, ctx_init: str, n_ctx: int) -> Tensor:
    """Context tokens [n_ctx, d_t] to start from.

    The words' token embeddings; where there are more tokens than words, random ones stand before
    them (normal, standard deviation 0.02, as CoOp does); where there are fewer, the last words
    are kept. Random draws come from torch's global generator, which the engine seeds.

    Raises:
        GoproError: When neither words nor tokens are asked for.
    """
    if n_ctx < 1:
        raise GoproError(f"got {n_ctx} context tokens; wanted at least 1")
    known = backbone.words(ctx_init)[-n_ctx:]
    random = torch.empty(n_ctx - known.shape[0], backbone.text_width)
    nn.init.normal_(random, std=0.02)
    return torch.cat([random.to(known), known])


def rows_of(names: Sequence[str], known: Sequence[str], what: str) -> list[int]:
    """Where names stand among the training classes, for what is learned class by class.

    Args:
        names: Class names.
        known: Names of the training classes.
        what: What a class has of its own, for the message.

    Raises:
        GoproError: For a name that was not trained.
    """
    place = {name: index for index, name in enumerate(known)}
    unknown = [name for name in names if name not in place]
    if unknown:
        raise GoproError(
            f"there is {what} for each training class and none for {unknown[0]!r}; use it on the "
            "classes it was trained on, as the task few-shot does"
        )
    return [place[name] for name in names]


def can_learn(method: Method, recipe: Recipe) -> bool:
    """Whether there is anything for the engine to do."""
    # not by their number, which may depend on a training set that wasn't seen yet
    return recipe.epochs > 0 and any(part.requires_grad for part in method.parameters())
