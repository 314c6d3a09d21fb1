"""Features of the frozen image tower on disk, so that no picture goes through it twice.

A file holds the features of one batch of decoded pictures. Its name is made from the pixels, the
image tower's weights, precision and device, so another picture, transform or backbone never finds
it. Files are written whole and never changed; several processes may share the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.image import to_unit
from gopro.common.errors import GoproError
from gopro.common.files import atomic_write

FOLDER = "GOPRO_CACHE"
"""Environment variable: the folder of the cache, or "off" for none."""

LIMIT = "GOPRO_CACHE_GB"
"""Environment variable: the largest size of the cache in gigabytes."""

_DEFAULT_GB = 10.0
_ABANDONED = 3600.0  # seconds after which nobody is still writing a temporary file
_PATIENCE = 60.0  # seconds to wait for a process that encodes the same pictures
_LOCKS = "locks"  # a folder in the cache, of at most 256 empty files

_towers: WeakKeyDictionary[Backbone, tuple[str, str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Cache:
    """A folder that holds no more than ``limit`` bytes: what wasn't used for longest goes first.

    Attributes:
        folder: Made where it isn't there.
        limit: Bytes.
    """

    folder: Path
    limit: int

    def find(self, name: str) -> Path | None:
        """The file of that name, marked as used now; None when it isn't there."""
        path = self.folder / name
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    @contextlib.contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """Give a temporary path whose file takes ``name`` when the block succeeds.

        Raises:
            GoproError: When the disk is full or the place can't be written.
        """
        with atomic_write(self.folder / name) as temporary:
            yield temporary
        self._shrink(keep=name)

    @contextlib.contextmanager
    def making(self, name: str, wait: float) -> Iterator[bool]:
        """Keep other processes from making the same file while the block runs.

        Args:
            name: Of the file.
            wait: Seconds to wait for a process that is making it.

        Yields:
            False when that process still is, or one at a file that shares the lock: there are 256.
            A place that can't be locked is free.
        """
        lock = FileLock(self.folder / _LOCKS / hashlib.sha256(name.encode()).hexdigest()[:2])
        try:
            Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=wait)
        except Timeout:
            yield False
            return
        except (OSError, NotImplementedError):
            yield True
            return
        try:
            yield True
        finally:
            lock.release()

    def _shrink(self, keep: str) -> None:
        files = []
        for path in self.folder.iterdir():
            if path.name == _LOCKS:
                continue
            with contextlib.suppress(OSError):  # another process may have removed it
                stat = path.stat()
                files.append((stat.st_mtime, stat.st_size, path))
        excess = sum(size for _, size, _ in files) - self.limit
        for used, size, path in sorted(files):
            # a temporary file is being written, or was left behind by a process that was killed
            temporary = path.name.endswith(".tmp")
            if path.name == keep or (temporary and time.time() - used < _ABANDONED):
                continue
            if temporary or excess > 0:
                with contextlib.suppress(OSError):
                    path.unlink()
                excess -= size


def open_cache() -> Cache | None:
    """The cache that the environment names; None where it is switched off.

    Raises:
        GoproError: When the largest size isn't a number of gigabytes.
    """
    place = os.environ.get(FOLDER, "")
    if place == "off":
        return None
    if not place:
        home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        place = str(Path(home) / "gopro" / "features")
    size = os.environ.get(LIMIT) or str(_DEFAULT_GB)
    try:
        limit = float(size)
    except ValueError:
        limit = -1.0
    if not 0 < limit < float("inf"):
        raise GoproError(f"got {LIMIT}={size}; wanted a number of gigabytes above 0")
    return Cache(Path(place).expanduser(), int(limit * 1e9))


def frozen(backbone: Backbone, pixels: Tensor) -> ImageFeatures:
    """Features of decoded pictures, from the cache where it has them.

    A cache that can't be written is done without: it saves time and is part of no result.

    Args:
        backbone: The frozen CLIP.
        pixels: uint8 [B, 3, image_size, image_size].
    """
    features = frozen_unless_busy(backbone, pixels, wait=_PATIENCE)
    return backbone.encode_image(to_unit(pixels, backbone.device)) if features is None else features


def frozen_unless_busy(
    backbone: Backbone, pixels: Tensor, wait: float = 0.0
) -> ImageFeatures | None:
    """``frozen``, or None while another process encodes these pictures: time to do others.

    Args:
        backbone: The frozen CLIP.
        pixels: uint8 [B, 3, image_size, image_size].
        wait: Seconds to wait for that process.
    """
    cache = open_cache()
    if cache is None:
        return backbone.encode_image(to_unit(pixels, backbone.device))
    name = _name(backbone, pixels)
    found = _read(cache, name, backbone.device)
    if found is not None:
        return found
    with cache.making(name, wait) as ours:
        if not ours:
            return None
        found = _read(cache, name, backbone.device)  # made while this one waited
        if found is not None:
            return found
        features = backbone.encode_image(to_unit(pixels, backbone.device))
        tensors = {name: getattr(features, name).cpu() for name in ("embedding", "mean", "std")}
        with contextlib.suppress(GoproError, SafetensorError), cache.write(name) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
    return features


def _read(cache: Cache, name: str, device: torch.device) -> ImageFeatures | None:
    """A file's features; None when it isn't there, or is damaged and has to be made again."""
    path = cache.find(name)
    if path is not None:
        with contextlib.suppress(OSError, SafetensorError, KeyError):
            found = load_file(path)
            return ImageFeatures(found["embedding"], found["mean"], found["std"]).to(device)
    return None


def is_kept(backbone: Backbone, pixels: Tensor) -> bool:
    """Whether the cache has the features of these pictures."""
    cache = open_cache()
    return cache is not None and cache.find(_name(backbone, pixels)) is not None


def _name(backbone: Backbone, pixels: Tensor) -> str:
    return f"{tower_key(backbone)}-{pixels_key(pixels)}.safetensors"


def pixels_key(pixels: Tensor) -> str:
    """SHA-256 (hex) of decoded pictures and their number and size."""
    digest = hashlib.sha256(str(tuple(pixels.shape)).encode())
    digest.update(pixels.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def tower_key(backbone: Backbone) -> str:
    """A name for what an image tower computes: SHA-256 (hex) of weights, precision, device.

    Versions of torch are told apart too, since they may round differently.
    """
    place = f"{backbone.device.type} {backbone.dtype} {torch.__version__} {backbone.normalisation}"
    known = _towers.get(backbone)
    if known is None or known[0] != place:
        digest = hashlib.sha256(place.encode())
        for name, tensor in sorted(backbone.image_encoder.visual.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(raw.numpy().data)
        known = _towers[backbone] = (place, digest.hexdigest())
    return known[1]
