"""What this machine has, and the defaults of a run on it, with reasons."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from gopro.backbones.build import choose_device
from gopro.backbones.feature_cache import FOLDER, LIMIT, open_cache
from gopro.common import environment
from gopro.common.errors import GoproError
from gopro.common.hub import problem
from gopro.data import default_root, present
from gopro.training.config import DEFAULT_BACKBONE

Mark = Literal["ok", "note", "missing"]

EXTRAS = {"app": ("gradio",), "export": ("onnx", "onnxruntime"), "log": ("tensorboard", "wandb")}
"""Extra -> the packages it installs."""


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        topic: The subject, such as "device".
        text: What was found.
        why: The reason, or how to change it; may be empty.
        mark: "ok", "note" (worth knowing), or "missing".
    """

    topic: str
    text: str
    why: str = ""
    mark: Mark = "ok"


def examine(*, ask_hub: bool = True, timeout: float = 3.0) -> Iterator[Finding]:
    """Check everything, the quick checks first.

    Args:
        ask_hub: Whether to ask if the hub answers; all other checks are local.
        timeout: Seconds to wait for the hub.
    """
    yield from _versions()
    yield from _device()
    yield from _extras()
    yield from _caches()
    yield _data()
    yield hub(timeout) if ask_hub else Finding("hub", "not asked", mark="note")
    yield Finding(
        "backbone",
        f"{DEFAULT_BACKBONE} by default",
        "it comes with the package and works offline; --backbone and --pretrained choose a larger "
        "one",
    )


def _versions() -> Iterator[Finding]:
    here = environment.describe(torch.device("cpu"))
    yield Finding("system", here["system"])
    rows = [(name, environment.version_of(name)) for name in environment.PACKAGES]
    missing = [name for name, version in rows if version is None]
    present = [("gopro", here["gopro"]), *((name, version) for name, version in rows if version)]
    yield Finding("packages", ", ".join(f"{name} {version}" for name, version in present))
    if missing:
        yield Finding(
            "packages", f"{', '.join(missing)} missing", "reinstall gopro-clip", "missing"
        )


def _device() -> Iterator[Finding]:
    chosen = choose_device("auto")
    why = {
        "cuda": "CUDA is available and fastest; --device chooses another",
        "mps": "there is no CUDA, and Apple's Metal is faster than the CPU",
        "cpu": "there is no CUDA and no Metal device",
    }[chosen.type]
    yield Finding("device", f"{environment.device_name(chosen)} by default", why)
    half = {"cuda": "bf16 and fp16 are faster here", "mps": "fp16 may be faster here"}
    yield Finding(
        "precision",
        "fp32 by default",
        f"the same numbers on every machine; {half.get(chosen.type, 'bf16 saves memory')} "
        "(--precision; auto measures it)",
    )


def _extras() -> Iterator[Finding]:
    for extra, packages in EXTRAS.items():
        versions = [(name, environment.version_of(name)) for name in packages]
        text = ", ".join(f"{name} {version or 'missing'}" for name, version in versions)
        if all(version for _, version in versions):
            yield Finding(f"extra {extra}", text)
        else:
            yield Finding(f"extra {extra}", text, f"pip install 'gopro-clip[{extra}]'", "note")


def _caches() -> Iterator[Finding]:
    try:
        features = open_cache()
    except GoproError as error:
        yield Finding("features", "can't be cached", str(error), "missing")
    else:
        if features is None:
            yield Finding("features", "not cached", f"${FOLDER} switches it off", "note")
        else:
            size = f"{_size(features.folder)} of at most {_bytes(features.limit)}"
            used = f"{size} in {features.folder}"
            yield Finding("features", used, f"${FOLDER}, ${LIMIT} change it")
    from huggingface_hub.constants import HF_HUB_CACHE

    used = f"{_size(Path(HF_HUB_CACHE))} in {HF_HUB_CACHE}"
    yield Finding("weights", used, "$HF_HOME changes it")


def _data() -> Finding:
    root = default_root()
    names = present(root) if root.is_dir() else []
    if not names:
        return Finding("data sets", f"none in {root}", "world is built in; --root sets the folder")
    return Finding("data sets", f"{', '.join(names)} in {root}", "$GOPRO_DATA changes it")


def hub(timeout: float) -> Finding:
    """Whether the hub, from which weights are downloaded, answers.

    Args:
        timeout: Seconds to wait.
    """
    from huggingface_hub import constants

    without = "lite, mini, local weights files and cached weights work without it"
    if constants.HF_HUB_OFFLINE:
        return Finding("hub", "not asked: $HF_HUB_OFFLINE is set", without, "note")
    started = time.monotonic()
    if reason := problem(timeout):
        return Finding("hub", f"can't be reached ({reason})", without, "note")
    return Finding("hub", f"answers in {time.monotonic() - started:.1f} s")


def _size(folder: Path) -> str:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # removed in the meantime
                total += (Path(path) / name).lstat().st_size
    return _bytes(total)


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
