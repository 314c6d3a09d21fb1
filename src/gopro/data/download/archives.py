"""Archives from strangers: no member leaves its folder, is a link or a device, or never ends."""

from __future__ import annotations

import gzip
import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from typing_extensions import Self

from gopro.common.errors import GoproError
from gopro.common.progress import bar

RATIO = 20
"""An archive of pictures that grows by more is a bomb; lists of names grow tenfold at most."""

_SPARE = 64_000_000
_CHUNK = 1 << 20
_MEMBERS = 3_000_000
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, RuntimeError, ValueError),
)
_ABOUT = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
_HEADER = 1_000_000
"""Bytes of what a tar says about a member, such as a long name; ``tarfile`` reads it whole."""


def unpack(archive: Path, home: Path, takes: Sequence[tuple[str, str]], inner: str = "") -> None:
    """Take folders and files out of a tar or zip archive, each whole or not at all.

    Args:
        archive: The file; its kind is found out by its content.
        home: Where they go.
        takes: A path in the archive and one below ``home`` for each.
        inner: An archive inside that holds them instead.

    Raises:
        GoproError: When the archive is damaged, unsafe, lacks something that is to be taken, or
            there is no room.
    """
    home.mkdir(parents=True, exist_ok=True)
    allowed = RATIO * archive.stat().st_size + _SPARE
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=home) as name:
        made = Path(name)
        try:
            if inner:
                _extract(archive, made / "outer", [inner], allowed)
                archive = made / "outer" / inner
                if not archive.is_file():
                    raise GoproError(f"there is no {inner} in it")
            _extract(archive, made / "all", [path for path, _ in takes], allowed)
            lost = [path for path, _ in takes if not (made / "all" / path).exists()]
            if lost:
                raise GoproError(f"there is no {lost[0]} in it")
        except _DAMAGE as error:
            raise GoproError(f"it is damaged: {str(error) or type(error).__name__}") from error
        for path, to in takes:
            if not (home / to).exists():
                (made / "all" / path).rename(home / to)


def _extract(archive: Path, to: Path, wanted: Sequence[str], allowed: int) -> None:
    """Write the wanted members; every member is looked at."""
    roots = [PurePosixPath(path) for path in wanted]
    written = 0
    with bar(f"unpacking {archive.name}, files", _count(archive)) as advance:
        for number, (name, content) in enumerate(_members(archive, allowed)):
            path = _safe(name)
            if number > _MEMBERS:
                raise GoproError(f"it has more than {_MEMBERS:,} members, which no data set has")
            if content is not None and any(path.is_relative_to(root) for root in roots):
                place = to / path
                place.parent.mkdir(parents=True, exist_ok=True)
                with content, place.open("wb") as file:
                    while chunk := content.read(_CHUNK):
                        written += len(chunk)
                        if written > allowed:
                            raise _bomb(allowed)
                        file.write(chunk)
            advance("")


def _bomb(allowed: int) -> GoproError:
    return GoproError(
        f"it grows to more than {allowed / 1e6:,.0f} MB, {RATIO} times its size, which no archive "
        "of pictures does"
    )


def _members(archive: Path, allowed: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Name and content of every member, None for a folder."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise GoproError(f"its member {entry.filename!r} is a link or a device")
                yield entry.filename, None if entry.is_dir() else opened.open(entry)
        return
    passed = 0
    with tarfile.open(archive, tarinfo=_Strict) as tar:
        for member in tar:
            passed += member.size  # what isn't wanted is unpacked too, to come to what is
            if member.size < 0 or passed > allowed:  # below 0 it would never end
                raise _bomb(allowed)
            if not (member.isreg() or member.isdir()):
                raise GoproError(f"its member {member.name!r} is a link or a device")
            yield member.name, tar.extractfile(member) if member.isreg() else None
        assert tar.fileobj is not None
        while chunk := tar.fileobj.read(_CHUNK):  # to the checksum at a compressed file's end
            passed += len(chunk)
            if passed > allowed:
                raise _bomb(allowed)


class _Strict(tarfile.TarInfo):
    """A member whose header has to be whole, and small.

    ``tarfile`` takes a broken one for the archive's end, and reads a header of any size.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """As ``TarInfo``'s; only the marker of the end ends an archive."""
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf) or not buf:
                raise tarfile.ReadError(str(error)) from error
            raise
        if member.size < 0 or (member.type in _ABOUT and member.size > _HEADER):
            raise tarfile.ReadError(f"a header that says {member.size:,} bytes")
        return member


def _count(archive: Path) -> int:
    """Members, where that is known without reading it all."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            return len(opened.infolist())
    return 0


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    foreign = "\\" in name or "\0" in name or (len(name) > 1 and name[1] == ":")
    if path.is_absolute() or ".." in path.parts or foreign:
        raise GoproError(f"its member {name!r} leaves the folder it is unpacked to")
    return path


def remove_remains(home: Path) -> None:
    """Remove what a killed process was unpacking."""
    for path in home.glob(".unpacking-*"):
        shutil.rmtree(path, ignore_errors=True)
