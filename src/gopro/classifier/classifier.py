"""PromptClassifier: fit it on labelled pictures, then predict, compare, explain, save and load."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from typing_extensions import Self

from gopro.classifier import fast_prediction, fitting, storage, unfinished
from gopro.classifier.comparison import Comparison
from gopro.classifier.examples import Examples
from gopro.classifier.explain.explanation import Explanation, explain
from gopro.classifier.fitinputs import inputs_of, recipe_of
from gopro.classifier.hub import Hub
from gopro.classifier.judging import Judging
from gopro.classifier.predictor import Folder
from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.preprocessing import Decode
from gopro.data import labelled
from gopro.data.fingerprint import Fingerprints
from gopro.data.pictures import Picture
from gopro.data.texts import load_texts
from gopro.methods.base import Recipe
from gopro.results.results_json import texts_of
from gopro.training.config import DEFAULT_BACKBONE


class PromptClassifier(Judging, Hub):
    """An image classifier: prompts learned for a frozen CLIP from a few pictures per class.

    Pictures are given as a list of paths, of Pillow images (any mode) or of uint8 arrays
    [H, W, 3], as one array [N, H, W, 3], or as a folder with one sub-folder per class. The class
    follows scikit-learn's conventions: it works in ``clone``, ``GridSearchCV`` and ``Pipeline``.

    Args:
        method: The method; see ``gopro methods``. auto compares a few with zero-shot CLIP by
            cross-validation on the training pictures, and keeps zero-shot CLIP if none beats it.
        options: The method's own settings, such as ``{"variant": "released"}``.
        backbone: lite or mini (both embedded, offline), or a model name of open_clip, such as
            ViT-B-16.
        pretrained: Weights of the backbone: a tag of open_clip, such as openai, or a file.
        class_names: The name of each label, a mapping or a list that the labels index; by
            default the labels are the names.
        shots: Training pictures per class, drawn with the seed; by default all.
        epochs: Passes over the training pictures; by default the method's, more for few pictures.
        batch: Pictures per training step; by default the method's recipe.
        lr: Learning rate; by default the method's recipe.
        select: Which weights to keep: those of the last epoch, or the best on the validation
            pictures.
        seed: For the initial weights, the order, the augmented views and the draw of shots; at
            most 10^13.
        device: auto, cpu, cuda, cuda:1 or mps.
        precision: Of the frozen encoders: fp32, bf16 or fp16. Learned weights stay in float32.
        eval_batch: Pictures per step in prediction.
        decode: exact decodes every pixel; reduced decodes a JPEG at least four times as large as
            the input at a reduced scale, which is faster and changes the pixels a little.
        workers: Threads that decode pictures; by default one per core.
        examples: Small training pictures to save in the model for explanations; 0 saves none.
        fast: Predict without a text pass over all classes for each picture, if the method
            supports it (``gopro``, ``cocoop``); probabilities of unlikely classes are then
            approximate.
        folds: Parts of the training pictures for the cross-validation that calibrates the shares
            and the threshold of "none of these"; by default 4, or 2 for methods that change the
            image encoder. 0 leaves the calibration out, and so does a class with one picture.
        texts: A JSON file with sentences about each class, for the methods that compare with
            frozen text.
        budget: Minutes that auto may take to compare methods.

    Attributes:
        classes_: The labels, in the order of the columns of ``predict_proba``.
        class_names_: Their names in the prompts.
        method_: The trained method.
        history_: One row per epoch: learning rate, loss terms and validation accuracy in percent.
        training_: Number of training pictures of each class name, seconds, the recipe, the file
            of sentences, and what auto compared.
        examples_: The saved training pictures, or None.
        fitted_: Fingerprints of the training pictures, or None in a model from the hub.
        calibration_: Temperature, threshold and what they were set on, or None.
    """

    def __init__(
        self,
        *,
        method: str = "gopro",
        options: Mapping[str, Any] | None = None,
        backbone: str = DEFAULT_BACKBONE,
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
        decode: Decode = "exact",
        workers: int | None = None,
        examples: int = 128,
        fast: bool = False,
        folds: int | None = None,
        texts: str | Path | None = None,
        budget: float = 2.0,
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
        self.decode = decode
        self.workers = workers
        self.examples = examples
        self.fast = fast
        self.folds = folds
        self.texts = texts
        self.budget = budget

    def fit(
        self,
        images: Iterable[Picture] | Folder,
        labels: Iterable[Any] | None = None,
        *,
        validation: tuple[Iterable[Picture], Iterable[Any]] | Folder | None = None,
        unlabelled: Iterable[Picture] | Folder | None = None,
        checkpoint: Folder | None = None,
    ) -> Self:
        """Learn from labelled pictures.

        Args:
            images: Pictures; or a folder with one sub-folder per class, or one with the folders
                ``train`` and perhaps ``val``. A ``test`` folder is not used.
            labels: One label per picture; None if ``images`` is a folder.
            validation: Pictures and labels, or a folder, to measure accuracy on after each epoch.
            unlabelled: Pictures without labels, or a folder of them, for ``promptkd``, which then
                learns from these alone; by default from ``images`` without their labels.
            checkpoint: A folder that the training is saved in; when it was stopped, the same call
                continues it. Once ``fit`` has returned, another fit may take the folder.

        Raises:
            GoproError: For pictures, labels or settings that can't be used, or the checkpoint of
                a stopped fit with other ones.
            KeyboardInterrupt: After Ctrl-C; the classifier is then unchanged.
        """
        for name, value in (("examples", self.examples), ("folds", self.folds or 0)):
            if value < 0:
                raise GoproError(f"got {name} = {value}; it must be 0 or more")
        held_out = labelled.read_validation(images, labels, validation)
        if self.select == "best" and held_out is None:
            raise GoproError("select='best' needs validation pictures; give validation=...")
        inputs = inputs_of(self, images, labels)
        names, truth = inputs.class_names, inputs.truth
        started = time.monotonic()
        folder = None if checkpoint is None else expanded(checkpoint)
        done = fitting.fit(self, inputs, held_out, unlabelled, folder)
        texts = getattr(done.method.settings, "texts", None)
        examples = Examples.of(done.pixels, truth, inputs.shared.backbone, self.examples)
        prints = Fingerprints.of(done.pixels)
        self.reference_ = fast_prediction.reference(done.method, done.pixels)
        self.method_, self.classes_, self.history_ = done.method, inputs.classes, done.history
        self.class_names_ = self.trained_names_ = names
        self.backbone_checksum_ = inputs.shared.checksum
        self.examples_, self.measured_ = examples, None
        self.fitted_, self.calibration_ = prints, done.calibration
        self.texts_ = None if texts is None else load_texts(expanded(texts))
        self.training_ = {
            "pictures": {name: truth.count(index) for index, name in enumerate(names)},
            "seconds": round(time.monotonic() - started, 1),
            "recipe": dataclasses.asdict(done.recipe),
            **({} if texts is None else {"texts": texts_of(done.method.settings)}),
            **({} if done.choice is None else {"choice": done.choice.as_dict()}),
        }
        if folder is not None:
            unfinished.returned(folder)
        return self

    def explain(self, picture: Picture, *, top: int = 5) -> Explanation:
        """Explain the prediction for a picture: context, regions, similar training pictures.

        Args:
            picture: A path, a Pillow image or an array.
            top: How many classes to name.

        Raises:
            GoproError: Before ``fit``, or when the picture can't be read.
        """
        return explain(self, picture, top=top)

    def save(self, folder: Folder, measured: Comparison | None = None) -> Path:
        """Write the classifier to a folder: learned weights, description and model card.

        The backbone's weights are not written, only their name and checksum. A classifier that
        is already in the folder is replaced; a folder with other files is refused.

        Args:
            folder: Created if needed.
            measured: Accuracy on pictures that were not trained on, for the model card; by
                default the last saved one.

        Raises:
            GoproError: Before ``fit``, for labels other than text and whole numbers, or when the
                folder can't be written.
        """
        self.check_fitted()
        if measured is not None:
            self.measured_ = measured.as_dict()
        return storage.save(self, expanded(folder))

    @classmethod
    def load(
        cls,
        folder: Folder,
        *,
        device: str = "auto",
        precision: Literal["fp32", "bf16", "fp16"] | None = None,
        pretrained: str | None = None,
    ) -> Self:
        """Read what ``save`` wrote, and build the backbone it was fitted on.

        Args:
            folder: The model's folder.
            device: See the settings.
            precision: See the settings; by default the one it was fitted with.
            pretrained: The backbone's weights; by default the same tag or file as in ``fit``.

        Raises:
            GoproError: When a file is missing or was changed, or when the backbone is missing
                or has other weights.
        """
        return storage.load(cls, expanded(folder), device, precision, pretrained)

    def recipe(self, pictures: int, classes: int | None = None) -> Recipe:
        """The training recipe of ``fit``: the method's recipe, changed by the settings.

        Args:
            pictures: Number of training pictures.
            classes: Number of classes, if known.

        Raises:
            GoproError: For a setting that can't be used.
        """
        return recipe_of(self, pictures, classes)

    def expected_seconds(
        self,
        images: Iterable[Picture] | Folder,
        labels: Iterable[Any] | None = None,
        *,
        unlabelled: Iterable[Picture] | Folder | None = None,
    ) -> float:
        """Estimate how long ``fit`` takes, from a few training steps on some of the pictures.

        For ``auto`` it is the time to read the pictures and its budget.

        Args:
            images: See ``fit``.
            labels: See ``fit``.
            unlabelled: See ``fit``.

        Raises:
            GoproError: As ``fit``, for the pictures that are tried.
        """
        return fitting.seconds(self, inputs_of(self, images, labels), unlabelled)
