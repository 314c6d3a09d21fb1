"""The tiny runs and classifiers of ``tests/tiny_*.py`` as fixtures."""

from tiny_classifier import given, make  # noqa: F401
from tiny_run import cli, photos, tiny, train  # noqa: F401
