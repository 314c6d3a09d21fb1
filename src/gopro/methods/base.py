"""The interface of a method: prompts or features in, named loss terms and logits out."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from gopro.backbones import Backbone, ImageFeatures
from gopro.common.errors import GoproError
from gopro.common.typed import settings_from
from gopro.methods import configs

_FROZEN_BATCH = 256  # images in one pass of the frozen encoder, which keeps no gradient


@dataclass(frozen=True)
class Recipe:
    """The training settings of a method that the user doesn't give."""

    epochs: int = 50
    batch: int = 32
    lr: float = 0.002
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_epochs: int = 1
    warmup_lr: float = 1e-5
    augment: Literal["none", "crop-flip"] = "crop-flip"
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    view_cache: int = 0

    def steps(self, images: int) -> int:
        """Steps in one epoch of ``images`` images, without an incomplete last batch, as in CoOp."""
        return images // max(1, min(self.batch, images))


@dataclass(frozen=True)
class Batch:
    """A batch of training images: each view as pixels, or as features computed before.

    Attributes:
        labels: [B], indices of the training classes.
        images: View name -> [B, 3, H, W] in [0, 1], not normalised.
        features: View name -> features of the frozen image encoder, instead of pixels.
    """

    labels: Tensor
    images: Mapping[str, Tensor] = field(default_factory=dict)
    features: Mapping[str, ImageFeatures] = field(default_factory=dict)


