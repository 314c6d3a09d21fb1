"""Colour words and their RGB values."""

from __future__ import annotations

from gopro.data.world.dice import Dice

Colour = tuple[int, int, int]

WORDS: dict[str, Colour] = {
    "red": (206, 42, 40),
    "orange": (240, 132, 30),
    "yellow": (246, 205, 52),
    "green": (66, 152, 60),
    "blue": (48, 104, 200),
    "purple": (132, 66, 168),
    "pink": (240, 138, 172),
    "brown": (134, 86, 48),
    "black": (48, 47, 54),
    "grey": (146, 148, 154),
    "white": (240, 238, 232),
}
"""Possible values of ``Scene.colour`` -> typical RGB value."""

BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
ANY = (*BRIGHT, "brown", "black", "grey", "white")

WOOD: Colour = (158, 106, 58)
METAL: Colour = (178, 184, 192)
DARK: Colour = (44, 42, 50)
LEAF: Colour = (74, 146, 58)
WHITE: Colour = (244, 243, 238)
CREAM: Colour = (240, 218, 176)
GLASS: Colour = (176, 214, 232)
BEAK: Colour = (240, 158, 40)
GOLD: Colour = (222, 176, 62)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """A blend of two colours; ``share`` (0 to 1) is the fraction of ``second``."""
    keep = 1 - share
    return (
        int(first[0] * keep + second[0] * share),
        int(first[1] * keep + second[1] * share),
        int(first[2] * keep + second[2] * share),
    )


def darker(colour: Colour, share: float = 0.3) -> Colour:
    """The colour blended with black."""
    return mix(colour, (12, 8, 16), share)


def lighter(colour: Colour, share: float = 0.4) -> Colour:
    """The colour blended with white."""
    return mix(colour, (255, 255, 250), share)


def varied(colour: Colour, dice: Dice, spread: float = 22) -> Colour:
    """A random similar colour, which has the same colour word."""
    bright = dice.around(spread)
    red, green, blue = (
        max(0, min(255, int(c + bright + dice.around(spread * 0.6)))) for c in colour
    )
    return red, green, blue
