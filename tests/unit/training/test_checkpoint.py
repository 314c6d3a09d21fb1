"""Training state on disk: everything comes back, nothing foreign gets in."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from gopro.common.errors import GoproError
from gopro.common.tensors import load_learned, load_tensors, save_tensors
from gopro.training.checkpoint import Progress, load_checkpoint, save_checkpoint


def _trained(kind: str = "sgd") -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer: torch.optim.Optimizer
    if kind == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(4, 3)).square().sum().backward()
        optimizer.step()
    return model, optimizer


PROGRESS = Progress(3, 2, {"loss": 0.1}, [{"epoch": 1, "lr": 1e-5}], 71.25, 12.5, {"scale": 2.0})


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_everything_comes_back(tmp_path: Path, kind: str) -> None:
    model, optimizer = _trained(kind)
    best = {"0.weight": torch.ones(2, 3)}
    save_checkpoint(tmp_path / "file", model, optimizer, PROGRESS, best)
    drawn = torch.rand(3)
    fresh, new_optimizer = _trained(kind)
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.zero_()
    progress, found = load_checkpoint(tmp_path / "file", fresh, new_optimizer)
    assert progress == PROGRESS
    assert found is not None and torch.equal(found["0.weight"], best["0.weight"])
    assert torch.equal(torch.rand(3), drawn)
    for name, value in model.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], value)
    old, new = optimizer.state_dict()["state"], new_optimizer.state_dict()["state"]
    assert old.keys() == new.keys()
    for index, state in old.items():
        for name, value in state.items():
            assert torch.equal(new[index][name], value)


class _Elsewhere(nn.Linear):
    """A layer that says it is on another device."""

    def __init__(self, device: str) -> None:
        super().__init__(3, 2)
        self.device = torch.device(device)

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        yield SimpleNamespace(device=self.device)


@pytest.mark.parametrize("device", ["cuda:0", "cuda:1", "mps"])
def test_the_random_state_of_the_models_device_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    names = ("cuda:0", "cuda:1", "mps")
    states = {name: torch.full((4,), index).byte() for index, name in enumerate(names, start=1)}

    def get(where: Any = "cuda:0") -> Tensor:
        return states[str(where)]

    def put(state: Tensor, where: Any = "cuda:0") -> None:
        states[str(where)] = state

    monkeypatch.setattr(torch.cuda, "get_rng_state", get)
    monkeypatch.setattr(torch.cuda, "set_rng_state", put)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: get("mps"))
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: put(state, "mps"))
    model, optimizer = _Elsewhere(device), _trained()[1]
    save_checkpoint(tmp_path / "file", model, optimizer, Progress(), None)
    before = dict(states)
    states.update({name: torch.zeros(4).byte() for name in names})
    load_checkpoint(tmp_path / "file", model, optimizer)
    assert torch.equal(states[device], before[device])
    assert not any(states[name].any() for name in names if name != device)
    # begun there, continued on the CPU
    load_checkpoint(tmp_path / "file", nn.Linear(3, 2), optimizer)


def test_no_best_weights(tmp_path: Path) -> None:
    model, optimizer = _trained()
    save_checkpoint(tmp_path / "file", model, optimizer, Progress(), None)
    assert load_checkpoint(tmp_path / "file", model, optimizer) == (Progress(), None)


def test_what_training_carries_comes_back(tmp_path: Path) -> None:
    model, optimizer = _trained()
    extra_state = {"0.weight": torch.rand(2, 3)}
    save_checkpoint(tmp_path / "file", model, optimizer, PROGRESS, None, extra_state)
    found = {"left over": torch.zeros(1)}
    load_checkpoint(tmp_path / "file", model, optimizer, found)
    assert found.keys() == extra_state.keys()
    assert torch.equal(found["0.weight"], extra_state["0.weight"])
    save_checkpoint(tmp_path / "file", model, optimizer, PROGRESS, None)
    load_checkpoint(tmp_path / "file", model, optimizer, found)
    assert found == {}


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        torch.manual_seed(1)
        model, optimizer = _trained()
        save_checkpoint(tmp_path / name, model, optimizer, PROGRESS, None)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_tensors_of_any_layout_and_none_at_all(tmp_path: Path) -> None:
    turned = torch.arange(6).reshape(2, 3).T
    save_tensors(tmp_path / "file", {"turned": turned, "scalar": torch.tensor(2.5)}, {"a": 1})
    tensors, about = load_tensors(tmp_path / "file")
    assert torch.equal(tensors["turned"], turned) and tensors["scalar"].item() == 2.5
    assert about == {"a": 1}
    save_tensors(tmp_path / "empty", {}, {})
    assert load_tensors(tmp_path / "empty") == ({}, {})


def test_damaged_at_any_place(tmp_path: Path) -> None:
    model, optimizer = _trained()
    path = tmp_path / "file"
    save_checkpoint(path, model, optimizer, PROGRESS, None)
    whole = path.read_bytes()
    rng = random.Random(0)
    cuts = [whole[: rng.randrange(len(whole))] for _ in range(20)]
    header = 8 + int.from_bytes(whole[:8], "little")
    for _ in range(40):
        place = rng.randrange(header)
        cuts.append(whole[:place] + bytes([rng.randrange(256)]) + whole[place + 1 :])
    for damaged in [b"", b"{}", b"\x80\x04N.", *cuts]:
        path.write_bytes(damaged)
        try:  # a changed digit of the note can't be told from another number
            load_checkpoint(path, model, optimizer)
        except GoproError as error:
            assert "\n" not in str(error)


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    model, optimizer = _trained()
    with pytest.raises(GoproError, match=r"can't read .*it is missing"):
        load_checkpoint(tmp_path / "none", model, optimizer)
    save_file({"context": torch.ones(1)}, tmp_path / "foreign")
    with pytest.raises(GoproError, match="not gopro's"):
        load_checkpoint(tmp_path / "foreign", model, optimizer)
    (tmp_path / "pickle").write_bytes(b"")
    torch.save(model, tmp_path / "pickle")
    with pytest.raises(GoproError, match="not gopro's"):
        load_checkpoint(tmp_path / "pickle", model, optimizer)


def test_learned_weights_are_no_checkpoint(tmp_path: Path) -> None:
    model, optimizer = _trained()
    save_tensors(tmp_path / "file", {"context": torch.ones(4, 2)}, {"method": "coop"})
    with pytest.raises(GoproError, match="belongs to another method or other settings"):
        load_checkpoint(tmp_path / "file", model, optimizer)


def test_a_checkpoint_of_another_shape(tmp_path: Path) -> None:
    model, optimizer = _trained()
    save_checkpoint(tmp_path / "file", model, optimizer, Progress(), None)
    with pytest.raises(GoproError, match="another method or other settings"):
        load_checkpoint(tmp_path / "file", nn.Linear(5, 5), optimizer)


def test_a_full_gpu_is_no_fault_of_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    model, optimizer = _trained()
    save_checkpoint(tmp_path / "file", model, optimizer, Progress(), None)
    monkeypatch.setattr(optimizer, "load_state_dict", fail)
    with pytest.raises(torch.OutOfMemoryError):
        load_checkpoint(tmp_path / "file", model, optimizer)


def test_learned_weights_say_whose_they_are(tmp_path: Path) -> None:
    about = {"method": "coop", "backbone": "mini"}
    save_tensors(tmp_path / "file", dict(nn.Linear(2, 2).state_dict()), about)
    load_learned(tmp_path / "file", nn.Linear(2, 2), about)
    with pytest.raises(GoproError, match="of coop on mini, not of gopro on mini"):
        load_learned(tmp_path / "file", nn.Linear(2, 2), {**about, "method": "gopro"})
    found = r"doesn't fit coop on mini with this run's settings \(bias is \[2\], wanted \[3\]\)"
    with pytest.raises(GoproError, match=found):
        load_learned(tmp_path / "file", nn.Linear(2, 3), about)
    with pytest.raises(GoproError, match=r"\(bias is \[2\], wanted absent\)"):
        load_learned(tmp_path / "file", nn.Linear(2, 2, bias=False), about)


@pytest.mark.parametrize("note", [None, 3, [], "text"])
def test_a_note_that_is_no_table(tmp_path: Path, note: object) -> None:
    save_file({}, tmp_path / "file", metadata={"gopro": json.dumps(note)})
    with pytest.raises(GoproError, match=r"weights of .*, not of coop"):
        load_learned(tmp_path / "file", nn.Linear(2, 2), {"method": "coop"})
    with pytest.raises(GoproError, match="another method"):
        load_checkpoint(tmp_path / "file", *_trained())
