"""Sets of several domains: a folder for each domain, in it one for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.listing import folders, pictures
from gopro.data.partition import complete


def read_domains(name: str, home: Path, classes: int, *, domains: Sequence[str]) -> Dataset:
    """Read ``home/DOMAIN/CLASS/picture``, each class of each domain split 50/20/30.

    Args:
        name: The data set's name.
        home: Its folder; other folders than the domains' are left alone.
        classes: How many there have to be in all domains together.
        domains: The domains' folders.

    Raises:
        GoproError: When a domain, classes or pictures are missing.
    """
    absent = [domain for domain in domains if not (home / domain).is_dir()]
    if absent:
        raise GoproError(
            f"folder {home} has no {absent[0]!r}: wanted the domains {', '.join(domains)}; "
            "unpack the set again, whole"
        )
    found = {domain: folders(home / domain) for domain in domains}
    names = tuple(sorted({folder for inside in found.values() for folder in inside}))
    if len(names) != classes:
        raise GoproError(
            f"the domains in {home} have {len(names)} class folders and {classes} were wanted; "
            "unpack the set again, whole (for a part of it: folder:PATH)"
        )
    check_class_names(names, f"folder {home}")
    items: list[Item] = []
    for domain, inside in found.items():
        for folder in inside:
            files = pictures(home / domain / folder)
            if not files:
                raise GoproError(
                    f"class folder {home / domain / folder} has no pictures; unpack the set again"
                )
            label = names.index(folder)
            items += [Item(f"{domain}/{folder}/{file}", label, domain) for file in files]
    parts, note = complete({"all": tuple(items)})
    return Dataset(
        name, home, names, parts["train"], parts["val"], parts["test"], (f"{note}, by domain",)
    )
