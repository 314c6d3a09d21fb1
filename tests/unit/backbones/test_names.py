"""Names of backbones as people write them."""

from __future__ import annotations

from pathlib import Path

import open_clip
import pytest

from gopro.backbones.architectures import known
from gopro.backbones.names import canonical, usable
from gopro.common.errors import GoproError


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("lite", "lite"),
        ("Mini", "mini"),
        ("ViT-B-16", "ViT-B-16"),
        ("ViT-B/16", "ViT-B-16"),
        ("vit_b16", "ViT-B-16"),
        ("ViT-L/14@336px", "ViT-L-14-336"),
        ("RN50", "RN50"),
        ("rn50x4", "RN50x4"),
        ("vit-b/16-siglip2", "ViT-B-16-SigLIP2"),
        ("ViT-B/16-quickgelu", "ViT-B-16-quickgelu"),
        ("ViT-B-32-256-quickgelu", "ViT-B-32-256-quickgelu"),
        ("mobileclip_s1", "MobileCLIP-S1"),
        ("CLIP ViT-B/16", "ViT-B-16"),
        ("timm/ViT-B-16-SigLIP", "hf-hub:timm/ViT-B-16-SigLIP"),
        ("hf-hub:timm/ViT-B-16-SigLIP", "hf-hub:timm/ViT-B-16-SigLIP"),
    ],
)
def test_written_in_many_ways(written: str, name: str) -> None:
    assert canonical(written) == name
    assert canonical(name) == name


def test_every_name_of_open_clip_is_itself() -> None:
    assert [canonical(name) for name in usable()] == usable()
    assert len(usable()) == len(open_clip.list_models())


def test_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GoproError, match=r"there is no .*open_clip_config.json; give the folder"):
        canonical(f"local-dir:{tmp_path}")
    (tmp_path / "open_clip_config.json").touch()
    with pytest.raises(GoproError, match=f"write local-dir:{tmp_path}$"):
        canonical(str(tmp_path))
    assert canonical(f"local-dir:{tmp_path}") == f"local-dir:{tmp_path}"
    monkeypatch.chdir(tmp_path.parent)
    assert canonical(f"local-dir:{tmp_path.name}") == f"local-dir:{tmp_path}"


@pytest.mark.parametrize("name", ["hf-hub:", "hf-hub:alone", "hf-hub:a/b/c"])
def test_names_of_the_hub_have_two_parts(name: str) -> None:
    with pytest.raises(GoproError, match="write it like hf-hub:timm/"):
        canonical(name)


def suggested(wrong: str) -> list[str]:
    """The names in the answer to a wrong one."""
    with pytest.raises(GoproError, match=f"there is no backbone {wrong!r}; ") as caught:
        canonical(wrong)
    hint = str(caught.value).partition("; ")[2].partition(" (`gopro backbones`")[0]
    return hint.removeprefix("did you mean ").removeprefix("choose ").rstrip("?").split(", ")


@pytest.mark.parametrize(
    "wrong",
    ["ViT-B/61", "SigLIP-B", "EVA-B-16", "rn5000", "ViT-S", "ViT-H", "", " ", "/tmp/x", "zzz"],
)
def test_what_is_suggested_can_be_built_and_downloaded(wrong: str) -> None:
    names = suggested(wrong)
    assert 1 <= len(names) <= 3
    for name in names:
        assert canonical(name) == name
        assert name not in known() or not known()[name].refused
        assert name in ("lite", "mini") or open_clip.list_pretrained_tags_by_model(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("n" * 300, "no file can be"),
        ("~nosuchuser/model", "no home directory"),
        ("local-dir:~nosuchuser/model", "no home directory"),
    ],
)
def test_paths_that_cannot_be(name: str, words: str) -> None:
    with pytest.raises(GoproError, match=words):
        canonical(name)


def test_names_that_contain_the_text_come_first() -> None:
    assert suggested("siglip2") != suggested("SigLIP")
    assert all("SigLIP" in name for name in suggested("SigLIP"))
    assert suggested("vitb")[:2] == ["ViT-B-16", "ViT-B-32"]
    assert suggested("MobileCLIP2")[0].startswith("MobileCLIP2-")
