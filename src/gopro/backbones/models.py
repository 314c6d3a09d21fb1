"""open_clip's models with their weights and tokenizers."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gopro.backbones import hub
from gopro.backbones.names import CONFIG, HUB, QUICK, usable
from gopro.backbones.weights import is_openai, load_weights, read_weights
from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.common.hub import offline, problem
from gopro.common.localdir import LOCAL

if TYPE_CHECKING:
    from torch import nn

_PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
"""What a tag says about pictures; the size is the architecture's."""


def open_model(name: str, pretrained: str | None) -> tuple[nn.Module, Any]:
    """A model with its weights, and its tokenizer.

    Args:
        name: As ``names.canonical`` writes it.
        pretrained: A tag of open_clip or a file; None for a name that brings its weights.

    Raises:
        GoproError: When weights or tokenizer can't be had, or belong to another model.
    """
    if name.startswith((HUB, LOCAL)):
        return _from_folder(name, pretrained)
    base, quick = _base(name)
    _check_package(base)  # before large weights are downloaded
    path, settings = _weights(base, pretrained)
    tokenizer = tokenizer_of(base)
    state = read_weights(path)
    openai = is_openai(path, state)
    quick = quick or openai or bool(settings.get("quick_gelu"))
    if not settings and not quick and _quick_somewhere(base):
        warnings.warn(
            f"{path} doesn't say which activation its model was trained with: GELU is used. If it "
            f"was QuickGELU, as in the weights of OpenAI, DFN and MetaCLIP, choose {base}{QUICK}",
            stacklevel=2,
        )
    model = _create(base, quick)
    load_weights(model, path, name, state)
    _set_preprocessing(model, settings or _usual_preprocessing(base))
    return model, tokenizer


def random_model(name: str) -> tuple[nn.Module, Any]:
    """A model with random weights, and its tokenizer; nothing but the tokenizer is fetched."""
    base, quick = _base(name)
    tokenizer = tokenizer_of(base)  # first, because it may be missing and is small
    return _create(base, quick), tokenizer


def tokenizer_of(name: str) -> Any:
    """A model's tokenizer.

    Raises:
        GoproError: If a package for it is missing, or it can't be fetched.
    """
    import open_clip

    config = open_clip.get_model_config(name)
    repo = config["text_cfg"].get("hf_tokenizer_name", "")
    if not repo:
        return open_clip.get_tokenizer(name)
    _check_package(name)
    if not name.startswith(LOCAL) and not Path(repo).is_dir():
        hub.fetch(repo, ["tokenizer_config.json", "config.json"])
    with hub.telling(name, "tokenizer", "" if name.startswith(LOCAL) else repo):
        return open_clip.get_tokenizer(name)


def _check_package(name: str) -> None:
    """Refuse a model whose tokenizer needs a package that isn't installed."""
    import open_clip

    text = open_clip.get_model_config(name)["text_cfg"]
    if text.get("hf_tokenizer_name") and importlib.util.find_spec("transformers") is None:
        raise hub.missing(name, "tokenizer", "transformers")


def _from_folder(name: str, pretrained: str | None) -> tuple[nn.Module, Any]:
    import open_clip

    if pretrained:
        raise GoproError(
            f"{name} brings its own weights and got --pretrained {pretrained}; leave that out"
        )
    own = name.startswith(LOCAL)
    folder = Path(name.removeprefix(LOCAL)) if own else hub.repository(name.removeprefix(HUB))
    local = f"{LOCAL}{folder}"
    try:
        tokenizer = tokenizer_of(name)
        text = open_clip.get_model_config(local)["text_cfg"].get("hf_model_name", "")
        with _telling(name, text), _quiet():
            model = open_clip.create_model(local, load_weights=False, pretrained_text=False)
    except (GoproError, MemoryError):
        raise
    except Exception as error:  # what open_clip and timm raise depends on what is wrong
        raise GoproError(
            f"can't build {name} from its {CONFIG} ({hub.summary(error)}); correct that file, "
            "or choose another --backbone"
        ) from error
    path = next((folder / file for file in hub.WEIGHTS if (folder / file).is_file()), None)
    if path is None:
        raise GoproError(f"{folder} has no weights; wanted {' or '.join(hub.WEIGHTS)}")
    load_weights(model, path, name)
    return model, tokenizer


