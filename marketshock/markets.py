"""Markets: a benchmark, a trading calendar with its closing times and zone, and a currency."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from ._typing import CALENDARS, DateArray
from .errors import ChoiceError, InputError, UnknownNameError
from .sessions import NEW_YORK, Sessions, nyse

#: Names of New York's table: the exchanges there have the same sessions.
_NEW_YORK = ("NYSE", "XNYS", "NASDAQ", "XNAS", "ARCX", "BATS", "XASE")
_ALWAYS = "24/7"
A_CODE = "an exchange's code such as XETR, XLON"
#: What exchanges are called otherwise, in capitals.
_EXCHANGES = {"XETRA": "XETR", "FRANKFURT": "XETR", "FSE": "XFRA", "LSE": "XLON", "LONDON": "XLON", "TSE": "XTKS"}
_EXCHANGES |= {"JPX": "XTKS", "TOKYO": "XTKS", "HKEX": "XHKG", "HKSE": "XHKG", "SEHK": "XHKG", "SSE": "XSHG"}
_EXCHANGES |= {"SIX": "XSWX", "PARIS": "XPAR", "EURONEXT": "XPAR", "AMSTERDAM": "XAMS", "MILAN": "XMIL", "TSX": "XTSE"}
_EXCHANGES |= {"ASX": "XASX", "KRX": "XKRX", "NSE": "XNSE", "BSE": "XBOM", "SGX": "XSES", "NEW YORK": "NYSE"}
_EXCHANGES |= {"CRYPTO": "24/7", "ALWAYS": "24/7"}
_CODE = re.compile(r"X[A-Z0-9]{3}|AIXK|ASEX|BVMF|CMES|IEPA")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True, eq=False)
class Market:
    """A market on whose clock events are studied.

    Parameters
    ----------
    name : str
        What the column ``market`` of the events calls it. The name of a calendar ("NYSE", "XETR", "XTKS", "24/7") is
        also its calendar.
    benchmark : str, optional
        Column of its index in the prices, in the currency of its securities; by default the model's.
    calendar : str, optional
        "NYSE", another exchange by its market identifier code (needs the extra ``calendars``), "24/7" for a market that
        never closes, or "index" for the days on which the benchmark has a price. By default the name if that is a
        calendar, otherwise what the days of the benchmark say.
    sessions : DataFrame or sequence of date, optional
        A calendar of your own: dates, or a frame with columns session and, for timestamps, close_utc.
    close : str, optional
        Local closing time such as "17:30", for timestamps on a calendar that has no closing times. "24:00" is the end
        of the day.
    zone : str, optional
        Name of the time zone, such as "Europe/Berlin"; needed with `close`.
    currency : str, optional
        Quote currency, for a warning where a benchmark has another one.

    Raises
    ------
    InputError
        If a name is empty, sessions are not increasing dates, or a closing time comes without its zone.

    Notes
    -----
    A calendar by code knows the half days of its exchange; `close` is the same on all days, so that news after the
    early close of a half day is put on that day. Give `sessions` with close_utc where that matters.

    Examples
    --------
    >>> import marketshock as ms
    >>> ms.Market("XETR", "^GDAXI")
    Market(name='XETR', benchmark='^GDAXI', calendar=None, close=None, zone=None, currency='')
    >>> frankfurt = ms.Market("Frankfurt", "^GDAXI", close="17:30", zone="Europe/Berlin", currency="EUR")
    >>> frankfurt.benchmark
    '^GDAXI'
    """

    name: str
    benchmark: str | None = None
    calendar: str | None = None
    sessions: pd.DataFrame | Sequence[Any] | None = field(default=None, repr=False)
    close: str | None = None
    zone: str | None = None
    currency: str = ""

    def __post_init__(self) -> None:
        for name in ("name", "benchmark"):
            value = getattr(self, name)
            if (value is None and name == "name") or (value is not None and (not isinstance(value, str) or not value)):
                raise InputError(name, f"got {value!r}", "give a name such as 'Frankfurt' or '^GDAXI'")
        if self.calendar is not None and self.sessions is not None:
            raise InputError("sessions", "a calendar is named too", "give one of the two")
        if self.close is not None and self.zone is None:
            raise InputError("close", f"got {self.close!r} without a zone", "give zone= too, such as 'Europe/Berlin'")
        if self.close is not None:
            _clock(self.close)
        if self.zone is not None:
            _check_zone(self.zone)
        if self.sessions is not None:
            self.table(np.datetime64("1970-01-01"), np.datetime64("1970-01-02"))

    @property
    def calendar_name(self) -> str:
        """The calendar stated, "auto" if none is."""
        if self.calendar is not None:
            return self.calendar
        return self.name if is_calendar(self.name) else "auto"

    def table(self, first: np.datetime64, last: np.datetime64) -> Sessions | None:
        """Return the sessions that are known without prices; None if the days of the benchmark decide.

        Parameters
        ----------
        first, last : datetime64[D]
            Days that the calendar must cover at least.
        """
        if self.sessions is not None:
            return self.timed(_own_table(self.name, self.sessions))
        stated = self.calendar_name
        return None if stated in ("auto", "index") else self.timed(named_sessions("calendar", stated, first, last))

    def timed(self, sessions: Sessions) -> Sessions:
        """Return sessions with this market's zone, and its closing times where they have none."""
        zone = self.zone or sessions.zone
        if sessions.closes is not None or self.close is None:
            return replace(sessions, zone=zone)
        return replace(sessions, closes=_closes(sessions.days, self.close, zone), zone=zone)


