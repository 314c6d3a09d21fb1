"""Classifiers on the hub, by the conventions of its ``ModelHubMixin``."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from huggingface_hub import ModelHubMixin, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from typing_extensions import Self

from gopro.classifier.modelfolder import ABOUT, CARD, EXAMPLES, FAST, WEIGHTS
from gopro.common.errors import GoproError

if TYPE_CHECKING:
    from gopro.classifier.classifier import PromptClassifier


class Hub(ModelHubMixin):
    """``save_pretrained``, ``push_to_hub`` and ``from_pretrained`` for ``PromptClassifier``.

    What is published are the learned weights, their description and the card. The training
    pictures that a model may keep are left out, and so is the folder that the backbone's weights
    lie in. ``from_pretrained`` takes the options of ``load`` too.
    """

    # what the mixin writes as config.json; the description says the rest
    _hub_mixin_config: ClassVar[dict[str, str]] = {"library_name": "gopro"}  # type: ignore[misc]

    def _save_pretrained(self: Any, save_directory: Path) -> None:
        published: PromptClassifier = copy.copy(self)
        published.check_fitted()
        published.examples_ = None
        file = published.pretrained
        if file is not None and Path(file).is_file():
            published.pretrained = Path(file).name
        published.save(save_directory)

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **model_kwargs: Any,
    ) -> Self:
        folder = Path(model_id)
        if not folder.is_dir():
            try:
                found = snapshot_download(
                    model_id,
                    revision=revision,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                    token=token,
                    allow_patterns=[ABOUT, CARD, EXAMPLES, FAST, WEIGHTS],
                )
            except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
                raise GoproError(
                    f"can't fetch {model_id} from the hub ({reason}); wanted OWNER/NAME of a "
                    "published classifier, or the folder of a saved one"
                ) from error
            folder = Path(found)
        kind: Any = cls
        made: Self = kind.load(folder, **model_kwargs)
        return made
