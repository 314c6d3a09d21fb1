"""Versions, device and operating system that a result was computed with."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from gopro.common.version import __version__

PACKAGES = ("torch", "torchvision", "open_clip_torch", "kornia", "numpy", "pillow")
"""Packages whose version can change a result."""


def describe(device: torch.device) -> dict[str, str]:
    """What must be equal for a result to be reproduced exactly.

    Args:
        device: The device the result was computed on.

    Returns:
        Name -> text, in display order. Contains no path and no host name.
    """
    return {
        "device": device_name(device),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "gopro": __version__,
        **{name: version_of(name) or "missing" for name in PACKAGES},
    }


def device_name(device: torch.device) -> str:
    """The device with its model or size, such as "cuda:0 (NVIDIA H100)"."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        return f"cpu ({os.cpu_count()} cores, {torch.get_num_threads()} threads)"
    return str(device)


def version_of(package: str) -> str | None:
    """The installed version; None when the package isn't installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
