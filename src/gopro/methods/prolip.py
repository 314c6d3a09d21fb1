"""ProLIP: the last linear map of the image encoder, kept near its start."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.methods.linear_adapter import LinearAdapter


class ProLIP(LinearAdapter):
    """Fahes et al., "CLIP's Visual Embedding Projector is a Few-shot Cornucopia", arXiv
    2410.05270, 2024.

    The image embedding is ``f = W p + b`` of the pooled features p, W [e, p] the encoder's last
    linear map. With D [e, p] the learned change of W, initially 0, the score of class c is

        exp(logit_scale) cos((W + D) p + b, t_c),

    and the loss is the cross-entropy and ``lambda |D|^2``, the squared distance to the pre-trained
    map; everything else is as in ``LinearAdapter``. Nothing before W changes, so p is computed once
    for each image.
    """

    about: ClassVar[str] = "the last linear map of the image encoder, kept near its start"

    feature_parts: ClassVar[tuple[str, ...]] = ("embedding", "pooled")

    def input_width(self, backbone: Backbone) -> int:
        backbone.image_encoder.projection_input.check("prolip")
        return backbone.pooled_width

    def map_input(self, features: ImageFeatures) -> Tensor:
        return features.pooled
