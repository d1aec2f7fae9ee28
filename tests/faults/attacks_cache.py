"""Files of the cache: damaged, under other names, beside files of others."""

from __future__ import annotations

import io
import random
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from marketshock.errors import CacheWarning
from marketshock.providers.cache import BAR
from marketshock.providers.store import Key, Store

from . import Attack, Kind

_KEY = Key("yahoo", "1d", "NVDA")


def arrays_of(payload: bytes) -> dict[str, Any]:
    """Return the arrays of a file's bars by name."""
    bars = np.frombuffer(payload, BAR)
    return {"day": bars["day"].astype(np.int64), "time": bars["time"].astype(np.int64), "values": bars["values"].copy()}


def archive(arrays: dict[str, Any]) -> bytes:
    """Return a payload as earlier versions wrote it."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


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


def misplaced_files(rng: random.Random) -> Iterator[Attack]:
    """A file under the name of another key counts as missing, whatever differs in the key."""
    parts = (("yahoo", "made", "sec"), ("1d", "5m", "shares"), ("NVDA", "AMD", "^GSPC", "BRK-B", "a/b", "x" * 200))
    while True:
        own, other = (Key(*map(rng.choice, parts)) for _ in range(2))

        def attack(own: Key = own, other: Key = other) -> None:
            with tempfile.TemporaryDirectory() as folder:
                store = Store(folder)
                with store.lock(own):
                    store.write(own, {}, b"own")
                wrong = store.path(other)
                wrong.parent.mkdir(exist_ok=True)
                if own != other:
                    shutil.copy(store.path(own), wrong)
                problems = [entry.path for entry in store.entries() if entry.problem]
                assert problems == ([wrong] if own != other else [])
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    held = store.read(other)
                assert (held is None) == (own != other)
                assert len(caught) == (own != other)
                sound = store.read(own)
                assert sound is not None
                assert sound.payload == b"own"

        yield f"{own} under {other}"[:120], attack


_WORDS = ("results", "my_results", "1d_NVDA", "old", ".draft", ".my_draft", "notes", "1d", "2024_01_27", "_")
_ENDS = (".cache", ".tmp", ".cache.tmp", ".damaged", ".cache.damaged", ".17.damaged", ".lock", ".csv", "", ".cache.bak")


def files_of_others(rng: random.Random) -> Iterator[Attack]:
    """Clearing all leaves every file of the user's, in whatever folder of the cache."""
    while True:
        names = {
            f"{rng.choice(('', 'thesis/', 'yahoo/', '.locks/', 'yahoo/deep/'))}{rng.choice(_WORDS)}{rng.choice(_ENDS)}"
            for _ in range(8)
        } - {".locks/", "yahoo/"}
        content = rng.choice((b"", b"mine", rng.randbytes(300), b"marketshock", b"Marketshock-cache 1 "))

        def attack(names: set[str] = names, content: bytes = content) -> None:
            with tempfile.TemporaryDirectory() as folder:
                store = Store(folder)
                with store.lock(_KEY):
                    store.write(_KEY, {}, b"own")
                store.path(_KEY).with_name("1d_AMD.1796071807100572144.damaged").write_bytes(b"")
                theirs = [store.root / name for name in names if not (store.root / name).exists()]
                for path in theirs:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
                left = {entry.path for entry in store.entries() if store.remove(entry)}
                assert left <= set(theirs)
                assert not store.sweep()
                assert not store.path(_KEY).exists() or store.path(_KEY) in theirs
                assert not store.leftovers()
                assert all(path.read_bytes() == content for path in theirs)

        yield f"{sorted(names)}"[:120], attack


KINDS = (
    Kind("cache file: a bit flipped, cut, zeroed, bytes appended", damaged_files, 60, 20_000),
    Kind("cache file: under the name of another", misplaced_files, 40, 2_000),
    Kind("cache folder: files of others survive clearing", files_of_others, 40, 2_000),
)
