"""Downloads from a server that disconnects, changes files or refuses."""

from __future__ import annotations

import hashlib
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from file_server import FileServer
from gopro.common.errors import GoproError
from gopro.data.download import http as module
from gopro.data.download.http import fetch

CONTENT = bytes(range(256)) * 40
SUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    monkeypatch.setattr(module, "_CHUNK", 1000)
    with FileServer({"/a.bin": CONTENT}) as running:
        yield running


def test_downloads_once(server: FileServer, tmp_path: Path) -> None:
    path = fetch([server.url("/a.bin")], tmp_path / "deep" / "a.bin", SUM)
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]
    fetch([server.url("/a.bin")], path, SUM)
    assert len(server.seen) == 1  # nothing is downloaded twice


def test_reconnects(server: FileServer, tmp_path: Path) -> None:
    server.breaks = [3000, 2000]
    assert fetch([server.url("/a.bin")], tmp_path / "a.bin", SUM).read_bytes() == CONTENT
    assert [request.range for request in server.seen] == [None, "bytes=3000-", "bytes=5000-"]


def test_a_later_call_resumes(server: FileServer, tmp_path: Path) -> None:
    server.breaks = [100] * module.TRIES
    with pytest.raises(GoproError, match="the downloaded part is kept: run the same command again"):
        fetch([server.url("/a.bin")], tmp_path / "a.bin", SUM)
    assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin.part").stat().st_size == 100 * module.TRIES
    server.seen.clear()
    assert fetch([server.url("/a.bin")], tmp_path / "a.bin", SUM).read_bytes() == CONTENT
    assert server.seen[0].range == f"bytes={100 * module.TRIES}-"


def test_restarts_when_the_file_has_changed(server: FileServer, tmp_path: Path) -> None:
    server.breaks = [100] * module.TRIES
    with pytest.raises(GoproError):
        fetch([server.url("/a.bin")], tmp_path / "a.bin")
    other = CONTENT[::-1]
    server.files["/a.bin"] = other
    assert fetch([server.url("/a.bin")], tmp_path / "a.bin").read_bytes() == other


def test_never_mixes_two_files_after_a_kill(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is killed after noting the new file and before its first byte."""
    server.breaks = [100] * module.TRIES
    with pytest.raises(GoproError):
        fetch([server.url("/a.bin")], tmp_path / "a.bin")
    server.files["/a.bin"] = other = CONTENT[::-1]

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "_check_space", killed)
        fetch([server.url("/a.bin")], tmp_path / "a.bin")
    assert fetch([server.url("/a.bin")], tmp_path / "a.bin").read_bytes() == other


def test_without_tags_compares_sizes(server: FileServer, tmp_path: Path) -> None:
    server.tags = False
    server.breaks = [100] * module.TRIES
    with pytest.raises(GoproError):
        fetch([server.url("/a.bin")], tmp_path / "a.bin")
    server.files["/a.bin"] = other = CONTENT[::-1] + b"more"
    assert fetch([server.url("/a.bin")], tmp_path / "a.bin").read_bytes() == other


def test_removes_what_a_killed_process_left(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    (tmp_path / "a.bin.part.json").write_text("{}")
    fetch([server.url("/a.bin")], tmp_path / "a.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"] and not server.seen


def test_a_server_without_ranges(server: FileServer, tmp_path: Path) -> None:
    server.breaks, server.ranges = [3000], False
    assert fetch([server.url("/a.bin")], tmp_path / "a.bin", SUM).read_bytes() == CONTENT


def test_a_mirror_takes_over(server: FileServer, tmp_path: Path) -> None:
    urls = [server.url("/gone.bin"), "http://127.0.0.1:9/a.bin", server.url("/a.bin")]
    assert fetch(urls, tmp_path / "a.bin", SUM).read_bytes() == CONTENT


def test_a_mirror_that_does_not_answer_leaves_the_part(server: FileServer, tmp_path: Path) -> None:
    server.breaks = [100] * module.TRIES
    urls = [server.url("/a.bin"), server.url("/gone.bin"), "http://127.0.0.1:9/a.bin"]
    with pytest.raises(GoproError, match="the downloaded part is kept"):
        fetch(urls, tmp_path / "a.bin", SUM)
    server.seen.clear()
    assert fetch(urls, tmp_path / "a.bin", SUM).read_bytes() == CONTENT
    assert [request.range for request in server.seen] == [f"bytes={100 * module.TRIES}-"]


def test_a_mirror_starts_anew(server: FileServer, tmp_path: Path) -> None:
    """Its file may be another one of the same name and size."""
    server.breaks = [100] * module.TRIES
    server.files["/b.bin"] = other = CONTENT[::-1]
    urls = [server.url("/a.bin"), server.url("/b.bin")]
    assert fetch(urls, tmp_path / "a.bin").read_bytes() == other
    assert server.seen[-1].range is None


def test_no_address_has_the_file(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(GoproError, match=r"can't download a.bin \(http.*gone.*404 Not Found\)"):
        fetch([server.url("/gone.bin")], tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()


def test_a_blocked_network_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nothing listens there
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/a.bin"
        with pytest.raises(GoproError, match=r"refused, 2 times\); the downloaded part is kept"):
            module.fetch([address], tmp_path / "a.bin")
    assert len(pauses) == 1


def test_refuses_a_web_page(server: FileServer, tmp_path: Path) -> None:
    server.kind = "text/html; charset=utf-8"
    with pytest.raises(GoproError, match="a web page instead of the file"):
        fetch([server.url("/a.bin")], tmp_path / "a.bin")
    assert not list(tmp_path.glob("a.bin"))


def test_refuses_another_checksum(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(GoproError, match=r"isn't the published file \(md5 .*it was removed"):
        fetch([server.url("/a.bin")], tmp_path / "a.bin", "md5:" + "0" * 32)
    assert not list(tmp_path.glob("a.bin*.part")) and not (tmp_path / "a.bin").exists()


def test_refuses_a_full_disk(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(GoproError, match=r"a.bin needs 0.0 GB and .* has 0.0 GB left"):
        fetch([server.url("/a.bin")], tmp_path / "a.bin")


def test_an_unwritable_path(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").mkdir()
    (tmp_path / "a.bin.part.json").write_text(f'{{"url": "{server.url("/a.bin")}"}}')
    with pytest.raises(GoproError, match="can't write"):
        fetch([server.url("/a.bin")], tmp_path / "a.bin")
