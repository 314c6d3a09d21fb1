"""Data sets with several domains: ``DOMAIN/CLASS/image``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item, check_class_names
from gopro.data.listing import folders, pictures
from gopro.data.random_splits import complete


def read_domains(name: str, home: Path, classes: int, *, domains: Sequence[str]) -> Dataset:
    """Read ``home/DOMAIN/CLASS/image``; each class of each domain is split 50/20/30.

    Args:
        name: The data set's name.
        home: Its folder. Folders that aren't in ``domains`` are ignored.
        classes: Expected number of classes over all domains.
        domains: Names of the domain folders.

    Raises:
        GoproError: When a domain, a class or the images of a class are missing.
    """
    absent = [domain for domain in domains if not (home / domain).is_dir()]
    if absent:
        raise GoproError(
            f"folder {home} has no {absent[0]!r}: wanted the domains {', '.join(domains)}; "
            "unpack the complete set again"
        )
    class_folders = {domain: folders(home / domain) for domain in domains}
    names = tuple(sorted({folder for names in class_folders.values() for folder in names}))
    if len(names) != classes:
        raise GoproError(
            f"the domains in {home} have {len(names)} class folders and {classes} were wanted; "
            "unpack the complete set again (for a part of it: folder:PATH)"
        )
    check_class_names(names, f"folder {home}")
    items: list[Item] = []
    for domain, in_domain in class_folders.items():
        for folder in in_domain:
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
