"""From a scene to pixels, in one of four styles."""

from __future__ import annotations

from PIL import Image

from gopro.common.errors import GoproError
from gopro.data.world.backgrounds import backdrop
from gopro.data.world.colours import WORDS, Colour, lighter, varied
from gopro.data.world.dice import Dice
from gopro.data.world.pose import clutter, cover, placed
from gopro.data.world.scene import Scene
from gopro.data.world.shapes import Part
from gopro.data.world.sketch import sketch
from gopro.data.world.styles import Layers, cartoon, painting, photo

_SMALLEST, _LARGEST = 16, 512


def draw(scene: Scene, size: int = 96) -> Image.Image:
    """Draw a scene.

    Args:
        scene: The description of the picture, usually from :func:`gopro.data.world.scene`.
        size: Width and height in pixels, 16 to 512.

    Returns:
        An RGB image of ``size`` x ``size``, the same for the same arguments in any process.

    Raises:
        GoproError: When the size is out of range.
    """
    if not _SMALLEST <= size <= _LARGEST:
        raise GoproError(
            f"world: got a picture size of {size} pixels; choose {_SMALLEST} to {_LARGEST}"
        )
    key = f"{scene.seed}/{scene.style}/{scene.name}/{scene.index}"
    # one generator per layer, so that changing one word of the scene leaves the rest unchanged
    back = Dice(f"back/{key}")
    if scene.style == "sketch":
        behind: list[Part] = []
        wall: Colour = WORDS["white"]
    else:
        behind = backdrop(scene.background, back, scene.style)
        wall = behind[0].colour
    thing = placed(scene, Dice(f"thing/{key}"))
    around = Dice(f"around/{key}")
    strewn = clutter(around, wall) if scene.crowded else []
    tint = around.pick(("green", "green", "brown", "grey", "blue", "orange"))
    hidden = varied(lighter(WORDS[tint], 0.1), around)
    front = cover(Dice(f"front/{key}"), thing, hidden) if scene.covered else []
    layers = Layers(behind, strewn, thing, front)
    return _STYLES[scene.style](layers, scene, Dice(f"light/{key}"), size)


_STYLES = {"photo": photo, "painting": painting, "cartoon": cartoon, "sketch": sketch}
