"""Names of the classes of the training pictures: synonyms and more general words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Synonyms in addition to those that the data set lists.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "face": ("faces", "human face", "person's face"),
    "leopard": ("leopards",),
    "motorbike": ("motorbikes", "motorcycle"),
    "airplane": ("airplanes", "aeroplane", "plane"),
    "binocular": ("binoculars",),
    "brontosaurus": ("brontosaurus dinosaur",),
    "buddha": ("buddha statue",),
    "car side": ("side of a car", "car seen from the side"),
    "cellphone": ("cell phone", "mobile phone"),
    "chandelier": ("chandelier lamp",),
    "cougar body": ("body of a cougar",),
    "cougar face": ("face of a cougar", "cougar head"),
    "crayfish": ("crawfish",),
    "crocodile head": ("head of a crocodile",),
    "cup": ("mug",),
    "dalmatian": ("dalmatian dog",),
    "dollar bill": ("banknote",),
    "flamingo head": ("head of a flamingo",),
    "ferry": ("ferry boat",),
    "garfield": ("garfield the cat",),
    "gramophone": ("phonograph",),
    "grand piano": ("piano",),
    "hawksbill": ("hawksbill turtle", "sea turtle"),
    "headphone": ("headphones",),
    "ibis": ("ibis bird",),
    "inline skate": ("roller skate", "rollerblade"),
    "joshua tree": ("yucca tree",),
    "ketch": ("ketch sailboat",),
    "schooner": ("schooner ship",),
    "laptop": ("laptop computer", "notebook computer"),
    "lotus": ("lotus flower",),
    "nautilus": ("nautilus shell",),
    "pigeon": ("dove",),
    "rhino": ("rhinoceros",),
    "rooster": ("cockerel",),
    "revolver": ("handgun",),
    "sea horse": ("seahorse",),
    "snoopy": ("snoopy the dog",),
    "soccer ball": ("football",),
    "stop sign": ("traffic sign",),
    "stegosaurus": ("stegosaurus dinosaur",),
    "watch": ("wristwatch",),
    "water lilly": ("water lily",),
    "wild cat": ("wildcat",),
    "windsor chair": ("wooden chair",),
    "wrench": ("spanner",),
    "yin yang": ("yin and yang symbol",),
    "person": ("man", "woman", "human"),
    "house": ("home", "building"),
}

# More general words: true of the class, but also of similar classes.
WIDER: dict[str, str] = {
    **dict.fromkeys(("egyptian cat", "tabby", "persian cat", "wild cat"), "cat"),
    **dict.fromkeys(
        (
            "german shepherd",
            "labrador retriever",
            "golden retriever",
            "yorkshire terrier",
            "standard poodle",
            "chihuahua",
            "dalmatian",
        ),
        "dog",
    ),
    **dict.fromkeys(("african elephant",), "elephant"),
    **dict.fromkeys(("american lobster",), "lobster"),
    **dict.fromkeys(("sports car", "convertible", "limousine", "beach wagon", "car side"), "car"),
    **dict.fromkeys(("cougar body", "cougar face"), "cougar"),
    **dict.fromkeys(("rocking chair", "windsor chair"), "chair"),
    **dict.fromkeys(("monarch", "sulphur butterfly"), "butterfly"),
    **dict.fromkeys(("electric guitar",), "guitar"),
    **dict.fromkeys(("barn",), "house"),
    **dict.fromkeys(("flamingo head",), "flamingo"),
    **dict.fromkeys(("crocodile head",), "crocodile"),
    **dict.fromkeys(("stopwatch",), "watch"),
    **dict.fromkeys(("gondola", "lifeboat", "ketch", "schooner", "ferry"), "boat"),
    **dict.fromkeys(("black stork", "albatross", "goose", "ibis", "pigeon", "emu"), "bird"),
    **dict.fromkeys(("bee", "fly", "ladybug", "cockroach", "grasshopper", "ant"), "insect"),
    **dict.fromkeys(("tarantula", "black widow"), "spider"),
    **dict.fromkeys(("bullfrog", "tailed frog"), "frog"),
    **dict.fromkeys(("trolleybus", "school bus"), "bus"),
    **dict.fromkeys(("sunflower", "lotus", "water lilly"), "flower"),
    **dict.fromkeys(("euphonium", "saxophone", "oboe", "accordion"), "musical instrument"),
}

# Listed names that usually mean something else, or that fit another class here.
_MISLEADING = frozenset(
    {
        "drop", "board", "brass", "wagon", "painter", "hopper", "mini", "shades", "bullet",
        "panda", "taper", "two-piece", "pole", "chest", "catamount", "grunter", "squealer", "hog",
        "cimarron", "tub", "bath", "icebox", "black maria", "bear cat", "bell toad",
        "memorial tablet", "milkweed butterfly",
    }
)  # fmt: skip


@dataclass
class Vocabulary:
    """Class names as captions use them.

    Attributes:
        classes: The names of each class, the most common first.
        wider: A more general word for each class, or ``""``.
    """

    classes: list[list[str]] = field(default_factory=list)
    wider: list[str] = field(default_factory=list)

    def add(self, listed: list[str]) -> int:
        """The class with these names; a new one if the first name is not known yet."""
        names = [tidy(name) for name in listed]
        first = names[0]
        for index, known in enumerate(self.classes):
            if known[0] == first:
                return index
        rest = [name for name in names[1:3] if name not in _MISLEADING and not _latin(name, listed)]
        every = [first, *rest, *SYNONYMS.get(first, ())]
        self.classes.append(list(dict.fromkeys(every)))
        self.wider.append(WIDER.get(first, ""))
        return len(self.classes) - 1

    def words(self) -> list[str]:
        """All names and more general words without repetition, in a fixed order."""
        found = [name for names in self.classes for name in names]
        return list(dict.fromkeys(found + [word for word in self.wider if word]))

    def fits(self) -> NDArray[np.bool_]:
        """Whether word w is true of class c: boolean [words, classes]."""
        words = self.words()
        table = np.zeros((len(words), len(self.classes)), dtype=bool)
        position = {word: index for index, word in enumerate(words)}
        for index, (names, wide) in enumerate(zip(self.classes, self.wider, strict=True)):
            for word in [*names, wide] if wide else names:
                table[position[word], index] = True
        return table


def tidy(name: str) -> str:
    """Lower case, spaces instead of underscores, as the benchmark writes class names."""
    return name.replace("_", " ").strip().lower()


def _latin(name: str, listed: list[str]) -> bool:
    """Whether a name is scientific: two words, and only the first has a capital letter."""
    for original in listed:
        if tidy(original) == name:
            words = original.split()
            return len(words) == 2 and words[0][0].isupper() and words[1][0].islower()
    return False
