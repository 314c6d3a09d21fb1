"""Publishing and loading with the hub's ``ModelHubMixin``; a folder replaces the hub."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from huggingface_hub import HfApi, ModelHubMixin
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
)
from safetensors.torch import load_file

from gopro import GoproError, PromptClassifier
from gopro.classifier import hub
from tiny_classifier import Given, Make
from tiny_run import TEXT, VISION, write_photos


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the hub, with OWNER/NAME inside."""
    store = tmp_path / "remote"

    def create_repo(self: HfApi, repo_id: str, **given: Any) -> SimpleNamespace:
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self: HfApi, *, repo_id: str, folder_path: Path, **given: Any) -> str:
        shutil.copytree(folder_path, store / repo_id)
        return f"commit of {repo_id}"

    def fetch(repo_id: str, allow_patterns: list[str], **given: Any) -> str:
        if not (store / repo_id).is_dir():
            raise LocalEntryNotFoundError("it isn't there\nsecond line")
        return str(store / repo_id)

    def no_config(*args: Any, **given: Any) -> str:
        # a plain object: the hub's HTTP library differs between versions
        response: Any = SimpleNamespace(headers={}, status_code=404, request=None)
        raise HfHubHTTPError("no config", response=response)

    monkeypatch.setattr(HfApi, "create_repo", create_repo)
    monkeypatch.setattr(HfApi, "upload_folder", upload_folder)
    monkeypatch.setattr(hub, "snapshot_download", fetch)
    monkeypatch.setattr(hub, "problem", lambda: "")
    monkeypatch.setattr("huggingface_hub.hub_mixin.hf_hub_download", no_config)
    return store


def test_what_cannot_be_published(
    make: Make, given: Given, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise LocalTokenNotFoundError("Token is required\nsecond line")

    monkeypatch.setattr(HfApi, "create_repo", refuse)
    with pytest.raises(GoproError, match="has learned nothing yet"):
        make().push_to_hub("owner/animals")
    classifier = make(examples=0, epochs=1).fit(*given)
    with pytest.raises(GoproError, match=r"can't publish owner/animals .*\(Token is required\); "):
        classifier.push_to_hub("owner/animals")
    monkeypatch.setattr(hub, "problem", lambda: "no answer within 5 s")
    with pytest.raises(GoproError, match=r"\(no answer within 5 s\); wanted .* `hf auth login`"):
        classifier.push_to_hub("owner/animals")
    assert not remote.exists()


def test_pushed_and_fetched(make: Make, given: Given, remote: Path) -> None:
    classifier = make(examples=4).fit(*given)
    assert isinstance(classifier, ModelHubMixin)
    assert classifier.push_to_hub("owner/animals") == "commit of owner/animals"
    names = sorted(path.name for path in (remote / "owner" / "animals").iterdir())
    assert names == ["README.md", "classifier.json", "config.json", "model.safetensors"]
    weights = str(classifier.pretrained)
    published = (remote / "owner" / "animals" / "classifier.json").read_text()
    assert str(Path(weights).parent) not in published
    again = PromptClassifier.from_pretrained("owner/animals", device="cpu", pretrained=weights)
    pictures = given[0][:5]
    np.testing.assert_array_equal(again.predict_proba(pictures), classifier.predict_proba(pictures))
    assert classifier.examples_ is not None  # publishing changes nothing here


def test_no_path_of_this_machine_is_published(
    make: Make,
    given: Given,
    model: Path,
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = Path(tiny[tiny.index("--pretrained") + 1])
    home = tmp_path / "home"
    clip = home / "clip"
    clip.mkdir(parents=True)
    shutil.copy(weights, home / "tiny.safetensors")
    shutil.copy(weights, clip / "open_clip_model.safetensors")
    statistics = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
    config = {
        "model_cfg": {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT},
        "preprocess_cfg": {**statistics, "interpolation": "bicubic", "resize_mode": "shortest"},
    }
    (clip / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setenv("HOME", str(home))
    private = [os.fsencode(one) for one in (home, model, "~/tiny")]
    student = {"method": "promptkd", "options": {"teacher": str(model)}}
    for number, settings in enumerate(
        (
            {**student, "pretrained": "~/tiny.safetensors"},
            {"pretrained": str(home / "tiny.safetensors")},
            {"backbone": f"local-dir:{clip}/", "pretrained": None},
        )
    ):
        classifier = make(epochs=1, **settings).fit(*given)
        expected = classifier.predict_proba(given[0])
        folder = tmp_path / f"published {number}"
        classifier.save_pretrained(folder)
        for path in folder.iterdir():
            assert not [one for one in private if one in path.read_bytes()], path
        monkeypatch.chdir(home)  # what it names without folders is found here
        again = PromptClassifier.from_pretrained(folder, device="cpu")
        np.testing.assert_array_equal(again.predict_proba(given[0]), expected)
    card = classifier.save(tmp_path / "local") / "README.md"  # a folder that people pass on
    assert "`local-dir:clip`" in card.read_text() and "home" not in card.read_text()


def test_a_published_calibration_answers_the_same(make: Make, given: Given, tmp_path: Path) -> None:
    others = sorted(write_photos(tmp_path / "others", ["x", "y"], count=4, seed=9).rglob("*.png"))
    pictures = [*given[0], *others]
    classifier = make(folds=3, epochs=1).fit(*given)
    for number, one in enumerate((classifier, classifier.with_others(others))):
        folder = tmp_path / f"published {number}"
        one.save_pretrained(folder)
        assert not {"inputs", "truth"} & set(load_file(folder / "calibration.safetensors"))
        weights = str(one.pretrained)
        again = PromptClassifier.from_pretrained(folder, device="cpu", pretrained=weights)
        np.testing.assert_array_equal(again.predict_proba(pictures), one.predict_proba(pictures))
        np.testing.assert_array_equal(again.is_unknown(pictures), one.is_unknown(pictures))
        assert again.predict_sets(pictures, 0.9) == one.predict_sets(pictures, 0.9)
        with pytest.raises(GoproError, match="a published classifier can't learn from pictures"):
            again.with_others(others)
        second = again.save(tmp_path / f"saved {number}")
        loaded = PromptClassifier.load(second, device="cpu", pretrained=weights)
        np.testing.assert_array_equal(loaded.is_unknown(pictures), one.is_unknown(pictures))
    assert classifier.with_others(others).calibration_ is not None  # publishing changes nothing


def test_saved_and_read_locally(make: Make, given: Given, tmp_path: Path) -> None:
    classifier = make().fit(*given)
    measured = classifier.compare(*given, include_fitted=True)
    classifier.save(tmp_path / "first", measured)
    again = PromptClassifier.load(tmp_path / "first", device="cpu")
    again.save_pretrained(tmp_path / "second")
    assert (
        "Accuracy on 24 pictures, 24 of which it was fitted on"
        in (tmp_path / "second" / "README.md").read_text()
    )
    final = PromptClassifier.from_pretrained(
        tmp_path / "second",
        device="cpu",
        pretrained=str(classifier.pretrained),
        proxies=None,
        resume_download=None,  # as clients before 1.0 add
    )
    assert list(final.classes_) == list(classifier.classes_)
    assert final.with_classes(["a", "b"]).measured_ is None


def test_a_missing_model(remote: Path) -> None:
    with pytest.raises(GoproError, match=r"can't fetch owner/none .*it isn't there\)"):
        PromptClassifier.from_pretrained("owner/none")


def test_before_fit(remote: Path) -> None:
    with pytest.raises(GoproError, match="learned nothing"):
        PromptClassifier().push_to_hub("owner/empty")
