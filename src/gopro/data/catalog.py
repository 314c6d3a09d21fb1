"""``KNOWN``, the catalog of data sets: one entry per set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gopro.data import official
from gopro.data.benchmark_sets import read_fixed
from gopro.data.catalog_entry import Known, Reader, Size
from gopro.data.domains import read_domains
from gopro.data.folder import read_class_folders
from gopro.data.imagenet import read_imagenet
from gopro.data.worldset import read_world

_EUROSAT = {
    "AnnualCrop": "Annual Crop Land",
    "HerbaceousVegetation": "Herbaceous Vegetation Land",
    "Highway": "Highway or Road",
    "Industrial": "Industrial Buildings",
    "Pasture": "Pasture Land",
    "PermanentCrop": "Permanent Crop Land",
    "Residential": "Residential Buildings",
    "SeaLake": "Sea or Lake",
}
_CALTECH = {
    "Faces": "face",
    "Leopards": "leopard",
    "Motorbikes": "motorbike",
    "airplanes": "airplane",
}


def _benchmark(
    split: str, lists: Callable[[Path], official.Lists], images: str = "images"
) -> Reader:
    """A set of the CoOp benchmark with a split file, else with the annotations of ``lists``."""
    return partial(read_fixed, images=images, split=f"split_zhou_{split}.json", lists=lists)


def _class_folders(split: str, images: str = "images", **options: Any) -> Reader:
    """A set of the CoOp benchmark whose annotations are its class folders."""
    return _benchmark(split, partial(official.class_folders, images=images, **options), images)


KNOWN: dict[str, Known] = {
    "caltech101": Known(
        "Caltech101: photographs of 100 kinds of objects",
        _class_folders(
            "Caltech101",
            "101_ObjectCategories",
            renamed=_CALTECH,
            ignored=("BACKGROUND_Google", "Faces_easy"),
        ),
        ("caltech-101",),
        Size(100, (4128, 1649, 2465), 140),
        "CC BY 4.0",
        "https://data.caltech.edu/records/mzrjq-6wc02",
    ),
    "oxford_pets": Known(
        "OxfordPets: 37 breeds of cats and dogs",
        _benchmark("OxfordPets", official.oxford_pets),
        ("oxford_pets",),
        Size(37, (2944, 736, 3669), 800),
        "CC BY-SA 4.0",
        "https://www.robots.ox.ac.uk/~vgg/data/pets/",
    ),
    "stanford_cars": Known(
        "StanfordCars: 196 models of cars",
        _benchmark("StanfordCars", official.stanford_cars, "."),
        ("stanford_cars",),
        Size(196, (6509, 1635, 8041), 1900),
        "research, not commercial",
        "http://ai.stanford.edu/~jkrause/cars/car_dataset.html",
    ),
    "oxford_flowers": Known(
        "Flowers102: 102 kinds of flowers",
        _benchmark("OxfordFlowers", official.oxford_flowers, "jpg"),
        ("oxford_flowers",),
        Size(102, (4093, 1633, 2463), 350),
        "none stated; research",
        "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
    ),
    "food101": Known(
        "Food101: 101 dishes",
        _class_folders("Food101"),
        ("food-101",),
        Size(101, (50500, 20200, 30300), 5000),
        "research; pictures of Foodspotting's users",
        "https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
    ),
    "fgvc_aircraft": Known(
        "FGVCAircraft: 100 variants of aircraft",
        partial(read_fixed, lists=official.fgvc_aircraft),
        ("fgvc_aircraft",),
        Size(100, (3334, 3333, 3333), 2700),
        "research, not commercial",
        "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
    ),
    "sun397": Known(
        "SUN397: 397 kinds of scenes",
        _benchmark("SUN397", official.sun397, "SUN397"),
        ("sun397",),
        Size(397, (15880, 3970, 19850), 37000),
        "none stated; research",
        "https://vision.princeton.edu/projects/2010/SUN/",
    ),
    "dtd": Known(
        "DTD: 47 describable textures",
        _class_folders("DescribableTextures"),
        ("dtd",),
        Size(47, (2820, 1128, 1692), 600),
        "research",
        "https://www.robots.ox.ac.uk/~vgg/data/dtd/",
    ),
    "eurosat": Known(
        "EuroSAT: 10 kinds of land use seen by a satellite",
        _class_folders("EuroSAT", "2750", renamed=_EUROSAT),
        ("eurosat",),
        Size(10, (13500, 5400, 8100), 100),
        "MIT",
        "https://github.com/phelber/EuroSAT",
    ),
    "ucf101": Known(
        "UCF101: middle frames of videos of 101 actions",
        _benchmark("UCF101", official.ucf101, "UCF-101-midframes"),
        ("ucf101",),
        Size(101, (7639, 1898, 3783), 500),
        "none stated; research",
        "https://www.crcv.ucf.edu/data/UCF101.php",
    ),
    "imagenet": Known(
        "ImageNet: 1,000 kinds of things, tested on its validation pictures",
        partial(read_imagenet, images="images", parts={"train": "train", "test": "val"}),
        ("imagenet",),
        Size(1000, (1281167, 0, 50000), 145000),
        "research and teaching, not commercial; asks for an account",
        "https://image-net.org/download.php",
        ("imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"),
    ),
    "imagenetv2": Known(
        "ImageNetV2: ImageNet's classes photographed anew; test only",
        partial(
            read_imagenet,
            images="imagenetv2-matched-frequency-format-val",
            parts={"test": ""},
            numbered=True,
        ),
        ("imagenetv2",),
        Size(1000, (0, 0, 10000), 1300),
        "as ImageNet; the code MIT",
        "https://github.com/modestyachts/ImageNetV2",
    ),
    "imagenet_sketch": Known(
        "ImageNet-Sketch: ImageNet's classes as drawings; test only",
        partial(read_imagenet, images="images", parts={"test": ""}),
        ("imagenet-sketch",),
        Size(1000, (0, 0, 50889), 8000),
        "MIT",
        "https://github.com/HaohanWang/ImageNet-Sketch",
    ),
    "imagenet_a": Known(
        "ImageNet-A: photographs of 200 classes that networks got wrong; test only",
        partial(read_imagenet, images="imagenet-a", parts={"test": ""}),
        ("imagenet-adversarial",),
        Size(200, (0, 0, 7500), 700),
        "MIT",
        "https://github.com/hendrycks/natural-adv-examples",
    ),
    "imagenet_r": Known(
        "ImageNet-R: 200 classes as art, toys, graffiti and more; test only",
        partial(read_imagenet, images="imagenet-r", parts={"test": ""}),
        ("imagenet-rendition",),
        Size(200, (0, 0, 30000), 2200),
        "MIT",
        "https://github.com/hendrycks/imagenet-r",
    ),
    "pacs": Known(
        "PACS: 7 kinds of things as photograph, painting, cartoon and sketch",
        partial(read_domains, domains=("art_painting", "cartoon", "photo", "sketch")),
        ("pacs", "PACS"),
        Size(7, (9991,), 190),
        "none stated; research",
        "https://dali-dl.github.io/project_iccv2017.html",
    ),
    "office_home": Known(
        "OfficeHome: 65 kinds of everyday things in 4 styles",
        partial(read_domains, domains=("Art", "Clipart", "Product", "Real World")),
        ("office_home",),
        Size(65, (15588,), 1200),
        "research and teaching, not commercial",
        "https://www.hemanthdv.org/officeHomeDataset.html",
    ),
    "vlcs": Known(
        "VLCS: 5 kinds of things from 4 older sets of photographs",
        partial(read_domains, domains=("Caltech101", "LabelMe", "SUN09", "VOC2007")),
        ("vlcs", "VLCS"),
        Size(5, (10729,), 3700),
        "that of each of the 4 sets",
        "https://github.com/facebookresearch/DomainBed",
        taken_from=("caltech101",),
    ),
    "domainnet": Known(
        "DomainNet: 345 kinds of things in 6 styles",
        partial(
            read_domains,
            domains=("clipart", "infograph", "painting", "quickdraw", "real", "sketch"),
        ),
        ("domainnet", "domain_net"),
        Size(345, (586575,), 18000),
        "research; fair use",
        "https://ai.bu.edu/M3SDA/",
    ),
    "terra_incognita": Known(
        "TerraIncognita: wild animals before 4 camera traps",
        partial(
            read_domains, domains=("location_38", "location_43", "location_46", "location_100")
        ),
        ("terra_incognita",),
        Size(10, (24330,), 2700),
        "CDLA Permissive 1.0",
        "https://lila.science/datasets/caltech-camera-traps",
    ),
    "rsscn7": Known(
        "RSSCN7: 7 kinds of land seen from the air",
        read_class_folders,
        ("rsscn7", "RSSCN7"),
        Size(7, (2800,), 350),
        "none stated; research",
        "https://github.com/palewithout/RSSCN7",
    ),
    "dtd10": Known(
        "DTD10: the first ten of DTD's textures by name",
        read_class_folders,
        ("dtd10",),
        Size(10, (1200,), 130),
        "research",
        "https://www.robots.ox.ac.uk/~vgg/data/dtd/",
        taken_from=("dtd",),
    ),
    "world": Known(
        "built in: drawn objects in four styles, made when needed, no download",
        lambda name, home, classes: read_world(),
        (),
        Size(56, (2240, 896, 2240)),
    ),
}


def present(root: Path) -> list[str]:
    """Names of the data sets with a folder in ``root``, complete or not; not built-in ones."""
    return [name for name, known in KNOWN.items() if known.home(root) is not None]


def share_pictures(one: str, other: str) -> bool:
    """Whether two sets of the catalog have pictures in common; False for other names."""
    pairs = ((one, other), (other, one))
    return any(a in KNOWN and b in KNOWN[a].taken_from for a, b in pairs)
