"""gopro: prompt learning for CLIP."""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from gopro.errors import GoproError

if TYPE_CHECKING:
    from gopro.classify.classifier import PromptClassifier

__version__ = _version("gopro")

__all__ = ["GoproError", "PromptClassifier", "__version__"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to load, and `gopro --help` doesn't need it
    if name == "PromptClassifier":
        from gopro.classify.classifier import PromptClassifier

        return PromptClassifier
    raise AttributeError(f"module 'gopro' has no attribute {name!r}")
