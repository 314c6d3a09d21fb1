"""A few steps of the recipe on the built-in world, and tests of its parts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from PIL import Image
from recipes.mini import augment, batches, card, options, pictures, train
from recipes.mini.batches import Batches, Lexicon
from recipes.mini.captions import all_sentences, prompt, value_of
from recipes.mini.words import SLOTS

from gopro.backbones.mini import load as mini
from gopro.common.errors import GoproError
from processes import START
from small_mini import needs_muon, small_model, small_work

pytestmark = needs_muon
SMALL = ["--batch", "16", "--absent", "4", "--world-pictures", "1", "--processes", "1"]


@pytest.fixture(scope="module", autouse=True)
def _small_model() -> Iterator[None]:
    with small_model():
        yield


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mini")
    weights = train.run(options.parse(["--out", str(out), "--steps", "1", *SMALL]))
    assert weights == out / "mini.safetensors"
    return out


def test_weights_of_a_short_run_load_and_answer(run_folder: Path) -> None:
    model = mini.load(run_folder / "mini.safetensors")
    with torch.no_grad():
        image = model.encode_image(torch.zeros(2, 3, 64, 64))
    assert image.shape == (2, mini.config()["model_cfg"]["embed_dim"])
    assert image.isfinite().all()


def test_a_run_goes_on_where_it_stopped(run_folder: Path) -> None:
    before = (run_folder / "mini.safetensors").read_bytes()
    train.run(options.parse(["--out", str(run_folder), "--steps", "2", *SMALL]))
    facts = json.loads((run_folder / "training.json").read_text(encoding="utf-8"))
    assert facts["steps"] == 2
    assert facts["pictures"] == 32
    assert (run_folder / "mini.safetensors").read_bytes() != before


def test_training_text_is_the_shipped_text_tower(run_folder: Path) -> None:
    """The lexicon's token numbers and the cut at the longest sentence change no embedding."""
    training = train.Training(options.parse(["--out", str(run_folder), "--steps", "9", *SMALL]))
    training.resume()
    learner = training.model.eval()
    for parameter, value in zip(learner.clip.parameters(), training.mean.values(), strict=True):
        parameter.data = value
    texts = ["a photo of a teapot.", "a dark, blurry sketch of a whale on the left."]
    import open_clip

    shipped = mini.load(run_folder / "mini.safetensors")
    with torch.no_grad():
        ours = learner._in_buckets(training.lexicon.tokens(texts), buckets=2)
        theirs = shipped.encode_text(open_clip.SimpleTokenizer()(texts))
    # the file holds half precision
    torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=2e-3)


def test_a_run_can_begin_with_the_weights_of_another(run_folder: Path, tmp_path: Path) -> None:
    weights = run_folder / "mini.safetensors"
    given = ["--out", str(tmp_path), "--cache", str(run_folder / "cache"), "--steps", "9", *SMALL]
    begun = train.Training(options.parse([*given, "--start", str(weights), "--seed", "5"]))
    other = train.Training(options.parse([*given, "--seed", "5"]))
    expected = mini.load(weights).state_dict()
    ours = begun.model.clip.state_dict()
    rows = ours.pop("token_embedding.weight")
    for name, value in ours.items():
        torch.testing.assert_close(value, expected[name])
    torch.testing.assert_close(rows, expected["token_embedding.weight"][begun.lexicon.ids])
    assert not torch.equal(other.model.clip.visual.proj, begun.model.clip.visual.proj)
    command = begun.options.command()
    assert "--start WEIGHTS" in command and "--seed 5" in command


