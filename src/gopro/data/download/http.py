"""HTTP downloads: resumed after interruptions, verified, and moved into place when complete."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import shutil
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gopro.common.errors import GoproError
from gopro.common.files import write_json
from gopro.common.progress import bar

TRIES = 5
"""Attempts per address before the next address is tried."""

_UNREACHABLE_TRIES = 2
"""Attempts in a row while nothing answers there: a blocked network is said at once."""

_PAUSE = 1.0
_TIMEOUT = 30.0
_CHUNK = 1 << 20
_BROKEN = (
    *(urllib.error.URLError, http.client.HTTPException, ssl.SSLError),
    *(ConnectionError, TimeoutError),
)
_UNREACHABLE = (socket.gaierror, ConnectionRefusedError)


class _RefusedError(Exception):
    """An address doesn't have the file; another one may."""


def fetch(urls: Sequence[str], target: Path, checksum: str = "") -> Path:
    """Download a file unless it exists.

    The file is ``target.part`` until it is complete and its checksum matches. A later call resumes
    from there.

    Args:
        urls: Addresses of the same file, tried in this order.
        target: The final path.
        checksum: ``md5:...`` or ``sha256:...``; empty for no check.

    Raises:
        GoproError: When no address has the file, the checksum differs, or the disk is full.
    """
    part = target.with_name(f"{target.name}.part")
    if target.exists():
        _about(part).unlink(missing_ok=True)  # left by a process that was killed at the end
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    causes = []
    for url in urls:
        try:
            _resume(url, part)
            break
        except _RefusedError as error:
            causes.append(f"{url}: {error}")
        except OSError as error:
            raise GoproError(
                f"can't write {part} ({error.strerror or error}); free some space or choose "
                "another --root: the downloaded part is kept"
            ) from error
    else:
        raise GoproError(
            f"can't download {target.name} ({'; '.join(causes)}); the downloaded part is kept: "
            "run the same command again to resume"
        )
    _verify(part, checksum, target.name)
    part.replace(target)
    _about(part).unlink(missing_ok=True)
    return target


def _resume(url: str, part: Path) -> None:
    """Download until the part is complete; reconnects after broken connections."""
    unreachable = 0  # tries in a row
    for attempt in range(1, TRIES + 1):
        before, reached = _size(part), True
        try:
            if _once(url, part):
                return
            cause = "the connection broke off"
        except urllib.error.HTTPError as error:
            if error.code not in (408, 416, 429) and error.code < 500:
                raise _RefusedError(f"the server says {error.code} {error.reason}") from error
            if error.code == 416:  # the part is longer than the file
                part.unlink(missing_ok=True)
            cause = f"the server says {error.code} {error.reason}"
        except _BROKEN as error:
            reason = getattr(error, "reason", "") or error
            cause = str(reason) or type(error).__name__
            reached = not isinstance(reason, _UNREACHABLE)
        unreachable = 0 if reached else unreachable + 1
        if unreachable == _UNREACHABLE_TRIES:
            break
        if _size(part) <= before:
            time.sleep(_PAUSE * 2 ** (attempt - 1))
    raise _RefusedError(f"{cause}, {attempt} times")


def _once(url: str, part: Path) -> bool:
    """Download over one connection; returns whether the file is complete."""
    about, have = _read_about(part), _size(part)
    if about.get("url") != url:  # files of other addresses may differ: kept until this one answers
        about, have = {}, 0
    if have and about.get("size") == have:
        return True
    headers = {"User-Agent": "gopro", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if about.get("tag"):
            headers["If-Range"] = about["tag"]
    request = urllib.request.Request(url, headers=headers)
    # all addresses come from sources.py
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # nosec B310
        if response.headers.get_content_type() == "text/html":
            raise _RefusedError("it gives a web page instead of the file; try again another day")
        content_range = response.headers.get("Content-Range", "")
        partly = have > 0 and response.status == 206
        resumed = partly and content_range.startswith(f"bytes {have}-")
        have = have if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = content_range.rpartition("/")[2] if resumed else length
        size = int(total) if total.isdecimal() else None
        tag = response.headers.get("ETag", "")
        tag = "" if tag.startswith("W/") else tag
        before = about.get("size")
        if resumed and None not in (size, before) and size != before:  # the file has changed
            part.unlink()
            return False
        if not resumed:  # in this order: old bytes must never be resumed under a new tag
            part.unlink(missing_ok=True)
            write_json(_about(part), {"url": url, "size": size, "tag": tag})
        _check_space(part, size, have)
        with part.open("r+b" if resumed else "wb") as file:
            file.seek(have)
            _copy(response, file, part.stem, have, size)
    return size is None or _size(part) == size


def _copy(response: Any, file: Any, name: str, have: int, size: int | None) -> None:
    million = 1_000_000
    with bar(f"{name}, MB", (size or 0) // million, have // million) as advance:
        shown = have // million
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            have += len(chunk)
            advance("", have // million - shown)
            shown = have // million


def _check_space(part: Path, size: int | None, have: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if size is not None and size - have > free:
        raise GoproError(
            f"{part.stem} needs {(size - have) / 1e9:.1f} GB and {part.parent} has "
            f"{free / 1e9:.1f} GB left; free some space or choose another --root"
        )


def _verify(part: Path, checksum: str, name: str) -> None:
    if not checksum:
        return
    algorithm, _, wanted = checksum.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with part.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != wanted:
        part.unlink()
        raise GoproError(
            f"what was downloaded as {name} isn't the published file ({algorithm} "
            f"{digest.hexdigest()}, wanted {wanted}); it was removed: try again, or fetch it "
            "by hand"
        )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _about(part: Path) -> Path:
    """The JSON file with the url, size and tag that ``part`` was downloaded with."""
    return part.with_name(f"{part.name}.json")


def _read_about(part: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        about = json.loads(_about(part).read_text(encoding="utf-8"))
        return about if isinstance(about, dict) else {}
    return {}
