"""Files from the network: resumed where they broke off, checked, and whole or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import shutil
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
"""Times a broken connection is taken up again before the next address is tried."""

_PAUSE = 1.0
_TIMEOUT = 30.0
_CHUNK = 1 << 20
_BROKEN = (
    *(urllib.error.URLError, http.client.HTTPException, ssl.SSLError),
    *(ConnectionError, TimeoutError),
)


class _RefusedError(Exception):
    """An address that has no such file: another may have it."""


def fetch(urls: Sequence[str], target: Path, checksum: str = "") -> Path:
    """Download a file unless it is there.

    What has arrived lies in ``target.part`` until it is whole and its checksum fits; a later call
    goes on from there.

    Args:
        urls: Addresses of the same file, tried in turn.
        target: Where it goes.
        checksum: ``md5:...`` or ``sha256:...``; empty to go without.

    Raises:
        GoproError: When no address gives the file, what came is another file, or there is no room.
    """
    part = target.with_name(f"{target.name}.part")
    if target.exists():
        _about(part).unlink(missing_ok=True)  # of a call that was killed at its end
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
                "another --root: what has arrived is kept"
            ) from error
    else:
        raise GoproError(
            f"can't download {target.name} ({'; '.join(causes)}); what has arrived is kept, and "
            "the same command goes on"
        )
    _check(part, checksum, target.name)
    part.replace(target)
    _about(part).unlink(missing_ok=True)
    return target


def _resume(url: str, part: Path) -> None:
    """Fetch until the part is whole, through broken connections."""
    if _read_about(part).get("url") != url:  # another address may have another file
        part.unlink(missing_ok=True)
    for attempt in range(TRIES):
        before = _size(part)
        try:
            if _once(url, part):
                return
            cause = "the connection broke off"
        except urllib.error.HTTPError as error:
            if error.code not in (408, 416, 429) and error.code < 500:
                raise _RefusedError(f"the server says {error.code} {error.reason}") from error
            if error.code == 416:  # what is here can't be the start of what is there
                part.unlink(missing_ok=True)
            cause = f"the server says {error.code} {error.reason}"
        except _BROKEN as error:
            cause = str(getattr(error, "reason", "") or error) or type(error).__name__
        if _size(part) <= before:
            time.sleep(_PAUSE * 2**attempt)
    raise _RefusedError(f"{cause}, {TRIES} times")


def _once(url: str, part: Path) -> bool:
    """One connection; tells whether the file is whole now."""
    about, have = _read_about(part), _size(part)
    if have and about.get("size") == have:
        return True
    headers = {"User-Agent": "gopro", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if about.get("tag"):
            headers["If-Range"] = about["tag"]
    request = urllib.request.Request(url, headers=headers)
    # the addresses are those of sources.py
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # nosec B310
        if answer.headers.get_content_type() == "text/html":
            raise _RefusedError("it gives a web page instead of the file; try again another day")
        starts = answer.headers.get("Content-Range", "")
        go_on = answer.status == 206 and starts.startswith(f"bytes {have}-")
        have = have if go_on else 0
        whole = starts.rpartition("/")[2] if go_on else answer.headers.get("Content-Length", "")
        size = int(whole) if whole.isdecimal() else None
        tag = answer.headers.get("ETag", "")
        tag = "" if tag.startswith("W/") else tag
        before = about.get("size")
        if go_on and None not in (size, before) and size != before:  # without tags, all that tells
            part.unlink()
            return False
        if not go_on:  # before the note changes: old bytes under a new tag would be gone on from
            part.unlink(missing_ok=True)
            write_json(_about(part), {"url": url, "size": size, "tag": tag})
        _room(part, size, have)
        with part.open("r+b" if go_on else "wb") as file:
            file.seek(have)
            _copy(answer, file, part.stem, have, size)
    return size is None or _size(part) == size


def _copy(answer: Any, file: Any, name: str, have: int, size: int | None) -> None:
    million = 1_000_000
    with bar(f"{name}, MB", (size or 0) // million, have // million) as advance:
        shown = have // million
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            have += len(chunk)
            advance("", have // million - shown)
            shown = have // million


def _room(part: Path, size: int | None, have: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if size is not None and size - have > free:
        raise GoproError(
            f"{part.stem} needs {(size - have) / 1e9:.1f} GB and {part.parent} has "
            f"{free / 1e9:.1f} GB left; free some space or choose another --root"
        )


def _check(part: Path, checksum: str, name: str) -> None:
    if not checksum:
        return
    kind, _, wanted = checksum.partition(":")
    digest = hashlib.new(kind, usedforsecurity=False)
    with part.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != wanted:
        part.unlink()
        raise GoproError(
            f"what was downloaded as {name} isn't the published file ({kind} "
            f"{digest.hexdigest()}, wanted {wanted}); it was removed: try again, or fetch it "
            "by hand"
        )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _about(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_about(part: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(_about(part).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