def test_two_processes_train_one_model(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a part of the batch, and rank 0 saves."""
    start = mp.start_processes

    def start_small(*given: Any, **more: Any) -> None:
        start(*given, **more | {"start_method": START})

    monkeypatch.setattr(train, "_work", small_work)
    monkeypatch.setattr(mp, "start_processes", start_small)
    command = ["--out", str(tmp_path), "--cache", str(run_folder / "cache")]
    train.run(options.parse([*command, "--steps", "1", *SMALL[:-1], "2"]))
    facts = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    assert (facts["steps"], facts["pictures"]) == (1, 16)
    assert not (tmp_path / "meeting").exists()


def test_the_text_tower_can_be_trained_alone(run_folder: Path, tmp_path: Path) -> None:
    weights = run_folder / "mini.safetensors"
    given = ["--out", str(tmp_path), "--cache", str(run_folder / "cache"), "--steps", "1", *SMALL]
    asked = options.parse([*given, "--start", str(weights), "--frozen-image"])
    assert asked.command().endswith("--frozen-image")
    before, after = mini.load(weights).state_dict(), mini.load(train.run(asked)).state_dict()
    for name, value in after.items():
        same = torch.equal(value, before[name])
        assert same or not name.startswith("visual."), name
    assert not torch.equal(after["text_projection"], before["text_projection"])


def test_a_random_image_tower_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        options.parse(["--out", "x", "--frozen-image"])
    assert stopped.value.code == 2
    assert "--start" in capsys.readouterr().err


def test_prompts_call_a_photo_what_is_one(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other pictures have no weight for them, so context words are worth learning."""
    data = pictures.load(run_folder / "cache", real=False)
    lexicon = Lexicon(all_sentences(data.vocabulary.words()))
    asked: list[tuple[str, tuple[int, ...]]] = []
    slots: list[np.ndarray] = []

    def noted(into: list[Any], function: Any, part: Any) -> Any:
        def call(*given: Any) -> Any:
            result = function(*given)
            into.append(part(result))
            return result

        return call

    monkeypatch.setattr(batches, "kind_of", noted(asked, batches.kind_of, lambda found: found))
    monkeypatch.setattr(augment, "choose", noted(slots, augment.choose, lambda found: found[0]))
    draw = Batches(data, lexicon, 64, 4, 64, (0,))
    for step in range(12):
        batch = draw(step)
        kind, said = asked[-1]
        expected = lexicon.tokens([prompt("x", kind).removesuffix(" x.")])[0, 1:-1]
        assert torch.equal(batch.prompts[0, 1 : 1 + len(expected)], expected)
        assert ("photo" in kind) == (said[0] == 0)
        others = torch.from_numpy(slots[-1][:, augment.STYLE] != said[0])
        assert others.any() and not batch.trust[others].any()
        assert batch.trust.any()
    assert len({said[0] for _, said in asked}) > 1


def test_a_pasted_part_is_counted_for_the_picture_it_is_of() -> None:
    count = 60
    images = torch.arange(count).view(-1, 1, 1, 1).expand(count, 3, 16, 16) / count
    rows = np.arange(20, count)
    out, partner, share = augment.pasted(images, rows, np.random.default_rng(0))
    assert torch.equal(out[:20], images[:20])
    assert 10 < (partner != torch.arange(count)).sum() < 40
    own = (out == images).float().mean((1, 2, 3))
    of_other = (out == images[partner]).float().mean((1, 2, 3))
    mixed = partner != torch.arange(count)  # a picture may be its own partner
    torch.testing.assert_close(own[mixed], share[mixed])
    torch.testing.assert_close(of_other[mixed], 1 - share[mixed])
    assert share.min() >= 0.5 - 0.1


def test_the_loss_of_a_mixed_picture_is_that_of_its_parts(run_folder: Path) -> None:
    training = train.Training(options.parse(["--out", str(run_folder), "--steps", "9", *SMALL]))
    learner = training.model.eval()
    batch = training.batches(0)
    count = len(batch.images)
    batch.trust = torch.ones(count)
    batch.partner = torch.roll(torch.arange(count), 1)
    with torch.no_grad():
        found = []
        for share in (1.0, 0.0, 0.25):
            batch.share = torch.full((count,), share)
            found.append(learner.losses(batch, None, None)["prompt"])
        unit = F.normalize(learner.image(batch.images), dim=-1)
        texts = F.normalize(learner.text(batch.prompts), dim=-1)
        asked = learner.clip.logit_scale.exp() * unit @ texts.T
        whole = []
        for rows in (range(count), batch.partner.tolist()):
            each = []
            for picture, row in enumerate(rows):
                left = asked[picture][~batch.clash[row]]
                each.append(left.logsumexp(0) - asked[picture, batch.target[row]])
            whole.append(torch.stack(each).mean())
    torch.testing.assert_close(found[0], whole[0])
    torch.testing.assert_close(found[1], whole[1])
    torch.testing.assert_close(found[2], 0.25 * whole[0] + 0.75 * whole[1])


def test_lexicon_keeps_the_end_token_largest() -> None:
    lexicon = Lexicon(["a photo of a dog."])
    tokens = lexicon.tokens(["a dog", "a photo of a dog."])
    assert tokens.argmax(-1).tolist() == [3, 7]


def test_altering_is_recorded_and_world_pictures_stay_whole() -> None:
    before = np.zeros((400, len(SLOTS)), dtype=np.int64)
    built_in = np.arange(400) < 200
    every = np.ones(400)
    slots, window = augment.choose(before, built_in, every, np.random.default_rng(0))
    places = [augment.SIZE, augment.PLACE, augment.TURN, augment.STYLE]
    assert not slots[built_in][:, places].any()
    assert (window[built_in, 2] > 0).all()
    assert slots[~built_in][:, places].any()
    pixels = torch.randint(0, 256, (400, pictures.SIDE, pictures.SIDE, 3), dtype=torch.uint8)
    images = augment.render(pixels, slots, before, window, 64, torch.Generator().manual_seed(0))
    assert images.shape == (400, 3, 64, 64)
    assert images.min() >= 0 and images.max() <= 1
    dark = slots[:, augment.TONE] == value_of("tone", "dark")
    bright = slots[:, augment.TONE] == value_of("tone", "bright")
    assert images[dark].mean() < 0.3 < 0.6 < images[bright].mean()


def test_only_the_allowed_pictures_are_listed(tmp_path: Path) -> None:
    root = tmp_path / "caltech-101"
    folder = root / "101_ObjectCategories" / "cup"
    folder.mkdir(parents=True)
    for name in ("train", "val", "test"):
        Image.new("RGB", (90, 70), "red").save(folder / f"{name}.jpg")
    split = {name: [[f"cup/{name}.jpg", 0, "cup"]] for name in ("train", "val", "test")}
    (root / "split_zhou_Caltech101.json").write_text(json.dumps(split), encoding="utf-8")
    for half in ("pacs", "pacs-pretrain"):
        place = tmp_path / half / "sketch" / "dog"
        place.mkdir(parents=True)
        Image.new("RGB", (70, 90), "white").save(place / "a.jpg")
    paths = {entry.path for entry in pictures.real_entries(tmp_path)}
    assert paths == {
        "caltech-101/101_ObjectCategories/cup/val.jpg",
        "pacs-pretrain/sketch/dog/a.jpg",
    }
    pictures.prepare_real(tmp_path, None, tmp_path / "cache")
    loaded = pictures.load(tmp_path / "cache")
    assert len(loaded) == 3  # the crop and the resized whole of one picture, and the sketch
    assert loaded.pixels(np.array([2, 0])).shape == (2, pictures.SIDE, pictures.SIDE, 3)
    assert loaded.slots[2, 0] == value_of("style", "sketch")


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match="no training pictures"):
        list(pictures.real_entries(tmp_path))


