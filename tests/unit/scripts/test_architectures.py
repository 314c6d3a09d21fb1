"""The table of open_clip's architectures: some are built again, and the page is the table's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from scripts import architectures

from gopro.backbones.architectures import TABLE, Architecture, family, fitting, known, write


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-16-SigLIP", "MobileCLIP-S1", "RN50"])
def test_the_table_is_what_building_gives(name: str) -> None:
    assert architectures.look(name) == known()[name]


def test_an_architecture_that_cannot_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"embed_dim": 8, "vision_cfg": {"timm_model_name": "no_such_network"}, "text_cfg": {}}
    monkeypatch.setattr("open_clip.get_model_config", lambda name: config)
    row = architectures.look("odd")
    assert "no_such_network" in row.refused
    assert row.low_rank == "none" and not row.image_prompts


def test_the_page_has_the_table() -> None:
    text = architectures.PAGE.read_text(encoding="utf-8")
    (version,) = re.findall(r"^open_clip (\S+) has", text, re.MULTILINE)
    assert architectures.page(list(known().values()), version) in text


def test_writing_and_reading(tmp_path: Path) -> None:
    rows = [Architecture("a", "b", 224, 1, 2, True, "both", ""), *known().values()]
    write(rows, tmp_path / "table.csv")
    write(known().values(), tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == TABLE.read_bytes()
    assert len((tmp_path / "table.csv").read_text().splitlines()) == len(rows) + 1


@pytest.mark.parametrize(
    ("prompts", "low_rank", "words"),
    [
        (True, "both", "all"),
        (
            False,
            "text",
            "all but vpt; clip_lora with --clip_lora.tower text; "
            "two_stage with --two_stage.tower text",
        ),
        (False, "none", "all but vpt, clip_lora; two_stage with --two_stage.tower text"),
    ],
)
def test_which_methods_fit(prompts: bool, low_rank: str, words: str) -> None:
    row = Architecture("a", "b", 224, 1, 2, prompts, low_rank)  # type: ignore[arg-type]
    assert fitting(row, ["vpt", "clip_lora", "two_stage"]) == words


def test_which_methods_fit_a_text_tower_of_transformers() -> None:
    row = Architecture("a", "b", 224, 1, 2, True, "both", upper_text=False)
    words = "all but mmrl; two_stage with --two_stage.tower image"
    assert fitting(row, ["vpt", "mmrl"]) == words
    assert "two_stage" in fitting(replace(row, image_prompts=False), []).split(";")[0]
    assert not known()["roberta-ViT-B-32"].upper_text and known()["ViT-B-16"].upper_text


def test_prolip_needs_a_linear_map_at_the_end() -> None:
    siglip, plain = known()["ViT-B-16-SigLIP2"], known()["ViT-B-16"]
    assert (fitting(siglip, ["vpt"]), fitting(plain, ["vpt"])) == ("all but prolip", "all")


def test_the_table_has_every_architecture_of_its_version() -> None:
    rows = known()
    assert sum(not row.refused for row in rows.values()) >= 135
    assert rows["ViT-B-16"].image_parameters == 86_192_640
    assert rows["ViT-B-16"].low_rank == "both" and rows["ViT-B-16"].image_prompts
    assert not rows["convnext_base"].image_prompts
    assert all(row.family == family(name) != "other" for name, row in rows.items())
