"""Membership conditions, and the mapping of listings to firms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .._typing import BoolArray, DateArray, IntArray
from ..catalog.classes import SHARE_CLASSES
from ..errors import UnknownNameError


def firm_of(ticker: str) -> str:
    """Return the main ticker of the firm of a listing: GOOGL for GOOG."""
    return SHARE_CLASSES.get(ticker, ticker)


def one_a_firm(tickers: Sequence[str]) -> list[int]:
    """Return the column that represents each ticker's firm: its main ticker, else its first share class."""
    main: dict[str, int] = {}
    for column, ticker in enumerate(tickers):
        if ticker == firm_of(ticker):
            main[ticker] = column
        main.setdefault(firm_of(ticker), column)
    return [main[firm_of(ticker)] for ticker in tickers]


class Rule(Protocol):
    """One condition of a membership."""

    def check(self, tickers: Sequence[str]) -> None:
        """Raise `UnknownNameError` if the condition does not fit the tickers."""
        ...

    def known(self, days: DateArray) -> BoolArray:
        """Return for each day whether the condition is known, (n_days,)."""
        ...

    def on(self, days: DateArray, tickers: Sequence[str]) -> BoolArray:
        """Return membership, (n_days, n_tickers); False on unknown days."""
        ...


@dataclass(frozen=True, slots=True)
class Names:
    """Fixed tickers, members on every day."""

    tickers: tuple[str, ...]

    def check(self, tickers: Sequence[str]) -> None:
        unknown = [t for t in self.tickers if t not in set(tickers)]
        if unknown:
            raise UnknownNameError("members", unknown, tickers)

    def known(self, days: DateArray) -> BoolArray:
        return np.ones(len(days), dtype=bool)

    def on(self, days: DateArray, tickers: Sequence[str]) -> BoolArray:
        row = np.array([t in self.tickers for t in tickers], dtype=bool)
        return np.broadcast_to(row, (len(days), len(tickers)))


@dataclass(frozen=True, slots=True)
class Grid:
    """Members on some days, one row per day.

    A row is valid for `max_age` calendar days, from its own day on, or from the day after if `before`. With `firms` the
    names are main tickers, and all listings of a firm are members. A day with `settled` False is unknown.
    """

    days: DateArray
    names: tuple[str, ...]
    members: BoolArray
    settled: BoolArray
    max_age: int
    before: bool
    firms: bool

    def check(self, tickers: Sequence[str]) -> None:
        own = {firm_of(t) for t in tickers} if self.firms else set(tickers)
        if not own & set(self.names):
            raise UnknownNameError("members", self.names[:3], tickers, "the membership and the returns share no ticker")

    def _row(self, days: DateArray) -> tuple[IntArray, BoolArray]:
        at = np.searchsorted(self.days, days, side="left" if self.before else "right") - 1
        row = np.maximum(at, 0)
        valid = days - self.days[row] <= np.timedelta64(self.max_age, "D")
        return row, (at >= 0) & valid & self.settled[row]

    def known(self, days: DateArray) -> BoolArray:
        return self._row(days)[1]

    def on(self, days: DateArray, tickers: Sequence[str]) -> BoolArray:
        row, known = self._row(days)
        column = {name: k for k, name in enumerate(self.names)}
        at = np.array([column.get(firm_of(t) if self.firms else t, -1) for t in tickers], dtype=np.int64)
        return np.asarray(self.members[row][:, at] & (at >= 0) & known[:, None])


@dataclass(frozen=True, slots=True)
class Spans:
    """Membership intervals: ticker, first day and last day, both included."""

    tickers: tuple[str, ...]
    first: DateArray
    last: DateArray

    def check(self, tickers: Sequence[str]) -> None:
        if not set(self.tickers) & set(tickers):
            remedy = "the membership and the returns share no ticker"
            raise UnknownNameError("members", self.tickers[:3], tickers, remedy)

    def known(self, days: DateArray) -> BoolArray:
        return np.asarray((days >= self.first.min()) & (days <= self.last.max()))

    def on(self, days: DateArray, tickers: Sequence[str]) -> BoolArray:
        out = np.zeros((len(days), len(tickers)), dtype=bool)
        column = {ticker: k for k, ticker in enumerate(tickers)}
        for ticker, first, last in zip(self.tickers, self.first, self.last, strict=True):
            if ticker in column:
                out[(days >= first) & (days <= last), column[ticker]] = True
        return out
