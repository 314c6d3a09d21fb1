"""From pictures and labels to a classifier: fit, predict, save, load."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from gopro.backbones import Backbone
from gopro.backbones.shared import backbone_key, shared_backbone
from gopro.classifier import fastway, modelfolder
from gopro.classifier.comparison import Comparison
from gopro.classifier.examples import Examples
from gopro.classifier.hub import Hub
from gopro.classifier.predictor import Folder, Predictor
from gopro.classifier.work import Work
from gopro.common.errors import GoproError
from gopro.common.progress import bar
from gopro.common.typed import as_python
from gopro.data import labelled
from gopro.data.pictures import Picture, name_of, open_picture
from gopro.data.pixels import groups, stack
from gopro.methods import find
from gopro.methods.base import Method, Recipe
from gopro.prediction.predict import validator
from gopro.training.config import TrainSettings
from gopro.training.fit import learn_without_folder, seeded
from gopro.training.recipe import choose_recipe, method_settings
from gopro.training.timing import training_seconds
from gopro.training.trainer import TrainingSet

_STEPS = 40
"""A handful of pictures makes few steps an epoch: a classifier is trained for so many at least."""

_TRIED = 16
"""So many pictures, about, are read to tell how long a fit takes."""


class PromptClassifier(Predictor, Hub):
    """A classifier of photographs that learns prompts for a frozen CLIP from a few of each class.

    Pictures are given as a list of paths, of Pillow images (any mode), of uint8 arrays
    [H, W, 3], as one array [N, H, W, 3], or as a folder with a sub-folder for each class. The
    conventions are scikit-learn's: it can be cloned, searched over and put into a pipeline.

    Args:
        method: What is learned; see ``gopro methods``.
        options: The method's own settings, such as ``{"variant": "released"}``.
        backbone: mini (embedded, works offline) or any model name of open_clip, such as ViT-B-16.
        pretrained: Weights of the backbone: a tag of open_clip, such as openai, or a file.
        class_names: The name of each label, a mapping or a list that the labels index; by
            default the labels are names.
        shots: Train on so many pictures per class, drawn with the seed; by default on all.
        epochs: Passes over the training pictures; by default the method's recipe, and more of
            them where there are few pictures.
        batch: Pictures per training step; by default the method's recipe.
        lr: Learning rate; by default the method's recipe.
        select: Which weights count: the last epoch's, or the best on the validation pictures.
        seed: Of the initial weights, the order, the views and the draw of shots.
        device: auto, cpu, cuda, cuda:1 or mps.
        precision: Of the frozen towers: fp32, bf16 or fp16. What is learned stays in float32.
        eval_batch: Pictures per step when nothing is trained.
        workers: Threads that decode pictures; by default one per core.
        examples: Training pictures to keep in the model, small, for explanations to show; 0 keeps
            none.
        fast: Predict without a text pass over all classes for each picture, where the method has
            such a way (``gopro``, ``cocoop``); probabilities of unlikely classes are rough then.

    Attributes:
        classes_: The labels, in the order of the columns of ``predict_proba``.
        class_names_: Their names, as they stand in the prompts.
        method_: What was learned.
        history_: A row an epoch: learning rate, loss terms and validation accuracy in percent.
        training_: Number of training pictures of each class name, and seconds.
        examples_: The training pictures that are kept, or None.
    """

    def __init__(
        self,
        *,
        method: str = "gopro",
        options: Mapping[str, Any] | None = None,
        backbone: str = "mini",
        pretrained: str | None = None,
        class_names: Mapping[Any, str] | Sequence[str] | None = None,
        shots: int | None = None,
        epochs: int | None = None,
        batch: int | None = None,
        lr: float | None = None,
        select: Literal["last", "best"] = "last",
        seed: int = 1,
        device: str = "auto",
        precision: Literal["fp32", "bf16", "fp16"] = "fp32",
        eval_batch: int = 64,
        workers: int | None = None,
        examples: int = 128,
        fast: bool = False,
    ) -> None:
        self.method = method
        self.options = options
        self.backbone = backbone
        self.pretrained = pretrained
        self.class_names = class_names
        self.shots = shots
        self.epochs = epochs
        self.batch = batch
        self.lr = lr
        self.select = select
        self.seed = seed
        self.device = device
        self.precision = precision
        self.eval_batch = eval_batch
        self.workers = workers
        self.examples = examples
        self.fast = fast

    def fit(
        self,
        images: Iterable[Picture] | Folder,
        labels: Iterable[Any] | None = None,
        *,
        validation: tuple[Iterable[Picture], Iterable[Any]] | Folder | None = None,
    ) -> Self:
        """Learn from pictures.

        Args:
            images: Pictures; or a folder of class sub-folders, or one that holds ``train`` and
                perhaps ``val`` folders of them, whose ``test`` is left alone.
            labels: A label a picture; left out where ``images`` is a folder.
            validation: Pictures and labels, or a folder, to measure on after each epoch.

        Raises:
            GoproError: For pictures, labels or settings that don't fit.
            KeyboardInterrupt: After Ctrl-C; nothing is learned then.
        """
        if self.examples < 0:
            raise GoproError(f"got {self.examples} examples to keep; it must be 0 or more")
        checked = labelled.read_validation(images, labels, validation)
        if self.select == "best" and checked is None:
            raise GoproError("select='best' needs validation pictures; give validation=...")
        work = self._work(images, labels)
        backbone, names, truth = work.shared.backbone, work.names, work.truth
        started = time.monotonic()
        with seeded(self.seed, backbone.device):
            method = work.method()
            pixels = self._read_all(work.given.pictures, backbone)
            places = tuple(map(name_of, enumerate(work.given.pictures)))
            data = TrainingSet(pixels, torch.tensor(truth), places)
            validate = self._validator(checked, work.classes, method)
            recipe = self.recipe(len(pixels), len(names))
            progress = learn_without_folder(method, data, recipe, work.settings, validate)
            kept = Examples.of(pixels, truth, backbone, self.examples)
        self.method_, self.classes_, self.history_ = method.eval(), work.classes, progress.rows
        self.class_names_ = self.trained_names_ = names
        self.backbone_checksum_ = work.shared.checksum
        self.examples_, self.measured_ = kept, None
        self.reference_ = fastway.reference(self.method_, pixels)
        self.training_ = {
            "pictures": {name: truth.count(place) for place, name in enumerate(names)},
            "seconds": round(time.monotonic() - started, 1),
            "recipe": dataclasses.asdict(recipe),
        }
        return self

    def save(self, folder: Folder, measured: Comparison | None = None) -> Path:
        """Write the classifier to a folder: learned weights, description and model card.

        The backbone isn't written, only what it is and the checksum of its weights. A saved
        classifier in the folder is replaced; a folder with other things is refused.

        Args:
            folder: Made where it isn't there.
            measured: On pictures that weren't trained on, for the model card to tell; by default
                what is known already.

        Raises:
            GoproError: Before ``fit``, for labels other than text and whole numbers, or when the
                place can't be written.
        """
        self.check_fitted()
        if measured is not None:
            self.measured_ = measured.as_dict()
        return modelfolder.write(self, Path(folder).expanduser())

    @classmethod
    def load(
        cls,
        folder: Folder,
        *,
        device: str = "auto",
        precision: Literal["fp32", "bf16", "fp16"] | None = None,
        pretrained: str | None = None,
    ) -> Self:
        """Read what ``save`` wrote, and the backbone it was fitted on.

        Args:
            folder: The model's folder.
            device: As in the settings.
            precision: As in the settings; by default the one it was fitted with.
            pretrained: Where the backbone's weights are now; by default where they were.

        Raises:
            GoproError: When a file is missing or was changed, or when the backbone isn't there or
                is another one.
        """
        return modelfolder.read(cls, Path(folder).expanduser(), device, precision, pretrained)

    def recipe(self, pictures: int, classes: int | None = None) -> Recipe:
        """How ``fit`` trains: the method's recipe for the backbone, with what was set on top.

        Args:
            pictures: How many are trained on.
            classes: How many classes they show, where that is known.

        Raises:
            GoproError: For a setting that doesn't fit.
        """
        recipe = choose_recipe(find(self.method), self._settings(), classes)
        if self.epochs is not None or recipe.epochs == 0:
            return recipe
        needed = math.ceil(_STEPS / max(1, recipe.steps(pictures)))
        return dataclasses.replace(recipe, epochs=max(recipe.epochs, needed))

    def expected_seconds(
        self, images: Iterable[Picture] | Folder, labels: Iterable[Any] | None = None
    ) -> float:
        """How long ``fit`` is going to take, from a few steps with some of the pictures.

        Args:
            images: See ``fit``.
            labels: See ``fit``.

        Raises:
            GoproError: As ``fit``, as far as the pictures that are tried are concerned.
        """
        work = self._work(images, labels)
        backbone, pictures = work.shared.backbone, work.given.pictures
        some = range(0, len(pictures), math.ceil(len(pictures) / _TRIED))
        started = time.monotonic()
        pixels = self._read_all(pictures, backbone, some)
        reading = (time.monotonic() - started) / len(pixels) * len(pictures)
        with seeded(self.seed, backbone.device):
            method = work.method()
        labels_tried = torch.tensor([work.truth[place] for place in some])
        recipe = self.recipe(len(pictures), len(work.names))
        return reading + training_seconds(
            method, pixels, labels_tried, recipe, work.settings, len(pictures)
        )

    def _work(self, images: Iterable[Picture] | Folder, labels: Iterable[Any] | None) -> Work:
        settings, kind = self._settings(), find(self.method)
        options = method_settings(kind, self.options)
        given = labelled.read(images, labels)
        classes, truth = labelled.classes_of(given)
        names = labelled.names_of(classes, self.class_names)
        if self.shots is not None:
            given, truth = labelled.draw(given, truth, self.shots, self.seed, names)
        key = backbone_key(self.backbone, self.pretrained, self.device, self.precision)
        shared = shared_backbone(key)
        return Work(settings, kind, options, given, truth, classes, names, shared)

    def _settings(self) -> TrainSettings:
        """The settings as a run has them, with their values checked."""
        known = {field.name for field in dataclasses.fields(TrainSettings)}
        params = self.get_params()
        given = {name: as_python(params[name]) for name in params if name in known}
        if given["shots"] is None:
            del given["shots"]
        try:
            return TrainSettings(dataset="pictures", **given)
        except TypeError as error:
            raise GoproError(f"a setting is of the wrong kind ({error}): {self}") from error

    def _read_all(
        self, images: Sequence[Picture], backbone: Backbone, places: Sequence[int] | None = None
    ) -> Tensor:
        """Pictures decoded, all or those at some places: uint8 [N, 3, S, S]."""
        chosen = range(len(images)) if places is None else places
        numbered = [(place, images[place]) for place in chosen]
        parts = []
        opened = groups(open_picture, numbered, backbone.image_size, self.eval_batch, self.workers)
        with bar("reading pictures", len(numbered)) as advance:
            for group in opened:
                parts.append(stack(group))
                advance("", len(group))
        return torch.cat(parts)

    def _validator(
        self, checked: labelled.Labelled | None, classes: npt.NDArray[Any], method: Method
    ) -> Callable[[Method], float] | None:
        if checked is None:
            return None
        truth = labelled.places_among(checked.labels, classes)
        pixels = self._read_all(checked.pictures, method.backbone)
        return validator(method, pixels, truth, self.eval_batch)
