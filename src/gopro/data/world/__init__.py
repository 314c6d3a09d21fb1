"""The built-in pictures: everyday objects in four styles, drawn when needed.

``scene(label, style, seed=..., index=...)`` describes a picture and ``draw(scene, size)`` draws
it. The same four values give the same picture in every process.
"""

from __future__ import annotations

from gopro.data.world.render import draw
from gopro.data.world.scene import CLASS_NAMES, STYLES, Scene, scene

__all__ = ["CLASS_NAMES", "STYLES", "Scene", "draw", "scene"]
