"""Models by name, folder and hub: weights, tokenizers, and one line when something is missing."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip.transformer import QuickGELU
from torch import nn

import small_tokenizers
from gopro.backbones import build, hub, models
from gopro.backbones.build import untrained
from gopro.common.errors import GoproError
from gopro.common.preprocessing import Preprocessing
from small_clips import TEXT, VIT, clip_folder, close, small_clip, tokenizer


@pytest.fixture
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Teach open_clip a small model, some of whose published weights need QuickGELU."""
    from open_clip import factory, pretrained

    config = {"embed_dim": 32, "vision_cfg": VIT, "text_cfg": TEXT}
    monkeypatch.setitem(factory._MODEL_CONFIGS, "Small-ViT", config)
    tags = {"openai": {"mean": (0.5,) * 3, "std": (0.25,) * 3, "quick_gelu": True}}
    monkeypatch.setitem(pretrained._PRETRAINED, "Small-ViT", tags)


def activations(model: nn.Module) -> set[type[nn.Module]]:
    return {type(part) for part in model.modules()} & {QuickGELU, nn.GELU}


@pytest.mark.usefixtures("small_models")
def test_openais_tensors_with_their_sizes(tmp_path: Path) -> None:
    source: Any = small_clip(quick_gelu=True, seed=3).eval()
    sizes = {"input_resolution": 32, "context_length": 77, "vocab_size": 49_408}
    state = {**source.state_dict(), **{key: torch.tensor(n) for key, n in sizes.items()}}
    torch.save(state, tmp_path / "plain.pt")
    backbone = build("Small-ViT", str(tmp_path / "plain.pt"), device="cpu")
    assert activations(backbone.model) == {QuickGELU}
    with torch.no_grad():
        wanted = source.encode_text(tokenizer()(["a photo of a cat."]))
    close(backbone.encode_class_names(["cat"]), wanted)
    torch.save({**state, "input_resolution": torch.tensor(48)}, tmp_path / "larger.pt")
    with pytest.raises(GoproError, match="for 48 x 48 pixels, and Small-ViT takes 32 x 32"):
        build("Small-ViT", str(tmp_path / "larger.pt"), device="cpu")


