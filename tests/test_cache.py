"""The cache: what is held, what is fetched, and that any order of asking gives what one fetch gives."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import random
import struct
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketshock.errors import CacheWarning, InputError, NoData, Unavailable
from marketshock.providers.bars import FIELDS, Bars, adjusted_close, dividend_steps, last_known
from marketshock.providers.cache import Cache, gaps, merged
from marketshock.providers.fetch import fetch_prices
from marketshock.providers.memo import remembered
from marketshock.providers.retry import Bound
from marketshock.providers.store import Key, Store

from .faults.attacks_cache import archive, arrays_of

FIRST = dt.date(2024, 1, 1)
DAYS = 400
TODAY = FIRST + dt.timedelta(days=DAYS)


def day(n: int) -> dt.date:
    return FIRST + dt.timedelta(days=n)


class Made:
    """A source that gives exactly the days it is asked for, and counts."""

    name, interval, earliest = "made", "1d", dt.date.min

    def __init__(self, seed=0, scale=1.0, today=TODAY):
        self.asked: list[tuple[dt.date, dt.date]] = []
        self.today = today
        rng = np.random.default_rng(seed)
        self.close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, DAYS + 60))), 2) * scale
        self.trades = rng.random(DAYS + 60) < 0.7

    def asking(self, bound):
        return nullcontext()

    def bars(self, symbol, first, last, bound):
        self.asked.append((first, last))
        if symbol == "NONE":
            raise NoData(symbol, "bars", "nothing", "do")
        at = np.arange((first - FIRST).days, (min(last, self.today) - FIRST).days)
        at = at[(at >= 0) & (at < len(self.close))]
        at = at[self.trades[at]]
        days = np.datetime64(FIRST) + at
        values = np.full((len(at), len(FIELDS)), 1.0)
        values[:, 3] = self.close[at]
        values[:, 5:] = 0
        return Bars(
            symbol, days, days.astype("datetime64[s]"), values, (first, min(last, self.today)), {"source": "made"}
        )


def ask(cache, source, first, last, symbol="A"):
    bars = cache.held(source, symbol, day(first), day(last)) or cache.fetch(
        source, symbol, day(first), day(last), Bound(60)
    )
    return bars.between(day(first), day(last))


def same(a: Bars, b: Bars) -> bool:
    return np.array_equal(a.time, b.time) and np.array_equal(a.values, b.values)


spans = st.tuples(st.integers(0, DAYS - 2), st.integers(1, 90)).map(lambda s: (s[0], min(s[0] + s[1], DAYS)))


@settings(max_examples=60)
@given(asked=st.lists(spans, min_size=1, max_size=8), seed=st.integers(0, 3))
def test_any_order_of_asking_gives_what_one_fetch_gives(tmp_path_factory, asked, seed):
    store = Store(tmp_path_factory.mktemp("cache"))
    for first, last in asked:
        cache = Cache(store)  # as a new process would
        direct = Made(seed).bars("A", day(first), day(last), Bound(1))
        assert same(ask(cache, Made(seed), first, last), direct)
    for first, last in asked:  # and all of it is held now
        silent = Made(seed)
        assert same(ask(Cache(store), silent, first, last), Made(seed).bars("A", day(first), day(last), Bound(1)))
        assert silent.asked == []


class World:
    """A vendor whose past changes: splits divide it, closes are corrected, days pass. It answers up to now."""

    def __init__(self):
        self.today, self.unit = 120, 1.0
        self.source = Made()
        self.truth = self.source.close.copy()

    def ask(self, store, first, last):
        now = dt.datetime.combine(day(self.today), dt.time(15), dt.UTC)
        source = self.source
        source.close, source.today = self.truth * self.unit, day(self.today)
        plain = source.bars
        source.bars = lambda symbol, first, last, bound: plain(symbol, first, day(self.today), bound)
        try:
            return ask(Cache(store, now=lambda: now), source, first, last)
        finally:
            source.bars = plain


acts = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 119), st.integers(1, 60)),
    st.tuples(st.just("split"), st.sampled_from([0.1, 0.5, 3.0]), st.just(0)),
    st.tuples(st.just("correct"), st.integers(0, 119), st.just(0)),
    st.tuples(st.just("pass"), st.integers(1, 30), st.just(0)),
)


@settings(max_examples=80)
@given(story=st.lists(acts, min_size=2, max_size=14))
def test_no_story_of_splits_corrections_and_days_leaves_a_seam(tmp_path_factory, story):
    """What is returned is the vendor's truth of one moment, in one unit: never two pieces of different units."""
    world, store = World(), Store(tmp_path_factory.mktemp("cache"))
    for act, a, b in [("ask", 0, 119), *story, ("pass", 9, 0), ("ask", 0, DAYS)]:
        if act == "split":
            world.unit *= a
        elif act == "correct":
            world.truth[a] *= 1.5
        elif act == "pass":
            world.today = min(world.today + a, DAYS)
        else:
            last = min(a + b, world.today)
            got = world.ask(store, a, last)
            served = np.array([n for n in range(a, last) if world.source.trades[n]], dtype=int)
            assert list((got.day - np.datetime64(FIRST)).astype(int)) == list(served)
            ratio = np.log(got["close"] / (world.truth[served] * world.unit))
            steps = np.unique(np.round(np.diff(ratio), 6)) if len(ratio) > 1 else np.zeros(0)
            known = {0.0, *np.round([np.log(1.5) * k for k in (-3, -2, -1, 1, 2, 3)], 6)}  # corrections nobody saw
            assert set(steps) <= known, steps


