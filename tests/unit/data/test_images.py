"""Every image format is decoded correctly; other files are one-line errors."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gopro.common.errors import GoproError
from gopro.data.images import open_image, to_array
from huge_picture import png, run_length_bmp

RED, WHITE = (255, 0, 0), (255, 255, 255)


def pixel(image: Image.Image, at: tuple[int, int] = (0, 0)) -> tuple[int, ...]:
    value = image.getpixel(at)
    assert isinstance(value, tuple)
    return value


def corners(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """A white picture whose top left quarter is red."""
    image = Image.new("RGB", size, WHITE)
    image.paste(RED, (0, 0, size[0] // 2, size[1] // 2))
    return image


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.webp", "a.tif", "a.gif", "a.ppm"])
def test_common_formats(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (20, 10), RED).save(tmp_path / name)
    image = open_image(tmp_path / name)
    assert image.mode == "RGB"
    assert image.size == (20, 10)
    assert np.allclose(pixel(image), RED, atol=6)


def test_file_names_with_spaces_and_any_script(tmp_path: Path) -> None:
    path = tmp_path / "mes photos été" / "猫 и кот.png"
    path.parent.mkdir()
    Image.new("RGB", (4, 4), RED).save(path)
    assert pixel(open_image(str(path))) == RED


# EXIF orientation -> where the red quarter of the stored image must appear
@pytest.mark.parametrize(
    ("orientation", "right", "bottom"),
    [
        *[(1, False, False), (2, True, False), (3, True, True), (4, False, True)],
        *[(5, False, False), (6, True, False), (7, True, True), (8, False, True)],
    ],
)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_exif_rotation(
    tmp_path: Path, name: str, orientation: int, right: bool, bottom: bool
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    corners().save(tmp_path / name, exif=exif.tobytes())
    image = open_image(tmp_path / name)
    assert image.size == ((60, 40) if orientation < 5 else (40, 60))
    x = image.width * 3 // 4 if right else image.width // 4
    y = image.height * 3 // 4 if bottom else image.height // 4
    assert np.allclose(pixel(image, (x, y)), RED, atol=8)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_ignored(tmp_path: Path) -> None:
    corners().save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff garbage")
    assert open_image(tmp_path / "a.jpg").size == (60, 40)


def test_cmyk(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    assert np.allclose(pixel(open_image(tmp_path / "a.jpg")), RED, atol=6)


@pytest.mark.parametrize("mode", ["L", "1"])
def test_greyscale(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (8, 8), 255).save(tmp_path / "a.png")
    assert pixel(open_image(tmp_path / "a.png")) == WHITE


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.putpixel((0, 0), (*RED, 255))
    image.putpixel((1, 0), (0, 0, 0, 128))
    image.save(tmp_path / "a.png")
    opened = open_image(tmp_path / "a.png")
    assert pixel(opened, (0, 0)) == RED
    assert pixel(opened, (1, 0)) == (127, 127, 127)
    assert pixel(opened, (2, 0)) == WHITE


def test_grey_with_transparency(tmp_path: Path) -> None:
    Image.new("LA", (8, 8), (0, 0)).save(tmp_path / "a.png")
    assert pixel(open_image(tmp_path / "a.png")) == WHITE


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([*RED, 0, 0, 255])
    image.putpixel((3, 3), 1)
    image.save(tmp_path / "solid.png")
    image.save(tmp_path / "clear.png", transparency=0)
    assert pixel(open_image(tmp_path / "solid.png")) == RED
    assert pixel(open_image(tmp_path / "clear.png")) == WHITE
    assert pixel(open_image(tmp_path / "clear.png"), (3, 3)) == (0, 0, 255)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits(tmp_path: Path, name: str) -> None:
    grey = np.array([[0, 257 * 100], [257 * 200, 65535]], dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / name)
    opened = np.asarray(open_image(tmp_path / name))
    assert opened[..., 0].tolist() == [[0, 100], [200, 255]]


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_more_than_sixteen_bits_are_scaled(tmp_path: Path, kind: type) -> None:
    grey = np.array([[-100_000, 0], [0, 100_000]], dtype=kind)
    Image.fromarray(grey).save(tmp_path / "a.tif")
    assert np.asarray(open_image(tmp_path / "a.tif"))[..., 0].tolist() == [[0, 128], [128, 255]]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_animation_gives_its_first_frame(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, (0, 0, 255), (0, 255, 0))]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=50)
    assert np.allclose(pixel(open_image(tmp_path / name)), RED, atol=8)


def test_missing_folder_and_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(GoproError, match=r"gone\.jpg isn't there"):
        open_image(tmp_path / "gone.jpg")
    with pytest.raises(GoproError, match="is a folder"):
        open_image(tmp_path)
    with pytest.raises(GoproError, match=r"empty\.jpg is empty \(0 bytes\)"):
        open_image(tmp_path / "empty.jpg")
    with pytest.raises(GoproError):
        open_image("nul\0byte.png")


def test_not_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("hello, world")
    with pytest.raises(GoproError, match=r"can't read picture .*a\.jpg \(not a picture") as caught:
        open_image(tmp_path / "a.jpg")
    assert "\n" not in str(caught.value)


def test_refuses_formats_whose_decoder_starts_programs(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.eps")
    with pytest.raises(GoproError, match="isn't supported"):
        open_image(tmp_path / "a.eps")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.bmp", "a.webp"])
def test_truncated(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / name
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(GoproError, match=f"can't read picture .*{name}"):
        open_image(path)


@pytest.mark.parametrize("limit", [None, 89_478_485])
def test_decompression_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    """Our limit also holds when the caller has raised Pillow's."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000))
    with pytest.raises(GoproError, match=r"bomb\.png is too large"):
        open_image(tmp_path / "bomb.png")
    assert limit == Image.MAX_IMAGE_PIXELS


