"""Files of the cache: written whole or not at all, checked when they are read, one writer at a time."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from ..errors import CacheWarning, InputError, Unavailable

_MAGIC = b"marketshock-cache 1 "
_SUFFIX = ".cache"
_SAFE = "^=-.@"  # what tickers hold and every file system takes
_LONGEST = 120  # characters of a file name


class Key(NamedTuple):
    """What a file holds: whose (yahoo, french, sec), of which kind (1d, 5m, shares), of what (NVDA)."""

    provider: str
    kind: str
    name: str


class Held(NamedTuple):
    """A file's content."""

    about: dict[str, Any]
    payload: bytes

    def is_younger(self, than: dt.timedelta, now: dt.datetime) -> bool:
        """Return whether it was fetched within some time before now. One of the future is not: a clock was wrong."""
        try:
            return dt.timedelta(0) <= now - dt.datetime.fromisoformat(self.about["fetched"]) < than
        except (KeyError, TypeError, ValueError):  # no time in it, or one without a zone
            return False


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the cache, as ``marketshock cache list`` shows it; `problem` is "" for a sound one."""

    key: Key
    path: Path
    n_bytes: int
    about: dict[str, Any]
    problem: str


class Store:
    """A folder of checked files, safe with several threads and processes on one machine.

    A file is a line with the SHA-256 of the rest, a JSON description, and a payload. It is written beside its place and
    moved there, so that a reader sees the old file or the new one and nothing between. Writers of one key take turns by
    a lock the operating system releases when a process dies; readers take none.

    Parameters
    ----------
    root : str or Path, optional
        The folder; by default the cache folder of the platform. It is made when something is written.
    """

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        if root is None:
            from platformdirs import user_cache_path

            root = user_cache_path("marketshock", appauthor=False)
        try:
            self.root = Path(root).expanduser()
            usable = self.root.is_dir() or not self.root.exists()
        except (OSError, RuntimeError, ValueError):  # too long, an unknown ~user, a NUL
            usable = False
        if not usable or not str(root):
            raise InputError("cache", f"{str(root)[:80]!r} is no folder", "give a folder, or none for the platform's")

    def path(self, key: Key) -> Path:
        """Return where a key's file is. The kind in front keeps names like CON and NUL apart from devices."""
        name = quote(key.name, safe=_SAFE)
        if len(name) > _LONGEST:
            name = f"{name[:_LONGEST]}~{hashlib.sha256(key.name.encode()).hexdigest()[:16]}"
        return self.root / key.provider / f"{key.kind}_{name}{_SUFFIX}"

    def read(self, key: Key, locked: bool = False) -> Held | None:
        """Return what a key's file holds, None if there is none.

        A file that was changed or cut is set aside under another name, with a `CacheWarning`, and counts as none; for
        that the key's lock is taken, unless the caller holds it (`locked`).
        """
        path = self.path(key)
        try:
            return _opened(path)
        except _Damaged:
            pass
        except OSError as error:
            _warn(f"{path} cannot be read ({error.strerror}); it counts as missing")
            return None
        try:
            with contextlib.nullcontext() if locked else self.lock(key, timeout=1):
                return _opened(path)  # another process may have replaced it since
        except _Damaged as damage:
            _warn(f"{path} {damage}; {_set_aside(path)}, and counts as missing")
        except Unavailable:
            _warn(f"{path} is damaged, and another process is at it; it counts as missing")
        return None

    def write(self, key: Key, about: dict[str, Any], payload: bytes) -> bool:
        """Write a key's file whole; return False, with a `CacheWarning`, where the folder does not let us.

        The caller holds the key's lock.
        """
        path = self.path(key)
        described = json.dumps({"key": key, **about}, sort_keys=True, allow_nan=False).encode()
        body = len(described).to_bytes(8, "big") + described + payload
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for left in path.parent.glob(f".{path.name}.*.tmp"):
                left.unlink(missing_ok=True)  # of a writer that died: we hold the lock
            _replace(path, [_MAGIC, hashlib.sha256(body).hexdigest().encode(), b"\n", body])
        except OSError as error:
            _warn(f"{path} could not be written ({error.strerror or error}); what was there before is untouched")
            return False
        return True

    @contextlib.contextmanager
    def lock(self, key: Key, timeout: float = 60) -> Iterator[None]:
        """Hold the lock of one key.

        Raises `Unavailable` if another process or thread holds it for longer than `timeout` seconds.
        """
        from filelock import FileLock, Timeout

        path = self.path(key)
        lock = FileLock(self.root / ".locks" / f"{key.provider}_{path.name}.lock")
        try:
            Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=max(timeout, 0))
        except Timeout:
            raise Unavailable(
                key.name,
                f"the cache file {path}",
                f"another process has been writing it for {timeout:.0f} s",
                "wait for it, or give another cache folder",
            ) from None
        except OSError:  # read-only: no process will write, so no lock is needed
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def entries(self) -> list[Entry]:
        """Return every file, sound or not, in order of provider, kind and name."""
        files = sorted(self.root.glob(f"*/*{_SUFFIX}")) if self.root.is_dir() else []
        return [_entry(path) for path in files]

    def remove(self, entry: Entry) -> None:
        """Delete one file under its lock."""
        with self.lock(entry.key):
            remove_file(entry.path)

    def leftovers(self) -> list[Path]:
        """Return files that were set aside, and those of writers that died."""
        found = [*self.root.glob("*/*.damaged"), *self.root.glob("*/.*.tmp")] if self.root.is_dir() else []
        return sorted(found)


