"""Backgrounds, as parts in picture coordinates (0 to 1)."""

from __future__ import annotations

from collections.abc import Callable

from gopro.data.world.colours import WOOD, Colour, darker, lighter, mix, varied
from gopro.data.world.dice import Dice
from gopro.data.world.shapes import Part, blob, box, line, oval, poly

_SOFT: tuple[Colour, ...] = (
    (226, 214, 196), (196, 208, 216), (214, 198, 206), (198, 212, 192), (232, 226, 210),
    (176, 188, 204), (208, 180, 160), (170, 160, 178), (120, 128, 140), (160, 176, 160),
)  # fmt: skip
_STRONG: tuple[Colour, ...] = (
    (238, 196, 92), (120, 190, 214), (236, 142, 122), (142, 198, 134), (182, 156, 214),
    (88, 120, 172), (214, 96, 92), (246, 232, 196), (96, 158, 146),
)  # fmt: skip


def backdrop(kind: str, dice: Dice, style: str) -> list[Part]:
    """Parts that cover the picture, back to front; the first has the main colour."""
    soft = _SOFT if style == "photo" else _SOFT + _STRONG
    return _KINDS[kind](dice, soft)


def _full(colour: Colour) -> Part:
    return box(-0.1, -0.1, 1.1, 1.1, colour, edge=False)


def _below(y: float, colour: Colour, tilt: float = 0) -> Part:
    return poly(colour, (-0.1, y - tilt), (1.1, y + tilt), (1.1, 1.1), (-0.1, 1.1), edge=False)


def _bands(top: Colour, low: Colour, y0: float, y1: float, steps: int = 10) -> list[Part]:
    """A gradient from ``top`` to ``low`` between two heights."""
    return [
        _below(y0 + (y1 - y0) * i / steps, mix(top, low, i / (steps - 1))) for i in range(steps)
    ]


def _plain(d: Dice, soft: tuple[Colour, ...]) -> list[Part]:
    colour = varied(d.pick(soft), d)
    parts = [_full(colour)]
    kind = d.count(0, 3)
    if kind == 0:
        parts += _bands(lighter(colour, 0.25), darker(colour, 0.2), -0.1, 1)
    elif kind == 1:
        parts.append(_below(d.between(0.55, 0.8), darker(colour, 0.12)))
    elif kind == 2:
        parts.append(oval(0.5, 0.5, d.between(0.4, 0.7), d.between(0.4, 0.6),
                          lighter(colour, 0.25), edge=False))  # fmt: skip
    return parts


def _sky(d: Dice, soft: tuple[Colour, ...]) -> list[Part]:
    high: Colour = varied(d.pick(((92, 156, 222), (64, 120, 200), (238, 160, 120))), d)
    parts = [_full(high), *_bands(high, lighter(high, 0.6), 0, 1, 14)]
    for _ in range(d.count(2, 4)):
        x, y, w = d.between(0, 1), d.between(0.05, 0.9), d.between(0.06, 0.12)
        tint = mix((250, 250, 252), high, d.between(0, 0.35))
        for k in (-1, 0, 1):
            parts.append(oval(x + k * w, y + abs(k) * w * 0.25, w, w * 0.55, tint, edge=False))
    return parts


def _grass(d: Dice, soft: tuple[Colour, ...]) -> list[Part]:
    green = varied((112, 162, 74), d, 34)
    horizon = d.between(-0.1, 0.6)
    far = varied(d.pick(((150, 196, 232), (214, 226, 236), (70, 110, 72))), d)
    parts = [_full(far)]
    if d.chance(0.5):
        for _ in range(3):
            parts.append(oval(d.between(0, 1), horizon, d.between(0.15, 0.35), d.between(0.06, 0.2),
                              varied((74, 122, 70), d), edge=False))  # fmt: skip
    parts += _bands(lighter(green, 0.2), darker(green, 0.15), horizon, 1.05)
    for _ in range(d.count(10, 26)):
        x, y = d.between(0, 1), d.between(max(0.0, horizon), 1)
        tint = varied(green, d, 40)
        parts.append(line(tint, 0.012, (x, y), (x + d.around(0.03), y - 0.06), edge=False))
    return parts


