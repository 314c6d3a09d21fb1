"""Files of the Hugging Face hub, with one line when they can't be had."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from gopro.backbones.names import CONFIG
from gopro.common.errors import GoproError
from gopro.common.hub import offline, problem

WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "model.safetensors",
)
"""Names of open_clip's weights, the first one that is there counts."""


def repository(repo: str) -> Path:
    """Fetch a model's configuration and weights; the folder of both.

    Raises:
        GoproError: If the hub can't be reached, or has no such model.
    """
    config = fetch(repo, [CONFIG])
    fetch(repo, WEIGHTS)
    return config.parent


def fetch(repo: str, names: Sequence[str]) -> Path:
    """The local copy of the first of these files that a repository has, fetched if needed.

    Raises:
        GoproError: If the hub can't be reached, or has none of them.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    silent = problem()
    for name in names:
        try:
            # the newest revision of the model that the user named
            path = hf_hub_download(repo, name, local_files_only=bool(silent))  # nosec B615
            return Path(path)
        except LocalEntryNotFoundError as error:
            if silent and name != names[-1]:
                continue
            raise GoproError(
                f"can't fetch {names[0]} of {repo} from the hub ({silent or summary(error)}), and "
                f"{instead(repo)}"
            ) from error
        except EntryNotFoundError:
            continue
        except Exception as error:  # no such repository, or one that needs a login
            raise GoproError(
                f"the hub gives no {repo} ({summary(error)}); check the name, and log in with `hf "
                "auth login` if the model asks for it"
            ) from error
    raise GoproError(
        f"{repo} on the hub has no {' or '.join(names)}; choose a model that open_clip can read"
    )


def instead(repo: str) -> str:
    """Where a repository is looked for on this machine, and how to bring it there."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = repo_folder_name(repo_id=repo, repo_type="model")
    return (
        f"{folder} is not in {constants.HF_HUB_CACHE}; check the network, or run `hf download "
        f"{repo}` elsewhere and copy that folder from the cache there"
    )


@contextlib.contextmanager
def telling(name: str, what: str, repo: str) -> Iterator[None]:
    """Turn what transformers raises about a missing package or file into one line.

    If the hub doesn't answer, only files that are here already are used, without asking again.

    Args:
        name: The model's name.
        what: The part of it that is opened, such as "tokenizer".
        repo: Where on the hub that comes from; empty for a folder here.
    """
    try:
        with offline() if repo and problem() else contextlib.nullcontext():
            yield
    except GoproError:
        raise
    except Exception as error:
        reason = summary(error)
        packages = ("sentencepiece", "tiktoken", "protobuf", "pip install")
        if isinstance(error, ImportError) or any(one in str(error) for one in packages):
            raise missing(name, what, reason) from error
        place = f", {repo}" if repo else ""
        raise GoproError(f"can't open the {what} of {name}{place} ({reason})") from error


def missing(name: str, what: str, reason: str) -> GoproError:
    """The error for a model whose part needs a package that isn't installed."""
    return GoproError(
        f"the {what} of {name} needs a package that is missing ({reason}); install it: pip install "
        "'gopro-clip[text]'"
    )


def summary(error: Exception) -> str:
    """What an error or its cause says, in one line."""
    cause = error.__cause__ or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return (lines[0] if lines else type(cause).__name__)[:160].rstrip(".")
