"""The installed version. The distribution is ``gopro-clip``: ``gopro`` is another project."""

from importlib.metadata import version

DISTRIBUTION = "gopro-clip"
__version__ = version(DISTRIBUTION)
