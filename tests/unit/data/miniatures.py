"""Miniature data sets: real folder layouts and annotation formats, three classes each."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

CLASSES = 3
WNIDS = ("n01440764", "n01443537", "n01484850")


def picture(path: Path) -> None:
    """Write a small JPEG, regardless of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_JPEG)


def write(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def class_folders(images: Path, folders: Iterable[str], count: int = 10) -> None:
    for folder in folders:
        for number in range(count):
            picture(images / folder / f"{folder}_{number:04}.jpg")


def caltech101(home: Path) -> None:
    images = home / "101_ObjectCategories"
    class_folders(images, ["BACKGROUND_Google", "Faces", "Faces_easy", "airplanes", "anchor"])


def food101(home: Path) -> None:
    class_folders(home / "images", ["apple_pie", "baby_back_ribs", "baklava"])
    write(home / "meta" / "classes.txt", ["apple_pie", "baby_back_ribs", "baklava"])


def dtd(home: Path) -> None:
    class_folders(home / "images", ["banded", "blotchy", "braided"])
    picture(home / "images" / "banded" / ".directory")


def eurosat(home: Path) -> None:
    class_folders(home / "2750", ["AnnualCrop", "Forest", "SeaLake"])


def oxford_pets(home: Path) -> None:
    breeds = ("Abyssinian", "american_bulldog", "Egyptian_Mau")
    rows = [(f"{b}_{n}", c, 1 + c % 2) for c, b in enumerate(breeds, 1) for n in range(1, 11)]
    for name, _, _ in rows:
        picture(home / "images" / f"{name}.jpg")
    write(home / "images" / "Abyssinian_100.mat", ["not a picture"])
    lines = [f"{name} {number} {species} 1" for name, number, species in rows]
    write(home / "annotations" / "list.txt", ["#Image CLASS-ID SPECIES BREED ID", *lines])
    write(home / "annotations" / "trainval.txt", [x for i, x in enumerate(lines) if i % 2])
    write(home / "annotations" / "test.txt", [x for i, x in enumerate(lines) if not i % 2])


def sun397(home: Path) -> None:
    folders = ("/a/abbey", "/a/apartment_building/outdoor", "/b/bar")
    write(home / "ClassName.txt", folders)
    keys = [f"{f}/sun_{n:04}.jpg" for f in folders for n in range(10)]
    for key in keys:
        picture(home / "SUN397" / key.lstrip("/"))
    for number in (1, 2):
        write(home / f"Training_{number:02}.txt", keys[::2])
        write(home / f"Testing_{number:02}.txt", keys[1::2])


def ucf101(home: Path) -> None:
    actions = ("ApplyEyeMakeup", "HandstandPushups", "YoYo")
    lists = home / "ucfTrainTestlist"
    write(lists / "classInd.txt", [f"{n} {action}" for n, action in enumerate(actions, 1)])
    train, test = [], []
    folders = ("Apply_Eye_Makeup", "Handstand_Pushups", "Yo_Yo")
    for label, (action, folder) in enumerate(zip(actions, folders, strict=True), 1):
        for number in range(10):
            video = f"v_{action}_g{number:02}_c01"
            picture(home / "UCF-101-midframes" / folder / f"{video}.jpg")
            row = f"{action}/{video}.avi"
            if number % 2:
                test.append(row)
            else:
                train.append(f"{row} {label}")
    write(lists / "trainlist01.txt", train)
    write(lists / "testlist01.txt", test)


def fgvc_aircraft(home: Path) -> None:
    variants = ("707-320", "Boeing 717", "F/A-18")
    write(home / "variants.txt", variants)
    names = {f"{1000000 + n:07}": variants[n % 3] for n in range(30)}
    for name in names:
        picture(home / "images" / f"{name}.jpg")
    rows = [f"{name} {variant}" for name, variant in names.items()]
    for number, part in enumerate(("train", "val", "test")):
        write(home / f"images_variant_{part}.txt", rows[10 * number : 10 * number + 10])
    write(home / "images_variant_trainval.txt", rows[:20])


def oxford_flowers(home: Path) -> None:
    for number in range(1, 31):
        picture(home / "jpg" / f"image_{number:05}.jpg")
    names = {"1": "pink primrose", "2": "hard-leaved pocket orchid", "3": "canterbury bells"}
    write(home / "cat_to_name.json", [json.dumps(names)])
    _save(home / "imagelabels.mat", {"labels": [[3 - n % 3 for n in range(30)]]})


def stanford_cars(home: Path) -> None:
    names = ("AM General Hummer SUV 2000", "Acura RL Sedan 2012", "Audi TTS Coupe 2012")
    cells = np.empty((1, 3), dtype=object)
    cells[0, :] = names
    kit = home / "devkit"
    _save(kit / "cars_meta.mat", {"class_names": cells})
    fields = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")
    for folder, path in (
        ("cars_train", kit / "cars_train_annos.mat"),
        ("cars_test", home / "cars_test_annos_withlabels.mat"),
    ):
        rows = np.empty((1, 15), dtype=[(field, object) for field in fields])
        for number in range(15):
            rows[0, number] = (1, 1, 8, 8, 1 + number % 3, f"{number + 1:05}.jpg")
            picture(home / folder / f"{number + 1:05}.jpg")
        _save(path, {"annotations": rows})


def imagenet(home: Path) -> None:
    for number, wnid in enumerate(WNIDS):
        for picture_number in range(4):
            picture(home / "images" / "train" / wnid / f"{wnid}_{picture_number}.JPEG")
        picture(home / "images" / "val" / wnid / f"ILSVRC2012_val_{number:08}.JPEG")
    class_names(home)


def imagenetv2(home: Path) -> None:
    for number in range(len(WNIDS)):
        folder = home / "imagenetv2-matched-frequency-format-val" / str(number)
        picture(folder / f"{'0123456789abcdef'[number] * 40}.jpeg")
    class_names(home)


def imagenet_sketch(home: Path) -> None:
    for wnid in WNIDS:
        picture(home / "images" / wnid / "sketch_0.JPEG")
    class_names(home)


def imagenet_a(home: Path, images: str = "imagenet-a") -> None:
    """Some of ImageNet's classes, and a file beside the class folders."""
    for wnid in WNIDS:
        picture(home / images / wnid / "0.003057_digital clock _ digital clock_0.865662.jpg")
    write(home / images / "README.txt", ["about"])
    class_names(home, before=("n01000000 dodo",))


def imagenet_r(home: Path) -> None:
    imagenet_a(home, "imagenet-r")


def class_names(
    home: Path,
    names: Iterable[str] = ("tench", "goldfish", "great white shark"),
    before: Iterable[str] = (),
) -> None:
    rows = [f"{wnid} {name}" for wnid, name in zip(WNIDS, names, strict=True)]
    write(home / "classnames.txt", [*before, *rows])


def domains(
    home: Path, names: Iterable[str], classes: Iterable[str] = ("cat", "dog", "t-shirt")
) -> None:
    for name in names:
        class_folders(home / name, classes)


def _save(path: Path, variables: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables)


def _jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (90, 60, 30)).save(stream, "JPEG")
    return stream.getvalue()


_JPEG = _jpeg()
