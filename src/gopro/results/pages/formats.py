"""Tables for a terminal, and as Markdown, LaTeX and CSV text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import rich.table
from rich.markup import escape
from rich.text import Text

from gopro.results import published
from gopro.results.averages import Score
from gopro.results.statistics import LEVEL
from gopro.results.tables import Line, Table

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters of a cell that a spreadsheet reads as a formula."""

_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}


def cells(table: Table) -> list[list[str]]:
    """The table as rows of text; the first row is the head."""
    with_published = any(line.published for line in table.lines)
    head = ["method", *(column.replace("_", " ") for column in table.columns)]
    head += [gain_title(table), *(["published"] if with_published else []), "seeds"]
    head += ["training s", "learned"]
    rows = [head]
    for line in table.lines:
        row = [line.method, *(score(line.scores.get(column)) for column in table.columns)]
        row.append(gain(line))
        if with_published:
            row.append(figure(table, line))
        row.append(", ".join(map(str, line.seeds)))
        row.append("" if line.seconds is None else f"{line.seconds:.0f}")
        row.append("" if line.learned is None else f"{line.learned:,}")
        rows.append(row)
    return rows


def gain_title(table: Table) -> str:
    """Head of the column of gains."""
    return f"over {table.baseline.removesuffix(' CLIP')}"


def summary_name(table: Table) -> str:
    """The last column in words."""
    last = table.columns[-1].replace("_", " ")
    return f"{last} shots" if table.shots is None else last


def score(value: Score | None) -> str:
    """``53.91 ± 0.17``; no spread for one seed, or where nothing is random."""
    if value is None:
        return ""
    mean, spread = value
    return f"{mean:.2f} ± {spread:.2f}" if spread else f"{mean:.2f}"


def gain(line: Line) -> str:
    """``+1.20 [+0.40, +2.00]``: the mean and its confidence interval."""
    if line.gain is None:
        return ""
    mean, reach = line.gain.mean, line.gain.reach
    if reach is None:
        return signed(mean)
    return f"{signed(mean)} [{signed(mean - reach)}, {signed(mean + reach)}]"


def signed(value: float) -> str:
    """``+1.20``; a value that rounds to zero is ``0.00``."""
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def figure(table: Table, line: Line) -> str:
    """The published figure of the last column."""
    return _digits(line.published.get(table.columns[-1]), 2)


def about(table: Table) -> list[str]:
    """Explanations of the columns, one per line."""
    lines = []
    pairs = "data sets" if table.datasets else "seeds"
    if any(line.gain is not None for line in table.lines):
        lines.append(
            f"{gain_title(table)}: mean difference in {summary_name(table)}, with its "
            f"{LEVEL:.0%} interval where there are several {pairs}"
        )
    if any(line.published for line in table.lines):
        lines.append(f"published: {published.short_source()}")
    if table.datasets:
        lines.append(f"average of {', '.join(table.datasets)}")
    if table.left_out:
        lines.append(f"left out of the average: {'; '.join(table.left_out)}")
    return lines


def terminal(table: Table) -> rich.table.Table:
    """The table for a terminal."""
    head, *rows = cells(table)
    return rich_table(head, rows, title=table.title, caption="\n".join(about(table)))


def rich_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    title: str = "",
    caption: str = "",
    left: int = 1,
) -> rich.table.Table:
    """Any table for a terminal; texts are no markup, and the first ``left`` columns align left."""
    table = rich.table.Table(title=escape(title), caption=escape(caption))
    for number, name in enumerate(head):
        table.add_column(escape(name), justify="left" if number < left else "right")
    for row in rows:
        table.add_row(*(escape(cell) if isinstance(cell, str) else cell for cell in row))
    return table


def markdown(tables: Sequence[Table]) -> str:
    """Markdown tables with their titles."""
    parts = []
    for table in tables:
        head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in cells(table)]
        ruled = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        parts.append(f"{table.title}\n")
        parts += ["| " + " | ".join(row) + " |" for row in ruled]
        parts += ["", *(f"{line}\n" for line in about(table))]
    return "\n".join(parts)


def latex(tables: Sequence[Table]) -> str:
    """Tables for LaTeX's ``booktabs``; the best of each column is bold."""
    parts = ["% \\usepackage{booktabs}"]
    for table in tables:
        head, *rows = cells(table)
        parts += ["", f"% {table.title}", f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}"]
        parts += ["\\toprule", _latex_row([_latex(cell) for cell in head]), "\\midrule"]
        for row, line in zip(rows, table.lines, strict=True):
            texts = [_latex(cell).replace("±", "$\\pm$") for cell in row]
            for number, column in enumerate(table.columns, start=1):
                value = line.scores.get(column)
                if value is not None and round(value[0], 2) == round(table.best(column), 2):
                    texts[number] = f"\\textbf{{{texts[number]}}}"
            parts.append(_latex_row(texts))
        parts += ["\\bottomrule", "\\end{tabular}"]
    return "\n".join(parts) + "\n"


def to_csv(tables: Sequence[Table]) -> str:
    """CSV with a row per number: its settings, mean, spread, gain and published figure."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        (
            *("task", "dataset", "backbone", "shots", "method", "test", "mean", "std", "seeds"),
            *("baseline", "gain", "gain_low", "gain_high", "published"),
        )
    )
    for table in tables:
        for line in table.lines:
            for column, (mean, spread) in line.scores.items():
                shots = column if table.shots is None else table.shots
                test = "all" if table.shots is None else column
                row = [table.task, table.dataset, table.backbone, shots, line.method, test]
                row += [_digits(mean), _digits(spread), " ".join(map(str, line.seeds))]
                row += _gain_cells(table, line, column)
                row.append(_digits(line.published.get(column)))
                writer.writerow([neutral(str(cell)) for cell in row])
    return file.getvalue()


def neutral(cell: str) -> str:
    """The cell, quoted if a spreadsheet would read it as a formula; numbers stay numbers."""
    if not cell.startswith(_DANGEROUS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def _gain_cells(table: Table, line: Line, column: str) -> list[str]:
    if line.gain is None or column != table.columns[-1]:
        return ["", "", "", ""]
    mean, reach = line.gain.mean, line.gain.reach
    ends = (None, None) if reach is None else (mean - reach, mean + reach)
    return [table.baseline, _digits(mean), *map(_digits, ends)]


def _digits(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _latex_row(texts: Sequence[str]) -> str:
    return " & ".join(texts) + r" \\"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)
