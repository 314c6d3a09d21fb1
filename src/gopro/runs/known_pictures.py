"""The hash of training pictures, kept in the cache: a later run needn't open them for it."""

from __future__ import annotations

import contextlib
import hashlib

from gopro.backbones.feature_cache import open_cache
from gopro.common.errors import GoproError


def known_key(identity: str) -> str | None:
    """What ``TrainingSet.key`` was for the same pictures; None if the cache doesn't know.

    Args:
        identity: See ``remember``.
    """
    cache = open_cache()
    path = None if cache is None else cache.find(_name(identity))
    if path is None:
        return None
    with contextlib.suppress(OSError, ValueError):
        text = path.read_text(encoding="ascii")
        if len(bytes.fromhex(text)) == hashlib.sha256().digest_size:
            return text
    return None


def remember(identity: str, key: str) -> None:
    """Keep the key of a training set; a cache that can't be written is ignored.

    Args:
        identity: Text that tells the pictures and their preprocessing apart without opening them.
        key: From ``TrainingSet.key``.
    """
    cache = open_cache()
    if cache is not None:
        with contextlib.suppress(GoproError), cache.write(_name(identity)) as temporary:
            temporary.write_text(key, encoding="ascii")


def _name(identity: str) -> str:
    return f"pictures-{hashlib.sha256(identity.encode()).hexdigest()}.txt"
