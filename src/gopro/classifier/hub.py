"""Publish classifiers on the Hugging Face hub and load them, by its ``ModelHubMixin``."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from huggingface_hub import ModelHubMixin, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from typing_extensions import Self

from gopro.classifier import storage
from gopro.classifier.modelfiles import ABOUT, CALIBRATION, CARD, EXAMPLES, FAST, TEXTS, WEIGHTS
from gopro.classifier.predictor import Predictor
from gopro.common.errors import GoproError
from gopro.common.hub import problem


class Loadable(Protocol):
    """A model that can be loaded from a folder."""

    @classmethod
    def load(cls, folder: Path, *arguments: Any, **options: Any) -> Self:
        """Read the model from a folder."""


S = TypeVar("S", bound=Loadable)

_OF_OLD_CLIENTS = ("proxies", "resume_download")
"""What huggingface_hub before 1.0 passes on."""


class Hub(ModelHubMixin):
    """``save_pretrained``, ``push_to_hub`` and ``from_pretrained`` for ``PromptClassifier``.

    Published are the learned weights, their description, the model card, the calibration, the fast
    prediction and the sentences about the classes. Training pictures, their fingerprints, what the
    calibration keeps of single ones, and paths of this machine are left out. ``from_pretrained``
    also takes the options of ``load``.
    """

    # the mixin writes this as config.json; classifier.json holds everything else
    _hub_mixin_config: ClassVar[dict[str, str]] = {"library_name": "gopro"}  # type: ignore[misc]

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Publish the classifier.

        Args:
            repo_id: OWNER/NAME.
            options: See ``ModelHubMixin.push_to_hub``.

        Returns:
            The address of the commit.

        Raises:
            GoproError: Before ``fit``, or when the hub can't be reached or refuses.
        """
        assert isinstance(self, Predictor)
        self.check_fitted()  # the hub's client makes an empty repository first
        try:
            if reason := problem():
                raise OSError(reason)
            return str(super().push_to_hub(repo_id, **options))
        except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
            raise GoproError(
                f"can't publish {repo_id} on the hub ({_first_line(error)}); wanted OWNER/NAME, "
                "the network, and `hf auth login` with a token that may write to OWNER"
            ) from error

    def _save_pretrained(self, save_directory: Path) -> None:
        published = copy.copy(self)
        assert isinstance(published, Predictor)
        published.check_fitted()
        published.examples_ = published.fitted_ = None
        if published.calibration_ is not None:
            published.calibration_ = published.calibration_.without_pictures()
        storage.save(published, save_directory, published=True)

    @classmethod
    def _from_pretrained(
        cls: type[S],
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **model_kwargs: Any,
    ) -> S:
        folder = Path(model_id)
        if not folder.is_dir():
            try:
                snapshot = snapshot_download(
                    model_id,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    # a blocked network is found out in seconds; the client would try for a minute
                    local_files_only=local_files_only or bool(problem()),
                    token=token,
                    allow_patterns=[ABOUT, CALIBRATION, CARD, EXAMPLES, FAST, TEXTS, WEIGHTS],
                )
            except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
                raise GoproError(
                    f"can't fetch {model_id} from the hub ({_first_line(error)}); wanted "
                    "OWNER/NAME of a published classifier, or the folder of a saved one"
                ) from error
            folder = Path(snapshot)
        options = {k: v for k, v in model_kwargs.items() if k not in _OF_OLD_CLIENTS}
        return cls.load(folder, **options)


def _first_line(error: Exception) -> str:
    """What the hub's client says in many lines, in short."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
