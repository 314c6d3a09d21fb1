"""Safe extraction: rejects path traversal, links, devices and decompression bombs."""

from __future__ import annotations

import gzip
import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from typing_extensions import Self

from gopro.common.errors import GoproError
from gopro.common.progress import bar

MAX_RATIO = 20
"""Most bytes extracted per byte of the archive. Pictures don't compress; text grows about 10x."""

_SPARE_BYTES = 64_000_000
_CHUNK = 1 << 20
_MAX_MEMBERS = 3_000_000
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, RuntimeError, ValueError),
)
_EXTENDED_HEADERS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
_MAX_HEADER = 1_000_000
"""Most bytes of an extended tar header, such as a long name; ``tarfile`` reads it into memory."""


def unpack(archive: Path, home: Path, takes: Sequence[tuple[str, str]], inner: str = "") -> None:
    """Extract folders and files of a tar or zip archive, each completely or not at all.

    Args:
        archive: The file; its content tells its format.
        home: The folder to extract to. What exists there is kept.
        takes: Pairs of a path in the archive and its new path below ``home``.
        inner: Path of an archive inside ``archive`` that holds ``takes`` instead.

    Raises:
        GoproError: When the archive is damaged or unsafe, or lacks one of ``takes``.
        OSError: When ``home`` can't be written.
    """
    home.mkdir(parents=True, exist_ok=True)
    max_bytes = MAX_RATIO * archive.stat().st_size + _SPARE_BYTES
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=home) as name:
        outer, extracted = Path(name) / "outer", Path(name) / "all"
        try:
            if inner:
                _extract(archive, outer, [inner], max_bytes)
                archive = outer / inner
                if not archive.is_file():
                    raise GoproError(f"there is no {inner} in it")
            _extract(archive, extracted, [path for path, _ in takes], max_bytes)
        except _DAMAGE as error:
            raise GoproError(f"it is damaged: {str(error) or type(error).__name__}") from error
        for path, _ in takes:
            if not (extracted / path).exists():
                raise GoproError(f"there is no {path} in it")
        for path, to in takes:
            if not (home / to).exists():
                (extracted / path).rename(home / to)


def _extract(archive: Path, to: Path, wanted: Sequence[str], max_bytes: int) -> None:
    """Extract the wanted files below ``to``; every member is checked, wanted or not."""
    roots = [PurePosixPath(path) for path in wanted]
    total = 0
    with bar(f"unpacking {archive.name}, files", _count(archive)) as advance:
        for number, (name, size, extract) in enumerate(_members(archive)):
            total += size
            if size < 0 or total > max_bytes:  # tarfile never ends on a negative size
                raise GoproError(
                    f"it grows to more than {max_bytes / 1e6:,.0f} MB, {MAX_RATIO} times its "
                    "size, which no archive of pictures does"
                )
            if number > _MAX_MEMBERS:
                raise GoproError(f"it has more than {_MAX_MEMBERS:,} members; no data set has")
            path = _safe_path(name)
            if extract is not None and any(path.is_relative_to(root) for root in roots):
                extract(to)
            advance("")


def _members(archive: Path) -> Iterator[tuple[str, int, Callable[[Path], object] | None]]:
    """Name and size of each member; for a file also the function that extracts it to a folder."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise GoproError(f"its member {entry.filename!r} is a link or a device")
                extract_entry = partial(opened.extract, entry)
                yield entry.filename, entry.file_size, None if entry.is_dir() else extract_entry
        return
    with tarfile.open(archive, tarinfo=_StrictHeader) as tar:
        # Python before 3.10.12 and 3.11.4 has no filter; the checks here don't rely on it
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        for member in tar:
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise GoproError(f"its member {member.name!r} is a link, a device or sparse")
            extract = partial(tar.extract, member, set_attrs=False)
            yield member.name, member.size, extract if member.isreg() else None
        assert tar.fileobj is not None
        while chunk := tar.fileobj.read(_CHUNK):  # up to the checksum that ends a compressed file
            yield "", len(chunk), None


class _StrictHeader(tarfile.TarInfo):
    """A tar header that must be valid and small.

    ``tarfile`` takes an invalid header for the end of the archive, and reads headers of any size.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Parse a header. Only a block of zeros ends the archive; other invalid blocks are errors.

        Raises:
            tarfile.ReadError: When the header is invalid or gives an impossible size.
        """
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf) or not buf:
                raise tarfile.ReadError(str(error)) from error
            raise
        if member.size < 0 or (member.type in _EXTENDED_HEADERS and member.size > _MAX_HEADER):
            raise tarfile.ReadError(f"a header gives a size of {member.size:,} bytes")
        return member


def _count(archive: Path) -> int:
    """Number of members of a zip archive; 0 for a tar, which must be read to count them."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            return len(opened.infolist())
    return 0


def _safe_path(name: str) -> PurePosixPath:
    """A member's path, refused where tarfile and zipfile would only rewrite it."""
    path = PurePosixPath(name)
    foreign = "\\" in name or "\0" in name or (len(name) > 1 and name[1] == ":")
    if path.is_absolute() or ".." in path.parts or foreign:
        raise GoproError(f"its member {name!r} leaves the folder it is unpacked to")
    return path


def remove_remains(home: Path) -> None:
    """Remove the temporary folders that a killed process left."""
    for path in home.glob(".unpacking-*"):
        shutil.rmtree(path, ignore_errors=True)
