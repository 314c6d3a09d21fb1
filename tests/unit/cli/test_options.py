"""Options made from settings: the command line, YAML files, and complaints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from gopro.cli import train
from gopro.cli.options import Parser, names
from gopro.cli.train import runs_from
from gopro.common.errors import GoproError
from gopro.methods import TABLE, find
from gopro.methods.coop import CoOpSettings
from gopro.methods.gopro import GOProSettings
from gopro.training.config import TrainSettings, ViewSettings
from tiny_run import Cli


def settings_from(arguments: Sequence[str]) -> tuple[TrainSettings, Any]:
    """Settings of the one run that the arguments ask for."""
    (one,) = runs_from(arguments)
    return one


def test_nothing_given_is_every_default() -> None:
    assert settings_from(["world"]) == (TrainSettings(dataset="world"), GOProSettings())
    assert settings_from(["world", "few-shot"])[0].task == "few-shot"


OTHER: dict[str, Any] = {
    "dataset": "folder:a b",
    "task": "few-shot",
    "method": "coop",
    "backbone": "ViT-B-16",
    "pretrained": "openai",
    "root": "/data/my sets",
    "shots": 4,
    "seed": 3,
    "out": "runs/x",
    "device": "cpu",
    "precision": "bf16",
    "epochs": 7,
    "batch": 8,
    "lr": 1e-3,
    "momentum": 0.5,
    "weight_decay": 0,
    "warmup_epochs": 2,
    "warmup_lr": 1e-4,
    "augment": "crop-flip",
    "optimizer": "adam",
    "select": "best",
    "validate": True,
    "checkpoint_every": 2,
    "chunk_tokens": 99,
    "eval_batch": 5,
    "workers": 3,
    "views": {"crop_scale": [0.2, 0.9], "moco_jitter": [0.1, 0.2, 0.3, 0.4], "augmix_depth": 2},
    "coop": {"n_ctx": 8, "ctx_init": "an image: of"},
}


def test_every_setting_from_a_file(tmp_path: Path) -> None:
    path = _write(tmp_path, OTHER)
    settings, options = settings_from(["--config", path])
    for name, value in OTHER.items():
        if name not in ("views", "coop"):
            found = getattr(settings, name)
            assert (str(found) if isinstance(found, Path) else found) == value
    assert settings.views == ViewSettings(
        crop_scale=(0.2, 0.9), moco_jitter=(0.1, 0.2, 0.3, 0.4), augmix_depth=2
    )
    assert options == CoOpSettings(n_ctx=8, ctx_init="an image: of")


def test_the_home_folder_in_paths(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = _write(tmp_path, {"root": "~/data"})
    settings, _ = settings_from(["world", "--config", path, "--out=~/runs"])
    assert (settings.root, settings.out) == (tmp_path / "data", tmp_path / "runs")
    assert "home directory" in cli("fit", "~nobody-of-this-name/photos").line


def test_the_command_line_beats_the_file_wherever_it_stands(tmp_path: Path) -> None:
    path = _write(tmp_path, OTHER)
    settings, options = settings_from(
        ["--config", path, "--lr", "0.5", "--coop.n_ctx", "2", "--views.augmix_depth", "4"]
    )
    assert (settings.lr, options.n_ctx, settings.views.augmix_depth) == (0.5, 2, 4)
    assert settings.views.crop_scale == (0.2, 0.9)
    assert (settings.dataset, settings.task) == ("folder:a b", "few-shot")
    settings, _ = settings_from(["world", "base2new", "--config", path])
    assert (settings.dataset, settings.task, settings.lr) == ("world", "base2new", 1e-3)


def test_settings_of_methods_that_are_not_used_do_no_harm(tmp_path: Path) -> None:
    path = _write(tmp_path, {**OTHER, "gopro": {"n_ctx": 5}})
    assert settings_from(["--config", path])[1] == CoOpSettings(n_ctx=8, ctx_init="an image: of")


@pytest.mark.parametrize(
    "arguments",
    [
        ["world"],
        ["world", "few-shot", "--method", "coop", "--coop.n_ctx", "3", "--lr", "1e-3"],
        ["world", "--gopro.layers", "[1,3]", "--views.crop_scale", "[0.2,1.0]", "--root", "/d"],
        ["world", "--gopro.variant", "released", "--validate", "false", "--shots", "2"],
    ],
)
def test_print_config_fed_back_gives_the_same(
    cli: Cli, tmp_path: Path, arguments: list[str]
) -> None:
    answer = cli("train", *arguments, "--print_config")
    assert (answer.code, answer.err) == (0, "")
    path = tmp_path / "config.yaml"
    path.write_text(answer.out)
    assert settings_from(["--config", str(path)]) == settings_from(arguments)


def test_the_help_of_texts_names_the_methods_that_take_them(cli: Cli) -> None:
    _, _, found = cli("train", "--help-all").out.partition("--texts TEXTS")
    words = re.findall(r"\w+", found.partition("\n  --")[0])
    taking = [name for name in TABLE if hasattr(find(name).Settings, "texts")]
    assert taking and sorted({*words} & TABLE.keys()) == sorted(taking)


def test_lists_become_tuples_and_words_numbers() -> None:
    settings, options = settings_from(
        ["world", "--views.crop_scale", "[0.2,1.0]", "--gopro.layers", "[1, 2]", "--lr", "1e-2"]
    )
    assert settings.views.crop_scale == (0.2, 1.0)
    assert options.layers == (1, 2)
    assert settings.lr == 0.01


def test_resume_is_a_switch() -> None:
    assert settings_from(["world", "--resume"])[0].resume is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--shots", "x"], "got --shots x; wanted int"),
        (["--shots", "1.5"], "got --shots 1.5; wanted int"),
        (["--shots", "-1"], "got --shots -1; it must be 1 or more"),
        (["--lr", "fast"], "got --lr fast; wanted float"),
        (["--lr", "nan"], "got --lr nan"),
        (["--seed", "-2"], "got --seed -2"),
        (["--precision", "int8"], "fp32"),
        (["--gopro.variant", "foo"], "wanted one of 'paper', 'released'"),
        (["--views.crop_scale", "1"], "got --views.crop_scale 1; wanted tuple"),
        (["--views.crop_scale", "[1]"], "wanted tuple with 2 elements"),
        (["--views.crop_scale", "[2, 3]"], "0 < low <= high <= 1"),
        (["--gopro.layers", "[1, x]"], "got --gopro.layers [1, 'x']; wanted tuple[int, ...]"),
        (["--select", "best", "--validate", "false"], "--select best needs validation"),
        (["--lr"], "expected one argument"),
    ],
)
def test_wrong_values(cli: Cli, arguments: list[str], words: str) -> None:
    assert words in cli("train", "world", *arguments).line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shotz: 4", "no option --shotz; did you mean --shots?"),
        ("views: {crop_scal: 1}", "no option --views.crop_scal; did you mean --views.crop_scale?"),
        ("shots: many", "got --shots many; wanted int"),
        ("views: {crop_scale: [1]}", "wanted tuple with 2 elements"),
        ("dataset: [world", "Problems parsing config"),
        ("- a", "Unexpected config"),
        ("", "Unexpected config"),
        ("dataset: 3", "got --dataset 3; wanted str"),
        ("dataset: world\ntask: null", "got --task None; wanted str"),
        ("dataset: world\nmethod: coop\ncoop: null", "got null for CoOpSettings"),
        ("dataset: world\nmethod: coop\nviews: []", "got --views (); wanted ViewSettings"),
        ("lr: !!float ''", "gopro: "),
        ("lr: !!timestamp x", "gopro: "),
        ("a: &a [*a]", "gopro: "),
        ("!!python/object/apply:os.system ['echo hacked > hacked']", "gopro: "),
        (b"\xff\xfe\x00\x01", "no text in UTF-8"),
    ],
)
def test_files_that_are_no_settings(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert words in cli("train", "--config", "config.yaml").line
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_missing_file(cli: Cli, tmp_path: Path) -> None:
    assert "does not exist" in cli("train", "--config", tmp_path / "none.yaml").line


def test_the_parser_raises_and_never_exits() -> None:
    with pytest.raises(GoproError, match="no option --nothing"):
        settings_from(["world", "--nothing"])


def _write(folder: Path, settings: dict[str, Any]) -> str:
    path = folder / "file.yaml"
    path.write_text(yaml.safe_dump(settings))
    return str(path)


EVERY = list(TABLE)


@pytest.mark.parametrize(
    ("arguments", "methods"),
    [
        (["--method", "coop", "--coop.n_ctx", "8"], [["coop"]]),
        (["--seeds=1,2", "--method=gopro, coop", "--gopro.n_ctx=2"], [["coop", "gopro"]]),
        (["--method", "coop", "--tcp.n_ctx", "2"], [["coop", "tcp"]]),
        (["--coop.n_ctx", "8"], [EVERY]),
        (["--method", "coop", "--coop.n_ctxt", "8"], [["coop"], EVERY]),
        (["--method", "coop", "--shotz", "8"], [["coop"], EVERY]),
        (["--method", "copo"], [EVERY]),
    ],
)
def test_the_settings_of_the_named_methods_are_enough(
    arguments: list[str], methods: list[list[str]]
) -> None:
    made: list[list[str]] = []

    def make(methods: Iterable[str]) -> Parser:
        made.append(list(methods))
        return train.parser(methods=made[-1])

    def read(make: Callable[[Iterable[str]], Parser]) -> Any:
        try:
            values, settings = train.read(make, ["world", *arguments])
            options = [train.options_of(name, values) for name in names(values, "method")]
        except GoproError as error:
            return str(error)
        return settings, options, values["seeds"]

    assert read(make) == read(lambda methods: train.parser())
    assert made == methods


def test_a_settings_file_may_hold_the_settings_of_any_method(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("tcp: {n_ctx: 2}\nmethod: tcp\n", encoding="utf-8")
    given = ["world", "--config", str(tmp_path / "s.yaml")]
    assert settings_from(given)[1].n_ctx == 2
    assert settings_from([*given, "--method", "coop"])[0].method == "coop"