def test_only_what_is_missing_is_asked_for(tmp_path):
    cache, source = Cache(Store(tmp_path)), Made()
    ask(cache, source, 100, 200)
    ask(cache, source, 150, 250)
    assert source.asked == [(day(100), day(200)), (day(193), day(257))]  # a week of overlap on each side


def test_a_re_based_history_is_fetched_again_whole(tmp_path):
    cache = Cache(Store(tmp_path))
    ask(cache, Made(), 100, 200)
    halved = Made(scale=0.5)
    bars = ask(cache, halved, 180, 220)
    assert same(bars, halved.bars("A", day(180), day(220), Bound(1)))
    assert same(ask(cache, Made(scale=9.0), 100, 200), halved.bars("A", day(100), day(200), Bound(1)))
    (entry,) = Store(tmp_path).entries()
    assert "re-based its history, closes x0.5" in str(entry.about["about"]["history"])


def test_pieces_without_a_common_bar_are_fetched_whole(tmp_path):
    cache, source = Cache(Store(tmp_path)), Made()
    ask(cache, source, 10, 20)
    ask(cache, source, 300, 310)
    assert source.asked[-1] == (day(10), day(317)) or source.asked[-1] == (day(10), day(310))
    (entry,) = Store(tmp_path).entries()
    assert len(entry.about["covered"]) == 1


def test_today_is_never_recorded(tmp_path):
    source = Made(today=day(200))
    cache = Cache(Store(tmp_path))
    ask(cache, source, 150, 205)
    (entry,) = Store(tmp_path).entries()
    assert entry.about["covered"] == [[str(day(150)), str(day(200))]]
    source.asked.clear()
    ask(cache, source, 150, 205)
    assert source.asked


def test_an_absence_is_remembered_and_forgotten(tmp_path):
    clock = [dt.datetime(2025, 3, 1, tzinfo=dt.UTC)]
    cache, source = Cache(Store(tmp_path), now=lambda: clock[0]), Made()
    for _ in range(3):
        with pytest.raises(NoData):
            ask(cache, source, 10, 20, "NONE")
    assert len(source.asked) == 1
    clock[0] += dt.timedelta(days=1, seconds=1)
    with pytest.raises(NoData):
        ask(cache, source, 10, 20, "NONE")
    assert len(source.asked) == 2


