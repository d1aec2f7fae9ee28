"""What the checks of prices cost: the same studies with and without them in turn, medians and their ratio.

Run as ``python benchmarks/checks.py [ROUNDS]``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import marketshock as ms
from marketshock.study import run


def studies() -> dict[str, Callable[[], object]]:
    """Return the studies, by name; their inputs are made before the clock starts."""
    prices, selloff = ms.snapshot(), ms.load_catalog()["deepseek-selloff"]
    rng = np.random.default_rng(0)
    days = pd.bdate_range("2005-01-03", periods=5000)
    closes = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (5000, 1000)), axis=0))
    frame = pd.DataFrame(closes, index=days, columns=[f"S{k}" for k in range(1000)])
    held = ms.Prices(frame, frame)
    many = pd.DataFrame({"ticker": rng.choice(frame.columns[1:], 20_000), "date": rng.choice(days[300:4900], 20_000)})
    options = {"calendar": "index", "duplicates": "keep", "on_findings": "ignore"}
    model, wide = ms.MarketModel("^GSPC"), ms.MarketModel("S0")
    return {
        "one event": lambda: ms.event_study(selloff, tickers=["NVDA"], prices=prices, model=model),
        "seven events": lambda: ms.event_study(selloff, tickers=ms.MAGNIFICENT_SEVEN, prices=prices, model=model),
        "20,000 events of 1,000 securities": lambda: ms.event_study(many, prices=held, model=wide, **options),
    }


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    checked = run.checked_study
    print(f"{'study':<36} {'median ms':>10} {'without':>10} {'ratio':>7}")
    for name, study in studies().items():
        times: dict[bool, list[float]] = {True: [], False: []}
        study()
        for _ in range(rounds * (1 if "," in name else 10)):
            for on in (True, False):
                run.checked_study = checked if on else lambda *_, **__: ()
                start = time.perf_counter()
                study()
                times[on].append(time.perf_counter() - start)
        run.checked_study = checked
        with_checks, without = (1e3 * statistics.median(times[on]) for on in (True, False))
        print(f"{name:<36} {with_checks:10.2f} {without:10.2f} {with_checks / without:7.3f}")


if __name__ == "__main__":
    main()
