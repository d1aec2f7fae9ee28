"""Files written whole or not at all. No other room opens a file for writing."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from .._format import visible
from ..errors import InputError

#: Files that describe a set of results; each lists the others with their SHA-256 under "files".
RECORDS = ("backtest.json", "fragility.json", "reproduce.json", "spec.json")

_FRESH, _TEMPORARY, _LOCK = ".marketshock-", ".tmp", ".marketshock.lock"
_LONG = 200  # bytes of a name; file systems take 255, and a temporary file needs some for itself
_WAITS = (0.01, 0.05, 0.25, 1.0)  # seconds between tries, on Windows, while a reader has the old file open


def output_file(path: str | os.PathLike[str], parameter: str, kinds: Iterable[str], remedy: str) -> Path:
    """Return a path to which a file can be written, to learn of a bad one before the work.

    Parameters
    ----------
    path : str or Path
        The file; it may exist.
    parameter : str
        Its name in messages.
    kinds : iterable of str
        Suffixes that are allowed, in lower case.
    remedy : str
        What a message says of another suffix.

    Raises
    ------
    InputError
        If it is of another kind, a folder, a device, a pipe or write-protected, or its folder does not exist.
    """
    try:
        path = Path(path)
    except TypeError as error:
        raise InputError(parameter, f"got {path!r}", "give a path such as result" + next(iter(kinds))) from error
    if path.suffix.lower() not in kinds:
        raise InputError(parameter, f"unknown kind of file {path.suffix!r}", remedy)
    with _told(path, parameter):
        mode_to_keep(path)
        if not path.parent.is_dir():
            problem = f"{visible(str(path))} cannot be written: there is no folder {visible(str(path.parent))}"
            raise InputError(parameter, problem, "make it, or name another")
    return path


@contextlib.contextmanager
def whole(path: Path, parameter: str = "out") -> Iterator[Path]:
    """Yield an empty temporary file; when the block ends, put it in the place of `path`.

    As `replacing`, with every failure of the system as an error of this library. Once the block has ended, the new file
    is there after a loss of power too.

    Raises
    ------
    InputError
        If the file cannot be written: a full disk, a folder without permission, a name too long, a device.
    """
    with _told(path, parameter):
        with replacing(path) as part:
            yield part
        _sync_folder(path.parent)


@contextlib.contextmanager
def replacing(path: Path, private: bool = False) -> Iterator[Path]:
    """Yield an empty temporary file in the same folder; when the block ends, put it in the place of `path`.

    A reader sees the old file or the new one, whole, after a loss of power too. If anything fails, an interruption
    included, the old file stays and the temporary one is removed. Two writers do not meet: the name of the temporary
    file is random, and the file is made new, so that no link is followed. A symbolic link at `path` itself is replaced
    by the file, not followed: what it points to was not named, and somebody else may have planted it. A hard link keeps
    the old content.

    Permissions are those of the file that is replaced, or of any new file; with `private`, the owner's only. Devices
    and pipes cannot be replaced and are refused.

    Raises
    ------
    OSError
        If the system does not let us.
    """
    mode = 0o600 if private else mode_to_keep(path)
    name = path.name if len(os.fsencode(path.name)) <= _LONG else path.name[: _LONG // 4]
    part = path.with_name(f".{name}.{secrets.token_hex(8)}{_TEMPORARY}")
    try:
        made = 0o666 if mode is None else mode | 0o600  # the system takes what the umask forbids from it
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, made))
        yield part
        _sync(part, os.O_RDWR)
        _move(part, path, mode)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


@contextlib.contextmanager
def together(folder: Path, record: str, parameter: str = "out", inputs: Iterable[str] = ()) -> Iterator[Path]:
    """Yield an empty hidden folder inside `folder`; when the block ends, move its files into `folder`, all or none.

    If anything fails, on a full disk or by an interruption, all files that were there before are there again. Two runs
    take turns in moving, so that the files that stay are of one of them. Files of an earlier run that this one does
    not write are removed: those listed in its record that are still as they were written. Nothing else is.

    What cannot be promised: moving several files is not one step for a reader, nor for a machine that loses power in
    the middle. The record, which is moved last, has the SHA-256 of the other files by which that can be seen.

    Parameters
    ----------
    folder : Path
        It exists.
    record : str
        The name of the file, one of `RECORDS`, that lists the others; see `digests`.
    parameter : str, optional
        The name of the folder in messages.
    inputs : iterable of str, optional
        Files that the results were made from; none of them is replaced.

    Raises
    ------
    InputError
        If a file cannot be written, one to be removed was changed by the user, or one would be replaced that belongs
        to the results of another command or is one of `inputs`.
    """
    with _told(folder, parameter):
        fresh = Path(tempfile.mkdtemp(dir=folder, prefix=_FRESH, suffix=_TEMPORARY))
        try:
            yield fresh
            with _turn(folder, parameter):
                new = [path.name for path in sorted(fresh.iterdir(), key=lambda path: (path.name == record, path.name))]
                modes = {name: _replaceable(folder / name, inputs, parameter) for name in new}
                _exchange(fresh, folder, modes, _outdated(folder, record, new, parameter))
        finally:
            try:
                shutil.rmtree(fresh, ignore_errors=True)
            finally:  # what an interruption of that left
                shutil.rmtree(fresh, ignore_errors=True)
        _sync_folder(folder)


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a folder by name."""
    return {path.name: _digest(path) for path in sorted(folder.iterdir())}


