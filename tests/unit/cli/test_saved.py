"""A saved classifier as the commands load it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gopro.cli import saved
from gopro.cli.options import Parser, parse
from tiny_classifier import Given, Make
from tiny_run import CLASSES


def values(*words: object) -> Any:
    parser = Parser(prog="gopro test")
    saved.add_options(parser)
    return parse(parser, [str(word) for word in words])


@pytest.mark.parametrize(("more", "batch"), [([], 5), (["--batch", 3], 3)])
def test_the_batch_is_the_fitted_one_unless_given(
    make: Make, given: Given, tmp_path: Path, more: list[object], batch: int
) -> None:
    folder = make(eval_batch=5).fit(*given).save(tmp_path / "model")
    classifier = saved.load(folder, values(folder, "--device", "cpu", *more))
    assert classifier.eval_batch == batch


def test_names(make: Make, given: Given) -> None:
    classifier = make().fit(*given)
    for own in (None, ",".join(CLASSES), " , ".join(CLASSES)):
        assert saved.with_names(classifier, own) is classifier
    assert saved.with_names(classifier, "yak, emu").class_names_ == ("yak", "emu")
