"""Vendors that are late, leave days out, send unfinished bars; clocks that are wrong."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np

from marketshock.errors import CacheWarning, Unavailable
from marketshock.providers.bars import FIELDS, Bars
from marketshock.providers.cache import Cache
from marketshock.providers.retry import Bound
from marketshock.providers.store import Store
from marketshock.sessions import NEW_YORK, nyse

from . import Attack, Kind

START, END = dt.date(2025, 1, 2), dt.date(2025, 9, 30)
FORGET = dt.timedelta(days=1)


class Vendor:
    """A vendor and a clock. `late` days are not there yet, `without` others are left out, `null` have no close."""

    name, interval, earliest = "made", "1d", dt.date.min

    def __init__(self, seed: int = 0, zone: str = NEW_YORK):
        rng = np.random.default_rng(seed)
        self.zone = zone
        self.days = nyse().between(np.datetime64(START), np.datetime64(END))
        if zone != NEW_YORK:  # other holidays than New York's
            every = np.arange(np.datetime64(START), np.datetime64(END) + 1)
            closed = rng.choice(every, 12)
            self.days = np.setdiff1d(
                every[np.is_busday(every)], [*closed, *np.arange("2025-04-29", "2025-05-07", dtype="datetime64[D]")]
            )
        self.close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(self.days)))), 2)
        self.today = START  # truly
        self.late, self.ahead = 0, dt.timedelta(0)
        self.without: set[dt.date] = set()
        self.null: set[dt.date] = set()
        self.broken = False
        self.asked: list[tuple[dt.date, dt.date]] = []

    def now(self) -> dt.datetime:
        """Return what the clock says: noon, in the middle of a session."""
        return dt.datetime.combine(self.today, dt.time(12), dt.UTC) + self.ahead

    def heal(self, later: dt.timedelta = dt.timedelta(days=2)) -> None:
        """Make vendor and clock right, some days later."""
        self.late, self.ahead, self.broken = 0, dt.timedelta(0), False
        self.without, self.null = set(), set()
        self.today += later

    def asking(self, bound):
        return nullcontext()

    def bars(self, symbol, first, last, bound):
        """Answer up to what the clock calls today, as Yahoo does."""
        self.asked.append((first, last))
        if self.broken:
            raise Unavailable(symbol, "bars", "HTTP 500", "wait")
        here = self.now().date()
        to = min(self.today - dt.timedelta(days=self.late), here - dt.timedelta(days=1))
        keep = (self.days >= np.datetime64(first)) & (self.days <= np.datetime64(to))
        keep &= ~np.isin(self.days, np.array(sorted(self.without), "datetime64[D]"))
        days, close = self.days[keep], self.close[keep].copy()
        close[days == np.datetime64(self.today)] *= 0.99  # of a day that is not over, whatever the clock says
        close[np.isin(days, np.array(sorted(self.null), "datetime64[D]"))] = np.nan
        values = np.zeros((len(days), len(FIELDS)))
        values[:, :4] = close[:, None]
        values[:, 4] = 1000
        about = {"source": "made", "timezone": self.zone, "instrument": "EQUITY", "currency": "USD"}
        return Bars(symbol, days, days.astype("datetime64[s]"), values, (first, max(first, here)), about)


def ask(vendor: Vendor, store: Store, first: dt.date, last: dt.date, *, offline: bool = False) -> Bars:
    """Return the bars of the days [first, last), from the cache or the vendor."""
    cache = Cache(store, FORGET, now=vendor.now)
    held = cache.held(vendor, "A", first, last, offline=offline)
    if held is None:
        assert not offline, "the cache does not hold it"
        held = cache.fetch(vendor, "A", first, last, Bound(60))
    return held.between(first, last)


def same(a: Bars, b: Bars) -> bool:
    """Return whether two pieces have the same bars."""
    return np.array_equal(a.time, b.time) and np.array_equal(a.values, b.values, equal_nan=True)


def _day(rng: random.Random, first: dt.date, last: dt.date) -> dt.date:
    return first + dt.timedelta(days=rng.randrange((last - first).days))


def _story(seed: int, zone: str) -> None:
    rng, vendor = random.Random(seed), Vendor(seed, zone)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", CacheWarning)  # a vendor that fails is said so
        store, fresh = Store(f"{folder}/old"), Store(f"{folder}/new")
        vendor.today = START + dt.timedelta(days=40)
        spans = []
        for _ in range(rng.randrange(1, 6)):
            vendor.today += dt.timedelta(days=rng.randrange(0, 25))
            vendor.late = rng.choice((0, 0, 1, 1, rng.randrange(40)))
            vendor.ahead = dt.timedelta(days=rng.choice((0, 0, 0, 1, rng.randrange(400), -rng.randrange(20))))
            vendor.broken = rng.random() < 0.1
            past = [day.item() for day in vendor.days if day < np.datetime64(vendor.today)]
            vendor.without = set(rng.sample(past, rng.randrange(4)))
            vendor.null = set(rng.sample(past, rng.randrange(3)))
            first = _day(rng, START, vendor.today)
            tomorrow = vendor.today + dt.timedelta(days=1)
            spans.append((first, min(first + dt.timedelta(days=rng.choice((20, 60, 300))), tomorrow)))
            try:
                ask(vendor, store, *spans[-1])
            except Unavailable:
                assert vendor.broken
        vendor.heal()
        for first, last in [(START, vendor.today), *spans] if rng.random() < 0.5 else spans:
            got, true = ask(vendor, store, first, last), ask(vendor, fresh, first, last)
            assert same(got, true), f"{len(got)} bars of {first} to {last}, {len(true)} of a fresh cache"
        vendor.asked.clear()
        for first, last in spans:
            ask(vendor, store, first, last)
        if zone == NEW_YORK:  # elsewhere the last days may be a holiday, or late
            assert not vendor.asked, "a complete answer is asked for again"


def late_vendors(rng: random.Random) -> Iterator[Attack]:
    """Once the vendor is complete and the memory has run out, the answer is that of a fresh cache."""
    while True:
        seed, zone = rng.randrange(1 << 30), rng.choice((NEW_YORK, "Asia/Tokyo"))
        yield f"story {seed} in {zone}", lambda seed=seed, zone=zone: _story(seed, zone)


KINDS = (Kind("cache: vendor late, days left out or without a close, clock wrong", late_vendors, 25, 5_000),)
