"""The built-in pictures: drawn everyday objects in four styles, made on the spot.

``scene(label, style, seed=..., index=...)`` says what a picture shows, ``draw(scene, size)`` draws
it. The same four values always give the same picture, in any process and in any order.
"""

from __future__ import annotations

from gopro.data.world.render import draw
from gopro.data.world.scene import CLASS_NAMES, STYLES, Scene, scene

__all__ = ["CLASS_NAMES", "STYLES", "Scene", "draw", "scene"]
