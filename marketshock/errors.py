"""Errors and warnings of the library. Every error has its parts as attributes."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument named in a message, alone or with a value: ``on_closed='next'``."""

    name: str
    value: object = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value!r}"


class Words(str):
    """Text of a message that keeps the arguments it names, so that the command line can name its options instead.

    Parameters
    ----------
    *parts : str or Argument
        Joined without a separator; `Words` among them keep their own arguments.
    """

    __slots__ = ("parts",)
    parts: tuple[str | Argument, ...]

    def __new__(cls, *parts: str | Argument) -> Words:
        flat = [piece for part in parts for piece in (part.parts if isinstance(part, Words) else (part,))]
        made = super().__new__(cls, "".join(map(str, flat)))
        made.parts = tuple(flat)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Words, self.parts

    def spelled(self, spell: Callable[[Argument], str]) -> str:
        """Return the text with each argument written by `spell`."""
        return "".join(spell(part) if isinstance(part, Argument) else part for part in self.parts)


class MarketShockError(Exception):
    """Base class of all errors of this library."""

    @property
    def words(self) -> Words:
        """The message with the arguments it names."""
        return Words(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the error with its attributes, for transfer between processes."""
        return _restored, (type(self), str(self), self.__dict__)


class InputError(MarketShockError, ValueError):
    """Invalid argument or file: its name, the value given with the rule it violates, and what would work.

    Problem and remedy are `Words` if they name other arguments.
    """

    def __init__(self, parameter: str, problem: str, remedy: str = "") -> None:
        self.parameter, self.problem, self.remedy = parameter, problem, remedy
        super().__init__(str(self.words))

    @property
    def words(self) -> Words:
        """The message with the arguments it names."""
        rest = Words("; ", self.remedy) if self.remedy else ""
        return Words(Argument(self.parameter), ": ", self.problem, rest)


class ChoiceError(InputError):
    """Value that is not one of the allowed ones; the message lists them."""

    def __init__(self, parameter: str, value: object, allowed: Iterable[object], remedy: str = "") -> None:
        self.value, self.allowed = value, tuple(allowed)
        listed = "allowed are " + ", ".join(map(repr, self.allowed))
        super().__init__(parameter, f"got {value!r}", remedy or listed)


class UnknownNameError(InputError, KeyError):
    """Unknown ticker, event id, test or column; the message suggests similar names."""

    def __init__(self, parameter: str, names: Sequence[str], known: Iterable[str], remedy: str = "") -> None:
        self.names, self.known = tuple(names), tuple(known)
        near = {name: did_you_mean(name, self.known) for name in self.names[:5]}
        hints = [f"{name!r}" + (f" (did you mean {other!r}?)" if other else "") for name, other in near.items()]
        hints += [f"and {len(self.names) - 5} more"] if len(self.names) > 5 else []
        listed = ", ".join(map(repr, self.known[:12])) + (", ..." if len(self.known) > 12 else "")
        super().__init__(parameter, f"unknown: {', '.join(hints)}", remedy or f"known are {listed or 'none'}")

    __str__ = Exception.__str__  # KeyError would print the repr


class PriceError(InputError):
    """Invalid prices or returns: infinite, not positive, implausible, or with duplicate or unsorted dates.

    `findings` is the frame of the findings that refused (see `check_prices`), None for another error.
    """

    findings: Any = None


class WindowError(InputError):
    """Window that is not (first, last) in trading days, or two windows that overlap."""


class NotSessionError(InputError):
    """Date (`day`, a datetime64 or None) without a session, when no treatment of closed days was chosen."""

    def __init__(self, parameter: str, problem: str, remedy: str = "", day: Any = None) -> None:
        self.day = day
        super().__init__(parameter, problem, remedy)


class CatalogError(InputError):
    """Invalid catalog entry; the message names the file, entry and field."""


class SharesError(InputError):
    """No usable share count."""


class LookAheadError(SharesError):
    """Share count filed on or after the event, when the caller did not allow it."""


class VintageError(InputError):
    """Factors of different vintages, which must not be mixed."""


class ProviderError(MarketShockError):
    """Failed request to a data provider: ticker, dataset or address; request and provider; response; suggested action.

    The remedy is `Words` if it names arguments.
    """

    def __init__(self, symbol: str, asked: str, came: str, remedy: str) -> None:
        self.symbol, self.asked, self.came, self.remedy = symbol, asked, came, remedy
        super().__init__(str(self.words))

    @property
    def words(self) -> Words:
        """The message with the arguments it names."""
        return Words(f"{self.symbol}: asked for {self.asked}; ", self.came, "; ", self.remedy)


class RateLimited(ProviderError):  # noqa: N818 - named after the state of the provider
    """Too many requests: the provider refused this one."""


class Unavailable(ProviderError):  # noqa: N818
    """No usable response: timeout, connection reset, server error, truncated body, or total time limit reached."""


class Refused(Unavailable):
    """Request refused (HTTP 401 or 403, or an invalid certificate); a retry does not help."""


class NoData(ProviderError):  # noqa: N818
    """Response without data: unknown symbol or empty date range.

    `believed` states whether the cache may store it; False for an empty response that may be a temporary failure.
    """

    believed = True


class BadData(ProviderError):  # noqa: N818
    """Response with invalid figures."""


class OfflineMiss(ProviderError):  # noqa: N818
    """Offline request for data that the cache does not have."""


class EngineError(MarketShockError):
    """Loss of results because workers failed; `lost` has the positions of the lost partitions, from 0.

    `parameter` is the argument that selects the workers.
    """

    def __init__(self, parameter: str, problem: str, remedy: str, lost: Sequence[int] = ()) -> None:
        self.parameter, self.problem, self.remedy, self.lost = parameter, problem, remedy, tuple(lost)
        super().__init__(f"{parameter}: {problem}; {remedy}")


class NoUsableEventsError(MarketShockError):
    """All events are excluded. ``exclusions`` has one entry per event, or one per reason if there are many events."""

    def __init__(self, exclusions: Sequence[Any], n_events: int | None = None) -> None:
        self.exclusions = tuple(exclusions)
        n_events = len(self.exclusions) if n_events is None else n_events
        first = self.exclusions[:3]
        shown = "; ".join(f"{e.event_id}: {e.reason}" for e in first)
        more = f"; and {n_events - len(first)} more" if n_events > len(first) else ""
        super().__init__(f"no usable event among {n_events}: {shown}{more}")


class MarketShockWarning(UserWarning):
    """Base class of all warnings of this library; filter a warning by its class. The text may be `Words`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.words = Words(text)


class CalendarWarning(MarketShockWarning):
    """Dates of the prices do not match the NYSE calendar."""


class ExclusionWarning(MarketShockWarning):
    """Some events are excluded from a study; ``study.exclusions`` lists them with reasons."""


class MembershipWarning(MarketShockWarning):
    """Membership is unknown on some sessions, which are excluded."""


class PriceWarning(MarketShockWarning):
    """Valid but unusual prices; ``study.findings`` or, of fetched ones, ``Prices.provenance`` lists the findings."""


class LookAheadWarning(MarketShockWarning):
    """Fill that assumes news before the close, which the event dates do not establish."""


class SurvivorshipWarning(MarketShockWarning):
    """All traded securities survive to the end of the prices, so failed firms are missing."""


class OverlapWarning(MarketShockWarning):
    """Overlapping positions of several events in one security; their returns are not independent."""


class PartialDataWarning(MarketShockWarning):
    """Some symbols could not be fetched; the others are complete."""


class CacheWarning(MarketShockWarning):
    """Cache failure that does not affect results, or use of an old cached copy."""


class VintageWarning(MarketShockWarning):
    """Factors of a different vintage than the bundled or cached ones."""


class ShareCountWarning(MarketShockWarning):
    """Share count that may be wrong for its date or its prices.

    Its filing date is unknown, it is dated across a split or spin-off, it is old, or it counts shares of a foreign firm
    whose prices may be of depositary receipts.
    """


def _restored(kind: type[MarketShockError], message: str, attributes: dict[str, Any]) -> MarketShockError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(attributes)
    return error


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to `name` (case ignored), or None if none is similar."""
    by_folded = {k.casefold(): k for k in known}
    match = difflib.get_close_matches(str(name).casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[match[0]] if match else None


def check_choice(parameter: str, value: object, allowed: Iterable[object]) -> None:
    """Raise `ChoiceError` unless `value` is one of `allowed`."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ChoiceError(parameter, value, allowed)


def check_flag(parameter: str, value: object) -> bool:
    """Return a flag as a bool; raise `ChoiceError` unless it is a Python or NumPy bool.

    Text is not accepted, because ``log="no"`` would be true.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ChoiceError(parameter, value, (True, False))
    return bool(value)


def check_count(parameter: str, value: object, least: int = 1, most: int | None = None, of: str = "") -> int:
    """Return a whole number (Python or NumPy, no bool) as an int; raise `InputError` unless it is within the bounds.

    `least` and `most` are included, None is no upper bound; `of` names the source of `most` in the message.
    """
    bounds = f"from {least} to {most}{f' ({of})' if of else ''}" if most is not None else f"of at least {least}"
    try:
        count = operator.index(value) if not isinstance(value, (bool, np.bool_)) else None  # type: ignore[arg-type]
    except TypeError:
        count = None
    if count is None or count < least or (most is not None and count > most):
        raise InputError(parameter, f"got {value!r}", f"give a whole number {bounds}")
    return count


def check_share(parameter: str, value: object, example: float) -> None:
    """Raise `InputError` unless `value` is a number strictly between 0 and 1."""
    if not isinstance(value, (float, np.floating)) or not 0 < value < 1:
        raise InputError(parameter, f"got {value!r}", f"give a share between 0 and 1, such as {example}")