#: What ``markets=`` takes: markets, or by the name that the column ``market`` calls them.
Markets: TypeAlias = Market | Sequence[Market] | Mapping[str, Market]


def markets_by_name(markets: Markets | None) -> dict[str, Market]:
    """Return markets by name.

    Raises `InputError` if one is no `Market`, or two have one name.
    """
    if markets is None:
        return {}
    if isinstance(markets, Mapping):
        pairs = [(str(name), one) for name, one in markets.items()]
    else:
        several = isinstance(markets, Sequence) and not isinstance(markets, str)
        listed: list[Any] = list(markets) if several else [markets]  # type: ignore[arg-type]
        pairs = [(one.name if isinstance(one, Market) else "", one) for one in listed]
    named: dict[str, Market] = {}
    for name, one in pairs:
        if not isinstance(one, Market):
            raise InputError("markets", f"got {one!r}", 'give markets such as ms.Market("XETR", "^GDAXI")')
        if name in named:
            raise InputError("markets", f"{name!r} is given twice", "give each market a name of its own")
        named[name] = one
    return named


def is_calendar(name: str) -> bool:
    """Return whether a name is that of a calendar: New York's, one that never closes, or an exchange's code."""
    return name in _NEW_YORK or name == _ALWAYS or bool(_CODE.fullmatch(name))


def same_calendar(one: str, other: str) -> bool:
    """Return whether two names are of one calendar: the exchanges of New York have the same."""
    return one == other or (one in _NEW_YORK and other in _NEW_YORK)


def meant_calendar(name: str) -> str:
    """Return the calendar that a name nearly says: a code in other letters, or an exchange by its name; "" if none."""
    plain = name.strip().upper()
    return plain if is_calendar(plain) else _EXCHANGES.get(plain, "")


def check_calendar(parameter: str, name: object) -> None:
    """Raise `ChoiceError` unless a calendar is one of the three rules, never closes, or has an exchange's code."""
    if not isinstance(name, str) or not (name in CALENDARS or is_calendar(name)):
        near = meant_calendar(name) if isinstance(name, str) else ""
        allowed = f"allowed are {', '.join(map(repr, (*CALENDARS, _ALWAYS)))}, or {A_CODE}"
        remedy = f"did you mean {near!r}? {allowed}" if near else allowed
        raise ChoiceError(parameter, name, (*CALENDARS, _ALWAYS), remedy)


