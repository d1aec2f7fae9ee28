"""What claims are checked against: prices, share counts, members of an index, recorded facts, releases."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .._typing import DateArray, FloatArray
from ..catalog.model import Catalog
from ..errors import MarketShockError
from ..providers.base import Prices
from ..providers.members import IndexMembers
from ..providers.shares import SharesTable
from ..sessions import map_dates, nyse
from ..volatility.fragility import Fragility
from ..volatility.measure import fragility


class Lacking(MarketShockError):  # noqa: N818 - a state of the evidence; becomes "not_checkable"
    """The evidence does not hold what a check needs."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The figures that checks read. All of it is data; nothing is fetched.

    Attributes
    ----------
    prices : Prices
        Daily bars; closes as traded.
    shares : SharesTable
        Share counts with their filing dates.
    index : IndexMembers or None
        Members of the index whose moves are counted.
    facts : DataFrame
        Recorded facts by id, see `recorded_facts`.
    releases : Catalog
        Scheduled releases: whose results came when.
    made : dict
        What several checks read and one makes.
    """

    prices: Prices
    shares: SharesTable
    index: IndexMembers | None
    facts: pd.DataFrame
    releases: Catalog
    made: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def days(self) -> DateArray:
        """The sessions of the prices, datetime64[D]."""
        return np.asarray(self.prices.dates.to_numpy().astype("datetime64[D]"))

    def members(self) -> IndexMembers:
        """Return the members of the index, or say that there are none."""
        if self.index is None:
            raise Lacking("no members of an index were given")
        return self.index

    @cached_property
    def shocks(self) -> dict[str, Fragility]:
        """The members' moves in units of their volatility, by convention; the first is the library's own."""
        prices = self.members().prices
        log, zero, mean = "log returns", "about zero", "about the mean"
        return {
            f"{log}, {zero}": fragility(prices),
            f"{log}, {mean}": fragility(prices, about="mean"),
            f"simple returns, {zero}": fragility(prices, log=False),
            f"simple returns, {mean}": fragility(prices, log=False, about="mean"),
        }

    def session(self, date: dt.date, *, after_close: bool = False) -> np.datetime64:
        """Return the NYSE session a date means: itself, the next one if closed or after the close."""
        day = np.array([date], dtype="datetime64[D]")
        mapped = map_dates(nyse(), day, np.array([after_close]), np.array(["next"], dtype=object)).day[0]
        if np.isnat(mapped):
            raise Lacking(f"{date} lies beyond the NYSE table")
        return np.datetime64(mapped, "D")

    def at(self, session: np.datetime64) -> int:
        """Return the place of a session among the prices."""
        place = int(np.searchsorted(self.days, session))
        if place >= len(self.days) or self.days[place] != session:
            raise Lacking(f"the prices, {self.days[0]} to {self.days[-1]}, have no {session}")
        return place

    def series(self, ticker: str, field: str = "close") -> FloatArray:
        """Return one field of a ticker on every session: close, adj_close, open, high or low."""
        frames = {"close": self.prices.close, "adj_close": self.prices.adj_close, **self.prices.extra}
        if field not in frames or ticker not in frames[field].columns:
            raise Lacking(f"there is no {field} of {ticker}")
        return np.asarray(frames[field][ticker], dtype=float)

    def price(self, ticker: str, session: np.datetime64, field: str = "close") -> float:
        """Return one price.

        Raises
        ------
        Lacking
            If there is none.
        """
        value = float(self.series(ticker, field)[self.at(session)])
        if np.isnan(value):
            raise Lacking(f"there is no {field} of {ticker} on {session}")
        return value

    def before(self, session: np.datetime64) -> np.datetime64:
        """Return the session of the prices before one of them."""
        place = self.at(session)
        if place == 0:
            raise Lacking(f"the prices begin on {session}: there is no close before")
        return np.datetime64(self.days[place - 1], "D")

    def span(self, ticker: str, start: dt.date, end: dt.date, field: str = "close") -> FloatArray:
        """Return a ticker's prices from the session of `start` to that of `end`, both included."""
        first, last = self.at(self.session(start)), self.at(self.session(end))
        values = self.series(ticker, field)[first : last + 1]
        if last <= first or np.isnan(values).any():
            raise Lacking(f"there is no complete {field} of {ticker} from {start} to {end}")
        return values

    def results_of(self, ticker: str) -> list[np.datetime64]:
        """Return the sessions that a firm's own results met."""
        mine = [e for e in self.releases.values() if e.kind == "earnings" and ticker in e.tickers]
        dates = [(e.when.date() if isinstance(e.when, dt.datetime) else e.when, e.timing) for e in mine]
        return [self.session(day, after_close=timing == "after_close") for day, timing in dates]

    def fact(self, name: str) -> pd.Series[Any]:
        """Return a recorded fact."""
        if name not in self.facts.index:
            raise Lacking(f"no fact {name!r} is recorded")
        return pd.Series(self.facts.loc[name])
