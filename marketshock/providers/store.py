"""Files of the cache: written whole or not at all, checked when they are read, one writer at a time."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import re
import stat
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from .._files import replacing
from ..errors import CacheWarning, InputError, Unavailable

_MAGIC = b"marketshock-cache "  # every file of the cache begins so, of whatever version
_HEAD = _MAGIC + b"1 "
_SUFFIX = ".cache"
_SAFE = "^=-.@"  # what tickers hold and every file system takes
_LONGEST = 120  # characters of a file name
_LOCKS = ".locks"
_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n# A folder that backups may leave out: https://bford.info/cachedir/\n"
)

#: Names that only this library gives: a file of the cache, one that was set aside, one of a writer that died, a lock.
_NAMED = re.compile(r"[^._][^_]*_.+\.cache")
_ASIDE = re.compile(r"[^._][^_]*_.+\.\d{16,}\.damaged")
_UNFINISHED = re.compile(r"\.[^._][^_]*_.+\.cache\.[^.]+\.tmp")
_LOCK = re.compile(r"[^_]+_[^_]+_.+\.cache\.lock")


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
    """One file of the cache, as ``marketshock cache list`` shows it.

    Attributes
    ----------
    key : Key
        What its name says it holds.
    path : Path
    n_bytes : int
    about : dict
        Its description; empty if it is damaged.
    problem : str
        What is wrong with it; "" for a sound one.
    ours : bool
        Whether it begins as files of this library do; others are never removed.
    """

    key: Key
    path: Path
    n_bytes: int
    about: dict[str, Any]
    problem: str
    ours: bool

    @property
    def named(self) -> bool:
        """Whether its name is one that this library gives."""
        return _NAMED.fullmatch(self.path.name) is not None


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
        self._left: dict[Path, list[str]] = {}  # by folder; listed once, because a folder may hold thousands of files

    def path(self, key: Key) -> Path:
        """Return where a key's file is. The kind in front keeps names like CON and NUL apart from devices."""
        return self.root.joinpath(*_path_of(key))

    def read(self, key: Key, locked: bool = False) -> Held | None:
        """Return what a key's file holds, None if there is none.

        A file that was changed or cut, or is one of another key, is set aside under another name, with a
        `CacheWarning`, and counts as none; for that the key's lock is taken, unless the caller holds it (`locked`).
        """
        path = self.path(key)
        try:
            try:
                return _opened(path, key)
            except _Damaged:
                with contextlib.nullcontext() if locked else self.lock(key, timeout=1):
                    return _opened(path, key)  # another process may have replaced it since
        except _Damaged as damage:
            _warn(f"{path} {damage}; {_set_aside(path)}, and counts as missing")
        except OSError as error:
            _warn(f"{path} cannot be read ({error.strerror or error}); it counts as missing")
        except Unavailable:
            _warn(f"{path} is damaged, and another process is at it; it counts as missing")
        return None

    def write(self, key: Key, about: dict[str, Any], payload: bytes) -> bool:
        """Write a key's file whole; return False, with a `CacheWarning`, where the folder does not let us.

        The caller holds the key's lock.
        """
        path = self.path(key)
        described = json.dumps({**about, "key": key}, sort_keys=True, allow_nan=False).encode()
        body = len(described).to_bytes(8, "big") + described + payload
        try:
            self._make(path.parent)
            for left in self._unfinished(path):
                with contextlib.suppress(OSError):
                    left.unlink()
            with replacing(path, private=True) as part:
                part.write_bytes(b"".join((_HEAD, hashlib.sha256(body).hexdigest().encode(), b"\n", body)))
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

        lock = FileLock(self._lock_path(*_path_of(key)), thread_local=False)  # of this call alone, so of one thread
        try:
            self._make(self.root / _LOCKS)
            lock.acquire(timeout=max(timeout, 0))
        except Timeout:
            raise Unavailable(
                key.name,
                f"the cache file {self.path(key)}",
                f"another process has been writing it for {timeout:.0f} s",
                "wait for it, or give another cache folder",
            ) from None
        except OSError:  # read-only: no process will write, so no lock is needed
            pass
        try:
            yield
        finally:
            lock.release()

    def entries(self) -> list[Entry]:
        """Return every file named like one of the cache, sound or not, in order of provider, kind and name."""
        found = (_entry(path) for path in self._files() if path.name.endswith(_SUFFIX))
        return [entry for entry in found if entry]

    def remove(self, entry: Entry) -> str:
        """Delete one file under its lock, and the lock; return why it was left, "" if it is gone.

        Files that do not begin as those of this library do are left, and so is what a symbolic link leads to.
        """
        if not entry.ours:
            return entry.problem
        with self.lock(entry.key):
            try:
                if not _is_ours(entry.path):  # replaced since it was listed
                    return "is no file of this cache"
                entry.path.unlink(missing_ok=True)
            except FileNotFoundError:
                pass  # another process was faster
            except OSError as error:
                return f"cannot be removed ({error.strerror or error})"
            with contextlib.suppress(OSError):
                self._lock_path(entry.path.parent.name, entry.path.name).unlink()
        return ""

    def leftovers(self) -> list[Path]:
        """Return files that were set aside, and those of writers that died."""
        left = [p for p in self._files() if _ASIDE.fullmatch(p.name) or _UNFINISHED.fullmatch(p.name)]
        return [path for path in left if path.is_file() and not path.is_symlink()]

    def sweep(self) -> dict[Path, str]:
        """Delete what is left over, and locks that nobody holds; return what could not be deleted, and why."""
        from filelock import FileLock, Timeout

        left: dict[Path, str] = {}
        for path in self.leftovers():
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                left[path] = f"cannot be removed ({error.strerror or error})"
        for path in _within(self.root, _LOCKS):
            with contextlib.suppress(OSError, Timeout):
                if _LOCK.fullmatch(path.name):
                    with FileLock(path).acquire(timeout=0):
                        path.unlink()
        return left

    def _lock_path(self, folder: str, name: str) -> Path:
        return self.root / _LOCKS / f"{folder}_{name}.lock"

    def _make(self, folder: Path) -> None:
        """Make a folder of the cache. A root that was empty is marked as a cache, so that backups may leave it out."""
        if folder.is_dir():
            return
        is_new = not self.root.exists() or not any(self.root.iterdir())
        folder.mkdir(parents=True, exist_ok=True)
        if is_new:
            with contextlib.suppress(OSError), replacing(self.root / "CACHEDIR.TAG") as tag:
                tag.write_text(_TAG, encoding="ascii")

    def _unfinished(self, path: Path) -> list[Path]:
        """Return what writers of a file left that died before this store was made; the caller holds the lock."""
        if path.parent not in self._left:
            self._left[path.parent] = [name for name in os.listdir(path.parent) if _UNFINISHED.fullmatch(name)]
        return [path.parent / name for name in self._left[path.parent] if name.startswith(f".{path.name}.")]

    def _files(self) -> list[Path]:
        """Return the files of every provider's folder."""
        try:
            names = sorted(path.name for path in self.root.iterdir() if not path.name.startswith("."))
        except OSError:
            return []
        return [path for name in names for path in _within(self.root, name)]


