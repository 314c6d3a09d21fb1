"""``gopro data download`` from a local server."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import miniatures
import pytest
from filelock import FileLock
from test_archives import make_tar, make_zip

from file_server import FileServer
from gopro.cli.main import main
from gopro.data.catalog import KNOWN
from gopro.data.catalog_entry import Size
from gopro.data.download import http
from gopro.data.download.sources import BY_HAND, SOURCES, Piece

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    def answer(name: str, *more: str) -> tuple[int, str, str]:
        code = main(["data", "download", name, "--root", str(tmp_path / "root"), *more])
        return code, *capsys.readouterr()

    return answer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server with a three-class DTD: its archive and split file."""
    monkeypatch.setattr(http, "_PAUSE", 0.0)
    source = tmp_path / "source"
    miniatures.dtd(source)
    images = sorted(path for path in source.rglob("*.jpg"))
    files = {f"dtd/{path.relative_to(source)}": path.read_bytes() for path in images}
    archive = make_tar(tmp_path / "dtd.tar.gz", files).read_bytes()
    keys = [path.relative_to(source / "images").as_posix() for path in images]
    names = sorted({key.partition("/")[0] for key in keys})
    rows = [[key, names.index(key.partition("/")[0]), key.partition("/")[0]] for key in keys]
    split = {"train": rows[::3], "val": rows[1::3], "test": rows[2::3]}
    with FileServer({"/dtd.tar.gz": archive, "/s.json": json.dumps(split).encode()}) as running:
        known = replace(KNOWN["dtd"], size=Size(3, tuple(map(len, split.values()))))
        monkeypatch.setitem(KNOWN, "dtd", known)
        pieces = (
            Piece((running.url("/dtd.tar.gz"),), (("dtd/images", "images"),)),
            Piece((running.url("/s.json"),), "split_zhou_DescribableTextures.json"),
        )
        monkeypatch.setitem(SOURCES, "dtd", pieces)
        yield running


def test_removes_an_archive_that_a_killed_process_had_unpacked(
    run: Run, server: FileServer, tmp_path: Path
) -> None:
    assert run("dtd")[0] == 0
    left = tmp_path / "root" / ".downloads" / "dtd" / "dtd.tar.gz"
    left.write_bytes(b"kept on purpose")
    assert run("dtd")[0] == 0 and left.exists()
    left.with_name("dtd.tar.gz.once").touch()
    assert run("dtd")[0] == 0 and not list(left.parent.iterdir())


def test_downloads_a_complete_set(run: Run, server: FileServer, tmp_path: Path) -> None:
    code, out, err = run("dtd")
    assert (code, err) == (0, "")
    assert "licence: " in out and "dtd.tar.gz: done" in out and "30 images are in" in out
    home = tmp_path / "root" / "dtd"
    assert sorted(p.name for p in home.iterdir()) == [
        "images",
        "split_zhou_DescribableTextures.json",
    ]
    assert not list((tmp_path / "root" / ".downloads").rglob("*.tar.gz"))
    server.seen.clear()
    assert "dtd.tar.gz: here already" in run("dtd")[1]
    assert not server.seen


def test_a_folder_on_another_disk(
    run: Run, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    elsewhere.mkdir()
    root.mkdir()
    (root / "dtd").symlink_to(elsewhere)
    (elsewhere / ".split.json.x1.tmp").touch()  # of a process that was killed
    rename = Path.replace

    def within_a_disk(self: Path, target: Path) -> Path:
        if self.resolve().is_relative_to(elsewhere) != target.resolve().is_relative_to(elsewhere):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", within_a_disk)
    assert run("dtd")[0] == 0
    names = ["images", "split_zhou_DescribableTextures.json"]
    assert sorted(path.name for path in elsewhere.iterdir()) == names
    assert not list((root / ".downloads" / "dtd").iterdir())


def test_keeps_the_archive_on_request(run: Run, server: FileServer, tmp_path: Path) -> None:
    run("dtd", "--keep")
    assert (tmp_path / "root" / ".downloads" / "dtd" / "dtd.tar.gz").exists()


def test_resumes_a_broken_download(run: Run, server: FileServer, tmp_path: Path) -> None:
    server.breaks = [50] * http.TRIES
    code, _, err = run("dtd")
    assert code == 2 and err.count("\n") == 1
    assert "the downloaded part is kept" in err
    assert not (tmp_path / "root" / "dtd").exists()
    assert run("dtd")[0] == 0
    assert server.seen[http.TRIES].range == f"bytes={50 * http.TRIES}-"


def test_downloads_a_damaged_archive_again(run: Run, server: FileServer, tmp_path: Path) -> None:
    archive = server.files["/dtd.tar.gz"]
    server.files["/dtd.tar.gz"] = archive[:-30]
    code, _, err = run("dtd")
    assert code == 2 and err.count("\n") == 1
    assert "the archive dtd.tar.gz of dtd can't be used: it is damaged" in err
    assert not list((tmp_path / "root" / "dtd").iterdir())
    server.files["/dtd.tar.gz"] = archive
    assert run("dtd")[0] == 0


def test_refuses_an_unsafe_archive(run: Run, server: FileServer, tmp_path: Path) -> None:
    evil = make_zip(tmp_path / "evil.zip", {"dtd/images/a.jpg": b"x", "../../evil.txt": b"x"})
    server.files["/dtd.tar.gz"] = evil.read_bytes()
    code, _, err = run("dtd")
    assert code == 2 and "leaves the folder" in err
    assert not list(tmp_path.rglob("evil.txt"))


def test_two_downloads_at_once(run: Run, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "root" / ".downloads").mkdir(parents=True)
    with FileLock(tmp_path / "root" / ".downloads" / "dtd.lock"):
        code, _, err = run("dtd")
    assert code == 2 and "another process is downloading dtd" in err


def test_says_what_must_be_fetched_by_hand(
    run: Run, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/c.txt"] = b"n01440764 tench\n"
    piece = Piece((server.url("/c.txt"),), "classnames.txt", name="classnames.txt")
    monkeypatch.setitem(SOURCES, "imagenet", (piece,))
    code, out, err = run("imagenet")
    assert code == 2 and err.count("\n") == 1
    assert "classnames.txt: done" in out
    assert "its licence asks for an account" in err and "image-net.org" in err
    assert (tmp_path / "root" / "imagenet" / "classnames.txt").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("world", "world is built in; there is nothing to download"),
        ("dtdd", "unknown data set 'dtdd'; did you mean dtd?"),
        ("folder:x", "folder:x is read in place"),
    ],
)
def test_refuses_other_names(run: Run, name: str, message: str) -> None:
    code, _, err = run(name)
    assert code == 2 and message in err


def test_a_root_that_cannot_be_written(run: Run, server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "root").touch()
    code, _, err = run("dtd")
    assert code == 2 and "can't write" in err and err.count("\n") == 1


def test_every_set_has_valid_addresses() -> None:
    assert {*SOURCES} == {name for name, known in KNOWN.items() if known.folders}
    assert {*BY_HAND} <= {*SOURCES}
    for name, pieces in SOURCES.items():
        assert pieces or name in BY_HAND
        for piece in pieces:
            assert all(url.startswith(("https://", "http://")) for url in piece.urls)
            assert piece.file and "/" not in piece.file and "?" not in piece.file
            kind, _, digest = piece.checksum.partition(":")
            assert (kind, len(digest)) in {("", 0), ("md5", 32), ("sha256", 64)}