def test_a_file_of_an_earlier_version_is_read_and_grows(tmp_path):
    store, source, key = Store(tmp_path), Made(), Key("made", "1d", "A")
    wanted = ask(Cache(store), source, 100, 200)
    held = store.read(key)
    store.write(key, held.about, archive(arrays_of(held.payload)))
    assert same(ask(Cache(store), source, 100, 200), wanted)
    assert len(source.asked) == 1
    assert same(ask(Cache(store), source, 150, 250), source.bars("A", day(150), day(250), Bound(1)))
    assert same(ask(Cache(store), source, 100, 200), wanted)
    assert store.read(key).payload[:4] != b"PK\x03\x04"


def test_a_file_has_its_bars_one_after_another(tmp_path):
    """Little-endian, whatever the machine: day, second, seven figures."""
    bars, store = ask(Cache(Store(tmp_path)), Made(), 100, 200), Store(tmp_path)
    held = store.read(Key("made", "1d", "A"))
    rows = list(struct.iter_unpack("<qq7d", held.payload))
    assert held.about["rows"] == len(rows) == len(bars)
    assert held.about["fields"] == list(FIELDS)
    assert [row[0] for row in rows] == bars.day.astype(int).tolist()
    assert [row[1] for row in rows] == bars.time.astype(int).tolist()
    assert [list(row[2:]) for row in rows] == bars.values.tolist()


def test_a_day_that_begins_as_an_archive_does(tmp_path):
    class Weekends(Made):
        def bars(self, symbol, first, last, bound):
            days = np.array(["2022-10-15"], "datetime64[D]")  # 0x4B50 days after 1970: "PK"
            return Bars(symbol, days, days.astype("datetime64[s]"), np.ones((1, len(FIELDS))), (first, last))

    store, (first, last) = Store(tmp_path), (dt.date(2022, 10, 15), dt.date(2022, 10, 17))
    fetched = Cache(store).fetch(Weekends(), "A", first, last, Bound(60))
    assert store.read(Key("made", "1d", "A")).payload.startswith(b"PK")
    held = Cache(store).held(Weekends(), "A", first, last)
    assert same(held, fetched)
    assert held.values.flags.writeable


def test_a_new_file_is_written_to_the_disk_once(tmp_path, monkeypatch):
    cache, source, synced = Cache(Store(tmp_path)), Made(), []
    ask(cache, source, 100, 200, "FIRST")  # with it the folder is made
    monkeypatch.setattr(os, "fsync", synced.append)
    for n in range(5):
        ask(cache, source, 100, 200, f"S{n}")
    assert len(synced) == 5


