"""The image encoder: embedding, token statistics of every layer and pooled features in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import torch
from torch import Tensor, nn

from gopro.backbones.attention_terms import AttentionTerms
from gopro.backbones.beside_blocks import BesideBlocks
from gopro.backbones.features import ImageFeatures
from gopro.backbones.passes import Passes
from gopro.backbones.projection import ProjectionInput
from gopro.backbones.visual_prompts import VisualPrompts
from gopro.common.errors import GoproError
from gopro.common.preprocessing import Interpolation, Preprocessing, ResizeMode

# The released code adds this to the summed squares, so that the root is never zero
_EPSILON = 2.3e-8
_IN_CACHE = 2**18  # numbers that are read several times: 1 MB, as fits into the cache of a core


class ImageTower:
    """Runs an ``open_clip`` image tower and keeps the token statistics of each layer.

    The layers of a ViT are its blocks; the class token counts in the statistics. The layers of
    other networks are their stages; the positions of a stage's feature map are its tokens. For
    timm's networks these are the layers that timm's ``feature_info`` names.

    Args:
        visual: The ``visual`` module of an ``open_clip`` model.
        name: The model's name, for messages.

    Attributes:
        preprocessing: From a picture to the input, as the model's makers do it.
        prompts: Puts learned prompts among the tokens of a ViT.
        terms: Adds terms to the attention; None for open_clip's own ViT, see ``low_rank``.
        beside: Adds terms beside the blocks of a ViT.
        projection_input: Keeps the input of the last linear map.

    Raises:
        GoproError: If it has no such layers, its input isn't square, or its pictures are resized
            in an unknown way.
    """

    def __init__(self, visual: Any, name: str) -> None:
        self.visual = visual
        self.layers, self.widths, self.channels_first = _layers(visual, name)
        size = _input_size(visual)
        sides = set(size) if isinstance(size, (tuple, list)) else {size}
        if len(sides) > 1:
            raise GoproError(f"{name} takes images of {size} pixels; gopro needs a square input")
        self.image_size = int(sides.pop())
        self.preprocessing = _preprocessing(visual, self.image_size, name)
        self._statistics: Passes[list[tuple[Tensor, Tensor]]] = Passes()
        for layer in self.layers:
            layer.register_forward_hook(self._keep)
        self.projection_input = ProjectionInput(visual, self.layers[-1], name)
        self.prompts = VisualPrompts(visual, name)
        self.beside = BesideBlocks(self.prompts.blocks)
        trunk = getattr(visual, "trunk", None)
        blocks = list(getattr(trunk, "blocks", ())) if trunk is not None else []
        one_width = len(set(self.widths)) == 1 and len(blocks) == len(self.widths)
        self.terms = AttentionTerms(blocks, self.widths[0]) if one_width else None
        mean = getattr(visual, "image_mean", None) or (0.48145466, 0.4578275, 0.40821073)
        std = getattr(visual, "image_std", None) or (0.26862954, 0.26130258, 0.27577711)
        self.mean = torch.tensor(mean).view(3, 1, 1)
        self.std = torch.tensor(std).view(3, 1, 1)

    def _keep(self, module: nn.Module, args: Any, output: Tensor) -> None:
        statistics = self._statistics.current
        if statistics is not None:  # not in other passes, such as those with prompts
            statistics.append(token_statistics(output, channels_first=self.channels_first))

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> ImageFeatures:
        """Encode images.

        Args:
            pixels: [B, 3, image_size, image_size] in [0, 1], not normalised.
        """
        with (
            self._statistics.entering([]) as statistics,
            self.projection_input.entering() as inputs,
        ):
            embedding = self.embedding(pixels).float()
        means, stds = zip(*statistics, strict=True)
        pooled = inputs[-1].float() if inputs else embedding.new_zeros(len(embedding), 0)
        return ImageFeatures(embedding, torch.cat(means, dim=1), torch.cat(stds, dim=1), pooled)

    def prompted(self, pixels: Tensor, prompts: Sequence[Tensor]) -> ImageFeatures:
        """Encode images with prompts among their tokens, with gradient to the prompts.

        Args:
            pixels: As without prompts.
            prompts: [P, d_v] for each of the first blocks; at least one.
        """
        with self.prompts.entering(prompts):
            return ImageFeatures.only(self.embedding(pixels).float())

    def with_upper_prompts(
        self, pixels: Tensor, prompts: Sequence[Tensor], first: int
    ) -> tuple[Tensor, Tensor]:
        """Encode images with prompts in the upper blocks of a ViT, with gradient to the prompts.

        Args:
            pixels: As without prompts.
            prompts: [P, d_v] for each block from ``first`` on.
            first: The block before which they enter, counted from 0; at least 1.

        Returns:
            The embedding [B, e], not normalised, and the prompts' outputs [B, P, d_v] of the last
            block after the tower's final norm, both in float32.
        """
        with self.prompts.entering(prompts, first) as current:
            embedding = self.embedding(pixels).float()
        assert current.outputs is not None  # the last block ran
        return embedding, self.prompts.norm(current.outputs).float()

    def embedding(self, pixels: Tensor, visual: nn.Module | None = None) -> Tensor:
        """The tower's own pass, or that of a copy, with gradient: [B, e], not normalised."""
        output = (visual or self.visual)(self.normalised(pixels))
        embedding: Tensor = output[0] if isinstance(output, tuple) else output  # CoCa adds tokens
        return embedding

    def normalised(self, pixels: Tensor) -> Tensor:
        """Normalise pixels in [0, 1] and move them to the tower's device and precision."""
        weight = next(self.visual.parameters())
        pixels = pixels.to(weight.device)
        return ((pixels - self.mean.to(pixels)) / self.std.to(pixels)).to(weight.dtype)


