"""The methods by name, one file each; a new method is a class and a line in ``TABLE``."""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING

from gopro.common.errors import GoproError

if TYPE_CHECKING:
    from gopro.methods.base import Method

TABLE = {
    "zeroshot": "gopro.methods.zeroshot:ZeroShot",
    "coop": "gopro.methods.coop:CoOp",
    "cocoop": "gopro.methods.cocoop:CoCoOp",
    "kgcoop": "gopro.methods.kgcoop:KgCoOp",
    "prograd": "gopro.methods.prograd:ProGrad",
    "tcp": "gopro.methods.tcp:TCP",
    "slip": "gopro.methods.slip:SLIP",
    "stylip": "gopro.methods.stylip:StyLIP",
    "vpt": "gopro.methods.vpt:VPT",
    "maple": "gopro.methods.maple:MaPLe",
    "promptsrc": "gopro.methods.promptsrc:PromptSRC",
    "coprompt": "gopro.methods.coprompt:CoPrompt",
    "mmrl": "gopro.methods.mmrl:MMRL",
    "mma": "gopro.methods.mma:MMA",
    "promptkd": "gopro.methods.promptkd:PromptKD",
    "linear_probe": "gopro.methods.linear_probe:LinearProbe",
    "clip_adapter": "gopro.methods.clip_adapter:CLIPAdapter",
    "clip_lora": "gopro.methods.clip_lora:CLIPLoRA",
    "tip_adapter": "gopro.methods.tip_adapter:TipAdapter",
    "linear_adapter": "gopro.methods.linear_adapter:LinearAdapter",
    "prolip": "gopro.methods.prolip:ProLIP",
    "two_stage": "gopro.methods.two_stage:TwoStage",
    "gopro": "gopro.methods.gopro:GOPro",
    "gopro_plus": "gopro.methods.gopro_plus:GOProPlus",
}
"""Name -> module and class, imported when used."""


def find(name: str) -> type[Method]:
    """The class of a method.

    Raises:
        GoproError: For an unknown name; the nearest one is suggested.
    """
    if name not in TABLE:
        similar = difflib.get_close_matches(name, TABLE, n=1)
        hint = f"did you mean {similar[0]}?" if similar else f"choose one of {', '.join(TABLE)}"
        raise GoproError(f"there is no method {name!r}; {hint}")
    module, _, attribute = TABLE[name].partition(":")
    method: type[Method] = getattr(importlib.import_module(module), attribute)
    return method
