"""Prices for trading, as arrays on the sessions: quotes, dividends, splits, intraday bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .._typing import BoolArray, CalendarName, DateArray, FloatArray, Frame, IntArray
from ..errors import InputError, UnknownNameError
from ..panel.returns import Returns, Sheet
from ..providers.base import ADJUSTED, PRESUMED, Prices
from ..providers.frames import numeric_values
from ..providers.total_return import implied_dividends
from ..sessions import NEW_YORK
from ..volatility._trailing import About, trailing_volatility

_OPENS = 9 * 60 + 30  # minutes after midnight in New York
_HALTS = 0.005  # share of sessions; Frankfurt is closed on as many of those of Paris
_FEW = 20  # days with a price: fewer tell nothing
_OUTSIDE = 1e-3  # share of the price by which an open or close may lie outside of low and high


@dataclass(frozen=True, eq=False)
class Intraday:
    """Opens of intraday bars."""

    time: DateArray  # (B,), datetime64[us]: start of each bar in UTC, strictly increasing
    row: IntArray  # (B,), int: session each bar belongs to; -1 for none
    open: FloatArray  # (B, S): as quoted, NaN where missing


@dataclass(frozen=True, eq=False)
class Market:
    """Prices of S securities on T sessions, as quoted: adjusted for all splits, not for dividends.

    Attributes
    ----------
    returns : Returns
        Total returns and the sessions, for signals.
    close : ndarray of shape (T, S)
        Closes, NaN where missing.
    open, high, low : ndarray of shape (T, S), or None
        The same; None if there are none.
    dividend : ndarray of shape (T, S), or None
        Dividend per quoted share on the ex-day; None if there are none.
    split : ndarray of shape (T, S), or None
        Quoted shares per share as traded that day; None if no split is known.
    bars : Intraday or None
        Bars for intraday entries.
    notes : tuple of str
        Limitations of the prices.
    source : str
        Provider or file.
    apart : frozenset of str
        Securities that may be traded and have sessions of their own, which are not those of the account.
    """

    returns: Returns
    close: FloatArray
    open: FloatArray | None
    high: FloatArray | None
    low: FloatArray | None
    dividend: FloatArray | None
    split: FloatArray | None
    bars: Intraday | None = None
    notes: tuple[str, ...] = ()
    source: str = ""
    apart: frozenset[str] = frozenset()
    _memo: dict[Any, FloatArray] = field(default_factory=dict, repr=False)

    @property
    def days(self) -> DateArray:
        """Sessions, (T,), datetime64[D]."""
        return self.returns.days

    @property
    def names(self) -> tuple[str, ...]:
        """Securities, in the order of the columns."""
        return self.returns.names

    @cached_property
    def last(self) -> IntArray:
        """Row of each security's last close, -1 where it has none, (S,)."""
        there = np.isfinite(self.close)
        n = len(there)
        return np.where(there.any(axis=0), n - 1 - np.argmax(there[::-1], axis=0), -1)

    @cached_property
    def mark(self) -> FloatArray:
        """Closes for the valuation of positions: the last available close, (T, S); NaN before the first."""
        if np.isfinite(self.close).all():
            return self.close
        at = np.where(np.isfinite(self.close), np.arange(len(self.close))[:, None], 0)
        return np.take_along_axis(self.close, np.maximum.accumulate(at, axis=0), axis=0)

    @cached_property
    def paid(self) -> FloatArray | None:
        """Dividends per quoted share since the first session, (T, S); None if there are none."""
        return None if self.dividend is None else np.cumsum(self.dividend, axis=0)

    @cached_property
    def elapsed(self) -> IntArray:
        """Calendar days since the previous session, 0 for the first, (T,)."""
        return np.diff(self.days, prepend=self.days[:1]).astype(np.int64)

    def columns(self, parameter: str, names: Sequence[str]) -> IntArray:
        """Return the columns of some securities, (n,).

        Raises
        ------
        UnknownNameError
            If one is not in the prices; `parameter` is named in the error.
        """
        unknown = [name for name in names if name not in self._place]
        if unknown:
            raise UnknownNameError(parameter, unknown, self.names)
        return np.array([self._place[name] for name in names], dtype=np.int64)

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    def quoted_per_share(self, row: IntArray, column: IntArray) -> FloatArray:
        """Return quoted shares per share as traded on some sessions, (n,)."""
        return np.ones(len(row)) if self.split is None else self.split[row, column]

    def volatility(self, window: int, min_obs: int, about: About = "zero") -> FloatArray:
        """Return each session's volatility over the sessions before it, (T, S); computed once."""
        key = (window, min_obs, about)
        if key not in self._memo:
            self._memo[key] = trailing_volatility(self.returns.values, window, about, min_obs)[0]
        return self._memo[key]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Which rows of the prices are sessions of the market, and which session each is, or comes before."""

    kept: BoolArray  # (n_rows,): sessions between the first and the last price of what is traded
    session: IntArray  # (n_rows,): the session, or the next one
    n_sessions: int

    @classmethod
    def of(cls, held: Prices, days: DateArray) -> _Rows:
        rows = held.dates.to_numpy().astype("datetime64[D]")
        at = np.searchsorted(days, rows)
        kept = days[np.minimum(at, len(days) - 1)] == rows if len(days) else np.zeros(len(rows), dtype=bool)
        return cls(kept, at, len(days))


def market_of(
    prices: Prices | Frame,
    calendar: CalendarName,
    intraday: Frame | None,
    names: Sequence[str] = (),
    benchmark: str | None = None,
) -> Market:
    """Return prices as a market on the sessions of the benchmark or, without one, of most of `names`.

    `names` are the securities that may be traded, all by default. The sessions reach from the first to the last price
    of these and of the benchmark; no other security of the prices counts (see `Sheet.shared`), but on New York's table
    those that have its sessions, by which a delisting is told. "index" stands for all
    rows where there is no benchmark.

    Dividends are those of a field "dividend". Without such a field they are implied by the adjusted closes: on the
    ex-day the previous close times one minus the ratio of the two days' adjustment factors. Raises `InputError` if the
    securities are quoted in several currencies, or `intraday` cannot be read.
    """
    held = prices if isinstance(prices, Prices) else Prices.from_frame(prices)
    sheet = Sheet.of_prices(held, False)
    names = [name for name in names if name in sheet.names] or list(sheet.names)
    if benchmark in sheet.names:
        sessions, reach = sheet.sessions([str(benchmark)], calendar), [*names, str(benchmark)]
    else:
        sessions, reach = sheet.shared(names, calendar), [] if calendar == "index" else names
        if sessions.name == "NYSE":  # whether a security stopped trading is seen by others on the same table
            reach = [*names, *_of_new_york(sheet)]
    returns = sheet.on(sessions, names, reach=reach)
    at = _Rows.of(held, returns.days)
    close = _on_axis(held.close, at, returns.names)
    opens, high, low, paid = (_extra(held, name, at, returns) for name in ("open", "high", "low", "dividend"))
    notes: list[str] = []
    dividend = _dividends(held, paid, close, at, returns, notes)
    _check_one_currency(held.provenance.get("currency"), returns.names)
    split = _split_factor(held, returns)
    _check_range(returns, close, opens, high, low, notes)
    bars = _bars(intraday, returns, notes) if intraday is not None else None
    apart = _apart(sheet, names, returns) if calendar in ("auto", "NYSE") else frozenset()
    source = str(held.provenance.get("source", ""))
    return Market(returns, close, opens, high, low, dividend, split, bars, tuple(notes), source, apart)


def _of_new_york(sheet: Sheet) -> list[str]:
    """Return the securities of which New York's table has the sessions, without those of a few days."""
    names = [
        name for own, sessions in sheet.own_clocks(sheet.names, warn=False) if sessions.name == "NYSE" for name in own
    ]
    return [name for name in names if len(sheet.traded([name]).days) >= _FEW]


