"""Addresses, mirrors and checksums of the files of the catalog's data sets.

The benchmark's split files and class names are on its authors' drive. Checksums are the published
ones, except those of seven split files, which were computed from the files.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """One file to download.

    Attributes:
        urls: The authors' address, then mirrors of the same file.
        gives: Its path in the set's folder. For an archive, pairs of a path in the archive and the
            path in the set's folder that it is extracted to.
        checksum: ``md5:...`` or ``sha256:...``; empty if none is published.
        inner: Path of an archive in the archive, if that contains the files.
        name: The file's name, if the address doesn't end with it.
    """

    urls: tuple[str, ...]
    gives: str | tuple[tuple[str, str], ...]
    checksum: str = ""
    inner: str = ""
    name: str = ""

    @property
    def installed(self) -> tuple[str, ...]:
        """Paths in the set's folder that the file provides."""
        return (self.gives,) if isinstance(self.gives, str) else tuple(to for _, to in self.gives)

    @property
    def file(self) -> str:
        """Name of the downloaded file."""
        return self.name or self.urls[0].rpartition("/")[2]


def _drive(key: str) -> tuple[str, ...]:
    return (f"https://drive.usercontent.google.com/download?id={key}&export=download&confirm=t",)


def _split(key: str, name: str, sha256: str = "") -> Piece:
    return Piece(_drive(key), name, f"sha256:{sha256}" if sha256 else "", name=name)


def _same(*names: str, parent: str = "") -> tuple[tuple[str, str], ...]:
    """Paths in the archive's folder ``parent`` that keep their names."""
    return tuple((f"{parent}{name}", name) for name in names)


_VGG = "https://www.robots.ox.ac.uk/~vgg/data"
_HUB = "https://huggingface.co/datasets"
_VISDA = "http://csr.bu.edu/ftp/visda/2019/multi-source"
_CLASSNAMES = _split("1-61f_ol79pViBFDG_IDlUQSwoLcn2XXF", "classnames.txt")

