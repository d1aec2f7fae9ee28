"""Files read whole, once and within a bound; what is TOML or JSON in them."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import time
import tomllib
from typing import Any

from ..errors import InputError

_PATIENCE = 3.0  # seconds in which a process has to open the other end of a pipe
_NO_SUCH = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, None)  # None: a path with a NUL, which is a ValueError
_CHUNK = 2**20
_MOST_TOML = 4_000_000
_LARGE = 2**30
# A dotted key of n parts takes tomllib n * n steps.
_PART = r"(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')"
_DOTTED = re.compile(rf"(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{32}}")
_WHOLE = range(-(2**63), 2**63)  # what TOML allows


def read_bytes(
    path: str | os.PathLike[str],
    most: int,
    smaller: str,
    *,
    kind: str = "",
    remedy: str = "give the path of a file",
    error: type[InputError] = InputError,
) -> bytes:
    """Return the bytes of a file or a pipe.

    A pipe is read until its writers close it. One that no process opens for writing within three seconds is refused,
    and so are devices and sockets, so that no call waits for ever and none fills the memory.

    Parameters
    ----------
    path : str or Path
        The file; messages name it.
    most : int
        Bytes that are read at most.
    smaller : str
        What to do about a larger file, for its message.
    kind : str, optional
        What the file is read as, for messages.
    remedy : str, optional
        What to do about something that is no file.
    error : type, optional
        Class of the error.

    Raises
    ------
    InputError
        If there is no such file, it is no file or pipe, is too large, or cannot be read.
    """
    named = str(path)
    try:
        status = os.stat(path)
        what = _no_file(status.st_mode)
        if what:
            raise error(named, f"cannot be read: it is {what}", remedy)
        if stat.S_ISREG(status.st_mode) and status.st_size > most:
            raise _too_large(named, status.st_size, most, smaller, error)
        content = _content(path, most, stat.S_ISFIFO(status.st_mode))
    except InputError:
        raise
    except (OSError, ValueError) as cause:
        code = getattr(cause, "errno", None)
        if code in _NO_SUCH:
            raise error(named, "cannot be read: there is no such file", "check the path") from cause
        what = f"cannot be read{f' as {kind}' if kind else ''}: {getattr(cause, 'strerror', None) or cause}"
        raise error(named, what, remedy) from cause
    if content is None:
        raise error(named, "cannot be read: it is a pipe that no process writes to", remedy)
    if len(content) > most:
        many = f"{most / 2**30:g} GB" if most >= _LARGE else f"{most:,} bytes"
        raise error(named, f"has more than {many}, which is the most that is read", smaller)
    return content


def _no_file(mode: int) -> str:
    """Return what is no file or pipe, "" for those."""
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        return "a device"
    return "a socket" if stat.S_ISSOCK(mode) else ""


def _content(path: str | os.PathLike[str], most: int, pipe: bool) -> bytes | None:
    """Return at most one byte more than allowed; None of a pipe that nobody opened."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | (os.O_NONBLOCK if pipe else 0))
    with open(descriptor, "rb", buffering=0) as file:
        chunks, length = [], 0
        if pipe:
            first = _first(descriptor, most + 1)
            if first is None:
                return None
            os.set_blocking(descriptor, True)
            chunks, length = [first], len(first)
        while length <= most and (chunk := file.read(min(_CHUNK, most + 1 - length))):
            chunks.append(chunk)
            length += len(chunk)
    return b"".join(chunks)


def _first(descriptor: int, most: int) -> bytes | None:
    """Return what a pipe holds once a process has it open for writing; None if none has within the patience."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            if held := os.read(descriptor, min(_CHUNK, most)):
                return held
        except BlockingIOError:  # a writer is there, and has not written yet
            return b""
        if time.monotonic() > until:
            return None
        time.sleep(0.02)


def _too_large(path: str, size: int, most: int, smaller: str, error: type[InputError]) -> InputError:
    if most >= _LARGE:
        return error(path, f"has {size / 2**30:.1f} GB, and at most {most / 2**30:g} GB is read", smaller)
    return error(path, f"has {size:,} bytes", f"at most {most:,} are read; {smaller}")


def read_toml(
    path: str | os.PathLike[str],
    *,
    invalid: str = "is not valid TOML",
    remedy: str = "correct the file",
    error: type[InputError] = InputError,
) -> dict[str, Any]:
    """Return the tables of a TOML file of at most four megabytes.

    Raises
    ------
    InputError
        As `read_bytes`; or if the file is not UTF-8 text, not TOML (which `invalid` words), nested too deeply, or has a
        whole number beyond 64 bits, which TOML does not allow.
    """
    content = read_bytes(path, _MOST_TOML, "split it", remedy="give a .toml file", error=error)
    named = str(path)
    try:
        text = content.decode("utf-8-sig")
        if _DOTTED.search(text):
            raise error(named, f"{invalid}: a key has more than 32 parts", remedy)
        tables = tomllib.loads(text)
        if not _in_bounds(tables):
            raise error(named, f"{invalid}: a whole number is beyond 64 bits", remedy)
    except UnicodeDecodeError as cause:
        raise error(named, "is not UTF-8 text", "save it as UTF-8") from cause
    except RecursionError as cause:
        raise error(named, "is nested too deeply", remedy) from cause
    except InputError:
        raise
    except ValueError as cause:  # TOMLDecodeError is one; `int` refuses thousands of digits with another
        problem = str(cause) if isinstance(cause, tomllib.TOMLDecodeError) else "a whole number is beyond 64 bits"
        raise error(named, f"{invalid}: {problem}", remedy) from cause
    return tables


def _in_bounds(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_in_bounds, value.values()))
    if isinstance(value, list):
        return all(map(_in_bounds, value))
    return not isinstance(value, int) or value in _WHOLE


def parsed_json(payload: bytes) -> Any:
    """Return what JSON holds; whole numbers beyond 64 bits are floats.

    Raises
    ------
    ValueError
        If it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(payload, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _whole(text: str) -> int | float:
    return int(text) if len(text) < 19 else float(text)
