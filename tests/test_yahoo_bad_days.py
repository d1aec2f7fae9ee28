"""Days on which several things go wrong at once: nothing that was held is lost, nothing false is kept."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.command.main import main
from marketshock.errors import BadData, InputError, NoData, PartialDataWarning, PriceWarning
from marketshock.providers.fetch import Fetching, _intraday, _prices, fetch_prices
from marketshock.providers.retry import Retry
from marketshock.providers.store import Key, Store
from marketshock.providers.yahoo import Yahoo
from marketshock.providers.yahoo_shares import _share_counts

from .loopback.panel import NEW_YORK, PRICES

START, END = "2025-01-02", "2025-01-31"


@pytest.fixture
def at(yahoo):
    """Set the server's clock, which is the library's."""

    def set_clock(*moment, zone=dt.UTC):
        yahoo.now = dt.datetime(*moment, tzinfo=zone).timestamp

    return set_clock


@pytest.fixture
def now(yahoo):
    return lambda: dt.datetime.fromtimestamp(yahoo.now(), dt.UTC)


@pytest.fixture
def fetch(yahoo, tmp_path, now):
    def run(tickers, start=START, end=END, tolerate=(), **more):
        source = Yahoo(session=yahoo.session, now=now, retry=Retry(2, 0.001, 0.002), tolerate=tuple(tolerate))
        more = {"cache": tmp_path / "cache", "progress": False} | more
        return _prices(source, tickers, start, end, Fetching(tolerate=tolerate, now=now, **more))

    return run


@pytest.fixture
def intraday(yahoo, tmp_path, now):
    def run(tickers, start, end, interval="5m", tolerate=()):
        source = Yahoo(interval, session=yahoo.session, now=now, retry=Retry(2, 0.001), tolerate=tuple(tolerate))
        return _intraday(
            source, tickers, start, end, Fetching(tmp_path / "cache", tolerate=tolerate, progress=False, now=now)
        )

    return run


def scale(series, day, factor):
    where = series.dates.index(day)
    for name in PRICES:
        getattr(series, name)[where] *= factor


class TestWhatWasHeldStays:
    def test_a_refused_renewal_keeps_what_no_vendor_has_any_more(self, yahoo, intraday, at):
        at(2025, 2, 1, 12)
        scale(yahoo.universe["S02"], dt.date(2025, 1, 16), 100)
        held = intraday("S02", "2025-01-06", "2025-01-28", tolerate=["spike", "jump"])
        at(2025, 6, 1, 12)
        with pytest.raises(NoData, match="Yahoo keeps 5m bars for 60 days"):
            intraday("S02", "2025-01-15", "2025-01-17")
        again = intraday("S02", "2025-01-06", "2025-01-28", tolerate=["spike", "jump"])
        pd.testing.assert_frame_equal(again, held)

    def test_a_delisted_symbol_keeps_its_history(self, yahoo, fetch):
        scale(yahoo.universe["S02"], dt.date(2025, 1, 16), 100)
        fetch("S02", "2025-01-02", "2025-03-31", tolerate=["spike"])
        del yahoo.universe["S02"]
        with pytest.raises(NoData, match=r"bars of 2025-01-02 to 2025-03-31; .*delisted"):
            fetch("S02", "2025-01-02", "2025-03-31")
        assert len(fetch("S02", "2025-02-03", "2025-02-28", offline=True).dates) == 19

    def test_a_renewal_of_some_days_keeps_the_others(self, yahoo, intraday, at):
        at(2025, 2, 1, 12)
        scale(yahoo.universe["S02"], dt.date(2025, 1, 16), 100)
        intraday("S02", "2025-01-06", "2025-01-28", tolerate=["spike", "jump"])
        scale(yahoo.universe["S02"], dt.date(2025, 1, 16), 0.01)  # mended at the source
        assert len(intraday("S02", "2025-01-16", "2025-01-16")) == 78
        yahoo.requests.clear()
        assert len(intraday("S02", "2025-01-06", "2025-01-28")) == 15 * 78
        assert yahoo.requests == []

    def test_a_bar_that_was_withdrawn_goes(self, yahoo, fetch):
        with pytest.warns(PriceWarning, match="no bar on a session on 2025-01-10"):
            assert "2025-01-09" in fetch("HOLIDAY", tolerate=["closed_day"]).dates
        yahoo.universe["HOLIDAY"] = replace(yahoo.universe["HOLIDAY"], symbol="MENDED")
        prices = fetch("HOLIDAY", "2024-12-02", "2025-01-31", tolerate=["closed_day"])
        assert "2025-01-09" not in prices.dates
        assert "revised its history on 2025-01-09" in str(prices.provenance["tickers"]["HOLIDAY"]["history"])


class TestWhatIsTrueOfDays:
    def test_a_split_on_the_day_that_is_running_is_known(self, yahoo, fetch, at):
        yahoo.universe["AAPL"] = yahoo.universe["AAPL"].split_by(4, dt.date(2025, 3, 31))
        at(2025, 3, 31, 12, zone=NEW_YORK)
        expected = [{"ticker": "AAPL", "date": pd.Timestamp("2025-03-31"), "ratio": 4.0}]
        assert fetch("AAPL", "2025-03-03", "2025-03-28").splits.to_dict("records") == expected
        at(2025, 4, 15, 12)
        assert fetch("AAPL", "2025-03-03", "2025-03-28").splits.to_dict("records") == expected

    def test_splits_do_not_depend_on_what_else_is_held(self, fetch):
        short = fetch("NVDA", "2024-06-17", "2024-12-31").splits
        fetch("NVDA", "2024-01-02", "2024-12-31")
        assert fetch("NVDA", "2024-06-17", "2024-12-31").splits.equals(short)
        assert short.empty
        assert fetch("NVDA", "2024-06-17", "2024-12-31").provenance["splits_since"] == "2024-06-17"

    def test_an_empty_piece_of_a_longer_answer_is_no_holiday(self, yahoo, intraday, at):
        at(2025, 2, 1, 12)
        intraday("S11", "2025-01-06", "2025-01-06", "1m")  # yfinance knows the time zone from here on
        yahoo.fail("S10", "ok", 1)
        yahoo.fail("S10", "nullquote", 1)
        with pytest.raises(NoData):
            intraday("S10", "2025-01-06", "2025-01-28", "1m")
        assert len(intraday("S10", "2025-01-06", "2025-01-28", "1m")) == 15 * 390

    def test_the_remedy_of_a_limit_is_not_refused(self, intraday, at):
        at(2025, 2, 1, 12)
        with pytest.raises(NoData, match="ask for a later start"):
            intraday("NVDA", "2024-11-01", "2025-01-28")
        assert len(intraday("NVDA", "2025-01-06", "2025-01-28")) == 15 * 78

    def test_an_absence_today_is_not_believed_tomorrow(self, fetch, at):
        at(2025, 3, 31, 8, zone=NEW_YORK)
        with pytest.raises(NoData):
            fetch("SPY", "2025-03-31", "2025-03-31")
        at(2025, 3, 31, 17, zone=NEW_YORK)
        assert len(fetch("SPY", "2025-03-31", "2025-03-31").dates) == 1

    @pytest.mark.parametrize(("start", "end"), [("2025-01-04", "2025-01-05"), ("2025-01-09", "2025-01-09")])
    def test_days_without_a_session(self, fetch, start, end):
        for _ in range(2):
            with pytest.raises(NoData, match="NVDA"):
                fetch("NVDA", start, end)

    def test_days_without_intraday_bars_are_said(self, yahoo, intraday, at):
        at(2025, 2, 1, 12)
        served = yahoo.universe["S03"]
        gone = served.dates.index(dt.date(2025, 1, 15))
        keep = np.arange(len(served.dates)) != gone
        columns = {name: getattr(served, name)[keep] for name in (*PRICES, "volume")}
        yahoo.universe["S03"] = replace(
            served, dates=[d for d in served.dates if d.day != 15 or d.month != 1 or d.year != 2025], **columns
        )
        with pytest.warns(PriceWarning, match="no bar on a session on 2025-01-15"):
            intraday("S03", "2025-01-06", "2025-01-24")

    def test_a_history_that_begins_later_than_asked_is_said(self, yahoo, fetch):
        with pytest.warns(PriceWarning, match="first traded on 2024-01-02, later than asked"):
            fetch("AAPL", "2023-06-01", "2024-03-28")


class TestCapitalGains:
    """Of a fund that pays 5 %, of which 3 points are gains; the total return of the day is what counts."""

    DAY = dt.date(2025, 1, 15)

    @pytest.fixture
    def fund(self, yahoo):
        def make(dividend, gains, step):
            served = yahoo.universe["SPY"]
            at = served.dates.index(self.DAY)
            before = served.close[at - 1]
            adjusted = served.close.copy()
            adjusted[:at] *= 1 - step
            yahoo.universe["SPY"] = replace(
                served,
                adjclose=adjusted,
                dividends={self.DAY: dividend * before},
                gains={self.DAY: gains * before},
            )
            return served.close[at] / before

        return make

    def total_return(self, prices):
        return prices.adj_close["SPY"].pct_change(fill_method=None).loc[str(self.DAY)] + 1

    def test_sent_apart(self, fetch, fund):
        price = fund(0.02, 0.03, 0.05)
        with pytest.warns(PriceWarning, match="capital gains added"):
            prices = fetch("SPY")
        assert self.total_return(prices) == pytest.approx(price / 0.95)

    def test_sent_twice_and_adjusted_once(self, fetch, fund):
        price = fund(0.05, 0.03, 0.05)
        assert self.total_return(fetch("SPY")) == pytest.approx(price / 0.95)

    def test_sent_twice_and_adjusted_twice_is_warned_of(self, fetch, fund):
        fund(0.05, 0.03, 0.08)
        with pytest.warns(PriceWarning, match="Yahoo may have done already: the return may be too high"):
            fetch("SPY")


class TestTolerance:
    def test_a_price_of_zero_becomes_missing(self, fetch):
        with pytest.warns(PriceWarning):
            prices = fetch(["AAPL", "ZEROS"], tolerate=["not_positive", "spike", "jump", "range", "adjustment"])
        assert prices.close["ZEROS"].isna().sum() == 1
        assert prices.close["AAPL"].notna().all()

    def test_names_are_checked_by_every_door(self, yahoo):
        with pytest.raises(InputError, match="allowed are"):
            fetch_prices(Yahoo(session=yahoo.session), "NVDA", START, END, tolerate=["spikes"], cache=False)


def test_partial_earnings_and_counts(yahoo, tmp_path, now):
    with pytest.warns(PartialDataWarning, match="GONE: NoData"):
        dates = ms.earnings_dates(["NVDA", "GONE"], session=yahoo.session, cache=tmp_path)
    assert set(dates["ticker"]) == {"NVDA"}
    how = Fetching(tmp_path, progress=False, now=now)
    source = Yahoo(session=yahoo.session, now=now)
    with pytest.warns(PartialDataWarning, match="NOSHARES: NoData"):
        counts = _share_counts(source, ["NVDA", "NOSHARES"], "2024-01-02", "2025-03-31", how)
    assert counts.firms == ["NVDA"]


@pytest.fixture
def interruptible():
    """Python's own answer to SIGINT: a shell starts its background jobs with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="on Windows os.kill ends the process instead of interrupting it")
