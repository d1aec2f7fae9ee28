"""Prices and intraday bars of many securities, checked and cached."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._typing import DateArray, FloatArray
from ..errors import InputError
from .bars import DAILY, FIELDS, Bars, Source, adjusted_close
from .base import Prices
from .cache import utc_now
from .collect import CacheLike, Day, Fetching, OnFailure, collect, days_of, symbols
from .retry import Retry
from .total_return import OF_DIVIDENDS
from .yahoo import Yahoo

_ADJUSTMENT = "adj_close is close x the product of 1 - dividend / close before over later ex-days, to the last row"
_RETURNS = {"returns_from": "close and dividend", "ex_days": OF_DIVIDENDS}


def yahoo(
    tickers: str | Sequence[str],
    start: Day,
    end: Day | None = None,
    *,
    cache: CacheLike = True,
    offline: bool = False,
    tolerate: Sequence[str] = (),
    on_failure: OnFailure = "warn",
    workers: int = 4,
    timeout: float = 10,
    max_time: float | None = 300,
    retry: Retry | None = None,
    progress: bool = True,
    session: Any = None,
) -> Prices:
    """Fetch daily prices from Yahoo Finance, checked and cached.

    Parameters
    ----------
    tickers : str or sequence of str
        As Yahoo writes them: "BRK-B", "^GSPC". They become upper case.
    start, end : str or date
        First and last day, both included (yfinance itself leaves the end out). Without `end`, the last day that is over
        in New York.
    cache : bool, str, Path or Store
        True is the platform's cache folder, False keeps nothing, a path is a folder.
    offline : bool
        Open no connection; what the cache does not hold is an `OfflineMiss`.
    tolerate : sequence of str
        Findings that do not refuse a series: "spike", "adjustment", "closed_day", ...
    on_failure : {"warn", "raise"}
        What to do if some of several symbols fail: return the others with a `PartialDataWarning`, or raise. If all fail
        it is always an error.
    workers : int
        Symbols asked at the same time.
    timeout : float
        Seconds for one request.
    max_time : float or None
        Seconds for the whole call with all its retries; None is without bound.
    retry : Retry, optional
        How often and after how long a wait a request is repeated.
    progress : bool
        Show a bar if it takes longer than a second (in a terminal or notebook).
    session : curl_cffi or requests session, optional
        Handed to yfinance instead of one of its own kind, for a proxy or certificates of your own.

    Returns
    -------
    Prices
        ``close`` is adjusted for splits up to today, ``adj_close`` for dividends too: computed here from the dividends,
        after the vendor's own adjustment was held against them; a `PriceWarning` names the days on which it sent none.
        Returns are computed from closes and dividends (see
        `Prices.reinvested`). ``extra`` has open, high, low, volume (shares) and dividend. ``splits`` lists every split
        since `start`. ``provenance`` has, for each ticker, when it was fetched, the SHA-256 of its figures, its
        currency and what the checks found; ``failed`` names the symbols that are missing. A bar of a day that is not
        over is left out, and said so.

    Raises
    ------
    ProviderError
        `RateLimited`, `Unavailable`, `NoData`, `BadData` or `OfflineMiss`: the symbol, what was asked, what came, and
        what to do.
    InputError
        If an argument is not usable.

    Notes
    -----
    yfinance keeps one session, configuration and memo per process. Calls from several threads take turns; other uses of
    yfinance in the same process see its errors raised while a call runs.
    """
    source = Yahoo(session=session, timeout=timeout, retry=retry, tolerate=tuple(tolerate))
    return _prices(
        source, tickers, start, end, Fetching(cache, offline, tolerate, on_failure, workers, max_time, progress)
    )


def fetch_prices(
    source: Source,
    tickers: str | Sequence[str],
    start: Day,
    end: Day | None = None,
    *,
    cache: CacheLike = True,
    offline: bool = False,
    tolerate: Sequence[str] = (),
    on_failure: OnFailure = "warn",
    workers: int = 4,
    max_time: float | None = 300,
    progress: bool = True,
    now: Callable[[], dt.datetime] = utc_now,
) -> Prices:
    """Fetch daily prices from any source through the cache; see `yahoo` for the arguments.

    Parameters
    ----------
    source : Source
        Anything with `name`, `interval`, `earliest`, ``bars(symbol, first, last, bound)`` that returns
        `marketshock.providers.bars.Bars`, and ``asking(bound)``, a context around the calls of it.
    tickers, start, end, cache, offline, tolerate, on_failure, workers, max_time, progress
        As in `yahoo`.
    now : callable
        The time in UTC, by which a day is over and an answer is old: that of the source, if it has one of its own.

    Returns
    -------
    Prices
    """
    how = Fetching(cache, offline, tolerate, on_failure, workers, max_time, progress, now)
    return _prices(source, tickers, start, end, how)


def yahoo_intraday(
    tickers: str | Sequence[str],
    start: Day,
    end: Day | None = None,
    interval: str = "5m",
    *,
    cache: CacheLike = True,
    offline: bool = False,
    tolerate: Sequence[str] = (),
    on_failure: OnFailure = "warn",
    workers: int = 4,
    timeout: float = 10,
    max_time: float | None = 300,
    retry: Retry | None = None,
    progress: bool = True,
    session: Any = None,
) -> pd.DataFrame:
    """Fetch bars within the day from Yahoo Finance, checked and cached.

    Parameters
    ----------
    tickers, cache, offline, tolerate, on_failure, workers, timeout, max_time, retry, progress, session
        As in `yahoo`.
    start, end : str or date
        First and last day, both included.
    interval : str
        "1m" (Yahoo keeps 30 days), "2m", "5m", "15m", "30m", "90m" (60 days), "60m" or "1h" (730 days). What the cache
        holds stays there when Yahoo has forgotten it.

    Returns
    -------
    DataFrame
        Rows are the starts of the bars in UTC (index "time"); columns are (field, ticker): open, high, low, close in
        the quote currency and volume in shares, of the regular session, adjusted for splits and not for dividends.
        ``attrs`` has the provenance.

    Raises
    ------
    ProviderError, InputError
        As `yahoo`; `NoData` if the interval does not reach back to `start`.
    """
    source = Yahoo(interval, session=session, timeout=timeout, retry=retry, tolerate=tuple(tolerate))
    how = Fetching(cache, offline, tolerate, on_failure, workers, max_time, progress)
    return _intraday(source, tickers, start, end, how)


def _intraday(source: Source, tickers: str | Sequence[str], start: Day, end: Day | None, how: Fetching) -> pd.DataFrame:
    if source.interval == DAILY:
        raise InputError("interval", "got '1d'", "daily bars come from yahoo()")
    span = days_of(start, end, how.now(), today=True)
    got, provenance = collect(source, symbols(tickers), span, how)
    shown = {name: bars.between(*span) for name, bars in got.items()}
    times = np.unique(np.concatenate([bars.time for bars in shown.values()]))
    index = pd.DatetimeIndex(times.astype("datetime64[ns]"), name="time").tz_localize("UTC")
    blocks = {(f, name): _spread(bars.time, bars[f], times) for f in FIELDS[:5] for name, bars in shown.items()}
    frame = pd.DataFrame(blocks, index=index)
    frame.columns.names = ["field", "ticker"]
    frame.attrs.update(provenance)
    return frame


def _prices(source: Source, tickers: str | Sequence[str], start: Day, end: Day | None, how: Fetching) -> Prices:
    if source.interval != DAILY:
        raise InputError("interval", f"got {source.interval!r}", "prices are daily; use yahoo_intraday")
    span = days_of(start, end, how.now())
    got, provenance = collect(source, symbols(tickers), span, how)
    shown = {name: bars.between(*span) for name, bars in got.items()}
    days = np.unique(np.concatenate([bars.day for bars in shown.values()]))
    index = pd.DatetimeIndex(days.astype("datetime64[ns]"), name="date")

    def wide(field: Callable[[Bars], Any]) -> pd.DataFrame:
        block = np.column_stack([_spread(bars.day, field(bars), days) for bars in shown.values()])
        return pd.DataFrame(block, index=index, columns=list(shown))

    extra = {name: wide(lambda b, name=name: b[name]) for name in ("open", "high", "low", "volume", "dividend")}  # type: ignore[misc]
    return Prices(
        wide(lambda b: b["close"]),
        wide(lambda b: adjusted_close(b["close"], b["dividend"])),
        extra,
        {**_RETURNS, "adjustment": _ADJUSTMENT, "splits_since": str(span[0]), **provenance},
        splits_of(got, span[0]),
    )


def _spread(at: DateArray, values: FloatArray, on: DateArray) -> FloatArray:
    if len(at) == len(on):  # all of `at` are in `on`, each once
        return values
    out = np.full(len(on), np.nan)
    out[np.searchsorted(on, at)] = values
    return out


def splits_of(got: Mapping[str, Bars], since: dt.date) -> pd.DataFrame:
    """Return every split known since a day, those after the span too: the closes are adjusted for them."""
    rows = []
    for name, bars in got.items():
        at = np.flatnonzero(bars["split"] > 0)
        known = {str(day): float(ratio) for day, ratio in zip(bars.day[at], bars["split"][at], strict=True)}
        known |= {day: float(ratio) for day, ratio in bars.about.get("later_splits", [])}
        rows += [(name, pd.Timestamp(day), known[day]) for day in sorted(known) if day >= str(since)]
    return pd.DataFrame(rows, columns=["ticker", "date", "ratio"]).astype({"date": "datetime64[ns]", "ratio": float})


def long_frame(got: Prices | pd.DataFrame) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the provenance, and the figures with one row per ticker and day (or bar), as ``read_prices`` reads them.

    Rows without any figure (a day on which only other tickers traded) are left out. Splits after the last day have no
    row; who reads the figures again knows of splits until that day only.
    """
    if isinstance(got, Prices):
        fields = {"close": got.close, "adj_close": got.adj_close, **got.extra}
        if got.splits is not None:
            ratio = got.splits.pivot(index="date", columns="ticker", values="ratio")
            ratio = ratio.reindex(index=got.close.index, columns=got.close.columns)
            fields["split"] = ratio.where(ratio.notna() | got.close.isna(), 0.0).astype(float)
        wide, about = pd.concat(fields, axis=1, names=["field", "ticker"]), dict(got.provenance)
    else:
        wide, about = got, {str(name): value for name, value in got.attrs.items()}
    long = wide.stack("ticker", future_stack=True).dropna(how="all")  # noqa: PD013 - melt knows one value column
    return about, long.swaplevel().sort_index().reset_index().rename_axis(columns=None)
