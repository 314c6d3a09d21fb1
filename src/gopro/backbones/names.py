"""Names of backbones as people write them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gopro.backbones import architectures
from gopro.backbones.embedded import LOADERS
from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.localdir import LOCAL, located

HUB = "hf-hub:"
QUICK = "-quickgelu"
CONFIG = "open_clip_config.json"

_USUAL = ("lite", "ViT-B-16", "ViT-B-16-SigLIP2")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def canonical(name: str) -> str:
    """The name as open_clip and this package write it.

    ``ViT-B/16``, ``vit_b16`` and ``ViT-B-16`` are one model, ``ViT-L/14@336px`` is
    ``ViT-L-14-336``, and ``ORG/NAME`` is a repository of the Hugging Face hub. ``-quickgelu``
    after any name of open_clip asks for that activation.

    Args:
        name: "lite", "mini", a name of open_clip, "hf-hub:ORG/NAME", "ORG/NAME", or
            "local-dir:PATH" for a folder with ``open_clip_config.json``.

    Raises:
        GoproError: For a name that is none of these. The nearest are suggested, of those that can
            be built and have weights to download.
    """
    if name in LOADERS:
        return name
    if name.startswith(LOCAL):
        name = located(name)
        folder = Path(name.removeprefix(LOCAL))
        if not (folder / CONFIG).is_file():
            raise GoproError(
                f"got the backbone {name}, and there is no {folder / CONFIG}; give the folder of a "
                "model as open_clip saves it"
            )
        return name
    if name.startswith(HUB):
        if not _HUB_NAME.fullmatch(name.removeprefix(HUB)):
            raise GoproError(f"got the backbone {name!r}; write it like {HUB}timm/ViT-B-16-SigLIP")
        return name
    import open_clip

    if name in open_clip.list_models() and _has_both(open_clip.get_model_config(name)):
        return name
    known, plain = _squeezed(), squeeze(name)
    for one in (plain, plain.removeprefix("clip")):  # as in "CLIP ViT-B/16"
        base = one.removesuffix(squeeze(QUICK))
        if one in known or base in known:
            return known.get(one) or known[base] + QUICK
    if (expanded(name) / CONFIG).is_file():
        hint = f", or {HUB}{name} for that of the hub" if _HUB_NAME.fullmatch(name) else ""
        raise GoproError(f"the backbone {name} is a folder here; write {LOCAL}{name}{hint}")
    owner = squeeze(name.partition("/")[0])
    if _HUB_NAME.fullmatch(name) and not any(one.startswith(owner) for one in known):
        return HUB + name
    if name in open_clip.list_models():
        raise GoproError(f"{name} has no tower for images and text; choose another --backbone")
    similar = _similar(plain, known)
    hint = f"did you mean {', '.join(similar)}?" if similar else f"choose {', '.join(_USUAL)}"
    raise GoproError(f"there is no backbone {name!r}; {hint} (`gopro backbones` lists all)")


def usable() -> list[str]:
    """The names of open_clip whose models have an image and a text tower."""
    import open_clip

    return [name for name in open_clip.list_models() if _has_both(open_clip.get_model_config(name))]


def squeeze(name: str) -> str:
    """A name without case, separators and the unit of a size."""
    return re.sub(r"[-_/@ .]", "", re.sub(r"(?<=\d)px$", "", name.strip().lower()))


def _similar(plain: str, known: Mapping[str, str]) -> list[str]:
    """Up to three names to suggest: those that contain the text, short ones first, else near ones.

    Args:
        plain: What was written, squeezed.
        known: Squeezed name -> name.
    """
    fit = [one for one, name in known.items() if _at_hand(name)]
    parts = [one for one in fit if plain and plain in one]
    parts.sort(key=lambda one: (not one.startswith(plain), len(one)))
    near = difflib.get_close_matches(plain, fit, n=3, cutoff=0.4)
    return [known[one] for one in dict.fromkeys([*parts, *near])][:3]


def _at_hand(name: str) -> bool:
    """Whether a model can be built and its weights are here or can be downloaded."""
    import open_clip

    row = architectures.known().get(name)
    if row is not None and row.refused:
        return False
    return name in LOADERS or bool(open_clip.list_pretrained_tags_by_model(name))


def _has_both(config: dict[str, Any]) -> bool:
    return "vision_cfg" in config and "text_cfg" in config and "audio_cfg" not in config


def _squeezed() -> dict[str, str]:
    """Squeezed name -> name, of all that can be built."""
    return {squeeze(name): name for name in (*LOADERS, *usable())}
