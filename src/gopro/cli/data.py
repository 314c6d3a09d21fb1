"""``gopro data list``, ``gopro data download NAME`` and ``gopro data verify NAME``."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from gopro.cli.options import Parser, at_least_one, parse
from gopro.common.errors import GoproError


def data(arguments: Sequence[str]) -> None:
    """Run the sub-command that the first argument names."""
    verb = arguments[0] if arguments else "--help"
    if verb in ("-h", "--help", "help"):
        print(
            "usage: gopro data list [--root DATA]\n"
            "       gopro data download NAME [--root DATA]\n"
            "       gopro data verify NAME [--root DATA]\n\n"
            "  list      the known data sets: which are present, their size, licence and source\n"
            "  download  download what is missing of a data set, or explain how to get it\n"
            "  verify    open every image of a data set and check the number of images\n"
        )
    elif verb in _VERBS:
        _VERBS[verb](arguments[1:])
    else:
        near = difflib.get_close_matches(verb, _VERBS, n=1)
        hint = f"did you mean `gopro data {near[0]}`?" if near else f"known: {', '.join(_VERBS)}"
        raise GoproError(f"there is no `gopro data {verb}`; {hint}")


def show_list(arguments: Sequence[str]) -> None:
    """Print the known data sets, three lines each."""
    parser = _parser("list", "List the known data sets, and say which are present.")
    root = _root(parse(parser, arguments)["root"])

    from rich.console import Console
    from rich.text import Text

    from gopro.common.progress import bar
    from gopro.data.catalog import KNOWN
    from gopro.data.verify import state

    console = Console(highlight=False)
    console.print(Text(f"data sets in {root}"), soft_wrap=True)
    states = {}
    with bar("looking", len(KNOWN)) as advance:
        for name in KNOWN:
            states[name] = state(name, root)
            advance(name)
    for name, status in states.items():
        known = KNOWN[name]
        size = f"about {known.size.megabytes / 1000:.1f} GB" if known.size.megabytes else ""
        numbers = (
            f"{status.images:>10,} images {known.size.classes:>6,} classes {size:>15}".rstrip()
        )
        first = ((f"{name:<17}", "bold"), (f"{status.state:<9}", _COLOURS[status.state]), numbers)
        console.print(Text.assemble(*first), soft_wrap=True)
        licence = f"licence: {known.licence}; from {known.source}" if known.source else ""
        problem = f"problem: {status.problem}" if status.problem else ""
        for more, style in ((known.about, ""), (licence, "dim"), (problem, "yellow")):
            if more:
                console.print(Text(f"  {more}", style=style), soft_wrap=True)
    print("folder:PATH\n  your own images: one sub-folder per class")
    print("hf:NAME\n  any image-classification data set of the Hugging Face hub")


def fetch(arguments: Sequence[str]) -> None:
    """Download what is missing of a data set.

    Raises:
        GoproError: When a download fails, or a file has to be downloaded by hand.
    """
    parser = _parser(
        "download", "Download what is missing of a data set. Interrupted downloads continue."
    )
    parser.add_argument("name", help="caltech101, dtd, pacs, ..")
    parser.flag("--keep", "keep the archives after unpacking")
    values = parse(parser, arguments)

    from gopro.data import check_name
    from gopro.data.catalog import KNOWN
    from gopro.data.download import download
    from gopro.data.verify import state

    name, root = values["name"], _root(values["root"])
    check_name(name)
    if name not in KNOWN:
        raise GoproError(f"{name} is read in place; only known data sets are downloaded")
    known = KNOWN[name]
    print(f"{known.about}\n  licence: {known.licence or 'none'}; from {known.source or 'gopro'}")
    download(name, root, keep=values["keep"])
    status = state(name, root)
    if status.state != "here":
        raise GoproError(f"{name} isn't complete: {status.problem}")
    folder = known.home(root)
    print(f"{status.images:,} images are in {folder}; `gopro data verify {name}` checks them")


def verify(arguments: Sequence[str]) -> None:
    """Check a data set image by image.

    Raises:
        GoproError: When the data set can't be read or isn't complete, or images can't be opened.
    """
    parser = _parser("verify", "Open every image of a data set, and check the number of images.")
    parser.add_argument("name", help="caltech101, world, folder:PATH, ..")
    parser.option("--workers", int | None, None, "threads; by default one per core")
    values = parse(parser, arguments)
    at_least_one(values, "workers")

    from gopro.common.progress import bar
    from gopro.data import load
    from gopro.data.verify import broken, counts, differs_from_published

    dataset = load(values["name"], _root(values["root"]))
    total = sum(counts(dataset))
    print(f"{dataset.name}: {len(dataset.class_names):,} classes, {total:,} images")
    for part in ("train", "val", "test"):
        items = getattr(dataset, part)
        print(f"  {part:<6}{len(items):>10,} images of {len({i.label for i in items}):,} classes")
    print(f"  split sha256 {dataset.fingerprint()}")
    for note in dataset.notes:
        print(f"  note: {note}")
    with bar("opening", total) as advance:
        problems = broken(dataset, advance, values["workers"])
    for problem in problems[1:_SHOWN]:
        print(f"  {problem}")
    if problems:
        raise GoproError(
            f"{len(problems):,} of the {total:,} images of {dataset.name} can't be used; the "
            f"first: {problems[0]}"
        )
    print(f"all {total:,} images open")
    difference = differs_from_published(dataset)
    if difference:
        raise GoproError(f"{difference}; unpack the complete data set again, with its split file")


_VERBS = {"list": show_list, "download": fetch, "verify": verify}
_SHOWN = 20
"""Number of broken images that are listed."""
_COLOURS = {"built in": "green", "here": "green", "partial": "yellow", "missing": "dim"}


def _parser(verb: str, about: str) -> Parser:
    parser = Parser(prog=f"gopro data {verb}", description=about)
    parser.option(
        "--root", Path | None, None, "folder of the data sets; by default $GOPRO_DATA, else ./data"
    )
    return parser


def _root(given: Path | None) -> Path:
    from gopro.data import default_root

    return default_root() if given is None else given
