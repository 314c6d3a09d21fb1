"""The description of a picture in words; depends on label, style, seed and index only."""

from __future__ import annotations

from dataclasses import dataclass

from gopro.common.errors import GoproError
from gopro.data.world.animals import ANIMALS
from gopro.data.world.colours import WORDS
from gopro.data.world.dice import Dice
from gopro.data.world.goods import GOODS
from gopro.data.world.places import PLACES
from gopro.data.world.plants import PLANTS
from gopro.data.world.sealife import SEALIFE
from gopro.data.world.shapes import Thing
from gopro.data.world.tools import TOOLS

THINGS: dict[str, Thing] = dict(
    sorted({**ANIMALS, **GOODS, **PLACES, **PLANTS, **SEALIFE, **TOOLS}.items())
)
CLASS_NAMES: tuple[str, ...] = tuple(THINGS)
"""The classes, sorted; a label is an index into it."""

STYLES: tuple[str, ...] = ("photo", "painting", "cartoon", "sketch")
BACKGROUNDS = ("plain", "sky", "grass", "wall", "table", "night", "beach", "snow")
PAPERS = ("paper", "blackboard")
POSITIONS = ("centre", "left", "right", "top", "bottom")
SIZES = ("small", "medium", "large")
TURNS = ("upright", "tilted", "upside-down")
LIGHTS = ("normal", "dark", "bright")

_ACCENTS = tuple(WORDS)


@dataclass(frozen=True)
class Scene:
    """The description of a picture.

    ``draw`` follows it: ``draw(dataclasses.replace(scene, size="small"))`` shows the same object,
    but small.
    """

    label: int
    """Index into ``CLASS_NAMES``."""
    style: str
    """One of ``STYLES``."""
    seed: int
    index: int
    """Number of the picture within its class, style and seed."""
    colour: str
    """Main colour of the object; in a sketch, colour of the pencil or chalk."""
    background: str
    """plain, sky, grass, wall, table, night, beach or snow; in a sketch, paper or blackboard."""
    position: str
    """centre, left, right, top or bottom. Large objects are in the centre."""
    size: str
    """small, medium or large."""
    turn: str
    """upright, tilted or upside-down."""
    light: str
    """normal, dark or bright. Sketches are always normal."""
    blurry: bool
    """Out of focus; photos only."""
    crowded: bool
    """Small shapes are scattered around the object."""
    covered: bool
    """Something in front hides a part of the object."""

    @property
    def name(self) -> str:
        """The class name."""
        return CLASS_NAMES[self.label]


def scene(label: int, style: str, *, seed: int, index: int) -> Scene:
    """Describe picture number ``index`` of a class.

    Args:
        label: Index into ``CLASS_NAMES``.
        style: One of ``STYLES``.
        seed: Any integer; other seeds give other pictures.
        index: Number of the picture, from 0.

    Raises:
        GoproError: When the label or style doesn't exist, or the index is negative.
    """
    if not 0 <= label < len(CLASS_NAMES):
        raise GoproError(
            f"world: got label {label}, but its {len(CLASS_NAMES)} classes have labels 0 to "
            f"{len(CLASS_NAMES) - 1}; choose one of these"
        )
    if style not in STYLES:
        raise GoproError(f"world: got style {style!r}; choose one of {', '.join(STYLES)}")
    if index < 0:
        raise GoproError(f"world: got picture number {index}; choose 0 or more")
    dice = Dice(f"words/{seed}/{style}/{CLASS_NAMES[label]}/{index}")
    drawn = style == "sketch"
    size = dice.weighted(SIZES, (0.16, 0.44, 0.4))
    colour = dice.pick(THINGS[CLASS_NAMES[label]].colours)
    background = dice.weighted(BACKGROUNDS, (0.22, 0.13, 0.13, 0.13, 0.13, 0.1, 0.08, 0.08))
    if drawn:
        background = dice.weighted(PAPERS, (0.85, 0.15))
        pens = ("black", "grey", "brown", "blue")
        colour = "white" if background == "blackboard" else dice.weighted(pens, (5, 3, 1, 1))
    return Scene(
        label=label,
        style=style,
        seed=seed,
        index=index,
        colour=colour,
        background=background,
        position="centre" if size == "large" else dice.weighted(POSITIONS, (0.48, *[0.13] * 4)),
        size=size,
        turn=dice.weighted(TURNS, (0.74, 0.21, 0.05)),
        light="normal" if drawn else dice.weighted(LIGHTS, (0.66, 0.19, 0.15)),
        blurry=style == "photo" and dice.chance(0.12),
        crowded=dice.chance(0.4),
        covered=dice.chance(0.16),
    )
