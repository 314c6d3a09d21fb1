"""A run's training recipe and its method's settings, as the user set them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from gopro.backbones.names import canonical
from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.typed import settings_from
from gopro.methods import TABLE, find
from gopro.methods.base import Method, Recipe
from gopro.training.config import TrainSettings


def choose_recipe(
    kind: type[Method], settings: TrainSettings, classes: int | None = None, options: Any = None
) -> Recipe:
    """The method's recipe for this backbone, number of classes and variant (of the method's
    settings ``options``), with the user's changes.

    Raises:
        GoproError: For a batch that is too small for the method, or cached views for one that
            changes the image encoder.
    """
    recipe = kind.recipe_for(canonical(settings.backbone), classes, options)
    chosen = {f.name: getattr(settings, f.name) for f in fields(Recipe)}
    recipe = replace(recipe, **{k: v for k, v in chosen.items() if v is not None})
    check_batch(kind, recipe.batch // settings.processes)
    if recipe.view_cache and kind.modifies_image_encoder:
        raise GoproError(
            f"got --view_cache {recipe.view_cache}, and {kind.__name__} changes the image encoder, "
            "so its views can't be encoded before training; leave out --view_cache"
        )
    return recipe


def epochs_by_classes(kind: type[Method], backbone: str, options: Any = None) -> bool:
    """Whether the number of training classes decides about the epochs of a method's recipe."""
    name = canonical(backbone)
    return kind.recipe_for(name, 1, options).epochs != kind.recipe_for(name, None, options).epochs


def check_batch(kind: type[Method], images: int) -> None:
    """Check that a method can learn from this number of images of a step in each process.

    Raises:
        GoproError: When there are too few.
    """
    if 0 < images < kind.smallest_batch:  # none: the batch can't be divided by the processes
        raise GoproError(
            f"{kind.__name__} needs {kind.smallest_batch} or more images of a step in each "
            f"process and gets {images}; use more images, a larger --batch or fewer --processes"
        )


def method_settings(kind: type[Method], options: Mapping[str, Any] | None) -> Any:
    """A method's settings from plain data, as a YAML or JSON file holds it.

    Raises:
        GoproError: For a setting the method doesn't have, or a value it refuses.
    """
    given = dict(options or {})
    known = [field.name for field in fields(kind.Settings)]
    unknown = [name for name in given if name not in known]
    if unknown:
        near = difflib.get_close_matches(str(unknown[0]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known) or 'none'}"
        raise GoproError(f"{kind.__name__} has no setting {unknown[0]!r}; {hint}")
    try:
        return settings_from(kind.Settings, given)
    except TypeError as error:
        raise GoproError(f"{kind.__name__} can't be set to {given} ({error})") from error


def with_texts(settings: TrainSettings, options: Any) -> Any:
    """A method's settings with the sentences of ``settings.texts``, if there are any.

    Raises:
        GoproError: For a method that has no use for them.
    """
    if settings.texts is None:
        return options
    if not hasattr(options, "texts"):
        usable = [name for name in TABLE if hasattr(find(name).Settings, "texts")]
        raise GoproError(
            f"{settings.method} compares with no frozen text, so --texts has no use in it; leave "
            f"it out, or choose one of {', '.join(usable)}"
        )
    return replace(options, texts=str(expanded(settings.texts).absolute()))
