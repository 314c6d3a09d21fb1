"""``--texts``: which methods take it, what a run records, and tables that keep it apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gopro.results.averages import over_seeds
from gopro.results.results_json import method_name, read
from tiny_run import Cli, sentences


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return sentences(tmp_path / "cupl.json")


def test_a_run_with_texts(train: Cli, tmp_path: Path, file: Path) -> None:
    for name, words in (("with", ["--texts", file]), ("without", [])):
        answer = train(tmp_path / name, "--method", "kgcoop", *words)
        assert answer.code == 0, answer.err
    given, plain = (read(tmp_path / name) for name in ("with", "without"))
    assert plain["texts"] is None
    assert given["texts"] is not None and given["texts"].startswith("texts cupl.json ")
    assert set(given["templates"].values()) == {"sentences of cupl.json"}
    assert given["zeroshot"] == plain["zeroshot"]  # with its usual sentence
    assert method_name(given) == f"kgcoop ({given['texts']})"
    assert [method_name(row) for row in over_seeds([plain, given])] == [
        "kgcoop",
        method_name(given),
    ]
    old = {key: value for key, value in plain.items() if key != "texts"}  # of an earlier version
    assert len(over_seeds([old, {**plain, "seed": 2}])) == 1


def test_zero_shot_with_texts(train: Cli, tmp_path: Path, file: Path) -> None:
    answer = train(tmp_path / "run", "--method", "zeroshot", "--texts", file)
    assert answer.code == 0, answer.err
    results = read(tmp_path / "run")
    assert results["texts"] is not None
    assert set(results["zeroshot"]["templates"].values()) == {"a photo of a {}."}


def test_what_is_refused(train: Cli, tmp_path: Path, file: Path) -> None:
    line = train(tmp_path / "no", "--method", "coop", "--texts", file).line
    assert "coop compares with no frozen text" in line
    assert "choose one of zeroshot, kgcoop, promptsrc, coprompt" in line
    assert (
        "can't read texts"
        in train(tmp_path / "no", "--method", "kgcoop", "--texts", tmp_path / "missing.json").line
    )
    texts = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**texts, "bees": ["They hum."]}), encoding="utf-8")
    line = train(tmp_path / "no", "--method", "kgcoop", "--texts", file).line
    assert "about 'bees', which is no class here; did you mean 'bee'?" in line
    del texts["dog"]
    file.write_text(json.dumps(texts), encoding="utf-8")
    line = train(tmp_path / "no", "--method", "kgcoop", "--texts", file).line
    assert "no sentences about the class 'dog'" in line
    assert not (tmp_path / "no").exists()
