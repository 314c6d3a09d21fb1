"""Make the tables of ``docs/results.md`` and the README's figure, from files in ``docs/results``.

    python -m scripts.results_page

Tables stand between ``<!-- runs: FILE.csv -->`` and ``<!-- end -->``; what is there is replaced.
``FILE.csv`` was printed by ``gopro results RUN_DIR --format runs``. After ``<!-- choices: FILE.csv
-->``, the file is a log of ``python -m recipes.choose``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from markupsafe import escape
from scripts.choices_table import table

from gopro.results import runs_csv
from gopro.results.pages.formats import markdown
from gopro.results.tables import Line, Table, build

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "results.md"
FIGURE = ROOT / "docs" / "images" / "suite.svg"
SUITE = "base2new.csv"

_BLOCK = re.compile(r"(<!-- (runs|choices): (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ROW, _LEFT, _WIDTH, _TOP = 22, 128, 640, 40
_FIRST_COLOUR, _COLOUR = "#c2410c", "#64748b"


def filled(page: str, folder: Path) -> str:
    """The page with its tables made anew; averages come first, then a table for each data set."""

    def block(match: re.Match[str]) -> str:
        start, kind, name, end = match.groups()
        file = folder / name
        if kind == "choices":
            return f"{start}\n{table(file)}\n{end}"
        made = markdown([best_first(one) for one in build(runs_csv.read(file))])
        return f"{start}\n{made}\n{end}"

    return _BLOCK.sub(block, page)


def best_first(table: Table) -> Table:
    """The table with zero-shot CLIP first, then the methods by their last score."""
    zero, *others = table.lines
    column = table.columns[-1]
    others.sort(key=lambda line: -line.scores[column][0] if column in line.scores else 0.0)
    return replace(table, lines=(zero, *others))


def bars(table: Table) -> str:
    """A bar for each method, the highest first, as SVG: the mean and its standard deviation."""
    column = table.columns[-1]
    lines = sorted(table.lines, key=lambda line: -line.scores[column][0])
    ends = [line.scores[column][0] + (line.scores[column][1] or 0.0) for line in lines]
    scale = (_WIDTH - _LEFT - 60) / max(ends)
    height = _TOP + _ROW * len(lines) + 8
    words = column.replace("_", " ")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="20" font-size="14" font-weight="bold">{escape(table.title)}</text>',
        f'<text x="8" y="{_TOP - 6}" fill="#475569">{words}, mean and standard deviation over '
        "seeds</text>",
    ]
    for number, line in enumerate(lines):
        parts += _bar(line, column, _TOP + _ROW * number, scale)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(line: Line, column: str, y: float, scale: float) -> list[str]:
    mean, spread = line.scores[column]
    colour = _FIRST_COLOUR if line.method.startswith("gopro") else _COLOUR
    end, middle = _LEFT + scale * mean, y + _ROW / 2
    reach, name = scale * (spread or 0.0), escape(line.method)
    whisker = (
        f'<line x1="{end - reach:.1f}" x2="{end + reach:.1f}" y1="{middle:.1f}" y2="{middle:.1f}" '
        'stroke="#0f172a"/>'
    )
    return [
        f'<text x="{_LEFT - 8}" y="{middle + 4:.1f}" text-anchor="end">{name}</text>',
        f'<rect x="{_LEFT}" y="{y + 4:.1f}" width="{end - _LEFT:.1f}" height="{_ROW - 8}" '
        f'fill="{colour}"/>',
        *([whisker] if spread else []),
        f'<text x="{end + reach + 6:.1f}" y="{middle + 4:.1f}">{mean:.1f}</text>',
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page and the figure."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), FOLDER), encoding="utf-8")
    FIGURE.write_text(bars(build(runs_csv.read(FOLDER / SUITE))[0]), encoding="utf-8")
    print(f"wrote {PAGE} and {FIGURE}")


if __name__ == "__main__":
    main()
