"""The model card (README.md) of a saved classifier: accuracy, usage, classes, requirements."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from gopro.common.files import last_part
from gopro.common.localdir import without_folders

_HEAD = """---
library_name: gopro
pipeline_tag: image-classification
tags:
- clip
- prompt-learning
---

# {method} on {backbone[name]}, {count} classes

An image classifier for {count} classes, made with gopro {gopro}: method `{method}`, {learned:,}
learned parameters on top of the frozen CLIP `{backbone[name]}`.

{results}

## Use

```python
from gopro import PromptClassifier

classifier = PromptClassifier.load("FOLDER")
classifier.predict(["photo.jpg"]){others}
```

```
gopro predict FOLDER photo.jpg
gopro evaluate FOLDER PHOTOGRAPHS
```

## Classes

{classes}

## Requirements

| | |
|---|---|
| backbone | `{backbone[name]}`{pretrained} |
| SHA-256 of its weights | `{backbone[sha256]}` |
| input | {input}; the model normalises it |

The folder does not contain the backbone's weights. Loading refuses a backbone with other weights.

## Training

{fitted}

## Limits

{limits} Test it on pictures like those you will use it for.
"""

_OTHERS = """
classifier.with_classes(["a name", "another name"]).predict_proba(["photo.jpg"])"""

_UNCALIBRATED = (
    "The classifier always chooses one of its classes, whatever the picture shows, and its "
    "probabilities\nare not calibrated."
)
_CALIBRATED = (
    "The probabilities are calibrated on the training pictures, by cross-validation, and a picture "
    "that is\nunlike all classes is answered with `none of these`. Both hold for pictures like the "
    "training pictures."
)


def card(about: Mapping[str, Any], other_names: bool = True) -> str:
    """The model card of a description, as stored in ``classifier.json``.

    Args:
        about: The description.
        other_names: Whether the classifier takes other class names than the trained ones.
    """
    pretrained = about["backbone"]["pretrained"]
    backbone = {**about["backbone"], "name": without_folders(about["backbone"]["name"])}
    return _HEAD.format(
        **{**about, "backbone": backbone},
        count=len(about["class_names"]),
        learned=about["learned_parameters"],
        input="{size} x {size} pixels: {resize}, {crop} crop".format(**about["preprocessing"]),
        pretrained=f" with `{last_part(pretrained)}`" if pretrained else "",
        others=_OTHERS if other_names else "",
        results=_results(about["measured"]),
        classes=_classes(about),
        fitted=_fitted(about),
        limits=_CALIBRATED if "calibration_sha256" in about else _UNCALIBRATED,
    )


def _results(measured: Mapping[str, Any] | None) -> str:
    if measured is None:
        return "Nothing was measured before it was saved."
    fitted = measured["fitted_on"]
    if fitted is None:
        which = " that may have been trained on"
    else:
        which = f", {fitted} of which it was fitted on" if fitted else " that weren't trained on"
    return (
        f"Accuracy on {measured['pictures']} pictures{which}: "
        f"**{measured['accuracy']:.1f} %**.\nZero-shot CLIP on the same pictures: "
        f"{measured['zero_shot']:.1f} %."
    )


def _classes(about: Mapping[str, Any]) -> str:
    trained = about["training"]["pictures"]
    rows = [f"| {plain(name)} | {trained.get(name, 0)} |" for name in about["class_names"]]
    return "\n".join(["| class | training pictures |", "|---|---:|", *rows])


def _fitted(about: Mapping[str, Any]) -> str:
    settings = {**about["settings"], **about["options"], **about["training"]["recipe"]}
    values = [f"{key} {plain(str(value))}" for key, value in settings.items() if value is not None]
    took = f"Training took {about['training']['seconds']} s."
    if "texts" in about["training"]:
        took += f" It used sentences about each class: {plain(about['training']['texts'])}."
    choice = about["training"].get("choice")
    if choice is not None:
        names = [row["method"] for row in choice["compared"]]
        others = ", ".join(name for name in names if name != choice["method"])
        took += f" The method was chosen in cross-validation with {others or 'no other'}."
    return f"{took} Settings: {', '.join(values)}."


def plain(text: str) -> str:
    """Escape a text for a Markdown table, so that nothing in it acts as markup."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", html.escape(text, quote=False))
