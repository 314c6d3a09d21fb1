"""The sentences of each method for single data sets."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gopro.data.catalog import KNOWN
from gopro.data.templates import DEFAULT, own_template
from gopro.methods import TABLE, find


@pytest.mark.parametrize("method", TABLE)
def test_they_fill_in_settings_that_the_user_left_open(method: str) -> None:
    kind = find(method)
    defaults = {field.name: field.default for field in fields(kind.Settings)}
    for dataset, texts in kind.sentences.items():
        assert dataset in KNOWN
        for setting, text in texts.items():
            assert defaults[setting] is None
            assert text.count("{}") == 1
            assert (setting, text) != ("template", own_template(dataset))


@pytest.mark.parametrize(
    ("method", "differing"),
    [
        ("kgcoop", {"dtd"}),
        ("tcp", {"food101", "fgvc_aircraft", "dtd"}),
        ("prograd", {"oxford_pets", "oxford_flowers", "food101", "fgvc_aircraft", "dtd"}),
    ],
)
def test_templates_that_are_not_the_benchmarks(method: str, differing: set[str]) -> None:
    sentences = find(method).sentences
    assert {name for name, texts in sentences.items() if "template" in texts} == differing


def test_tcp_keeps_what_follows_the_name() -> None:
    """Its learned tokens replace the first four of a sentence; the rest stays."""
    suffixes = {name: texts["suffix"] for name, texts in find("tcp").sentences.items()}
    for name in ("oxford_pets", "oxford_flowers"):
        assert own_template(name) == f"a photo of a {suffixes.pop(name)}"
    assert own_template("ucf101") == f"a photo of a {suffixes.pop('ucf101')}"
    assert suffixes == {
        "stanford_cars": "{}, a type of car",
        "food101": "{}, a type of food.",
        "fgvc_aircraft": "{}, a type of aircraft.",
        "dtd": "{} texture.",
    }


def test_clip_lora_has_one_sentence() -> None:
    assert find("clip_lora").Settings().template == DEFAULT
