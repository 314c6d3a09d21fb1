"""Coverage-guided fuzzing of file readers.

``python fuzz/splits.py 60`` runs for a minute. ``runs/fuzz/`` keeps the corpus for the next run,
and the inputs that failed; ``python fuzz/splits.py FILE`` repeats one.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

CORPUS = Path(__file__).resolve().parents[1] / "runs" / "fuzz"


def fuzz(name: str, read: Callable[[Path], object], valid: Iterable[bytes]) -> None:
    """Call a reader on many files, for the number of seconds on the command line.

    Args:
        name: Name of the reader.
        read: Reads a file. The only exception it may raise is a one-line ``GoproError``.
        valid: Contents of valid files to start from.
    """
    from gopro.common.errors import GoproError

    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(valid):
        (corpus / f"valid-{number}").write_bytes(content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzzed"

        def once(content: bytes) -> None:
            path.write_bytes(content)
            try:
                read(path)
            except GoproError as error:
                assert str(error) and "\n" not in str(error), error
            assert [file.name for file in Path(folder).iterdir()] == [path.name]

        [argument] = sys.argv[1:] or ["60"]
        limits = ["-timeout=20", "-rss_limit_mb=4096", f"-artifact_prefix={corpus}-"]
        seconds = argument.isdecimal()
        target = [f"-max_total_time={argument}", str(corpus)] if seconds else [argument]
        atheris.Setup([sys.argv[0], *limits, "-verbosity=0", "-print_final_stats=1", *target], once)
        atheris.Fuzz()
