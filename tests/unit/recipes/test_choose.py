"""Candidates for training settings get only training images of base classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recipes import choose
from recipes.candidates import Changes, Outcome, candidate, inner, left_out, search, words

from gopro.common.errors import GoproError, NotFiniteError
from gopro.data import Dataset, Item, load
from gopro.methods import configs
from gopro.results import run_record
from gopro.training.config import TrainSettings
from tiny_run import write_photos

NAMES = ("ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen")


def _items(part: str, count: int) -> tuple[Item, ...]:
    return tuple(
        Item(f"{part}/{name}/{number}.png", label)
        for label, name in enumerate(NAMES)
        for number in range(count)
    )


def test_inner_set_holds_training_images_of_base_classes_alone() -> None:
    whole = Dataset("eight", None, NAMES, _items("train", 6), _items("val", 3), _items("test", 4))
    found = inner(whole, shots=4, seed=7)
    assert found.class_names == NAMES[:4]
    assert (len(found.train), len(found.val), len(found.test)) == (16, 0, 8)
    assert set(found.train) | set(found.test) == {i for i in whole.train if i.label < 4}
    assert not set(found.train) & set(found.test)


def test_quarters_are_swapped() -> None:
    whole = Dataset("eight", None, NAMES, _items("train", 6), (), _items("test", 4))
    found = inner(whole, shots=4, seed=7, swap=True)
    assert found.class_names == ("cat", "dog", "ant", "bee")
    assert all(item.key.split("/")[1] == found.class_names[item.label] for item in found.test)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lr=0.03", {"lr": 0.03}),
        ("lr=1e-2 epochs=5 gopro.moco=false", {"lr": 0.01, "epochs": 5, "gopro.moco": False}),
        ("augment=crop-flip", {"augment": "crop-flip"}),
    ],
)
def test_candidate(text: str, wanted: dict[str, object]) -> None:
    assert candidate(text) == wanted
    assert candidate(words(wanted)) == wanted


def test_tests_have_at_most_some_images_of_a_class() -> None:
    whole = Dataset("eight", None, NAMES, _items("train", 9), (), ())
    found = inner(whole, shots=4, seed=7, tested=2)
    assert [item.label for item in found.test] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert set(found.test) < set(inner(whole, shots=4, seed=7).test)


def test_a_left_out_domain_is_tested_on_its_training_images() -> None:
    train = _items("train", 6)
    domains = ("photo", "sketch")
    train = tuple(replace(item, domain=domains[n % 2]) for n, item in enumerate(train))
    whole = Dataset("eight", None, NAMES, train, _items("val", 3), _items("test", 4))
    found = left_out(whole, "sketch", seed=7, tested=2)
    assert found.train == whole.train and not found.val
    assert set(found.test) < {item for item in train if item.domain == "sketch"}
    assert [item.label for item in found.test] == sorted([*range(8), *range(8)])


def test_left_out_domains_of_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = []

    def measure(
        part: Dataset, settings: TrainSettings, changes: Changes, *_: object
    ) -> dict[str, object]:
        assert settings.task == "domain-generalization"
        assert {item.domain for item in part.test} == {changes["targets"]}
        targets.append(changes["targets"])
        scores = {"test": {targets[-1]: {"accuracy": len(targets)}}, "average": len(targets)}
        return {**scores, "zeroshot": scores, "train_seconds": 1.0}

    monkeypatch.setattr(choose, "measure", measure)
    base = TrainSettings(dataset="world", method="coop", task="domain-generalization")
    outcome = choose.Bench(["world"], base, tmp_path)("coop", {"lr": 0.1})
    assert targets == ["cartoon", "painting", "photo", "sketch"]
    assert outcome == Outcome({"lr": 0.1}, 2.5, 2.5, 2.5, 1.0)


def test_a_set_of_one_domain_has_none_to_leave_out(tmp_path: Path) -> None:
    write_photos(tmp_path / "set")
    source = f"folder:{tmp_path / 'set'}"
    base = TrainSettings(dataset=source, method="coop", task="domain-generalization")
    with pytest.raises(GoproError, match="has one domain"):
        choose.Bench([source], base, tmp_path)


def _told(best: float, epochs: int) -> tuple[list[Changes], list[Outcome]]:
    """What a search tries, if the harmonic mean falls with the distance to a rate."""
    tried: list[Changes] = []

    def measure(changes: Changes) -> Outcome:
        tried.append(changes)
        distance = abs(np.log(changes["lr"] / best)) + 0.1 * (changes["epochs"] != epochs)
        return Outcome(changes, 50.0, 50.0, 90.0 - distance, 1.0)

    return tried, search("coop", measure)


def test_search_gives_every_method_six_candidates() -> None:
    tried, outcomes = _told(best=0.06, epochs=15)
    assert [one["lr"] for one in tried] == [0.002, 0.02, 0.2, 0.0067, 0.06, 0.06]
    assert [one["epochs"] for one in tried] == [50, 50, 50, 50, 50, 15]
    assert outcomes[0].changes == {"lr": 0.06, "epochs": 15, "batch": 32, "view_cache": 4}
    marks = [one.harmonic_mean for one in outcomes]
    assert len(marks) == 6 and marks == sorted(marks, reverse=True)


def test_views_are_cached_only_if_the_image_encoder_stays() -> None:
    def measure(changes: Changes) -> Outcome:
        return Outcome(changes, 0.0, 0.0, 0.0, 0.0)

    for method, cached in (("coop", True), ("maple", False), ("clip_lora", False)):
        assert all(("view_cache" in one.changes) is cached for one in search(method, measure))


def test_search_by_kind_of_method() -> None:
    def measure(changes: Changes) -> Outcome:
        return Outcome(changes, 1.0, 1.0, 1.0, 1.0)

    with_own_prompts = search("gopro", measure)
    assert {one.changes["batch"] for one in with_own_prompts} == {8}
    assert {one.changes["epochs"] for one in with_own_prompts} == {5, 15}
    adam = sorted(one.changes["lr"] for one in search("tcp", measure))
    assert adam[-1] == pytest.approx(0.02)


def test_recipe_holds_the_best_values_that_differ(tmp_path: Path) -> None:
    outcomes = [
        Outcome({"lr": 0.2, "epochs": 50, "batch": 32, "view_cache": 4}, 60.0, 50.0, 54.5, 1.0),
        Outcome({"lr": 0.002, "epochs": 50, "batch": 32, "view_cache": 4}, 40.0, 50.0, 44.4, 1.0),
    ]
    text = choose.recipe("coop", "lite", "python -m recipes.choose world --methods coop", outcomes)
    (tmp_path / "coop.yaml").write_text(text, encoding="utf-8")
    assert configs._read(tmp_path / "coop.yaml") == {"lr": 0.2, "view_cache": 4}
    assert "# 54.50 with lr=0.2 epochs=50 batch=32 view_cache=4\n" in text


def test_no_recipe_where_the_published_values_are_best() -> None:
    best = [Outcome({"lr": 0.002, "epochs": 50, "batch": 32}, 60.0, 50.0, 54.5, 1.0)]
    assert choose.recipe("coop", "lite", "python -m recipes.choose world", best) == ""


def test_a_recipe_names_the_whole_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(part: Dataset, base: TrainSettings, changes: Changes, *_: object) -> dict[str, Any]:
        scores = {"test": {"base": {"accuracy": 50.0}, "new": {"accuracy": 50.0}}}
        scores |= {"harmonic_mean": 50.0}
        return {**scores, "zeroshot": scores, "train_seconds": 1.0}

    monkeypatch.setattr(choose, "measure", measure)
    monkeypatch.setattr(choose.configs, "__file__", str(tmp_path / "lite" / "no.py"))
    (tmp_path / "lite" / "lite").mkdir(parents=True)
    given = ["--shots", "4", "--try", "lr=0.5  epochs=9"]
    choose.main(["world", "--methods", "coop", "--write", "--out", str(tmp_path / "runs"), *given])
    text = (tmp_path / "lite" / "lite" / "coop.yaml").read_text(encoding="utf-8")
    wanted = "world --backbone lite --methods coop --shots 4 --try 'lr=0.5 epochs=9'"
    assert f"# python -m recipes.choose {wanted}\n" in text
    assert "lr: 0.5" in text


def test_a_recipe_cannot_hold_a_methods_own_settings(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--write", "--try", "lr=0.5", "--try", "lr=0.5 coop.n_ctx=2"]
    with pytest.raises(SystemExit):
        choose.main(["nowhere", "--methods", "coop", *given])
    assert "coop.n_ctx is the method's own" in capsys.readouterr().err


def test_a_training_that_diverges_is_an_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise NotFiniteError("the loss is nan", "use a lower --lr", "")

    monkeypatch.setattr(choose, "measure", broken)
    bench = choose.Bench([], TrainSettings(dataset="x", method="coop"), tmp_path)
    bench.parts = {"x": [(Dataset("x", None, NAMES, (), (), ()), {})]}
    assert bench("coop", {"lr": 9.0}) == Outcome({"lr": 9.0}, 0.0, 0.0, 0.0, 0.0)
    bench.log(tmp_path / "log.csv")
    assert (tmp_path / "log.csv").read_text().splitlines() == [
        "method,dataset,lr,base,new,harmonic mean",
        "coop,x,9.0,0.00,0.00,0.00",
    ]


def test_measured_on_real_files(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in NAMES:
        for number in range(12):
            path = tmp_path / "set" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    source = f"folder:{tmp_path / 'set'}"
    dataset = inner(load(source), shots=3, seed=choose.SEED)
    base = TrainSettings(dataset=source, method="coop", backbone="mini", shots=3, seed=choose.SEED)
    found = choose.measure(dataset, base, {"epochs": 1, "coop.n_ctx": 2}, tmp_path / "run")
    assert found["test"]["base"]["classes"] == found["test"]["new"]["classes"] == 2
    assert found["test"]["base"]["n"] == sum(item.label < 2 for item in dataset.test)
    again = choose.measure(dataset, base, {"epochs": 1, "coop.n_ctx": 2}, tmp_path / "run")
    assert again == found


def test_tested_among_the_names_of_both_quarters(tmp_path: Path) -> None:
    write_photos(tmp_path / "set")
    source = f"folder:{tmp_path / 'set'}"
    options: dict[str, Any] = {"dataset": source, "method": "linear_adapter", "backbone": "mini"}
    names = {}
    for task in ("base2new", "base2all"):
        base = TrainSettings(task=task, shots=2, seed=choose.SEED, validate=False, **options)
        bench = choose.Bench([source], base, tmp_path / "out")
        bench("linear_adapter", {"epochs": 1})
        folder = next((tmp_path / "out").rglob(f"*_{task}_*/*/0"))
        tests = run_record.predictions(folder)
        names[task] = {name: len(part["class_names"]) for name, part in tests.items()}
    assert names == {"base2new": {"base": 1, "new": 1}, "base2all": {"base": 2, "new": 2}}


def test_a_teacher_for_each_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_photos(tmp_path / "set")
    source = f"folder:{tmp_path / 'set'}"
    base = TrainSettings(dataset=source, method="promptkd", backbone="mini", shots=2, seed=1)
    runs: dict[Path, tuple[Dataset, TrainSettings, Changes]] = {}
    scores = {"test": {"base": {"accuracy": 1.0}, "new": {"accuracy": 1.0}}, "harmonic_mean": 1.0}

    def measure(
        part: Dataset, settings: TrainSettings, changes: Changes, folder: Path, *_: object
    ) -> dict[str, object]:
        runs[folder] = (part, settings, changes)
        return {**scores, "zeroshot": scores, "train_seconds": 1.0}

    monkeypatch.setattr(choose, "measure", measure)
    bench = choose.Bench([source], base, tmp_path / "out", replace(base, method="prolip"))
    assert bench("promptkd", {"epochs": 1}).changes == {"epochs": 1}
    students = [run for run in runs.values() if run[1].method == "promptkd"]
    assert len(students) == 2 and len(runs) == 4
    for part, _, changes in students:
        teacher = runs[Path(changes["promptkd.teacher"])]
        assert teacher[0] is part and teacher[1].method == "prolip" and teacher[2] == {}
    bench("coop", {"epochs": 1})
    assert len(runs) == 6


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_photos(tmp_path / "set")
    words = [f"folder:{tmp_path / 'set'}", "--methods", "coop", "--backbone", "mini"]
    words += ["--shots", "2", "--out", str(tmp_path / "out"), "--log", str(tmp_path / "log.csv")]
    choose.main([*words, "--try", "epochs=1 lr=0.1", "--try", "epochs=0"])
    text = capsys.readouterr().out
    assert "coop, best first:" in text and "=zero-shot" in text
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert rows[0] == "method,dataset,epochs,lr,base,new,harmonic mean" and len(rows) == 4