def _apart(sheet: Sheet, names: Sequence[str], returns: Returns) -> frozenset[str]:
    """Return those of some securities whose own sessions are not those of the account, as long as both last.

    They have prices on other days, or lack more of the account's sessions than halts take.
    """
    found: set[str] = set()
    for own, sessions in sheet.own_clocks(names, warn=False):
        if len(sessions.days) and len(returns.days):
            lasting = max(sessions.days[0], returns.days[0]), min(sessions.days[-1], returns.days[-1])
            mine, counted = sessions.between(*lasting), returns.sessions.between(*lasting)
            n_both = len(np.intersect1d(mine, counted, assume_unique=True))
            if len(mine) > n_both or len(counted) - n_both > _HALTS * len(counted):
                found.update(own)
    return frozenset(found)


def _on_axis(frame: pd.DataFrame, rows: _Rows, names: Sequence[str]) -> FloatArray:
    values = frame[list(names)].to_numpy(dtype=float) if list(frame.columns) != list(names) else frame.to_numpy(float)
    if len(rows.kept) == rows.n_sessions and rows.kept.all():
        return np.ascontiguousarray(values)
    out = np.full((rows.n_sessions, len(names)), np.nan)
    out[rows.session[rows.kept]] = values[rows.kept]
    return out


def _paid(frame: pd.DataFrame, rows: _Rows, names: Sequence[str]) -> FloatArray:
    """Return dividends by session; one of a day that is no session is paid on the next."""
    values = np.nan_to_num(frame[list(names)].to_numpy(dtype=float), nan=0.0)
    inside = rows.session < rows.n_sessions
    out = np.zeros((rows.n_sessions, len(names)))
    np.add.at(out, rows.session[inside], values[inside])
    return out


