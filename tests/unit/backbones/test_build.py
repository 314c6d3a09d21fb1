"""From a name to a backbone, end to end with weights files made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from archive_files import archive
from huggingface_hub import constants
from open_clip.transformer import QuickGELU
from safetensors.torch import save_file
from torch import nn

from gopro.backbones import build, choose_device
from gopro.common.errors import GoproError
from small_clips import RESNET, TEXT, VIT, close, small_clip, tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated:FutureWarning")


@pytest.fixture
def small_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Teach open_clip two small models by name, with a tag for one."""
    from open_clip import factory

    for name, vision in (("Small-ViT", VIT), ("Small-RN", RESNET)):
        config = {"embed_dim": 32, "vision_cfg": vision, "text_cfg": TEXT}
        monkeypatch.setitem(factory._MODEL_CONFIGS, name, config)


@pytest.mark.usefixtures("small_models")
@pytest.mark.parametrize("vision", [VIT, RESNET], ids=["Small-ViT", "Small-RN"])
def test_a_file_of_weights(vision: dict[str, Any], tmp_path: Path) -> None:
    source: Any = small_clip(vision=vision, seed=3)
    path = tmp_path / "weights.pt"
    torch.save(source.state_dict(), path)
    name = "Small-ViT" if vision is VIT else "Small-RN"
    backbone = build(name, str(path), device="cpu")
    with torch.no_grad():
        wanted = source.encode_text(tokenizer()(["a photo of a cat."]))
    close(backbone.encode_class_names(["cat"]), wanted)
    assert (backbone.name, backbone.pretrained) == (name, str(path))


@pytest.mark.usefixtures("small_models")
def test_openais_archives_turn_quick_gelu_on(tmp_path: Path) -> None:
    source = small_clip(quick_gelu=True, seed=3)
    scripted, plain = tmp_path / "archive.pt", tmp_path / "plain.pt"
    archive(source, scripted)
    torch.save(source.state_dict(), plain)

    def activations(path: Path) -> set[type[nn.Module]]:
        modules = build("Small-ViT", str(path), device="cpu").model.modules()
        return {type(part) for part in modules} & {QuickGELU, nn.GELU}

    assert activations(scripted) == {QuickGELU}
    assert activations(plain) == {nn.GELU}


@pytest.mark.usefixtures("small_models")
def test_a_tag_brings_its_own_normalisation_and_activation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({k: v.contiguous() for k, v in small_clip(seed=3).state_dict().items()}, path)
    settings = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25), "quick_gelu": True}
    settings["file"] = str(path)
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda name: ["mine"])
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda name, tag: settings)
    backbone = build("Small-ViT", "mine", device="cpu")
    pixels = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        wanted = backbone.model.encode_image((pixels - 0.5) / 0.25)
    close(backbone.encode_image(pixels).embedding, wanted, 1e-5)
    assert any(isinstance(part, QuickGELU) for part in backbone.model.modules())
    settings["file"] = str(tmp_path / "absent.pt")
    with pytest.raises(GoproError, match="absent"):
        build("Small-ViT", "mine", device="cpu")


@pytest.mark.usefixtures("small_models")
def test_a_failing_download_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> str:
        raise OSError("no network\nsecond line")

    monkeypatch.setattr("open_clip.pretrained.download_pretrained", fail)
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda name: ["mine"])
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda name, tag: {"url": "x"})
    with pytest.raises(GoproError) as caught:
        build("Small-ViT", "mine", device="cpu")
    assert "can't download the weights mine of Small-ViT (no network)" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("small_models")
def test_a_blocked_network_is_found_out_before_the_hub_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def download(*args: Any, **options: Any) -> str:
        assert constants.HF_HUB_OFFLINE, "a server was asked"
        raise OSError("it isn't in the cache")

    monkeypatch.setattr("open_clip.pretrained.download_pretrained", download)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda name: ["mine"])
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda name, tag: {"hf_hub": "a/b"})
    with pytest.raises(GoproError, match=r"the hub can't be reached: .*refused"):
        build("Small-ViT", "mine", device="cpu")
    assert not constants.HF_HUB_OFFLINE


def test_vit_b_16_from_a_half_precision_file(tmp_path: Path) -> None:
    """The published backbone's way, with random weights."""
    model = open_clip.create_model("ViT-B-16", pretrained=None)
    state = {key: value.half().contiguous() for key, value in model.state_dict().items()}
    save_file(state, tmp_path / "random.safetensors")
    wanted: Any = state["visual.proj"].float()
    del model
    backbone = build("ViT-B-16", str(tmp_path / "random.safetensors"), device="cpu")
    assert torch.equal(backbone.model.visual.proj, wanted)
    assert (backbone.image_size, backbone.embed_dim, backbone.text_width) == (224, 512, 512)
    assert backbone.vision_widths == (768,) * 12
    assert backbone.text_encoder.context_length == 77
    features = backbone.encode_image(torch.rand(1, 3, 224, 224))
    assert features.mean.shape == features.std.shape == (1, 12 * 768)
    assert backbone.encode_class_names(["cat", "dog"]).shape == (2, 512)


@pytest.mark.parametrize(
    ("name", "near"), [("ViT-B-61", "ViT-B-16"), ("minni", "mini"), ("resnet50", "RN50")]
)
def test_unknown_names_get_the_nearest(name: str, near: str) -> None:
    with pytest.raises(GoproError, match=f"there is no backbone '{name}'; did you mean .*{near}"):
        build(name)


def test_missing_and_unknown_weights(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match=r"ViT-B-16 needs weights.*openai"):
        build("ViT-B-16")
    with pytest.raises(GoproError, match=r"ViT-S-32 has no published weights; give .* a file"):
        build("ViT-S-32")
    with pytest.raises(GoproError, match=r"no weights file opnai, and no tag.*openai"):
        build("ViT-B-16", "opnai")
    with pytest.raises(GoproError, match="no weights file"):
        build("ViT-B-16", str(tmp_path))


def test_mini_takes_no_weights() -> None:
    with pytest.raises(GoproError, match="mini contains its own weights"):
        build("mini", "openai")


def test_devices_and_precisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    for device in ("cuda", "cuda:1", "mps", "xpu"):
        with pytest.raises(GoproError, match=f"the device '{device}' is not on this machine"):
            build("mini", device=device)
    with pytest.raises(GoproError, match="choose auto, cpu, cuda or mps"):
        build("mini", device="gpu")
    with pytest.raises(GoproError, match="got the precision 'fp8'; choose one of fp32"):
        build("mini", precision="fp8", device="cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device("auto") == torch.device("cuda")
    with pytest.raises(GoproError, match="'cuda:1' is not on this machine"):
        choose_device("cuda:1")
