"""gopro: prompt learning for CLIP."""

from typing import TYPE_CHECKING, Any

from gopro.common.errors import GoproError
from gopro.common.version import __version__

if TYPE_CHECKING:
    from gopro.classifier.classifier import PromptClassifier

__all__ = ["GoproError", "PromptClassifier", "__version__"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to load, and `gopro --help` doesn't need it
    if name == "PromptClassifier":
        from gopro.classifier.classifier import PromptClassifier

        return PromptClassifier
    raise AttributeError(f"module 'gopro' has no attribute {name!r}")