def remove_file(path: Path) -> None:
    """Delete a file of the cache. Raises `InputError` if the system does not let us."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError("cache", f"{path} cannot be removed ({error.strerror})", "see to its permissions") from error


def store_of(cache: bool | str | os.PathLike[str] | Store) -> Store | None:
    """Return the store a parameter ``cache`` means: True the platform's folder, False none, a folder, or a store.

    Raises `InputError` if it is something else, or a file stands where the folder should be.
    """
    if isinstance(cache, Store):
        return cache
    if isinstance(cache, bool):
        return Store() if cache else None
    if isinstance(cache, (str, os.PathLike)) and os.fspath(cache):
        return Store(cache)
    raise InputError("cache", f"got {cache!r}", "give True, False, a folder or a Store")


class _Damaged(Exception):  # noqa: N818 - says what is wrong with a file, never leaves this module
    pass


def _opened(path: Path) -> Held | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    head, newline, body = data.partition(b"\n")
    if not newline or not head.startswith(_MAGIC):
        raise _Damaged("is no file of this cache" if data else "is empty")
    if hashlib.sha256(body).hexdigest().encode() != head[len(_MAGIC) :]:
        raise _Damaged("does not match its checksum")
    length = int.from_bytes(body[:8], "big")
    try:
        about = json.loads(body[8 : 8 + length])
    except ValueError as error:
        raise _Damaged("has no description") from error
    if not isinstance(about, dict):
        raise _Damaged("has no description")
    return Held(about, body[8 + length :])


def _replace(path: Path, parts: list[bytes]) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        for wait in (0.01, 0.05, 0.25, 1.0, None):
            try:
                os.replace(name, path)
                return
            except PermissionError:  # Windows, while a reader has the old file open
                if wait is None:
                    raise
                time.sleep(wait)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _set_aside(path: Path) -> str:
    aside = path.with_suffix(f".{time.time_ns()}.damaged")
    try:
        os.replace(path, aside)
    except OSError as error:
        return f"it could not be set aside ({error.strerror})"
    return f"it was set aside as {aside.name}"


def _entry(path: Path) -> Entry:
    kind, _, name = path.name.removesuffix(_SUFFIX).partition("_")
    key = Key(path.parent.name, kind, unquote(name))
    try:
        n_bytes = path.stat().st_size
        held = _opened(path)
        about = held.about if held else {}
        return Entry(Key(*map(str, about.get("key", key))), path, n_bytes, about, "")
    except (_Damaged, OSError, TypeError) as problem:
        return Entry(key, path, 0, {}, str(problem))


def _warn(text: str) -> None:
    warnings.warn(f"cache: {text}", CacheWarning, stacklevel=3)