def token_statistics(tokens: Tensor, *, channels_first: bool) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over tokens, in float32.

    ``sigma = sqrt((sum over tokens (F - mu)^2 + 2.3e-8) / N)``, the released code's formula.

    Args:
        tokens: [B, N, d]; or a map, [B, d, H, W] when ``channels_first`` and else [B, H, W, d].
        channels_first: How a map is laid out.

    Returns:
        Two tensors [B, d].
    """
    if tokens.dim() == 4:
        tokens = tokens.flatten(2).transpose(1, 2) if channels_first else tokens.flatten(1, 2)
    # an exported model would have the number of images of its example
    if tokens.device.type != "cpu" or torch.onnx.is_in_onnx_export():
        return _statistics(tokens)
    together = max(1, _IN_CACHE // tokens.shape[1:].numel())
    means, stds = zip(*map(_statistics, torch.split(tokens, together)), strict=True)
    return torch.cat(means), torch.cat(stds)


def _statistics(tokens: Tensor) -> tuple[Tensor, Tensor]:
    tokens = tokens.float()
    mean = tokens.mean(dim=1)
    squares = (tokens - mean[:, None]).square().sum(dim=1)
    return mean, ((squares + _EPSILON) / tokens.shape[1]).sqrt()


def _layers(visual: Any, name: str) -> tuple[list[nn.Module], tuple[int, ...], bool]:
    transformer = getattr(visual, "transformer", None)
    if transformer is not None and hasattr(transformer, "resblocks"):
        blocks = list(transformer.resblocks)
        return blocks, (int(visual.conv1.out_channels),) * len(blocks), False
    if hasattr(visual, "layer4") and hasattr(visual, "attnpool"):
        stages = [visual.layer1, visual.layer2, visual.layer3, visual.layer4]
        return stages, tuple(int(stage[-1].conv3.out_channels) for stage in stages), True
    if hasattr(visual, "stages"):  # lite's
        return list(visual.stages), tuple(visual.widths), True
    trunk = getattr(visual, "trunk", None)
    if getattr(trunk, "feature_info", None):
        return _timm_layers(trunk)
    raise GoproError(
        f"the image tower of {name} is a {type(trunk or visual).__name__}, which doesn't name its "
        "layers; choose another --backbone"
    )


def _timm_layers(trunk: Any) -> tuple[list[nn.Module], tuple[int, ...], bool]:
    """The layers that timm extracts features after."""
    layers = [dict(layer) for layer in trunk.feature_info]
    modules = [trunk.get_submodule(layer["module"]) for layer in layers]
    channels_first = getattr(trunk, "output_fmt", "NCHW") != "NHWC"
    return modules, tuple(int(layer["num_chs"]) for layer in layers), channels_first


def _input_size(visual: Any) -> Any:
    """The side that a tower takes: timm's, where its positions fix one, else open_clip's."""
    patches = getattr(getattr(visual, "trunk", None), "patch_embed", None)
    return getattr(patches, "img_size", None) or visual.image_size


def _preprocessing(visual: Any, size: int, name: str) -> Preprocessing:
    """What open_clip has read from the model's ``preprocess_cfg``."""
    config = getattr(visual, "preprocess_cfg", None) or {}
    mode: Any = config.get("resize_mode") or "shortest"
    if mode not in get_args(ResizeMode):
        raise GoproError(
            f"{name} asks for the resize mode {mode!r}; gopro has {', '.join(get_args(ResizeMode))}"
        )
    # as open_clip does: everything but bilinear is bicubic
    interpolation: Interpolation = (
        "bilinear" if config.get("interpolation") == "bilinear" else "bicubic"
    )
    return Preprocessing(size, interpolation, mode, int(config.get("fill_color") or 0))


def to_unit(pixels: Tensor, device: torch.device) -> Tensor:
    """uint8 pixels as float32 in [0, 1] on the device."""
    return pixels.to(device).float() / 255