def test_a_wrong_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        train.main(["--out", str(tmp_path / "out"), "--data", str(tmp_path)])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "no training pictures" in said


def test_card_is_made_from_figures(run_folder: Path) -> None:
    figures = {"world": {"images": 4, "photo": 50.0, "mean": 50.0}}
    training = json.loads((run_folder / "training.json").read_text(encoding="utf-8"))
    made = card.summary(figures, training, 8_000_000)
    assert made["zero_shot"] == {"world": 50.0}
    text = card.page(made)
    assert "| world, photo | 50.0 |" in text
    assert "python -m recipes.mini.train --out OUT" in text


def test_card_says_what_a_free_head_gains(run_folder: Path) -> None:
    run = {"base_before": 50.0, "base_by_class_before": 40.0, "head_0.1": 52.0}
    run |= {"head_0.1_by_class": 47.0, "base_after": 50.0, "base_by_class_after": 40.0}
    run |= {f"new{part}_{when}": 30.0 for part in ("", "_by_class") for when in ("before", "after")}
    known = {"images": 9, "all": 40.0, "base": 50.0, "new": 30.0, "coop": [run, run]}
    figures = {"world": {"images": 4, "photo": 50.0, "mean": 50.0}, "caltech101": known}
    training = json.loads((run_folder / "training.json").read_text(encoding="utf-8"))
    text = card.page(card.summary(figures, training, 8_000_000))
    assert "| base, decay 0.1 | 50.0 | 52.0 ± 0.0 | 2.0 ± 0.0 |" in text
    assert "| base, each class counting the same, decay 0.1 | 40.0 | 47.0 ± 0.0 |" in text
    assert "| Caltech101 base, tested on new | 30.0 | 30.0 ± 0.0 | 0.0 ± 0.0 |" in text