SOURCES: dict[str, tuple[Piece, ...]] = {
    "caltech101": (
        Piece(
            ("https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip",),
            _same("101_ObjectCategories"),
            "md5:3138e1922a9193bfa496528edbbc45d0",
            inner="caltech-101/101_ObjectCategories.tar.gz",
        ),
        _split(
            "1hyarUivQE36mY6jSomru6Fjd-JzwcCzN",
            "split_zhou_Caltech101.json",
            "52ce83205ff8ff8a1a18119aad6376120ae35c36e783a984bc560cbf10e73fa5",
        ),
    ),
    "oxford_pets": (
        Piece(
            (f"{_VGG}/pets/data/images.tar.gz",),
            _same("images"),
            "md5:5c4f3ee8e5d25df40f4fd59a7f44e54c",
        ),
        Piece(
            (f"{_VGG}/pets/data/annotations.tar.gz",),
            _same("annotations"),
            "md5:95a8c909bbe2e81eed6a22bccdf3f68f",
        ),
        _split(
            "1501r8Ber4nNKvmlFVQZ8SeUHTcdTTEqs",
            "split_zhou_OxfordPets.json",
            "d7f3ffe65b3919f95132e51422894ae18686b83c331fd8c0adcdc3dc2de6301e",
        ),
    ),
    "stanford_cars": (
        _split(
            "1ObCFbaAgVu0I-k_Au-gIUcefirdAuizT",
            "split_zhou_StanfordCars.json",
            "40acee7aa65c8e4727a32d90e884b7c3f8960b523422317e163f7af65432959d",
        ),
    ),
    "oxford_flowers": (
        Piece(
            (f"{_VGG}/flowers/102/102flowers.tgz",),
            _same("jpg"),
            "md5:52808999861908f626f3c1f4e79d11fa",
        ),
        Piece(
            (f"{_VGG}/flowers/102/imagelabels.mat",),
            "imagelabels.mat",
            "md5:e0620be6f572b9609742df49c70aed4d",
        ),
        _split(
            "1AkcxCXeK_RCGCEC_GvmWxjcjaNhu-at0",
            "cat_to_name.json",
            "0469f1ad7fe0072d98155c49aa58649d998edbbe3326229003aa5f7228525236",
        ),
        _split(
            "1Pp0sRXzZFZq15zVOzKjKBu4A9i01nozT",
            "split_zhou_OxfordFlowers.json",
            "2f50c42fc1a17ca13c271cb4269b1347bdb43d2be672e34f74a4e4cbfbcca794",
        ),
    ),
    "food101": (
        Piece(
            ("http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz",),
            _same("images", "meta", parent="food-101/"),
            "md5:85eeb15f3717b99a5da872d97d918f87",
        ),
        _split("1QK0tGi096I0Ba6kggatX1ee6dJFIcEJl", "split_zhou_Food101.json"),
    ),
    "fgvc_aircraft": (
        Piece(
            (f"{_VGG}/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz",),
            _same(
                "images",
                "variants.txt",
                *(f"images_variant_{part}.txt" for part in ("train", "val", "test")),
                parent="fgvc-aircraft-2013b/data/",
            ),
        ),
    ),
    "sun397": (
        Piece(
            ("http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz",),
            _same("SUN397"),
            "md5:8ca2778205c41d23104230ba66911c7a",
        ),
        Piece(
            ("https://vision.princeton.edu/projects/2010/SUN/download/Partitions.zip",),
            _same("ClassName.txt", "Training_01.txt", "Testing_01.txt"),
        ),
        _split("1y2RD81BYuiyvebdN-JymPfyWYcd8_MUq", "split_zhou_SUN397.json"),
    ),
    "dtd": (
        Piece(
            (f"{_VGG}/dtd/download/dtd-r1.0.1.tar.gz",),
            _same("images", parent="dtd/"),
            "md5:fff73e5086ae6bdbea199a49dfb8a4c1",
        ),
        _split(
            "1u3_QfB467jqHgNXC00UIzbLZRQCg2S7x",
            "split_zhou_DescribableTextures.json",
            "f26ebeccd2b58e68d70f07a0dc39fe49bf7b69024bac34396b954dfd87969c38",
        ),
    ),
    "eurosat": (
        Piece(
            (
                f"{_HUB}/torchgeo/eurosat/resolve/"
                "c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
                "http://madm.dfki.de/files/sentinel/EuroSAT.zip",
            ),
            _same("2750"),
            "md5:c8fa014336c82ac7804f0398fcb19387",
        ),
        _split(
            "1Ip7yaCWFi0eaOFUGga0lUdVi_DDQth1o",
            "split_zhou_EuroSAT.json",
            "541503a77d0b26b735d85ec7a3e672804fe0aa466c2e5f07da772cc6c0af8ad2",
        ),
    ),
    "ucf101": (
        Piece(
            _drive("10Jqome3vtUA2keJkNanAiFpgbyC9Hc2O"),
            _same("UCF-101-midframes"),
            name="UCF-101-midframes.zip",
        ),
        _split(
            "1I0S0q91hJfsV9Gf4xDIjgDq4AqBNJb1y",
            "split_zhou_UCF101.json",
            "d78cb834f7c5792ceaff2c5ee2d7c76a9e4086e48a3a6b01232989d29cbefdd8",
        ),
    ),
    "imagenet": (_CLASSNAMES,),
    "imagenetv2": (
        Piece(
            (
                f"{_HUB}/vaishaal/ImageNetV2/resolve/main/imagenetv2-matched-frequency.tar.gz",
                "https://s3-us-west-2.amazonaws.com/imagenetv2public/"
                "imagenetv2-matched-frequency.tar.gz",
            ),
            _same("imagenetv2-matched-frequency-format-val"),
        ),
        _CLASSNAMES,
    ),
    "imagenet_sketch": (
        Piece(
            (
                *_drive("1Mj0i5HBthqH1p_yeXzsg22gZduvgoNeA"),
                f"{_HUB}/songweig/imagenet_sketch/resolve/main/data/ImageNet-Sketch.zip",
            ),
            (("sketch", "images"),),
            name="ImageNet-Sketch.zip",
        ),
        _CLASSNAMES,
    ),
    "imagenet_a": (
        Piece(
            ("https://people.eecs.berkeley.edu/~hendrycks/imagenet-a.tar",),
            _same("imagenet-a"),
            "md5:c3e55429088dc681f30d81f4726b6595",
        ),
        _CLASSNAMES,
    ),
    "imagenet_r": (
        Piece(
            ("https://people.eecs.berkeley.edu/~hendrycks/imagenet-r.tar",),
            _same("imagenet-r"),
            "md5:a61312130a589d0ca1a8fca1f2bd3337",
        ),
        _CLASSNAMES,
    ),
    "pacs": (
        Piece(
            _drive("1JFr8f805nMUelQWWmfnJR3y4_SYoN5Pd"),
            _same("art_painting", "cartoon", "photo", "sketch", parent="kfold/"),
            name="PACS.zip",
        ),
    ),
    "office_home": (
        Piece(
            _drive("1uY0pj7oFsjMxRwaD3Sxy0jgel0fsYXLC"),
            _same(
                *("Art", "Clipart", "Product", "Real World"), parent="OfficeHomeDataset_10072016/"
            ),
            name="office_home.zip",
        ),
    ),
    "vlcs": (
        Piece(
            _drive("1skwblH1_okBwxWxmRsp9_qi15hyPpxg8"),
            _same("Caltech101", "LabelMe", "SUN09", "VOC2007", parent="VLCS/"),
            name="VLCS.tar.gz",
        ),
    ),
    "domainnet": tuple(
        Piece((f"{_VISDA}/{folder}{name}.zip",), _same(name))
        for folder, name in (
            *(("groundtruth/", "clipart"), ("", "infograph"), ("groundtruth/", "painting")),
            *(("", "quickdraw"), ("", "real"), ("", "sketch")),
        )
    ),
    "terra_incognita": (),
    "rsscn7": (),
    "dtd10": (),
}
"""Name of a data set -> its files. Built-in sets have none."""

BY_HAND = {
    "stanford_cars": "the makers' page has no pictures any more: put cars_train/ and cars_test/ "
    "there from a copy you have",
    "imagenet": "its licence asks for an account: get ILSVRC2012_img_train.tar and "
    "ILSVRC2012_img_val.tar from image-net.org and unpack them, a folder for each class, to "
    "images/train and images/val",
    "terra_incognita": "its pictures lie in one folder beside a list of places and animals: "
    "arrange them by location and class as DomainBed's download script does",
    "rsscn7": "its makers share it from a page that asks for a visit: unpack it, and give each "
    "class folder a name in words, such as parking_lot and river_or_lake",
    "dtd10": "it is a part of DTD: run `gopro data download dtd`, and copy the class folders "
    "banded to crystalline, the first ten by name, out of dtd/images",
}
"""Name of a data set -> what must be fetched by hand, and why."""
