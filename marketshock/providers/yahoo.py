"""Yahoo Finance through yfinance, on bad days too. The only importer of yfinance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .._typing import BoolArray, FloatArray
from ..errors import BadData, InputError, NoData, check_choice
from .answers import silence
from .bars import DAILY, FIELDS, Bars, last_known
from .cache import utc_now
from .checks import ERROR, FINDINGS, NOTE, WARNING, Finding, check_bars
from .retry import Asker, Bound, Retry
from .yahoo_answer import Chart, chart_of, symbol_of_counts
from .yahoo_client import REMEDY, Client, classified, turn

T = TypeVar("T")

#: For how many days Yahoo keeps intraday bars, and how many it gives at once. Daily bars have no limit.
INTRADAY = {
    "1m": (29, 7),
    "2m": (59, 59),
    "5m": (59, 59),
    "15m": (59, 59),
    "30m": (59, 59),
    "60m": (729, 729),
    "90m": (59, 59),
    "1h": (729, 729),
}

_COLUMNS = ("Open", "High", "Low", "Close", "Volume", "Dividends", "Stock Splits")
_LATE = dt.timedelta(minutes=20)  # after the close, by which the last bar is the official one


class Yahoo:
    """A source of bars, share counts and earnings dates, asked within ``with source.asking(bound)``.

    There, yfinance raises instead of returning empty frames, forgets its memo before each request (it would replay a
    broken answer for ever), and prints nothing; everything is put back afterwards.

    Parameters
    ----------
    interval : str
        "1d", or an intraday interval of `INTRADAY`.
    session : curl_cffi or requests session, optional
        Handed to yfinance. By default one whose every request ends before the total time bound; with a session of the
        caller the bound holds between requests.
    timeout : float
        Seconds for one request.
    retry : Retry, optional
        How often and after how long a wait a request is repeated.
    tolerate : tuple of str
        Names of findings (`marketshock.providers.checks.FINDINGS`) that do not refuse a series.
    now : callable
        The time in UTC; for tests.
    """

    name = "yahoo"

    def __init__(
        self,
        interval: str = DAILY,
        *,
        session: Any = None,
        timeout: float = 10,
        retry: Retry | None = None,
        tolerate: tuple[str, ...] = (),
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        check_choice("interval", interval, (DAILY, *INTRADAY))
        for name in tolerate:
            check_choice("tolerate", name, FINDINGS)
        if not isinstance(timeout, (int, float)) or not timeout > 0:
            raise InputError("timeout", f"got {timeout!r}", "give seconds")
        self.interval = "60m" if interval == "1h" else interval
        self._given, self._timeout, self._retry = session, timeout, retry or Retry()
        self._tolerate, self._now = tolerate, now
        self._client: Client | None = None

    @contextmanager
    def asking(self, bound: Bound) -> Iterator[None]:
        """Hold yfinance while questions are asked; see `turn`."""
        with turn(self._given, bound) as self._client:
            try:
                yield
            finally:
                self._client = None

    @property
    def earliest(self) -> dt.date:
        """The first day Yahoo still has bars of this interval for."""
        if self.interval == DAILY:
            return dt.date.min
        return self._now().date() - dt.timedelta(days=INTRADAY[self.interval][0])

    def bars(self, symbol: str, first: dt.date, last: dt.date, bound: Bound) -> Bars:
        """Return bars of at least the days [first, last), with what was found wrong or odd in ``about["findings"]``.

        Daily bars are fetched up to now, whatever `last` is: the closes are adjusted for every split until today, and
        only the history until today says which. Days from the first error on that is not tolerated are not `covered`.
        Raises `RateLimited`, `Unavailable`, `NoData`, `BadData`.
        """
        if self.interval == DAILY:
            tomorrow = self._now().date() + dt.timedelta(days=2)  # in every zone
            frame, chart = self._history(symbol, first, tomorrow, self._asked(first, last), bound)
        else:
            frame, chart = self._intraday(symbol, first, last, bound)
        with classified(symbol, self._asked(first, last), self._asked_now()):
            return self._judged(symbol, frame, chart, first, last)

    def _judged(self, symbol: str, frame: pd.DataFrame, chart: Chart, first: dt.date, last: dt.date) -> Bars:
        """Return bars with what was found, covered up to the first error."""
        bars, adjusted, left = self._read(symbol, frame, chart.meta, (first, last))
        if len(bars) and not np.isfinite(bars["close"]).any():  # the cache would remember that there is none
            raise BadData(symbol, self._asked(first, last), f"{len(bars)} bars, none with a close", "try again later")
        if adjusted is not None and not chart.is_adjusted:  # yfinance writes the closes
            adjusted = np.full_like(adjusted, np.nan)
        ratios = frame["Stock Splits"].to_numpy(dtype=np.float64)
        listed = frame["Stock Splits"][np.isfinite(ratios) & (ratios > 0)]
        splits = [(str(when)[:10], float(ratio)) for when, ratio in listed.items()]  # of unfinished days too
        found = [*chart.found, *check_bars(bars, adjusted), *left, *silence(bars, self._now())]
        bad = [f for f in found if f.severity == ERROR and f.name not in self._tolerate]
        # What is wrong must not enter the cache: the days from there on are not covered. Who asked for them refuses.
        wrong = min((f.days[0] if f.days else str(first) for f in bad), default=str(bars.covered[1]))
        values = bars.values
        values[np.isinf(values)] = np.nan  # each told in a finding of its own
        traded = values[:, :4]
        traded[traded <= 0] = np.nan
        values[values[:, FIELDS.index("volume")] < 0, FIELDS.index("volume")] = np.nan
        last = max(first, min(bars.covered[1], dt.date.fromisoformat(wrong)))
        later = [[day, ratio] for day, ratio in splits if day >= str(last)]
        about = {**bars.about, "findings": [f.to_dict() for f in found], "later_splits": later}
        return replace(bars, covered=(first, last), about=about)

    def share_counts(self, symbol: str, first: dt.date, last: dt.date, bound: Bound) -> pd.Series:
        """Return counts of shares as reported, by the vendor's date: unsorted, with duplicates, not split-adjusted."""
        asked = f"share counts of {first} to {last}"

        def ask() -> pd.Series:
            counts = self._ticker(symbol).get_shares_full(start=first, end=last)
            if counts is None or counts.empty:
                raise NoData(symbol, asked, "Yahoo has none", "check the symbol, or take counts from filings")
            counts = pd.Series(counts).astype(np.float64)
            if other := symbol_of_counts(self._last(), symbol):
                raise BadData(symbol, asked, f"the answer is of {other}", "try again later")
            if np.isinf(counts).any():
                raise BadData(symbol, asked, "an infinite count", "try again later, or take counts from filings")
            return counts

        return self._ask(symbol, asked, ask, bound)

    def earnings(self, symbol: str, limit: int, bound: Bound) -> pd.DataFrame:
        """Return the dates of the last and next announcements, newest first, as yfinance gives them."""
        asked = f"the last {limit} earnings dates"

        def ask() -> pd.DataFrame:
            frame = self._ticker(symbol).get_earnings_dates(limit=limit)
            if frame is None or frame.empty:
                raise NoData(symbol, asked, "Yahoo has none", "check the symbol; indices and funds have no earnings")
            return pd.DataFrame(frame)

        return self._ask(symbol, asked, ask, bound)

    def _history(
        self, symbol: str, first: dt.date, last: dt.date, asked: str, bound: Bound
    ) -> tuple[pd.DataFrame, Chart]:
        def ask() -> tuple[pd.DataFrame, Chart]:
            ticker = self._ticker(symbol)
            frame = ticker.history(
                start=first,
                end=last,
                interval=self.interval,
                auto_adjust=False,
                actions=True,
                keepna=True,
                timeout=min(self._timeout, max(bound.remaining(), 0.01)),
            )
            if frame.empty:
                nothing = NoData(symbol, asked, "an empty frame", REMEDY)
                nothing.believed = False
                raise nothing
            try:
                chart = chart_of(self._last(), ticker.ticker)  # of an ISIN the symbol that yfinance found for it
            except ValueError as error:
                raise BadData(symbol, asked, f"odd metadata: {error}", "try again later") from error
            came = chart.meta["dataGranularity"] or self.interval
            if came not in (self.interval, _GRANULARITY.get(self.interval)):
                raise BadData(symbol, asked, f"bars of {came}", "ask for another interval")
            return frame, chart

        return self._ask(symbol, asked, ask, bound)

    def _intraday(self, symbol: str, first: dt.date, last: dt.date, bound: Bound) -> tuple[pd.DataFrame, Chart]:
        kept, at_once = INTRADAY[self.interval]
        if first < self.earliest:
            came = f"Yahoo keeps {self.interval} bars for {kept + 1} days, so from {self.earliest} on"
            raise NoData(symbol, self._asked(first, last), came, "ask for a later start or a longer interval")
        pieces: list[pd.DataFrame] = []
        charts: list[Chart] = []
        start = first
        while start < last:
            stop = min(start + dt.timedelta(days=at_once), last)
            try:
                frame, chart = self._history(symbol, start, stop, self._asked(start, stop), bound)
                pieces.append(frame)
                charts.append(chart)
            except NoData:
                if np.busday_count(start, stop) > 1:  # one day may be a holiday, a longer piece is a bad answer
                    raise
            start = stop
        if not pieces:
            raise NoData(symbol, self._asked(first, last), "no bars in any piece", REMEDY)
        for name in ("symbol", "currency", "exchangeTimezoneName"):
            said = list(dict.fromkeys(str(chart.meta[name]) for chart in charts))
            if len(said) > 1:
                raise BadData(symbol, self._asked(first, last), f"pieces of {' and '.join(said)}", "try again later")
        frame = pd.concat(pieces)
        # 30m: nights are resampled too
        return frame[frame[["Open", "High", "Low", "Close"]].notna().any(axis=1)], charts[-1]

    def _read(
        self, symbol: str, frame: pd.DataFrame, meta: Mapping[str, Any], asked: tuple[dt.date, dt.date]
    ) -> tuple[Bars, FloatArray | None, list[Finding]]:
        """Return bars, the vendor's adjusted close, and a note where an unfinished bar was left out."""
        missing = [c for c in (*_COLUMNS, "Adj Close") if c not in frame.columns]
        if missing or not isinstance(frame.index, pd.DatetimeIndex):
            raise BadData(symbol, self._asked(*asked), f"no columns {missing}", "update yfinance")
        zone = str(meta.get("exchangeTimezoneName") or frame.index.tz)
        day = frame.index.tz_localize(None).to_numpy().astype("datetime64[D]")
        utc = frame.index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")
        values = frame[list(_COLUMNS)].to_numpy(dtype=np.float64, copy=True)
        gains = _own_gains(frame, values)
        values[:, FIELDS.index("dividend")] += gains
        values[np.isnan(values[:, FIELDS.index("close")]), FIELDS.index("volume")] = np.nan  # yfinance writes 0
        today = self._now().astimezone(ZoneInfo(zone)).date()
        last = today if self.interval == DAILY else min(asked[1], today)
        bars = Bars(
            symbol,
            day,
            day.astype("datetime64[s]") if self.interval == DAILY else utc,
            values,
            (asked[0], max(last, asked[0])),
            self._about(meta, zone),
        )
        owed = (day >= np.datetime64(asked[0])) & ((day < np.datetime64(asked[1])) | (self.interval == DAILY))
        if not owed.any():
            what = f"bars of {day.min()} to {day.max()}, days that were not asked for"
            raise BadData(symbol, self._asked(*asked), what, "try again later")
        keep = self._over(bars, today, meta)
        paid = tuple(str(d) for d in day[gains > 0])
        twice = "capital gains added to the dividends, which Yahoo may have done already: the return may be too high"
        left = [Finding("capital_gains", WARNING, twice, paid)] if paid else []
        if not owed.all():
            shown = f"{(~owed).sum()} bars of days that were not asked for left out, such as {day[~owed][0]}"
            left.append(Finding("other_days", WARNING, shown))
        if not keep[owed].all():
            left.append(Finding("unfinished", NOTE, "bar of a day not over left out", (str(today),)))
        keep &= owed
        adjusted = frame["Adj Close"].to_numpy(dtype=np.float64)[keep] if self.interval == DAILY else None
        return bars.where(keep), adjusted, left

    def _about(self, meta: Mapping[str, Any], zone: str) -> dict[str, Any]:
        import yfinance

        listed = meta["firstTradeDate"]
        return {
            "source": f"Yahoo Finance through yfinance {yfinance.__version__}",
            "fetched": self._now().isoformat(timespec="seconds"),
            "interval": self.interval,
            "currency": meta.get("currency"),
            "instrument": meta.get("instrumentType"),
            "exchange": meta.get("fullExchangeName") or meta.get("exchangeName"),
            "timezone": zone,
            "first_trade": str(listed.astimezone(ZoneInfo(zone)).date()) if listed else None,
        }

    def _over(self, bars: Bars, today: dt.date, meta: Mapping[str, Any]) -> BoolArray:
        """Return which bars are finished: today's daily bar is once the regular session is over."""
        if self.interval != DAILY:
            length = np.timedelta64(int(self.interval.rstrip("m")) * 60, "s")
            return np.asarray(bars.time + length <= np.datetime64(self._now().replace(tzinfo=None), "s"))
        end = meta["currentTradingPeriod"]["regular"]["end"]
        of_today = end is not None and end.astimezone(ZoneInfo(bars.about["timezone"])).date() == today
        closed = of_today and end is not None and self._now() >= end + _LATE
        return np.asarray((bars.day < np.datetime64(today)) | closed)

    def _asked(self, first: dt.date, last: dt.date) -> str:
        return f"{self.interval} bars of {first} to {last - dt.timedelta(days=1)}"

    def _ticker(self, symbol: str) -> Any:
        import yfinance
        from yfinance.data import YfData

        YfData.cache_get.cache_clear()
        return yfinance.Ticker(symbol, session=self._asked_now().session)

    def _asked_now(self) -> Client:
        if self._client is None:
            raise RuntimeError("ask within a context: with source.asking(bound)")
        return self._client

    def _last(self) -> bytes:
        """Return the body of this thread's last response."""
        last = self._asked_now().last()
        return last.body if last else b""

    def _ask(self, symbol: str, asked: str, request: Callable[[], T], bound: Bound) -> T:
        client = self._asked_now()

        def once() -> T:
            with classified(symbol, asked, client):
                return request()

        return Asker(self._retry, bound).ask(symbol, asked, once)


_GRANULARITY = {"30m": "15m", "60m": "1h"}  # 30m is made from 15m; Yahoo writes 60m so


def _own_gains(frame: pd.DataFrame, values: FloatArray) -> FloatArray:
    """Return the capital gains that are not in the dividends already: Yahoo sends some twice, and its adjusted close
    tells which.
    """
    gains = frame.get("Capital Gains", pd.Series(0.0, frame.index)).fillna(0).to_numpy(dtype=np.float64, copy=True)
    close, dividend = values[:, FIELDS.index("close")], values[:, FIELDS.index("dividend")]
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = frame["Adj Close"].to_numpy(dtype=np.float64) / close
        step = last_known(factor) / factor
        alone = np.abs(step - (1 - dividend / last_known(close))) < 1e-3
    return np.asarray(np.where(alone & (dividend >= gains), 0.0, gains))