def test_a_damaged_file_is_fetched_again(tmp_path):
    cache, source = Cache(Store(tmp_path)), Made()
    wanted = ask(cache, source, 100, 200)
    path = Store(tmp_path).path(Key("made", "1d", "A"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(CacheWarning, match="does not match its checksum; it was set aside"):
        assert same(ask(cache, source, 100, 200), wanted)
    assert len(source.asked) == 2


def test_a_folder_that_refuses_still_gives_the_bars(tmp_path, monkeypatch):
    from marketshock.providers import store as module

    def full(*args):
        raise OSError(28, "No space left on device")

    cache, source = Cache(Store(tmp_path)), Made()
    wanted = ask(cache, source, 100, 150)
    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.warns(CacheWarning, match="No space left"):
        more = ask(cache, source, 100, 200)
    assert same(more.between(day(100), day(150)), wanted)
    monkeypatch.undo()
    source.asked.clear()
    assert same(ask(cache, source, 100, 150), wanted)
    assert source.asked == []


def fill(root, seed):
    """Ask for random spans in another process."""
    rng, store = random.Random(seed), Store(root)
    for _ in range(25):
        first = rng.randrange(DAYS - 60)
        last = first + rng.randrange(1, 60)
        for symbol in ("A", "B"):
            if not same(
                ask(Cache(store), Made(), first, last, symbol), Made().bars(symbol, day(first), day(last), Bound(1))
            ):
                raise SystemExit(3)


def test_two_processes_fill_one_cache(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=fill, args=(tmp_path, seed)) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert all(entry.problem == "" for entry in Store(tmp_path).entries())
    assert Store(tmp_path).leftovers() == []


def test_any_source_can_be_cached(tmp_path):
    prices = fetch_prices(Made(), ["A", "B"], day(100), day(199), cache=tmp_path, progress=False)
    silent = Made()
    again = fetch_prices(silent, ["A", "B"], day(100), day(199), cache=tmp_path, progress=False)
    assert silent.asked == []
    assert again.close.equals(prices.close)
    assert prices.provenance["source"] == "made"


@given(asked=st.lists(spans, max_size=6), want=spans)
def test_gaps_and_spans_cover_every_day_once(asked, want):
    covered = {n for first, last in asked for n in range(first, last)}
    held = merged((day(a), day(b)) for a, b in asked)
    missing = [
        n for a, b in gaps((day(want[0]), day(want[1])), held) for n in range((a - FIRST).days, (b - FIRST).days)
    ]
    assert missing == [n for n in range(*want) if n not in covered]
    assert sum((b - a).days for a, b in held) == len(covered)


class TestAdjustment:
    def test_by_hand(self):
        close = np.array([100.0, 101.0, 99.0, 102.0])
        dividend = np.array([0.0, 0.0, 2.0, 0.0])
        factor = 1 - 2 / 101
        np.testing.assert_allclose(adjusted_close(close, dividend), [100 * factor, 101 * factor, 99, 102], rtol=1e-15)
        gross = adjusted_close(close, dividend)
        assert gross[2] / gross[1] == pytest.approx(99 / (101 - 2), rel=1e-15)

    def test_missing_closes(self):
        close = np.array([np.nan, 100.0, np.nan, 98.0])
        dividend = np.array([0.0, 0.0, 0.0, 1.0])
        np.testing.assert_array_equal(last_known(close), [np.nan, np.nan, 100, 100])
        np.testing.assert_allclose(dividend_steps(close, dividend), [1, 1, 1, 0.99])
        np.testing.assert_allclose(adjusted_close(close, dividend), [np.nan, 99, np.nan, 98])

    def test_a_dividend_on_the_first_bar_changes_nothing(self):
        np.testing.assert_array_equal(adjusted_close(np.array([10.0, 11.0]), np.array([1.0, 0.0])), [10, 11])

    def test_nothing(self):
        assert len(adjusted_close(np.empty(0), np.empty(0))) == 0


class TestRemembered:
    NOW = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)

    def test_an_answer_is_kept_for_its_time(self, tmp_path):
        store, key, asked = Store(tmp_path), Key("made", "thing", "A"), []

        def answer():
            asked.append(1)
            return {"n": len(asked)}

        def at(**later):
            when = self.NOW + dt.timedelta(**later)
            return remembered(store, key, answer, offline=False, now=when, bound=Bound(9))["n"]

        assert [at(), at(hours=23), at(hours=25), at(hours=26)] == [1, 1, 2, 2]
        offline = remembered(store, key, answer, offline=True, now=self.NOW + dt.timedelta(days=900), bound=Bound(9))
        assert offline == {"n": 2}

    def test_an_answer_that_fails_keeps_the_old_one(self, tmp_path):
        store, key = Store(tmp_path), Key("made", "thing", "A")
        remembered(store, key, lambda: 1, offline=False, now=self.NOW, bound=Bound(9))

        def fail():
            raise Unavailable("A", "thing", "a reset", "wait")

        with pytest.raises(Unavailable):
            remembered(store, key, fail, offline=False, now=self.NOW + dt.timedelta(days=2), bound=Bound(9))
        assert remembered(store, key, fail, offline=True, now=self.NOW, bound=Bound(9)) == 1


def test_bars_are_cut_by_day():
    bars = Made().bars("A", day(0), day(50), Bound(1))
    cut = bars.between(day(10), day(20))
    assert cut.day.min() >= np.datetime64(day(10))
    assert cut.day.max() < np.datetime64(day(20))
    assert len(replace(cut)) == len(cut["close"])


def test_a_bound_must_be_positive():
    with pytest.raises(InputError, match="max_time"):
        Bound(0)


def test_entries_are_plain_data(tmp_path):
    ask(Cache(Store(tmp_path)), Made(), 0, 10)
    (entry,) = Store(tmp_path).entries()
    assert json.loads(json.dumps(entry.about)) == entry.about
