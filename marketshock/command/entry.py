"""Entry of the command line: whatever happens, an exit code and at most one sentence.

Imports nothing but the standard library until `run` is called, so that an interruption while the rest is imported is
one of what it catches.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

UNFINISHED = 70
"""Exit code of a command that could not be finished: its output cannot be written, or an error of the library's own."""

_ENDED = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_DEBUG = "MARKETSHOCK_DEBUG"


def run() -> NoReturn:
    """Run the command line and exit."""
    came: list[int] = []
    _open_closed_streams()
    _listen(came)
    try:
        from .main import main

        code = _flushed(main())
    except BaseException as error:  # all that is left: the process ends here
        code = _code_of(error, came)
    for number in _ENDED:
        with contextlib.suppress(ValueError, OSError):
            signal.signal(number, signal.SIG_DFL)
    if came:
        code = 128 + came[0]
        _tell(_ENDED[signal.Signals(came[0])])
    if code in (UNFINISHED, *(128 + number for number in _ENDED)):
        _tell_nothing_more(code)
    raise SystemExit(code)


def _open_closed_streams() -> None:
    """Open the null device where a stream is closed: else a file of ours would get its number, and what is printed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            if os.open(os.devnull, os.O_RDWR) == number and number:
                setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115


def _listen(came: list[int]) -> None:
    """Turn a signal into an exception, so that what is being written is cleaned up, and remember it.

    Some code that an exception of a signal meets (callbacks, imports of C extensions) passes it over or replaces it.
    """

    def end(number: int, _frame: Any) -> None:
        came.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    for number in _ENDED:
        # otherwise whoever started us has it ignored, as nohup does
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)
    plain = sys.unraisablehook

    def show(unraisable: Any) -> None:
        if not came:
            plain(unraisable)

    sys.unraisablehook = show


def _flushed(code: int) -> int:
    sys.stdout.flush()
    return code


def _code_of(error: BaseException, came: list[int]) -> int:
    """Say what ended the command, and return its exit code."""
    if came or isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    try:
        if isinstance(error, SystemExit):  # of --help, or a wrong argument
            return _flushed(error.code if isinstance(error.code, int) else UNFINISHED)
        if isinstance(error, BrokenPipeError):
            raise error
    except BrokenPipeError:  # the reader (head, less) went away: not our failure
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as other:
        error = other
    if os.environ.get(_DEBUG):
        with contextlib.suppress(OSError):
            traceback.print_exception(error)
    _tell(_sentence(error))
    return UNFINISHED


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is None:
        return f"the output cannot be written: {error.strerror or error}"
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; give fewer rows or columns"
    if isinstance(error, RecursionError):
        return "the input is nested too deeply; correct it"
    said = " ".join(str(error).split())[:200]
    how = f"run it again with {_DEBUG}=1 and report what it prints, with the command"
    return f"unexpected {type(error).__name__}{f': {said}' if said else ''}; {how}"


def _tell(line: str) -> None:
    """Print a line on stderr, if that can be written."""
    with contextlib.suppress(OSError, ValueError):
        print(f"marketshock: {line}", file=sys.stderr, flush=True)


def _tell_nothing_more(code: int) -> NoReturn:
    """Exit at once: without waiting for threads, and without the interpreter's own words on a stream that is full."""
    stop: Callable[[int], NoReturn] = os._exit
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    stop(code)
