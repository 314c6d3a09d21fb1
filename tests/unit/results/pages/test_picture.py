"""The picture of a run: it draws whatever the run was, and nothing lies on anything else."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from gopro.common.errors import GoproError
from gopro.data import Dataset, Item
from gopro.results import results_json, run_record
from gopro.results.pages import picture
from gopro.results.pages.picture import RIGHT, WRONG

PLAIN_NAMES = ["ant", "bee", "cat", "dog"]
HARD_NAMES = [
    "a_very_long_class_name_that_goes_on_and_on_and_has_no_end",
    "$\\frac{1}{2}$ $x_{",
    "<script>alert('Käfer')</script>",
    "猫_と_犬",
]


def draw(folder: Path, datasets: dict[str, Dataset]) -> Path:
    """Draw the picture of what a run folder holds."""
    written = results_json.read(folder), run_record.predictions(folder), run_record.metrics(folder)
    return picture.draw(run_record.RunRecord(folder, *written), datasets)


@pytest.fixture
def make_run(tmp_path: Path) -> Any:
    """Write what the picture reads, with every second answer right."""

    def make(
        tests: tuple[str, ...] = ("base", "new"),
        names: list[str] = PLAIN_NAMES,
        count: int = 20,
        accuracy: float | None = None,
        epochs: int = 3,
        validated: bool = True,
        **changes: object,
    ) -> dict[str, Dataset]:
        labels = [number % 4 for number in range(count)]
        wrong = [(label + number // 4 % 2) % 4 for number, label in enumerate(labels)]
        rows = {
            test: {"accuracy": 50.0 if accuracy is None else accuracy, "n": count, "classes": 4}
            for test in tests
        }
        part = {
            "class_names": names,
            "keys": [str(number) for number in range(count)],
            "labels": labels,
            "predicted": labels,
            "zeroshot": wrong,
        }
        found = {
            "schema": 1,
            "dataset": "world",
            "task": {("base", "new"): "base2new", ("all",): "few-shot"}.get(tests, "cross-dataset"),
            "method": "gopro",
            "variant": "paper",
            "backbone": "mini",
            "shots": 4,
            "seed": 1,
            "train_seconds": 1.0,
            "trainable_parameters": 1,
            "test": rows,
            **results_json.summary(rows),
            "zeroshot": {"test": rows, **results_json.summary(rows)},
            **changes,
        }
        metrics = [
            {"epoch": number + 1, "loss": 1.0, "ce": 1.0 / (number + 1)}
            | ({"val_accuracy": 50.0 + number} if validated else {})
            for number in range(epochs)
        ]
        (tmp_path / "results.json").write_text(json.dumps(found))
        (tmp_path / "predictions.json").write_text(json.dumps(dict.fromkeys(tests, part)))
        lines = "".join(json.dumps(row) + "\n" for row in metrics)
        (tmp_path / "metrics.jsonl").write_text(lines)

        def drawing(key: str) -> Image.Image:
            return Image.new("RGB", (40, 30), (int(key) * 10, 120, 40))

        items = tuple(Item(key, 0) for key in part["keys"])
        dataset = Dataset("drawn", None, tuple(names), (), (), items, draw=drawing)
        return dict.fromkeys(tests, dataset)

    return make


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn."""
    made: list[Figure] = []

    class Kept(Figure):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(picture, "Figure", Kept)
    return made


@pytest.mark.parametrize(
    "run",
    [
        {},
        {"names": HARD_NAMES, "dataset": "folder:$\\alpha_{$ <b>", "backbone": "ViT-$B$-16"},
        {"tests": ("all",), "validated": False, "epochs": 1},
        {"tests": tuple(f"folder:target_{number}" for number in range(9))},
        {"accuracy": 0.0, "count": 2, "variant": None},
        {"accuracy": 100.0, "count": 7},
    ],
    ids=["base2new", "hard names", "few-shot", "many targets", "nothing right", "all right"],
)
def test_any_run_is_drawn_without_a_warning_and_without_overlap(
    tmp_path: Path, make_run: Any, figures: list[Figure], run: dict[str, Any]
) -> None:
    datasets = make_run(**run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = draw(tmp_path, datasets)
    assert path == tmp_path / "picture.png"
    with Image.open(path) as image:
        image.load()
        assert image.size == (1300, 960)
        assert np.asarray(image.convert("L")).std() > 10
    assert [name.name for name in tmp_path.glob(".*")] == []
    _assert_apart(figures[0])


def _assert_apart(figure: Figure) -> None:
    """No two texts and no text and image share a place, and none leaves the page."""
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    hidden = {id(text) for text in _unseen_tick_labels(figure)}
    boxes = [
        (text.get_text(), text.get_window_extent(), text.get_rotation())
        for text in texts
        if id(text) not in hidden
    ]
    images = [("image", image.get_window_extent(), 0) for image in figure.axes[-1].get_images()]
    assert len(images) <= 12
    page = figure.bbox
    for name, box, _ in boxes:
        assert page.x0 <= box.x0 and box.x1 <= page.x1, name
        assert page.y0 <= box.y0 and box.y1 <= page.y1, name
    placed = [entry for entry in (*boxes, *images) if entry[2] in (0, 90)]  # boxes of slanted
    for index, (name, box, _) in enumerate(placed):  # words are larger than the words
        for other, second, _ in placed[index + 1 :]:
            width = min(box.x1, second.x1) - max(box.x0, second.x0)
            height = min(box.y1, second.y1) - max(box.y0, second.y0)
            assert width <= 1 or height <= 1, (name, other)


def _unseen_tick_labels(figure: Figure) -> list[Text]:
    """Labels that matplotlib keeps and doesn't draw: outside of the view, or without axes."""
    found: list[Text] = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not axes.axison or not low <= tick.get_loc() <= high:
                    found += [tick.label1, tick.label2]
    return found


def test_answers_are_marked_right_or_wrong(
    tmp_path: Path, make_run: Any, figures: list[Figure]
) -> None:
    draw(tmp_path, make_run())
    colours: dict[str, set[str]] = {"✓": set(), "✗": set()}
    for text in figures[0].findobj(Text):
        if text.get_text()[:1] in colours:
            colours[text.get_text()[:1]].add(str(text.get_color()))
    assert colours == {"✓": {RIGHT}, "✗": {WRONG}}


def test_the_numbers_are_the_runs(tmp_path: Path, make_run: Any, figures: list[Figure]) -> None:
    draw(tmp_path, make_run(accuracy=0.4))
    texts = [text.get_text() for text in figures[0].findobj(Text)]
    assert texts.count("0.4") >= 6
    assert "gopro (paper) on world, base2new" in texts
    assert "4 training images per class, backbone mini" in texts


def test_the_same_run_gives_the_same_picture(tmp_path: Path, make_run: Any) -> None:
    datasets = make_run()
    first = draw(tmp_path, datasets).read_bytes()
    assert draw(tmp_path, datasets).read_bytes() == first


@pytest.mark.parametrize("name", ["results.json", "predictions.json", "metrics.jsonl"])
def test_a_damaged_run_folder(tmp_path: Path, make_run: Any, name: str) -> None:
    datasets = make_run()
    (tmp_path / name).write_text("{")
    with pytest.raises(GoproError, match=name):
        draw(tmp_path, datasets)
    assert not (tmp_path / "picture.png").exists()
