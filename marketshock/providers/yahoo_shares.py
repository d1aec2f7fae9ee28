"""Share counts from Yahoo Finance: a vendor's, cleaned, without filing dates."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ..catalog.classes import SHARE_CLASSES
from ..errors import InputError, PriceWarning, ProviderError, twice
from .collect import CacheLike, Day, Fetching, collect, days_of, kept, raise_or_warn, symbols
from .fetch import splits_of
from .memo import remembered
from .retry import Bound, Retry
from .shares import SharesTable, joined
from .store import Key, store_of
from .vendor_shares import vendor_counts
from .yahoo import Yahoo

_EARLIEST = dt.date(1990, 1, 1)


def yahoo_share_counts(
    tickers: str | Sequence[str],
    start: Day,
    end: Day | None = None,
    *,
    cache: CacheLike = True,
    offline: bool = False,
    timeout: float = 10,
    max_time: float | None = 300,
    retry: Retry | None = None,
    session: Any = None,
) -> SharesTable:
    """Return share counts from Yahoo Finance, with the splits of its prices taken into account.

    These are a vendor's: nobody says when a count became known, or which classes it holds. `market_cap_change` takes
    the last one dated before the event, and warns (`ShareCountWarning`). Counts of filings (`sec_share_counts`,
    `share_counts`) are better where there are any.

    Parameters
    ----------
    tickers : str or sequence of str
        As Yahoo writes them; one class a firm.
    start, end : str or date
        First and last day, both included; without `end`, the last day that is over in New York.
    cache, offline, timeout, max_time, retry, session
        As in `yahoo`; counts are kept for a day, offline their age does not matter.

    Returns
    -------
    SharesTable
        Basis "vendor", `filed` NaT. ``notes`` names every count that was left out, chosen among several of one day, or
        put into other units around a split, and every ticker that is missing.

    Raises
    ------
    ProviderError, InputError
        As `yahoo`; an error too if two tickers are classes of one firm.
    """
    source = Yahoo(session=session, timeout=timeout, retry=retry)
    return _share_counts(source, tickers, start, end, Fetching(cache, offline, max_time=max_time, progress=False))


def _share_counts(
    source: Yahoo, tickers: str | Sequence[str], start: Day, end: Day | None, how: Fetching
) -> SharesTable:
    """Return the counts from a source, at the time of `how`."""
    names, span = symbols(tickers), days_of(start, end, how.now())
    firms = [SHARE_CLASSES.get(name, name) for name in names]
    if (again := twice(firms)) is not None:
        second = [name for name, firm in zip(names, firms, strict=True) if firm == again][1]
        raise InputError("tickers", f"{second} is another class of a firm already named", "name one class a firm")
    bound, store = Bound(how.max_time), store_of(how.cache)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PriceWarning)  # of the prices only the splits are read
        # Offline whatever is held from the first day on will do: the splits in it are those that were known.
        asked = (span[0], span[0] + dt.timedelta(days=1)) if how.offline else span
        got, about = collect(source, names, asked, how, bound)
    splits = splits_of(got, span[0])
    tables: list[SharesTable] = []
    failed: dict[str, ProviderError] = {}
    for name in got:  # without prices the splits of a count are not known

        def ask(name: str = name) -> list[list[Any]]:
            with source.asking(bound):
                counts = source.share_counts(name, _EARLIEST, how.now().date() + dt.timedelta(days=1), bound)
            known = counts.dropna()
            return [[str(when.date()), float(count)] for when, count in known.items()]  # type: ignore[attr-defined]

        with kept(failed, name):
            rows = remembered(store, Key("yahoo", "shares", name), ask, offline=how.offline, now=how.now(), bound=bound)
            rows = [(day, count) for day, count in rows if str(span[0]) <= day < str(span[1])]
            series = pd.Series([count for _, count in rows], index=pd.DatetimeIndex([day for day, _ in rows]))
            own = splits[splits["ticker"] == name].drop(columns="ticker")
            tables.append(vendor_counts(name, series, own, "Yahoo Finance"))
    raise_or_warn(failed, bool(tables), "notes")
    table, missing = joined(tables), {**about["failed"], **{name: error.words for name, error in failed.items()}}
    return replace(table, notes=(*table.notes, *(f"missing: {told}" for told in missing.values())))