def _base(name: str) -> tuple[str, bool]:
    """open_clip's name, and whether QuickGELU was asked for that open_clip has no name for."""
    if name in usable():
        return name, False
    return name.removesuffix(QUICK), True


def _weights(name: str, pretrained: str | None) -> tuple[Path, dict[str, Any]]:
    """The file of a tag, and the tag's settings; or a file, and no settings."""
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    if not pretrained:
        if not tags:
            raise GoproError(f"{name} has no published weights; give --pretrained a file")
        raise GoproError(
            f"{name} needs weights: give --pretrained a file, or one of the tags {', '.join(tags)}"
        )
    if pretrained in tags:
        settings = dict(open_clip.get_pretrained_cfg(name, pretrained))
        return _download(name, pretrained, settings), settings
    path = expanded(pretrained)
    if not path.is_file():
        raise GoproError(
            f"there is no weights file {pretrained}, and no tag of that name for {name}; "
            f"known tags: {', '.join(tags) or 'none'}"
        )
    return path, {}


def _download(name: str, tag: str, settings: dict[str, Any]) -> Path:
    from open_clip.pretrained import download_pretrained

    repo = "/".join(str(settings.get("hf_hub") or "").split("/")[:2])
    if repo:
        with contextlib.suppress(Exception), offline():
            return Path(download_pretrained(settings))  # it was downloaded before
    # a blocked network is found out in seconds; the client would try for a minute
    silent = problem() if repo else ""
    try:
        if silent:
            raise OSError(f"the hub can't be reached: {silent}")
        return Path(download_pretrained(settings))
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        how = f"; fetch {settings.get('url')} elsewhere and give its path to --pretrained"
        if repo:
            how = f", and {hub.instead(repo)}"
        raise GoproError(f"can't download the weights {tag} of {name} ({reason}){how}") from error


def _create(name: str, quick: bool) -> Any:
    import open_clip

    text = open_clip.get_model_config(name)["text_cfg"].get("hf_model_name", "")
    if text and not Path(text).is_dir():
        hub.fetch(text, ["config.json"])
    with _telling(name, text), _quiet():
        return open_clip.create_model(
            name, pretrained=None, precision="fp32", force_quick_gelu=quick, pretrained_text=False
        )


def _settings_of_tags(name: str) -> list[dict[str, Any]]:
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    return [open_clip.get_pretrained_cfg(name, tag) for tag in tags]


def _quick_somewhere(name: str) -> bool:
    """Whether some published weights of this architecture need QuickGELU, without its config."""
    import open_clip

    if open_clip.get_model_config(name).get("quick_gelu"):
        return False
    settings = [*_settings_of_tags(name), *_settings_of_tags(name + QUICK)]
    return any(one.get("quick_gelu") for one in settings)


def _set_preprocessing(model: Any, settings: dict[str, Any]) -> None:
    """Give a model those of the settings that its architecture doesn't say."""
    from open_clip.model import set_model_preprocess_cfg

    chosen = {key: settings[key] for key in _PREPROCESSING if settings.get(key)}
    set_model_preprocess_cfg(model, {**model.visual.preprocess_cfg, **chosen})


def _usual_preprocessing(name: str) -> dict[str, Any]:
    """What all published weights of an architecture share, for a bare file."""
    tags = _settings_of_tags(name)
    values = {key: {_hashable(one.get(key)) for one in tags} for key in _PREPROCESSING}
    return {key: several.pop() for key, several in values.items() if len(several) == 1}


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _telling(name: str, text: str) -> contextlib.AbstractContextManager[None]:
    """What goes wrong with a text model of transformers is told in one line."""
    return hub.telling(name, "text tower", text) if text else contextlib.nullcontext()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence open_clip's warning that no weights were loaded: they are loaded next."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(previous)
