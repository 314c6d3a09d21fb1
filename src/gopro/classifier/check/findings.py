"""What is wrong with a folder of photographs, as a list from the most to the least important."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gopro.classifier.check.look import Looks, Quality
from gopro.classifier.check.mislabelled import suspicions
from gopro.common.text import counted, readable
from gopro.data import Dataset, Item
from gopro.data.listing import other_kinds, pictures, tree
from gopro.data.parts import layout

_DARK = 50.0
_BLANK = 3.0
_BLURRED = 0.7
_TINY = 48
"""Least width and height in pixels."""

_FEW = 4
_UNBALANCED = 5
"""Largest ratio of the numbers of pictures of two classes."""


@dataclass(frozen=True)
class Kind:
    """A kind of finding: its title, a few words to follow a number, and what to do about it."""

    title: str
    short: str
    remedy: str


KINDS = {
    "unreadable": Kind(
        "Unreadable pictures",
        "unreadable",
        "Repair or remove them, or fit with --skip-bad.",
    ),
    "several classes": Kind(
        "The same picture in several classes",
        "in several classes",
        "Keep it in one class.",
    ),
    "held out": Kind(
        "The same picture for learning and for measuring",
        "both learned from and held out",
        "Keep one copy: a classifier knows the answer to a picture that it learned from. "
        "gopro fit leaves these out of its measurement.",
    ),
    "copies": Kind(
        "The same picture several times in a class",
        "several times in a class",
        "Keep one copy of each.",
    ),
    "mislabelled": Kind(
        "Pictures that look mislabelled",
        "perhaps mislabelled",
        "A classifier that didn't learn from them is confident of another class. Look at each, the "
        "most suspicious first, and move those that are in a wrong folder.",
    ),
    "blank": Kind("Blank pictures", "blank", "Remove them."),
    "dark": Kind("Very dark pictures", "very dark", "Remove those that show nothing."),
    "blurred": Kind("Blurred pictures", "blurred", "Remove those that show nothing."),
    "tiny": Kind("Tiny pictures", "tiny", "Replace them by larger ones if you can."),
    "few": Kind("Classes with few pictures", "of the classes with few pictures", "Add pictures."),
    "unbalanced": Kind(
        "Classes of very different size",
        "imbalance",
        "Add pictures to the small ones, or use as many of each (gopro fit --shots).",
    ),
    "numbers": Kind(
        "Class folders named by numbers",
        "of the classes named by a number",
        "Give them names: a class name is put into a sentence, and a number says nothing about "
        "the pictures.",
    ),
    "beside": Kind(
        "Pictures beside the class folders",
        "beside the class folders",
        "Move them into class folders; they are not used.",
    ),
    "other files": Kind(
        "Other files",
        "kinds of other files",
        "They are not used. Convert photographs to JPEG or PNG.",
    ),
}
"""Kinds of findings, the most important first."""


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        kind: A key of ``KINDS``.
        keys: The pictures, relative to the folder.
        detail: What was found, in a few words.
    """

    kind: str
    keys: tuple[str, ...]
    detail: str


def find(dataset: Dataset, looks: Looks) -> list[Finding]:
    """All findings about a folder.

    Args:
        dataset: The folder; its test split is what is held out.
        looks: Its pictures.
    """
    assert dataset.root is not None
    items = {item.key: item for item in (*dataset.train, *dataset.val, *dataset.test)}
    classes = {key: dataset.class_names[item.label] for key, item in items.items()}
    held_out = {item.key for item in dataset.test}
    found = [Finding("unreadable", (key,), error) for key, error in looks.errors.items()]
    copies = _copies(looks, classes, held_out)
    found += copies
    found += _mislabelled(looks, items, copies, dataset.class_names)
    found += [
        Finding(kind, (key,), detail)
        for key, quality in looks.quality.items()
        for kind, detail in _faults(quality)
    ]
    found += _of_classes(Counter(classes.values()))
    found += [Finding("beside", (key,), "not used") for key in _beside(dataset.root)]
    found += [Finding("other files", (), kind) for kind in other_kinds(tree(dataset.root))]
    order = list(KINDS)
    return sorted(found, key=lambda finding: order.index(finding.kind))


