"""HEIC, the format of phones' photographs: Pillow reads it with the package pillow-heif."""

from __future__ import annotations

import contextlib

KINDS = ("heic", "heif", "hif")

READABLE = False
"""Whether HEIC can be read here. pillow-heif is a dependency, but systems without its compiled
package can do without it."""

REMEDY = "HEIC, a phone's format: pip install pillow-heif, or convert to JPEG"

with contextlib.suppress(ImportError):
    import pillow_heif

    # the picture itself only; Pillow gets it upright and in 8 bits
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    READABLE = True
