"""Files of the cache, damaged."""

from __future__ import annotations

import random
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from marketshock.errors import CacheWarning
from marketshock.providers.store import Key, Store

from . import Attack, Kind

_KEY = Key("yahoo", "1d", "NVDA")


def _damage(rng: random.Random, sound: bytes) -> tuple[str, bytes]:
    at = rng.randrange(len(sound))
    match rng.choice(("flip", "cut", "zero", "append")):
        case "flip":
            bit = rng.randrange(8)
            return f"bit {bit} of byte {at} flipped", sound[:at] + bytes([sound[at] ^ 1 << bit]) + sound[at + 1 :]
        case "cut":
            return f"cut at {at}", sound[:at]
        case "zero":
            length = min(rng.randrange(1, 64), len(sound) - at)
            return f"{length} zeros at {at}", sound[:at] + bytes(length) + sound[at + length :]
        case _:
            return "bytes appended", sound + rng.randbytes(rng.randrange(1, 64))


def damaged_files(rng: random.Random) -> Iterator[Attack]:
    """A file that was changed is set aside with a warning and counts as missing."""
    payload = rng.randbytes(700)
    while True:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(folder)
            with store.lock(_KEY):
                store.write(_KEY, {"rows": 3}, payload)
            path = store.path(_KEY)
            label, damaged = _damage(rng, path.read_bytes())

            def attack(store: Store = store, path: Path = path, damaged: bytes = damaged) -> None:
                same = damaged == path.read_bytes()
                path.write_bytes(damaged)
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    held = store.read(_KEY)
                if same:
                    assert held is not None
                    return
                assert held is None
                assert [w.category for w in caught] == [CacheWarning]
                assert not path.exists()

            yield label, attack


KINDS = (Kind("cache file: a bit flipped, cut, zeroed, bytes appended", damaged_files, 60, 20_000),)
