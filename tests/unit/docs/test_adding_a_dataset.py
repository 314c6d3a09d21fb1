"""The data set that the guide adds works as the guide says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import documented
from gopro import GoproError
from gopro.data import catalog, official
from gopro.data.download import sources
from tiny_run import Cli, write_photos

GUIDE = documented.ROOT / "docs" / "adding-a-dataset.md"
BIRDS = ("great_tit", "kingfisher", "wood_duck")


def _blocks(kind: str) -> list[str]:
    return [text for block, text in documented.blocks(GUIDE) if block == kind]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the set as in the guide, and its rows in the tables."""
    row, source = _blocks("text")
    monkeypatch.setitem(catalog.KNOWN, "my_birds", _row(row, catalog)["my_birds"])
    monkeypatch.setitem(sources.SOURCES, "my_birds", _row(source, sources)["my_birds"])
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "DATA" / "my-birds"
    write_photos(home / "photos", BIRDS, count=10)
    shares = {"train": range(5), "val": range(5, 7), "test": range(7, 10)}
    parts = {
        part: [
            [f"{bird}/{number:02}.png", label, bird.replace("_", " ")]
            for label, bird in enumerate(BIRDS)
            for number in numbers
        ]
        for part, numbers in shares.items()
    }
    (home / "split.json").write_text(json.dumps(parts), encoding="utf-8")
    return home


def _row(text: str, module: Any) -> dict[str, Any]:
    """A row of a table, evaluated in the module of the table."""
    rows: dict[str, Any] = eval("{" + text + "}", dict(vars(module)))
    return rows


@pytest.mark.usefixtures("home")
def test_its_commands(cli: Cli, tiny: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    outputs = []
    for _, *arguments in documented.commands(_blocks("bash")[0]):
        brief = [*tiny, "--epochs", "1"] if arguments[0] == "train" else []
        answer = cli(*arguments, *brief)
        assert answer.code == 0, answer.err
        outputs.append(answer.out)
    listed, verified, trained = outputs
    assert "my_birds         here" in listed
    assert "3 classes, 30 images" in verified
    assert "harmonic mean" in trained


def test_a_split_is_drawn_where_there_is_none(home: Path) -> None:
    (home / "split.json").unlink()
    read = catalog.KNOWN["my_birds"].load("my_birds", home.parent)
    assert read.class_names == BIRDS
    assert [len(part) for part in (read.train, read.val, read.test)] == [15, 6, 9]
    assert "no split.json" in read.notes[0]


def test_its_own_list(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = _blocks("python")
    module = dict(vars(official))
    exec(compile(block, str(GUIDE), "exec"), module)
    monkeypatch.setattr(official, "my_birds", module["my_birds"], raising=False)
    (home / "split.json").unlink()
    row = _blocks("text")[0].replace(
        'partial(official.class_folders, images="photos")', "official.my_birds"
    )
    known = _row(row, catalog)["my_birds"]
    with pytest.raises(GoproError, match=r"birds\.csv .*unpack the set again"):
        known.load("my_birds", home.parent)
    pictures = sorted((home / "photos").rglob("*.png"))
    lines = [f"{path.parent.name}/{path.name},{path.parent.name}" for path in pictures]
    (home / "birds.csv").write_text("\n".join(["photo,bird", *lines]), encoding="utf-8")
    read = known.load("my_birds", home.parent)
    assert read.class_names == BIRDS
    assert len({item.key for item in (*read.train, *read.val, *read.test)}) == 30


@pytest.mark.usefixtures("home")
def test_what_is_fetched_is_what_is_read() -> None:
    (piece,) = sources.SOURCES["my_birds"]
    assert piece.file == "birds.zip"
    assert piece.installed == ("photos", "split.json")
