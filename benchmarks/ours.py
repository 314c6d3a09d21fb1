"""Our ways: exact with live views, exact with cached views, fast prediction; and zero-shot CLIP."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.setup import Setup
from gopro.backbones import ImageFeatures
from gopro.data.pixels import to_unit
from gopro.fast import FastMap, FastPrompts, Subspace
from gopro.methods.base import Batch
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.stepdata import CachedViews, LiveViews
from gopro.views import ViewSettings

_COPIES = 2  # of cached views: a step costs the same for any number
_FITTED = 192  # as many images as a map is fitted to, for a map of full size


class Exact:
    """Training steps and predictions as ``gopro train`` and ``gopro test`` make them."""

    def __init__(self, setup: Setup, *, cached: bool = False) -> None:
        self.setup, self.method = setup, setup.method
        given = (setup.method, setup.pixels, ViewSettings(), "none", 1)
        self.source = CachedViews(*given, copies=_COPIES) if cached else LiveViews(*given)
        self.epoch = 0

    def step(self) -> dict[str, Tensor]:
        """Loss terms, with their gradient in the learned weights."""
        self.epoch += 1
        places = torch.arange(len(self.setup.labels))
        return self.learn(self.source.batch(places, self.setup.labels, self.epoch))

    def learn(self, batch: Batch) -> dict[str, Tensor]:
        """As ``step``, on a batch that is given."""
        self.method.zero_grad()
        terms = self.method.loss(batch)
        self.method.backward(terms, Tensor.backward)
        return terms

    @torch.no_grad()
    def predict(self) -> Tensor:
        """Class scores [B, C]."""
        return self.method.logits(encode(self.setup))


class ZeroShotClip:
    """CLIP's own answers: the floor of every prediction."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        names = setup.method.class_names
        self.method = ZeroShot(setup.backbone, names, ZeroShotSettings())

    @torch.no_grad()
    def predict(self) -> Tensor:
        """Class scores [B, C], without the layers' statistics, which it has no use for."""
        backbone = self.setup.backbone
        tower = backbone.images
        pixels = to_unit(self.setup.pixels, backbone.device)
        normal = (pixels - tower.mean.to(pixels)) / tower.std.to(pixels)
        embedding = tower.visual(normal.to(backbone.dtype)).float()
        return self.method.logits(ImageFeatures.only(embedding))


class Fast:
    """Fast prediction with a random map of full size that leaves three classes of an image in
    question for half of the images, which is more than trained models were seen to leave.

    What a map is fitted to changes nothing else about its cost, and fitting one to a thousand
    classes of ViT-B/16 takes minutes.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        method, backbone = setup.method, setup.backbone
        generator = torch.Generator().manual_seed(2)
        shifts = method.shifts(encode(setup)).detach().flatten(1)
        around = shifts[:1] + shifts.abs().mean() * torch.randn(
            _FITTED, shifts.shape[1], generator=generator
        ).to(shifts)
        space = Subspace.of(around)
        space = replace(space, inside=float("inf"), outside=float("inf"))
        rows = space.features(shifts)[0].shape[1] * backbone.embed_dim
        weights = torch.randn(rows, len(method.class_names), generator=generator)
        fitted = FastMap(space, weights.to(backbone.device), 0.0, (0.0, 0.0))
        best = FastPrompts(method, fitted).logits(encode(setup)).topk(3, dim=1).values
        reach = (best[:, 0] - best[:, 2]).median().item()
        self.fast = FastPrompts(method, replace(fitted, reach=reach))

    def predict(self) -> Tensor:
        """Class scores [B, C]."""
        return self.fast.logits(encode(self.setup))


def encode(setup: Setup) -> ImageFeatures:
    """Features of the images, never from a cache."""
    return setup.backbone.image(to_unit(setup.pixels, setup.backbone.device))
