"""Output of the command line: results, progress, notes and errors."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

from ..errors import Argument, MarketShockError, MarketShockWarning, Words

Spell: TypeAlias = Callable[[Argument], str]

_MOST_SHOWN = 600  # characters of a message


@contextmanager
def progress_bar(total: int, arguments: argparse.Namespace) -> Iterator[Callable[[str], None]]:
    """Show a bar on a terminal if the work takes longer than a second."""
    from tqdm import tqdm

    with tqdm(total=total, **_look(arguments)) as shown:

        def step(text: str) -> None:
            shown.set_description(text)
            shown.update()

        yield step


def bar(arguments: argparse.Namespace) -> Callable[[Iterable[Any], int], Iterable[Any]]:
    """Return a function that shows the same bar around an iterable of n items."""
    from tqdm import tqdm

    return lambda items, n: tqdm(items, total=n, **_look(arguments))


def _look(arguments: argparse.Namespace) -> dict[str, Any]:
    off = True if arguments.quiet or arguments.json else None  # None: off unless stderr is a terminal
    return {"delay": 1, "disable": off, "leave": False, "file": sys.stderr}


def print_sections(sections: Iterable[tuple[str, str]]) -> None:
    """Print headings and texts."""
    for heading, text in sections:
        print(f"{heading}\n{'=' * len(heading)}\n{text}\n")


@contextmanager
def warnings_as_notes(spell: Spell) -> Iterator[None]:
    """Print the library's warnings as one line each on stderr, the same line once."""
    plain = warnings.showwarning
    printed: set[str] = set()

    def show(message: Any, category: Any, *rest: Any, **named: Any) -> None:
        if not isinstance(message, MarketShockWarning):
            plain(message, category, *rest, **named)
        elif (line := _one_line(message.words, spell)) not in printed:
            tell(f"note: {line}")
            printed.add(line)

    with warnings.catch_warnings():
        warnings.simplefilter("always", MarketShockWarning)
        warnings.showwarning = show
        yield


def say(arguments: argparse.Namespace, text: str) -> None:
    """Print a line that is not part of the result, unless --quiet or --json is given."""
    if not arguments.quiet and not arguments.json:
        print(text)


def fail(error: MarketShockError | str, code: int, spell: Spell = str) -> int:
    """Print an error as one line on stderr and return the exit code."""
    words = Words(error) if isinstance(error, str) else error.words
    tell(_one_line(words, spell))
    return code


def tell(line: str) -> None:
    """Print a line on stderr; a full or closed one changes no result."""
    with suppress(OSError, ValueError):
        print(f"marketshock: {line}", file=sys.stderr)


def _one_line(words: Words, spell: Spell) -> str:
    return short(words.spelled(spell))


def short(text: str) -> str:
    """Return a message as one short line; characters of names that cannot be printed become escapes."""
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(text.splitlines()))
    line = "".join(shown)
    return line if len(line) <= _MOST_SHOWN else f"{line[: _MOST_SHOWN - 150]} ... {line[-140:]}"