def in_short(found: Iterable[Finding]) -> str:
    """The number of findings of each kind; empty if there are none."""
    counts = Counter(finding.kind for finding in found)
    return ", ".join(
        f"{counts[kind]:,} {about.short}" for kind, about in KINDS.items() if counts[kind]
    )


def _beside(root: Path) -> list[str]:
    """Pictures in the folder or in its parts, in no class folder."""
    parts = [Path(part) for part in layout(root).parts.values()]
    places = {place for part in parts for place in (part, *part.parents)}
    return sorted((place / name).as_posix() for place in places for name in pictures(root / place))


def _copies(looks: Looks, classes: Mapping[str, str], held_out: set[str]) -> list[Finding]:
    """Groups of pictures that are the same."""
    keys = list(looks.quality)
    pairs = [(i, j) for i, j in looks.fingerprints.same_as(looks.fingerprints) if i < j]
    first: dict[str, int] = {}
    for index, quality in enumerate(looks.quality.values()):
        original = first.setdefault(quality.sha256, index)
        if original != index:
            pairs.append((original, index))
    found = []
    for group in _joined(pairs):
        members = tuple(keys[index] for index in group)
        files = {looks.quality[key].sha256 for key in members}
        same = "equal files" if len(files) == 1 else "one is a copy in another size or format"
        if len({classes[key] for key in members}) > 1:
            kind = "several classes"
        else:
            kind = "held out" if 0 < len(held_out & set(members)) < len(members) else "copies"
        found.append(Finding(kind, members, same))
    return found


def _mislabelled(
    looks: Looks, items: Mapping[str, Item], copies: Sequence[Finding], names: Sequence[str]
) -> list[Finding]:
    """Pictures that look like another class, if the looks have features to tell by."""
    if looks.features is None:
        return []
    keys = list(looks.quality)
    number = {key: index for index, key in enumerate(keys)}
    groups = [[number[key] for key in finding.keys] for finding in copies]
    labels = [items[key].label for key in keys]
    return [
        Finding(
            "mislabelled",
            (keys[one.index],),
            f"looks like {readable(names[one.suggested])} ({100 * one.suggested_share:.0f} %), "
            f"not {readable(names[labels[one.index]])} ({100 * one.share:.0f} %)",
        )
        for one in suspicions(looks.features, labels, groups)
    ]


def _joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Groups of numbers that are connected by pairs, each sorted."""
    group_of: dict[int, list[int]] = {}
    for a, b in pairs:
        ours, theirs = group_of.setdefault(a, [a]), group_of.setdefault(b, [b])
        if ours is not theirs:
            ours += theirs
            group_of.update(dict.fromkeys(theirs, ours))
    unique = {id(group): sorted(group) for group in group_of.values()}
    return sorted(unique.values())


def _faults(quality: Quality) -> list[tuple[str, str]]:
    """Kinds and details of what is wrong with one picture; a blank one is not also blurred."""
    faults = []
    if min(quality.width, quality.height) < _TINY:
        faults.append(("tiny", f"{quality.width} x {quality.height} pixels"))
    if quality.contrast < _BLANK:
        faults.append(("blank", f"contrast {quality.contrast:.1f} of 255"))
    elif quality.bright < _DARK:
        faults.append(("dark", f"95 % of it is darker than {quality.bright:.0f} of 255"))
    elif quality.sharpness < _BLURRED:
        faults.append(("blurred", f"sharpness {quality.sharpness:.2f}, usually 0.9 to 1.5"))
    return faults


def _of_classes(counts: Mapping[str, int]) -> list[Finding]:
    found = [
        Finding("few", (), f"{name}: {counted(count, 'picture')}")
        for name, count in sorted(counts.items())
        if count < _FEW
    ]
    smallest, largest = (choose(counts, key=lambda name: counts[name]) for choose in (min, max))
    if counts[largest] > _UNBALANCED * counts[smallest]:
        detail = f"{largest}: {counts[largest]:,}, {smallest}: {counts[smallest]:,} pictures"
        found.append(Finding("unbalanced", (), detail))
    return found + [
        Finding("numbers", (), name) for name in sorted(counts) if not any(map(str.isalpha, name))
    ]
