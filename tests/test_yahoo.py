"""The real yfinance against the loopback server: every fault gives its error, or the right figures."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import (
    BadData,
    InputError,
    NoData,
    OfflineMiss,
    PartialDataWarning,
    PriceWarning,
    RateLimited,
    Unavailable,
)
from marketshock.providers.fetch import Fetching, _intraday, _prices
from marketshock.providers.retry import Bound, Retry
from marketshock.providers.store import Key, Store
from marketshock.providers.yahoo import Yahoo

from .loopback.client import make_certificate, requests_session
from .loopback.panel import NEW_YORK

START, END = "2025-01-02", "2025-01-31"
SESSIONS = 20  # of that month: closed on the 9th and the 20th
RECORDED = Path(__file__).parents[2] / "shared" / "yahoo_loopback" / "recorded"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def fetch(yahoo, folder):
    """Fetch as ``ms.yahoo`` does, at the server's time, with waits that do not hurt."""

    def run(tickers, start=START, end=END, *, timeout=5.0, attempts=4, tolerate=(), retry=None, **more):
        now = lambda: dt.datetime.fromtimestamp(yahoo.now(), dt.UTC)  # noqa: E731
        retry = retry or Retry(attempts, 0.001, 0.002, 0.01)
        source = Yahoo(session=yahoo.session, now=now, timeout=timeout, retry=retry, tolerate=tuple(tolerate))
        more = {"cache": folder, "progress": False} | more
        return _prices(source, tickers, start, end, Fetching(tolerate=tolerate, now=now, **more))

    return run


def held(folder, symbol):
    return Store(folder).read(Key("yahoo", "1d", symbol))


class TestGoodDays:
    def test_the_figures_are_the_server_s(self, yahoo, fetch):
        prices = fetch(["NVDA", "^GSPC"])
        served = yahoo.universe["NVDA"]
        at = [i for i, day in enumerate(served.dates) if START <= str(day) <= END]
        assert list(prices.close.columns) == ["NVDA", "^GSPC"]
        np.testing.assert_array_equal(prices.close["NVDA"], served.close[at])
        np.testing.assert_array_equal(prices.extra["high"]["NVDA"], served.high[at])
        np.testing.assert_array_equal(prices.extra["volume"]["NVDA"], served.volume[at])
        assert [str(d.date()) for d in prices.dates] == [str(served.dates[i]) for i in at]
        assert (len(prices.dates), str(prices.dates.dtype)) == (SESSIONS, "datetime64[ns]")
        assert prices.close.loc["2025-01-27", "NVDA"] == 118.42

    def test_own_adjustment_is_the_vendor_s_up_to_its_anchor(self, yahoo, fetch):
        prices = fetch("AAPL", "2024-07-01", "2025-03-31")
        served = yahoo.universe["AAPL"]
        at = [i for i, day in enumerate(served.dates) if day >= dt.date(2024, 7, 1)]
        np.testing.assert_allclose(prices.adj_close["AAPL"], served.adjclose[at], rtol=1e-12)
        assert prices.adj_close["AAPL"].iloc[-1] == prices.close["AAPL"].iloc[-1]

    def test_the_adjustment_does_not_depend_on_what_else_the_cache_holds(self, fetch):
        before = fetch("AAPL", "2024-07-01", "2024-09-30").adj_close
        fetch("AAPL", "2024-01-02", "2025-03-31")
        pd.testing.assert_frame_equal(fetch("AAPL", "2024-07-01", "2024-09-30").adj_close, before)

    def test_splits_after_the_last_day_are_listed(self, fetch):
        prices = fetch("NVDA", "2024-03-01", "2024-05-31")
        assert prices.splits.to_dict("records") == [
            {"ticker": "NVDA", "date": pd.Timestamp("2024-06-10"), "ratio": 10.0}
        ]
        assert prices.close["NVDA"].pct_change(fill_method=None).abs().max() < 0.2

    def test_split_and_dividend_in_range(self, fetch):
        prices = fetch("NVDA", "2024-06-03", "2024-06-14")
        returns = prices.adj_close["NVDA"].pct_change(fill_method=None)
        gross = prices.close["NVDA"].pct_change(fill_method=None)
        day = "2024-06-11"  # the dividend of a cent
        assert returns[day] > gross[day]
        before = prices.close["NVDA"].shift()[day]
        assert 1 + returns[day] == pytest.approx(prices.close.loc[day, "NVDA"] / (before - 0.01), rel=1e-12)

    def test_a_study_on_them(self, fetch):
        prices = fetch(["NVDA", "AAPL", "^GSPC"], "2024-01-02", "2025-03-31")
        events = pd.DataFrame({"ticker": ["NVDA", "AAPL"], "date": ["2025-01-27", "2025-01-27"]})
        study = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
        served = prices.adj_close["NVDA"]
        assert study.ar.shape[0] == 2
        assert served.pct_change(fill_method=None)["2025-01-27"] == pytest.approx(118.42 / 142.62 - 1)

    def test_provenance(self, fetch):
        prices = fetch(["NVDA", "AAPL"])
        about = prices.provenance["tickers"]["NVDA"]
        assert prices.provenance["source"].startswith("Yahoo Finance through yfinance 1.")
        assert about["fetched"] == "2025-04-01T12:00:00+00:00"
        assert len(about["sha256"]) == 64
        assert (about["rows"], about["first"], about["last"]) == (SESSIONS, "2025-01-02", "2025-01-31")
        assert prices.provenance["currency"] == {"NVDA": "USD", "AAPL": "USD"}
        assert about == fetch(["NVDA", "AAPL"]).provenance["tickers"]["NVDA"]
        json.dumps(prices.provenance, allow_nan=False)

    @pytest.mark.parametrize(
        ("symbol", "close", "first"), [("VOD.L", "GBp", "2025-01-02"), ("7203.T", "JPY", "2025-01-02")]
    )
    def test_other_time_zones_keep_their_dates(self, yahoo, fetch, symbol, close, first):
        prices = fetch(symbol)
        assert str(prices.dates[0].date()) == first
        assert prices.provenance["currency"][symbol] == close
        served = yahoo.universe[symbol]
        assert prices.close.loc["2025-01-27", symbol] == served.close[served.dates.index(dt.date(2025, 1, 27))]
        assert "no calendar" in prices.provenance["tickers"][symbol]["findings"][0]["text"]

    def test_mixed_currencies_are_said(self, fetch):
        with pytest.warns(PriceWarning, match="currencies differ: NVDA USD, VOD.L GBp"):
            fetch(["NVDA", "VOD.L"])

    def test_yfinance_is_left_as_it_was(self, yahoo, fetch):
        import yfinance
        from yfinance.data import YfData

        logger = logging.getLogger("yfinance")
        before = YfData()._session
        state = (yfinance.config.debug.hide_exceptions, logger.level, list(warnings.filters))
        with pytest.raises(NoData):
            fetch("GONE")
        assert (yfinance.config.debug.hide_exceptions, logger.level, list(warnings.filters)) == state
        assert YfData()._session is before

    def test_nothing_is_printed(self, fetch, capfd):
        fetch(["NVDA", "AAPL"])
        with pytest.raises(Unavailable):
            fetch("ERR500", attempts=1)
        assert capfd.readouterr() == ("", "")


