"""The tiny runs of ``tests/tiny_run.py`` as fixtures."""

from tiny_run import cli, photos, tiny, train  # noqa: F401
