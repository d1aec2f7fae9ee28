"""The bars of one security, as a source gives them and the cache keeps them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from .._typing import BoolArray, DateArray, FloatArray, IntArray
from .retry import Bound

FIELDS = ("open", "high", "low", "close", "volume", "dividend", "split")
DAILY = "1d"


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars of one security over a range of days.

    Attributes
    ----------
    symbol : str
        As the source writes it.
    day : ndarray of shape (n,), datetime64[D]
        Session of each bar, in the exchange's zone.
    time : ndarray of shape (n,), datetime64[s]
        Start of each bar in UTC; of a daily bar its day. Strictly increasing.
    values : ndarray of shape (n, 7)
        Columns as `FIELDS`: prices in the quote currency, adjusted for splits and not for dividends; volume in shares;
        dividend paid on the day, in the units of the prices; split ratio (10 for ten new shares for one old), 0 where
        there is none. NaN is a missing value.
    covered : tuple of date
        Days [first, last) the source was asked for and has answered: the last bars of a day that is not over may be in
        `day` and are never in here. That it has no bar on one of them is believed by the cache for a while.
    about : mapping
        currency, timezone, source, fetched (UTC), findings, and what else the source knows.
    """

    symbol: str
    day: DateArray
    time: DateArray
    values: FloatArray
    covered: tuple[dt.date, dt.date]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, name: str) -> FloatArray:
        """Return one field, of shape (n,)."""
        return self.values[:, FIELDS.index(name)]

    @cached_property
    def close_days(self) -> DateArray:
        """Days with a close, of shape (at most n,)."""
        return self.day[np.isfinite(self["close"])]

    def where(self, keep: BoolArray | IntArray) -> Bars:
        """Return the bars of a mask, or at some positions."""
        return Bars(self.symbol, self.day[keep], self.time[keep], self.values[keep], self.covered, self.about)

    def between(self, first: dt.date, last: dt.date) -> Bars:
        """Return the bars of the days [first, last)."""
        inside = (self.day >= np.datetime64(first)) & (self.day < np.datetime64(last))
        return self if inside.all() else self.where(inside)


class Source(Protocol):
    """What the cache and `fetch_prices` ask of a provider.

    Attributes
    ----------
    name : str
        Folder of its files in the cache.
    interval : str
        "1d", or of intraday bars their length, such as "5m".
    earliest : date
        The first day it still has bars of; ``date.min`` if it forgets none.
    """

    @property
    def name(self) -> str: ...
    @property
    def interval(self) -> str: ...
    @property
    def earliest(self) -> dt.date: ...

    def asking(self, bound: Bound) -> AbstractContextManager[object]:
        """Return the context in which `bars` is called, once for all symbols of a call."""
        ...

    def bars(self, symbol: str, first: dt.date, last: dt.date, bound: Bound) -> Bars:
        """Return checked bars of at least the days [first, last), or raise a `ProviderError`."""
        ...


def flaw(bars: Bars, *, of_covered: bool = False) -> str:
    """Return what makes bars useless, whoever sent them and whatever they mean; "" if nothing does.

    With `of_covered`, only figures of the days covered count: those after them are not kept.
    """
    shapes = bars.day.shape, bars.time.shape, bars.values.shape
    if shapes != ((len(bars.time),), (len(bars.time),), (len(bars.time), len(FIELDS))):
        return f"days, times and values of shapes {shapes}"
    if of_covered:
        bars = bars.between(*bars.covered)
    if bars.values.dtype != np.float64 or np.isinf(bars.values).any():
        return "a figure that is infinite, or no number"
    if np.isnat(bars.time).any() or not (bars.time[1:] > bars.time[:-1]).all():
        return "a bar that is not later than the one before"
    if np.isnat(bars.day).any() or not (bars.day[1:] >= bars.day[:-1]).all():
        return "a day before the one of an earlier bar"
    texts = {name: bars.about.get(name) for name in ("currency", "timezone", "instrument", "first_trade", "fetched")}
    odd = [name for name, value in texts.items() if not (value is None or isinstance(value, str))]
    if not odd and texts["first_trade"]:
        try:
            dt.date.fromisoformat(texts["first_trade"])
        except ValueError:
            odd = ["first_trade"]
    if odd:
        return f"{odd[0]} {texts[odd[0]]!r}"
    try:
        json.dumps(dict(bars.about), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return f"a description that is no plain data ({error})"
    return ""


def adjusted_close(close: FloatArray, dividend: FloatArray) -> FloatArray:
    """Return closes adjusted for dividends, equal to the close on the last day.

    Every close before an ex-day t is multiplied by 1 - d(t) / close(t - 1), with the last close known before t, as
    Yahoo does. The ratio of two of them on an ex-day is close(t) / (close(t - 1) - d(t)): more than the total return
    where that is positive, less where it is negative. `total_return.reinvested` has the total return.

    Parameters
    ----------
    close, dividend : ndarray of shape (n,)
        Closes adjusted for splits (NaN where missing) and dividends in the same units.

    Returns
    -------
    ndarray of shape (n,)
        NaN where the close is.
    """
    if not np.nan_to_num(dividend).any():
        return close
    step = dividend_steps(close, dividend)
    step = np.where(step > 0, step, np.nan)  # a dividend as large as the price: what came before is not comparable
    later = np.append(step[1:], 1.0)
    return np.asarray(close * np.cumprod(later[::-1])[::-1])


def dividend_steps(close: FloatArray, dividend: FloatArray) -> FloatArray:
    """Return 1 - d(t) / close(t - 1), of shape (n,): 1 where no dividend was paid or no close is known before."""
    paid = np.nan_to_num(dividend)
    with np.errstate(invalid="ignore", divide="ignore"):  # a close of zero is refused elsewhere
        return np.where(paid == 0, 1.0, 1.0 - np.nan_to_num(paid / last_known(close)))


def last_known(values: FloatArray) -> FloatArray:
    """Return the last value known before each, of shape (n,) or (n, S): NaN where there is none."""
    if not len(values):
        return values
    row = np.arange(len(values)).reshape(-1, *[1] * (values.ndim - 1))
    at = np.maximum.accumulate(np.where(np.isfinite(values), row, -1), axis=0)
    before = np.concatenate([np.full_like(at[:1], -1), at[:-1]])
    return np.where(before >= 0, np.take_along_axis(values, np.maximum(before, 0), axis=0), np.nan)
