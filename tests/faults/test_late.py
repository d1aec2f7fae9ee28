"""A vendor that is late, and a clock that is wrong, leave no hole in the cache for good."""

from __future__ import annotations

import datetime as dt
import warnings
from dataclasses import replace

import numpy as np
import pytest

from marketshock.errors import CacheWarning, NoData, PriceWarning, Unavailable
from marketshock.providers.cache import BAR, Cache
from marketshock.providers.fetch import Fetching, _intraday, _prices, fetch_prices
from marketshock.providers.memo import remembered
from marketshock.providers.retry import Bound, Retry
from marketshock.providers.store import Key, Store
from marketshock.providers.yahoo import Yahoo
from marketshock.report.fetched import cache_record

from .attacks_cache import archive, arrays_of
from .attacks_late import FORGET, Vendor, ask, same

D = dt.date
KEY = Key("yahoo", "1d", "7203.T")
LONG = (D(2025, 1, 2), D(2025, 3, 6))


@pytest.fixture
def fetch(yahoo, store):
    """Fetch from the loopback server at its time."""

    def run(symbol, end, **more):
        now = lambda: dt.datetime.fromtimestamp(yahoo.now(), dt.UTC)  # noqa: E731
        source = Yahoo(session=yahoo.session, now=now, retry=Retry(2, 0.001, 0.002, 0.01))
        return _prices(
            source, symbol, "2025-01-02", end, Fetching(**{"cache": store, "progress": False, "now": now} | more)
        )

    return run


def at(yahoo, text):
    yahoo.now = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp


def up_to(series, last):
    """Return a series of the server with the bars up to a day."""
    n = sum(day <= last for day in series.dates)
    cut = {name: getattr(series, name)[:n] for name in ("open", "high", "low", "close", "adjclose", "volume")}
    return replace(series, dates=series.dates[:n], **cut)


