"""gopro: prompt learning for CLIP."""

from importlib.metadata import version as _version

from gopro.errors import GoproError

__version__ = _version("gopro")

__all__ = ["GoproError", "__version__"]
