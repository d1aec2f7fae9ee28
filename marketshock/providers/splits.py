"""Splits, which bring a share count into the shares that closes are quoted in.

Vendors record a spin-off as a split too (1253 for 1000): closes before it are divided by that number, and no share
count changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray
from ..errors import InputError, PriceError
from .frames import iso_days, numeric_values

_COLUMNS = ("ticker", "date", "ratio")
_NEAR = 1e-4
_LARGE_SPLIT = np.log(1.2)  # a smaller one cannot be told from news
_NO_SPLIT = 1e-9  # a ratio nearer to 1 is none: some vendors write 1 on every day without a split
_IN_A_ROW = 3  # equal ratios on as many rows are no splits, but a factor that holds for each day
_TERMS = range(1, 21)
_FRACTIONS = np.unique([p / q for p in _TERMS for q in _TERMS])


def checked_splits(splits: pd.DataFrame | None) -> pd.DataFrame:
    """Return splits by date, with a column spin_off (see `spun_off`); an empty frame for None.

    Raises `InputError` if a column is missing, a date is none, a ratio is not positive, or a split is given twice.

    Parameters
    ----------
    splits : DataFrame or None
        Columns ticker, date (the first day in new shares), ratio (10 for ten new shares for one old; 1 is no split). A
        time of day and a time zone are dropped: the date in that zone counts.
    """
    if splits is None:
        return checked_splits(pd.DataFrame({"ticker": [], "date": [], "ratio": []}))
    missing = [c for c in _COLUMNS if c not in getattr(splits, "columns", ())]
    if missing:
        raise InputError("splits", f"columns missing: {', '.join(missing)}", f"needed are {', '.join(_COLUMNS)}")
    days = iso_days(splits["date"])
    ratio = pd.to_numeric(splits["ratio"], errors="coerce").astype(float)
    out = pd.DataFrame({"ticker": splits["ticker"], "date": days, "ratio": ratio}).reset_index(drop=True)
    _refuse(out, out["date"].isna().to_numpy(), "has no date", "write YYYY-MM-DD")
    _refuse(out, ~((out["ratio"] > 0) & np.isfinite(out["ratio"])).to_numpy(), "has no positive ratio", "correct it")
    _refuse(out, out.duplicated(["ticker", "date"]).to_numpy(), "is given twice", "keep one")
    out = out[(out["ratio"] - 1).abs() > _NO_SPLIT]
    return out.assign(spin_off=spun_off(out["ratio"].to_numpy(dtype=float))).sort_values("date", kind="stable")


def splits_in(parameter: str, ratios: pd.DataFrame, close: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the splits in a field of prices, and from which and until which days they are known.

    Raises `PriceError` if a ratio is negative or stands on several rows in a row; `InputError` if tickers have closes
    and no column of splits, or the other way round.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    ratios : DataFrame
        Dates by tickers; 0, 1 or missing on days without a split.
    close : DataFrame
        The closes, of the same dates: the splits of a ticker are known between its first and its last.

    Returns
    -------
    splits : DataFrame
        Columns ticker, date, ratio.
    about : dict
        splits_since and splits_until, for the provenance: one day, or one day per ticker where they differ.
    """
    other = sorted({str(c) for c in ratios.columns} ^ {str(c) for c in close.columns})
    if other:
        remedy = "give both for the same tickers, or leave the splits out"
        raise InputError(parameter, f"{other[0]} has a column of splits or of closes, and not of both", remedy)
    values = numeric_values(parameter, ratios)
    negative = values < 0
    if negative.any():
        day, at = np.argwhere(negative)[0]
        what = f"the split of {ratios.columns[at]} on {close.index[day].date()} is negative: {values[day, at]:g}"
        raise PriceError(parameter, what, "correct it, or set it to 0")
    split = (values > 0) & (np.abs(values - 1) > _NO_SPLIT)
    _refuse_factors(parameter, ratios, close.index, np.where(split, values, np.nan))
    rows = [(str(ratios.columns[at]), close.index[day], values[day, at]) for day, at in np.argwhere(split)]
    splits = pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"date": "datetime64[ns]", "ratio": float})
    ends = {
        "splits_since": {str(name): column.first_valid_index() for name, column in close.items()},
        "splits_until": {str(name): column.last_valid_index() for name, column in close.items()},
    }
    return splits, {name: _one_or_each(days) for name, days in ends.items()}


