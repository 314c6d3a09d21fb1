"""The tiny classifiers of ``tests/tiny_classifier.py`` as fixtures."""

from tiny_classifier import given, make, model  # noqa: F401
from tiny_run import photos, tiny  # noqa: F401
