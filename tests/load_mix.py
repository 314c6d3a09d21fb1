"""A served model under load: valid requests, mixed with every kind of invalid one."""

from __future__ import annotations

import io
import itertools
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from benchmarks.load import Outcome, Request, Served, drawn, send
from PIL import Image

from huge_picture import png
from page_client import answer

_BAD = 5
"""One request in so many is bad."""

_PAGE = 0.2
"""Seconds between two questions of the visitor of the page."""


@dataclass
class Load:
    """The results of a load.

    Attributes:
        api: The results of the API calls.
        asked: Number of requests to the page.
        wrong: One line for each page request with a wrong answer.
        before: Memory of the warm server in MB.
        after: Memory at the end in MB.
    """

    api: Outcome = field(default_factory=Outcome)
    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    before: float = 0.0
    after: float = 0.0

    @property
    def growth(self) -> float:
        """Growth of the server's memory in percent."""
        return 100 * (self.after / self.before - 1)

    def __str__(self) -> str:
        waits = sorted(self.api.waits)
        return (
            f"{self.api.sent} calls ({len(self.api.failures)} failed) and {self.asked} questions "
            f"at the page ({len(self.wrong)} failed) in {self.api.seconds:.0f} s; median "
            f"{waits[len(waits) // 2]:.2f} s, slowest {waits[-1]:.2f} s; memory {self.before:.0f} "
            f"MB when warm, {self.after:.0f} MB at the end ({self.growth:+.1f} %)"
        )


def load(server: Served, seconds: float, warm: float, clients: int = 4) -> Load:
    """Send requests for some time: several API clients, and one visitor of the page.

    Args:
        server: The running server.
        seconds: Duration after the warm-up.
        warm: Duration of the warm-up, with the same requests.
        clients: Number of clients that call the API at once.
    """
    found = Load()
    _send(server, warm, clients, found)
    found = Load(before=server.memory())
    _send(server, seconds, clients, found)
    found.after = server.memory()
    return found


def _send(server: Served, seconds: float, clients: int, found: Load) -> None:
    end = time.monotonic() + seconds
    visitor = threading.Thread(target=_visit, args=(server.address, end, found))
    visitor.start()
    found.api = send(
        server.address, itertools.takewhile(lambda _: time.monotonic() < end, mix()), clients
    )
    visitor.join()


def mix(seed: int = 0) -> Iterator[Request]:
    """Endless requests: four valid ones of several sizes, then an invalid one."""
    dice = random.Random(seed)
    pictures = [*drawn(6, side=96), *drawn(6, side=480), *drawn(2, side=1600)]
    bad = list(_bad(pictures[0]))
    for number in itertools.count():
        if number % _BAD:
            names = dice.choice([None, None, "a boat, a car", f"thing {dice.randrange(40)}, other"])
            yield Request(dice.choice(pictures), classes=names)
        else:
            yield bad[number // _BAD % len(bad)]


def _bad(sound: bytes) -> Iterator[Request]:
    """Malformed and oversized uploads, and invalid class names."""
    noise = random.Random(1).randbytes(50_000)
    large = io.BytesIO()
    Image.new("1", (9000, 9000)).save(large, format="PNG")
    files = [
        *(b"", b"no picture", noise, sound[:100], sound[: len(sound) // 2][:-7] + noise[:9]),
        *(b"<svg><script>alert(1)</script></svg>", b"GIF89a" + noise[:300], b"%PDF-1.7" + noise),
        *(png(200_000, 200_000), large.getvalue(), sound + bytes(20_000_000), bytes(30_000_000)),
    ]
    yield from (Request(contents, good=False) for contents in files)
    yield Request(sound, good=False, classes="same,same")
    yield Request(sound, good=False, classes="x" * 101)
    yield Request(sound, good=False, classes=",".join(f"n{i}" for i in range(201)))


def _visit(address: str, end: float, found: Load) -> None:
    """Use the page until a time: mostly pictures, sometimes other files."""
    pictures = drawn(3, side=320)
    with httpx.Client(base_url=address, timeout=120) as client:
        for number in itertools.count():
            if time.monotonic() > end:
                return
            good = number % _BAD != 0
            contents = pictures[number % 3] if good else b"no picture"
            found.asked += 1
            try:
                message = answer(client, [("a.jpg", contents)], f"thing {number % 20}, other")
                shown = str(message["output"].get("data", [""])[0])
                if not message["success"] or ("gp-error" in shown) == good:
                    found.wrong.append(f"question {number}: {str(message)[:200]}")
            except (httpx.HTTPError, AssertionError) as error:
                found.wrong.append(f"question {number}: {type(error).__name__}: {error}")
            time.sleep(_PAGE)


def fitted(folder: Path, photos: Path) -> Path:
    """A model to serve: CoOp on mini, fitted to a folder of photographs."""
    from gopro import PromptClassifier
    from gopro.data import labelled
    from gopro.data.folder import read_folder

    dataset = read_folder(photos, 1, hold_out=False)
    given = labelled.of_items(dataset, dataset.train)
    made = PromptClassifier(method="coop", backbone="mini", epochs=1, batch=8, device="cpu")
    return made.fit(given.pictures, given.labels).save(folder)
