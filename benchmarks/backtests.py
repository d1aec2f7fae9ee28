"""Backtests beside vectorbt: the same equity from the same orders, and how long 100,000 trades take.

Run as ``python benchmarks/backtests.py``; prints what is compared. The first run makes an environment of its own under
build/, with vectorbt and this checkout, so that both are timed in one process, taking turns. ``--store`` writes the
equity that vectorbt computes from generated prices into tests/reference/vectorbt_equity.csv, which the tests read.

Timed are: from a frame of closes (500 securities by 2,520 days) and 100,000 events to the equity, going in at the close
of day 0 and holding 10 closes, 5 basis points a fill. To vectorbt's signals an event that comes while a position
is open is lost, so that it counts fewer trades; marketshock trades each. vectorbt is compiled before it is timed,
marketshock needs no compiler. And 1,000 placebo draws of 100 events, from the backtest to the p-value.
"""

from __future__ import annotations

import argparse
import runpy
import statistics
import subprocess
import sys
import time
import venv
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import workload as w

import marketshock as ms

ROOT = Path(__file__).parents[1]
STORED = ROOT / "tests" / "reference" / "vectorbt_equity.csv"
VECTORBT = "vectorbt==1.2.0"
TOLERANCE = 1e-9
case = SimpleNamespace(**runpy.run_path(str(STORED.with_name("vectorbt_case.py"))))
COSTS = {"free": ms.Costs(), "costly": ms.Costs(bps=5, slippage_bps=10, per_order=1.0)}


def side_of(event: ms.rules.EventInformation) -> float:
    """Return the weight of an event by its group."""
    return 1.0 if event.group == "long" else -1.0


def ours(costs: ms.Costs) -> ms.Backtest:
    """Trade the case: in at the next close, out seven closes later, 2 % of equity an event."""
    closes, events = case.orders_case()
    rule = ms.rules.Own(function=side_of, days=7, entry="next_close")
    sizing = ms.Sizing(amount=0.02, max_gross=float("inf"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ms.backtest(events, closes, rule, costs=costs, sizing=sizing, calendar="index")


def theirs(result: ms.Backtest, costs: ms.Costs) -> pd.Series:
    """Return the equity vectorbt computes from the same orders."""
    import vectorbt

    closes, _ = case.orders_case()
    size = result.orders.pivot(index="session", columns="ticker", values="shares")
    size = size.reindex(index=closes.index, columns=closes.columns)
    made = vectorbt.Portfolio.from_orders(
        closes,
        size,
        price=closes,
        fees=costs.bps / 1e4,
        slippage=costs.slippage_bps / 1e4,
        fixed_fees=costs.per_order,
        init_cash=1e6,
        cash_sharing=True,
        group_by=True,
        freq="1D",
    )
    return made.value().reindex(result.equity.index)


def compare_equity(store: bool) -> None:
    """Print the largest difference of the two equities, and store vectorbt's."""
    kept = {}
    for name, costs in COSTS.items():
        result = ours(costs)
        kept[name] = theirs(result, costs)
        off = float((result.equity / kept[name] - 1).abs().max())
        print(f"equity, {name}: {len(result.orders)} orders, largest relative difference {off:.1e}")
        if off > TOLERANCE:
            raise SystemExit(f"the equities differ by more than {TOLERANCE}")
    if store:
        frame = pd.DataFrame(kept).rename_axis("date")
        STORED.write_text(frame.to_csv(float_format="%.9f", lineterminator="\n"), "ascii")
        print(f"written: {STORED.relative_to(ROOT)}")


def timed_case(n_events: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return closes and events of the workload."""
    size = w.Size(events=n_events)
    returns = w.returns_of(size, range(size.securities), w.factor_values(size))
    closes = pd.DataFrame(100 * np.cumprod(1 + returns.T, axis=0), w.dates(size), w.tickers(size))
    security, day = w.event_places(size)
    return closes, pd.DataFrame({"ticker": w.tickers(size)[security], "date": w.dates(size)[day]})


def compare_time(n_events: int, rounds: int) -> None:
    """Print the medians of both, taking turns."""
    import vectorbt

    closes, events = timed_case(n_events)
    rows = closes.index.get_indexer(events["date"])
    columns = closes.columns.get_indexer(events["ticker"])
    rule, sizing = ms.rules.HoldAfter(days=10, entry="close"), ms.Sizing(amount=0.001, max_gross=float("inf"))

    def one() -> int:
        result = ms.backtest(events, closes, rule, costs=ms.Costs(bps=5), sizing=sizing, calendar="index")
        assert np.isfinite(result.equity.iloc[-1])
        return int((result.account.shares > 0).sum())

    def other() -> int:
        entries = np.zeros(closes.shape, dtype=bool)
        entries[rows, columns] = True
        exits = np.zeros_like(entries)
        exits[np.minimum(rows + 10, len(closes) - 1), columns] = True
        made = vectorbt.Portfolio.from_signals(closes, entries, exits, fees=0.0005, freq="1D")
        made.total_return()
        return int(made.trades.count().sum())

    taken: dict[str, list[float]] = {"marketshock": [], "vectorbt": []}
    begin = time.perf_counter()
    counts = {"vectorbt": other()}
    print(f"vectorbt, first call (compiles): {time.perf_counter() - begin:.2f} s")
    begin = time.perf_counter()
    counts["marketshock"] = one()
    print(f"marketshock, first call: {time.perf_counter() - begin:.2f} s")
    for _ in range(rounds):
        for name, work in (("marketshock", one), ("vectorbt", other)):
            begin = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    for name, seconds in medians.items():
        print(f"{name}: {n_events:,} events, {counts[name]:,} trades: {seconds:.3f} s")
    print(f"ratio marketshock / vectorbt: {medians['marketshock'] / medians['vectorbt']:.2f}")


def placebo_time() -> None:
    """Print how long 1,000 placebo draws of 100 events take, by how they are matched."""
    closes, events = timed_case(100)
    rule = ms.rules.HoldAfter(days=10, entry="next_close")
    result = ms.backtest(events, closes, rule, costs=ms.Costs(bps=5), calendar="index")
    for options in ({}, {"match": ("ticker", "weekday")}, {"match": ("ticker", "volatility")}, {"how": "shift"}):
        begin = time.perf_counter()
        ms.placebo_trades(result, 1000, **options)
        print(
            f"placebo, 1,000 draws of 100 events, {options or 'the same ticker'}: {time.perf_counter() - begin:.2f} s"
        )


def inside() -> Path:
    """Return the Python of the environment that has both, made on the first run."""
    home = ROOT / "build" / "vectorbt"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        print(f"making an environment with {VECTORBT} under build/ ...")
        venv.create(home, with_pip=True, clear=True)
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-e",
            str(ROOT),
            VECTORBT,
        ]
        subprocess.run(install, check=True)
        (home / "ready").touch()
    return python


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        raise SystemExit(subprocess.run([str(inside()), *sys.argv, "--inside"], check=False).returncode)
    warnings.simplefilter("ignore")
    compare_equity(options.store)
    compare_time(options.events, options.rounds)
    placebo_time()


if __name__ == "__main__":
    main()
