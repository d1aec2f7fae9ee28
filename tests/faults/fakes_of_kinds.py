"""Kinds whose attacks are not survived: `test_torture.py` holds that the harness reports them."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator

from . import Attack, Kind


def _kind(name: str, lose: Callable[[], object], at: int) -> Kind:
    def attacks(rng: random.Random) -> Iterator[Attack]:
        for number in range(100):
            yield f"{rng.randrange(1000):03}", lose if number == at else int

    return Kind(name, attacks, 2, 10)


def _fail() -> None:
    raise AssertionError("the wrong number")


def _forever() -> None:
    while True:
        time.sleep(1)


def _three(rng: random.Random) -> Iterator[Attack]:
    return iter([("a", int), ("b", int), ("c", int)])


KINDS = (
    _kind("survives", int, 0),
    _kind("fails at the third", _fail, 2),
    _kind("hangs at the second", _forever, 1),
    _kind("ends the process at the last", lambda: os._exit(3), 9),
    _kind("exits at the first", lambda: exit(5), 0),
    Kind("has three only", _three, 3, 10),
)
