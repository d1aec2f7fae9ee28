"""Asking again: full jitter, longer after a refusal for rate, and never beyond a total time bound."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import Argument, InputError, RateLimited, Refused, Unavailable, Words

T = TypeVar("T")

MOST_BYTES = 1 << 26
"""Bytes that the body of a response may have, unpacked: 64 MB. The largest that are asked for are the company facts of
a large bank, the zips of the data library (10 MB or so each) and daily bars since 1927 (4 MB)."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a request is repeated, and how long one waits in between.

    The wait after the k-th failure is uniform between 0 and ``min(longest, base * 2**(k - 1))`` seconds ("full jitter",
    Brooker 2015, Exponential Backoff and Jitter); after HTTP 429 the base is `base_limited`, and every other symbol of
    the call waits too.

    Parameters
    ----------
    attempts : int
        Requests at most, the first included.
    base, base_limited, longest : float
        Seconds.
    """

    attempts: int = 5
    base: float = 0.5
    base_limited: float = 5.0
    longest: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InputError("retry", f"attempts is {self.attempts}", "give at least 1")
        for name in ("base", "base_limited", "longest"):
            if not getattr(self, name) >= 0:
                raise InputError("retry", f"{name} is {getattr(self, name)}", "give seconds, 0 or more")

    def limit(self, failures: int, limited: bool) -> float:
        """Return the longest wait in seconds after so many failures."""
        return float(min(self.longest, (self.base_limited if limited else self.base) * 2 ** (failures - 1)))


class Bound:
    """The time a call may take in all, and the pause everyone keeps after a refusal for rate.

    Parameters
    ----------
    seconds : float, optional
        From now on; None is without end.
    sleep, clock : callables
        For tests.
    """

    def __init__(
        self,
        seconds: float | None,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if seconds is not None and not seconds > 0:
            raise InputError("max_time", f"got {seconds!r}", "give seconds, or None for no bound")
        self._stopped = threading.Event()
        self.seconds, self._sleep, self._clock = seconds, sleep or self._stopped.wait, clock
        self._end = float("inf") if seconds is None else clock() + seconds
        self._resume = 0.0
        self._guard = threading.Lock()

    def remaining(self) -> float:
        """Return the seconds left, 0 if none; infinite without a bound."""
        return 0.0 if self._stopped.is_set() else max(self._end - self._clock(), 0.0)

    def stop(self) -> None:
        """End the call now: waits return, and nothing more is asked."""
        self._stopped.set()

    def pause_all(self, seconds: float) -> None:
        """Let no request of this call begin for some seconds."""
        with self._guard:
            self._resume = max(self._resume, self._clock() + seconds)

    def wait(self, seconds: float) -> bool:
        """Sleep, and then until a pause of everyone is over; return False at once if the bound would pass first."""
        with self._guard:
            until = max(self._clock() + seconds, self._resume)
        left = until - self._clock()
        if left > self.remaining():
            return False
        if left > 0:
            self._sleep(left)
        return self.remaining() > 0


@dataclass(slots=True)
class Asker:
    """Repeats a request until it is answered, refused for good, or out of time."""

    retry: Retry
    bound: Bound
    jitter: random.Random = field(default_factory=random.Random)

    def ask(self, symbol: str, asked: str, request: Callable[[], T]) -> T:
        """Return the answer of a request that raises `RateLimited` or `Unavailable` where asking again may help.

        Raises
        ------
        ProviderError
            The last of these, with how often and how long it was tried; any other error at once.
        """
        failures = 0
        last: RateLimited | Unavailable | None = None
        pause = 0.0
        while self.bound.wait(pause):
            try:
                return request()
            except Refused:
                raise
            except (RateLimited, Unavailable) as error:
                failures, last = failures + 1, error
            limited = isinstance(last, RateLimited)
            if failures >= self.retry.attempts:
                raise _tried(last, _times(failures))
            pause = self.jitter.uniform(0, self.retry.limit(failures, limited))
            if limited:
                self.bound.pause_all(pause)
        if last is None:
            remedy = Words("raise ", Argument("max_time"), ", or ask for fewer symbols")
            raise Unavailable(symbol, asked, "no time was left to ask", remedy)
        raise _tried(last, f"{_times(failures)}, until the bound of {self.bound.seconds:g} s for the whole call")


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _tried(error: RateLimited | Unavailable, how: str) -> RateLimited | Unavailable:
    return type(error)(error.symbol, error.asked, f"{error.came} (tried {how})", error.remedy)
