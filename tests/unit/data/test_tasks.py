"""Which classes and pictures each task trains and tests on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gopro import data
from gopro.common.errors import GoproError
from gopro.data import tasks
from gopro.data.dataset import Dataset, Item

NAMES = ("ant", "bee", "cat", "dog", "eel")


def items(part: str, count: int) -> tuple[Item, ...]:
    return tuple(
        Item(f"{part}/{name}/{number}.jpg", label, "photo")
        for label, name in enumerate(NAMES)
        for number in range(count)
    )


SET = Dataset("five", None, NAMES, items("train", 6), items("val", 3), items("test", 2))


@pytest.mark.parametrize("name", ["base2new", "basenew"])
def test_base2new_halves_an_odd_number_of_classes(name: str) -> None:
    plan = tasks.plan(SET, name, shots=4, seed=1)
    assert (plan.task, plan.dataset) == ("base2new", "five")
    assert plan.train_classes == ("ant", "bee", "cat")
    assert list(plan.tests) == ["base", "new"]
    assert plan.tests["base"].class_names == ("ant", "bee", "cat")
    assert plan.tests["new"].class_names == ("dog", "eel")
    assert len(plan.train) == 12
    assert len(plan.val) == 12  # per class 2 of the rest of train, 2 of val


def test_new_classes_are_relabelled_and_keep_their_pictures() -> None:
    new = tasks.plan(SET, "base2new", shots=1, seed=1).tests["new"]
    assert new.items == (
        Item("test/dog/0.jpg", 0, "photo"),
        Item("test/dog/1.jpg", 0, "photo"),
        Item("test/eel/0.jpg", 1, "photo"),
        Item("test/eel/1.jpg", 1, "photo"),
    )
    assert new.dataset is SET


def test_base2all_trains_as_base2new_and_tests_among_all_names() -> None:
    halves = tasks.plan(SET, "base2new", shots=4, seed=1)
    plan = tasks.plan(SET, "base2all", shots=4, seed=1)
    assert plan.task == "base2all"
    assert (plan.train, plan.val, plan.train_classes) == (
        halves.train,
        halves.val,
        halves.train_classes,
    )
    assert list(plan.tests) == ["base", "new"]
    for name, test in plan.tests.items():
        assert test.class_names == NAMES and test.dataset is SET
        assert [item.key for item in test.items] == [i.key for i in halves.tests[name].items]
        assert all(NAMES[item.label] in item.key for item in test.items)


def test_trains_on_no_new_class_and_no_test_image() -> None:
    plan = tasks.plan(SET, "base2new", shots=6, seed=1)
    assert all(key.key.startswith("train/") for key in plan.train)
    assert all(key.key.startswith("val/") for key in plan.val)
    assert not any("dog" in item.key or "eel" in item.key for item in (*plan.train, *plan.val))
    for item in (*plan.train, *plan.val):
        assert plan.train_classes[item.label] in item.key


def test_few_shot_takes_all_classes() -> None:
    plan = tasks.plan(SET, "few-shot", shots=2, seed=1)
    assert plan.train_classes == NAMES
    assert list(plan.tests) == ["all"]
    assert plan.tests["all"].items == SET.test
    # every task draws the same sample of a class
    base = tasks.plan(SET, "base2new", shots=2, seed=1)
    assert plan.train[: len(base.train)] == base.train


def test_sample_keeps_the_sources_labels() -> None:
    plan = tasks.plan(SET, "base2new", shots=2, seed=3)
    assert (plan.sample.shots, plan.sample.seed, plan.sample.dataset) == (2, 3, "five")
    assert set(plan.sample.train) <= set(SET.train)


def test_cross_dataset_tests_each_target_among_its_own_names() -> None:
    other = replace(SET, name="other", class_names=("v", "w", "x", "y", "z"))
    plan = tasks.plan(SET, "cross-dataset", shots=2, seed=1, targets=[other])
    assert plan.train_classes == NAMES
    assert list(plan.tests) == ["other"]
    assert plan.tests["other"].class_names == other.class_names
    assert plan.tests["other"].dataset is other


def test_domain_generalization_to_sets_of_the_same_classes() -> None:
    some = replace(SET, name="some", class_names=("bee", "eel"), train=(), test=SET.test[:4])
    plan = tasks.plan(SET, "domain-generalization", shots=2, seed=1, targets=[some])
    assert plan.train_classes == NAMES
    assert plan.tests["some"].class_names == ("bee", "eel")
    spelled = replace(SET, name="spelled", class_names=("Ant", "bee_", "CAT", "dog", "eel"))
    plan = tasks.plan(SET, "domain-generalization", shots=2, seed=1, targets=[spelled])
    assert plan.tests["spelled"].class_names == spelled.class_names
    with pytest.raises(GoproError, match="has one domain, and no variants are known"):
        tasks.plan(SET, "domain-generalization", shots=2, seed=1)
    foreign = replace(SET, name="zoo", class_names=("ant", "bee", "cat", "dog", "elk"))
    with pytest.raises(GoproError, match="zoo has classes that five lacks, such as 'elk'"):
        tasks.plan(SET, "domain-generalization", shots=2, seed=1, targets=[foreign])


def in_styles(part: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(
        replace(item, key=f"{style}/{item.key}", domain=style)
        for style in ("photo", "sketch", "art")
        for item in part
    )


STYLES = Dataset("styles", None, NAMES, *(in_styles(p) for p in (SET.train, SET.val, SET.test)))


def test_leave_one_domain_out() -> None:
    plan = tasks.plan(STYLES, "domain-generalization", shots=8, seed=1, targets=["sketch"])
    assert tasks.domains(STYLES) == ["art", "photo", "sketch"]
    assert plan.train_classes == NAMES
    assert {item.domain for item in (*plan.train, *plan.val)} == {"art", "photo"}
    assert len(plan.train) == 8 * len(NAMES)
    assert list(plan.tests) == ["sketch"]
    # all images of the domain, including those in train and val
    assert len(plan.tests["sketch"].items) == (6 + 3 + 2) * len(NAMES)
    assert {item.domain for item in plan.tests["sketch"].items} == {"sketch"}
    assert "sketch" not in {item.domain for item in (*plan.source.train, *plan.source.val)}


def test_each_left_out_domain_is_a_test() -> None:
    targets = ["sketch", "art"]
    plan = tasks.plan(STYLES, "domain-generalization", shots=2, seed=1, targets=targets)
    assert list(plan.tests) == ["art", "sketch"]
    assert {item.domain for item in plan.train} == {"photo"}


@pytest.mark.parametrize(
    ("targets", "got"),
    [
        ([], "got none, wanted --targets with some of art, photo, sketch, but not all"),
        (["sketches"], "got sketches, wanted"),
        (["art", "photo", "sketch"], "got art, photo, sketch, wanted"),
        ([SET], "got five, wanted"),
    ],
)
def test_refuses_other_domains(targets: list[Dataset | str], got: str) -> None:
    with pytest.raises(GoproError, match=got):
        tasks.plan(STYLES, "domain-generalization", shots=1, seed=1, targets=targets)


def test_targets_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("pacs", "dtd", "imagenet-sketch", "caltech-101"):
        (tmp_path / folder).mkdir()
    read_names: list[str] = []

    def load(name: str, root: Path, *, seed: int) -> Dataset:
        assert (root, seed) == (tmp_path, 7)
        read_names.append(name)
        return replace(SET, name=name)

    monkeypatch.setattr(data, "load", load)
    caltech = replace(SET, name="caltech101")
    targets = tasks.find_targets(caltech, "cross-dataset", (), tmp_path, 7)
    # neither the source nor a variant of ImageNet
    assert read_names == list(targets) == ["dtd", "pacs"]
    imagenet = replace(SET, name="imagenet")
    variants = ["imagenetv2", "imagenet_sketch", "imagenet_a", "imagenet_r"]
    assert list(tasks.find_targets(imagenet, "domain-generalization", (), tmp_path, 7)) == variants
    assert list(tasks.find_targets(caltech, "cross-dataset", ("world",), tmp_path, 7)) == ["world"]
    # domains are only names; plan() checks them
    read_names.clear()
    targets = tasks.find_targets(STYLES, "domain-generalization", ("art",), tmp_path, 7)
    assert targets == {"art": "art"}
    assert tasks.find_targets(SET, "base2new", ("dtd",), tmp_path, 7) == {"dtd": "dtd"}
    assert tasks.find_targets(SET, "few-shot", (), tmp_path, 7) == {}
    assert read_names == []


def test_find_targets_with_another_reader_and_the_default_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPRO_DATA", str(tmp_path))
    read_names: list[tuple[str, Path | None, int]] = []

    def read(name: str, root: Path | None, seed: int) -> Dataset:
        read_names.append((name, root, seed))
        return replace(SET, name=name)

    targets = tasks.find_targets(SET, "cross-dataset", ("dtd", "pacs"), read=read)
    assert read_names == [("dtd", tmp_path, 1), ("pacs", tmp_path, 1)]
    assert targets == {name: replace(SET, name=name) for name in ("dtd", "pacs")}


def test_one_domain_counts_as_none() -> None:
    parts = (STYLES.train, STYLES.val, STYLES.test)
    two = replace(STYLES, train=parts[0][:30], val=(), test=parts[2][10:20])
    assert tasks.domains(two) == ["photo", "sketch"]
    assert tasks.domains(replace(two, test=())) == tasks.domains(SET) == []


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("base2nw", "unknown task 'base2nw'; did you mean base2new"),
        ("fewshot", "did you mean few-shot"),
        ("zzz", "known: base2new, base2all, few-shot, cross-dataset, domain-generalization"),
        ("domain-generalisation", "did you mean domain-generalization"),
    ],
)
def test_unknown_task(task: str, message: str) -> None:
    with pytest.raises(GoproError, match=message):
        tasks.plan(SET, task, shots=1, seed=1)


def test_targets_that_do_not_fit() -> None:
    with pytest.raises(GoproError, match="name at least one target"):
        tasks.plan(SET, "cross-dataset", shots=1, seed=1)
    with pytest.raises(GoproError, match="got five twice"):
        tasks.plan(SET, "cross-dataset", shots=1, seed=1, targets=[SET])
    other = replace(SET, name="other")
    with pytest.raises(GoproError, match="got other twice"):
        tasks.plan(SET, "cross-dataset", shots=1, seed=1, targets=[other, other])
    with pytest.raises(GoproError, match=r"leave the targets \(--targets\) out"):
        tasks.plan(SET, "base2new", shots=1, seed=1, targets=[other])
    with pytest.raises(GoproError, match="wanted data sets as targets, got the word 'sketch'"):
        tasks.plan(SET, "cross-dataset", shots=1, seed=1, targets=["sketch"])
    with pytest.raises(GoproError, match="five has test pictures only; train on another"):
        tasks.plan(replace(SET, train=()), "few-shot", shots=1, seed=1)


def test_two_folders_of_the_same_name(tmp_path: Path) -> None:
    one, other = (replace(SET, name="folder:images", root=tmp_path / name) for name in "ab")
    for source, targets in ((SET, [one, other]), (one, [other])):
        with pytest.raises(GoproError, match=r"two data sets are called folder:images \(.*rename"):
            tasks.plan(source, "cross-dataset", shots=1, seed=1, targets=targets)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(GoproError, match="got folder:images twice"):
        tasks.plan(SET, "cross-dataset", shots=1, seed=1, targets=[one, other])


def test_sets_that_do_not_fit() -> None:
    one = replace(SET, class_names=("ant",), train=SET.train[:6], val=(), test=SET.test[:2])
    with pytest.raises(GoproError, match="at least 2 classes, five has 1"):
        tasks.plan(one, "base2new", shots=1, seed=1)
    with pytest.raises(GoproError, match="base2all wants at least 2 classes, five has 1"):
        tasks.plan(one, "base2all", shots=1, seed=1)
    with pytest.raises(GoproError, match="no test pictures for 'new'"):
        tasks.plan(replace(SET, test=SET.test[:6]), "base2new", shots=1, seed=1)
    with pytest.raises(GoproError, match="class ant has 6 training pictures and 7 shots"):
        tasks.plan(SET, "base2new", shots=7, seed=1)


def test_every_task_has_a_description() -> None:
    known = ["base2new", "base2all", "few-shot", "cross-dataset", "domain-generalization"]
    assert [name for name, _ in tasks.names()] == known
    assert all(about and "\n" not in about for _, about in tasks.names())


def test_real_caltech101(caltech_root: Path) -> None:
    plan = tasks.plan(data.load("caltech101", caltech_root), "base2new", shots=16, seed=1)
    assert (len(plan.train), len(plan.val)) == (800, 200)
    counts = {name: (len(test.items), len(test.class_names)) for name, test in plan.tests.items()}
    assert counts == {"base": (1549, 50), "new": (916, 50)}
    assert [item.key for item in plan.train[:3]] == [
        "Faces/image_0394.jpg",
        "Faces/image_0278.jpg",
        "Faces/image_0365.jpg",
    ]
