"""Archives: what is extracted and what is refused."""

from __future__ import annotations

import gzip
import io
import stat
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.data.download import archives as module
from gopro.data.download.archives import remove_remains, unpack

FILES = {"set/images/cat/1.jpg": b"cat", "set/images/dog/1.jpg": b"dog", "set/readme.txt": b"hi"}
TAKES = [("set/images", "images"), ("set/readme.txt", "about.txt")]


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _tar_with(path: Path, member: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        tar.addfile(member)
    return path


@pytest.mark.parametrize("kind", ["tar.gz", "tar", "zip"])
def test_extracts_only_what_is_wanted(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / f"a.{kind}"
    if kind == "zip":
        make_zip(archive, FILES)
    else:
        make_tar(archive, FILES, "w:gz" if kind == "tar.gz" else "w")
    home = tmp_path / "home"
    unpack(archive, home, TAKES)
    assert (home / "images/cat/1.jpg").read_bytes() == b"cat"
    assert (home / "about.txt").read_bytes() == b"hi"
    assert sorted(path.name for path in home.iterdir()) == ["about.txt", "images"]


def test_keeps_what_exists(tmp_path: Path) -> None:
    (tmp_path / "home" / "images").mkdir(parents=True)
    unpack(make_zip(tmp_path / "a.zip", FILES), tmp_path / "home", TAKES)
    assert list((tmp_path / "home" / "images").iterdir()) == []
    assert (tmp_path / "home" / "about.txt").exists()


def test_an_archive_in_an_archive(tmp_path: Path) -> None:
    inner = make_tar(tmp_path / "inner.tar.gz", FILES).read_bytes()
    outer = make_zip(tmp_path / "outer.zip", {"x/inner.tar.gz": inner, "x/other.tar": b"1"})
    unpack(outer, tmp_path / "home", TAKES, "x/inner.tar.gz")
    assert (tmp_path / "home/images/dog/1.jpg").read_bytes() == b"dog"
    with pytest.raises(GoproError, match=r"there is no y.tar in it"):
        unpack(outer, tmp_path / "home2", TAKES, "y.tar")


def test_a_wanted_path_is_missing(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", {"set/images/cat/1.jpg": b"cat"})
    with pytest.raises(GoproError, match=r"there is no set/readme.txt in it"):
        unpack(archive, tmp_path / "home", TAKES)
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../out.txt", "/etc/out.txt", "set/../../out.txt", "C:out.txt", "set\\..\\out.txt"]
)
def test_refuses_paths_outside_the_folder(tmp_path: Path, name: str) -> None:
    for archive in (
        make_zip(tmp_path / "a.zip", {**FILES, name: b"x"}),
        make_tar(tmp_path / "a.tar.gz", {**FILES, name: b"x"}),
    ):
        with pytest.raises(GoproError, match="leaves the folder"):
            unpack(archive, tmp_path / "home", TAKES)
    assert not list(tmp_path.rglob("out.txt"))
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_refuses_links_and_devices_in_a_tar(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("set/images/evil")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(GoproError, match="is a link, a device or sparse"):
        unpack(_tar_with(tmp_path / "a.tar", member), tmp_path / "home", TAKES)


def test_refuses_a_sparse_file(tmp_path: Path) -> None:
    """Its map could repeat the same zeros without end."""
    member = tarfile.TarInfo("set/images/hole.jpg")
    member.pax_headers = {"GNU.sparse.map": "0,900000000000", "GNU.sparse.size": "1"}
    data = member.tobuf(tarfile.PAX_FORMAT) + make_tar(tmp_path / "a", FILES, "w").read_bytes()
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(GoproError, match="is a link, a device or sparse"):
        unpack(tmp_path / "a.tar", tmp_path / "home", TAKES)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="tarfile itself needs the filter")
def test_old_python_without_the_data_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    unpack(make_tar(tmp_path / "a.tar", FILES, "w"), tmp_path / "home", TAKES)
    assert (tmp_path / "home/about.txt").read_bytes() == b"hi"


def test_file_modes_and_owners_are_not_taken_from_the_archive(tmp_path: Path) -> None:
    member = tarfile.TarInfo("set/readme.txt")
    member.mode, member.uid = 0o4777, 12345
    unpack(_tar_with(tmp_path / "a.tar", member), tmp_path / "home", TAKES[1:])
    (tmp_path / "usual").touch()
    extracted, usual = (tmp_path / "home/about.txt").stat(), (tmp_path / "usual").stat()
    assert (extracted.st_mode, extracted.st_uid) == (usual.st_mode, usual.st_uid)


def test_refuses_a_link_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        entry = zipfile.ZipInfo("set/images/evil")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(GoproError, match="is a link or a device"):
        unpack(tmp_path / "a.zip", tmp_path / "home", TAKES)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_refuses_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(module, "_SPARE_BYTES", 1000)
    make = make_zip if kind == "zip" else make_tar
    archive = make(tmp_path / "a.bin", {"set/images/a.jpg": b"\0" * 2_000_000})
    with pytest.raises(GoproError, match="20 times its size"):
        unpack(archive, tmp_path / "home", TAKES)
    assert list((tmp_path / "home").iterdir()) == []


def test_refuses_a_bomb_in_unwanted_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unwanted members are decompressed too, to reach those behind them."""
    monkeypatch.setattr(module, "_SPARE_BYTES", 1000)
    archive = make_tar(tmp_path / "a.bin", {"set/other.bin": b"\0" * 2_000_000, **FILES})
    with pytest.raises(GoproError, match="20 times its size"):
        unpack(archive, tmp_path / "home", TAKES)
    assert list((tmp_path / "home").iterdir()) == []
    archive = make_tar(tmp_path / "b.bin", FILES, "w")
    with gzip.open(tmp_path / "c.bin", "wb") as packed:
        packed.write(archive.read_bytes() + b"\0" * 2_000_000)
    with pytest.raises(GoproError, match="20 times its size"):
        unpack(tmp_path / "c.bin", tmp_path / "home", TAKES)


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
)
@pytest.mark.parametrize("size", [2_000_000_000, -512])
def test_refuses_headers_of_impossible_size(tmp_path: Path, kind: bytes, size: int) -> None:
    """``tarfile`` would read a name of two gigabytes into memory, or never end."""
    member = tarfile.TarInfo("set/images/cat/1.jpg")
    member.type, member.size = kind, size
    archive = make_tar(tmp_path / "a.tar", FILES, "w").read_bytes()
    (tmp_path / "a.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + archive)
    with pytest.raises(GoproError, match="it is damaged"):
        unpack(tmp_path / "a.tar", tmp_path / "home", TAKES)


def test_refuses_a_negative_size(tmp_path: Path) -> None:
    """``tarfile`` would go back and read the same member for ever."""
    member = tarfile.TarInfo("set/images/cat/1.jpg")
    member.pax_headers = {"size": "-1024"}
    data = member.tobuf(tarfile.PAX_FORMAT) + make_tar(tmp_path / "a", FILES, "w").read_bytes()
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(GoproError):
        unpack(tmp_path / "a.tar", tmp_path / "home", TAKES)
    assert list((tmp_path / "home").iterdir()) == []


def test_refuses_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_MEMBERS", 1)
    with pytest.raises(GoproError, match="more than 1 members"):
        unpack(make_zip(tmp_path / "a.zip", FILES), tmp_path / "home", TAKES)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_refuses_a_damaged_archive(tmp_path: Path, kind: str) -> None:
    make = make_zip if kind == "zip" else make_tar
    noise = bytes((n * n * 31 + n) % 251 for n in range(50_000))
    whole = make(tmp_path / "a.bin", {**FILES, "set/images/b.jpg": noise}).read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 0xFF
    for damaged in (whole[: len(whole) // 2], bytes(changed), b"no archive", b""):
        (tmp_path / "a.bin").write_bytes(damaged)
        with pytest.raises(GoproError, match="it is damaged"):
            unpack(tmp_path / "a.bin", tmp_path / "home", TAKES)
        assert list((tmp_path / "home").iterdir()) == []


def test_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    (tmp_path / ".unpacking-x" / "deep").mkdir(parents=True)
    (tmp_path / "images").mkdir()
    remove_remains(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
