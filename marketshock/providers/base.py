"""Prices: what every provider hands over, checked when made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, UnknownNameError
from .frames import check_columns, check_positive, numeric_values, session_dates, split_fields


@dataclass(frozen=True, eq=False)
class Prices:
    """Daily prices of several tickers.

    Attributes
    ----------
    close : DataFrame of shape (n_sessions, n_tickers)
        Official closes in the quote currency, split-adjusted, not dividend-adjusted. Market caps read these.
    adj_close : DataFrame, same shape
        Closes adjusted for dividends too. Total returns read these.
    extra : mapping of str to DataFrame
        Other fields a provider had: open, high, low, volume.
    provenance : mapping
        Source, period, vintage, checks.
    splits : DataFrame, optional
        Columns ticker, date, ratio (10 for ten new shares for one old): every split that the closes are adjusted for,
        those after the last row too. A share count of before a split is multiplied by it where it meets these closes.
        None where the source does not say; counts are then taken as they are.

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
            session_dates(name, frame.index)
            check_positive(name, frame, numeric_values(name, frame))
        same = self.close.index.equals(self.adj_close.index) and list(self.close.columns) == list(
            self.adj_close.columns
        )
        if not same:
            raise InputError(
                "adj_close", "has other dates or tickers than close", "give both for the same rows and columns"
            )

    @classmethod
    def from_frame(
        cls,
        close: pd.DataFrame,
        adj_close: pd.DataFrame | None = None,
        *,
        source: str = "a frame of the user",
    ) -> Prices:
        """Make prices from wide frames.

        Parameters
        ----------
        close : DataFrame
            Dates as index, one column a ticker; or two-level columns (field, ticker) as yfinance gives them, of which
            "Close" and, if there, "Adj Close" are read.
        adj_close : DataFrame, optional
            Dividend-adjusted closes of the same shape. Without it returns are computed from `close`: total returns
            if those are adjusted, price returns if not; ``provenance["returns_from"]`` says "close".
        source : str, optional
            Goes into the provenance.

        Raises
        ------
        PriceError
            If dates are duplicate, unsorted or no dates, or a price is infinite, not positive, or text.
        InputError
            If the frame is empty, has a column twice, or the two frames differ in shape.
        """
        extra: dict[str, pd.DataFrame] = {}
        if isinstance(close, pd.DataFrame) and close.columns.nlevels > 1:
            extra = split_fields(close)
            close = extra.pop("close")
            adj_close = extra.pop("adj_close", adj_close)
        close = _checked("close", close)
        returns_from = "close" if adj_close is None else "adj_close"
        adjusted = close if adj_close is None else _checked("adj_close", adj_close)
        if not (adjusted.index.equals(close.index) and set(adjusted.columns) == set(close.columns)):
            raise InputError(
                "adj_close", "has other dates or tickers than close", "give both for the same rows and columns"
            )
        adjusted = adjusted[close.columns]
        for frame in extra.values():
            frame.index = close.index
        return cls(close, adjusted, extra, {"source": source, "returns_from": returns_from})

    @property
    def tickers(self) -> list[str]:
        """Column names, in order."""
        return [str(c) for c in self.close.columns]

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Session dates, in order."""
        return pd.DatetimeIndex(self.close.index)

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


def _checked(parameter: str, frame: pd.DataFrame) -> pd.DataFrame:
    check_columns(parameter, frame)
    days = session_dates(parameter, frame.index)
    index = pd.DatetimeIndex(days.astype("datetime64[ns]"), name="date")
    # Signs and names are checked when the Prices are made.
    return pd.DataFrame(numeric_values(parameter, frame), index=index, columns=[str(c) for c in frame.columns])