class TestYahoo:
    def test_two_weeks_late_off_the_nyse(self, yahoo, fetch, store, tmp_path):
        whole = yahoo.universe["7203.T"]
        yahoo.universe["7203.T"] = up_to(whole, D(2025, 2, 20))
        at(yahoo, "2025-03-06T23:00:00")
        with pytest.warns(PriceWarning, match=r"no bar as of 2025-03-06 23:00 UTC on 2025-02-21"):
            assert len(fetch("7203.T", "2025-03-05").dates) == 33
        assert store.read(KEY).about["covered"] == [["2025-01-02", "2025-02-21"]]
        yahoo.universe["7203.T"] = whole
        at(yahoo, "2025-03-08T00:00:00")
        late = fetch("7203.T", "2025-03-05")
        assert late.close.equals(fetch("7203.T", "2025-03-05", cache=tmp_path / "fresh").close)
        assert len(late.dates) == 42

    def test_a_clock_five_weeks_ahead(self, yahoo, fetch, tmp_path):
        whole = yahoo.universe["NVDA"]
        yahoo.universe["NVDA"] = up_to(whole, D(2025, 2, 20))
        at(yahoo, "2025-03-25T12:00:00")
        assert len(fetch("NVDA", "2025-02-20").dates) == 33
        at(yahoo, "2025-02-21T12:00:00")  # right again, and the memory is one of the future
        yahoo.universe["NVDA"] = up_to(whole, D(2025, 2, 21))
        at(yahoo, "2025-02-22T12:00:00")
        assert len(fetch("NVDA", "2025-02-21").dates) == 34
        yahoo.universe["NVDA"] = whole
        at(yahoo, "2025-03-29T12:00:00")
        assert fetch("NVDA", "2025-03-21").close.equals(fetch("NVDA", "2025-03-21", cache=tmp_path / "fresh").close)

    def test_a_share_that_trades_no_more(self, yahoo, fetch):
        yahoo.universe["AAPL"] = up_to(yahoo.universe["AAPL"], D(2025, 2, 20))
        at(yahoo, "2025-03-25T12:00:00")
        for now, charts in (("2025-03-25T12:00:00", 1), ("2025-03-26T11:00:00", 1), ("2025-03-26T13:00:00", 2)):
            at(yahoo, now)
            for _ in range(3):
                with pytest.warns(PriceWarning, match="no bar as of 2025-03"):
                    fetch("AAPL", "2025-03-21")
            assert yahoo.charts("AAPL") == charts
        at(yahoo, "2026-03-25T12:00:00")
        with pytest.warns(PriceWarning, match="no bar as of 2025-03-26 13:00 UTC"):
            assert len(fetch("AAPL", "2025-03-21", offline=True).dates) == 33
        assert yahoo.charts("AAPL") == 2

    def test_a_share_that_is_no_more_at_the_vendor_s(self, yahoo, fetch):
        yahoo.universe["AAPL"] = up_to(yahoo.universe["AAPL"], D(2025, 2, 20))
        at(yahoo, "2025-03-25T12:00:00")
        with pytest.warns(PriceWarning, match="no bar as of"):
            before = fetch("AAPL", "2025-03-21")
        del yahoo.universe["AAPL"]
        at(yahoo, "2025-03-27T12:00:00")
        with (
            pytest.warns(PriceWarning),
            pytest.warns(CacheWarning, match="may be delisted, asked again for .*; the bars held serve"),
        ):
            assert fetch("AAPL", "2025-03-21").close.equals(before.close)
        yahoo.requests.clear()
        with pytest.warns(PriceWarning, match="no bar as of"):
            assert fetch("AAPL", "2025-03-21").close.equals(before.close)
        assert yahoo.requests == []  # that is believed for a while

    def test_intraday(self, yahoo, store):
        whole = yahoo.universe["NVDA"]

        def run(now):
            at(yahoo, now)
            clock = lambda: dt.datetime.fromtimestamp(yahoo.now(), dt.UTC)  # noqa: E731
            source = Yahoo("30m", session=yahoo.session, now=clock, retry=Retry(2, 0.001, 0.001))
            how = Fetching(store, progress=False, now=clock)
            return _intraday(source, "NVDA", "2025-02-10", "2025-02-28", how)

        yahoo.universe["NVDA"] = up_to(whole, D(2025, 2, 13))
        with pytest.warns(PriceWarning, match="no bar"):
            assert len(run("2025-03-06T12:00:00")) == 4 * 13
        yahoo.universe["NVDA"] = whole
        assert len(run("2025-03-08T12:00:00")) == 14 * 13
        yahoo.requests.clear()
        run("2025-06-08T12:00:00")  # Yahoo keeps them no more
        assert yahoo.requests == []


