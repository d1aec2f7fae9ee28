"""What many markets cost: the same events in twenty markets and in one, in turn, medians and their ratio.

Run as ``python benchmarks/markets.py [ROUNDS]``. Twenty benchmarks of 25 securities each, with holidays of their own;
in the one market all securities are held against the first benchmark on its days. Both a table of CARs and the tests of
the whole window are made.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
import pandas as pd

import marketshock as ms

MARKETS, FIRMS, DAYS = 20, 25, 1500
OPTIONS = {
    "window": (-1, 5),
    "estimation": (-260, -11),
    "calendar": "index",
    "on_findings": "ignore",
    "on_closed": "next",
}


def made(one_calendar: bool, seed: int = 0) -> tuple[pd.DataFrame, list[str]]:
    """Return closes and the benchmarks; each market has closed days of its own unless all have one calendar."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2015-01-01", periods=DAYS)
    columns, benchmarks = {}, []
    for k in range(MARKETS):
        market = rng.normal(0, 0.01, DAYS)
        closed = np.zeros(DAYS, dtype=bool)
        closed[rng.choice(DAYS, 12 * DAYS // 260, replace=False)] = not one_calendar
        names = [f"M{k}", *(f"S{k}_{j}" for j in range(FIRMS))]
        for name in names:
            own = market + (0 if name == names[0] else rng.normal(0, 0.02, DAYS))
            columns[name] = np.where(closed, np.nan, 100 * np.exp(np.cumsum(own)))
        benchmarks.append(names[0])
    return pd.DataFrame(columns, index=days), benchmarks


def events_of(days: pd.DatetimeIndex, benchmarks: list[str], per_firm: int, seed: int = 1) -> pd.DataFrame:
    """Return events of every firm with the benchmark of its market."""
    rng = np.random.default_rng(seed)
    rows = [(f"S{k}_{j}", b) for k, b in enumerate(benchmarks) for j in range(FIRMS) for _ in range(per_firm)]
    dates = days[rng.integers(300, DAYS - 20, len(rows))]
    return pd.DataFrame(rows, columns=["ticker", "benchmark"]).assign(date=dates).drop_duplicates(["ticker", "date"])


def timed(events: pd.DataFrame, prices: ms.Prices, with_tests: bool) -> float:
    """Return the seconds that a study takes."""
    start = time.perf_counter()
    study = ms.event_study(events, prices=prices, model=ms.MarketModel("M0"), **OPTIONS)
    study.car()
    if with_tests:
        study.tests()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    many, benchmarks = made(one_calendar=False)
    single, _ = made(one_calendar=True)
    held = {name: ms.Prices(frame, frame) for name, frame in (("many", many), ("one", single))}
    print(f"{'events':>8} {'what':<16} {'20 markets ms':>14} {'one market ms':>14} {'ratio':>7}")
    for per_firm in (1, 10):
        asked = events_of(many.index, benchmarks, per_firm)
        events = {"many": asked, "one": asked.drop(columns="benchmark")}
        for with_tests in (False, True):
            times: dict[str, list[float]] = {"many": [], "one": []}
            for _ in range(rounds + 1):
                for name in times:
                    times[name].append(timed(events[name], held[name], with_tests))
            ours, theirs = (1e3 * statistics.median(times[name][1:]) for name in ("many", "one"))
            what = "CARs and tests" if with_tests else "CARs"
            print(f"{len(asked):8d} {what:<16} {ours:14.1f} {theirs:14.1f} {ours / theirs:7.2f}")


if __name__ == "__main__":
    main()
