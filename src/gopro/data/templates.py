"""Hand-written prompt templates of zero-shot CLIP.

``own_template`` is the CoOp benchmark's template of a data set (Zhou et al., IJCV 2022).
``ENSEMBLES`` are the templates of CLIP's authors for ImageNet (Radford et al., ICML 2021): all 80,
and the 7 that their notebook selects.
"""

from __future__ import annotations

USUAL = "a photo of a {}."
"""The template of data sets without their own."""

_OWN = {
    "caltech101": USUAL,
    "oxford_pets": "a photo of a {}, a type of pet.",
    "stanford_cars": USUAL,
    "oxford_flowers": "a photo of a {}, a type of flower.",
    "food101": "a photo of {}, a type of food.",
    "fgvc_aircraft": "a photo of a {}, a type of aircraft.",
    "sun397": USUAL,
    "dtd": "{} texture.",
    "eurosat": "a centered satellite photo of {}.",
    "ucf101": "a photo of a person doing {}.",
    "imagenetv2": USUAL,
    "imagenet_sketch": USUAL,
    "imagenet_a": USUAL,
    "imagenet_r": USUAL,
}
"""Without ImageNet: its template is ``USUAL``, and the benchmark adds none to its ensemble."""

_SELECT = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)

_IMAGENET = (
    "a bad photo of a {}.",
    "a photo of many {}.",
    "a sculpture of a {}.",
    "a photo of the hard to see {}.",
    "a low resolution photo of the {}.",
    "a rendering of a {}.",
    "graffiti of a {}.",
    "a bad photo of the {}.",
    "a cropped photo of the {}.",
    "a tattoo of a {}.",
    "the embroidered {}.",
    "a photo of a hard to see {}.",
    "a bright photo of a {}.",
    "a photo of a clean {}.",
    "a photo of a dirty {}.",
    "a dark photo of the {}.",
    "a drawing of a {}.",
    "a photo of my {}.",
    "the plastic {}.",
    "a photo of the cool {}.",
    "a close-up photo of a {}.",
    "a black and white photo of the {}.",
    "a painting of the {}.",
    "a painting of a {}.",
    "a pixelated photo of the {}.",
    "a sculpture of the {}.",
    "a bright photo of the {}.",
    "a cropped photo of a {}.",
    "a plastic {}.",
    "a photo of the dirty {}.",
    "a jpeg corrupted photo of a {}.",
    "a blurry photo of the {}.",
    "a photo of the {}.",
    "a good photo of the {}.",
    "a rendering of the {}.",
    "a {} in a video game.",
    "a photo of one {}.",
    "a doodle of a {}.",
    "a close-up photo of the {}.",
    "a photo of a {}.",
    "the origami {}.",
    "the {} in a video game.",
    "a sketch of a {}.",
    "a doodle of the {}.",
    "a origami {}.",
    "a low resolution photo of a {}.",
    "the toy {}.",
    "a rendition of the {}.",
    "a photo of the clean {}.",
    "a photo of a large {}.",
    "a rendition of a {}.",
    "a photo of a nice {}.",
    "a photo of a weird {}.",
    "a blurry photo of a {}.",
    "a cartoon {}.",
    "art of a {}.",
    "a sketch of the {}.",
    "a embroidered {}.",
    "a pixelated photo of a {}.",
    "itap of the {}.",
    "a jpeg corrupted photo of the {}.",
    "a good photo of a {}.",
    "a plushie {}.",
    "a photo of the nice {}.",
    "a photo of the small {}.",
    "a photo of the weird {}.",
    "the cartoon {}.",
    "art of the {}.",
    "a drawing of the {}.",
    "a photo of the large {}.",
    "a black and white photo of a {}.",
    "the plushie {}.",
    "a dark photo of a {}.",
    "itap of a {}.",
    "graffiti of the {}.",
    "a toy {}.",
    "itap of my {}.",
    "a photo of a cool {}.",
    "a photo of a small {}.",
    "a tattoo of the {}.",
)

ENSEMBLES = {"select": _SELECT, "imagenet": _IMAGENET}
"""Name -> templates whose text embeddings are averaged."""


def own_template(dataset: str) -> str | None:
    """The benchmark's template of a data set; None for ImageNet and for sets it doesn't include."""
    return _OWN.get(dataset)


def sentences(template: str | None, ensemble: str = "none") -> tuple[str, ...]:
    """The prompt templates that zero-shot CLIP uses.

    Args:
        template: A template; None for ``USUAL``.
        ensemble: "none": only ``template``; "select": the 7, and ``template`` unless it is None,
            as in the benchmark; "imagenet": only the 80.
    """
    if ensemble == "none":
        return (USUAL if template is None else template,)
    extra = (template,) if ensemble == "select" and template is not None else ()
    return tuple(dict.fromkeys((*ENSEMBLES[ensemble], *extra)))


def in_words(template: str | None, ensemble: str = "none") -> str:
    """A short description of ``sentences(template, ensemble)`` for results and tables."""
    templates = sentences(template, ensemble)
    if ensemble == "none":
        return templates[0]
    extra = templates[len(ENSEMBLES[ensemble]) :]
    listed = f"the {len(ENSEMBLES[ensemble])} of the ensemble {ensemble}"
    return f"{listed}, and {extra[0]}" if extra else listed
