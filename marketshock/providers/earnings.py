"""Dates of earnings announcements, in the form in which a study takes its calendar of confounders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from ..catalog.table import event_table
from ..errors import InputError, ProviderError
from ..sessions import NEW_YORK, nyse
from .cache import utc_now
from .collect import CacheLike, kept, raise_or_warn, symbols
from .files import read_events
from .memo import remembered
from .retry import Bound, Retry
from .store import Key, store_of
from .yahoo import Yahoo

_OPENS = dt.time(9, 30)
_MOST = 100  # what Yahoo's page gives at once
_COLUMNS = {"EPS Estimate": "eps_estimate", "Reported EPS": "eps_reported", "Surprise(%)": "surprise_percent"}


def earnings_dates(
    tickers: str | Sequence[str],
    *,
    limit: int = 12,
    cache: CacheLike = True,
    offline: bool = False,
    timeout: float = 10,
    max_time: float | None = 120,
    retry: Retry | None = None,
    session: Any = None,
) -> pd.DataFrame:
    """Return the dates of the last and next earnings announcements from Yahoo Finance.

    Parameters
    ----------
    tickers : str or sequence of str
        As Yahoo writes them.
    limit : int
        Announcements per ticker, 1 to 100, the next ones included.
    cache, offline, timeout, max_time, retry, session
        As in `yahoo`. An answer is kept for a day; offline its age does not matter.

    Returns
    -------
    DataFrame
        ``study.confounders(calendar=...)`` takes it as it is. Columns event_id, ticker, date (timestamp in New York),
        announced ("before_open", "during", "after_close"; "unknown" where Yahoo gives midnight, which is mapped like a
        date without a time), title, kind, eps_estimate, eps_reported (USD a share) and surprise_percent, NaN where not
        known. Yahoo gives full hours, and for announcements to come an expectation. ``attrs["failed"]`` names the
        tickers that are missing.

    Raises
    ------
    ProviderError
        If no ticker has any (of single ones a `PartialDataWarning` tells): `NoData` for a fund, an index or an unknown
        symbol; the others as `yahoo`.
    """
    if not 1 <= limit <= _MOST:
        raise InputError("limit", f"got {limit!r}", f"give 1 to {_MOST}")
    store, bound, now = store_of(cache), Bound(max_time), utc_now()
    source = Yahoo(session=session, timeout=timeout, retry=retry)
    rows: list[dict[str, Any]] = []
    failed: dict[str, ProviderError] = {}
    for ticker in symbols(tickers):

        def ask(ticker: str = ticker) -> list[dict[str, Any]]:
            with source.asking(bound):
                return _plain(source.earnings(ticker, limit, bound))

        key = Key("yahoo", f"earnings{limit}", ticker)
        with kept(failed, ticker):
            answer = remembered(store, key, ask, offline=offline, now=now, bound=bound)
            rows += [{"ticker": ticker, **row, "date": pd.Timestamp(row["date"]).tz_convert("UTC")} for row in answer]
    raise_or_warn(failed, bool(rows), "attrs['failed']")
    frame = pd.DataFrame(rows)
    frame["date"] = frame["date"].dt.tz_convert(NEW_YORK)
    frame = _in_form(frame.assign(announced=[_announced(when) for when in frame["date"]]))
    frame.attrs["failed"] = {name: error.words for name, error in failed.items()}
    return frame


def read_earnings(path: str | Path) -> pd.DataFrame:
    """Read earnings dates from a CSV or Parquet file, in the form that ``study.confounders(calendar=...)`` takes.

    Parameters
    ----------
    path : str or Path
        Columns ticker and date (a date, or a timestamp with its zone); optionally timing ("before_open", "during",
        "after_close") beside a date, event_id, title and kind.

    Returns
    -------
    DataFrame
        With event_id, title and kind filled where they were missing; other columns as they are.

    Raises
    ------
    InputError
        If the file or an entry cannot be read.
    """
    frame = read_events(path)
    event_table(frame, None)  # its dates, ids and words are checked where all events' are
    return _in_form(frame)


def _in_form(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.reset_index(drop=True)
    if "event_id" not in frame.columns:
        days = frame["date"].astype(str).str.slice(0, 10)
        frame.insert(0, "event_id", frame["ticker"].astype(str) + "-earnings-" + days)
    for name, words in (("title", "quarterly results"), ("kind", "earnings")):
        if name not in frame.columns:
            frame[name] = words
    return frame


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return yfinance's frame as plain data with UTC timestamps, each date once."""
    frame = frame[frame.index.notna() & ~frame.index.duplicated()]
    values = frame.reindex(columns=list(_COLUMNS)).apply(pd.to_numeric, errors="coerce")
    return [
        {"date": when.tz_convert("UTC").isoformat(), **{new: _number(row[old]) for old, new in _COLUMNS.items()}}
        for when, (_, row) in zip(frame.index, values.iterrows(), strict=True)
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _announced(when: pd.Timestamp) -> str:
    local = when.astimezone(ZoneInfo(NEW_YORK))
    if local.time() == dt.time(0):
        return "unknown"
    if local.time() < _OPENS:
        return "before_open"
    table = nyse()
    at = int(np.searchsorted(table.days, np.datetime64(local.date())))
    assert table.closes is not None
    utc = np.datetime64(when.tz_convert("UTC").tz_localize(None))
    same = at < len(table.days) and table.days[at] == np.datetime64(local.date())
    return "during" if same and utc < table.closes[at] else "after_close"
