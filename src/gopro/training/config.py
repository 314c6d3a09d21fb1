"""The settings of a run: defaults, help texts and checks are defined here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gopro.common.errors import GoproError
from gopro.common.preprocessing import Decode
from gopro.data.fewshot import Rule

Precision = Literal["fp32", "bf16", "fp16", "auto"]

DEFAULT_BACKBONE = "lite"
"""The backbone where none is named."""

LARGEST_SEED = 10**13
"""Largest seed: times 1,000,003, plus an epoch (see ``draw_seed``), it fits into 64 bits."""

LOGGERS = ("csv", "tensorboard", "wandb")
"""Names that ``--logger`` takes."""


@dataclass(frozen=True)
class ViewSettings:
    """How the views x, x' (MoCo v3) and x'' (AugMix) are made from a training image."""

    crop_scale: tuple[float, float] = (0.08, 1.0)
    """Smallest and largest share of the image's area in the crop of x, with `crop-flip`."""

    moco_scale: tuple[float, float] = (0.08, 1.0)
    """Smallest and largest share of the image's area in the MoCo v3 view's crop."""

    moco_jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.2, 0.1)
    """Strength of the MoCo v3 view's brightness, contrast, saturation and hue changes."""

    moco_jitter_probability: float = 0.8
    """Share of MoCo v3 views whose colours are changed."""

    moco_grey_probability: float = 0.2
    """Share of MoCo v3 views turned to greyscale."""

    moco_blur_probability: float = 1.0
    """Share of MoCo v3 views that are blurred."""

    moco_blur_sigma: tuple[float, float] = (0.1, 2.0)
    """Smallest and largest standard deviation of the blur, in pixels of a 224-pixel image."""

    augmix_scale: tuple[float, float] = (0.5, 1.0)
    """Smallest and largest share of the image's area in the AugMix view's crop. It is mild:
    AugMix changes the look of an image, the MoCo v3 view the visible part."""

    augmix_severity: float = 1.0
    """Largest strength of AugMix's operations, from 0.1 to AugMix's own largest, 10."""

    augmix_chains: int = 3
    """Number of chains of operations that an AugMix view mixes."""

    augmix_depth: int = 3
    """Largest number of operations in one of AugMix's chains (drawn from 1 to this)."""

    def __post_init__(self) -> None:
        for name in ("crop_scale", "moco_scale", "augmix_scale"):
            low, high = getattr(self, name)
            if not 0 < low <= high <= 1:
                raise GoproError(
                    f"{name} is ({low}, {high}): give two shares of the area, 0 < low <= high <= 1"
                )
        for name in ("moco_jitter_probability", "moco_grey_probability", "moco_blur_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise GoproError(f"{name} is {getattr(self, name)}: give a number from 0 to 1")
        *strengths, hue = self.moco_jitter
        if not all(0 <= strength <= 1 for strength in strengths) or not 0 <= hue <= 0.5:
            raise GoproError(
                f"moco_jitter is {self.moco_jitter}: give brightness, contrast and saturation from "
                "0 to 1 and hue from 0 to 0.5"
            )
        low, high = self.moco_blur_sigma
        if not 0 < low <= high <= 100:
            raise GoproError(f"moco_blur_sigma is ({low}, {high}): give 0 < low <= high <= 100")
        if not 0.1 <= self.augmix_severity <= 10:
            raise GoproError(
                f"augmix_severity is {self.augmix_severity}: give a number from 0.1 to 10"
            )
        for name in ("augmix_chains", "augmix_depth"):
            if getattr(self, name) < 1:
                raise GoproError(f"{name} is {getattr(self, name)}: give a whole number from 1 on")


@dataclass(frozen=True)
class TrainSettings:
    """What to train, on which data, and how."""

    dataset: str = ""
    """Data set: caltech101, world, folder:PATH, ..."""

    task: str = "base2new"
    """Task: base2new (or basenew), base2all, few-shot, cross-dataset, domain-generalization."""

    targets: str | None = None
    """What cross-dataset and domain-generalization test on, separated by commas: data sets, or
    the domains to leave out of training. By default all sets of other pictures under the root,
    and the variants of ImageNet."""

    method: str = "gopro"
    """Method: gopro, coop, zeroshot, ...; the command line takes several, separated by commas."""

    backbone: str = DEFAULT_BACKBONE
    """lite or mini (both embedded, offline), a name of open_clip such as ViT-B/16, or
    hf-hub:ORG/NAME."""

    pretrained: str | None = None
    """Weights of the backbone: an open_clip tag, such as openai, or a file."""

    root: Path | None = None
    """Folder of the data sets; by default $GOPRO_DATA, else ./data."""

    unlabelled: Path | None = None
    """Folder of pictures without labels, for promptkd; by default all training pictures of the data
    set, without their labels."""

    texts: Path | None = None
    """A JSON file with sentences about each class (name: list), such as a language model's, for
    the methods that compare with frozen text: zeroshot, kgcoop, promptsrc, coprompt, and mma with
    the variant plus."""

    shots: int = 16
    """Training images per class."""

    seed: int = 1
    """Seed of the few-shot sample, the initial weights, the order and the views; at most 10^13."""

    sample: Rule = "hash"
    """How the few-shot sample is drawn: hash takes the same images in any order of the files;
    coop takes those that the CoOp code draws for the seed, to repeat a published run."""

    out: Path | None = None
    """Run folder, or the parent folder of several runs; by default named after the settings,
    under runs/."""

    resume: bool = False
    """Continue the run of the run folder from its checkpoint."""

    verify_cache: bool = False
    """Open images whose features are cached too, and compare their pixels with the cached ones."""

    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""

    precision: Precision = "fp32"
    """Precision of the frozen encoders; learned weights stay in float32. auto times bf16 on this
    device and takes it when it is faster; the run records the choice."""

    epochs: int | None = None
    """Passes over the training images; by default the method's recipe."""

    batch: int | None = None
    """Images per step; by default the method's recipe."""

    lr: float | None = None
    """Learning rate after warm-up; by default the method's recipe."""

    momentum: float | None = None
    """Momentum of SGD; by default the method's recipe."""

    weight_decay: float | None = None
    """Weight decay; by default the method's recipe."""

    warmup_epochs: int | None = None
    """Epochs at a constant low learning rate; by default the method's recipe."""

    warmup_lr: float | None = None
    """Learning rate during warm-up; by default the method's recipe."""

    augment: Literal["none", "crop-flip"] | None = None
    """Augmentation of the view x in training; by default the method's recipe."""

    optimizer: Literal["sgd", "adam", "adamw"] | None = None
    """Optimizer; by default the method's recipe."""

    select: Literal["last", "best"] = "last"
    """Which weights to keep: the last epoch's, or the best on validation images, which come from
    the training data. Test images are never used."""

    validate: bool = True
    """Measure accuracy on the validation images after each epoch."""

    checkpoint_every: int = 1
    """Epochs between checkpoints."""

    logger: str | None = None
    """Loggers besides metrics.jsonl: csv, tensorboard, wandb, separated by commas. csv and
    tensorboard write into logs/ in the run folder."""

    chunk_tokens: int = 8_192
    """Text tokens in one chunk of a text pass; lower it when memory runs out."""

    eval_batch: int = 64
    """Images per step when nothing is trained."""

    decode: Decode = "exact"
    """exact decodes every pixel; reduced decodes a JPEG at least four times as large as the input
    at a reduced scale, which is faster and changes the pixels a little."""

    workers: int | None = None
    """Threads that decode images; by default one for each core."""

    processes: int = 1
    """Processes that share each step's images: one for each GPU, or several on the cpu."""

    views: ViewSettings = field(default_factory=ViewSettings)
    """How the augmented views are made."""

    view_cache: int | None = None
    """Draw each augmented view from this number of copies, encoded once before training. 0 makes
    new views in every step, as published. By default the method's recipe."""

    def __post_init__(self) -> None:
        positive = (
            *("shots", "batch", "checkpoint_every", "chunk_tokens", "eval_batch", "workers"),
            "processes",
        )
        for name in positive:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise GoproError(f"got --{name} {value}; it must be 1 or more")
        for name in ("epochs", "lr", "momentum", "weight_decay", "warmup_epochs", "warmup_lr"):
            value = getattr(self, name)
            # NaN fails every comparison
            if value is not None and not 0 <= value < float("inf"):
                raise GoproError(f"got --{name} {value}; it must be a number of 0 or more")
        for name in ("seed", "view_cache"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise GoproError(f"got --{name} {value}; it must be 0 or more")
        if self.seed > LARGEST_SEED:
            raise GoproError(f"got --seed {self.seed}; it must be at most {LARGEST_SEED}")
        if self.targets is not None and not self.target_names:
            raise GoproError("got empty --targets; wanted names separated by commas: pacs,dtd")
        unknown = [name for name in self.logger_names if name not in LOGGERS]
        if unknown:
            raise GoproError(f"got --logger {unknown[0]}; wanted csv, tensorboard or wandb")
        if not self.dataset:
            raise GoproError("no data set was named; example: `gopro train caltech101 base2new`")
        if self.select == "best" and not self.validate:
            raise GoproError("--select best needs validation; leave --validate on")

    @property
    def logger_names(self) -> tuple[str, ...]:
        """The names in ``logger``."""
        return _split(self.logger)

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names in ``targets``."""
        return _split(self.targets)


def _split(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())
