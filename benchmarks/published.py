"""The published way, as a plain loop: the amount of work that GOPro's released code does.

77 tokens per prompt, one text pass per image and view, one pass of the image encoder per view,
views made one image at a time in 8-bit PIL, and all three views also for prediction. The learned
weights and the losses are those of ``gopro.methods.gopro``; only the slow computation differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter
from torch import Tensor
from torchvision.transforms import v2

from benchmarks.setup import Setup
from gopro.backbones import ImageFeatures
from gopro.methods.losses import consistency, nt_xent

VIEWS = ("x", "moco", "augmix")


class Published:
    """Training steps and predictions of GOPro in the published way.

    Args:
        setup: The inputs.
        image_by_image: Compute the gradient image by image. The released code keeps the activations
            of all prompts, 53 MB per prompt on ViT-B/16.
    """

    def __init__(self, setup: Setup, *, image_by_image: bool = False) -> None:
        self.setup, self.method, self.backbone = setup, setup.method, setup.backbone
        self.image_by_image = image_by_image
        self.tower: Any = getattr(self.backbone.model, "text", self.backbone.model)
        self.pictures = [Image.fromarray(one.permute(1, 2, 0).numpy()) for one in setup.pixels]
        self.transforms = _transforms(self.backbone.image_size)
        self.tokens, self.ends = self._padded()

    def step(self) -> dict[str, Tensor]:
        """The loss terms; their gradient is left in the learned weights."""
        return self.learn(self.views())

    def predict(self) -> Tensor:
        """Class scores [B, C]."""
        return self.scores(self.views())

    def views(self) -> dict[str, Tensor]:
        """The views x, x' and x'', each [B, 3, S, S], made one image at a time."""
        return {
            name: torch.stack([transform(picture) for picture in self.pictures])
            for name, transform in self.transforms.items()
        }

    def learn(self, views: dict[str, Tensor]) -> dict[str, Tensor]:
        """``step`` on given views."""
        self.method.zero_grad()
        features = {name: self.backbone.encode_image(view) for name, view in views.items()}
        count = len(self.setup.labels)
        groups = [[index] for index in range(count)] if self.image_by_image else [range(count)]
        terms: dict[str, Tensor] = {}
        for group in groups:
            texts = self._texts({n: f[torch.tensor(group)] for n, f in features.items()})
            scores = self._match(features["x"][torch.tensor(group)], texts["x"])
            part = {
                "ce": F.cross_entropy(scores, self.setup.labels[group].to(scores.device)),
                "sem": consistency(texts["x"], [texts["moco"], texts["augmix"]]),
            }
            weights = self.method.loss_weights
            share = len(group) / count
            (share * sum(weights[name] * term for name, term in part.items())).backward()
            for name, term in part.items():
                terms[name] = terms.get(name, torch.zeros(())) + share * term.detach()
        contrasted = [self.method._contrasted(features[name]) for name in ("x", "moco")]
        con = nt_xent(*contrasted, self.method.settings.temperature)
        (self.method.loss_weights["con"] * con).backward()
        return {**terms, "con": con.detach()}

    @torch.no_grad()
    def scores(self, views: dict[str, Tensor]) -> Tensor:
        """``predict`` on given views: three branches are computed, one is used."""
        features = {name: self.backbone.encode_image(view) for name, view in views.items()}
        return self._match(features["x"], self._texts(features)["x"])

    def _match(self, features: ImageFeatures, text: Tensor) -> Tensor:
        return self.method.scores(features, text)

    def _texts(self, features: dict[str, ImageFeatures]) -> dict[str, Tensor]:
        return {
            name: torch.stack([self._text(shift) for shift in self.method.generator(part, name)])
            for name, part in features.items()
        }

    def _text(self, shift: Tensor) -> Tensor:
        """Unit text embeddings [C, e] of one image's prompts."""
        method, tower = self.method, self.tower
        context = (method.context + shift).to(self.backbone.dtype)
        start, rest = self.tokens
        count = len(rest)
        first = torch.cat([start, context]).expand(count, -1, -1)
        tokens = torch.cat([first, rest], dim=1)
        tokens = tower.transformer(tokens + tower.positional_embedding, attn_mask=self._mask())
        ends = tower.ln_final(tokens)[torch.arange(count), self.ends]
        text = F.normalize((ends @ tower.text_projection).float(), dim=-1)
        return F.normalize(method.text_projector(text), dim=-1)

    def _mask(self) -> Tensor:
        mask: Tensor = self.tower.attn_mask
        return mask.to(self.backbone.dtype)

    def _padded(self) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Embeddings of start-of-text and of "NAME." with padding, and the end of each prompt."""
        classes, tower = self.method.classes, self.tower
        used = 1 + self.method.settings.n_ctx
        length = self.backbone.text_encoder.context_length - used
        padding = tower.token_embedding.weight[0]
        rest = padding.expand(len(classes.lengths), length, -1).clone()
        for row, count in enumerate(classes.lengths):
            rest[row, :count] = classes.embedding[row, :count]
        ends = torch.tensor(classes.lengths, device=rest.device) + used - 1
        return (classes.start.to(rest.dtype), rest), ends


def _transforms(size: int) -> dict[str, Callable[[Image.Image], Tensor]]:
    """PIL image -> [3, S, S] in [0, 1]: MoCo v3 and AugMix as in the released code."""
    tensor = v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)])
    blur = v2.Lambda(
        lambda picture: picture.filter(
            ImageFilter.GaussianBlur(float(torch.empty(1).uniform_(0.1, 2.0)) * size / 224)
        )
    )
    moco = [
        v2.RandomResizedCrop(size, scale=(0.08, 1.0)),
        v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
        v2.RandomGrayscale(p=0.2),
        blur,
        v2.RandomHorizontalFlip(),
        tensor,
    ]
    augmix = [
        v2.RandomResizedCrop(size, scale=(0.5, 1.0)),
        v2.RandomHorizontalFlip(),
        v2.AugMix(severity=1, mixture_width=3, chain_depth=-1, all_ops=False),
        tensor,
    ]
    return {"x": tensor, "moco": v2.Compose(moco), "augmix": v2.Compose(augmix)}