class TestVendor:
    def test_a_session_without_a_bar_and_one_without_a_close(self, vendor, store):
        vendor.without, vendor.null = {D(2025, 1, 15)}, {D(2025, 2, 4)}
        first = ask(vendor, store, *LONG)
        ask(vendor, store, *LONG)
        assert len(vendor.asked) == 1
        vendor.heal(FORGET)
        again = ask(vendor, store, *LONG)
        assert len(vendor.asked) == 3  # the past has changed: all of it is fetched again
        assert len(again) == len(first) + 1
        assert np.isfinite(again.values).all()

    def test_a_last_bar_of_an_unfinished_day(self, vendor, store):
        vendor.ahead = dt.timedelta(days=20)
        half = ask(vendor, store, D(2025, 1, 2), D(2025, 3, 7))
        vendor.heal()
        whole = ask(vendor, store, D(2025, 1, 2), D(2025, 3, 7))
        assert half["close"][-1] == pytest.approx(whole["close"][-1] * 0.99)
        assert same(whole, ask(vendor, Store(store.root / "fresh"), D(2025, 1, 2), D(2025, 3, 7)))

    @pytest.mark.parametrize("late", [1, 3])
    def test_late_by_a_day_or_some_is_asked_for_every_time(self, vendor, store, late):
        vendor.late = late + 1
        ask(vendor, store, *LONG)
        ask(vendor, store, *LONG)
        assert len(vendor.asked) == 2
        vendor.late = 0
        assert ask(vendor, store, *LONG).day[-1] == np.datetime64("2025-03-05")

    def test_what_is_held_stays_when_the_vendor_loses_its_end(self, vendor, store):
        true = ask(vendor, store, *LONG)
        vendor.late, vendor.today = 20, D(2025, 3, 10)
        assert same(ask(vendor, store, LONG[0], D(2025, 3, 10)), true)
        assert len(vendor.asked) == 2
        vendor.heal()
        assert len(ask(vendor, store, LONG[0], D(2025, 3, 10))) == len(true) + 2

    def test_a_bar_that_is_held_is_not_called_absent(self, yahoo, fetch):
        at(yahoo, "2025-03-06T23:00:00")
        fetch("AAPL", "2025-03-05")
        whole = yahoo.universe["AAPL"]
        yahoo.universe["AAPL"] = up_to(whole, D(2025, 2, 28))
        at(yahoo, "2025-03-10T12:00:00")
        with pytest.warns(PriceWarning, match=r"AAPL: no bar on a session on 2025-03-06, 2025-03-07 \[absent\]$"):
            assert str(fetch("AAPL", "2025-03-07").dates[-1].date()) == "2025-03-05"

    def test_infinite_figures_after_the_days_covered_leave_the_others(self, vendor, store):
        plain = vendor.bars

        def refused(*asked):  # as Yahoo's are: not covered from the first error on
            bars = plain(*asked)
            bars.values[bars.day == np.datetime64("2025-02-20"), 3] = np.inf
            return replace(bars, covered=(bars.covered[0], D(2025, 2, 20)))

        vendor.bars = refused
        got = ask(vendor, store, *LONG)
        assert not np.isinf(got.values).any()
        vendor.bars = plain
        assert same(ask(vendor, store, LONG[0], D(2025, 2, 20)), got.between(LONG[0], D(2025, 2, 20)))
        assert len(vendor.asked) == 1
        assert len(ask(vendor, store, *LONG)) == 42

    def test_a_description_that_cannot_be_written_is_not_kept(self, vendor, store):
        plain = vendor.bars
        vendor.bars = lambda *asked: replace(plain(*asked), about={"source": "made", "made": D(2025, 1, 2)})
        with pytest.warns(CacheWarning, match="no plain data .*date.*; its bars are not kept"):
            assert len(ask(vendor, store, *LONG)) == 42

    def test_the_bar_of_today_does_not_make_yesterday_s_doubtful(self, vendor, store):
        plain = vendor.bars

        def with_today(*asked):  # after the close it is there, and not covered
            vendor.today += dt.timedelta(days=1)
            bars = plain(*asked)
            vendor.today -= dt.timedelta(days=1)
            return replace(bars, covered=(bars.covered[0], vendor.today))

        vendor.bars = with_today
        for _ in range(2):
            ask(vendor, store, *LONG)
        assert len(vendor.asked) == 1

    def test_old_holes_are_asked_for_less_often(self, vendor, store):
        vendor.without = {D(2025, 1, 15)}
        vendor.today = D(2026, 3, 6)
        for days, requests in ((0, 1), (29, 1), (2, 2)):
            vendor.today += dt.timedelta(days=days)
            ask(vendor, store, *LONG)
            assert len(vendor.asked) == requests

    def test_holidays_abroad_cost_one_request_a_day_at_most(self, store):
        vendor = Vendor(zone="Asia/Tokyo")
        vendor.today = D(2025, 6, 2)
        for _ in range(3):
            ask(vendor, store, D(2025, 4, 1), D(2025, 5, 31))
        vendor.today += dt.timedelta(days=1)
        for _ in range(3):
            ask(vendor, store, D(2025, 4, 1), D(2025, 5, 31))
        assert len(vendor.asked) == 2
        vendor.broken = True
        vendor.today += dt.timedelta(days=400)
        assert len(ask(vendor, store, D(2025, 4, 1), D(2025, 5, 31), offline=True))
        with pytest.warns(CacheWarning, match="HTTP 500, asked again for"):
            assert len(ask(vendor, store, D(2025, 4, 1), D(2025, 5, 31)))
        with pytest.raises(Unavailable):  # days nobody was ever asked for
            ask(vendor, store, D(2024, 4, 1), D(2025, 5, 31))

    def test_weekends_of_what_trades_on_them(self, store):
        vendor = Vendor(zone="UTC")
        vendor.days = np.arange("2025-01-02", "2025-09-30", dtype="datetime64[D]")
        vendor.close = np.linspace(100, 200, len(vendor.days)).round(2)
        vendor.today, vendor.late = D(2025, 3, 10), 2  # Monday; the last bar is of Saturday
        assert ask(vendor, store, D(2025, 1, 2), D(2025, 3, 10)).day[-1] == np.datetime64("2025-03-08")
        vendor.late = 0
        assert ask(vendor, store, D(2025, 1, 2), D(2025, 3, 10)).day[-1] == np.datetime64("2025-03-09")

    def test_several_spans(self, vendor, store):
        vendor.today = D(2025, 9, 1)
        plain = vendor.bars
        vendor.bars = lambda symbol, first, last, bound: replace(
            (bars := plain(symbol, first, last, bound)).between(first, last),
            covered=(first, min(last, bars.covered[1])),
        )  # it answers what it is asked and no more
        for first, last in (
            (D(2025, 1, 2), D(2025, 2, 1)),
            (D(2025, 2, 20), D(2025, 3, 20)),
            (D(2025, 2, 1), D(2025, 2, 20)),
        ):
            vendor.without = {first + dt.timedelta(days=5)}
            ask(vendor, store, first, last)
        vendor.heal()
        got = ask(vendor, store, D(2025, 1, 2), D(2025, 3, 20))
        assert same(got, ask(vendor, Store(store.root / "fresh"), D(2025, 1, 2), D(2025, 3, 20)))

    def test_a_file_of_an_earlier_version_is_not_trusted_where_it_has_no_bar(self, vendor, store):
        vendor.late, key = 14, Key("made", "1d", "A")
        got = ask(vendor, store, *LONG)
        held = store.read(key)
        about = {name: value for name, value in held.about.items() if name != "asked"}
        store.write(key, {**about, "covered": [["2025-01-02", "2025-03-06"]], "nothing": []}, held.payload)
        assert same(ask(vendor, store, *LONG, offline=True), got)
        vendor.heal(dt.timedelta(days=30))
        assert same(ask(vendor, store, *LONG), ask(vendor, Store(store.root / "fresh"), *LONG))

    def test_nothing_of_the_future_is_believed(self, vendor, store):
        def gone(symbol, first, last, bound):
            vendor.asked.append((first, last))
            raise NoData(symbol, "bars", "HTTP 404", "check the symbol")

        vendor.bars, vendor.ahead = gone, dt.timedelta(days=5)
        for ahead, requests in ((5, 1), (5, 1), (0, 2), (0, 2)):
            vendor.ahead = dt.timedelta(days=ahead)
            with pytest.raises(NoData, match="HTTP 404"):
                ask(vendor, store, *LONG)
            assert len(vendor.asked) == requests
        (entry,) = store.entries()
        assert cache_record(entry)["covered"] == ["nothing (HTTP 404) as of 2025-03-06T12:00"]

    def test_an_answer_without_any_bar_is_believed_for_a_while(self, vendor, store):
        plain, cache = vendor.bars, Cache(store, FORGET, now=vendor.now)
        vendor.bars = lambda *asked: plain(*asked).where(np.zeros(0, np.int64))
        for _ in range(2):
            if cache.held(vendor, "A", *LONG) is None:
                cache.fetch(vendor, "A", *LONG, Bound(9))
        assert len(vendor.asked) == 1
        with pytest.raises(NoData, match="no bar on these days"):
            fetch_prices(vendor, ["A"], LONG[0], D(2025, 3, 5), cache=store, progress=False, now=vendor.now)
        vendor.bars = plain
        vendor.heal(FORGET)
        assert len(ask(vendor, store, *LONG))

    def test_figures_no_source_sends_are_not_kept_and_not_read(self, vendor, store):
        plain, key = vendor.bars, Key("made", "1d", "A")

        def infinite(*asked):
            bars = plain(*asked)
            bars.values[3, 3] = np.inf
            return bars

        vendor.bars = infinite
        with pytest.warns(
            CacheWarning, match="A: the source sent a figure that is infinite, or no number; its bars are not"
        ):
            ask(vendor, store, *LONG)
        assert store.read(key) is None
        vendor.bars = plain
        whole = ask(vendor, store, LONG[0], D(2025, 2, 1))
        vendor.bars = infinite  # the piece beside what is held
        vendor.heal(dt.timedelta(days=5))
        with pytest.warns(CacheWarning, match="its bars are not kept"):
            assert len(ask(vendor, store, LONG[0], D(2025, 3, 8))) == 44
        vendor.bars = plain
        assert same(ask(vendor, store, LONG[0], D(2025, 2, 1)), whole)
        assert np.isfinite(ask(vendor, store, *LONG).values).all()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda about, _: about["about"].update(currency=["USD"]), r"currency \['USD'\]"),
            (lambda about, _: about["about"].update(first_trade="long ago"), "first_trade 'long ago'"),
            (lambda about, _: about["about"].update(findings=[{"name": "spike"}]), "another kind"),
            (lambda about, _: about.update(asked=[["2025-01-02", "2025-03-06", "2025-03-06T12:00:00", ""]]), "zone"),
            (lambda about, _: about.update(covered=[["2025-01-02"]]), "another kind"),
            (lambda _, arrays: arrays["values"].__setitem__((3, 3), np.inf), "infinite"),
            (lambda _, arrays: arrays["time"].__setitem__(3, 0), "not later than the one before"),
            (lambda _, arrays: arrays["day"].__setitem__(3, 0), "a day before"),
            (lambda _, arrays: arrays.update(values=arrays["values"][:, :5]), "of shapes"),
            (lambda _, arrays: arrays.update(day=arrays["day"][:-1]), "of shapes"),
            (lambda _, arrays: arrays.pop("time"), "another kind"),
        ],
    )
    def test_what_is_wrong_within_a_file_of_an_earlier_version_counts_as_missing(self, vendor, store, change, words):
        true, key = ask(vendor, store, *LONG), Key("made", "1d", "A")
        held = store.read(key)
        arrays = arrays_of(held.payload)
        change(held.about, arrays)
        store.write(key, held.about, archive(arrays))
        self.counts_as_missing(vendor, store, true, words)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda about, bars: about["about"].update(currency=["USD"]), r"currency \['USD'\]"),
            (lambda about, bars: about.update(fields=["close", "volume"]), r"the fields \['close', 'volume'\]"),
            (lambda about, bars: about.pop("fields"), "another kind"),
            (lambda _, bars: bars["values"].__setitem__((3, 3), np.inf), "infinite"),
            (lambda _, bars: bars["time"].__setitem__(3, 0), "not later than the one before"),
            (lambda _, bars: bars["day"].__setitem__(3, 0), "a day before"),
            (lambda _, bars: bars["day"].__setitem__(3, "NaT"), "a day before"),
            (lambda _, bars: bars["time"].__setitem__(0, "NaT"), "not later than the one before"),
            (lambda _, bars: bars.tobytes()[:-1], "another kind"),
            (lambda _, bars: bars.tobytes() + b"more", "another kind"),
            (lambda _, bars: b"PK\x03\x04" + bars.tobytes(), "another kind"),
        ],
    )
    def test_what_is_wrong_within_a_file_counts_as_missing(self, vendor, store, change, words):
        true, key = ask(vendor, store, *LONG), Key("made", "1d", "A")
        held = store.read(key)
        bars = np.frombuffer(held.payload, BAR).copy()
        changed = change(held.about, bars)
        store.write(key, held.about, changed if isinstance(changed, bytes) else bars.tobytes())
        self.counts_as_missing(vendor, store, true, words)

    def counts_as_missing(self, vendor, store, true, words):
        with pytest.warns(CacheWarning, match=words):
            assert same(ask(vendor, store, *LONG), true)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert same(ask(vendor, store, *LONG), true)
        assert len(vendor.asked) == 2


def test_a_small_answer_of_the_future_or_without_a_time_is_asked_for_again(store):
    key, now = Key("made", "thing", "A"), dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
    for told in ({"fetched": "2025-03-20T00:00:00+00:00"}, {"fetched": "2025-03-01T00:00:00"}, {"fetched": 7}, {}):
        store.write(key, told, b"1")
        assert remembered(store, key, lambda: 2, offline=False, now=now, bound=Bound(9)) == 2
