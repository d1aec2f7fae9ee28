"""The slowest things a user does on the bundled figures: median seconds of a few runs, slowest first.

Run as ``python benchmarks/actions.py [--rounds 5] [--profile NAME]``; ``--profile`` prints where the time of one goes.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import marketshock as ms


def actions() -> dict[str, Callable[[], object]]:
    """Return what is measured, by name; the inputs are made before the clock starts."""
    from marketshock.report.reproduce import draw, reproduction, to_dict

    prices, selloff = ms.snapshot(), ms.load_catalog()["deepseek-selloff"]
    model = ms.MarketModel("^GSPC")
    seven = ms.event_study(selloff, tickers=ms.MAGNIFICENT_SEVEN, prices=prices, model=model)
    rng = np.random.default_rng(0)
    index = pd.bdate_range("2010-01-01", periods=2520)
    market = rng.normal(0, 0.01, 2520)
    returns = pd.DataFrame(market[:, None] + rng.normal(0, 0.02, (2520, 500)), index=index)
    returns.columns = [f"S{i}" for i in range(500)]
    returns["m"] = market
    at = rng.choice(500 * 2200, 10_000, replace=False)
    events = pd.DataFrame({"ticker": returns.columns[at // 2200], "date": index[300 + at % 2200]})
    options = {"model": ms.MarketModel("m"), "window": (-10, 10), "calendar": "index"}
    many = ms.event_study(events, returns=returns, **options)
    traits = pd.DataFrame({"size": rng.normal(size=len(many))}, index=many.events.index)
    members = ms.datasets.sp500().prices

    def reproduced() -> object:
        with tempfile.TemporaryDirectory() as out:
            result = reproduction()
            return to_dict(result), draw(result, Path(out))

    return {
        "reproduce, with its files": reproduced,
        "verify_claims": ms.verify_claims,
        "fragility of 500 stocks": lambda: ms.fragility(members).by_year(),
        "seven events, CARs, all tests": lambda: (seven.car(0, 1), ms.StudyResult.tests(fresh(seven), 0, 1)),
        "10,000 events, all tests": lambda: ms.event_study(events, returns=returns, **options).tests(-10, 10),
        "10,000 events, rank tests": lambda: fresh(many).tests(
            0, 0, which=["corrado", "corrado_zivney", "grank_t", "grank_z", "sign_gsar"]
        ),
        "10,000 events, bootstraps": lambda: fresh(many).tests(0, 1, which=["wild_bootstrap", "block_bootstrap"]),
        "10,000 events, CARs as a table": lambda: fresh(many).car(-1, 1),
        "10,000 events, a regression": lambda: ms.regress_car(fresh(many), traits, 0, 1),
        "placebo days of seven": lambda: ms.placebo(seven, None, 0, 0),
        "specification curve": lambda: ms.specification_curve(
            selloff,
            tickers=["NVDA"],
            prices=prices,
            models=[model, ms.ConstantMean()],
            windows=[(0, 0), (0, 1), (-1, 1)],
        ),
        "market caps of seven": lambda: ms.market_cap_change("2025-01-27", prices, study=seven),
        "reconciliation of the 589": lambda: ms.reconcile("NVDA", "2025-01-27", 589e9, prices=prices),
    }


def fresh(study: ms.StudyResult) -> ms.StudyResult:
    """Return the study without what it has computed already."""
    from dataclasses import replace

    return replace(study, panel=study.panel.take(slice(None)), abnormal=study.abnormal.take(slice(None)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", help="part of a name")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    found = {}
    for name, run in actions().items():
        if arguments.profile:
            if arguments.profile in name:
                profile = cProfile.Profile()
                profile.runcall(run)
                pstats.Stats(profile).sort_stats("cumtime").print_stats(40)
            continue
        run()
        seconds = []
        for _ in range(arguments.rounds):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        found[name] = statistics.median(seconds)
    for name, seconds in sorted(found.items(), key=lambda pair: -pair[1]):
        print(f"{name:<34} {seconds:8.3f} s")


if __name__ == "__main__":
    main()
