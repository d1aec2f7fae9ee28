"""Prices of several tickers: the object that every provider returns, checked when made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray, Frame
from ..errors import InputError, UnknownNameError, check_choice
from .frames import check_columns, check_positive, numeric_values, pandas_frame, session_dates
from .shapes import currencies, price_fields
from .splits import checked_splits, in_last_shares, refuse_unadjusted, splits_in
from .total_return import OF_BOTH, OF_DIVIDENDS, OF_RATIOS, levels_of, paid_since, payers, refuse_dividends, reinvested

AS_TRADED, ADJUSTED = "not dividend-adjusted", "dividend-adjusted"
PRESUMED = "presumably dividend-adjusted: two-level columns without 'Adj Close', as yfinance gives them by default"
NOT_SAID = "not said"


@dataclass(frozen=True, eq=False)
class Prices:
    """Daily prices of several tickers.

    Attributes
    ----------
    close : DataFrame of shape (n_sessions, n_tickers)
        Official closes in the quote currency, split-adjusted, not dividend-adjusted. Market caps read these.
    adj_close : DataFrame, same shape
        Closes adjusted for dividends too, as they were given.
    extra : mapping of str to DataFrame
        Other fields a provider had: open, high, low, volume.
    provenance : mapping
        Source, period, vintage, checks. ``ex_days`` is how returns of ex-days are computed, see `reinvested`.
        ``splits_since`` and ``splits_until``, where given, are the days (of all tickers, or by ticker) from which and
        until which `splits` are known.
    splits : DataFrame, optional
        Columns ticker, date, ratio (10 for ten new shares for one old): every split that the closes are adjusted for,
        those after the last row too. A share count of before a split is multiplied by it where it meets these closes,
        and one of before ``splits_since`` is refused. None where the source does not give splits; counts are then taken
        as they are. Studies and market caps refuse closes that are not adjusted for one of these splits.

    Notes
    -----
    Frames are indexed by tz-naive session dates named "date", strictly increasing; NaN is a missing price.
    """

    close: pd.DataFrame
    adj_close: pd.DataFrame
    extra: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    splits: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        for name, frame in (("close", self.close), ("adj_close", self.adj_close)):
            check_columns(name, frame)
            session_dates(name, frame.index, frame)
            check_positive(name, frame, numeric_values(name, frame))
        one, other = self.close, self.adj_close
        if not one.index.equals(other.index) or list(one.columns) != list(other.columns):
            what = "has other dates or tickers than close"
            raise InputError("adj_close", what, "give both for the same rows and columns")

    @cached_property
    def checked_splits(self) -> pd.DataFrame:
        """`splits` by date, with a column spin_off; empty where none are known. Checked when first read."""
        return checked_splits(self.splits)

    @cached_property
    def reinvested(self) -> pd.DataFrame:
        """Closes with dividends reinvested: the ratio of two of them is the gross total return between their days.

        Total returns are computed from these and nothing else. Where ``provenance["ex_days"]`` says so, that of an
        ex-day is (P + D) / P_before - 1, as CRSP defines it, from ``close`` and ``extra["dividend"]`` or, for a ticker
        without any, from the dividends that ``adj_close`` implies beside ``close``. A dividend on a day without a close
        is kept until the next one. Otherwise ``adj_close`` itself.

        Raises
        ------
        PriceError
            If a dividend is negative, or as large as the close before it.
        """
        self._refuse_dividends(self.tickers)
        return self.levels

    @cached_property
    def levels(self) -> pd.DataFrame:
        """`reinvested` without its check: where a dividend is refused, the adjusted closes of that ticker."""
        return levels_of(self.close, self.adj_close, self.extra, self.provenance.get("ex_days"))

    def refuse_unusable(self, tickers: Sequence[str]) -> None:
        """Raise `PriceError` if no return can be computed from the prices of some tickers.

        That is if they are not adjusted for a split that is known, or a dividend is negative or not below the close
        before it.

        Parameters
        ----------
        tickers : sequence of str
            Those that are read; unknown ones are passed over.
        """
        splits = self.checked_splits
        refuse_unadjusted("prices", splits[splits["ticker"].isin(tickers)], self.close)
        self._refuse_dividends(tickers)

    def _refuse_dividends(self, tickers: Sequence[str]) -> None:
        if self.provenance.get("ex_days") in (OF_DIVIDENDS, OF_BOTH) and "dividend" in self.extra:
            places = [self.places[name] for name in dict.fromkeys(tickers) if name in self.places]
            close = self.close if len(places) == self.close.shape[1] else self.close.iloc[:, places]
            refuse_dividends("prices", close, payers(close, self.extra)[1])

    def paid(self, ticker: str) -> FloatArray | None:
        """Return the cash per share that a ticker paid from the close before each close to that close, (T,).

        None where its total returns are not computed from closes and dividends.
        """
        if self.provenance.get("ex_days") not in (OF_DIVIDENDS, OF_BOTH):
            return None
        at, (own, paid) = self.close.columns.get_loc(ticker), self._payers
        return paid_since(self.close[ticker].to_numpy(dtype=float), paid[:, at]) if own[at] else None

    @cached_property
    def _payers(self) -> tuple[BoolArray, FloatArray]:
        return payers(self.close, self.extra)

    @classmethod
    def from_frame(
        cls,
        close: Frame,
        adj_close: Frame | None = None,
        *,
        adjusted: bool | None = None,
        as_traded: bool = False,
        source: str = "a frame of the user",
    ) -> Prices:
        """Make prices from a pandas, polars or Arrow frame.

        Parameters
        ----------
        close : DataFrame
            One of three shapes, with the dates as index or in a column named date (in any case):

            - wide: one column of closes per ticker;
            - two-level columns (field, ticker), in either order, as yfinance gives them: "Close" and, if there,
              "Adj Close" are read, the other fields become `extra`;
            - long: date, ticker (or symbol), close (or price), and if there adj_close, open, high, low, volume,
              dividend, split.

            A field "split" or "Stock Splits" (0 or missing on days without) becomes `splits`, known from the first
            close of a ticker until its last: ``provenance["splits_since"]`` and ``["splits_until"]``. A column
            "currency" of a long frame becomes ``provenance["currency"]``, by ticker. A time of day and a time zone are
            dropped: the date in that zone counts.
        adj_close : DataFrame, optional
            Dividend-adjusted closes, wide, for the same dates and tickers. Returns are computed from closes and
            dividends where the frame has both fields, else from the adjusted closes, else from the closes;
            ``provenance["returns_from"]`` reports which, and ``["ex_days"]`` how those of ex-days (see `reinvested`).
        adjusted : bool, optional
            Where there are no adjusted closes beside them: whether the closes are dividend-adjusted themselves. True:
            returns are total, and market caps refuse such closes. False: returns are price returns, market caps are
            right. Two-level columns without "Adj Close" are taken as adjusted unless this is False, because
            ``yfinance.download`` adjusts by default. ``provenance["close_is"]`` reports what was taken.
        as_traded : bool, optional
            The closes are those of their day, not adjusted for the splits of the field "split": closes, opens, highs,
            lows and dividends of before each split are divided by its ratio, volumes multiplied. A dividend on the day
            of a split is one per new share. Adjusted closes stay as they are.
        source : str, optional
            Goes into the provenance.

        Returns
        -------
        Prices
            Missing prices stay NaN. Columns of a long frame that are not read are in ``provenance["not_read"]``.

        Raises
        ------
        PriceError
            If dates are duplicate, unsorted (long frames may be) or no dates, a price is infinite, not positive, or
            text, or a split is negative; if bars are stamped at midnight of an exchange east of Greenwich in UTC, which
            is the day before.
        InputError
            If the frame is empty, has no dates, has a column twice, the two frames differ in shape, or columns such as
            Open, High, Low, Close name no ticker, splits are given for some of the tickers, or `as_traded` is True and
            there are none.
        """
        return prices_of("close", close, adj_close, adjusted, source, as_traded)

    @property
    def tickers(self) -> list[str]:
        """Column names, in order."""
        return [str(c) for c in self.close.columns]

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Session dates, in order."""
        return pd.DatetimeIndex(self.close.index)

    @cached_property
    def days(self) -> DateArray:
        """Session dates, (n_sessions,), datetime64[D]."""
        return self.close.index.to_numpy().astype("datetime64[D]")

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Column of each ticker."""
        return {name: k for k, name in enumerate(self.tickers)}

    def close_on(self, ticker: str, day: np.datetime64) -> float:
        """Return the official close of a ticker on a session, NaN where there is none.

        Raises
        ------
        UnknownNameError
            If there are no prices of that ticker.
        """
        if ticker not in self.close.columns:
            raise UnknownNameError("prices", [ticker], self.tickers)
        found = self.close[ticker].to_numpy()[self.dates == pd.Timestamp(day)]
        return float(found[0]) if len(found) else float("nan")

    def __repr__(self) -> str:
        span = f"{self.dates[0].date()} to {self.dates[-1].date()}" if len(self.dates) else "no dates"
        source = self.provenance.get("source", "unknown source")
        return f"Prices: {len(self.tickers)} tickers, {len(self.dates)} sessions, {span} ({source})"


def with_currencies(prices: Prices, known: Mapping[str, str]) -> Prices:
    """Return prices with the currencies of series whose own they do not say."""
    said = prices.provenance.get("currency")
    if not known or (said is not None and not isinstance(said, Mapping)):
        return prices
    own = {name: unit for name, unit in (said or {}).items() if unit}
    return replace(prices, provenance={**prices.provenance, "currency": {**known, **own}})


def prices_of(
    parameter: str, close: Any, adj_close: Any, adjusted: bool | None, source: str, as_traded: bool = False
) -> Prices:
    """Make prices from frames of any shape: `Prices.from_frame`, with the parameter or file that errors name."""
    close = pandas_frame(parameter, close)
    fields, not_read = price_fields(parameter, close)
    if adj_close is not None:
        if "adj_close" in fields:
            raise InputError("adj_close", f"{parameter} holds adjusted closes too", "give one of the two")
        fields["adj_close"] = price_fields("adj_close", adj_close)[0]["close"]
    told = _told(close, fields, adjusted)
    second = _checked("adj_close", fields.pop("adj_close")) if "adj_close" in fields else None
    first = _checked(parameter, fields.pop("close")) if "close" in fields or second is None else second
    splits, known = splits_in(parameter, fields.pop("split"), first) if "split" in fields else (None, {})
    if as_traded:
        first, fields = in_last_shares(parameter, first, fields, splits)
        known |= {"splits": "closes as traded, divided by the ratios of later splits"}
    if "dividend" in fields and told["close_is"] in (AS_TRADED, NOT_SAID):
        told = {"returns_from": "close and dividend", "close_is": AS_TRADED, "ex_days": OF_DIVIDENDS}
        second = _with_dividends(first, fields["dividend"]) if second is None else second
    second = first if second is None else second
    if set(second.columns) == set(first.columns):  # any other difference is refused by Prices
        second = second[first.columns]
    about: dict[str, Any] = {"source": source, **told}
    currency = currencies(parameter, close)
    if currency:
        about["currency"] = currency
        not_read = tuple(name for name in not_read if name.strip().casefold() != "currency")
    about |= {"not_read": not_read} if not_read else {}
    about |= known
    extra = {name: frame.set_axis(first.index).rename_axis(columns=None) for name, frame in fields.items()}
    return Prices(first, second, extra, about, splits)


def _with_dividends(close: pd.DataFrame, dividend: pd.DataFrame) -> pd.DataFrame:
    """Return closes with the dividends of a field of the same frame reinvested."""
    paid = numeric_values("dividend", dividend.reindex(columns=close.columns))
    return pd.DataFrame(reinvested(close.to_numpy(), paid), index=close.index, columns=close.columns)


def _told(close: pd.DataFrame, fields: Mapping[str, pd.DataFrame], adjusted: bool | None) -> dict[str, str]:
    """Return what is known of the closes: the source of returns, and whether closes are adjusted for dividends."""
    check_choice("adjusted", adjusted, (True, False, None))
    if "adj_close" not in fields:
        unsaid = PRESUMED if close.columns.nlevels > 1 else NOT_SAID
        kind = {True: ADJUSTED, False: AS_TRADED, None: unsaid}[adjusted]
        return {"returns_from": "close", "close_is": kind, **({"ex_days": OF_RATIOS} if adjusted else {})}
    if adjusted is not None:
        raise InputError("adjusted", f"got {adjusted}, and adjusted closes are there", "leave it out")
    both = "close" in fields
    ex_days = OF_BOTH if both else OF_RATIOS
    return {"returns_from": "adj_close", "close_is": AS_TRADED if both else ADJUSTED, "ex_days": ex_days}


def _checked(parameter: str, frame: pd.DataFrame) -> pd.DataFrame:
    check_columns(parameter, frame)
    days = session_dates(parameter, frame.index, frame)
    index = pd.DatetimeIndex(days.astype("datetime64[ns]"), name="date")
    # Signs and names are checked when the Prices are made.
    return pd.DataFrame(numeric_values(parameter, frame), index=index, columns=[str(c) for c in frame.columns])