def _extra(held: Prices, name: str, at: _Rows, returns: Returns) -> FloatArray | None:
    """Return a field of the prices; NaN for securities without it."""
    if name not in held.extra:
        return None
    frame = held.extra[name].reindex(columns=held.close.columns)
    numeric_values(name, frame, False)
    if name == "dividend":
        return _paid(frame, at, returns.names)
    values = _on_axis(frame, at, returns.names)
    _refuse(~(np.isnan(values) | (values > 0)), returns, f"the {name} is not positive", "correct it, or set it missing")
    return values


def _refuse(bad: BoolArray, returns: Returns, problem: str, remedy: str) -> None:
    """Raise `InputError` with the first bad price, if there is one."""
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError("prices", f"{problem}: {returns.names[column]} on {returns.days[row]}", remedy)


def _dividends(
    held: Prices, given: FloatArray | None, close: FloatArray, at: _Rows, returns: Returns, notes: list[str]
) -> FloatArray | None:
    inside = held.provenance.get("close_is") in (ADJUSTED, PRESUMED)
    if inside:
        notes.append("The closes are adjusted for dividends, so fills are at adjusted prices and no dividend is paid.")
    if given is not None:
        _refuse(given < 0, returns, "the dividend is negative", "correct it, or set it to 0")
        return given if given.any() and not inside else None
    if inside:
        return None
    if held.adj_close is held.close or held.adj_close.equals(held.close):
        notes.append("No dividends are known: they need a field 'dividend' or adjusted closes.")
        return None
    adjusted = _on_axis(held.adj_close, at, returns.names)
    dividend, odd = implied_dividends(close, adjusted)
    notes.append("Dividends are implied by the adjusted closes.")
    if odd:
        notes.append(f"On {odd} security-days the adjusted closes imply a negative dividend, which is ignored.")
    return dividend if dividend.any() else None


