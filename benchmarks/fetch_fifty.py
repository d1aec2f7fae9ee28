"""Fifty tickers over ten years from the loopback server: cold, from the cache, and the memory it takes. Then thousands
from a source that answers at once: the library's own time, which grows as their number.

The server runs in a process of its own, so that its time and memory are not counted. Run as
``python benchmarks/fetch_fifty.py [ROUNDS]``.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

SPAN = ("2015-01-02", "2025-03-31")
TICKERS = [f"S{i:02d}" for i in range(50)]
NOW = 1743508800  # 1 April 2025, 12:00 UTC


def serve(pipe) -> None:
    """Serve until told to stop."""
    from tests.loopback.yahoo import YahooLoopback

    with YahooLoopback() as server:
        server.now = lambda: NOW
        pipe.send(server.base)
        pipe.recv()


def fetch(base: str, folder: str, offline: bool, pipe) -> None:
    """Fetch (or read) all of it and say how long it took and how much memory this process had at most."""
    import datetime as dt

    from marketshock.providers.fetch import Fetching, _prices
    from marketshock.providers.yahoo import Yahoo

    def now() -> dt.datetime:
        return dt.datetime.fromtimestamp(NOW, dt.UTC)

    session = None
    if not offline:
        from tests.loopback.client import loopback_session, reset_yfinance

        reset_yfinance(folder + "/yfinance")
        session = loopback_session(base)
    start = time.perf_counter()
    source = Yahoo(session=session, now=now)
    prices = _prices(source, TICKERS, *SPAN, Fetching(folder, offline, now=now, progress=False))
    seconds = time.perf_counter() - start
    assert prices.close.shape == (2576, 50), prices.close.shape
    pipe.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def measured(*arguments: object) -> tuple[float, float]:
    """Return seconds and megabytes of one run in a new process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=fetch, args=(*arguments, there))
    process.start()
    there.close()  # so that a process that fails is not waited for
    result = here.recv()
    process.join()
    return result


def own_seconds(n: int, cache: str | bool = False) -> float:
    """Return the CPU seconds of a call for n symbols of a source that answers at once."""
    import contextlib
    import datetime as dt

    import numpy as np

    from marketshock.providers.bars import FIELDS, Bars
    from marketshock.providers.fetch import fetch_prices

    class Instant:  # positional arguments, as the cache and `collect` give them
        name, interval, earliest = "instant", "1d", dt.date.min

        def asking(self, _bound: object) -> contextlib.AbstractContextManager[None]:
            return contextlib.nullcontext()

        def bars(self, symbol: str, first: dt.date, last: dt.date, _bound: object) -> Bars:
            return Bars(symbol, days, days.astype("datetime64[s]"), values, (first, last), {"currency": "USD"})

    days = np.arange(np.datetime64("2024-01-02"), np.datetime64("2024-06-29"))
    values = np.tile([10.0, 10, 10, 10, 1e6, 0, 0], (len(days), 1))
    assert values.shape[1] == len(FIELDS)
    start = time.process_time()
    prices = fetch_prices(
        Instant(), [f"S{k}" for k in range(n)], "2024-01-02", "2024-06-28", cache=cache, progress=False
    )
    seconds = time.process_time() - start
    assert prices.close.shape == (len(days), n)
    return seconds


def floor_seconds(n: int) -> tuple[float, float]:
    """Return the CPU seconds that as many files of that size take at least: to write and move, and to read."""
    import hashlib
    import os

    data = bytes(179 * 9 * 8 + 500)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        for k in range(n):
            hashlib.sha256(data).digest()
            with open(f"{folder}/part", "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(f"{folder}/part", f"{folder}/{k}")
        middle = time.process_time()
        for k in range(n):
            hashlib.sha256(Path(f"{folder}/{k}").read_bytes()).digest()
        return middle - start, time.process_time() - middle


def cached_seconds(n: int) -> tuple[float, float]:
    """Return the CPU seconds of a call for n symbols with an empty cache, and with a full one."""
    with tempfile.TemporaryDirectory() as folder:
        return own_seconds(n, folder), own_seconds(n, folder)


def main() -> None:
    """Measure and print medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there,))
    server.start()
    base = here.recv()
    cold, warm = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(measured(base, folder, False))
            warm.append(measured(base, folder, True))
    here.send("stop")
    server.join()
    print(f"{'50 tickers, 2,576 sessions':<28} {'median s':>9} {'peak MB':>9}")
    for name, runs in (("cold, four workers", cold), ("from the cache", warm)):
        seconds, megabytes = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{name:<28} {seconds:9.2f} {megabytes:9.0f}")
    print(f"cold / cached: {statistics.median(c[0] for c in cold) / statistics.median(w[0] for w in warm):.0f}")
    own_seconds(10)  # imports
    one, four = (min(own_seconds(n) for _ in range(rounds)) for n in (1000, 4000))
    print(f"1,000 and 4,000 symbols, own CPU s: {one:.2f}, {four:.2f}; ratio {four / one:.1f} (4 is linear)")
    (cold_one, warm_one), (cold_four, warm_four) = (
        [min(times) for times in zip(*(cached_seconds(n) for _ in range(rounds)), strict=True)] for n in (1000, 4000)
    )
    written, read = (min(times) for times in zip(*(floor_seconds(4000) for _ in range(rounds)), strict=True))
    print(f"the same, empty cache: {cold_one:.2f}, {cold_four:.2f}; files of that size alone: {written:.2f}")
    print(f"the same, full cache: {warm_one:.2f}, {warm_four:.2f}; files of that size alone: {read:.2f}")


if __name__ == "__main__":
    main()
