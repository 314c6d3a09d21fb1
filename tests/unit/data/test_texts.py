"""Sentences about classes in a JSON file, and what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gopro.common.errors import GoproError
from gopro.data.texts import check_texts, read_texts

TEXTS = {"cat": ["It purrs.", "whiskers"], "sea_horse": ["It swims."], "tree": ["It stands."]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "texts.json"
    path.write_text(json.dumps(TEXTS), encoding="utf-8")
    return path


def test_sentences_of_each_name(file: Path) -> None:
    assert read_texts(file, ["tree", "sea horse"]) == [("It stands.",), ("It swims.",)]
    assert read_texts(str(file), ["cat"]) == [("It purrs.", "whiskers")]
    assert read_texts(file, ["Sea  Horse", "CAT"]) == [("It swims.",), ("It purrs.", "whiskers")]
    check_texts(file, ["cat", "Sea horse", "tree"])


def test_a_missing_name(file: Path) -> None:
    for read in (read_texts, check_texts):
        with pytest.raises(GoproError) as error:
            read(file, ["cat", "sea horse", "tree", "house"])
        assert str(error.value) == (
            f"{file} has no sentences about the class 'house'; add a list of them, or leave out "
            "--texts"
        )


def test_an_unknown_name(file: Path) -> None:
    with pytest.raises(GoproError) as error:
        check_texts(file, ["cat", "sea_horses", "tree"])
    assert str(error.value) == (
        f"{file} has sentences about 'sea_horse', which is no class here; did you mean "
        "'sea_horses'?"
    )
    with pytest.raises(GoproError, match="about 'cat', which is no class here; remove it"):
        check_texts(file, ["xyz"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "can't read texts"),
        ("[]", "holds a list; wanted JSON: a list of sentences for each class name"),
        ('{"cat": []}', "no list of sentences at 'cat'"),
        ('{"cat": "It purrs."}', "no list of sentences at 'cat'"),
        ('{"cat": [1]}', "no list of sentences at 'cat'"),
        ('{"cat": [" "]}', "no list of sentences at 'cat'"),
        ('{"a_cat": ["x"], "A cat": ["y"]}', "at 'a_cat' and at 'A cat', the same class name"),
        ('{"cat": ["x"], "cat": ["y"]}', "at 'cat' and at 'cat', the same class name"),
        ("[" * 100_000, "can't read texts"),
        (None, "can't read texts"),
    ],
)
def test_files_without_sentences(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "texts.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(GoproError, match=message) as error:
        read_texts(path, ["cat"])
    assert "\n" not in str(error.value)
