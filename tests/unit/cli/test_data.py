"""``gopro data list`` and ``gopro data verify``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from gopro import data
from gopro.cli.main import main
from gopro.data.catalog import KNOWN
from gopro.data.catalog_entry import Size

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``gopro data``: exit code, what was printed, and the error."""

    def answer(*arguments: object) -> tuple[int, str, str]:
        code = main(["data", *map(str, arguments)])
        return code, *capsys.readouterr()

    return answer


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a DTD of two classes, taken for the whole set."""
    parts: dict[str, list[list[object]]] = {"train": [], "val": [], "test": []}
    for label, name in enumerate(("banded", "dotted")):
        for number, part in enumerate(("train", "train", "val", "test")):
            path = tmp_path / "dtd" / "images" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 6), (number, 0, 0)).save(path)
            parts[part].append([f"{name}/{number}.png", label, name])
    (tmp_path / "dtd" / "split_zhou_DescribableTextures.json").write_text(json.dumps(parts))
    monkeypatch.setitem(KNOWN, "dtd", replace(KNOWN["dtd"], size=Size(2, (4, 2, 2), 600)))
    return tmp_path


def test_list(run: Run, root: Path) -> None:
    (root / "pacs").mkdir()
    code, out, _ = run("list", "--root", root)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"data sets in {root}"
    rows = {line.split()[0]: line.split() for line in lines[1:] if not line.startswith(" ")}
    assert rows.keys() == {*KNOWN, "folder:PATH", "hf:NAME"}
    assert rows["dtd"] == ["dtd", "here", "8", "images", "2", "classes", "about", "0.6", "GB"]
    assert rows["imagenet"][1:4] == ["missing", "1,331,167", "images"]
    assert rows["world"][1:3] == ["built", "in"]
    assert rows["pacs"][1] == "partial"
    assert "problem: folder" in out
    assert "  licence: CC BY-SA 4.0; from https://www.robots.ox.ac.uk/~vgg/data/pets/" in lines


def test_root_from_the_environment(run: Run, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPRO_DATA", str(root))
    assert run("list")[1].splitlines()[0] == f"data sets in {root}"
    assert run("verify", "dtd")[0] == 0


def test_verify_a_whole_set(run: Run, root: Path) -> None:
    code, out, err = run("verify", "dtd", "--root", root, "--workers", 1)
    assert (code, err) == (0, "")
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == "dtd: 2 classes, 8 images"
    assert lines[1].split() == ["train", "4", "images", "of", "2", "classes"]
    assert lines[3].split() == ["test", "2", "images", "of", "2", "classes"]
    assert lines[4] == f"split sha256 {data.load('dtd', root).fingerprint()}"
    assert lines[5] == "all 8 images open"


def test_verify_names_what_is_broken(run: Run, root: Path) -> None:
    images = root / "dtd" / "images"
    (images / "banded" / "1.png").write_bytes(b"")
    (images / "dotted" / "3.png").write_bytes(b"no picture")
    code, out, err = run("verify", "dtd", "--root", root)
    assert code == 2
    assert err.startswith("gopro: 2 of the 8 images of dtd can't be used; the first: picture ")
    assert err.count("\n") == 1
    assert "1.png is empty" in err
    assert "can't read picture" in out
    (images / "banded" / "0.png").unlink()
    code, _, err = run("verify", "dtd", "--root", root)
    assert code == 2
    assert "1 of the 8 pictures of split" in err


def test_verify_another_split_than_the_published(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KNOWN, "dtd", replace(KNOWN["dtd"], size=Size(2, (4, 1, 3))))
    code, out, err = run("verify", "dtd", "--root", root)
    assert code == 2
    assert "all 8 images open" in out
    assert "dtd has 4 / 2 / 2 pictures, 4 / 1 / 3 were published; unpack" in err


def test_verify_a_folder(run: Run, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for number in range(4):
            Image.new("L", (4, 4)).save(tmp_path / "mine" / name / f"{number}.png")
    code, out, _ = run("verify", f"folder:{tmp_path / 'mine'}")
    assert code == 0
    assert "note: split generated 50/20/30 a class with seed 1" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lsit"], "there is no `gopro data lsit`; did you mean `gopro data list`?"),
        (["x"], "there is no `gopro data x`; known: list, download, verify"),
        (["verify"], "name"),
        (["verify", "dtdd"], "unknown data set 'dtdd'; did you mean dtd?"),
        (["verify", "sun397", "--root", "/not/there"], "no folder /not/there/sun397"),
        (["verify", "world", "--workers", "0"], "got --workers 0; it must be 1 or more"),
        (["list", "--roto", "x"], "there is no option --roto; did you mean --root?"),
    ],
)
def test_mistakes(run: Run, arguments: list[str], message: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_help(run: Run) -> None:
    for arguments in ([], ["--help"]):
        code, out, _ = run(*arguments)
        assert code == 0
        assert "gopro data verify NAME" in out
