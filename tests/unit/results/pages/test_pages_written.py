"""The pages of a run and of a fitted classifier."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from gopro.cli.fit import parser as fit_parser
from gopro.cli.main import main
from gopro.cli.options import parse
from gopro.cli.train import runs_from
from tiny_run import CLASSES, Cli


def test_run(train: Cli, tmp_path: Path) -> None:
    assert train(tmp_path / "run", "--coop.n_ctx", 2).code == 0
    text = (tmp_path / "run" / "page.html").read_text(encoding="utf-8")
    assert "new classes" in text
    assert "The learned context" in text
    assert "<b>of</b>" in text  # its tokens start as "of a"
    for name in CLASSES:
        assert f'alt="{name}"' in text
    made_on = json.loads((tmp_path / "run" / "results.json").read_text())["environment"]
    assert made_on["torch"] in text
    command = text.split("<pre>")[1].split("</pre>")[0]
    program, name, *words = shlex.split(command.replace("&#39;", "'"))
    assert (program, name) == ("gopro", "train")
    ((settings, options),) = runs_from(words)
    assert (settings.method, settings.shots, settings.epochs, options.n_ctx) == ("coop", 4, 2, 2)
    assert settings.augment == "none"
    assert settings.out == tmp_path / "run"


@pytest.mark.parametrize("everything", [False, True])
def test_fit(tiny: list[str], photos: Path, tmp_path: Path, everything: bool) -> None:
    model = tmp_path / "my model"
    usual = ["--method", "coop", "--epochs", "1", "--workers", "1", *tiny, "--coop.n_ctx", "2"]
    words = [str(photos), "--out", str(model), *usual, *(["--all"] if everything else [])]
    assert main(["fit", *words]) == 0
    text = (model / "page.html").read_text(encoding="utf-8")
    assert ("Nothing was measured" in text) == everything
    assert ("pictures held out" in text) == (not everything)
    command = text.split("<pre>")[1].split("</pre>")[0].replace("&#39;", "'")
    values = parse(fit_parser(), shlex.split(command)[2:])
    assert (values["out"], values["all"]) == (model, everything)
    assert (values["method"], values["coop"]["n_ctx"]) == ("coop", 2)
