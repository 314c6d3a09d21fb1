"""Coverage-guided fuzzing: bytes that reach new lines of a reader are changed further.

``python fuzz/splits.py 60`` looks for a minute. What was found worth keeping lies in
``runs/fuzz/`` and is where the next search starts; a failing input is written there too, and
``python fuzz/splits.py FILE`` repeats it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

FOUND = Path(__file__).resolve().parents[1] / "runs" / "fuzz"


def fuzz(name: str, read: Callable[[Path], object], sound: Iterable[bytes]) -> None:
    """Call a reader on many files, for as many seconds as the command line says.

    Args:
        name: Of the target.
        read: Reads a file; may raise ``GoproError`` with one line, and nothing else.
        sound: Files to start from.
    """
    from gopro.common.errors import GoproError

    known = FOUND / name
    known.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(sound):
        (known / f"sound-{number}").write_bytes(content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzzed"

        def once(content: bytes) -> None:
            path.write_bytes(content)
            try:
                read(path)
            except GoproError as error:
                assert str(error) and "\n" not in str(error), error
            assert [one.name for one in Path(folder).iterdir()] == [path.name]

        [given] = sys.argv[1:] or ["60"]
        limits = ["-timeout=20", "-rss_limit_mb=4096", f"-artifact_prefix={known}-"]
        what = [f"-max_total_time={given}", str(known)] if given.isdecimal() else [given]
        atheris.Setup([sys.argv[0], *limits, "-verbosity=0", "-print_final_stats=1", *what], once)
        atheris.Fuzz()
