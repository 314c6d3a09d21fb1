"""Whatever stands in a settings file or on the command line: settings of the right kinds, or one
line."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from hypothesis import given
from hypothesis import strategies as st

from damage import ANY, TEXT, a_result_or_one_line, damaged, damaged_bytes, share
from gopro.cli import train
from gopro.cli.options import Parser, names
from gopro.common.typed import check as check_type
from gopro.methods import configs

SOUND = {
    "dataset": "world",
    "task": "few-shot",
    "method": "coop",
    "root": None,
    "shots": 4,
    "lr": 1e-3,
    "validate": True,
    "views": {"crop_scale": [0.2, 0.9], "moco_jitter": [0.1, 0.2, 0.3, 0.4], "augmix_depth": 2},
    "coop": {"n_ctx": 8, "ctx_init": "an image: of"},
    "gopro": {"layers": [1, 2]},
}
RECIPES = [file.read_bytes() for file in configs.files()]


@cache
def parser(methods: tuple[str, ...]) -> Parser:
    """Made once: that takes longer than reading."""
    return train.parser(methods=methods)


def check(folder: Path, arguments: list[str]) -> None:
    with a_result_or_one_line(folder):
        try:
            values, settings = train.read(lambda methods: parser(tuple(methods)), arguments)
            options = [train.options_of(method, values) for method in names(values, "method")]
        except SystemExit as stop:  # --help and --print_config
            assert stop.code in (0, None)
            return
        for one in (settings, settings.views, *options):
            for field in dataclasses.fields(one):
                check_type(getattr(one, field.name), get_type_hints(type(one))[field.name])


@share(0.4)
@given(content=damaged(SOUND) | ANY)
def test_any_yaml(tmp_path: Path, content: Any) -> None:
    (tmp_path / "s.yaml").write_text(json.dumps(content))
    check(tmp_path, ["--config", str(tmp_path / "s.yaml")])


TAGS = ("!!int", "!!float", "!!timestamp", "!!binary", "!!set", "!!omap", "!!python/name:os.system")
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\ndataset: [*b, *b]\n"
LINES = st.lists(
    st.builds("{}: {} {}".format, st.sampled_from(("lr", "dataset")), st.sampled_from(TAGS), TEXT)
    | st.sampled_from(("lr: 2001-99-99", "? [a]", "<<: 1", "a: *a", "&a lr: *a", BOMB)),
    max_size=4,
).map("\n".join)


@share(0.4)
@given(
    content=st.sampled_from(RECIPES).flatmap(damaged_bytes)
    | damaged_bytes(yaml.safe_dump(SOUND).encode())
    | LINES.map(lambda text: text.encode("utf-8", "replace"))
    | st.binary(max_size=60)
)
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.yaml").write_bytes(content)
    check(tmp_path, ["--config", str(tmp_path / "s.yaml"), "--dataset", "world"])


OPTIONS = ("shots", "lr", "views", "views.crop_scale", "coop", "gopro.layers", "out", "validate")
WORDS = (
    TEXT
    | st.sampled_from(OPTIONS).map("--{}".format)
    | st.builds("--{}={}".format, st.sampled_from(OPTIONS), TEXT)
    | st.sampled_from(("world", "few-shot", "4", "[0.2, 1]", "{}", "[", "&a [*a]", "null", "--"))
)


@share(0.2)
@given(words=st.lists(WORDS.filter(lambda word: "\0" not in word), max_size=5))
def test_any_command_line(tmp_path: Path, words: list[str]) -> None:
    check(tmp_path, words)
