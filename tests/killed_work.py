"""The work that tests kill: a training, filling the caches, a download. Each in a child process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import open_clip
import torch

from file_server import FileServer
from gopro.cli.main import main
from gopro.data.catalog import KNOWN
from gopro.data.catalog_entry import Size
from gopro.data.download.sources import SOURCES, Piece
from killing import Work, finish, slow_disk, start
from same_runs import assert_same, names
from tiny_run import NAME, register

Begin = Callable[[Path], BaseProcess]
Counts = tuple[int, int, int]

USUAL = ["--augment", "none", "--workers", "1", "--device", "cpu"]


def command(
    arguments: Sequence[str], environment: dict[str, str], speaks: str, pause: float = 0.02
) -> None:
    """Run ``gopro`` with its output in a file, and a pause in seconds at every write."""
    with Path(speaks).open("a", encoding="utf-8") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        os.environ.update(environment)
        torch.set_num_threads(1)
        slow_disk(pause)
        sys.exit(main(arguments))


def command_on_tiny(arguments: Sequence[str], folder: str) -> None:
    """``command`` with the tiny architecture that ``folder`` has."""
    open_clip.add_model_config(Path(folder) / f"{NAME}.json")
    command(arguments, {}, f"{folder}/said", pause=0.05)


def training_on_tiny(
    tiny: Sequence[str], photos: Path, folder: Path, run: Path, *more: str
) -> BaseProcess:
    """What the fixture ``train`` does, in a process of its own whose writes take a moment longer.

    Args:
        tiny: The options of the tiny CLIP.
        photos: The pictures.
        folder: For the architecture, and for the file ``said`` with the output.
        run: The run folder.
        more: Further options.
    """
    register(folder)
    arguments = [
        *("train", f"folder:{photos}", "base2new", *tiny, "--method", "coop", "--shots", "4"),
        *("--batch", "2", "--augment", "none", "--workers", "1", *more, "--out", str(run)),
    ]
    return start(command_on_tiny, arguments, str(folder))


def training(arguments: Sequence[str], place: Path, *, cache: bool = False) -> Work:
    """``gopro train`` as work: the run folder is ``run``, the cache ``cache``.

    Args:
        arguments: Of the command, without ``--out`` and ``--resume``.
        place: Folder of the uninterrupted run.
        cache: Whether features and views are kept on disk.
    """

    def begin(place: Path) -> BaseProcess:
        if (place / "run" / "done").exists():
            return start(int)
        place.mkdir(exist_ok=True)
        _age(place / "cache")
        environment = {"GOPRO_CACHE": str(place / "cache") if cache else "off"}
        where = [*USUAL, "--out", str(place / "run"), "--resume"]
        return start(command, ["train", *arguments, *where], environment, str(place / "said"))

    def check(found: Path) -> None:
        assert_same(found / "run", place / "run")
        if cache:
            assert _contents(found / "cache") == _contents(place / "cache")

    return _work(begin, check, place)


def fill_cache(folder: str, count: int) -> None:
    """Encode pictures through the feature cache."""
    from gopro.backbones.feature_cache import cached_features
    from small_clips import small_backbone

    os.environ["GOPRO_CACHE"] = folder
    torch.set_num_threads(1)
    slow_disk(0.005)
    backbone = small_backbone()
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        pixels = torch.randint(0, 256, (8, 3, 32, 32), generator=generator, dtype=torch.uint8)
        cached_features(backbone, pixels)


def caching(place: Path, count: int) -> Work:
    """Storing the features of ``count`` batches in a cache, as work."""

    def begin(place: Path) -> BaseProcess:
        _age(place)
        return start(fill_cache, str(place), count)

    def check(found: Path) -> None:
        assert _contents(found) == _contents(place)

    return _work(begin, check, place)


def download(root: str, pieces: tuple[Piece, ...], counts: Counts, speaks: str) -> None:
    """``gopro data download dtd`` with a few classes from other addresses."""
    SOURCES["dtd"] = pieces
    KNOWN["dtd"] = replace(KNOWN["dtd"], size=Size(3, counts))
    command(["data", "download", "dtd", "--root", root], {}, speaks)


@contextlib.contextmanager
def small_dtd(folder: Path, each: int = 100) -> Iterator[tuple[tuple[Piece, ...], Counts]]:
    """A server with a DTD of 3 classes of noise pictures: its pieces, and the counts of the split.

    Args:
        folder: For the archive.
        each: Pictures per class.
    """
    dice, archive = np.random.default_rng(0), folder / "dtd.tar.gz"
    keys = [f"{name}/{number}.jpg" for name in ("a", "b", "c") for number in range(each)]
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for key in keys:
            member = tarfile.TarInfo(f"dtd/images/{key}")
            member.size = 8_000
            tar.addfile(member, io.BytesIO(dice.bytes(8_000)))
    rows = [[key, "abc".index(key[0]), key[0]] for key in keys]
    split = {"train": rows[::3], "val": rows[1::3], "test": rows[2::3]}
    files = {"/dtd.tar.gz": archive.read_bytes(), "/s.json": json.dumps(split).encode()}
    with FileServer(files, pause=0.003) as server:
        pieces = (
            Piece((server.url("/dtd.tar.gz"),), (("dtd/images", "images"),)),
            Piece((server.url("/s.json"),), "split_zhou_DescribableTextures.json"),
        )
        yield pieces, (len(split["train"]), len(split["val"]), len(split["test"]))


def downloading(place: Path, pieces: tuple[Piece, ...], counts: Counts) -> Work:
    """Downloading a small DTD from a server, as work."""

    def begin(place: Path) -> BaseProcess:
        return start(download, str(place), pieces, counts, f"{place}.said")

    def check(found: Path) -> None:
        assert names(found) == names(place)
        assert _contents(found / "dtd") == _contents(place / "dtd")

    return _work(begin, check, place)


def _work(begin: Begin, check: Callable[[Path], None], place: Path) -> Work:
    finish(start(int))
    return Work(begin, check, finish(begin(place)))


def _contents(folder: Path) -> dict[str, bytes]:
    """The contents of all files except locks, which are temporary."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "locks"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _age(folder: Path) -> None:
    """Make partial files so old that no process can still be writing them."""
    for path in folder.glob(".*.tmp"):
        os.utime(path, (0, 0))