def _wall(d: Dice, soft: tuple[Colour, ...]) -> list[Part]:
    colour = varied(d.pick((*soft, (176, 92, 70))), d)
    ink = mix(colour, d.pick(((255, 255, 255), (40, 30, 30))), d.between(0.12, 0.3))
    parts = [_full(colour)]
    kind, step = d.count(0, 3), d.between(0.1, 0.17)
    cells = int(1.2 / step) + 1
    if kind == 0:  # bricks
        for row in range(cells):
            y = row * step
            parts.append(line(ink, 0.012, (0, y), (1, y), edge=False))
            for column in range(cells // 2 + 1):
                x = (column + 0.5 * (row % 2)) * step * 2
                parts.append(line(ink, 0.012, (x, y), (x, y + step), edge=False))
    elif kind == 1:  # stripes
        parts += [box(i * step, -0.1, (i + 0.5) * step, 1.1, ink, edge=False) for i in range(cells)]
    elif kind == 2:  # dots
        for row in range(cells):
            for column in range(cells):
                parts.append(oval((column + 0.5 * (row % 2)) * step, row * step, step * 0.17,
                                  step * 0.17, ink, edge=False))  # fmt: skip
    else:  # tiles, turned
        for i in range(-cells, cells):
            parts.append(line(ink, 0.012, (i * step, 0), (i * step + 1, 1), edge=False))
            parts.append(line(ink, 0.012, (i * step + 1, 0), (i * step, 1), edge=False))
    return parts


def _table(d: Dice, soft: tuple[Colour, ...]) -> list[Part]:
    wall = varied(d.pick(soft), d)
    wood = varied(d.pick((WOOD, (198, 152, 104), (112, 74, 48), (226, 222, 214))), d)
    edge = d.between(0.3, 0.7)
    parts = [_full(wall), _below(edge, wood, d.around(0.03))]
    for i in range(d.count(3, 5)):
        y = edge + 0.04 + (1 - edge) * (i / 4.5) ** 1.3
        parts.append(_below(y, varied(wood, d, 14)))
        parts.append(line(darker(wood, 0.25), 0.007, (0, y), (1, y + d.around(0.01)), edge=False))
    if d.chance(0.4):
        x = d.between(0, 0.7)
        pane = varied((190, 214, 226), d)
        parts.insert(1, box(x, 0, x + 0.3, edge * 0.75, pane, edge=False))
    return parts


def _night(d: Dice, soft: tuple[Colour, ...]) -> list[Part]:
    dark = varied(d.pick(((28, 34, 72), (22, 26, 44), (52, 36, 78))), d, 10)
    parts = [_full(dark), *_bands(darker(dark, 0.3), lighter(dark, 0.18), 0, 1)]
    if d.chance(0.5):
        x, y, r = d.between(0.1, 0.9), d.between(0.08, 0.3), d.between(0.05, 0.09)
        parts.append(oval(x, y, r, r, (240, 234, 200), edge=False))
    for _ in range(d.count(8, 20)):
        r = d.between(0.004, 0.012)
        parts.append(oval(d.between(0, 1), d.between(0, 0.8), r, r, (232, 230, 240), edge=False))
    if d.chance(0.4):
        x = -0.05
        while x < 1:
            w = d.between(0.08, 0.18)
            parts.append(box(x, d.between(0.6, 0.85), x + w, 1.1, darker(dark, 0.5), edge=False))
            x += w
    return parts


def _beach(d: Dice, soft: tuple[Colour, ...]) -> list[Part]:
    sky = varied((158, 206, 236), d)
    sea, sand = varied((48, 128, 168), d, 30), varied((232, 206, 152), d)
    shore = d.between(0.5, 0.8)
    horizon = shore - d.between(0.12, 0.3)
    return [
        _full(sky),
        *_bands(sky, lighter(sky, 0.5), 0, horizon, 4),
        *_bands(darker(sea, 0.1), lighter(sea, 0.25), horizon, shore, 4),
        blob((246, 248, 246), (-0.2, shore), (0.2, shore + 0.03), (0.6, shore - 0.02),
             (1.2, shore + 0.01), (1.2, shore + 0.06), (-0.2, shore + 0.06), edge=False),
        _below(shore + 0.03, sand, d.around(0.02)),
    ]  # fmt: skip


def _snow(d: Dice, soft: tuple[Colour, ...]) -> list[Part]:
    sky = varied(d.pick(((150, 176, 206), (196, 208, 222), (96, 112, 146))), d)
    white: Colour = (238, 243, 250)
    horizon = d.between(0.35, 0.7)
    parts = [_full(sky)]
    if d.chance(0.6):
        for _ in range(d.count(2, 3)):
            x, w, tip = d.between(0, 1), d.between(0.2, 0.4), horizon - d.between(0.15, 0.35)
            parts.append(poly(mix(sky, (70, 80, 104), 0.5), (x - w, horizon + 0.1), (x, tip),
                              (x + w, horizon + 0.1), edge=False))  # fmt: skip
    parts += [
        oval(d.between(0, 1), horizon + 0.6, 1.1, 0.62, darker(white, 0.1), edge=False),
        oval(d.between(0, 1), horizon + 0.72, 1.2, 0.62, white, edge=False),
    ]
    for _ in range(d.count(8, 24)):
        r = d.between(0.005, 0.013)
        parts.append(oval(d.between(0, 1), d.between(0, 1), r, r, (250, 252, 255), edge=False))
    return parts


_KINDS: dict[str, Callable[[Dice, tuple[Colour, ...]], list[Part]]] = {
    "plain": _plain,
    "sky": _sky,
    "grass": _grass,
    "wall": _wall,
    "table": _table,
    "night": _night,
    "beach": _beach,
    "snow": _snow,
}
