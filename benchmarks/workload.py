"""The workload of the benchmarks: seeded returns, factors and events, as arrays and as the frames a user holds.

A panel of securities by days, each return a market's or several factors' times loadings plus noise; events on random
(security, day) pairs. Estimation [-270, -21] and window [-10, 10] in trading days.
"""

from __future__ import annotations

import json
import os
import resource
from dataclasses import dataclass

import numpy as np
import pandas as pd

ESTIMATION, WINDOW = (-270, -21), (-10, 10)
SEED = 20261121


@dataclass(frozen=True)
class Size:
    """How much: securities, days, events, factors, and the share of returns that are missing."""

    securities: int = 500
    days: int = 2520
    events: int = 100_000
    factors: int = 1
    missing: float = 0.0


def dates(size: Size) -> pd.DatetimeIndex:
    """Return the days."""
    return pd.bdate_range("2000-01-03", periods=size.days, name="date")


def tickers(size: Size) -> np.ndarray:
    """Return the names of the securities."""
    return np.array([f"S{i:05d}" for i in range(size.securities)], dtype=object)


def factor_values(size: Size) -> np.ndarray:
    """Return the factors, (days, factors): the first is the market."""
    rng = np.random.default_rng(SEED)
    market = rng.standard_t(5, size.days) * 0.008 + 0.0003
    return np.column_stack([market, *(0.005 * rng.standard_normal(size.days) for _ in range(size.factors - 1))])


def returns_of(size: Size, securities: range, factors: np.ndarray) -> np.ndarray:
    """Return some securities' returns, (securities, days): the same numbers whichever others are made beside them."""
    out = np.empty((len(securities), size.days))
    for at, i in enumerate(securities):
        rng = np.random.default_rng((SEED, i))
        loading = rng.uniform(-0.2, 0.6, size.factors)
        loading[0] = rng.uniform(0.4, 1.8)
        out[at] = factors @ loading + rng.uniform(0.01, 0.035) * rng.standard_normal(size.days)
        if size.missing:
            out[at, rng.random(size.days) < size.missing] = np.nan
    return np.maximum(out, -0.95, out=out)


def event_places(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Return security and day of each event; all different where the panel holds so many."""
    rng = np.random.default_rng(SEED + 1)
    first, after = -ESTIMATION[0], size.days - WINDOW[1]
    cells = size.securities * (after - first)
    at = (
        rng.choice(cells, size.events, replace=False)
        if size.events < cells // 2
        else rng.integers(0, cells, size.events)
    )
    return at // (after - first), first + at % (after - first)


def frames(size: Size) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return events, returns and factors as a user holds them."""
    index, names, factors = dates(size), tickers(size), factor_values(size)
    returns = pd.DataFrame(returns_of(size, range(size.securities), factors).T, index=index, columns=names, copy=False)
    columns = ["MKT", *(f"F{k}" for k in range(1, size.factors))]
    security, day = event_places(size)
    events = pd.DataFrame({"ticker": names[security], "date": index.to_numpy()[day]})
    return events, returns, pd.DataFrame(factors, index=index, columns=columns)


def options(size: Size) -> dict[str, object]:
    """Return what `event_study` is called with beside the frames."""
    import marketshock as ms

    names = ["MKT", *(f"F{k}" for k in range(1, size.factors))]
    return {
        "model": ms.MarketModel("MKT") if size.factors == 1 else ms.FactorModel(names),
        "window": WINDOW,
        "estimation": ESTIMATION,
        "calendar": "index",
        "min_obs": 100,
        "duplicates": "keep",
    }


def resident() -> float:
    """Return this process's memory now, in megabytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak() -> float:
    """Return this process's largest memory so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def report(**values: object) -> None:
    """Print a record that the parent process reads."""
    print("RESULT " + json.dumps(values), flush=True)


def reported(text: str) -> dict[str, object]:
    """Read the record of a child process."""
    lines = [line for line in text.splitlines() if line.startswith("RESULT ")]
    return dict(json.loads(lines[-1].removeprefix("RESULT ")))
