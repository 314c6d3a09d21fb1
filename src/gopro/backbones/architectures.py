"""What is known of open_clip's architectures: a table that ``scripts/architectures.py`` writes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

CHANGING_UPPER_TEXT = ("mmrl", "mma")
"""The methods that change the upper blocks of the text tower."""

Towers = Literal["both", "image", "text", "none"]

TABLE = Path(__file__).parent / "architectures.csv"

# the first part that a name contains, in small letters, tells its family
_FAMILIES = {
    "coca": "CoCa",
    "nllb": "NLLB-CLIP",
    "siglip2": "SigLIP 2",
    "siglip": "SigLIP",
    "eva01": "EVA-CLIP",
    "eva02": "EVA02-CLIP",
    "mobileclip2": "MobileCLIP 2",
    "mobileclip": "MobileCLIP",
    "pe-core": "PE-Core",
    "convnext": "ConvNeXt",
    "vitamin": "ViTamin",
    "clipa": "CLIPA",
    "worldwide": "MetaCLIP worldwide",
    "roberta": "CLIP with RoBERTa",
    "mt5": "CLIP with mT5",
    "naflex": "NaFlex",
    "moderntext": "CLIP with ModernBERT",
    "gte": "CLIP with ModernBERT",
    "swin": "Swin",
    "rn": "CLIP, ResNet",
    "vit": "CLIP, ViT",
}

# The licence of published weights: of a family, else of the first beginning of a tag that fits. ""
# is one that we don't know. Behind each: the GitHub repository (LICENSE or README) or the card on
# the Hugging Face hub (hf) that states it.
_APPLE = "Apple ML research"
_LICENCES_OF_FAMILIES = {
    "NLLB-CLIP": "CC BY-NC 4.0",  # hf visheratin/nllb-clip-base-siglip, nllb-siglip-mrl-base
    "ViTamin": "",  # Beckschen/ViTamin licenses its code, not the weights
    "CLIPA": "Apache-2.0",  # UCSC-VLAA/CLIPA, hf UCSC-VLAA/ViT-L-14-CLIPA-datacomp1B
}
_LICENCES_OF_TAGS = {
    "openai": "MIT",  # openai/CLIP
    "laion": "MIT",  # mlfoundations/open_clip, baaivision/EVA, hf laion/*
    "frozen_laion": "MIT",  # hf laion/CLIP-ViT-H-14-frozen-xlm-roberta-large-laion5B-s13B-b90k
    "mscoco_finetuned_laion": "MIT",  # hf laion/mscoco_finetuned_CoCa-ViT-L-14-laion2B-s13B-b90k
    "merged2b": "MIT",  # baaivision/EVA, hf QuanSun/EVA-CLIP
    "datacompdr": _APPLE,  # apple/ml-mobileclip, LICENSE_MODELS
    "datacomp_": "MIT",  # hf laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K
    "commonpool": "MIT",  # hf laion/CLIP-ViT-B-32-CommonPool.S.basic-s13M-b4K
    "dfndr": _APPLE,  # apple/ml-mobileclip, LICENSE_MODELS
    "dfn": _APPLE,  # hf apple/DFN2B-CLIP-ViT-B-16 (apple-amlr)
    "metaclip": "CC BY-NC 4.0",  # facebookresearch/MetaCLIP
    "webli": "Apache-2.0",  # google-research/big_vision, hf timm/ViT-SO400M-14-SigLIP2
    "meta": "Apache-2.0",  # facebookresearch/perception_models, apps/pe
}


@dataclass(frozen=True)
class Architecture:
    """One architecture.

    Attributes:
        name: open_clip's.
        family: Whose model it is.
        pixels: Side of the input.
        image_parameters: Number of weights of the image tower.
        text_parameters: Of the text tower.
        image_prompts: Whether its image tower takes learned prompts.
        low_rank: The towers that take low-rank additions.
        refused: Why it can't be built; empty if it can.
        upper_text: Whether methods can change the upper blocks of its text tower; not if that is
            a text model of transformers.
        projection: Whether its image tower ends with a linear map.
    """

    name: str
    family: str
    pixels: int
    image_parameters: int
    text_parameters: int
    image_prompts: bool
    low_rank: Towers
    refused: str = ""
    upper_text: bool = True
    projection: bool = True

    @property
    def layer_norms(self) -> Towers:
        """The towers whose blocks have layer norms that can be trained."""
        if self.image_prompts:
            return "both" if self.upper_text else "image"
        return "text" if self.upper_text else "none"


def family(name: str) -> str:
    """Whose model an architecture is, by its name."""
    return next((word for part, word in _FAMILIES.items() if part in name.lower()), "other")


def licence(name: str, tag: str) -> str:
    """The licence of an architecture's published weights; empty if it isn't known."""
    of_family = _LICENCES_OF_FAMILIES.get(family(name))
    if of_family is not None:
        return of_family
    return next((text for part, text in _LICENCES_OF_TAGS.items() if tag.startswith(part)), "")


@lru_cache(maxsize=1)
def known() -> dict[str, Architecture]:
    """The table, by name."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [_typed(row) for row in csv.DictReader(file)]
    return {row.name: row for row in rows}


def write(rows: Iterable[Architecture], path: Path = TABLE) -> None:
    """Write the table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, [one.name for one in fields(Architecture)], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def fitting(row: Architecture, modifying: Sequence[str]) -> str:
    """Which methods work, in words.

    Args:
        row: The architecture.
        modifying: The methods that change the image encoder.
    """
    text = () if row.upper_text else CHANGING_UPPER_TEXT
    towers = {"clip_lora": row.low_rank, "two_stage": row.layer_norms}
    without = [
        name for name in modifying if name not in towers and (name in text or not row.image_prompts)
    ]
    without += [name for name, tower in towers.items() if tower == "none"]
    without += [] if row.projection else ["prolip"]
    words = [f"all but {', '.join(without)}" if without else "all"]
    one = {name: tower for name, tower in towers.items() if tower in ("image", "text")}
    return "; ".join(
        [*words, *(f"{name} with --{name}.tower {tower}" for name, tower in one.items())]
    )


def _typed(row: dict[str, Any]) -> Architecture:
    numbers = {key: int(row[key]) for key in ("pixels", "image_parameters", "text_parameters")}
    flags = {key: row[key] == "True" for key in ("image_prompts", "upper_text", "projection")}
    return Architecture(**{**row, **numbers, **flags})
