"""Kinds of trouble that are made on purpose: a damaged file, a vendor that lies, a full disk, a hostile name.

Each module ``attacks_*.py`` here has a tuple `KINDS`. The suite tries a few of every kind (`test_kinds.py`), and
``make torture`` tries many and prints how many were survived.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import random
from collections.abc import Callable, Iterable
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
        Takes a seeded `random.Random`; returns attacks, possibly without end. Those of one seed are always the same.
    few, many : int
        How many are tried in the suite (in all kinds under two minutes), and by ``make torture``.
    """

    name: str
    attacks: Callable[[random.Random], Iterable[Attack]]
    few: int
    many: int

    def tried(self, seed: int, most: int) -> tuple[int, list[str]]:
        """Make at most so many attacks; return how many were made, and which were not survived, and how."""
        made, lost = 0, []
        for label, attack in itertools.islice(self.attacks(random.Random(f"{seed}:{self.name}")), most):
            made += 1
            try:
                attack()
            except Exception as error:
                lost.append(f"{label}: {type(error).__name__}: {error}")
        return made, lost


def kinds() -> list[Kind]:
    """Return the kinds of all modules here, by the name of the module."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith("attacks_"))
    return [kind for name in names for kind in importlib.import_module(f"{__name__}.{name}").KINDS]
