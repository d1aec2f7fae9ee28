"""Several processes, each with threads, that fetch, list and clear in one cache, and one of them killed."""

from __future__ import annotations

import datetime as dt
import multiprocessing as mp
import random
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.connection import Connection

import numpy as np

from marketshock.errors import MarketShockWarning
from marketshock.providers.bars import FIELDS, Bars
from marketshock.providers.fetch import fetch_prices
from marketshock.providers.store import Store

from . import Attack, Kind

PROCESSES, THREADS, OPERATIONS = 3, 2, 20
_SPAWN = mp.get_context("spawn")


def _expected(symbol: str, days: np.ndarray) -> np.ndarray:
    return sum(map(ord, symbol)) + days.astype("datetime64[D]").astype(int) % 97 / 97.0


class Vendor:
    """Closes that follow from symbol and day, on every weekday."""

    name, interval, earliest = "yahoo", "1d", dt.date.min

    def asking(self, bound: object) -> AbstractContextManager[None]:
        return nullcontext()

    def bars(self, symbol: str, first: dt.date, last: dt.date, bound: object) -> Bars:
        days = np.arange(first, last, dtype="datetime64[D]")
        days = days[np.is_busday(days)]
        values = np.zeros((len(days), len(FIELDS)))
        values[:, :4] = _expected(symbol, days)[:, None]
        about = {"source": "made", "interval": "1d", "timezone": "America/New_York", "currency": "USD"}
        return Bars(symbol, days, days.astype("datetime64[s]"), values, (first, last), about)


def _fetched(root: str, symbol: str, first: dt.date, last: dt.date) -> None:
    """Fetch a span and hold that every weekday of it is there, with its close."""
    close = fetch_prices(Vendor(), [symbol], first, last, cache=root, progress=False, max_time=60).close[symbol]
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    days = days[np.is_busday(days)]
    assert close.index.to_numpy().astype("datetime64[D]").tolist() == days.tolist()
    assert np.array_equal(close.to_numpy(), _expected(symbol, days))


def _operations(root: str, seed: str, faults: list[str], begun: threading.Event) -> None:
    rng = random.Random(seed)
    for _ in range(OPERATIONS):
        first = dt.date(2024, 1, 1) + dt.timedelta(days=rng.randrange(300))
        last, chance = first + dt.timedelta(days=rng.randrange(20, 60)), rng.random()
        try:
            if chance < 0.85:
                _fetched(root, rng.choice(("AA", "BB", "CC")), first, last)
            elif chance < 0.95:
                assert not [entry.problem for entry in Store(root).entries() if entry.problem]
            else:
                for entry in Store(root).entries():
                    Store(root).remove(entry)
        except BaseException as error:
            faults.append(f"{type(error).__name__}: {error}"[:200])
        begun.set()


def _process(root: str, seed: str, reports: Connection) -> None:
    warnings.simplefilter("ignore", MarketShockWarning)
    faults, begun = list[str](), threading.Event()
    threads = [threading.Thread(target=_operations, args=(root, f"{seed}:{n}", faults, begun)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    begun.wait()
    reports.send(None)
    for thread in threads:
        thread.join()
    reports.send(faults)


def _attack(seed: str, pause: float) -> None:
    with tempfile.TemporaryDirectory() as root, warnings.catch_warnings():
        warnings.simplefilter("ignore", MarketShockWarning)
        ends = [_SPAWN.Pipe(duplex=False) for _ in range(PROCESSES)]
        running = [_SPAWN.Process(target=_process, args=(root, f"{seed}:{n}", ends[n][1])) for n in range(PROCESSES)]
        try:
            for process in running:
                process.start()
            assert ends[0][0].poll(60), "nothing was done within a minute"
            time.sleep(pause)
            running[0].kill()
            for end, _ in ends[1:]:
                assert end.poll(60), "stuck"
                end.recv()
                assert end.poll(60), "stuck"
                assert end.recv() == []
        finally:
            for process in running:
                if process.pid:
                    process.kill()
                    process.join()
        for symbol in ("AA", "BB", "CC"):
            _fetched(root, symbol, dt.date(2024, 1, 1), dt.date(2024, 12, 31))
        assert not [entry.problem for entry in Store(root).entries() if entry.problem]


def one_cache(rng: random.Random) -> Iterator[Attack]:
    """Spans, symbols and the moment of the kill are drawn."""
    while True:
        seed, pause = f"{rng.randrange(10**9)}", rng.choice((0.0, 0.01, 0.03, 0.1, 0.3))
        words = f"{PROCESSES} processes x {THREADS} threads, seed {seed}, one killed after {pause:g} s"
        yield words, lambda seed=seed, pause=pause: _attack(seed, pause)


KINDS = (Kind("one cache: processes and threads that fetch, list and clear; a kill", one_cache, 1, 30),)
