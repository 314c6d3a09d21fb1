"""HEIC: read like every other format; without its package, told wherever a file is left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from gopro.common.errors import GoproError
from gopro.data import heic, images, listing
from gopro.data.images import image_from_bytes, open_image
from tiny_run import CLASSES, Cli, write_photos

_TRANSPOSED = 6
"""The EXIF orientation of a phone that is held upright."""


@pytest.fixture
def picture() -> Image.Image:
    """64 x 32, red on the left and blue on the right."""
    pixels = np.zeros((32, 64, 3), dtype=np.uint8)
    pixels[:, :32, 0] = pixels[:, 32:, 2] = 200
    return Image.fromarray(pixels)


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    """A folder of class folders, all pictures in HEIC."""
    root = write_photos(tmp_path / "phone", CLASSES)
    for path in sorted(root.rglob("*.png")):
        Image.open(path).save(path.with_suffix(".HEIC"), format="HEIF", quality=90)
        path.unlink()
    return root


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without pillow-heif."""
    monkeypatch.setattr(heic, "READABLE", False)
    others = images.SUFFIXES - {f".{kind}" for kind in heic.KINDS}
    monkeypatch.setattr(listing, "SUFFIXES", others)
    monkeypatch.setattr(images, "_FORMATS", tuple(f for f in images._FORMATS if f != "HEIF"))


def test_opened_upright(picture: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    exif = Image.Exif()
    exif[0x0112] = _TRANSPOSED
    pillow_heif.from_pillow(picture).save(path, quality=95, exif=exif.tobytes())
    for opened in (open_image(path), image_from_bytes(path.read_bytes(), "a.heic")):
        assert (opened.mode, opened.size) == ("RGB", (32, 64))
        top, bottom = opened.getpixel((16, 8)), opened.getpixel((16, 56))
        assert top[0] > 150 > top[2] and bottom[2] > 150 > bottom[0]


def test_damaged_and_too_large(
    picture: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.heic"
    picture.save(path, format="HEIF")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(GoproError, match=r"can't read picture .*a\.heic"):
        open_image(path)
    path.write_bytes(whole)
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    with pytest.raises(GoproError, match="too large"):
        open_image(path)


def test_every_command_reads_it(cli: Cli, phone: Path, tiny: list[str], tmp_path: Path) -> None:
    here = ("--device", "cpu", "--workers", 1)
    answer = cli("check", phone, "--out", tmp_path / "check", "--skip-labels")
    assert answer.code == 0 and "48 images of 4 classes" in answer.out, answer.err
    fitted = cli(
        "fit", phone, "--out", tmp_path / "model", *tiny, "--method", "coop", "--epochs", 1
    )
    assert fitted.code == 0 and ".heic" not in fitted.out, fitted.err
    answer = cli("predict", tmp_path / "model", phone / "ant", "--json", *here)
    assert answer.code == 0 and len(answer.out.splitlines()) == 12, answer.err
    answer = cli("evaluate", tmp_path / "model", phone, "--json", *here)
    assert json.loads(answer.out)["pictures"] == 16, answer.err


def test_without_its_package(
    cli: Cli, phone: Path, model: Path, unreadable: None, tmp_path: Path
) -> None:
    with pytest.raises(GoproError, match="pip install pillow-heif"):
        open_image(phone / "ant" / "00.HEIC")
    answer = cli("predict", model, phone / "ant", "--device", "cpu")
    assert answer.code == 3 and answer.out == ""
    assert "12 .heic (HEIC, a phone's format: pip install pillow-heif" in answer.err
    refused = cli("fit", phone, "--out", tmp_path / "fitted", "--device", "cpu")
    assert refused.code == 2 and "48 .heic (HEIC, a phone's format" in refused.err
    write_photos(tmp_path / "other", CLASSES)
    (phone / "ant" / "00.HEIC").rename(tmp_path / "other" / "ant" / "new.HEIC")
    answer = cli("check", tmp_path / "other", "--out", tmp_path / "check", "--skip-labels")
    assert "1 .heic (HEIC, a phone's format: pip install pillow-heif" in answer.out
