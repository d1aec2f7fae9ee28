"""Bars the loopback server serves, as Yahoo writes them. Made up, but for NVIDIA's two closes around 2025-01-27.

``close`` is adjusted for splits as of today and not for dividends, ``adjclose`` for both.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np

from marketshock.sessions import nyse

NEW_YORK = ZoneInfo("America/New_York")
START, END = dt.date(2024, 1, 2), dt.date(2025, 3, 31)
D = dt.date
PRICES = ("open", "high", "low", "close", "adjclose")


@dataclass
class Series:
    """What the server knows of one symbol."""

    symbol: str
    dates: list[dt.date]
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    adjclose: np.ndarray
    volume: np.ndarray
    dividends: dict[dt.date, float] = field(default_factory=dict)
    gains: dict[dt.date, float] = field(default_factory=dict)
    splits: dict[dt.date, tuple[float, float]] = field(default_factory=dict)
    shares: list[tuple[dt.date, int]] = field(default_factory=list)
    earnings: list[str] = field(default_factory=list)
    instrument: str = "EQUITY"
    zone: str = "America/New_York"
    currency: str = "USD"
    opens: dt.time = dt.time(9, 30)

    def stamp(self, day: dt.date) -> int:
        """Return the stamp of a daily bar: the session's open in the exchange's zone."""
        return int(dt.datetime.combine(day, self.opens, ZoneInfo(self.zone)).timestamp())

    def split_by(self, ratio: float, day: dt.date) -> Series:
        """Return the series after a later split: all of its history is divided."""
        scaled = {name: getattr(self, name) / ratio for name in PRICES}
        dividends = {d: amount / ratio for d, amount in self.dividends.items()}
        return replace(self, **scaled, dividends=dividends, splits={**self.splits, day: (ratio, 1.0)})


def sessions(first: dt.date = START, last: dt.date = END) -> list[dt.date]:
    return [day.item() for day in nyse().between(np.datetime64(first), np.datetime64(last))]


def make(
    symbol: str, seed: int, last: float = 100.0, *, first: D = START, end: D = END, pin=None, dividends=None, **more
):
    days = sessions(first, end)
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0004, 0.018, len(days))
    close = last * np.exp(np.cumsum(steps) - np.sum(steps))
    for day, price in sorted((pin or {}).items()):
        close[days.index(day) :] *= price / close[days.index(day)]
    close = np.round(close, 2)
    opened = np.round(close * (1 + rng.normal(0, 0.004, len(days))), 2)
    high = np.round(np.maximum(opened, close) * 1.006, 2)
    low = np.round(np.minimum(opened, close) * 0.994, 2)
    volume = rng.integers(10_000_000, 400_000_000, len(days))
    factor = np.ones(len(days))
    for day, amount in (dividends or {}).items():
        at = days.index(day)
        factor[:at] *= 1 - amount / close[at - 1]
    return Series(symbol, days, opened, high, low, close, close * factor, volume, dividends or {}, **more)


def universe() -> dict[str, Series]:
    """Return fresh copies, so that a test may change what the server says."""
    plain = [
        *("NANS", "HOLES", "DUPLAST", "LIVEDUP", "ZEROS", "X100", "BADADJ", "SHORTADJ", "UNSPLIT", "STALE", "OUTSIDE"),
        *("HOLIDAY", "SLOW", "TRUNC", "HTML", "EMPTY", "NULLQ", "RATE", "ERR500", "RESET", "DENIED", "NOSHARES"),
    ]
    every = [
        make(
            "NVDA",
            1,
            pin={D(2025, 1, 24): 142.62, D(2025, 1, 27): 118.42},
            dividends={
                D(2024, 3, 5): 0.004,
                D(2024, 6, 11): 0.01,
                D(2024, 9, 12): 0.01,
                D(2024, 12, 5): 0.01,
                D(2025, 3, 12): 0.01,
            },
            splits={D(2024, 6, 10): (10.0, 1.0)},
            shares=[  # as reported: not split-adjusted, two rows on one day, one of them a decoy
                (D(2024, 3, 1), 2_500_000_000),
                (D(2024, 5, 29), 2_460_000_000),
                (D(2024, 6, 10), 24_600_000_000),
                (D(2024, 8, 28), 24_530_000_000),
                (D(2024, 11, 20), 24_490_000_000),
                (D(2025, 1, 15), 24_490_000_000),
                (D(2025, 1, 15), 24_340_000_000),
                (D(2025, 2, 26), 24_400_000_000),
            ],
            earnings=["May 28, 2025 at 4 PM EDT", "February 26, 2025 at 4 PM EST", "November 20, 2024 at 4 PM EST"],
        ),
        make(
            "AAPL",
            2,
            220,
            dividends={D(2024, 8, 12): 0.25, D(2025, 2, 10): 0.25},
            shares=[(D(2024, 11, 1), 15_115_823_000)],
            earnings=["January 30, 2025 at 4 PM EST"],
        ),
        make("BAC", 6, 40, earnings=["April 15, 2025 at 6 AM EDT", "January 16, 2025 at 6 AM EST"]),
        make("SPY", 3, 560, dividends={D(2024, 12, 20): 1.97}, instrument="ETF"),
        make("^GSPC", 4, 5600, instrument="INDEX"),
        make("VOD.L", 7, 70, zone="Europe/London", currency="GBp", opens=dt.time(8)),
        make("7203.T", 8, 2500, zone="Asia/Tokyo", currency="JPY", opens=dt.time(9)),
        *[make(name, 10 + i) for i, name in enumerate(plain)],
        *[make(f"S{i:02d}", 100 + i, first=D(2015, 1, 2)) for i in range(50)],
    ]
    return {series.symbol: series for series in every}
