"""One backbone for all classifiers that use the same, and a checksum that tells it from others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gopro.backbones.build import build, choose_device
from gopro.backbones.clip import DTYPES, Backbone
from gopro.common.errors import GoproError


@dataclass(frozen=True)
class Shared:
    """A backbone, and the SHA-256 (hex) of its weights."""

    backbone: Backbone
    checksum: str


def shared_backbone(name: str, pretrained: str | None, device: str, precision: str) -> Shared:
    """Build a backbone, or give the one built last when it is the same.

    A search over settings fits dozens of classifiers, and none of them changes the backbone.

    Args:
        name: See ``build``.
        pretrained: See ``build``.
        device: See ``build``.
        precision: See ``build``.

    Raises:
        GoproError: As ``build``.
    """
    place = str(choose_device(device))
    if precision not in DTYPES:
        raise GoproError(f"got the precision {precision!r}; choose one of {', '.join(DTYPES)}")
    file = Path(pretrained).expanduser() if pretrained else None
    stamp = None
    if file is not None and file.is_file():  # another file under the same name is another backbone
        stat = file.stat()
        stamp = (str(file.resolve()), stat.st_size, stat.st_mtime_ns)
    return _build(name, pretrained, place, precision, stamp)


@lru_cache(maxsize=1)
def _build(
    name: str,
    pretrained: str | None,
    device: str,
    precision: str,
    stamp: tuple[str, int, int] | None,
) -> Shared:
    backbone = build(name, pretrained, device="cpu")
    # before the weights are rounded to the precision asked for
    found = checksum(backbone)
    return Shared(backbone.to(device, precision), found)


def checksum(backbone: Backbone) -> str:
    """SHA-256 (hex) of a backbone's weights, in float32 on the cpu.

    It doesn't depend on the kind of file they came in. The embedded ``mini`` fills a part of its
    weights by arithmetic that may round differently on another processor: there it is the file's.
    """
    digest = hashlib.sha256()
    if backbone.name == "mini":
        from gopro.backbones.mini.load import weights_path

        digest.update(weights_path().read_bytes())
        return digest.hexdigest()
    for name, tensor in sorted(backbone.model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).numpy().data)
    return digest.hexdigest()
