"""The checks of prices, over the columns and days that are read: `check_prices` and what every entry point calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._typing import DateArray, FloatArray, Frame
from ..errors import UnknownNameError
from .bars import last_known
from .base import Prices
from .extremes import SPIKE, far_from_closes
from .found import REFUSE, WARN, PriceFinding, by_severity, findings_frame
from .frames import numeric_values, pandas_frame, session_dates
from .plausible_frames import INFINITE, carried_rows, without_impossible
from .plausible_prices import Series, findings_of, median, suspects
from .shapes import price_fields

_PAID = 0.04  # share of the close before from which a dividend is checked against the move
_SURE = 6.0  # usual moves that a dividend must be worth, to be told from none
_SIDE, _LEVEL = 60, 10  # sessions on each side that tell the usual move, and the last decimal place
_BASES = np.log(3.0)  # steps of volume at a known split that are smaller happen by chance
_YFINANCE = {
    "close": "Close",
    "adj_close": "Adj Close",
    "dividend": "Dividends",
    "split": "Stock Splits",
    "open": "Open",
    "high": "High",
    "low": "Low",
    "volume": "Volume",
}


def check_prices(prices: Prices | Frame, *, tickers: Sequence[str] | None = None) -> pd.DataFrame:
    """Return what is wrong or odd with prices: the checks that studies, market caps and backtests run.

    Parameters
    ----------
    prices : Prices or DataFrame
        Prices, or a frame in one of the shapes of `Prices.from_frame`. Of a frame, values that `Prices` refuses (zero,
        negative, infinite) are findings too, and the rest is checked without them. Volume, dividends and splits are
        used where they are there: volume tells a split that was not applied from bad news.
    tickers : sequence of str, optional
        Check these only.

    Returns
    -------
    DataFrame
        A row per finding, refusals first: ticker, date (first day of several), rule, size (the close over the close
        before; NaN where there is none), cause (what was seen, and what it likely is), severity ("refuse", "warn" or
        "note"). Empty where nothing was found. The rules are those of ``tolerate=``.

    Raises
    ------
    UnknownNameError
        If a ticker is not in the prices.
    PriceError, InputError
        If a frame cannot be read: as `Prices.from_frame`, but for what is a finding.

    Notes
    -----
    A series of closes cannot tell a 2-for-1 split from a failed trial: such a fall is a note, or a warning where volume
    supports it, and never refused.

    Examples
    --------
    >>> import marketshock as ms
    >>> closes = ms.snapshot().close.copy()
    >>> closes.loc["2024-05-01", "IBM"] *= 10
    >>> ms.check_prices(closes)[["ticker", "rule", "severity"]].iloc[0].tolist()
    ['IBM', 'tick', 'refuse']
    """
    found: list[PriceFinding] = []
    if not isinstance(prices, Prices):
        prices, found = _read_in_spite(prices)
    if tickers is not None:
        named = [tickers] if isinstance(tickers, str) else list(map(str, tickers))
        unknown = [name for name in named if name not in prices.tickers]
        if unknown:
            raise UnknownNameError("tickers", unknown, prices.tickers)
        found = [f for f in found if f.ticker in (*named, "(all)")]
    else:
        named = prices.tickers
    first, last = span(prices)
    for field in ("close", "adj_close"):
        found += price_findings(prices, named, first, last, field)
    found += _volumes(prices, named)
    found += extreme_findings(prices, named, first, last)
    return findings_frame(by_severity(found))


def span(prices: Prices) -> tuple[np.datetime64, np.datetime64]:
    """Return the first and the last day of prices."""
    days = prices.days
    return days[0], days[-1]


def price_findings(
    prices: Prices, tickers: Iterable[str], first: np.datetime64, last: np.datetime64, field: str = "adj_close"
) -> list[PriceFinding]:
    """Return what is found in some columns, on the returns of the days `first` to `last`, both included.

    Parameters
    ----------
    prices : Prices
        The prices; what lies around the days tells the usual size of a move.
    tickers : iterable of str
        Columns; those that are no column are passed over.
    first, last : datetime64[D]
        Days.
    field : {"adj_close", "close"}, optional
        What returns are computed from, or what market caps read.
    """
    frame: pd.DataFrame = getattr(prices, field)
    days, where = prices.days, prices.places
    columns = np.array([where[name] for name in dict.fromkeys(tickers) if name in where], dtype=np.int64)
    lo, hi = max(int(np.searchsorted(days, first)) - 1, 0), int(np.searchsorted(days, last, side="right"))
    if hi - lo < 2 or not len(columns):
        return []
    found: list[PriceFinding] = []
    for k in columns[suspects(frame.to_numpy()[lo:hi], columns)]:
        found += findings_of(_series(prices, field, int(k), days), first, last)
    if prices.adj_close is not prices.close and field == "adj_close":
        found += _dividends(prices, columns, days, lo, hi)
    return found


def extreme_findings(
    prices: Prices,
    tickers: Iterable[str],
    first: np.datetime64,
    last: np.datetime64,
    fields: Sequence[str] = ("open", "high", "low"),
) -> list[PriceFinding]:
    """Return the opens, highs and lows of some columns that are far from the closes, on the days `first` to `last`.

    Parameters
    ----------
    prices, tickers, first, last
        As in `price_findings`.
    fields : sequence of str, optional
        Those to look at; fields that the prices lack are passed over.
    """
    days, where = prices.days, prices.places
    names = [name for name in dict.fromkeys(tickers) if name in where]
    inside = (days >= first) & (days <= last)
    close = prices.close[names].to_numpy(dtype=float)
    given = {name: _field(prices, name, names) for name in ("open", "high", "low")}
    found: list[PriceFinding] = []
    for name, values in given.items():
        if values is not None and name in fields:
            for row, column in np.argwhere((np.abs(values) >= INFINITE) & inside[:, None]):
                cause = f"the {name} is infinite"
                found.append(PriceFinding(names[column], days[row], "infinite", np.nan, cause, REFUSE))
            values[np.abs(values) >= INFINITE] = np.nan
    for name, factor in far_from_closes(close, given["open"], given["high"], given["low"]).items():
        away = np.abs(np.log(factor)) if name in fields else np.zeros_like(factor)
        for row, column in np.argwhere((away > np.log(SPIKE[0])) & inside[:, None]):
            size = float(factor[row, column])
            cause = f"{name} x{size:.4g} against {'the closes' if name == 'open' else 'open and close'}"
            severity = REFUSE if away[row, column] > np.log(SPIKE[1]) else WARN
            what = f"{cause}: a misplaced decimal point, a wrong unit, or a misprint"
            found.append(PriceFinding(names[column], days[row], "extreme", size, what, severity))
    return found


def _field(prices: Prices, name: str, tickers: Sequence[str]) -> FloatArray | None:
    """Return a field beside the closes, (T, S), None if there is none."""
    if name not in prices.extra:
        return None
    columns = prices.extra[name].reindex(columns=list(tickers))
    return np.array(columns.apply(pd.to_numeric, errors="coerce"), dtype=float)


def _series(prices: Prices, field: str, column: int, days: DateArray) -> Series:
    ticker = str(prices.close.columns[column])
    values = getattr(prices, field).to_numpy()[:, column].astype(float)
    volume = prices.extra.get("volume")
    shares = None
    if volume is not None and ticker in volume.columns and len(volume) == len(days):
        shares = pd.to_numeric(volume[ticker], errors="coerce").to_numpy(dtype=float)
    own = _splits_of(prices, ticker)
    return Series.of(ticker, days, values, shares, own)


def _splits_of(prices: Prices, ticker: str) -> tuple[DateArray, FloatArray]:
    if prices.splits is None:
        return np.empty(0, dtype="datetime64[D]"), np.empty(0)
    own = prices.checked_splits[prices.checked_splits["ticker"] == ticker]
    return own["date"].to_numpy().astype("datetime64[D]"), own["ratio"].to_numpy(dtype=float)


def _dividends(prices: Prices, columns: Any, days: DateArray, lo: int, hi: int) -> Iterator[PriceFinding]:
    """Yield steps of the adjusted closes, as a dividend makes them, that the closes do not follow."""
    close, adjusted = (frame.to_numpy()[lo:hi][:, columns] for frame in (prices.close, prices.adj_close))
    factor = adjusted / close
    kept = factor[:-1] / factor[1:]  # 1 - dividend / close before
    if np.fmax.reduce(kept, axis=None) <= 1 + _PAID and np.fmin.reduce(kept, axis=None) >= 1 - _PAID:
        return
    rows, places = np.nonzero(np.abs(kept - 1) > _PAID)
    for row, place in zip(rows, places, strict=True):
        column, at = int(columns[place]), lo + int(row) + 1
        values = prices.close.to_numpy()[:, column]
        with np.errstate(invalid="ignore", divide="ignore"):
            move = np.log(values[1:] / values[:-1])
        around = np.abs(np.concatenate([move[max(at - 1 - _SIDE, 0) : at - 1], move[at : at + _SIDE]]))
        moving = around[around > 0]
        usual = 1.4826 * median(moving) if len(moving) else 0.0
        owed, moved = float(np.log(kept[row, place])), float(move[at - 1])
        if abs(owed) < _SURE * usual or abs(moved - owed) <= abs(moved):
            continue
        rounded = sum(_half_unit(v[max(row - _LEVEL, 0) : row + _LEVEL, place]) for v in (adjusted, close))
        if abs(kept[row, place] - 1) < 2.1 * rounded:
            continue
        paid = 1 - float(kept[row, place])
        what = f"a dividend of {100 * paid:.3g} % of the close before" if paid > 0 else "the adjusted close steps down"
        cause = f"{what}, and the close moves {100 * np.expm1(moved):+.1f} %: a wrong dividend, or its unit"
        size = float(np.exp(moved))
        yield PriceFinding(str(prices.close.columns[column]), days[at], "dividend", size, cause, WARN)


def _half_unit(values: FloatArray) -> float:
    """Return half the last decimal place used, relative to the smallest value: what rounding may do to it."""
    known = values[np.isfinite(values)]
    places = next((d for d in range(7) if np.allclose(known, np.round(known, d), rtol=0, atol=1e-9)), 7)
    return 0.5 * 10.0**-places / float(known.min()) if len(known) else 0.0


def _volumes(prices: Prices, tickers: Iterable[str]) -> Iterator[PriceFinding]:
    """Yield steps of volume at known splits of which the closes, being adjusted, show nothing."""
    if prices.splits is None or "volume" not in prices.extra:
        return
    days = prices.days
    for ticker in tickers:
        split_days, ratios = _splits_of(prices, ticker)
        if not len(split_days):
            continue
        series = _series(prices, "close", prices.places[ticker], days)
        for day, ratio in zip(split_days, ratios, strict=True):
            at, step = int(np.searchsorted(series.day, day)), float(np.log(ratio))
            if series.volume is None or abs(step) < _BASES or not 3 <= at <= len(series.day) - 3:
                continue
            with np.errstate(invalid="ignore", divide="ignore"):
                before, after = series.volume[max(at - 10, 0) : at], series.volume[at : at + 10]
                stepped = float(np.log(np.nanmedian(after) / np.nanmedian(before)))
            if abs(stepped - step) < abs(step) / 2 and abs(float(series.move[at])) < abs(step) / 4:
                what = f"volume steps by x{np.exp(stepped):.3g} at the split of {ratio:g}, and the close does not"
                size = float(np.exp(series.move[at]))
                yield PriceFinding(ticker, series.day[at], "volume_basis", size, f"{what}: one is not adjusted", WARN)


def _named_infinite(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with numbers in place of infinite ones; objects that are no numbers are not compared with any."""
    spelled: dict[Any, float] = {np.inf: INFINITE, -np.inf: -INFINITE}
    if object not in list(frame.dtypes):
        return frame.replace(spelled)

    def named(value: Any) -> Any:
        return spelled.get(value, value) if isinstance(value, (float, np.floating)) else value

    return pd.DataFrame(frame.apply(lambda c: c.map(named) if c.dtype == object else c.replace(spelled)))