class Method(nn.Module, ABC):
    """A classifier on top of a frozen CLIP.

    A method holds learned parameters only. The backbone is not one of its modules. Values that
    depend on the class names are computed by ``set_class_names``, never learned or saved.

    Class attributes:
        Settings: A frozen dataclass whose fields are the method's options.
        paper: Authors, venue and year of the publication.
        about: What it learns, in one line.
        parts: The parts that an ablation switches off: name -> the settings that do it.
        sentences: Data set -> settings that its code has there, where they are not the benchmark's
            sentence (``data.templates.own_template``) and the user has set none.
        without_views: Settings under which training needs no augmented views, for quick trainings.
        learns_from_features: Whether ``prepare`` needs the features of all training images.
        modifies_image_encoder: Whether the method changes the image encoder. Features of the
            frozen one (cached, or shared with zero-shot CLIP) are then not valid for it.
        has_other_scores: Whether its scores are more than scaled cosines of an image's embedding
            and those of its prompts; fast prediction then doesn't fit it.
        learns_from_teacher: Whether it learns from a trained method, without labels.
        smallest_batch: Images of a step that each process needs; 2 with a batch norm in the scores.
        feature_parts: The parts of ``ImageFeatures`` that it reads in training.
        leading_words: Whether its context starts from the first words of ``ctx_init``, not from the
            last.
        prompts_per_image: Whether each image has its own prompts. The memory for them limits how
            many images can be scored at once.

    Args:
        backbone: The frozen CLIP.
        class_names: Names of the training classes.
        settings: The method's options.

    Attributes:
        extra_state: Tensors that training keeps between epochs; see ``end_epoch``.
        teachers: What it learns from, in a tuple, so that it is no part of the module.
    """

    Settings: ClassVar[type]
    paper: ClassVar[str]
    about: ClassVar[str]
    parts: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    sentences: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    without_views: ClassVar[Mapping[str, Any]] = {}
    learns_from_features: ClassVar[bool] = False
    modifies_image_encoder: ClassVar[bool] = False
    has_other_scores: ClassVar[bool] = False
    learns_from_teacher: ClassVar[bool] = False
    smallest_batch: ClassVar[int] = 1
    feature_parts: ClassVar[tuple[str, ...]] = ("embedding", "mean", "std")
    leading_words: ClassVar[bool] = False
    prompts_per_image: ClassVar[bool] = False

    def __init__(self, backbone: Backbone, class_names: Sequence[str], settings: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.settings = settings
        self.class_names = tuple(class_names)
        self.extra_state: dict[str, Tensor] = {}
        self.teachers: tuple[Method, ...] = ()

    @classmethod
    def recipe_for(cls, backbone: str, classes: int | None = None, options: Any = None) -> Recipe:
        """The training recipe in ``configs``, of the files named like the method's module.

        Args:
            backbone: Its name; a folder of that name holds the values that differ.
            classes: Number of training classes, if known.
            options: The method's settings, if known; their variant may have its own recipe.
        """
        variant = getattr(options, "variant", None)
        values = configs.values(cls.__module__.rpartition(".")[2], backbone, variant)
        names = {one.name for one in fields(Recipe)} & values.keys()
        return settings_from(Recipe, {name: values[name] for name in names})

    @property
    def views(self) -> tuple[str, ...]:
        """The views of an image that training needs, out of "x", "moco" and "augmix"."""
        return ("x",)

    @property
    def loss_weights(self) -> Mapping[str, float]:
        """Weight of each loss term in ``total_loss``."""
        return {"ce": 1.0}

    @property
    def trainable_parameters(self) -> int:
        """Number of learned parameters."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def prepare(self, features: ImageFeatures, labels: Tensor) -> None:
        """Process the whole training set once, before the first step.

        Called if ``learns_from_features`` is true, but not when learned weights are loaded.

        Args:
            features: Features of all N training images, without augmentation.
            labels: [N], indices of the training classes, on the device of the features.
        """

    def set_teacher(self, teacher: Method, names: Sequence[str]) -> None:
        """Take the trained method to learn from, and all names to be told apart.

        Raises:
            GoproError: For a teacher of other classes.
        """

    def total_loss(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of the loss terms, a scalar."""
        return torch.stack([self.loss_weights[name] * term for name, term in terms.items()]).sum()

    def backward(self, terms: Mapping[str, Tensor], backward: Callable[..., None]) -> None:
        """Compute the gradients of one step; the parameters have none before.

        The default is the gradient of ``total_loss``. A method that combines the gradients of its
        terms in another way overrides this.

        Args:
            terms: The result of ``loss``.
            backward: Adds the gradient of a scalar to the parameters' ``grad``, with the options
                of ``Tensor.backward``.
        """
        backward(self.total_loss(terms))

    def stage_of(self, epoch: int, epochs: int) -> tuple[int, int]:
        """First epoch and length of an epoch's stage; each has its own learning-rate curve."""
        return 0, epochs

    def end_epoch(self, epoch: int, epochs: int) -> None:
        """Run the method's work between epochs, before the validation.

        Values needed from earlier epochs, besides the learned weights, belong in ``extra_state``:
        checkpoints contain it, saved weights don't.

        Args:
            epoch: The epoch that ended, counted from 0.
            epochs: Number of epochs.
        """

    @abstractmethod
    def set_class_names(self, names: Sequence[str]) -> None:
        """Compute the values that depend on the class names, as plain attributes."""

    @abstractmethod
    def logits(self, features: ImageFeatures) -> Tensor:
        """Class scores [B, C] of images, before the softmax, in float32."""

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The loss terms by name, unweighted scalars; by default the cross-entropy of x."""
        return {"ce": F.cross_entropy(self.logits(self.encode(batch)["x"]), batch.labels)}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``loss``, under the name that wrappers for several processes call."""
        return self.loss(batch)

    def template_embeddings(self, names: Sequence[str]) -> Tensor:
        """Unit text embeddings [C, e] of the setting ``template``, filled with each class name."""
        return F.normalize(self.backbone.encode_class_names(names, self.settings.template), dim=-1)

    def cosine_logits(self, features: ImageFeatures, text: Tensor) -> Tensor:
        """``exp(logit_scale) * cos``: [B, C], with unit text embeddings [C, e]."""
        image = F.normalize(features.embedding, dim=-1)
        return self.backbone.logit_scale * image @ text.T

    def for_classes(self, names: Sequence[str], **settings: Any) -> Self:
        """The same method for other class names; learned weights are shared, not copied.

        Args:
            names: Class names.
            settings: Settings to replace for these names, such as their ``template``.

        Raises:
            GoproError: For names that are empty, too long, or different with the same tokens, or
                not among the training classes when the method learns values for each of those.
        """
        other = copy.copy(self)
        if settings:
            other.settings = replace(self.settings, **settings)
        other.class_names = tuple(names)
        other.set_class_names(names)
        return other

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """Features of images for ``logits``: by default of the frozen encoder, without gradient.

        Args:
            pixels: [B, 3, image_size, image_size] in [0, 1], not normalised.
        """
        return self.backbone.encode_image(pixels)

    def encode(self, batch: Batch) -> dict[str, ImageFeatures]:
        """Features of each view, by the method's image encoder.

        All views go through it together; a frozen encoder takes at most 256 images in a pass.

        Raises:
            GoproError: For features of the frozen encoder if the method changes the encoder.
        """
        if batch.features and self.modifies_image_encoder:
            raise GoproError(
                f"{type(self).__name__} changes the image encoder and got features of the frozen "
                "one; give it images"
            )
        features = dict(batch.features)
        names = [name for name in batch.images if name not in features]
        if names:
            pixels = torch.cat([batch.images[name] for name in names])
            together = len(pixels) if self.modifies_image_encoder else _FROZEN_BATCH
            parts = [self.encode_image(part) for part in torch.split(pixels, together)]
            encoded = ImageFeatures.cat(parts)
            size = len(batch.labels)
            for index, name in enumerate(names):
                features[name] = encoded[index * size : (index + 1) * size]
        return features


def initial_context(backbone: Backbone, ctx_init: str, n_ctx: int) -> Tensor:
    """Initial context tokens [n_ctx, d_t]: the token embeddings of ``ctx_init``.

    With more tokens than words, random ones (normal, standard deviation 0.02, as in CoOp) come
    first; with fewer, the last words are used. The random numbers come from torch's global
    generator, which the trainer seeds.

    Raises:
        GoproError: For less than one token.
    """
    if n_ctx < 1:
        raise GoproError(f"got {n_ctx} context tokens; wanted at least 1")
    words = backbone.token_embeddings(ctx_init)[-n_ctx:]
    random = torch.empty(n_ctx - words.shape[0], backbone.text_width)
    nn.init.normal_(random, std=0.02)
    return torch.cat([random.to(words), words])


def can_learn(method: Method, recipe: Recipe) -> bool:
    """Whether there is anything to train."""
    # not by the number of parameters: it may depend on a training set that wasn't seen yet
    return recipe.epochs > 0 and any(part.requires_grad for part in method.parameters())
