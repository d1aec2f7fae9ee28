"""Information sets: what a rule may read before its order is filled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray, IntArray, StrArray
from ..catalog.table import EventTable, repeated
from ..errors import InputError
from ..volatility._trailing import About
from .market import Market

Excluded: TypeAlias = tuple[tuple[int, str, str], ...]
"""Events that are not traded: position in the information set, code, reason."""


@dataclass(frozen=True, eq=False)
class EventInformation:
    """The information set of one event: the argument of the function in `Own`.

    Attributes
    ----------
    event_id, ticker, group : str
        The event; several groups are joined by "; ".
    date : Timestamp
        Its session, day 0.
    returns : DataFrame
        Decimal total returns, sessions by tickers, up to the last close before the fill; NaN where missing.
    """

    event_id: str
    ticker: str
    group: str
    date: pd.Timestamp
    returns: pd.DataFrame

    @property
    def closes(self) -> pd.DataFrame:
        """Total return indexes that start at 1, sessions by tickers; NaN on days without a return."""
        return (1 + self.returns.fillna(0.0)).cumprod().where(self.returns.notna())

    @property
    def move(self) -> float:
        """Return of the event's ticker on day 0 (decimal); NaN where it is missing.

        Raises
        ------
        InputError
            If the order is filled before the close of day 0, or the event's ticker is not in the prices.
        """
        if self.date not in self.returns.index:
            what = f"the rule reads the return of day 0 of {self.event_id}, but is filled before day 0's close is known"
            raise InputError("entry", what, "give 'next_open' or 'next_close'")
        if self.ticker not in self.returns.columns:
            raise InputError("function", f"{self.event_id} has no ticker of the prices", "read event.returns")
        return float(self.returns[self.ticker].to_numpy()[self.returns.index.get_loc(self.date)])


@dataclass(frozen=True, eq=False)
class InformationSet:
    """The information available when the orders of E events are placed.

    The arrays that the methods return are computed from closes up to `last`, the session before the fill. A rule that
    reads nothing else has no look-ahead.

    Attributes
    ----------
    table : EventTable
        The events, in the order of the arrays.
    row, column : ndarray of shape (E,), int
        Session (day 0) and security of each event; column is -1 where the rule trades other securities.
    last : ndarray of shape (E,), int
        The last session whose close is known.
    market : Market
        All prices, for the engine and for the rules of this library. A rule may read rows up to `last`.
    """

    table: EventTable
    row: IntArray
    column: IntArray
    last: IntArray
    market: Market

    def __len__(self) -> int:
        return len(self.row)

    def move(self) -> FloatArray:
        """Return of the event's security on day 0 (decimal), (E,); NaN where it is missing or not yet known."""
        out = np.full(len(self), np.nan)
        seen = (self.row <= self.last) & (self.column >= 0)
        out[seen] = self.market.returns.values[self.row[seen], self.column[seen]]
        return out

    def score(self, window: int) -> FloatArray:
        """Return of day 0 over the volatility of the `window` sessions before it, (E,); NaN where one is missing."""
        out, move = np.full(len(self), np.nan), self.move()
        there = np.isfinite(move)
        sd = self.market.volatility(window, window)[self.row[there], self.column[there]]
        out[there] = np.divide(move[there], sd, out=np.full(len(sd), np.nan), where=sd > 0)
        return out

    def volatility(self, window: int, min_obs: int, about: About = "zero") -> FloatArray:
        """Volatility of every security over the `window` sessions that end with `last`, (E, S)."""
        return self.market.volatility(window, min_obs, about)[np.minimum(self.last + 1, len(self.market.days) - 1)]

    def events(self) -> Iterator[EventInformation]:
        """Yield the information set of each event; its returns are read-only."""
        market = self.market
        index = pd.DatetimeIndex(market.days.astype("datetime64[ns]"), name="date")
        values = market.returns.values.copy()
        values.flags.writeable = False
        returns = pd.DataFrame(values, index=index, columns=list(market.names), copy=False)
        ids, tickers, groups = self.table.event_id, self.table.ticker, self.table.group
        for i in range(len(self)):
            until = returns.iloc[: self.last[i] + 1]
            yield EventInformation(str(ids[i]), str(tickers[i]), str(groups[i]), index[self.row[i]], until)


@dataclass(frozen=True, eq=False)
class Legs:
    """The positions that a rule takes: event, security and weight of n legs.

    Attributes
    ----------
    event : ndarray of shape (n,), int
        Position of the event in the information set; not decreasing.
    column : ndarray of shape (n,), int
        Security.
    weight : ndarray of shape (n,)
        Signed, in units of the event's stake: 1.0 is long the stake, -0.8 short four fifths of it.
    needed : ndarray of shape (n,), bool, or None
        Whether the event is traded only if this leg is filled; None for all.
    excluded : tuple of (int, str, str)
        Events that are not traded: position, code, reason. An event with neither a leg nor a reason is excluded with
        the reason that the rule takes no position.
    """

    event: IntArray
    column: IntArray
    weight: FloatArray
    needed: BoolArray | None = None
    excluded: Excluded = ()

    @property
    def required(self) -> BoolArray:
        """`needed` as an array, (n,)."""
        return np.ones(len(self.event), dtype=bool) if self.needed is None else self.needed

    def take(self, at: IntArray | BoolArray) -> Legs:
        """Return some of the legs, without the excluded events."""
        return Legs(self.event[at], self.column[at], self.weight[at], self.required[at])


def bare_table(names: StrArray, security: IntArray, given: DateArray, group: StrArray) -> EventTable:
    """Return events without names or times of day, (n,); their ids are made only if they are read."""
    blank, no_time = repeated("", len(given)), repeated(np.datetime64("NaT", "us"), len(given))
    return EventTable(names, security, given, no_time, blank, blank, group)


def single(info: InformationSet, weight: FloatArray, if_zero: str, if_missing: str = "") -> Legs:
    """Return one leg per event in its own security.

    An event of weight 0 is excluded with the reason `if_zero`, one of weight NaN with the reason `if_missing`.
    """
    traded = np.isfinite(weight) & (weight != 0)
    at = np.flatnonzero(traded)
    reasons = ((int(i), if_missing if np.isnan(weight[i]) else if_zero) for i in np.flatnonzero(~traded))
    return Legs(at, info.column[at], weight[at], excluded=tuple((i, "no_signal", reason) for i, reason in reasons))
