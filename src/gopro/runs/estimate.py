"""The expected cost of a run, for ``--estimate``: a few steps are timed and added up."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gopro.backbones import ImageFeatures, feature_cache
from gopro.backbones.image import to_unit
from gopro.common.text import duration
from gopro.common.timed import timed
from gopro.data import Dataset, Item
from gopro.data.originals import KEPT
from gopro.methods.base import Method
from gopro.prediction.encode import cache_name
from gopro.runs.pictures import training_pictures
from gopro.runs.prepared import PreparedRun, images_to_train_on
from gopro.training.timing import copied, often, prepare, step_seconds
from gopro.training.trainingset import TrainingSet

_MAX_IMAGES = 32  # decoded for timing
_MAX_SCORES = 1600  # image-class pairs scored for timing


@dataclass(frozen=True)
class Estimate:
    """Expected cost of a run from start to end.

    Attributes:
        seconds: For ``decoding``, ``encoding``, ``preparing`` (closed forms), ``views``,
            ``training``, ``validation`` and ``testing``.
        memory: Bytes; on a GPU those of the GPU.
        disk: Bytes written, cached features included.
    """

    seconds: dict[str, float]
    memory: int
    disk: int

    def __str__(self) -> str:
        """One line."""
        longest = sorted(self.seconds.items(), key=lambda part: -part[1])
        words = ", ".join(f"{name} {duration(took)}" for name, took in longest if took >= 0.5)
        total = duration(sum(self.seconds.values()))
        return (
            f"about {total}{f' ({words})' if words else ''}, {self.memory / 1e9:.1f} GB of memory, "
            f"{self.disk / 1e9:.2f} GB of disk"
        )


@dataclass(frozen=True)
class _Costs:
    """Seconds to decode an image, to encode it, for its views, for a step, and for ``prepare``."""

    decode: float
    image: float
    views: float
    step: float
    prepare: float


def estimate(prepared: PreparedRun) -> Estimate:
    """Time a few steps and scores on a copy of the method; the run itself is not changed.

    Args:
        prepared: The run.

    Raises:
        GoproError: When an image can't be read.
    """
    with torch.random.fork_rng(devices=[]):
        source, images = images_to_train_on(prepared)
        items = images[:_MAX_IMAGES]
        device = prepared.backbone.device
        pictures, decode = timed(lambda: training_pictures(prepared, items, source), device)
        labels = torch.tensor([item.label for item in items])
        data = TrainingSet(pictures.pixels, labels, pictures.originals)
        with torch.no_grad():
            features = prepared.method.encode_image(to_unit(data.pixels, device))
        trial, before = _trial(prepared, features)
        decode /= len(data.labels)
        costs = _Costs(decode, *_steps(prepared, trial, data), before)
        kept = pictures.originals.nbytes * len(images) // len(data.labels)
        return _add_up(prepared, trial.eval(), features, costs, min(kept, KEPT))


def _add_up(
    prepared: PreparedRun, trial: Method, features: ImageFeatures, costs: _Costs, kept: int
) -> Estimate:
    settings, recipe, plan = prepared.settings, prepared.recipe, prepared.plan
    trained = len(images_to_train_on(prepared)[1]) if prepared.trains else 0
    val = len(plan.val) if prepared.trains and settings.validate else 0
    tests = {name: len(test.items) for name, test in plan.tests.items()}
    # a changed encoder encodes in every validation, and test images beside the frozen encoder
    frozen = sum(
        len(test.items)
        for test in plan.tests.values()
        if not _is_cached(prepared, test.dataset, test.items)
    )
    fixed = recipe.augment == "none" and not trial.modifies_image_encoder
    own = trained if fixed or trial.learns_from_features else 0
    own += val * (recipe.epochs if trial.modifies_image_encoder else 1)
    own += sum(tests.values()) if trial.modifies_image_encoder else 0
    encoded = frozen + own
    steps = recipe.steps(trained) * recipe.epochs
    copies = recipe.view_cache * trained
    seconds = {
        "decoding": costs.decode * (trained + val + sum(tests.values())),
        "encoding": costs.image * encoded,
        "preparing": costs.prepare,
        "views": costs.views * copies,
        "training": costs.step * steps,
        "validation": recipe.epochs * val * _answer(trial, features) if val else 0.0,
        "testing": sum(
            count
            * _answer(
                trial.for_classes(
                    plan.tests[name].class_names, **prepared.sentences(plan.tests[name].dataset)
                ),
                features,
            )
            for name, count in tests.items()
        ),
    }
    row = features.nbytes // len(features)
    side = prepared.backbone.image_size
    held = row * (trained * fixed + val + max(tests.values(), default=0))
    held += 3 * side * side * (trained + val) + kept
    learned = 4 * sum(p.numel() for p in trial.parameters() if p.requires_grad)
    slots = 1 if recipe.optimizer == "sgd" else 2
    disk = learned * (2 + slots + (settings.select == "best")) + 200 * sum(tests.values())
    if feature_cache.open_cache() is not None:
        kinds, backbone = len(trial.views) - fixed, prepared.backbone
        size = 4 * (backbone.embed_dim + 2 * sum(backbone.vision_widths) + backbone.pooled_width)
        disk += size * (frozen if trial.modifies_image_encoder else encoded)
        needed = [part for name, part in features.parts.items() if name in trial.feature_parts]
        disk += copies * kinds * 2 * sum(part.shape[1] for part in needed)
    return Estimate(seconds, _peak(prepared) + held, disk)


def _steps(prepared: PreparedRun, trial: Method, data: TrainingSet) -> tuple[float, float, float]:
    """Seconds to encode an image, for its views, and for a step of these images, repeated."""
    settings, recipe, device = prepared.settings, prepared.recipe, prepared.backbone.device
    unit = to_unit(data.pixels[:8], device)
    image = often(lambda: trial.encode_image(unit), device, gradient=False) / len(unit)
    if not prepared.trains:
        return image, 0.0, 0.0
    count = len(images_to_train_on(prepared)[1])
    return image, *step_seconds(trial, data, recipe, settings, count)


def _trial(prepared: PreparedRun, features: ImageFeatures) -> tuple[Method, float]:
    """A copy that shares the backbone, prepared with all images, and the seconds of preparing."""
    trial = copied(prepared.method)
    if not trial.learns_from_features:
        return trial, 0.0
    train, device = prepared.plan.train, prepared.backbone.device
    labels = torch.tensor([item.label for item in train[: len(features)]])
    return trial, timed(lambda: prepare(trial, features, labels, len(train)), device)[1]


def _answer(method: Method, features: ImageFeatures) -> float:
    """Seconds to score one image among the method's classes."""
    count = max(1, min(len(features), _MAX_SCORES // len(method.class_names)))
    some, device = features[:count], method.backbone.device
    return often(lambda: method.logits(some), device, gradient=False) / count


def _is_cached(prepared: PreparedRun, dataset: Dataset, items: Sequence[Item]) -> bool:
    """Whether the cache holds the features of the first batch, and so probably of all."""
    first = items[: prepared.settings.eval_batch]
    name = cache_name(prepared.backbone, dataset, first, prepared.preprocessing)
    return name is not None and feature_cache.is_cached(name)


def _peak(prepared: PreparedRun) -> int:
    """Peak memory of this process so far, with the timed steps."""
    device = prepared.backbone.device
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