def in_last_shares(
    parameter: str, close: pd.DataFrame, fields: Mapping[str, pd.DataFrame], splits: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return closes as traded and other fields of prices in the shares of the last row.

    Raises `InputError` if no splits are given.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    close : DataFrame
        Dates by tickers.
    fields : mapping of str to DataFrame
        Of the same dates. Prices and dividends of before a split are divided by its ratio, volumes multiplied.
    splits : DataFrame or None
        As `splits_in` returns them.
    """
    if splits is None:
        remedy = "give a column 'split', or leave as_traded out"
        raise InputError(parameter, "is said to be as traded, and has no splits", remedy)
    values, column = np.ones(close.shape), {str(name): at for at, name in enumerate(close.columns)}
    for ticker, day, ratio in zip(splits["ticker"], splits["date"], splits["ratio"], strict=True):
        values[: int(close.index.searchsorted(day)), column[ticker]] *= ratio
    factor = pd.DataFrame(values, index=close.index, columns=close.columns)

    def brought(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        by = factor.reindex(columns=frame.columns, fill_value=1.0).to_numpy()
        if name == "volume":
            return frame.mul(by)
        return frame.div(by) if name in ("open", "high", "low", "dividend") else frame

    return close / factor, {name: brought(name, frame) for name, frame in fields.items()}


def _refuse_factors(parameter: str, ratios: pd.DataFrame, days: pd.Index, split: FloatArray) -> None:
    """Raise `PriceError` if a ratio (T, S) stands on several rows in a row: a cumulative factor, taken for splits."""
    same = np.ones((max(len(split) - _IN_A_ROW + 1, 0), split.shape[1]), dtype=bool)
    for later in range(1, _IN_A_ROW):
        same &= split[later : later + len(same)] == split[: len(same)]
    if same.any():
        day, at = np.argwhere(same)[0]
        what = f"the split of {ratios.columns[at]} is {split[day, at]:g} on {pd.Timestamp(days[day]).date()} and on the"
        remedy = "a factor of each day is no split: give the ratio on the first day in new shares, and 0 or 1 on others"
        raise PriceError(parameter, f"{what} rows after it", remedy)


def refuse_unadjusted(parameter: str, splits: pd.DataFrame, close: pd.DataFrame) -> None:
    """Raise `PriceError` if the closes fall (or rise) on the day of a split as if they were not adjusted for it.

    A split of r for one makes unadjusted closes move by 1/r - 1. Refused are splits of 1.2 for one and more, or their
    inverse, on whose day the closes moved nearer to that than to nothing.
    """
    if splits.empty:
        return
    days = close.index.to_numpy().astype("datetime64[D]")
    for ticker, day, ratio in zip(splits["ticker"], splits["date"], splits["ratio"], strict=True):
        if ticker not in close.columns or abs(np.log(ratio)) < _LARGE_SPLIT:
            continue
        values = close[ticker].to_numpy(dtype=float)
        at = int(np.searchsorted(days, np.datetime64(day, "D")))
        before, after = values[:at][np.isfinite(values[:at])], values[at:][np.isfinite(values[at:])]
        if not len(before) or not len(after):
            continue
        moved = np.log(after[0] / before[-1])
        if abs(moved + np.log(ratio)) < abs(moved):
            what = f"{ticker} moves {100 * np.expm1(moved):+.0f} % on {day.date()}, the day of its split of {ratio:g}"
            raise PriceError(
                parameter, f"{what}: the closes are not adjusted for it", f"divide those before by {ratio:g}"
            )


def spun_off(ratio: FloatArray) -> BoolArray:
    """Return which ratios are taken for spin-offs: above 1, and neither whole nor a fraction of numbers up to 20.

    Within 1e-4, of the ratio or its inverse. A ratio below 1 raises earlier closes, which no spin-off does.
    """
    whole = np.abs(ratio - np.round(ratio)) <= _NEAR
    near = np.abs(ratio[:, None] - _FRACTIONS) <= _NEAR
    inverse = np.abs(1 / ratio[:, None] - 1 / _FRACTIONS) <= _NEAR
    return np.asarray((ratio > 1) & ~whole & ~(near | inverse).any(axis=1), dtype=bool)


def splits_met(
    splits: pd.DataFrame, ticker: str, counted: pd.Timestamp, session: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the splits that bring a ticker's count into the shares of a session's closes, and those passed over.

    A split applies if it came after the count (one of the very day of a split is in new shares). A spin-off changes no
    count, but closes before it are divided by its ratio: it applies if it came after the session, to undo that. Passed
    over are spin-offs between the two.

    Parameters
    ----------
    splits : DataFrame
        As `checked_splits` returns them.
    ticker : str
        The ticker whose closes value the count.
    counted, session : Timestamp
        Day from which the count knows of no split, and of the closes.
    """
    own = splits[splits["ticker"] == ticker]
    applied = _applied(own, counted, np.array([session], dtype="datetime64[ns]"))[0]
    passed = own["spin_off"] & (own["date"] > counted) & ~applied
    return own[applied], own[passed]


def split_factors(splits: pd.DataFrame, ticker: str, counted: pd.Timestamp, days: DateArray) -> FloatArray:
    """Return what a ticker's count is multiplied by to meet the closes of each of several days, (T,).

    The product of the ratios that `splits_met` finds for the day.
    """
    own = splits[splits["ticker"] == ticker]
    return np.asarray(np.where(_applied(own, counted, days), own["ratio"].to_numpy(dtype=float), 1.0).prod(axis=1))


def _applied(own: pd.DataFrame, counted: pd.Timestamp, days: DateArray) -> BoolArray:
    """Return which of a ticker's splits, (n,), multiply its count for the closes of each day: (T, n)."""
    date = own["date"].to_numpy(dtype="datetime64[ns]")
    after_day = date > np.asarray(days, dtype="datetime64[ns]")[:, None]
    return np.asarray(np.where(own["spin_off"].to_numpy(dtype=bool), after_day, date > counted.to_datetime64()))


def known_since(provenance: Mapping[str, Any], ticker: str) -> pd.Timestamp | None:
    """Return the first day from which a ticker's splits are known, None where the provenance does not give it."""
    return _said(provenance.get("splits_since"), ticker)


def known_until(provenance: Mapping[str, Any], ticker: str) -> pd.Timestamp | None:
    """Return the last day until which a ticker's splits are known, None where they are known until today."""
    return _said(provenance.get("splits_until"), ticker)


def factor_of(splits: pd.DataFrame) -> float:
    """Return the product of the ratios, 1 for no split."""
    return float(np.prod(splits["ratio"].to_numpy(dtype=float)))


def _one_or_each(days: Mapping[str, Any]) -> Any:
    """Return the one day of all tickers, or one day per ticker; tickers without any close have none."""
    said = {ticker: str(day.date()) for ticker, day in days.items() if day is not None}
    return next(iter(said.values())) if len(set(said.values())) == 1 else said


def _said(day: Any, ticker: str) -> pd.Timestamp | None:
    day = day.get(ticker) if isinstance(day, Mapping) else day
    return None if day is None else pd.Timestamp(day)


def _refuse(splits: pd.DataFrame, bad: Any, problem: str, remedy: str) -> None:
    if bad.any():
        row = splits[bad].iloc[0]
        day = "" if pd.isna(row["date"]) else f" of {row['date'].date()}"
        raise InputError("splits", f"a split of {row['ticker']}{day} {problem}", remedy)
