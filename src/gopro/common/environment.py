"""Where a result was made: versions, device and system, as words."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import torch

PACKAGES = ("gopro", "torch", "torchvision", "open_clip_torch", "kornia", "numpy", "pillow")
"""Whose versions may change a number."""


def describe(device: torch.device) -> dict[str, str]:
    """What would have to be the same for the same numbers.

    Args:
        device: What was computed on.

    Returns:
        Names in reading order, each with a short text; no path and no name of the machine.
    """
    return {
        "device": device_name(device),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        **{name: version_of(name) or "missing" for name in PACKAGES},
    }


def device_name(device: torch.device) -> str:
    """A device as people call it, such as "cuda:0 (NVIDIA H100)"."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        return f"cpu ({os.cpu_count()} cores, {torch.get_num_threads()} threads)"
    return str(device)


def version_of(package: str) -> str | None:
    """The installed version, None where the package isn't there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
