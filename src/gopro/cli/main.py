"""The command line: one table, command -> function. Heavy imports happen in the command used."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence

from gopro.common.errors import GoproError
from gopro.common.version import DISTRIBUTION, __version__

COMMANDS = {
    "fit": ("gopro.cli.fit:fit", "make a classifier from a folder of photographs"),
    "predict": ("gopro.cli.predict:predict", "name pictures with a classifier"),
    "evaluate": ("gopro.cli.evaluate:evaluate", "measure a classifier on a folder"),
    "explain": ("gopro.cli.explain:explain", "show what moved the answer to a picture"),
    "export": ("gopro.cli.export:export", "write a classifier as ONNX"),
    "serve": ("gopro.cli.serve:serve", "serve a classifier as a web page and an HTTP API"),
    "train": ("gopro.cli.train:train", "train a method on a data set, then test it"),
    "test": ("gopro.cli.test:test", "measure a finished run again"),
    "ablate": ("gopro.cli.ablate:ablate", "what each part of a method is worth"),
    "bench": ("gopro.cli.bench:bench", "run methods x data sets x tasks x seeds"),
    "rerun": ("gopro.cli.rerun:rerun", "repeat a finished run and compare"),
    "reproduce": ("gopro.cli.reproduce:reproduce", "the published comparison, judged"),
    "results": ("gopro.cli.results:results", "average finished runs over seeds"),
    "report": ("gopro.cli.report:report", "write a page about many finished runs"),
    "data": ("gopro.cli.data:data", "list the data sets, verify that one is whole"),
    "demo": ("gopro.cli.demo:demo", "see GOPro learn, offline, in a few minutes"),
    "backbones": ("gopro.cli.backbones:backbones", "list the CLIP models at hand"),
    "doctor": ("gopro.cli.doctor:doctor", "look at this machine and its defaults"),
    "methods": ("gopro.cli.methods:methods", "list the methods"),
}
"""Command -> function that takes the arguments behind it, and one line of help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Of the command line, without the program's name; ``sys.argv``'s when None.

    Returns:
        The exit code: 0, 2 after an error the user can mend, 130 after Ctrl-C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    try:
        _run(given)
        sys.stdout.flush()
    except GoproError as error:
        if debug:
            raise
        print(f"gopro: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        if debug:
            raise
        print(f"\ngopro: {str(stop) or 'stopped'}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as in `gopro methods | head -1`
        # the interpreter flushes once more at its end, which mustn't fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _run(given: Sequence[str]) -> None:
    if not given or given[0] in ("-h", "--help", "help"):
        print(_help())
    elif given[0] == "--version":
        print(f"{DISTRIBUTION} {__version__}")
    else:
        _command(given[0])(given[1:])


def _command(name: str):  # type: ignore[no-untyped-def]
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `gopro {near[0]}`?" if near else "see `gopro --help`"
        raise GoproError(f"there is no command {name!r}; {hint}")
    module, _, function = COMMANDS[name][0].partition(":")
    return getattr(importlib.import_module(module), function)


def _help() -> str:
    rows = "\n".join(f"  {name:<12}{about}" for name, (_, about) in COMMANDS.items())
    return (
        "gopro: prompt learning for CLIP\n\n"
        "usage: gopro COMMAND [options]      (gopro COMMAND --help tells them)\n\n"
        f"commands:\n{rows}\n\n"
        "  --debug     show the traceback of an error\n"
        "  --version   show the version\n"
    )


if __name__ == "__main__":
    sys.exit(main())
