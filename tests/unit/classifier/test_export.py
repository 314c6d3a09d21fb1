"""Exported files predict as the classifier does, and a program without gopro can use them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gopro import GoproError, PromptClassifier
from gopro.classifier import export
from tiny_classifier import Given, Make
from tiny_run import CLASSES, Cli

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `export` isn't installed")
pytest.importorskip("onnx", reason="the extra `export` isn't installed")

DOC = Path(__file__).parents[3] / "docs" / "export.md"


@pytest.mark.parametrize(
    "method", ["gopro", "coop", "cocoop", "zeroshot", "tip_adapter", "linear_adapter", "prolip"]
)
def test_float32(make: Make, given: Given, tmp_path: Path, method: str) -> None:
    classifier = make(method=method, epochs=1, lr=0.01).fit(*given)
    result = export.export(classifier, tmp_path / "a.onnx", batch=3)
    assert result.difference <= export.TOLERANCE
    assert result.agreeing == result.pictures
    assert result.batch == (3 if method in ("gopro", "cocoop") else None)
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    pixels = np.stack([np.asarray(Image.open(path)) for path in given[0][:3]])
    pixels = pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255
    (shares,) = session.run(None, {"image": pixels})
    expected = classifier.predict_proba(given[0][:3])
    assert np.abs(shares - expected).max() <= export.TOLERANCE
    about = json.loads(session.get_modelmeta().custom_metadata_map["gopro"])
    assert about["class_names"] == list(CLASSES)
    assert about["preprocessing"]["size"] == 32


def test_lite(given: Given, tmp_path: Path) -> None:
    classifier = PromptClassifier(backbone="lite", epochs=1, batch=4, shots=1, workers=1)
    result = export.export(classifier.fit(*given), tmp_path / "a.onnx")
    assert result.difference <= export.TOLERANCE
    assert result.agreeing == result.pictures


def test_uint8_and_other_names(make: Make, given: Given, tmp_path: Path) -> None:
    classifier = make().fit(*given).with_classes(["one thing", "another"])
    export.export(classifier, tmp_path / "a.onnx", pixels="uint8")
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    pixels = np.asarray(Image.open(given[0][0])).transpose(2, 0, 1)[None]
    (shares,) = session.run(None, {"image": pixels})
    assert np.abs(shares - classifier.predict_proba(given[0][:1])).max() <= export.TOLERANCE


def test_int8_is_measured(make: Make, given: Given, tmp_path: Path) -> None:
    classifier = make(method="gopro", epochs=1).fit(*given)
    result = export.export(classifier, tmp_path / "a.onnx", int8=True)
    assert 0 < result.difference < 0.2
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    float_file = export.export(classifier, tmp_path / "b.onnx")
    assert float_file.difference <= export.TOLERANCE
    assert result.bytes < float_file.bytes
    for name in ("a.onnx", "b.onnx"):
        session = onnxruntime.InferenceSession(str(tmp_path / name))
        assert "class_names" in session.get_modelmeta().custom_metadata_map["gopro"]


def test_command_and_script(cli: Cli, model: Path, given: Given, tmp_path: Path) -> None:
    out = tmp_path / "classifier.onnx"
    done = cli("export", model, "--out", out)
    assert done.code == 0, done.err
    assert "any number of images per call" in done.out
    assert "on 16 images: probabilities" in done.out
    blocks = re.findall(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert "import gopro" not in blocks[0]
    photo = tmp_path / "wide.png"
    Image.open(given[0][0]).resize((75, 40)).save(photo)
    output = subprocess.run(
        [sys.executable, "-c", blocks[0], str(out), str(photo)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    classifier = PromptClassifier.load(model, device="cpu")
    expected = classifier.predict_proba([photo])[0]
    shares = {line.split()[0]: float(line.split()[1]) for line in output}
    for name, share in zip(classifier.class_names_, expected, strict=True):
        assert shares[name] == pytest.approx(100 * share, abs=0.06)


def test_a_calibrated_model_is_exported_with_a_note(
    cli: Cli, make: Make, given: Given, model: Path, tmp_path: Path
) -> None:
    calibrated = make(folds=3, epochs=1).fit(*given).save(tmp_path / "calibrated")
    note = "it doesn't say 'none of these'"
    out = ("--out", tmp_path / "a.onnx")
    assert note in cli("export", calibrated, *out).out
    assert note not in cli("export", calibrated, *out, "--classes", "a thing,another").out
    assert note not in cli("export", model, *out).out


def test_what_is_compared_on_random_noise_is_told(
    cli: Cli, make: Make, given: Given, tmp_path: Path
) -> None:
    folder = make(examples=5, epochs=1).fit(*given).save(tmp_path / "model")
    answer = cli("export", folder, "--out", tmp_path / "a.onnx")
    assert "on 16 images (11 of them random noise): probabilities" in answer.out


@pytest.mark.parametrize("method", ["coop", "cocoop"])
def test_too_large(
    make: Make, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    classifier = make(method=method, epochs=1).fit(*given)
    export.export(classifier, tmp_path / "a.onnx")
    size = export.Graph(classifier.method_, "float", 2).weights()
    assert 0.5 * (tmp_path / "a.onnx").stat().st_size < size
    # the weights are too large; or they alone are small enough
    for limit in (size, size + 1):
        monkeypatch.setattr(export, "LARGEST", limit)
        with pytest.raises(GoproError, match=r"is too large for one ONNX file \(.* smaller backb"):
            export.export(classifier, tmp_path / "b.onnx")
        assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_refused(cli: Cli, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "got no --out; wanted a file" in cli("export", model).line
    assert "got --out a.txt; wanted a file" in cli("export", model, "--out", "a.txt").line
    assert "wanted 1 to 1024" in cli("export", model, "--out", "a.onnx", "--batch", 0).line
    assert "class names" in cli("export", model, "--out", "a.onnx", "--classes", "ant, Ant").line
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(GoproError, match="can't be exported"):
        export.export(PromptClassifier.load(model, device="cpu"), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "pip install" in cli("export", model, "--out", tmp_path / "a.onnx").line
