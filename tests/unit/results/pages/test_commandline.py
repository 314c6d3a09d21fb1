"""Commands as they are typed into a shell; the one on a run's page trains the same run."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace

import pytest

from gopro.methods import find
from gopro.results.pages.commandline import command_line, train_command
from gopro.training.config import TrainSettings


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ("posix", r"gopro fit 'C:\my photos' --out 'C:\model' --shots 4"),
        ("nt", r'gopro fit "C:\my photos" --out C:\model --shots 4'),
    ],
)
def test_paths_are_quoted_for_the_shell_of_the_system(
    monkeypatch: pytest.MonkeyPatch, system: str, command: str
) -> None:
    words = ["gopro", "fit", r"C:\my photos", "--out", r"C:\model"]
    with monkeypatch.context() as here:
        here.setattr(os, "name", system)
        line = command_line(words, {"shots": 4})
    assert line == command


@pytest.mark.parametrize("epochs", [320, 667])
def test_epochs_that_the_classes_decide_about_are_written(epochs: int) -> None:
    options = find("clip_lora").Settings()
    settings = TrainSettings(dataset="dtd", method="clip_lora", backbone="ViT-B-16", epochs=epochs)
    words = shlex.split(train_command(settings, options))
    assert words[words.index("--epochs") + 1] == str(epochs)


def test_epochs_of_the_recipe_are_not() -> None:
    settings = TrainSettings(dataset="dtd", method="coop", backbone="ViT-B-16")
    epochs = find("coop").recipe_for("ViT-B-16").epochs
    assert "--epochs" not in train_command(
        replace(settings, epochs=epochs), find("coop").Settings()
    )
