"""The methods by name. One file a method; a new one is a class and a line in this table."""

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
    "linear_probe": "gopro.methods.linear_probe:LinearProbe",
    "clip_adapter": "gopro.methods.clip_adapter:CLIPAdapter",
    "clip_lora": "gopro.methods.clip_lora:CLIPLoRA",
    "tip_adapter": "gopro.methods.tip_adapter:TipAdapter",
    "gopro": "gopro.methods.gopro:GOPro",
}
"""Name on the command line -> module and class, imported when used."""


def find(name: str) -> type[Method]:
    """The class of a method.

    Raises:
        GoproError: When there is no such method; the nearest name is suggested.
    """
    if name not in TABLE:
        near = difflib.get_close_matches(name, TABLE, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(TABLE)}"
        raise GoproError(f"there is no method {name!r}; {hint}")
    module, _, attribute = TABLE[name].partition(":")
    found: type[Method] = getattr(importlib.import_module(module), attribute)
    return found