@pytest.mark.usefixtures("small_models")
def test_a_file_that_does_not_tell_its_activation(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(small_clip(seed=3).state_dict(), path)
    with pytest.warns(UserWarning, match="QuickGELU, .* choose Small-ViT-quickgelu"):
        backbone = build("Small-ViT", str(path), device="cpu")
    assert activations(backbone.model) == {nn.GELU}
    quick = build("small-vit-quickgelu", str(path), device="cpu")
    assert activations(quick.model) == {QuickGELU}
    assert quick.name == "Small-ViT-quickgelu"


@pytest.mark.usefixtures("small_models")
@pytest.mark.filterwarnings("ignore:.*doesn't say which activation:UserWarning")
def test_a_bare_file_is_normalised_as_all_published_weights_are(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(small_clip(seed=3).state_dict(), path)
    assert build("Small-ViT", str(path), device="cpu").normalisation == ([0.5] * 3, [0.25] * 3)


def test_a_folder_brings_weights_and_preprocessing(tmp_path: Path) -> None:
    folder = clip_folder(tmp_path / "model")
    backbone = build(f"local-dir:{folder}", device="cpu")
    assert backbone.normalisation[0] == pytest.approx([0.5, 0.4, 0.3])
    assert backbone.preprocessing == Preprocessing(32, "bilinear", "squash")
    with torch.no_grad():
        wanted = small_clip(seed=3).eval().encode_text(tokenizer()(["a photo of a cat."]))  # type: ignore[operator]
    close(backbone.encode_class_names(["cat"]), wanted)
    assert untrained(f"local-dir:{folder}").embed_dim == 32
    with pytest.raises(GoproError, match="brings its own weights and got --pretrained openai"):
        build(f"local-dir:{folder}", "openai", device="cpu")
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(GoproError, match="has no weights; wanted open_clip_model"):
        build(f"local-dir:{folder}", device="cpu")
    (folder / "open_clip_config.json").write_text('{"model_cfg": {"text_cfg": {}}}')
    with pytest.raises(GoproError, match=r"can't build local-dir:.* from its open_clip_config"):
        build(f"local-dir:{folder}", device="cpu")


@pytest.mark.parametrize(
    ("vision", "reason"),
    [
        ({"timm_model_name": "vit_of_next_year"}, "vit_of_next_year"),
        ({**VIT, "pool_type": "nowhere"}, "AssertionError"),
        ({**VIT, "patch_size": 0}, "by zero"),
    ],
)
def test_a_folder_whose_model_cannot_be_built(
    tmp_path: Path, vision: dict[str, Any], reason: str
) -> None:
    path = clip_folder(tmp_path / "model") / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["vision_cfg"] = vision
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(GoproError, match=f"can't build .*{reason}.*; correct") as caught:
        build(f"local-dir:{path.parent}", device="cpu")
    assert "\n" not in str(caught.value)


def test_a_folder_with_its_own_tokenizer(tmp_path: Path) -> None:
    text = {"vocab_size": small_tokenizers.SIZE, "pool_type": "eos", "eos_id": 1}
    folder = clip_folder(tmp_path / "model", **text)
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = "somewhere/else"
    path.write_text(json.dumps(config), encoding="utf-8")
    small_tokenizers.sentencepiece(folder)
    backbone = build(f"local-dir:{folder}", device="cpu")
    assert (backbone.tokens.start, backbone.tokens.end, backbone.tokens.pad) == ((), (1,), 0)
    assert backbone.tokens.words()["cat"] == backbone.tokens.encode("cat")[0]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hub address that nobody answers, and an empty cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("timm/ViT-B-16-SigLIP", "open_clip_config.json of timm/ViT-B-16-SigLIP"),
        ("ViT-B-16-SigLIP2", "tokenizer_config.json of timm/ViT-B-16-SigLIP2"),
    ],
)
def test_no_network_is_one_line_and_soon(name: str, file: str, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(GoproError, match=f"can't fetch {file} from the hub") as caught:
        untrained(name)
    assert time.monotonic() - started < 15
    assert "\n" not in str(caught.value)
    repo = file.split()[-1]
    for part in (
        f"`hf download {repo}`",
        f"models--{repo.replace('/', '--')} is not in {tmp_path}",
    ):
        assert part in str(caught.value)


@pytest.mark.usefixtures("no_network")
def test_a_tag_without_network_names_what_to_fetch_and_where_it_is_looked_for(
    tmp_path: Path,
) -> None:
    repo = "timm/vit_base_patch16_clip_224.openai"
    with pytest.raises(GoproError, match=f"hf download {repo}`") as caught:
        build("ViT-B/16", "openai", device="cpu")
    assert f"models--{repo.replace('/', '--')} is not in {tmp_path}; " in str(caught.value)


@pytest.mark.usefixtures("no_network")
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(GoproError, match=r"ViT-B-16-SigLIP needs .*gopro-clip\[text\]"):
        models.tokenizer_of("ViT-B-16-SigLIP")
    with pytest.raises(GoproError, match=r"needs a package .*gopro-clip\[text\]"):
        build("ViT-B-16-SigLIP", "webli", device="cpu")  # told before the weights are downloaded
    with (
        pytest.raises(GoproError, match=r"needs a package that is missing .*gopro-clip\[text\]"),
        hub.telling("name", "tokenizer", "a/b"),
    ):
        raise ValueError("requires the SentencePiece library: sentencepiece")
    with (
        pytest.raises(GoproError, match=r"can't open the tokenizer of name, a/b \(broken\)"),
        hub.telling("name", "tokenizer", "a/b"),
    ):
        raise ValueError("broken\nmore")


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "reason"), [("EntryNotFoundError", "has no"), ("RepositoryNotFoundError", "gives no")]
)
def test_what_the_hub_does_not_have(
    monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    from huggingface_hub import errors

    def fail(*args: Any, **options: Any) -> str:
        raise getattr(errors, name).__new__(getattr(errors, name))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    with pytest.raises(GoproError, match=reason):
        hub.fetch("org/name", ["open_clip_config.json"])


def test_open_clip_knows_the_names_that_messages_give() -> None:
    assert "ViT-B-16-quickgelu" in open_clip.list_models()