@pytest.mark.usefixtures("interruptible")
def test_an_interruption_ends_the_call_and_gives_yfinance_back(yahoo, fetch):
    from yfinance.data import YfData

    yahoo.fail("AAPL", "429", 10_000)
    before = YfData()._session
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    source = Yahoo(session=yahoo.session, retry=Retry(10_000, 60, 60, 60))
    with pytest.raises(KeyboardInterrupt):
        fetch_prices(source, ["AAPL", "NVDA"], START, END, cache=False, progress=False, max_time=120)
    assert time.monotonic() - began < 10
    asked = len(yahoo.requests)
    time.sleep(0.3)
    assert len(yahoo.requests) == asked  # nobody goes on asking
    assert YfData()._session is before


class TestCommandLine:
    @pytest.fixture
    def run(self, capsys, tmp_path):
        def call(*argv):
            code = main([str(a) for a in argv])
            out = capsys.readouterr()
            assert "Traceback" not in out.err
            return code, out.out, out.err

        return call

    @pytest.mark.parametrize(
        ("argv", "words"),
        [
            (["fetch", "\udcff\udcfe", "--start", START], "give symbols such as"),
            (["fetch", "ß", "--start", START], "give symbols such as"),
            (["fetch", "NVDA,AAPL", "--start", START], "each by itself"),
            (["fetch", "NVDA", "--start", "0001-01-01", "--offline"], "give a day from 1900-01-01 on"),
            (["fetch", "NVDA", "--start", START, "--cache", "~nobody-of-that-name/x"], "is no folder"),
            (["fetch", "NVDA", "--start", START, "--cache", "/tmp/" + "x" * 300], "is no folder"),
            (["fetch", "NVDA", "--start", START, "--cache", ""], "is no folder"),
            (["fetch", "NVDA", "--start", START, "--out", "/no/such/folder/x.csv"], "there is no folder"),
            (["fetch", "NVDA", "--start", START, "--tolerate", "spikes"], "did you mean 'spike'?"),
            (["cache", "list", "--cache", __file__], "is no folder"),
        ],
    )
    def test_one_sentence(self, run, argv, words):
        code, _, err = run(*argv)
        assert code == 2
        assert words in err
        assert err.count("\n") == 1

    def test_a_folder_full_of_strange_files(self, run, tmp_path):
        folder = tmp_path / "cache" / "yahoo"
        folder.mkdir(parents=True)
        store = Store(tmp_path / "cache")
        store.write(Key("yahoo", "1d", "NVDA"), {"covered": "nonsense", "about": 3}, b"no npz")
        store.write(Key("yahoo", "1d", "AAPL"), {}, b"")
        with contextlib.suppress(OSError):  # Windows lets administrators make links
            (folder / "1d_LINK.cache").symlink_to(folder / "nowhere")
        (folder / "1d_FOLDER.cache").mkdir()
        (folder / "1d_TEXT.cache").write_text("hello")
        code, out, _ = run("cache", "list", "--cache", tmp_path / "cache")
        assert code == 0
        assert "1d_TEXT.cache: is no file of this cache" in out
        assert run("cache", "verify", "--cache", tmp_path / "cache")[0] == 1
        code, _, err = run("fetch", "NVDA", "AAPL", "--start", START, "--offline", "--cache", tmp_path / "cache")
        assert (code, err.count("of another kind")) == (2, 2)  # each file once
        assert run("cache", "clear", "NVDA", "--cache", tmp_path / "cache")[0] == 0

    def test_the_remedy_is_written_as_an_option(self, yahoo, run, fetch, tmp_path):
        fetch("X100", tolerate=["spike"])
        code, _, err = run("fetch", "X100", "--start", START, "--end", END, "--offline", "--cache", tmp_path / "cache")
        assert code == 1
        assert "--tolerate spike takes them" in err


