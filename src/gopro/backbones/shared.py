"""The last backbone, kept for the next run or classifier, and a checksum of its weights."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from gopro.backbones import embedded
from gopro.backbones.build import build, choose_device
from gopro.backbones.clip import DTYPES, Backbone
from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.localdir import LOCAL, located


@dataclass(frozen=True)
class Shared:
    """A backbone, and the SHA-256 (hex) of its weights; empty if not asked for."""

    backbone: Backbone
    checksum: str


class BackboneKey(NamedTuple):
    """Identifies a backbone: equal keys stand for equal weights, device and precision."""

    name: str
    pretrained: str | None
    device: str
    precision: str
    chunk_tokens: int
    files: tuple[tuple[str, int, int], ...]


_lock = threading.Lock()
_last: tuple[BackboneKey, Shared] | None = None


def backbone_key(
    name: str, pretrained: str | None, device: str, precision: str, chunk_tokens: int = 8_192
) -> BackboneKey:
    """The key of a backbone. Arguments as for ``build``.

    Raises:
        GoproError: For an unknown device or precision.
    """
    resolved = str(choose_device(device))
    if precision not in DTYPES:
        raise GoproError(f"got the precision {precision!r}; choose one of {', '.join(DTYPES)}")
    paths = [expanded(pretrained)] if pretrained else []
    if name.startswith(LOCAL):
        paths += sorted(Path(located(name).removeprefix(LOCAL)).glob("*"))
    files = []
    for path in paths:
        if path.is_file():  # its content may change under the same name
            stat = path.stat()
            files.append((str(path.resolve()), stat.st_size, stat.st_mtime_ns))
    return BackboneKey(name, pretrained, resolved, precision, chunk_tokens, tuple(files))


def shared_backbone(key: BackboneKey, *, hashed: bool = True) -> Shared:
    """Build a backbone, or return the last one if it has the same key.

    Runs and classifiers don't change a backbone, so they can share it. The last one is released
    before another one is built.

    Args:
        key: See ``backbone_key``.
        hashed: Whether the checksum is needed, which takes a second for large weights.

    Raises:
        GoproError: As ``build``.
    """
    global _last
    with _lock:
        if _last is None or _last[0] != key or (hashed and not _last[1].checksum):
            _last = None
            # building draws random weights first, and what is drawn later must not depend on that
            with torch.random.fork_rng(devices=[]):
                backbone = build(
                    key.name, key.pretrained, device="cpu", chunk_tokens=key.chunk_tokens
                )
            # of the weights before they are rounded to the precision
            digest = checksum(backbone) if hashed else ""
            _last = key, Shared(backbone.to(key.device, key.precision), digest)
        return _last[1]


def checksum(backbone: Backbone) -> str:
    """SHA-256 (hex) of a backbone's weights, in float32 on the cpu.

    It doesn't depend on the file format. An embedded backbone computes a part of its weights, and
    another processor may round them differently, so there it is the checksum of the file.
    """
    digest = hashlib.sha256()
    if backbone.name in embedded.LOADERS:
        digest.update(embedded.loader(backbone.name).weights_path().read_bytes())
        return digest.hexdigest()
    for name, tensor in sorted(backbone.model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).numpy().data)
    return digest.hexdigest()
