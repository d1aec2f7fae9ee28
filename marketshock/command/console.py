"""How the command line speaks: results, progress, notes and errors."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import MarketShockWarning

_MOST_SHOWN = 600  # characters of a message


@contextmanager
def progress_bar(total: int, arguments: argparse.Namespace) -> Iterator[Callable[[str], None]]:
    """Show a bar on a terminal if the work takes longer than a second."""
    from tqdm import tqdm

    off = True if arguments.quiet or arguments.json else None  # None: off unless stderr is a terminal
    with tqdm(total=total, delay=1, disable=off, leave=False, file=sys.stderr) as bar:

        def step(what: str) -> None:
            bar.set_description(what)
            bar.update()

        yield step


def bar(arguments: argparse.Namespace) -> Callable[[Iterable[Any], int], Iterable[Any]]:
    """Return what shows a bar around an iterable, as `progress_bar` does around steps."""
    from tqdm import tqdm

    off = True if arguments.quiet or arguments.json else None

    def around(blocks: Iterable[Any], n: int) -> Iterable[Any]:
        return tqdm(blocks, total=n, delay=1, disable=off, leave=False, file=sys.stderr)

    return around


def print_sections(sections: Iterable[tuple[str, str]]) -> None:
    """Print headings and texts."""
    for heading, text in sections:
        print(f"{heading}\n{'=' * len(heading)}\n{text}\n")


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Print our own warnings as one line on stderr instead of Python's two with a path."""
    plain = warnings.showwarning
    said: set[str] = set()  # several tables or rules have the same to say

    def show(message: Any, category: Any, *rest: Any, **named: Any) -> None:
        if issubclass(category, MarketShockWarning):
            line = _one_line(str(message))
            if line not in said:
                print(f"marketshock: note: {line}", file=sys.stderr)
            said.add(line)
        else:
            plain(message, category, *rest, **named)

    with warnings.catch_warnings():
        warnings.simplefilter("always", MarketShockWarning)
        warnings.showwarning = show
        yield


def say(arguments: argparse.Namespace, text: str) -> None:
    """Print a line that is no result, unless told to be quiet."""
    if not arguments.quiet and not arguments.json:
        print(text)


def fail(error: object, code: int) -> int:
    """Print an error as one line on stderr and return the exit code."""
    print(f"marketshock: {_one_line(str(error))}", file=sys.stderr)
    return code


def _one_line(text: str) -> str:
    """Return a message as one short printable line: names out of a file may be anything."""
    line = as_options("".join(c if c.isprintable() else " " for c in text))
    return line if len(line) <= _MOST_SHOWN else f"{line[: _MOST_SHOWN - 150]} ... {line[-140:]}"


def as_options(text: str) -> str:
    """Write the arguments a message names as options of the command line: on_closed='next' is --on-closed next."""

    def option(match: re.Match[str]) -> str:
        value = "" if match[2] == "True" else f" {match[2]}"
        return f"--{match[1].replace('_', '-')}{value}"

    text = re.sub(r"\btolerate=\[([^]]*)\]", lambda m: "--tolerate " + re.sub(r"[' ]", "", m[1]), text)
    names = (
        r"on_closed|calendar|entry|how|max_gross|duplicates|min_obs|log|allow_lookahead|by|offline|max_time|encoding"
    )
    text = re.sub(rf"\b({names})='?(\w+)'?", option, text)
    return text.replace("raise max_time", "raise --max-time")
