"""The prices and events of vectorbt_equity.csv, made anew by the benchmark that stores it and its test."""

from __future__ import annotations

import numpy as np
import pandas as pd


def orders_case() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return generated closes (260 sessions, 8 securities) and events, long and short, no two with one order."""
    rng = np.random.default_rng(20261129)
    days = pd.bdate_range("2021-01-04", periods=260, name="date")
    names = [f"S{k}" for k in range(8)]
    closes = pd.DataFrame(50 * np.exp(np.cumsum(0.02 * rng.standard_normal((260, 8)), axis=0)), days, names)
    events, used = [], set()
    for _ in range(2000):
        row, column, side = int(rng.integers(0, 240)), int(rng.integers(0, 8)), str(rng.choice(["long", "short"]))
        cells = {(row + 1, column), (row + 8, column)}
        if not cells & used:
            used |= cells
            events.append((names[column], days[row], side))
        if len(events) == 150:
            break
    return closes, pd.DataFrame(events, columns=["ticker", "date", "group"])
