"""Any class name works in prompts, pages and tables, or is a one-line error."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from damage import TEXT, a_result_or_one_line
from gopro.backbones.prompts import tokenize_class_names
from gopro.backbones.text_tokens import TextTokens
from gopro.common.text import name_key
from gopro.data.folder import read_folder
from gopro.data.labelled import checked_names
from gopro.results.pages.formats import neutral
from gopro.results.pages.page import template
from small_clips import tokenizer

WORDS = TEXT | st.sampled_from(("cat", "Cat", "c_at", "<script>", "=1+1", "{}", "a" * 300, "猫"))
TOKENS = TextTokens(tokenizer(), "small")
NAMES = st.lists(WORDS, max_size=5)


@given(names=NAMES, room=st.integers(0, 80))
def test_names_in_prompts(tmp_path: Path, names: list[str], room: int) -> None:
    with a_result_or_one_line(tmp_path):
        rows = tokenize_class_names(names, TOKENS, room=room)
        assert len(rows) == len(names)
        assert all(row[-1] == tokenizer().eot_token_id and len(row) <= room for row in rows)
        different = set(map(tuple, rows))  # only names of the same class share a row
        assert len(set(zip(map(tuple, rows), map(name_key, names), strict=True))) == len(different)


@given(names=NAMES)
def test_accepted_names_are_printable_text(tmp_path: Path, names: list[str]) -> None:
    with a_result_or_one_line(tmp_path):
        accepted = checked_names(names, "names")
        assert list(accepted) == names
        for name in accepted:
            assert name.encode("utf-8").decode("utf-8") == name
            assert len(name.splitlines()) == 1


# no name has a zero byte, and Python 3.10 can't write one as CSV
@given(name=TEXT.filter(lambda name: "\0" not in name))
def test_no_cell_is_a_formula(name: str) -> None:
    file = io.StringIO()
    csv.writer(file).writerow([neutral(name)])
    [[cell]] = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert cell.removeprefix("'") == name.removeprefix("'")
    if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        float(cell)


@given(name=TEXT)
def test_no_name_is_markup(name: str) -> None:
    page = template("page.html").environment.from_string("{{ name }}")
    assert not {"<", ">", '"', "'"} & set(page.render(name=name))


PICTURE = Image.new("RGB", (2, 2))
LETTERS = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), max_size=6)


@given(names=st.lists(LETTERS.filter(str.strip) | st.just("\udcff"), max_size=3, unique=True))
def test_folders_of_any_name(tmp_path: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as temporary:
        folder = Path(temporary)
        for name in names:
            if name in (".", "..") or len(os.fsencode(name)) > 200:
                continue
            (folder / name).mkdir()
            for number in range(2):
                PICTURE.save(folder / name / f"{number}.png")
        with a_result_or_one_line(folder):
            dataset = read_folder(folder)
            assert all(dataset.open(item).size == (2, 2) for item in dataset.train)
            assert dataset.fingerprint()
