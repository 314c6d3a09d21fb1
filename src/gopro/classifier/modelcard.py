"""The README.md of a saved classifier: what it is, how good, how to use it, what it needs."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

_HEAD = """---
library_name: gopro
pipeline_tag: image-classification
tags:
- clip
- prompt-learning
---

# {title}

An image classifier for {count} classes, made with gopro {version}: method `{method}`, {learned:,}
learned numbers beside the frozen CLIP `{backbone}`.

{results}

## Use

```python
from gopro import PromptClassifier

classifier = PromptClassifier.load("FOLDER")
classifier.predict(["photo.jpg"])
classifier.with_classes(["a name", "another name"]).predict_proba(["photo.jpg"])
```

```
gopro predict FOLDER photo.jpg
gopro evaluate FOLDER PHOTOGRAPHS
```

## Classes

{classes}

## What it needs

| | |
|---|---|
| backbone | `{backbone}`{pretrained} |
| SHA-256 of its weights | `{checksum}` |
| pictures | {size} x {size} pixels: {resize}, {crop} crop; normalised in the model |

The folder holds no weights of the backbone. Loading refuses a backbone with other weights.

## How it was fitted

{fitted}

## Limits

It chooses among its classes whatever the picture shows, and its probabilities are not calibrated.
Try it on pictures like those it is meant for before you rely on it.
"""

_NO_RESULTS = "Nothing was measured when it was saved."


def card(about: Mapping[str, Any]) -> str:
    """The text for a description as ``classifier.json`` holds it."""
    backbone, size = about["backbone"], about["preprocessing"]
    names = about["class_names"]
    pretrained = backbone["pretrained"]
    return _HEAD.format(
        title=f"{about['method']} on {backbone['name']}, {len(names)} classes",
        count=len(names),
        version=about["gopro"],
        method=about["method"],
        learned=about["learned_parameters"],
        backbone=backbone["name"],
        pretrained=f" with `{_last(pretrained)}`" if pretrained else "",
        checksum=backbone["sha256"],
        size=size["size"],
        resize=size["resize"],
        crop=size["crop"],
        results=_results(about["measured"]),
        classes=_classes(about),
        fitted=_fitted(about),
    )


def _results(measured: Mapping[str, Any] | None) -> str:
    if measured is None:
        return _NO_RESULTS
    return (
        f"Accuracy on {measured['pictures']} pictures that weren't trained on: "
        f"**{measured['accuracy']:.1f} %**.\nZero-shot CLIP, without anything learned: "
        f"{measured['zero_shot']:.1f} %."
    )


def _classes(about: Mapping[str, Any]) -> str:
    trained = about["training"]["pictures"]
    rows = [f"| {plain(name)} | {trained.get(name, 0)} |" for name in about["class_names"]]
    return "\n".join(["| class | training pictures |", "|---|---:|", *rows])


def _fitted(about: Mapping[str, Any]) -> str:
    settings = {**about["settings"], **about["options"], **about["training"]["recipe"]}
    chosen = [f"{key} {plain(str(value))}" for key, value in settings.items() if value is not None]
    listed = ", ".join(chosen)
    return f"In {about['training']['seconds']} s, with {listed}."


def plain(text: str) -> str:
    """A name as text of a Markdown table: nothing in it acts as markup."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", html.escape(text, quote=False))


def _last(path: str) -> str:
    """The file's name alone: where it lies on somebody's machine is nobody's business."""
    return re.split(r"[\\/]", path)[-1]
