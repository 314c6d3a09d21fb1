"""Hand-written prompt templates of zero-shot CLIP; ``backbones/prompts.py`` fills them in.

``own_template`` is the CoOp benchmark's template of a data set (Zhou et al., IJCV 2022);
``ensemble_templates`` are those of CLIP's authors for ImageNet (Radford et al., ICML 2021).
"""

from __future__ import annotations

from functools import cache

from gopro.common.single_module import single_module

DEFAULT = "a photo of a {}."
"""The template of data sets without their own."""

_OWN = {
    "caltech101": DEFAULT,
    "oxford_pets": "a photo of a {}, a type of pet.",
    "stanford_cars": DEFAULT,
    "oxford_flowers": "a photo of a {}, a type of flower.",
    "food101": "a photo of {}, a type of food.",
    "fgvc_aircraft": "a photo of a {}, a type of aircraft.",
    "sun397": DEFAULT,
    "dtd": "{} texture.",
    "eurosat": "a centered satellite photo of {}.",
    "ucf101": "a photo of a person doing {}.",
    "imagenetv2": DEFAULT,
    "imagenet_sketch": DEFAULT,
    "imagenet_a": DEFAULT,
    "imagenet_r": DEFAULT,
}
"""Without ImageNet: its template is ``DEFAULT``, and the benchmark adds none to its ensemble."""


@cache
def ensemble_templates(name: str) -> tuple[str, ...]:
    """Templates of CLIP's authors for ImageNet: all 80 ("imagenet"), or the 7 best ("select")."""
    theirs = single_module("open_clip", "zero_shot_metadata")
    templates = {
        "select": theirs.SIMPLE_IMAGENET_TEMPLATES,
        "imagenet": theirs.OPENAI_IMAGENET_TEMPLATES,
    }
    return tuple(template("{}") for template in templates[name])


def own_template(dataset: str) -> str | None:
    """The benchmark's template of a data set; None for ImageNet and for sets it doesn't include."""
    return _OWN.get(dataset)


def templates_for(template: str | None, ensemble: str = "none") -> tuple[str, ...]:
    """The prompt templates that zero-shot CLIP uses.

    Args:
        template: A template; None for ``DEFAULT``.
        ensemble: "none": only ``template``; "select": the 7, and ``template`` unless it is None,
            as in the benchmark; "imagenet": only the 80.
    """
    if ensemble == "none":
        return (DEFAULT if template is None else template,)
    extra = (template,) if ensemble == "select" and template is not None else ()
    return tuple(dict.fromkeys((*ensemble_templates(ensemble), *extra)))


def describe(template: str | None, ensemble: str = "none") -> str:
    """A short description of ``templates_for(template, ensemble)`` for results and tables."""
    templates = templates_for(template, ensemble)
    if ensemble == "none":
        return templates[0]
    size = len(ensemble_templates(ensemble))
    extra = templates[size:]
    listed = f"the {size} of the ensemble {ensemble}"
    return f"{listed}, and {extra[0]}" if extra else listed
