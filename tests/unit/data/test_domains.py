"""Data sets with several domains: a miniature of each, and the real PACS."""

from __future__ import annotations

import shutil
from pathlib import Path

import miniatures
import pytest

from gopro import data
from gopro.common.errors import GoproError
from gopro.data import tasks
from gopro.data.catalog import KNOWN
from gopro.data.dataset import Dataset

DOMAINS = {
    name: KNOWN[name].read.keywords["domains"]  # type: ignore[attr-defined]
    for name in ("pacs", "office_home", "vlcs", "domainnet", "terra_incognita")
}


def read(name: str, home: Path) -> Dataset:
    return KNOWN[name].read(name, home, miniatures.CLASSES)


@pytest.mark.parametrize("name", DOMAINS)
def test_each_domain_is_split_separately(name: str, tmp_path: Path) -> None:
    miniatures.domains(tmp_path, DOMAINS[name])
    miniatures.class_folders(tmp_path / "splits", ["lists of other people"])
    dataset = read(name, tmp_path)
    assert dataset.class_names == ("cat", "dog", "t-shirt")
    assert dataset.notes == ("split generated 50/20/30 a class with seed 1, by domain",)
    assert tasks.domains(dataset) == sorted(DOMAINS[name])
    for part, count in ((dataset.train, 5), (dataset.val, 2), (dataset.test, 3)):
        for domain in DOMAINS[name]:
            for label in range(3):
                chosen = [i for i in part if (i.domain, i.label) == (domain, label)]
                assert len(chosen) == count
                assert all(
                    i.key.startswith(f"{domain}/{dataset.class_names[label]}/") for i in chosen
                )
    assert dataset.open(dataset.test[0]).size == (8, 6)


@pytest.mark.parametrize(
    ("name", "folder"), [("pacs", "PACS"), ("vlcs", "VLCS"), ("domainnet", "domain_net")]
)
def test_accepts_the_folders_of_other_benchmarks(name: str, folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    assert KNOWN[name].home(tmp_path) == tmp_path / folder


def test_a_domain_may_lack_a_class(tmp_path: Path) -> None:
    miniatures.domains(tmp_path, DOMAINS["vlcs"])
    shutil.rmtree(tmp_path / "SUN09" / "dog")
    dataset = read("vlcs", tmp_path)
    assert len(dataset.class_names) == 3
    assert not any(i.domain == "SUN09" and i.label == 1 for i in dataset.train)


def test_refuses_an_incomplete_set(tmp_path: Path) -> None:
    home = tmp_path / "pacs"
    miniatures.domains(home, DOMAINS["pacs"])
    with pytest.raises(GoproError, match="have 3 class folders and 7 were wanted"):
        KNOWN["pacs"].load("pacs", tmp_path)
    for file in (home / "photo" / "dog").iterdir():
        file.unlink()
    with pytest.raises(GoproError, match=r"class folder .*dog has no pictures"):
        read("pacs", home)
    shutil.rmtree(home / "sketch")
    with pytest.raises(GoproError, match="has no 'sketch': wanted the domains art_painting, cart"):
        read("pacs", home)


def test_refuses_equal_class_names(tmp_path: Path) -> None:
    miniatures.domains(tmp_path, DOMAINS["pacs"], ("t shirt", "t_shirt", "cat"))
    with pytest.raises(GoproError, match="two classes are named"):
        read("pacs", tmp_path)


def test_real_pacs(pacs_root: Path) -> None:
    read = data.load("pacs", pacs_root)
    names = ("dog", "elephant", "giraffe", "guitar", "horse", "house", "person")
    assert read.class_names == names
    assert tasks.domains(read) == ["art_painting", "cartoon", "photo", "sketch"]
    assert [len(part) for part in (read.train, read.val, read.test)] == [2495, 997, 1497]
    plan = tasks.plan(read, "domain-generalization", shots=16, seed=1, targets=["sketch"])
    assert len(plan.train) == 7 * 16
    assert {item.domain for item in plan.train} == {"art_painting", "cartoon", "photo"}
    every = [*read.train, *read.val, *read.test]
    assert len(plan.tests["sketch"].items) == sum(item.domain == "sketch" for item in every)
    assert read.open(plan.tests["sketch"].items[0]).mode == "RGB"
