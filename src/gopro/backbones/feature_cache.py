"""A cache on disk for features of the frozen image encoder.

A file contains the features of one batch of pictures. Its name is a hash of what identifies them
(their files and the preprocessing, or the decoded pixels), and of the encoder, its precision and
device (``tower_key``), so other pictures, transforms or backbones miss it. It also holds the hash
of the pixels. Files are written atomically and never changed; several processes may share the
folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from gopro.backbones import Backbone, ImageFeatures
from gopro.backbones.image import to_unit
from gopro.common.errors import GoproError
from gopro.common.files import atomic_write, expanded
from gopro.common.localdir import without_folders
from gopro.common.tensors import write_tensors

FOLDER = "GOPRO_CACHE"
"""Environment variable: the folder of the cache, or "off"."""

LIMIT = "GOPRO_CACHE_GB"
"""Environment variable: the largest size of the cache in gigabytes."""

_DEFAULT_GB = 10.0
_ABANDONED = 3600.0  # age in seconds at which a temporary file is a leftover
_PATIENCE = 60.0  # seconds to wait for another process that encodes the same pictures
_PIXELS = "pixels"  # entry of a file's metadata
_LOCKS = "locks"  # a folder in the cache, with at most 256 empty files

_towers: WeakKeyDictionary[Backbone, tuple[str, str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Cache:
    """A folder of at most ``limit`` bytes; the least recently used files are removed first.

    Attributes:
        folder: Created if missing.
        limit: Bytes.
    """

    folder: Path
    limit: int

    def find(self, name: str) -> Path | None:
        """The file of that name, marked as used now; None if there is none that can be read."""
        path = self.folder / name
        with contextlib.suppress(OSError):  # another user's file can't be marked
            os.utime(path)
        return path if os.access(path, os.R_OK) else None

    @contextlib.contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """Yield a temporary path; its file gets the name ``name`` when the block succeeds.

        Raises:
            GoproError: If the disk is full or the folder can't be written.
        """
        with atomic_write(self.folder / name) as temporary:
            yield temporary
        self._shrink(keep=name)

    @contextlib.contextmanager
    def making(self, name: str, wait: float) -> Iterator[bool]:
        """Lock a file against other processes that would make it too.

        Args:
            name: Name of the file.
            wait: Seconds to wait for the lock.

        Yields:
            False if another process still holds the lock, which 1 of 256 other files shares. True
            if it is ours, or if the folder doesn't support locks.
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
            with contextlib.suppress(OSError):  # removed by another process
                stat = path.stat()
                files.append((stat.st_mtime, stat.st_size, path))
        excess = sum(size for _, size, _ in files) - self.limit
        for used, size, path in sorted(files):
            # a temporary file is being written, or a killed process left it
            temporary = path.name.endswith(".tmp")
            if path.name == keep or (temporary and time.time() - used < _ABANDONED):
                continue
            if temporary or excess > 0:
                with contextlib.suppress(OSError):
                    path.unlink()
                excess -= size


def open_cache() -> Cache | None:
    """The cache set by the environment variables; None if it is "off".

    Raises:
        GoproError: If the largest size isn't a number of gigabytes.
    """
    folder = os.environ.get(FOLDER, "")
    if folder == "off":
        return None
    if not folder:
        home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        folder = str(Path(home) / "gopro" / "features")
    size = os.environ.get(LIMIT) or str(_DEFAULT_GB)
    try:
        limit = float(size)
    except ValueError:
        limit = -1.0
    if not 0 < limit < float("inf"):
        raise GoproError(f"got {LIMIT}={size}; wanted a number of gigabytes above 0")
    return Cache(expanded(folder), int(limit * 1e9))


def cached_features(backbone: Backbone, pixels: Tensor, name: str | None = None) -> ImageFeatures:
    """Features of decoded pictures, from the cache if it has them.

    A cache that can't be written is ignored: results don't depend on it.

    Args:
        backbone: The frozen CLIP.
        pixels: uint8 [B, 3, image_size, image_size].
        name: See ``file_name``; by default made of the pixels.
    """
    features = cached_features_unless_busy(backbone, pixels, name, _PATIENCE)
    return backbone.encode_image(to_unit(pixels, backbone.device)) if features is None else features


