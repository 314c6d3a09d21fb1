"""Whatever lies in a run folder: the settings and figures it says, or one line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from damage import ANY, a_result_or_one_line, damaged, damaged_bytes, share
from gopro.common.typed import check as check_type
from gopro.data import Dataset, Item
from gopro.data.fewshot import load_sample
from gopro.methods.gopro import GOProSettings
from gopro.results import results_json, run_record, runfolder
from gopro.results.pages import formats, printed, sweep_page
from gopro.results.tables import build
from gopro.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from gopro.training.config import TrainSettings
from many_runs import make

SETTINGS = TrainSettings(dataset="world", method="gopro", root=Path("sets"), epochs=3, lr=0.01)
CONFIG = runfolder.to_dict(SETTINGS, GOProSettings(layers=(1, 2)))
RESULTS = {
    **make("gopro", notes=["split generated"], environment={"torch": "2"}, revision=None),
    "schema": results_json.SCHEMA,
}
ROWS = [{"epoch": 1, "lr": 0.1, "loss": 2.0, "ce": 1.5, "val_accuracy": 40.0}] * 3
PART = {"class_names": ["ant", "bee"], "keys": ["a", "b"], "labels": [0, 1]}
PREDICTIONS = {test: {**PART, "predicted": [0, 0], "zeroshot": [1, 1]} for test in ("base", "new")}
ITEMS = tuple(Item(f"{label}/{number}.png", label) for label in (0, 1) for number in range(3))
SET = Dataset("set", None, ("ant", "bee"), ITEMS, (), ITEMS[:1])


def as_lines(rows: Any) -> str:
    return "\n".join(map(json.dumps, rows if isinstance(rows, list) else [rows]))


@share(0.3)
@given(content=damaged(CONFIG) | ANY)
def test_any_settings(tmp_path: Path, content: Any) -> None:
    (tmp_path / runfolder.CONFIG).write_text(json.dumps(content))
    check_settings(tmp_path)


@share(0.1)
@given(content=damaged_bytes(yaml.safe_dump(CONFIG).encode()) | st.binary(max_size=60))
def test_any_bytes_for_settings(tmp_path: Path, content: bytes) -> None:
    (tmp_path / runfolder.CONFIG).write_bytes(content)
    check_settings(tmp_path)


def check_settings(folder: Path) -> None:
    with a_result_or_one_line(folder):
        settings, options = runfolder.read_settings(folder)
        for one in (settings, settings.views, options):
            for field in dataclasses.fields(one):
                check_type(getattr(one, field.name), get_type_hints(type(one))[field.name])
    with a_result_or_one_line(folder):
        runfolder.check(folder, SETTINGS, GOProSettings())


@share(0.3)
@given(content=damaged(RESULTS) | ANY)
def test_any_results(tmp_path: Path, content: Any) -> None:
    (tmp_path / results_json.FILE).write_text(json.dumps(content))
    with a_result_or_one_line(tmp_path):
        found = results_json.read(tmp_path)
        printed.print_run(found)
        tables = build([found])
        for write in (formats.markdown, formats.latex, formats.to_csv):
            assert write(tables).encode("utf-8")


@share(0.1)
@given(rows=damaged(ROWS) | ANY, predictions=damaged(PREDICTIONS) | ANY)
def test_any_page(tmp_path: Path, rows: Any, predictions: Any) -> None:
    out = tmp_path.parent / "page.html"
    run = tmp_path / "run"
    run.mkdir(exist_ok=True)
    (run / results_json.FILE).write_text(json.dumps(RESULTS))
    (run / "metrics.jsonl").write_text(as_lines(rows))
    (run / run_record.PREDICTIONS).write_text(json.dumps(predictions))
    with a_result_or_one_line(tmp_path):
        run_record.metrics(run)
        run_record.predictions(run)
        sweep_page.write([run], out)
        assert out.read_bytes().endswith(b"</html>")


SAMPLE = {
    "schema": 1,
    "dataset": "set",
    "split_sha256": SET.fingerprint(),
    "shots": 1,
    "seed": 1,
    "train": [["0/0.png", 0], ["1/2.png", 1]],
    "val": [],
}


@share(0.1)
@given(content=damaged(SAMPLE, edits=1) | ANY)
def test_any_sample(tmp_path: Path, content: Any) -> None:
    (tmp_path / runfolder.SAMPLE).write_text(json.dumps(content))
    with a_result_or_one_line(tmp_path):
        assert set(load_sample(tmp_path / runfolder.SAMPLE, SET).train) <= set(ITEMS)


def training() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return model, optimizer


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a sound checkpoint."""
    path = tmp_path_factory.mktemp("sound") / "checkpoint.safetensors"
    save_checkpoint(path, *training(), Progress(epoch=1, rows=ROWS), None)
    return path.read_bytes()


@share(0.1)
@given(data=st.data())
def test_any_checkpoint(tmp_path: Path, checkpoint: bytes, data: st.DataObject) -> None:
    (tmp_path / "checkpoint").write_bytes(data.draw(damaged_bytes(checkpoint)))
    with torch.random.fork_rng(devices=[]), a_result_or_one_line(tmp_path):
        progress, _ = load_checkpoint(tmp_path / "checkpoint", *training())
        assert isinstance(progress, Progress)
