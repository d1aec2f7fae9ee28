"""Splits: what brings a share count into the shares that closes are quoted in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from .frames import iso_days

_COLUMNS = ("ticker", "date", "ratio")


def checked_splits(splits: pd.DataFrame | None) -> pd.DataFrame:
    """Return splits with their dates as days, an empty frame for None.

    Parameters
    ----------
    splits : DataFrame or None
        Columns ticker, date (the first day in new shares), ratio (10 for ten new shares for one old). A time of day and
        a time zone are dropped: the date in that zone counts.

    Raises
    ------
    InputError
        If a column is missing, a date is none, a ratio is not positive, or a split stands there twice.
    """
    if splits is None:
        return pd.DataFrame({"ticker": [], "date": pd.DatetimeIndex([]), "ratio": []})
    missing = [c for c in _COLUMNS if c not in getattr(splits, "columns", ())]
    if missing:
        raise InputError("splits", f"columns missing: {', '.join(missing)}", f"needed are {', '.join(_COLUMNS)}")
    days = iso_days(splits["date"])
    ratio = pd.to_numeric(splits["ratio"], errors="coerce").astype(float)
    out = pd.DataFrame({"ticker": splits["ticker"], "date": days, "ratio": ratio}).reset_index(drop=True)
    _refuse(out, out["date"].isna().to_numpy(), "has no date", "write YYYY-MM-DD")
    _refuse(out, ~((out["ratio"] > 0) & np.isfinite(out["ratio"])).to_numpy(), "has no positive ratio", "correct it")
    _refuse(out, out.duplicated(["ticker", "date"]).to_numpy(), "stands there twice", "keep one")
    return out.sort_values("date", kind="stable")


def splits_after(splits: pd.DataFrame, ticker: str, day: pd.Timestamp) -> pd.DataFrame:
    """Return a ticker's splits that came after a day: a count of the very day of a split is in new shares."""
    return splits[(splits["ticker"] == ticker) & (splits["date"] > day)]


def factor_of(splits: pd.DataFrame) -> float:
    """Return the product of the ratios, 1 for no split."""
    return float(np.prod(splits["ratio"].to_numpy(dtype=float)))


def _refuse(splits: pd.DataFrame, bad: Any, problem: str, remedy: str) -> None:
    if bad.any():
        row = splits[bad].iloc[0]
        day = "" if pd.isna(row["date"]) else f" of {row['date'].date()}"
        raise InputError("splits", f"a split of {row['ticker']}{day} {problem}", remedy)