def _within(root: Path, name: str) -> list[Path]:
    """Return what a folder of the root contains, in order; nothing if it is a link to another place."""
    folder = root / name
    try:
        return sorted(folder.iterdir()) if folder.resolve() == root.resolve() / name else []
    except OSError:  # no folder, or one that has gone since
        return []


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


def _path_of(key: Key) -> tuple[str, str]:
    """Return folder and name of a key's file."""
    name = quote(key.name, safe=_SAFE)
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}~{hashlib.sha256(key.name.encode()).hexdigest()[:16]}"
    return key.provider, f"{key.kind}_{name}{_SUFFIX}"


class _Damaged(Exception):  # noqa: N818 - says what is wrong with a file, never leaves this module
    pass


def _opened(path: Path, key: Key) -> Held | None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise OSError("it is no file")
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    held = _parsed(data)
    if held.about.get("key") != list(key):
        raise _Damaged(_misplaced(held.about.get("key")))
    return held


def _parsed(data: bytes) -> Held:
    head, newline, body = data.partition(b"\n")
    if not newline or not head.startswith(_HEAD):
        other = "is of another version of this library" if data.startswith(_MAGIC) else "is no file of this cache"
        raise _Damaged(other if data else "is empty")
    if hashlib.sha256(body).hexdigest().encode() != head[len(_HEAD) :]:
        raise _Damaged("does not match its checksum")
    length = int.from_bytes(body[:8], "big")
    try:
        about = json.loads(body[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise _Damaged("has no description") from error
    if not isinstance(about, dict):
        raise _Damaged("has no description")
    return Held(about, body[8 + length :])


def _misplaced(key: Any) -> str:
    return f"is a file of {' '.join(map(str, key)) if isinstance(key, list) else repr(key)} under another name"


def _is_ours(path: Path) -> bool:
    """Return whether a file begins as those of this library do. Links, folders and devices do not."""
    if path.is_symlink() or not stat.S_ISREG(path.lstat().st_mode):
        return False
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _set_aside(path: Path) -> str:
    aside = path.with_suffix(f".{time.time_ns()}.damaged")
    try:
        os.replace(path, aside)
    except OSError as error:
        return f"it could not be set aside ({error.strerror})"
    return f"it was set aside as {aside.name}"


def _entry(path: Path) -> Entry | None:
    """Return the entry of a file, None if it has gone since."""
    kind, _, name = path.name.removesuffix(_SUFFIX).partition("_")
    key = Key(path.parent.name, kind, unquote(name))
    try:
        if path.is_symlink() or not stat.S_ISREG(path.lstat().st_mode):
            return Entry(key, path, 0, {}, "is a link or a folder", ours=False)
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Entry(key, path, 0, {}, f"cannot be read ({error.strerror or error})", ours=False)
    ours = data.startswith(_MAGIC)
    try:
        about = _parsed(data).about
        own = Key(*about["key"])
        misplaced = _path_of(own) != (path.parent.name, path.name)
    except _Damaged as damage:
        return Entry(key, path, len(data), {}, str(damage), ours)
    except (KeyError, TypeError, AttributeError):
        return Entry(key, path, len(data), {}, "has no description", ours)
    if misplaced:
        return Entry(key, path, len(data), about, _misplaced(about["key"]), ours)
    return Entry(own, path, len(data), about, "", ours)


def _warn(text: str) -> None:
    warnings.warn(f"cache: {text}", CacheWarning, stacklevel=3)
