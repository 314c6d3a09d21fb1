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


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(GoproError, match=r"there is no .*open_clip_config.json; give the folder"):
        canonical(f"local-dir:{tmp_path}")
    (tmp_path / "open_clip_config.json").touch()
    assert canonical(f"local-dir:{tmp_path}") == f"local-dir:{tmp_path}"


@pytest.mark.parametrize("name", ["hf-hub:", "hf-hub:alone", "hf-hub:a/b/c"])
def test_names_of_the_hub_have_two_parts(name: str) -> None:
    with pytest.raises(GoproError, match="write it like hf-hub:timm/"):
        canonical(name)


def test_what_is_suggested_can_be_built() -> None:
    refused = {name for name, row in known().items() if row.refused}
    for wrong in ("ViT-B/61", "ViT-B-161", "SigLIP-B", "EVA-B-16", "rn5000", "convnet_base"):
        with pytest.raises(GoproError, match=f"there is no backbone '{wrong}'; ") as caught:
            canonical(wrong)
        assert not any(name in str(caught.value).split("; ")[1].split() for name in refused)
