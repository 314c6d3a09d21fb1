"""``check.html`` and ``check.csv``: the findings about a folder, with the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from gopro.classifier.check.findings import KINDS, Finding, Kind
from gopro.classifier.check.look import Looks
from gopro.common.errors import GoproError
from gopro.common.files import write_csv, write_text
from gopro.common.text import counted
from gopro.data import Dataset
from gopro.data.images import open_image, to_array
from gopro.results.pages.formats import neutral
from gopro.results.pages.page import data_uri, template

PAGE = "check.html"
TABLE = "check.csv"

_MOST = 60
"""Most findings of a kind on the page; all are in the table."""

_THUMBNAIL = 150
"""Side of a picture on the page in pixels."""

_WITHOUT_PICTURES = ("unreadable", "few", "unbalanced", "numbers", "other files")
_GROUPED = ("several classes", "held out", "copies")


@dataclass(frozen=True)
class _Section:
    """The findings of one kind."""

    kind: str
    found: tuple[Finding, ...]
    most: int = _MOST

    @property
    def about(self) -> Kind:
        return KINDS[self.kind]

    @property
    def pictured(self) -> bool:
        return self.kind not in _WITHOUT_PICTURES

    @property
    def grouped(self) -> bool:
        return self.kind in _GROUPED


def write(folder: Path, dataset: Dataset, looks: Looks, found: Sequence[Finding]) -> list[Path]:
    """Write the page and the table.

    Args:
        folder: Where to; created if needed.
        dataset: The folder that was looked at.
        looks: Its pictures.
        found: The findings.

    Returns:
        The two files.

    Raises:
        GoproError: When they can't be written.
    """
    assert dataset.root is not None
    root, name = dataset.root, dataset.root.resolve().name
    sections = [
        _Section(kind, members)
        for kind in KINDS
        if (members := tuple(finding for finding in found if finding.kind == kind))
    ]

    def thumbnail(key: str) -> Markup | None:
        try:
            return data_uri(to_array(open_image(root / key, _THUMBNAIL), _THUMBNAIL))
        except GoproError:
            return None

    text = template("check.html").render(
        title=f"A look at {name}",
        lead=f"{counted(len(found), 'finding')}." if found else "Nothing was found.",
        facts=[
            ("images", f"{len(looks.keys):,}"),
            ("classes", f"{len(dataset.class_names):,}"),
            ("held out by gopro fit", f"{len(dataset.test):,}"),
        ],
        sections=sections,
        held_out={item.key for item in dataset.test},
        thumbnail=thumbnail,
        command=f"Written by gopro check {name}.",
    )
    write_text(folder / PAGE, text)
    write_csv(folder / TABLE, [("finding", "picture", "detail", "others"), *_rows(found)])
    return [folder / PAGE, folder / TABLE]


def _rows(found: Sequence[Finding]) -> list[list[str]]:
    """A row for each picture of each finding, and one for a finding without pictures."""
    rows = []
    for finding in found:
        for key in finding.keys or ("",):
            others = " | ".join(other for other in finding.keys if other != key)
            rows.append([neutral(cell) for cell in (finding.kind, key, finding.detail, others)])
    return rows
