"""The words of the captions: phrases for every value of every slot."""

from __future__ import annotations

SLOTS = ("style", "look", "size", "place", "turn", "tone", "quality", "colour", "background")

# slot -> value -> words. A word list has two parts: words before the medium ("a dark photo of a
# dog") and words after the class ("a photo of a dog in the dark").
Words = tuple[tuple[str, ...], tuple[str, ...]]
WORDS: dict[str, dict[str, Words]] = {
    "look": {
        "clean": (
            ("clean", "centred", "clean, centred", "tidy", "cut-out"),
            (
                "alone",
                "in the middle",
                "by itself",
                "on a plain background",
                "as a product shot",
                "with nothing around it",
                "from a picture book",
                "in full view",
            ),
        ),
        "snapshot": (
            ("low-resolution", "cluttered", "everyday", "small web", "casual"),
            (
                "in a snapshot",
                "in a busy scene",
                "found on the web",
                "in its surroundings",
                "as seen every day",
                "among other things",
            ),
        ),
    },
    "size": {
        "small": (
            ("distant", "far-away", "wide-angle"),
            ("far away", "in the distance", "small in the frame", "seen from afar"),
        ),
        "large": (
            ("close-up", "cropped", "zoomed-in", "macro"),
            ("seen from very near", "close up", "cut off by the frame", "filling the frame"),
        ),
        "medium": (("medium-sized",), ("of medium size", "at a middle distance")),
    },
    "place": {
        "left": (
            ("left-sided",),
            ("on the left", "at the left side", "on the left of the picture"),
        ),
        "right": (
            ("right-sided",),
            ("on the right", "at the right side", "on the right of the picture"),
        ),
        "top": (("high-placed",), ("at the top", "in the upper half", "up above")),
        "bottom": (("low-placed",), ("at the bottom", "in the lower half", "down below")),
        "centre": (("centred",), ("in the centre", "in the middle")),
        "many": (("repeated", "tiled"), ("many times over", "in a repeated pattern", "in a grid")),
    },
    "turn": {
        "over": (
            ("upside-down", "flipped"),
            ("upside down", "standing on its head", "turned over"),
        ),
        "side": (("sideways", "rotated"), ("lying on its side", "turned sideways", "rotated")),
        "tilt": (("tilted", "slanted", "crooked"), ("at an angle", "tilted", "leaning")),
        "wide": (("stretched", "widened"), ("stretched wide", "squashed flat")),
        "tall": (("narrow", "narrowed"), ("stretched tall", "squeezed thin")),
    },
    "tone": {
        "dark": (
            ("dark", "dim", "underexposed", "badly lit", "gloomy"),
            ("in the dark", "at night", "in deep shadow", "in poor light"),
        ),
        "bright": (
            ("bright", "overexposed", "washed-out", "pale"),
            ("in bright light", "in glaring sunshine", "against the light"),
        ),
        "grey": (
            ("black and white", "grey", "monochrome", "colourless"),
            ("in black and white", "in shades of grey", "without colour"),
        ),
        "negative": (("negative", "inverted"), ("in negative", "with inverted colours")),
        "sepia": (("sepia", "old", "vintage", "brownish"), ("in sepia", "from long ago")),
        "warm": (("reddish", "orange-tinted", "warm"), ("at sunset", "in red light")),
        "cold": (("bluish", "blue-tinted", "cold"), ("under water", "in blue light", "at dusk")),
        "green": (("greenish", "green-tinted"), ("in green light", "through green glass")),
        "faded": (("faded", "foggy", "hazy", "low-contrast"), ("in fog", "in haze", "in mist")),
        "vivid": (("vivid", "colourful", "high-contrast"), ("in strong colours", "in full colour")),
    },
    "quality": {
        "blurry": (("blurry", "out-of-focus", "soft", "unsharp"), ("out of focus", "in a blur")),
        "noisy": (("noisy", "grainy", "speckled"), ("with noise", "covered in grain")),
        "pixelated": (("pixelated", "blocky", "coarse"), ("in big pixels", "in blocks")),
        "patchy": (("partly hidden", "covered"), ("behind a box", "with a part missing")),
    },
    "colour": {},
    "background": {},
}

# style -> words for the medium of the picture. The first style is a photograph.
MEDIA: dict[str, tuple[str, ...]] = {
    "": ("photo", "photo", "photo", "photograph", "picture", "image", "snapshot", "shot"),
    "art_painting": (
        "painting",
        "art painting",
        "oil painting",
        "watercolour",
        "work of art",
        "artwork",
        "canvas",
        "impressionist painting",
    ),
    "cartoon": (
        "cartoon",
        "cartoon drawing",
        "comic",
        "illustration",
        "clip art",
        "animation",
        "childish picture",
        "coloured drawing",
    ),
    "sketch": (
        "sketch",
        "drawing",
        "line drawing",
        "pencil sketch",
        "outline drawing",
        "doodle",
        "black and white drawing",
        "pen drawing",
        "outline",
    ),
    "chalk": (
        "chalk drawing",
        "white line drawing",
        "blackboard drawing",
        "neon outline",
        "scratched drawing",
    ),
}
NEUTRAL = ("picture", "image", "depiction", "view", "rendering")
OPENINGS = ("", "", "", "", "", "this is ", "here is ", "there is ", "i see ", "it is ", "look, ")
ENDS = (".", ".", ".", "", "", "!", " .", ",", "...")
PLAIN = (
    "a photo of a {}.",
    "a photo of a {}.",
    "a photo of a {}.",
    "a photo of a {}.",
    "a photo of the {}.",
    "a photo of one {}.",
    "a photo of my {}.",
    "a picture of a {}.",
    "an image of a {}.",
    "photo of a {}.",
    "{}.",
    "a {}.",
    "the {}",
    "a good photo of a {}.",
    "a nice photo of the {}.",
    "a photo of a {}",
    "itap of a {}.",
    "a photo of {}.",
)
GUIDE_TEMPLATES = ("a {}", "a photo of a {}.", "{}", "a {}.", "the {}", "a picture of a {}")