def test_reads_long_strips_of_few_pixels(tmp_path: Path) -> None:
    Image.new("1", (50_000, 2)).save(tmp_path / "strip.png")
    assert to_array(open_image(tmp_path / "strip.png"), 64).shape == (64, 64, 3)


def test_large_jpeg_is_decoded_at_a_reduced_scale(tmp_path: Path) -> None:
    corners((1200, 800)).save(tmp_path / "a.jpg")
    assert open_image(tmp_path / "a.jpg").size == (1200, 800)
    small = open_image(tmp_path / "a.jpg", 64)
    assert small.size == (300, 200)
    assert open_image(tmp_path / "a.jpg", 224).size == (1200, 800)
    whole = to_array(open_image(tmp_path / "a.jpg"), 64).astype(int)
    assert np.abs(to_array(small, 64) - whole).mean() < 1


@pytest.mark.parametrize("size", [(170, 112), (112, 170), (64, 64), (65, 97), (5, 3), (999, 64)])
def test_resizes_and_crops_like_clip(size: tuple[int, int]) -> None:
    """Bicubic resize of the shorter side to 64, centre crop, with torchvision's rounding."""
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    width, height = size
    if width <= height:
        resized = image.resize((64, int(64 * height / width)), Image.Resampling.BICUBIC)
    else:
        resized = image.resize((int(64 * width / height), 64), Image.Resampling.BICUBIC)
    left = round((resized.width - 64) / 2.0)
    top = round((resized.height - 64) / 2.0)
    expected = np.asarray(resized)[top : top + 64, left : left + 64]
    actual = to_array(image, 64)
    assert actual.dtype == np.uint8
    assert np.array_equal(actual, expected)


def test_crops_the_middle_of_elongated_images() -> None:
    image = Image.new("RGB", (100_000, 10), WHITE)
    image.paste(RED, (49_990, 0, 50_010, 10))
    assert (to_array(image, 64) == RED).all()


def test_refuses_a_slow_run_length_bmp_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.bmp"
    path.write_bytes(run_length_bmp(5, 2))
    pixels = np.asarray(open_image(path))
    assert pixels.shape == (2, 5, 3)
    assert pixels[1, :3].tolist() == [[255, 0, 0]] * 3 and not pixels[0].any()
    path.write_bytes(run_length_bmp(30_000_000, 5))
    started = time.monotonic()
    with pytest.raises(GoproError, match=r"too large .*run-length coded.*at most 4000000"):
        open_image(path)
    assert time.monotonic() - started < 5