def _read_in_spite(frame: Frame) -> tuple[Prices, list[PriceFinding]]:
    """Read a frame without the values that cannot be prices, which are findings."""
    fields, _ = price_fields("prices", _named_infinite(pandas_frame("prices", frame)))
    found: list[PriceFinding] = []
    for name in [name for name in ("close", "adj_close") if name in fields]:
        fields[name], bad = without_impossible(fields[name])
        found += bad
    if "close" in fields and "dividend" in fields:
        fields["dividend"], bad = _without_large_dividends(fields["close"], fields["dividend"])
        found += bad
    adjusted = None if {"close", "adj_close"} <= fields.keys() else "close" not in fields
    fields.setdefault("close", fields["adj_close"] if "adj_close" in fields else pd.DataFrame())
    if adjusted is not None:
        fields.pop("adj_close", None)
    named = {_YFINANCE[name]: values for name, values in fields.items()}
    prices = Prices.from_frame(pd.concat(named, axis=1), adjusted=adjusted)
    days = prices.days
    return prices, found + carried_rows(days, prices.close.to_numpy())


def _without_large_dividends(close: pd.DataFrame, paid: pd.DataFrame) -> tuple[pd.DataFrame, list[PriceFinding]]:
    """Return dividends without those at or above the close before, which are findings."""
    days = session_dates("prices", close.index)
    values = numeric_values("dividend", paid.reindex(columns=close.columns))
    found: list[PriceFinding] = []
    for k, name in enumerate(map(str, close.columns)):
        before = last_known(close.to_numpy(dtype=float)[:, k])
        with np.errstate(invalid="ignore"):
            large = values[:, k] >= before
        for at in np.flatnonzero(large):
            cause = f"a dividend of {values[at, k]:g} on a close before of {before[at]:g}: a wrong unit?"
            found.append(PriceFinding(name, days[at], "dividend", np.nan, cause, REFUSE))
        values[large, k] = 0.0
    return pd.DataFrame(values, index=paid.index, columns=close.columns), found
