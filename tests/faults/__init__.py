"""Kinds of trouble that are made on purpose: a damaged file, a vendor that lies, a full disk, a hostile name.

Each module ``attacks_*.py`` here has a tuple `KINDS`. The suite tries a few of every kind (`test_kinds.py`), and
``make torture`` tries many and prints how many were survived.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Attack = tuple[str, Callable[[], object]]
"""What is tried, in words, and the try itself: it returns if the library did right, and raises if not."""


@dataclass(frozen=True)
class Kind:
    """One kind of trouble.

    Attributes
    ----------
    name : str
        A row of the table: "cache file: a bit flipped, cut, zeroed".
    attacks : callable
        Takes a seeded `random.Random`; returns attacks, possibly without end. Those of one seed are always the same,
        whether the ones before were made or only passed over: an attack draws nothing while it is made.
    few, many : int
        How many are tried in the suite (in all kinds under two minutes), and by ``make torture``.
    """

    name: str
    attacks: Callable[[random.Random], Iterable[Attack]]
    few: int
    many: int

    def numbered(self, seed: int, first: int, stop: int) -> Iterator[tuple[int, str, Callable[[], object]]]:
        """Return number, words and try of the attacks of a seed."""
        attacks = self.attacks(random.Random(f"{seed}:{self.name}"))
        return ((n, *attack) for n, attack in itertools.islice(enumerate(attacks), first, stop))


def lost_by(attack: Callable[[], object]) -> str:
    """Make an attack; return "" if it was survived, and otherwise what was raised."""
    try:
        attack()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of a compiled library and an exit are no Exception
        return f"{type(error).__name__}: {error}"
    return ""


def kinds(prefix: str = "attacks_") -> list[Kind]:
    """Return the kinds of all modules here whose names begin so, by the name of the module."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith(prefix))
    return [kind for name in names for kind in importlib.import_module(f"{__name__}.{name}").KINDS]