class TestFaults:
    @pytest.mark.parametrize(
        ("symbol", "error", "words"),
        [
            ("GONE", NoData, "HTTP 404"),
            ("EMPTY", NoData, "no price data found"),
            ("NULLQ", NoData, "no price data found"),
            ("RATE", RateLimited, r"HTTP 429, too many requests \(tried 2 times\)"),
            ("ERR500", Unavailable, "HTTP 500"),
            ("DENIED", Unavailable, "HTTP 401"),
            ("SLOW", Unavailable, "timed out"),
            ("RESET", Unavailable, "Empty reply"),
            ("TRUNC", Unavailable, "cut off or no JSON"),
            ("HTML", Unavailable, "a page instead of figures"),
            ("SHORTADJ", BadData, "cannot read"),
            ("BADADJ", BadData, r"adjusted close steps by 30\.000%.*on 2025-01-17 \[adjustment\]"),
            ("X100", BadData, r"close x\d+\.\d+ and back on 2025-01-08 \[spike\]"),
            ("ZEROS", BadData, r"close zero or negative on 2025-01-08 \[not_positive\]"),
            ("UNSPLIT", BadData, r"not adjusted for it on 2025-01-15 \[split\]"),
            ("OUTSIDE", BadData, r"close outside low and high on 2025-01-10 \[range\]"),
            ("HOLIDAY", BadData, r"NYSE was closed on 2025-01-09 \[closed_day\]"),
        ],
    )
    def test_each_fault_has_its_error_and_leaves_the_cache_alone(self, fetch, folder, symbol, error, words):
        with pytest.raises(error, match=words) as caught:
            fetch(symbol, timeout=0.4, attempts=2)
        assert caught.value.symbol == symbol
        assert caught.value.asked == "1d bars of 2025-01-02 to 2025-01-31"
        assert caught.value.remedy
        file = held(folder, symbol)
        if error is BadData and file is not None:  # days before the first bad one may stay, nothing from it on
            (first_bad,) = re.findall(r"on (2025-\d\d-\d\d)", caught.value.came)[:1]
            assert all(last <= first_bad for _, last in file.about["covered"])
        else:
            assert file is None or (error is NoData and not file.payload and not file.about["covered"])

    @pytest.mark.parametrize(
        ("fault", "times"),
        [("429", 5), ("truncated", 2), ("500", 4), ("reset", 2), ("shortbody", 2), ("html", 2), ("empty", 0)],
    )
    def test_what_passes_is_waited_for(self, yahoo, fetch, fault, times):
        yahoo.fail("AAPL", fault, times)
        assert len(fetch("AAPL").dates) == SESSIONS

    @pytest.mark.parametrize("fault", ["500", "429", "truncated", "reset", "empty", "nullquote", "shortbody", "html"])
    def test_a_fault_after_a_good_day_leaves_the_file_as_it_was(self, yahoo, fetch, folder, fault):
        fetch("AAPL")
        before = Store(folder).path(Key("yahoo", "1d", "AAPL")).read_bytes()
        yahoo.fail("AAPL", fault, 50)
        with pytest.raises((Unavailable, RateLimited, NoData)):
            fetch("AAPL", "2024-03-01", attempts=2)
        yahoo.heal()
        yahoo.now = dt.datetime(2025, 4, 1, 12, tzinfo=dt.UTC).timestamp
        assert Store(folder).path(Key("yahoo", "1d", "AAPL")).read_bytes() == before
        assert len(fetch("AAPL").dates) == SESSIONS

    def test_a_crumb_that_is_refused_does_not_matter(self, yahoo, fetch):
        yahoo.crumb_fault = "429"
        assert len(fetch("AAPL").dates) == SESSIONS

    @pytest.mark.parametrize(
        ("symbol", "words", "rows"),
        [
            ("HOLES", "no bar on a session on 2025-01-06, 2025-01-07", SESSIONS - 2),
            ("NANS", "no close on 2025-01-07, 2025-01-10", SESSIONS),
            ("STALE", "5 or more equal bars in a row", SESSIONS),
        ],
    )
    def test_oddities_are_warned_of_and_recorded(self, fetch, symbol, words, rows):
        for _ in range(2):  # the second time from the cache
            with pytest.warns(PriceWarning, match=words):
                prices = fetch(symbol)
            assert len(prices.dates) == rows
            assert words in prices.provenance["tickers"][symbol]["findings"][0]["text"]
        if symbol == "NANS":
            assert prices.close["NANS"].isna().sum() == 2
            assert np.isnan(prices.extra["volume"]["NANS"].iloc[3])

    @pytest.mark.parametrize("symbol", ["DUPLAST", "LIVEDUP"])
    def test_a_duplicated_last_row_counts_once(self, yahoo, fetch, symbol):
        prices = fetch(symbol, end="2025-03-31")
        assert prices.dates.is_unique
        factor = 1.01 if symbol == "LIVEDUP" else 1.0
        assert prices.close[symbol].iloc[-1] == pytest.approx(yahoo.universe[symbol].close[-1] * factor, abs=0.006)

    def test_tolerated_findings_stay_known(self, yahoo, fetch):
        prices = fetch("X100", tolerate=["spike"])
        assert prices.close["X100"].max() > 1000
        for offline in (True, False):
            with pytest.raises(BadData, match=r"\[spike\].*tolerate=\['spike'\] takes them"):
                fetch("X100", offline=offline)  # held, but without the permission
        yahoo.universe["X100"] = replace(yahoo.universe["AAPL"], symbol="MENDED")
        assert fetch("X100").close["X100"].max() < 1000
        with pytest.raises(InputError, match="allowed are"):
            fetch("X100", tolerate=["spikes"])

    def test_what_is_wrong_later_neither_refuses_nor_enters_the_cache(self, yahoo, fetch, folder):
        served = yahoo.universe["AAPL"]
        at = served.dates.index(dt.date(2025, 3, 5))
        for name in ("open", "high", "low", "close", "adjclose"):
            getattr(served, name)[at] *= 100
        prices = fetch("AAPL")
        assert prices.provenance["tickers"]["AAPL"]["findings"] == []
        assert held(folder, "AAPL").about["covered"] == [["2025-01-02", "2025-03-05"]]
        with pytest.raises(BadData, match=r"2025-03-05 \[spike\]"):
            fetch("AAPL", end="2025-03-31")
        for name in ("open", "high", "low", "close", "adjclose"):
            getattr(served, name)[at] /= 100
        assert len(fetch("AAPL", end="2025-03-31").dates) == 60  # mended at the source

    def test_partial_success_returns_what_is_good(self, fetch):
        with pytest.warns(PartialDataWarning, match="2 missing: RATE: RateLimited.*GONE: NoData"):
            prices = fetch(["NVDA", "RATE", "GONE", "AAPL"], attempts=2)
        assert prices.tickers == ["NVDA", "AAPL"]
        assert list(prices.provenance["failed"]) == ["RATE", "GONE"]
        with pytest.raises(RateLimited, match="1 more failed: GONE"):
            fetch(["NVDA", "RATE", "GONE"], attempts=2, on_failure="raise")
        with pytest.raises(NoData, match="1 more failed: EMPTY"):
            fetch(["GONE", "EMPTY"])

    @pytest.mark.parametrize("fault", ["drip", "slow", "reset", "429"])
    def test_the_total_bound_holds(self, yahoo, fetch, fault):
        yahoo.fail("AAPL", fault, 1000)
        began = time.monotonic()
        with pytest.raises((Unavailable, RateLimited), match=r"until the bound of 1\.5 s for the whole call|bound"):
            fetch("AAPL", timeout=30, retry=Retry(10_000, 0.05, 0.05, 0.1), max_time=1.5)
        assert time.monotonic() - began < 4

    def test_a_wait_that_would_pass_the_bound_is_not_begun(self, yahoo, fetch):
        yahoo.fail("AAPL", "429", 1000)
        began = time.monotonic()
        with pytest.raises(RateLimited, match="tried"):
            fetch("AAPL", retry=Retry(5, 600, 600, 600), max_time=5)
        assert time.monotonic() - began < 5

    def test_a_refusal_for_rate_makes_everyone_wait(self):
        from marketshock.providers.retry import Asker, Bound

        clock, slept = [0.0], []

        def sleep(seconds):
            slept.append(seconds)
            clock[0] += seconds

        bound = Bound(100, sleep, lambda: clock[0])
        answers = iter([RateLimited("A", "", "", ""), "good"])

        def ask():
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        assert Asker(Retry(base_limited=8), bound).ask("A", "bars", ask) == "good"
        assert len(slept) == 1
        assert 0 < slept[0] <= 8
        bound.pause_all(3)
        assert Asker(Retry(), bound).ask("B", "bars", lambda: "other symbol") == "other symbol"
        assert slept[1] == pytest.approx(3)

    def test_jitter_is_full_and_grows(self):
        retry = Retry(base=0.5, base_limited=5, longest=60)
        assert [retry.limit(k, False) for k in (1, 2, 3, 10)] == [0.5, 1, 2, 60]
        assert [retry.limit(k, True) for k in (1, 2, 5)] == [5, 10, 60]