def cached_features_unless_busy(
    backbone: Backbone, pixels: Tensor, name: str | None = None, wait: float = 0.0
) -> ImageFeatures | None:
    """``cached_features``, or None while another process encodes these pictures.

    Args:
        backbone: The frozen CLIP.
        pixels: uint8 [B, 3, image_size, image_size].
        name: See ``file_name``; by default made of the pixels.
        wait: Seconds to wait for that process.
    """
    cache = open_cache()
    if cache is None:
        return backbone.encode_image(to_unit(pixels, backbone.device))
    name = name or _name(backbone, pixels)
    features = _read(cache, name, backbone.device)
    if features is not None:
        return features
    with cache.making(name, wait) as ours:
        if not ours:
            return None
        features = _read(cache, name, backbone.device)  # written while this process waited
        if features is not None:
            return features
        features = backbone.encode_image(to_unit(pixels, backbone.device))
        _write(cache, name, features, pixels)
    return features


def _write(cache: Cache, name: str, features: ImageFeatures, pixels: Tensor) -> None:
    about = {_PIXELS: pixels_key(pixels)}
    with contextlib.suppress(GoproError), cache.write(name) as temporary:
        write_tensors(temporary, features.parts, about)


def stored_features(backbone: Backbone, name: str) -> ImageFeatures | None:
    """The features in the cache's file of that name; None if it is missing or damaged."""
    cache = open_cache()
    return None if cache is None else _read(cache, name, backbone.device)


def forget_unless_of(pixels: Tensor, name: str) -> bool:
    """Remove a file if its features are of other pixels, or if it is damaged.

    Args:
        pixels: uint8 [B, 3, image_size, image_size].
        name: See ``file_name``.

    Returns:
        Whether it was whole and of other pixels.

    Raises:
        GoproError: If it can't be removed.
    """
    cache = open_cache()
    path = None if cache is None else cache.find(name)
    if path is None:
        return False
    known = None
    with contextlib.suppress(OSError, SafetensorError), safe_open(path, framework="pt") as file:
        known = (file.metadata() or {}).get(_PIXELS)
    if known == pixels_key(pixels):
        return False
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise GoproError(
            f"{path} is damaged or has features of other pixels, and can't be removed "
            f"({error.strerror}); set {FOLDER} to another folder, or to off"
        ) from error
    return known is not None


def _read(cache: Cache, name: str, device: torch.device) -> ImageFeatures | None:
    """The features in a file; None if it is missing or damaged."""
    path = cache.find(name)
    if path is not None:
        # a KeyError: an older version of gopro stored fewer parts
        with contextlib.suppress(OSError, SafetensorError, KeyError):
            stored = load_file(path)
            parts = {field.name: stored[field.name] for field in fields(ImageFeatures)}
            return ImageFeatures(**parts).to(device)
    return None


def is_cached(name: str) -> bool:
    """Whether the cache has a file of that name."""
    cache = open_cache()
    return cache is not None and cache.find(name) is not None


def file_name(backbone: Backbone, identity: str) -> str:
    """Name of the file with the features of pictures, from what identifies them.

    Args:
        backbone: The frozen CLIP.
        identity: Any text that is equal only for equal decoded pixels.
    """
    return f"{tower_key(backbone)}-{hashlib.sha256(identity.encode()).hexdigest()}.safetensors"


def _name(backbone: Backbone, pixels: Tensor) -> str:
    return f"{tower_key(backbone)}-{pixels_key(pixels)}.safetensors"


def pixels_key(pixels: Tensor) -> str:
    """SHA-256 (hex) of decoded pictures, their number and size."""
    digest = hashlib.sha256(str(tuple(pixels.shape)).encode())
    digest.update(pixels.cpu().contiguous().numpy().data)
    return digest.hexdigest()


def tower_key(backbone: Backbone) -> str:
    """SHA-256 (hex) of an image encoder: what it computes with which weights, precision and device.

    The versions of the libraries that it is built of, such as torch and timm, are included: another
    one may round differently.
    """
    setup = f"{backbone.device.type} {backbone.dtype} {backbone.normalisation}"
    key = _towers.get(backbone)
    if key is None or key[0] != setup:
        digest = hashlib.sha256(setup.encode())
        visual = backbone.image_encoder.visual
        # equal weights can have other activations and constants (in repr) or heads (by name)
        kind = without_folders(backbone.name)
        digest.update(f"{kind} {visual!r} {_libraries(visual)}".encode())
        for name, tensor in sorted(visual.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(raw.numpy().data)
        key = _towers[backbone] = (setup, digest.hexdigest())
    return key[1]


def _libraries(visual: nn.Module) -> list[tuple[str, str]]:
    """Name and version of the libraries that a tower's modules come from, without gopro."""
    names = {type(module).__module__.partition(".")[0] for module in visual.modules()} - {"gopro"}
    return [(name, getattr(sys.modules[name], "__version__", "")) for name in sorted(names)]
