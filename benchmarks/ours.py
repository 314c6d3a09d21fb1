"""Our ways: exact with live or cached views, fast prediction, and zero-shot CLIP."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.setup import Setup
from gopro.backbones import ImageFeatures
from gopro.backbones.image import to_unit
from gopro.methods.base import Batch
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.prediction.fast import FastMap, FastPrompts, Subspace
from gopro.training.batches import CachedViews, LiveViews
from gopro.training.trainingset import TrainingSet
from gopro.training.views import ViewSettings

_COPIES = 2  # of cached views; the number does not change the cost of a step
_PAIRS = 1.5  # of image and class that need exact scores, per image
_FITTED = 192  # images that a map is fitted to; enough for a map of full size


class Exact:
    """Training steps and predictions as ``gopro train`` and ``gopro test`` make them."""

    def __init__(self, setup: Setup, *, cached: bool = False) -> None:
        self.setup, self.method = setup, setup.method
        data = TrainingSet(setup.pixels, setup.labels)
        options = (setup.method, data, ViewSettings(), "none", 1)
        self.source = CachedViews(*options, copies=_COPIES) if cached else LiveViews(*options)
        self.epoch = 0

    def step(self) -> dict[str, Tensor]:
        """The loss terms; their gradient is left in the learned weights."""
        self.epoch += 1
        indices = torch.arange(len(self.setup.labels))
        return self.learn(next(self.source.batches([indices], self.epoch)))

    def learn(self, batch: Batch) -> dict[str, Tensor]:
        """``step`` on a given batch."""
        self.method.zero_grad()
        terms = self.method.loss(batch)
        self.method.backward(terms, Tensor.backward)
        return terms

    @torch.no_grad()
    def predict(self) -> Tensor:
        """Class scores [B, C]."""
        return self.method.logits(encode(self.setup))


class ZeroShotClip:
    """Zero-shot CLIP: the minimum work of any prediction."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        names = setup.method.class_names
        self.method = ZeroShot(setup.backbone, names, ZeroShotSettings())

    @torch.no_grad()
    def predict(self) -> Tensor:
        """Class scores [B, C], without the layer statistics, which it does not need."""
        backbone = self.setup.backbone
        tower = backbone.image_encoder
        pixels = to_unit(self.setup.pixels, backbone.device)
        normal = (pixels - tower.mean.to(pixels)) / tower.std.to(pixels)
        embedding = tower.visual(normal.to(backbone.dtype)).float()
        return self.method.logits(ImageFeatures.only(embedding))


class Fast:
    """Fast prediction by a map of full size, which leaves 1.5 pairs of image and class per image to
    be scored exactly. Trained models left fewer. Exact scores may require further ones; ``asked``
    gives the total.

    Fitting a map to a thousand classes of ViT-B/16 takes minutes and does not change its cost. So
    this map uses the exact text embeddings of the first image for all images, and directions of
    full size with zero weights.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        method, backbone = setup.method, setup.backbone
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            shifts = method.shifts(encode(setup))
            text = method.text_embedding(shifts[:1])[0]
        flat = shifts.flatten(1)
        noise = torch.randn(_FITTED, flat.shape[1], generator=generator).to(flat)
        space = Subspace.of(flat[:1] + flat.abs().mean() * noise)
        space = replace(space, inside=float("inf"), outside=float("inf"))
        rows = space.features(flat)[0].shape[1] * backbone.embed_dim
        weights = torch.zeros(rows, len(text), device=backbone.device)
        weights[: text.shape[1]] = text.T
        fitted = FastMap(space, weights, 0.0, (0.0, 0.0))
        scores = FastPrompts(method, fitted).logits(encode(setup))
        self.fast = FastPrompts(method, replace(fitted, reach=_reach(scores)))

    def predict(self) -> Tensor:
        """Class scores [B, C]."""
        return self.fast.logits(encode(self.setup))

    @property
    def asked(self) -> str:
        """How many images needed exact scores so far, and for how many classes each."""
        fast = self.fast
        share = fast.exact_images / max(1, fast.images)
        classes = fast.exact_pairs / max(1, fast.exact_images)
        return f"{share:.0%} of images scored exactly, {classes:.1f} classes"


def _reach(scores: Tensor) -> float:
    """The largest reach that leaves at most ``_PAIRS`` pairs per image to be scored exactly."""
    below = (scores.amax(dim=1, keepdim=True) - scores).sort(dim=1).values
    for reach in reversed(below[:, 1].sort().values.tolist()):
        counts = (below <= reach).sum(dim=1)
        if counts[counts > 1].sum() <= _PAIRS * len(scores):
            return float(reach)
    return 0.0


def encode(setup: Setup) -> ImageFeatures:
    """Features of the images, computed without the cache."""
    return setup.backbone.encode_image(to_unit(setup.pixels, setup.backbone.device))