OFFLINE_HITS = """
import sys
opened = []
sys.addaudithook(lambda event, a: opened.append(a) if event in ("socket.connect", "socket.getaddrinfo") else None)
import marketshock as ms
from marketshock.command.main import main
folder = sys.argv[1]
prices = ms.yahoo(["NVDA", "AAPL", "^GSPC"], "2025-01-02", "2025-01-31", cache=folder, offline=True)
assert prices.close.shape == (20, 3)
assert len(ms.earnings_dates("NVDA", cache=folder, offline=True)) == 3
assert ms.yahoo_share_counts("NVDA", "2025-01-02", "2025-01-31", cache=folder, offline=True).firms == ["NVDA"]
assert main(["fetch", "NVDA", "--start", "2025-01-02", "--end", "2025-01-31", "--offline", "--cache", folder]) == 0
assert main(["cache", "verify", "--cache", folder]) == 0
assert not opened, opened
assert "yfinance" not in sys.modules and "curl_cffi" not in sys.modules
print("all of it was held")
"""


def test_offline_hits_open_no_socket(yahoo, fetch, tmp_path, now):
    fetch(["NVDA", "AAPL", "^GSPC"])
    folder = tmp_path / "cache"
    ms.earnings_dates("NVDA", session=yahoo.session, cache=folder)
    source = Yahoo(session=yahoo.session, now=now)
    _share_counts(source, "NVDA", "2025-01-02", "2025-01-31", Fetching(folder, progress=False, now=now))
    done = subprocess.run([sys.executable, "-c", OFFLINE_HITS, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all of it was held\n")


def test_a_saved_study_names_its_prices(yahoo, fetch, tmp_path):
    from marketshock.report.files import output_folder, write_study

    prices = fetch(["NVDA", "AAPL", "^GSPC"], "2024-01-02", "2025-03-31")
    events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]})
    study = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
    write_study(study, output_folder(tmp_path / "out"))
    spec = json.loads((tmp_path / "out" / "spec.json").read_text("utf-8"))
    assert spec["prices"]["tickers"]["NVDA"]["sha256"] == prices.provenance["tickers"]["NVDA"]["sha256"]
    change = ms.market_cap_change("2025-01-27", study=study, tickers=("NVDA",))
    assert change.table.loc["NVDA", "close_after"] == 118.42  # the study's own closes
    returns = prices.adj_close.pct_change(fill_method=None)
    study = ms.event_study(events, returns=returns, model=ms.MarketModel("^GSPC"))
    with pytest.raises(InputError, match="the study was run on returns"):
        ms.market_cap_change("2025-01-27", study=study)


def test_bad_data_of_one_symbol_leaves_the_others(fetch):
    with pytest.warns(PartialDataWarning, match="X100: BadData"):
        assert fetch(["NVDA", "X100"]).tickers == ["NVDA"]
    with pytest.raises(BadData):
        fetch(["NVDA", "X100"], on_failure="raise")