def named_sessions(parameter: str, name: str, first: np.datetime64, last: np.datetime64) -> Sessions:
    """Return the sessions of an exchange by name.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    name : str
        "NYSE", "24/7", or a market identifier code such as "XETR".
    first, last : datetime64[D]
        Days to cover; New York's table is always the whole.

    Raises
    ------
    InputError
        If the calendars of other exchanges are not installed, or there is no calendar of that name.
    """
    if name in _NEW_YORK:
        return nyse()
    if name == _ALWAYS:
        days = np.arange(first - 31, last + 31 + 1)
        return Sessions(_ALWAYS, days, _closes(days, "24:00", "UTC"), "UTC")
    check_calendar(parameter, name)
    try:
        import exchange_calendars
    except ImportError as error:
        what = f"{name!r} needs the package exchange_calendars, which is not installed"
        remedy = "pip install 'marketshock[calendars]', or give ms.Market its sessions"
        raise InputError(parameter, what, remedy) from error
    known = exchange_calendars.get_calendar_names(include_aliases=False)
    if name not in known:
        raise UnknownNameError(parameter, [name], [n for n in known if _CODE.fullmatch(n)])
    table = _of_package(exchange_calendars.get_calendar, parameter, name, first, last)
    closes = table.closes.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    return Sessions(name, table.sessions.to_numpy().astype("datetime64[D]"), closes, str(table.tz))


def _of_package(get: Callable[..., Any], parameter: str, name: str, first: np.datetime64, last: np.datetime64) -> Any:
    """Return an exchange's table from some days before the first day to some after the last, as far as known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of pandas, about what that package does
        why: Exception = ValueError()
        for margin in (31, 10, 0):
            try:
                return get(name, start=pd.Timestamp(first - margin), end=pd.Timestamp(last + margin))
            except (ValueError, NotImplementedError) as error:
                why = error
    what = f"the calendar {name!r} is not known from {first} to {last}: {str(why).rstrip('.')}"
    raise InputError(parameter, what, "take other prices, or give ms.Market its sessions") from why


def _own_table(name: str, sessions: Any) -> Sessions:
    """Return a calendar of the user's: dates, or a frame with columns session and close_utc."""
    closes = None
    if isinstance(sessions, pd.DataFrame):
        if "session" not in sessions.columns:
            raise InputError("sessions", "has no column 'session'", "give columns session and close_utc, or dates")
        given = sessions["session"]
        if "close_utc" in sessions.columns:
            utc = pd.to_datetime(sessions["close_utc"], utc=True).dt.tz_convert(None)
            closes = utc.to_numpy().astype("datetime64[s]")
    else:
        given = pd.Series(list(sessions), dtype=object)
    try:
        stamps = pd.DatetimeIndex(pd.to_datetime(given))  # of a session with a zone the date in that zone counts
        days = stamps.tz_localize(None).to_numpy().astype("datetime64[D]")
    except (ValueError, TypeError) as error:
        raise InputError("sessions", f"a session that is no date: {error}", "write YYYY-MM-DD") from error
    if not len(days) or np.isnat(days).any() or (np.diff(days) <= np.timedelta64(0, "D")).any():
        raise InputError("sessions", "are not increasing dates, each once", "sort them and drop duplicates")
    if closes is not None and (np.isnat(closes).any() or (np.diff(closes) <= np.timedelta64(0, "s")).any()):
        raise InputError("sessions", "close_utc does not increase with the sessions", "correct the closing times")
    return Sessions(name, days, closes)


def _closes(days: DateArray, close: str, zone: str) -> DateArray:
    """Return closing times in UTC of a local clock time."""
    hours, minutes = _clock(close)
    local = days.astype("datetime64[s]") + np.timedelta64(60 * hours + minutes, "m")
    stamps = pd.DatetimeIndex(local).tz_localize(zone, nonexistent="shift_forward", ambiguous=np.ones(len(days), bool))
    return stamps.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")


def _clock(close: str) -> tuple[int, int]:
    found = _CLOCK.fullmatch(close) if isinstance(close, str) else None
    if found is None or (int(found[1]) == 24 and found[2] != "00"):
        raise InputError("close", f"got {close!r}", "give a local time such as '17:30'")
    return int(found[1]), int(found[2])


def _check_zone(zone: str) -> None:
    try:
        pd.Timestamp(dt.datetime(2025, 1, 1)).tz_localize(zone)
    except Exception as error:  # unknown names raise errors of whichever library reads zones
        raise InputError("zone", f"{zone!r} is no time zone", f"give a name such as {NEW_YORK!r}") from error
