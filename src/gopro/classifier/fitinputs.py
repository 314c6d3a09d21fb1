"""The inputs of a fit, after all checks: pictures, classes, method and backbone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from typing_extensions import Self

from gopro.backbones.shared import Shared, backbone_key, shared_backbone
from gopro.classifier.choice import AUTO, ZERO_SHOT, refuse_settings
from gopro.classifier.estimator import Estimator
from gopro.common.errors import GoproError, UnreadableError
from gopro.common.preprocessing import Preprocessing
from gopro.common.progress import bar
from gopro.common.typed import as_python
from gopro.data import labelled
from gopro.data.labelled import Folder, Labelled
from gopro.data.originals import KEPT, Originals
from gopro.data.pictures import Picture, name_of, open_picture
from gopro.data.pixels import groups
from gopro.data.texts import check_texts
from gopro.methods import find
from gopro.methods.base import Method, Recipe
from gopro.prediction.predict import validator
from gopro.training.batches import Augment, random_views
from gopro.training.config import TrainSettings
from gopro.training.recipe import choose_recipe, method_settings, with_texts
from gopro.training.trainingset import TrainingSet

_MIN_STEPS = 40
"""A fit on few pictures repeats the epoch until it has made at least this many steps."""

T = TypeVar("T")
Validate: TypeAlias = Callable[[Method], float]


@dataclass(frozen=True)
class FitInputs:
    """Everything that a fit needs.

    Attributes:
        settings: As for a training run.
        kind: The method's class; zero-shot CLIP's until ``auto`` has chosen one.
        options: The method's own settings.
        pictures: N training pictures.
        truth: N class indices.
        classes: The labels, sorted.
        class_names: Their names in the prompts.
        shared: The backbone.
    """

    settings: TrainSettings
    kind: type[Method]
    options: Any
    pictures: list[Picture]
    truth: list[int]
    classes: npt.NDArray[Any]
    class_names: tuple[str, ...]
    shared: Shared

    def with_method(self, name: str) -> Self:
        """The same fit with another method, with its default options."""
        kind, settings = find(name), dataclasses.replace(self.settings, method=name)
        return dataclasses.replace(self, settings=settings, kind=kind, options=kind.Settings())

    def new_method(self) -> Method:
        """The method with initial weights, on the backbone's device."""
        backbone = self.shared.backbone
        return self.kind(backbone, self.class_names, self.options).to(backbone.device)

    def validator(self, held_out: Labelled | None, method: Method) -> Validate | None:
        """What measures the accuracy on validation pictures; None if there are none."""
        if held_out is None:
            return None
        truth = labelled.places_among(held_out.labels, self.classes)
        pixels = self._decoded(open_picture, list(enumerate(held_out.pictures)))
        return validator(method, pixels, truth, self.settings.eval_batch)

    def training_set(
        self, numbered: Sequence[tuple[int, Picture]], method: Method, augment: Augment
    ) -> TrainingSet:
        """Decode training pictures; the originals are kept if the method needs random views.

        Args:
            numbered: Pictures, each after its position in the user's list, which messages name.
            method: To be trained.
            augment: Of the recipe.

        Raises:
            UnreadableError: When pictures can't be read.
        """
        limit = KEPT if random_views(method, augment) else 0
        originals = Originals(open_picture, numbered, self._preprocessing, limit)
        pixels = self._decoded(originals.open, range(len(numbered)))
        labels = torch.tensor([self.truth[number] for number, _ in numbered])
        return TrainingSet(pixels, labels, originals, tuple(map(name_of, numbered)))

    @property
    def _preprocessing(self) -> Preprocessing:
        return self.shared.backbone.preprocessing.with_decode(self.settings.decode)

    def _decoded(
        self, opener: Callable[[T, int | None], Image.Image], items: Sequence[T]
    ) -> Tensor:
        """Pictures without augmentation: uint8 [N, 3, S, S]."""
        settings, how = self.settings, self._preprocessing
        parts: list[Tensor] = []
        errors: list[GoproError] = []
        with bar("reading pictures", len(items)) as advance:
            for group in groups(opener, items, how, settings.eval_batch, settings.workers):
                parts += [picture for picture in group if isinstance(picture, Tensor)]
                errors += [picture for picture in group if isinstance(picture, GoproError)]
                advance("", len(group))
        if errors:
            raise UnreadableError([str(error) for error in errors], len(items))
        return torch.stack(parts)


def inputs_of(
    classifier: Estimator, images: Iterable[Picture] | Folder, labels: Iterable[Any] | None
) -> FitInputs:
    """Check a classifier's settings and its training pictures, draw its shots, open its backbone.

    Raises:
        GoproError: For pictures, labels or settings that can't be used.
    """
    params = classifier.get_params()
    if params["method"] == AUTO:
        refuse_settings(params)
    settings = settings_of(classifier)
    kind = find(ZERO_SHOT if params["method"] == AUTO else params["method"])
    options = with_texts(settings, method_settings(kind, params["options"]))
    training = labelled.read(images, labels)
    classes, truth = labelled.classes_of(training)
    names = labelled.names_of(classes, params["class_names"])
    if getattr(options, "texts", None) is not None:
        check_texts(options.texts, names)
    if params["shots"] is not None:
        training, truth = labelled.draw(training, truth, params["shots"], params["seed"], names)
    shared = backbone_of(classifier)
    return FitInputs(settings, kind, options, training.pictures, truth, classes, names, shared)


def backbone_of(classifier: Estimator) -> Shared:
    """A classifier's backbone, kept for the next call.

    Raises:
        GoproError: For an unknown name, or when its weights can't be had.
    """
    params = classifier.get_params()
    where = (params[name] for name in ("backbone", "pretrained", "device", "precision"))
    return shared_backbone(backbone_key(*where))


def recipe_of(classifier: Estimator, pictures: int, classes: int | None = None) -> Recipe:
    """The recipe of a classifier's method and variant, changed by its settings.

    Args:
        classifier: Has the settings.
        pictures: Number of training pictures.
        classes: Number of classes, if known.

    Raises:
        GoproError: For a setting that can't be used.
    """
    params = classifier.get_params()
    kind = find(params["method"])
    options = method_settings(kind, params["options"])
    recipe = choose_recipe(kind, settings_of(classifier), classes, options)
    if params["epochs"] is not None or recipe.epochs == 0:
        return recipe
    needed = math.ceil(_MIN_STEPS / max(1, recipe.steps(pictures)))
    return dataclasses.replace(recipe, epochs=max(recipe.epochs, needed))


def settings_of(classifier: Estimator) -> TrainSettings:
    """A classifier's settings as those of a training run, with their values checked.

    Raises:
        GoproError: For a setting that can't be used.
    """
    fields = {field.name for field in dataclasses.fields(TrainSettings)}
    values = {name: as_python(v) for name, v in classifier.get_params().items() if name in fields}
    if values["shots"] is None:
        del values["shots"]
    try:
        return TrainSettings(dataset="pictures", **values)
    except TypeError as error:
        raise GoproError(f"a setting is of the wrong kind ({error}): {classifier}") from error
