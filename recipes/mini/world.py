"""Training pictures of the built-in world, drawn once. Their scenes give further slot values.

Seed 0 is used only here: few-shot training uses seed 1, testing seed 2.
"""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from recipes.mini.captions import register
from recipes.mini.names import Vocabulary
from recipes.mini.pictures import SIDE, TEACHER_WIDTH, fitted, slot_row

from gopro.common.files import atomic_write, write_json

if TYPE_CHECKING:
    from gopro.data.world import Scene

SEED = 0
_STYLES = {"photo": "", "painting": "art_painting", "cartoon": "cartoon", "sketch": "sketch"}
_TURNS = {"upright": "", "tilted": "tilt", "upside-down": "over"}
_LIGHTS = {"normal": "", "dark": "dark", "bright": "bright"}
_BACKGROUNDS = {
    "plain": ("on a plain background", "in front of nothing"),
    "sky": ("in the sky", "against the sky"),
    "grass": ("on grass", "in a meadow", "on the lawn"),
    "wall": ("in front of a wall", "by a brick wall"),
    "table": ("on a table", "on a wooden table"),
    "night": ("under the stars", "in the night"),
    "beach": ("on the beach", "on sand"),
    "snow": ("in the snow", "on snow"),
    "paper": ("on paper", "on white paper"),
    "blackboard": ("on a blackboard", "on black"),
}


def prepare_world(cache: Path, count: int) -> None:
    """Draw ``count`` pictures of each class and style into ``cache``, once.

    Writes ``world.npy`` (uint8 [n, SIDE, SIDE, 3]), ``world.npz`` and ``world.json``.
    """
    from gopro.data.world import CLASS_NAMES, STYLES, scene
    from gopro.data.world.colours import WORDS

    for value, words in _BACKGROUNDS.items():
        register("background", value, ((), words))
    scenes = [
        scene(label, style, seed=SEED, index=index)
        for label in range(len(CLASS_NAMES))
        for style in STYLES
        for index in range(count)
    ]
    for colour in WORDS:
        register(
            "colour", colour, ((), (f"in {colour}", f"coloured {colour}", f"that is {colour}"))
        )
    if (cache / "world.json").exists():
        return
    cache.mkdir(parents=True, exist_ok=True)
    with atomic_write(cache / "world.npy") as temporary:
        shape = (len(scenes), SIDE, SIDE, 3)
        pixels = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        with multiprocessing.get_context("spawn").Pool() as pool:
            for index, picture in enumerate(pool.imap(_drawn, scenes, chunksize=64)):
                pixels[index] = picture
        pixels.flush()
    vocabulary = Vocabulary()
    label = [vocabulary.add([CLASS_NAMES[each.label]]) for each in scenes]
    with atomic_write(cache / "world.npz") as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            label=np.array(label),
            slots=np.array([slot_row(words_of(each)) for each in scenes]),
            weight=np.ones(len(scenes)),
            teacher=np.zeros((len(scenes), TEACHER_WIDTH), dtype=np.int8),
        )
    write_json(cache / "world.json", {"classes": vocabulary.classes})


def _drawn(scene: Scene) -> NDArray[np.uint8]:
    from gopro.data.world import draw

    return fitted(draw(scene, SIDE))


def words_of(scene: Scene) -> dict[str, str]:
    """The words that describe a scene, by slot."""
    return {
        "style": _STYLES[scene.style],
        "size": scene.size,
        "place": scene.position,
        "turn": _TURNS[scene.turn],
        "tone": _LIGHTS[scene.light],
        "quality": "blurry" if scene.blurry else ("patchy" if scene.covered else ""),
        "colour": scene.colour,
        "background": scene.background,
    }