def mode_to_keep(path: Path) -> int | None:
    """Return the permissions of the file that is to be replaced; None if there is none, or a symbolic link.

    Raises
    ------
    OSError
        If it is no ordinary file, is write-protected, or its name is one that no file can have.
    """
    try:
        bad = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        bad = True
    if bad:
        raise OSError(errno.EINVAL, "its name has a character that no file name can have")
    try:
        known = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(known.st_mode):
        raise OSError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(known.st_mode):
        raise OSError(errno.EINVAL, "it is a device or a pipe, and only a file can be replaced by a finished one")
    if path.is_symlink():
        return None
    if not os.access(path, os.W_OK):
        raise OSError(errno.EACCES, "it is write-protected")
    return stat.S_IMODE(known.st_mode) & 0o777


@contextlib.contextmanager
def _told(path: Path, parameter: str) -> Iterator[None]:
    """Turn what the system says into an error of the library; a hidden folder of `together` is not named."""
    try:
        yield
    except OSError as error:
        if path.parent.name.startswith(_FRESH):
            path = path.parents[1] / path.name
        problem = f"{visible(str(path))} cannot be written: {error.strerror or error}"
        raise InputError(parameter, problem, "name another") from error


@contextlib.contextmanager
def _turn(folder: Path, parameter: str) -> Iterator[None]:
    """Hold the only right to move files into a folder: a file that exists while it is held, on every system."""
    from filelock import SoftFileLock, Timeout

    path = folder / _LOCK
    try:
        with SoftFileLock(path, timeout=60):
            yield
    except Timeout as error:
        remedy = f"wait for it, or remove {path} if there is none"
        raise InputError(parameter, f"another run has been writing into {folder} for a minute", remedy) from error


def _replaceable(path: Path, inputs: Iterable[str], parameter: str) -> int | None:
    """Return as `mode_to_keep`, before anything is moved; raise `InputError` if the file is one of `inputs`."""
    with _told(path, parameter):
        mode = mode_to_keep(path)
        if any(os.path.exists(path) and os.path.exists(one) and os.path.samefile(path, one) for one in inputs):
            problem = f"{path} was read for these results, and would be replaced by one of them"
            raise InputError(parameter, problem, "name another folder")
    return mode


def _exchange(fresh: Path, folder: Path, modes: dict[str, int | None], outdated: list[str]) -> None:
    """Move files in and remove others; if one cannot be moved, put back what was there."""
    before = fresh / ".before"
    before.mkdir()
    begun: list[str] = []
    try:
        for name in (*modes, *outdated):
            _keep(folder / name, before / name)
            begun.append(name)
            if name in modes:
                _move(fresh / name, folder / name, modes[name])
            else:
                _patiently(os.unlink, folder / name)
    except BaseException:
        for name in begun:
            with contextlib.suppress(OSError):
                _put_back(before / name, folder / name)
        raise


def _keep(path: Path, copy: Path) -> None:
    """Keep a file, or a symbolic link, under another name; nothing if there is none."""
    if not os.path.lexists(path):
        return
    try:
        os.link(path, copy, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a file system or a system without such links
        shutil.copy2(path, copy, follow_symlinks=False)


def _put_back(copy: Path, path: Path) -> None:
    if os.path.lexists(copy):
        _patiently(os.replace, copy, path)
    else:
        _patiently(os.unlink, path)


def _outdated(folder: Path, record: str, new: list[str], parameter: str) -> list[str]:
    """Return the files of an earlier run that this one does not write, by the record of that run."""
    for other in RECORDS:
        taken = [name for name in _listed(folder / other) if name in new and other != record]
        if taken:
            problem = f"{folder} holds the results of another command ({other}), and {taken[0]} would be replaced"
            raise InputError(parameter, problem, "name another folder")
    old = []
    for name, digest in _listed(folder / record).items():
        path = folder / name
        if name in new or path.parent != folder or not path.is_file() or path.is_symlink():
            continue
        if _digest(path) != digest:
            problem = f"{path} is of an earlier run, is not written by this one, and was changed"
            raise InputError(parameter, problem, "move it away, or name another folder")
        old.append(name)
    return old


def _listed(record: Path) -> dict[str, Any]:
    """Return the digests of files by name as a record has them; none if it has none or is no record."""
    try:
        files = json.loads(record.read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return files if isinstance(files, dict) else {}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _move(part: Path, path: Path, mode: int | None) -> None:
    if mode is not None and stat.S_IMODE(os.stat(part).st_mode) != mode:
        os.chmod(part, mode)
    _patiently(os.replace, part, path)


def _patiently(action: Callable[..., None], *paths: Path) -> None:
    """Do what Windows refuses while another program has the file open; in the end its refusal is an error."""
    for wait in _WAITS:
        try:
            return action(*paths)
        except PermissionError:
            time.sleep(wait)
    return action(*paths)


def _sync(path: Path, flags: int) -> None:
    """Have the system write a file, or a folder, to the disk now."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # Windows opens no folder
        _sync(folder, os.O_RDONLY)
