"""The benchmark's templates and ensembles."""

from __future__ import annotations

import hashlib

import pytest

from gopro.data.catalog import KNOWN
from gopro.data.templates import DEFAULT, describe, ensemble_templates, own_template, templates_for


def test_own_templates() -> None:
    assert own_template("oxford_pets") == "a photo of a {}, a type of pet."
    assert own_template("eurosat") == "a centered satellite photo of {}."
    assert own_template("caltech101") == DEFAULT == "a photo of a {}."
    assert [own_template(name) for name in ("imagenet", "world", "folder:mine")] == [None] * 3
    texts = {name: own_template(name) for name in KNOWN}
    assert all(text is None or text.count("{}") == 1 for text in texts.values())
    known = {name for name, text in texts.items() if text is not None}
    assert len(known) == 14  # the benchmark's fifteen, without ImageNet


def test_ensembles() -> None:
    select, imagenet = ensemble_templates("select"), ensemble_templates("imagenet")
    assert (len(set(select)), len(set(imagenet))) == (7, 80)
    assert set(select) < set(imagenet)
    assert all(text.count("{}") == 1 for text in imagenet)
    digest = hashlib.sha256("\n".join((*select, *imagenet)).encode()).hexdigest()
    assert (
        digest == "530c5d19522ffd2f9d436528e318a673e59a67c3599cc1ba288dc466d1161a27"
    )  # published results depend on these and their order


@pytest.mark.parametrize(
    ("template", "ensemble", "wanted", "words"),
    [
        (None, "none", (DEFAULT,), DEFAULT),
        ("{} texture.", "none", ("{} texture.",), "{} texture."),
        (None, "select", ensemble_templates("select"), "the 7 of the ensemble select"),
        (
            "{} texture.",
            "select",
            (*ensemble_templates("select"), "{} texture."),
            "the 7 of the ensemble select, and {} texture.",
        ),
        (
            "{} texture.",
            "imagenet",
            ensemble_templates("imagenet"),
            "the 80 of the ensemble imagenet",
        ),
        ("art of the {}.", "select", ensemble_templates("select"), "the 7 of the ensemble select"),
    ],
)
def test_templates_for(
    template: str | None, ensemble: str, wanted: tuple[str, ...], words: str
) -> None:
    assert templates_for(template, ensemble) == wanted
    assert describe(template, ensemble) == words