class TestCacheAndTime:
    def test_what_is_held_is_not_asked_for(self, yahoo, fetch):
        first = fetch(["NVDA", "AAPL"])
        yahoo.requests.clear()
        again = fetch(["NVDA", "AAPL"])
        assert yahoo.requests == []
        pd.testing.assert_frame_equal(again.close, first.close)
        offline = fetch(["NVDA", "AAPL"], offline=True)
        pd.testing.assert_frame_equal(offline.adj_close, first.adj_close)

    def test_offline_miss_says_what_is_held(self, fetch):
        fetch("NVDA")
        with pytest.raises(OfflineMiss, match="holds 2025-01-02 to 2025-03-31"):
            fetch("NVDA", "2024-06-03", offline=True)
        with pytest.raises(OfflineMiss, match="holds nothing"):
            fetch("AAPL", offline=True)

    def test_a_split_between_two_fetches_is_detected(self, yahoo, fetch):
        before = fetch("AAPL", "2025-01-02", "2025-03-31")
        served = yahoo.universe["AAPL"]
        yahoo.universe["AAPL"] = served.split_by(4, dt.date(2025, 3, 31))
        after = fetch("AAPL", "2024-06-03", "2025-03-31")
        np.testing.assert_allclose(after.close.loc["2025-01-02":, "AAPL"], before.close["AAPL"] / 4)
        assert after.close["AAPL"].pct_change(fill_method=None).abs().max() < 0.2
        assert "re-based its history, closes x0.25; all of it was fetched again" in str(
            after.provenance["tickers"]["AAPL"]["history"]
        )

    def test_a_corrected_close_is_detected(self, yahoo, fetch):
        fetch("AAPL", "2025-01-02", "2025-03-31")
        served = yahoo.universe["AAPL"]
        at = served.dates.index(dt.date(2025, 1, 6))
        for name in ("open", "high", "low", "close", "adjclose"):
            getattr(served, name)[at] *= 1.02
        after = fetch("AAPL", "2024-12-02", "2025-03-31")
        assert after.close.loc["2025-01-06", "AAPL"] == served.close[at]
        assert "revised its history on 2025-01-06" in str(after.provenance["tickers"]["AAPL"]["history"])

    def test_today_is_not_final(self, yahoo, fetch, folder):
        yahoo.now = dt.datetime(2025, 3, 31, 15, tzinfo=NEW_YORK).timestamp  # an hour before the close
        prices = fetch("AAPL", "2025-03-03", "2025-03-31")
        assert str(prices.dates[-1].date()) == "2025-03-28"
        assert "a day not over left out on 2025-03-31" in str(prices.provenance["tickers"]["AAPL"]["findings"])
        yahoo.now = dt.datetime(2025, 3, 31, 17, tzinfo=NEW_YORK).timestamp
        assert str(fetch("AAPL", "2025-03-03", "2025-03-31").dates[-1].date()) == "2025-03-31"
        assert held(folder, "AAPL").about["covered"] == [["2025-03-03", "2025-03-31"]]  # the day is not in it
        yahoo.universe["AAPL"].close[-1] = yahoo.universe["AAPL"].adjclose[-1] = yahoo.universe["AAPL"].low[-1]
        yahoo.now = dt.datetime(2025, 4, 1, 8, tzinfo=NEW_YORK).timestamp
        last = fetch("AAPL", "2025-03-03", "2025-03-31")
        assert last.close["AAPL"].iloc[-1] == yahoo.universe["AAPL"].low[-1]  # what it became is what counts
        assert held(folder, "AAPL").about["covered"] == [["2025-03-03", "2025-04-01"]]

    def test_an_end_in_the_future_is_refused(self, fetch):
        with pytest.raises(InputError, match=r"2025-04-02 is in the future \(it is 2025-04-01 in New York\)"):
            fetch("NVDA", end="2025-04-02")

    def test_an_absence_is_remembered_for_a_while(self, yahoo, fetch):
        with pytest.raises(NoData, match="HTTP 404"):
            fetch("GONE")
        yahoo.requests.clear()
        with pytest.raises(NoData, match="remembered until 2025-04-02 12:00 UTC"):
            fetch("GONE")
        assert yahoo.requests == []
        yahoo.now = dt.datetime(2025, 4, 2, 13, tzinfo=dt.UTC).timestamp
        with pytest.raises(NoData, match="HTTP 404"):
            fetch("GONE")
        assert yahoo.requests

    @pytest.mark.parametrize("gap", ["no bar", "a null close"])
    def test_a_last_bar_that_is_late_is_asked_for_again(self, yahoo, fetch, gap):
        served = yahoo.universe["AAPL"]
        close = served.close.copy()
        if gap == "no bar":
            yahoo.universe["AAPL"] = replace(served, dates=served.dates[:-1])
        else:
            served.close[-1] = served.adjclose[-1] = np.nan
        with pytest.warns(PriceWarning, match="2025-03-31"):
            fetch("AAPL", "2025-03-03", "2025-03-31")
        served.close[:] = served.adjclose[:] = close
        yahoo.universe["AAPL"] = served
        assert fetch("AAPL", "2025-03-03", "2025-03-31").close["AAPL"].iloc[-1] == close[-1]

    def test_a_share_that_trades_no_more_is_not_asked_for_again(self, yahoo, fetch):
        served = yahoo.universe["AAPL"]
        yahoo.universe["AAPL"] = replace(served, dates=served.dates[:-20])
        for _ in range(2):
            with pytest.warns(PriceWarning, match="no bar on a session"):
                fetch("AAPL", "2025-01-02", "2025-03-31")
        assert yahoo.charts("AAPL") == 1

    def test_an_old_fault_does_not_refuse_other_days(self, yahoo, fetch):
        fetch("AAPL", "2025-03-03", "2025-03-31")
        served = yahoo.universe["AAPL"]
        at = served.dates.index(dt.date(2025, 3, 5))
        for name in ("open", "high", "low", "close", "adjclose"):
            getattr(served, name)[at] *= 100
        assert len(fetch("AAPL").dates) == SESSIONS

    def test_when_each_piece_was_fetched_is_known(self, yahoo, fetch):
        yahoo.now = dt.datetime(2025, 3, 3, 12, tzinfo=dt.UTC).timestamp
        fetch("AAPL", "2025-01-02", "2025-01-31")
        yahoo.now = dt.datetime(2025, 4, 1, 12, tzinfo=dt.UTC).timestamp
        about = fetch("AAPL", "2025-01-02", "2025-03-31").provenance["tickers"]["AAPL"]
        assert [piece[:3] for piece in about["pieces"]] == [
            ["2025-01-02", "2025-03-03", "2025-03-03T12:00:00+00:00"],
            ["2025-02-24", "2025-04-01", "2025-04-01T12:00:00+00:00"],
        ]

    def test_many_threads_fetch_once(self, yahoo, fetch):
        found = []
        threads = [threading.Thread(target=lambda: found.append(len(fetch("SPY").dates))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [SESSIONS] * 6
        assert yahoo.charts("SPY") == 1

    def test_without_a_cache(self, yahoo, fetch, folder):
        assert len(fetch("NVDA", cache=False).dates) == SESSIONS
        assert not folder.exists()

    def test_many_symbols_at_once_in_the_order_asked(self, yahoo, fetch):
        names = [f"S{i:02d}" for i in range(20)]
        prices = fetch(names[::-1], workers=8)
        assert prices.tickers == names[::-1]
        for name in names:
            served = yahoo.universe[name]
            assert prices.close.loc["2025-01-27", name] == served.close[served.dates.index(dt.date(2025, 1, 27))]


class TestSessions:
    """Whatever session yfinance takes: its requests are bounded, its status known, and it is given back as it was."""

    def test_a_plain_session_of_requests(self, yahoo, fetch):
        session = requests_session(yahoo.base)
        source = Yahoo(session=session, now=lambda: dt.datetime(2025, 4, 1, tzinfo=dt.UTC), retry=Retry(1))
        how = Fetching(False, now=source._now, progress=False)
        prices = _prices(source, "NVDA", START, END, how)
        assert len(prices.dates) == SESSIONS
        assert "request" not in vars(session)
        with pytest.raises(Unavailable, match="HTTP 401"):
            _prices(source, "DENIED", START, END, how)

    def test_a_session_of_another_kind(self, fetch):
        class Odd:
            def request(self, *args, **named): ...

        with pytest.raises(InputError, match="session: got a Odd"):
            ms.yahoo("NVDA", START, END, session=Odd(), cache=False)


class TestIntraday:
    @pytest.fixture
    def intraday(self, yahoo, folder):
        yahoo.now = dt.datetime(2025, 2, 1, 12, tzinfo=dt.UTC).timestamp

        def run(tickers, start, end, interval, **more):
            now = lambda: dt.datetime.fromtimestamp(yahoo.now(), dt.UTC)  # noqa: E731
            source = Yahoo(interval, session=yahoo.session, now=now, retry=Retry(2, 0.001, 0.001))
            return _intraday(source, tickers, start, end, Fetching(folder, progress=False, now=now, **more))

        return run

    @pytest.mark.parametrize(("interval", "bars"), [("5m", 78), ("30m", 13), ("60m", 6), ("1m", 390)])
    def test_bars_of_a_day(self, yahoo, intraday, interval, bars):
        frame = intraday(["NVDA", "AAPL"], "2025-01-27", "2025-01-28", interval)
        assert frame.shape == (2 * bars, 10)
        assert frame.columns.names == ["field", "ticker"]
        assert str(frame.index.tz) == "UTC"
        assert str(frame.index[0]) == "2025-01-27 14:30:00+00:00"
        assert frame["close"]["NVDA"].loc["2025-01-27"].iloc[-1] == pytest.approx(118.42)

    def test_limits_are_stated(self, intraday):
        with pytest.raises(NoData, match="Yahoo keeps 5m bars for 60 days, so from 2024-12-04 on"):
            intraday("NVDA", "2024-11-29", "2024-12-31", "5m")
        with pytest.raises(InputError, match="allowed are"):
            ms.yahoo_intraday("NVDA", "2025-01-02", interval="7m", cache=False)
        with pytest.raises(InputError, match=r"daily bars come from yahoo\(\)"):
            ms.yahoo_intraday("NVDA", "2025-01-02", interval="1d", cache=False)

    def test_more_than_yahoo_gives_at_once(self, intraday):
        assert intraday("NVDA", "2025-01-06", "2025-01-31", "1m").shape[0] == 18 * 390

    def test_kept_after_yahoo_has_forgotten(self, yahoo, intraday):
        before = intraday("NVDA", "2025-01-27", "2025-01-28", "5m")
        yahoo.now = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC).timestamp
        yahoo.requests.clear()
        pd.testing.assert_frame_equal(intraday("NVDA", "2025-01-27", "2025-01-28", "5m"), before)
        assert yahoo.requests == []

    def test_a_split_between_two_weeks(self, yahoo, intraday):
        intraday("AAPL", "2025-01-13", "2025-01-17", "5m")
        yahoo.universe["AAPL"] = yahoo.universe["AAPL"].split_by(10, dt.date(2025, 1, 31))
        frame = intraday("AAPL", "2025-01-13", "2025-01-24", "5m")
        assert frame["close"]["AAPL"].pct_change(fill_method=None).abs().max() < 0.3
        assert "re-based" in str(frame.attrs["tickers"]["AAPL"]["history"])

    def test_the_bar_that_is_running_is_left_out(self, yahoo, intraday):
        yahoo.now = dt.datetime(2025, 1, 31, 10, 2, tzinfo=NEW_YORK).timestamp
        frame = intraday("NVDA", "2025-01-31", "2025-01-31", "5m")
        assert str(frame.index[-1].tz_convert("America/New_York").time()) == "09:55:00"


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded bodies are not beside this project")
class TestRecorded:
    """Bodies of the real Yahoo, replayed."""

    @pytest.fixture
    def replay(self, yahoo, fetch):
        yahoo.now = dt.datetime(2025, 10, 30, 3, tzinfo=dt.UTC).timestamp
        bodies = {path.stem.removeprefix("history_chart_"): path for path in RECORDED.glob("*.json")}
        yahoo.recorded = {symbol: path.read_bytes() for symbol, path in bodies.items()}
        result = {s: json.loads(body)["chart"]["result"][0] for s, body in yahoo.recorded.items()}
        return fetch, result

    @pytest.mark.parametrize("symbol", ["AAPL", "MSFT", "GS2C.DE"])
    def test_bars_and_adjustment(self, replay, symbol):
        fetch, results = replay
        raw = results[symbol]
        zone = raw["meta"]["exchangeTimezoneName"]
        prices = fetch(symbol, "2025-04-30", "2025-10-29")
        days = pd.to_datetime(raw["timestamp"], unit="s", utc=True).tz_convert(zone).tz_localize(None).normalize()
        quote = pd.DataFrame({**raw["indicators"]["quote"][0], **raw["indicators"]["adjclose"][0]}, index=days)
        quote = quote[~quote.index.duplicated(keep="last")]
        assert list(prices.dates) == list(quote.index)
        for name in ("open", "high", "low", "volume"):
            np.testing.assert_array_equal(prices.extra[name][symbol], quote[name])
        np.testing.assert_array_equal(prices.close[symbol], quote["close"])
        np.testing.assert_allclose(prices.adj_close[symbol], quote["adjclose"], rtol=2e-7)  # single precision
        severe = [f for f in prices.provenance["tickers"][symbol]["findings"] if f["severity"] != "note"]
        assert severe == []

    def test_quarterly_bars_are_no_daily_ones(self, replay):
        fetch, _ = replay
        with pytest.raises(BadData, match="bars of 3mo"):
            fetch("VFINX", "2025-01-02", "2025-10-29")


class TestArguments:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"tickers": []}, "give at least one"),
            ({"tickers": ["NVDA", "nvda"]}, "'NVDA' stands there twice"),
            ({"tickers": ["NVDA,AAPL"]}, "give symbols such as"),
            ({"tickers": [3]}, "give symbols such as"),
            ({"start": "27.1.2025"}, "'27.1.2025' is no date; write it as"),
            ({"start": "2025-02-01", "end": "2025-01-01"}, "is after the end"),
            ({"workers": 0}, "give 1 or more"),
            ({"max_time": -1}, "give seconds"),
            ({"on_failure": "ignore"}, "allowed are"),
            ({"timeout": 0}, "give seconds"),
        ],
    )
    def test_each_has_its_sentence(self, change, words, tmp_path):
        arguments = {"tickers": "NVDA", "start": START, "end": END, "cache": tmp_path, "max_time": 1} | change
        with pytest.raises(InputError, match=words):
            ms.yahoo(**arguments)

    def test_retry(self):
        with pytest.raises(InputError, match="attempts is 0"):
            Retry(0)
        with pytest.raises(InputError, match="base is -1"):
            Retry(base=-1)

    def test_one_call_at_a_time_and_never_longer_than_its_bound(self, yahoo, fetch):
        with Yahoo(session=yahoo.session).asking(Bound(60)):
            began = time.monotonic()
            with pytest.raises(Unavailable, match="another thread of this process was asking"):
                fetch("NVDA", max_time=0.3)
            assert time.monotonic() - began < 2
        assert len(fetch("NVDA").dates) == SESSIONS

    def test_a_source_is_asked_within_its_context(self, yahoo):
        with pytest.raises(RuntimeError, match="ask within a context"):
            Yahoo(session=yahoo.session).bars("NVDA", dt.date(2025, 1, 2), dt.date(2025, 2, 1), Bound(1))

    def test_dates_of_any_kind(self, fetch):
        wanted = fetch("NVDA").close
        for start in (
            dt.date(2025, 1, 2),
            dt.datetime(2025, 1, 2, 5),
            pd.Timestamp("2025-01-02"),
            np.datetime64("2025-01-02"),
        ):
            pd.testing.assert_frame_equal(fetch("NVDA", start).close, wanted)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """The server as an HTTPS proxy with a throw-away certificate, for processes that know nothing of it."""
    from .loopback.yahoo import YahooLoopback

    try:
        certificate = make_certificate(str(tmp_path_factory.mktemp("tls")))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no certificate could be made: {error}")
    with YahooLoopback(tls=certificate) as server:
        names = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")
        bundle = dict.fromkeys(("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), certificate[0])
        server.environment = {**os.environ, **dict.fromkeys(names, server.base), **bundle}
        yield server


class TestCommandLine:
    def run(self, proxy, tmp_path, *argv):
        environment = {**proxy.environment, "XDG_CACHE_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-m", "marketshock", *argv]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def test_fetch_list_verify_clear(self, proxy, tmp_path):
        out = tmp_path / "prices.csv"
        done = self.run(proxy, tmp_path, "fetch", "NVDA", "^GSPC", "--start", START, "--end", END, "--out", str(out))
        assert (done.returncode, done.stderr) == (0, "")
        assert "Yahoo Finance through yfinance" in done.stdout
        table = pd.read_csv(out)
        assert list(table.columns[:4]) == ["ticker", "date", "close", "adj_close"]
        assert table.query("ticker == 'NVDA' and date == '2025-01-27'")["close"].item() == 118.42
        listed = self.run(proxy, tmp_path, "cache", "list")
        assert "NVDA" in listed.stdout
        assert "2025-01-02 to" in listed.stdout
        verified = self.run(proxy, tmp_path, "cache", "verify")
        assert (verified.returncode, verified.stdout.splitlines()[-1]) == (0, "every file matches its checksum")
        file = next((tmp_path / "home" / "marketshock" / "yahoo").glob("1d_NVDA*"))
        file.write_bytes(file.read_bytes()[:-5])
        damaged = self.run(proxy, tmp_path, "cache", "verify")
        assert damaged.returncode == 1
        assert "damaged" in damaged.stdout
        refused = self.run(proxy, tmp_path, "cache", "clear")
        assert (refused.returncode, refused.stderr) == (
            2,
            "marketshock: clear: no name is given; name what to clear, or pass --all\n",
        )
        assert "1 files removed" in self.run(proxy, tmp_path, "cache", "clear", "nvda").stdout
        assert self.run(proxy, tmp_path, "cache", "clear", "NVDA").returncode == 2
        self.run(proxy, tmp_path, "cache", "clear", "--all")
        assert json.loads(self.run(proxy, tmp_path, "cache", "list", "--json").stdout)["entries"] == []

    def test_study_on_yahoo_prices_then_offline(self, proxy, tmp_path):
        events = tmp_path / "events.csv"
        events.write_text("ticker,date\nNVDA,2025-01-27\nAAPL,2025-01-27\n")
        argv = ["study", "--events", str(events), "--prices", "yahoo", "--benchmark", "^GSPC", "--estimation=-150:-11"]
        done = self.run(proxy, tmp_path, *argv)
        assert done.returncode == 0, done.stderr
        assert "NVDA@2025-01-27" in done.stdout
        proxy.requests.clear()
        again = self.run(proxy, tmp_path, *argv, "--offline")
        assert (again.returncode, again.stdout) == (0, done.stdout)
        assert proxy.requests == []

    @pytest.mark.parametrize(
        ("argv", "code", "words"),
        [
            (["GONE", "--start", START], 2, "HTTP 404"),
            (["ERR500", "--start", START, "--max-time", "6"], 1, "HTTP 500"),
            (["NVDA", "--start", "yesterday"], 2, "is no date"),
            (["NVDA", "--start", START, "--offline"], 2, "holds nothing"),
            (["NVDA", "--start", START, "--interval", "2d"], 2, "allowed are"),
            (["NVDA", "--start", START, "--end", END, "--out", "x.xlsx"], 2, "unknown kind of file"),
        ],
    )
    def test_errors_are_one_sentence(self, proxy, tmp_path, argv, code, words):
        done = self.run(proxy, tmp_path, "fetch", *argv)
        assert done.returncode == code, done.stderr
        lines = [line for line in done.stderr.splitlines() if not line.startswith("marketshock: note")]
        assert len(lines) == 1
        assert lines[0].startswith("marketshock: ")
        assert words in lines[0]

    def test_one_of_two_failing_is_a_shortfall(self, proxy, tmp_path):
        done = self.run(proxy, tmp_path, "fetch", "NVDA", "GONE", "--start", START, "--end", END)
        assert done.returncode == 1
        assert "missing: GONE" in done.stdout
