"""Atomic writes: a file is complete or absent."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.common.files import (
    atomic_write,
    expanded,
    is_temporary,
    remove_temporary,
    write_json,
)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_paths_as_people_write_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/pictures") == tmp_path / "pictures"
    assert expanded(Path("there/none")) == Path("there/none")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "~nosuchuser/w.pt",
            "got the path ~nosuchuser/w.pt, and there is no home directory of",
        ),
        ("n" * 300, r"no file can be n{300} \(File name too long\); give another path"),
        ("a\0b", "no file can be .* null"),
    ],
)
def test_paths_that_cannot_be_are_one_line(path: str, words: str) -> None:
    with pytest.raises(GoproError, match=words):
        expanded(path)


def test_creates_the_file_and_its_folders_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    with atomic_write(path) as temporary:
        temporary.write_text("part")
        assert not path.exists()
        assert temporary.parent == path.parent
        temporary.write_text("complete")
    assert path.read_text() == "complete"
    assert _names(path.parent) == ["file"]


def test_permissions_are_those_of_a_normal_file(tmp_path: Path) -> None:
    (tmp_path / "ordinary").write_text("")
    with atomic_write(tmp_path / "file") as temporary:
        temporary.write_text("")
    modes = [(tmp_path / name).stat().st_mode for name in ("ordinary", "file")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("problem", [RuntimeError, KeyboardInterrupt])
def test_a_failure_keeps_the_old_file(tmp_path: Path, problem: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(problem), atomic_write(path) as temporary:
        temporary.write_text("new")
        raise problem
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["file"]


def test_a_full_disk_while_writing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with (
        pytest.raises(GoproError, match=r"no room left on the disk.*free some space"),
        atomic_write(path) as temporary,
        open("/dev/full", "wb", buffering=0) as full,  # noqa: PTH123 - a real ENOSPC
    ):
        temporary.write_text("new")
        full.write(b"new")
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), full)
    with pytest.raises(GoproError, match="no room left") as caught:
        write_json(path, {"a": 1})
    assert "\n" not in str(caught.value)
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["file"]


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_json(link, 1)
    assert link.is_symlink() and target.read_text() == "1\n"
    assert _names(tmp_path / "there") == ["target"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(GoproError, match="it is no file"):
            write_json(path, 1)


def test_the_parent_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GoproError, match=r"can't write .*choose another place"):
        write_json(tmp_path / "file" / "inner", 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(GoproError, match=r"can't write .*Permission denied"):
            write_json(tmp_path / "file", 1)
    finally:
        tmp_path.chmod(0o700)


def test_json_is_utf8_and_has_no_nan(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"name": "Käfer", "n": [1, 2]})
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == {"name": "Käfer", "n": [1, 2]}
    assert "Käfer" in text and text.endswith("}\n")
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(path, float("nan"))
    assert path.read_text(encoding="utf-8") == text


def test_recognises_and_removes_temporary_files(tmp_path: Path) -> None:
    for name in ("file", ".hidden", "a.tmp"):
        (tmp_path / name).touch()
    with pytest.raises(GoproError), atomic_write(tmp_path / "file") as temporary:
        (unfinished,) = [path for path in tmp_path.iterdir() if is_temporary(path)]
        assert unfinished == temporary
        remove_temporary(tmp_path)
        temporary.read_bytes()
    assert _names(tmp_path) == [".hidden", "a.tmp", "file"]
    remove_temporary(tmp_path / "none")