def _check_range(
    returns: Returns,
    close: FloatArray,
    opens: FloatArray | None,
    high: FloatArray | None,
    low: FloatArray | None,
    notes: list[str],
) -> None:
    """Raise `InputError` for a low above the high; note opens and closes outside of them."""
    if high is None or low is None:
        return
    with np.errstate(invalid="ignore"):
        crossed = low > high
        outside = np.zeros(close.shape, dtype=bool)
        for field in (close, opens):
            if field is not None:
                outside |= (field > high * (1 + _OUTSIDE)) | (field < low * (1 - _OUTSIDE))
    _refuse(crossed, returns, "the low is above the high", "correct them, or set both missing")
    if outside.any():
        row, column = np.argwhere(outside)[0]
        notes.append(
            f"On {int(outside.sum())} security-days the open or close lies outside of low and high, the first "
            f"{returns.names[column]} on {returns.days[row]}: stops and targets use these."
        )


def _split_factor(held: Prices, returns: Returns) -> FloatArray | None:
    """Return the product of the ratios of all later splits, (T, S); spin-offs do not change the number of shares."""
    if held.splits is None:
        return None
    table = held.checked_splits
    column = {name: k for k, name in enumerate(returns.names)}
    own = table[table["ticker"].isin(list(column)) & ~table["spin_off"]]
    if own.empty:
        return None
    out = np.ones((len(returns.days), len(returns.names)))
    days = own["date"].to_numpy().astype("datetime64[D]")
    for ticker, day, ratio in zip(own["ticker"], days, own["ratio"], strict=True):
        out[: np.searchsorted(returns.days, day), column[ticker]] *= ratio
    return out


def _check_one_currency(currency: Any, names: Sequence[str]) -> None:
    if not isinstance(currency, Mapping):
        return
    by = {name: str(currency[name]) for name in names if currency.get(name)}
    if len(set(by.values())) > 1:
        first, other = next((a, b) for a in by for b in by if by[a] != by[b])
        what = f"{first} is quoted in {by[first]}, {other} in {by[other]}, but an account has one currency"
        raise InputError("prices", what, "convert them, or leave the others out")


def _bars(intraday: Frame, returns: Returns, notes: list[str]) -> Intraday:
    """Read intraday bars as `yahoo_intraday` returns them: columns (field, ticker), start times with a time zone."""
    frame = intraday if isinstance(intraday, pd.DataFrame) else None
    if frame is None or not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise InputError("intraday", "has no index of times with a zone", "give a frame as yahoo_intraday returns it")
    if frame.columns.nlevels != 2 or "open" not in frame.columns.get_level_values(0):
        raise InputError("intraday", "has no columns ('open', ticker)", "give a frame as yahoo_intraday returns it")
    if not (frame.index.is_monotonic_increasing and frame.index.is_unique):
        raise InputError("intraday", "has times that are not strictly increasing", "sort it, and keep one row per time")
    opens = pd.DataFrame(frame["open"])
    values = numeric_values("intraday", opens.reindex(columns=list(returns.names)))
    utc = frame.index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
    local = frame.index.tz_convert(NEW_YORK)
    day = local.tz_localize(None).to_numpy().astype("datetime64[D]")
    row = np.minimum(np.searchsorted(returns.days, day), len(returns.days) - 1)
    closes = returns.sessions.closes
    if closes is None:
        what = "needs times of day, and the calendar is that of the dates of the prices"
        raise InputError("intraday", what, "give prices on NYSE sessions (calendar='NYSE')")
    shut = closes[np.minimum(np.searchsorted(returns.sessions.days, returns.days[row]), len(closes) - 1)]
    inside = (returns.days[row] == day) & (utc < shut) & (local.hour * 60 + local.minute >= _OPENS)
    if not inside.all():
        notes.append(f"{int((~inside).sum())} bars outside of the sessions (09:30 to the close) are not used.")
    return Intraday(utc, np.where(inside, row, -1).astype(np.int64), values)
