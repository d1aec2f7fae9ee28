"""A vendor's share counts, cleaned: Yahoo's come in two units around a split, twice a day, and with slips."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import _format
from .._typing import BoolArray, FloatArray, IntArray
from ..errors import NoData, SharesError
from .plausible import FEWEST, implausible, jumps, nearest, unit_of
from .shares import VENDOR, SharesTable
from .splits import checked_splits, factor_of

_AROUND = 120  # days: a vendor changes units some weeks early, or late: with the next filing
_TELLING = 1.2  # a smaller ratio cannot be told from what a firm issues and buys back
_SURE = 2.0  # smaller "splits" may be spin-offs, which lower closes and leave counts alone


def vendor_counts(ticker: str, counts: pd.Series, splits: pd.DataFrame | None, source: str) -> SharesTable:
    """Make a table of a vendor's counts of one ticker.

    Raises `NoData` if there is no count, or none is usable; `SharesError` if `counts` is no Series by date;
    `InputError` if a split has no date or no positive ratio.

    Parameters
    ----------
    ticker : str
        The firm, and the ticker whose close values the counts. A vendor does not say which classes a count holds: of
        a firm with several it is often one.
    counts : Series
        Shares by date as reported, not adjusted for splits: what yfinance's ``Ticker.get_shares_full`` gives. A time
        zone is dropped (the date in that zone counts).
    splits : DataFrame or None
        The ticker's splits, columns date (the first day in new shares) and ratio (10 for ten new shares for one old).
    source : str
        Name of the vendor.

    Returns
    -------
    SharesTable
        Basis "vendor", `filed` NaT, share class "not said", rounding read off trailing zeros. ``notes`` says what was
        done: a sentence for every count that was left out, chosen or changed.

    Notes
    -----
    In this order. (1) What is no number, or below 10,000, is left out. (2) Dates are sorted. (3) Within 120 days of a
    split of ratio 1.2 or more (or its inverse), a count nearer to the level on the other side is put into the units of
    its own date. Where the counts never follow a split of ratio 2 or more, those before it are left out, for their
    units are not known; where they end within 120 days of it, they are taken to be late; smaller ones may be spin-offs,
    and counts stay as they are. (4) Of several counts of one day the one nearest to the last day's is taken. (5) A jump
    by more than a factor 3 that reverts within three counts, no split explaining it, is left out; one that stays is
    kept and named. Comparisons are made with splits taken out.
    """
    notes: list[str] = []
    frame = _usable(ticker, counts, notes, source)
    known = checked_splits(None if splits is None else splits.assign(ticker=ticker))
    for split in _format.rows(known):
        frame = _in_own_units(frame, known, split["date"], split["ratio"], notes)
    frame = _one_a_day(frame, known, notes)
    frame = _plausible(frame, known, notes)
    if frame.empty:
        raise NoData(ticker, f"share counts of {source}", "none is usable", "give counts of filings")
    table = pd.DataFrame(
        {
            "firm": ticker,
            "share_class": "not said",
            "basis": VENDOR,
            "shares": frame["count"],
            "rounding": frame["unit"],
            "as_of": frame["date"],
            "filed": pd.NaT,
            "form": source,
        }
    )
    return SharesTable.from_frame(table, source=source, notes=[f"{ticker}: {note}" for note in notes])


def _usable(ticker: str, counts: pd.Series, notes: list[str], source: str) -> pd.DataFrame:
    """Return date, count and unit of the counts that can be counts, by date."""
    if counts is None or (isinstance(counts, pd.Series) and counts.empty):
        raise NoData(ticker, f"share counts of {source}", "it has none", "give counts of filings")
    if not isinstance(counts, pd.Series) or not isinstance(counts.index, pd.DatetimeIndex):
        raise SharesError("counts", f"got a {type(counts).__name__}", "give a Series of counts indexed by date")
    days = counts.index.tz_localize(None).normalize()
    frame = pd.DataFrame({"date": days, "count": pd.to_numeric(counts, errors="coerce").to_numpy(dtype=float)})
    good = np.isfinite(frame["count"]) & (frame["count"] >= FEWEST) & frame["date"].notna()
    for row in _format.rows(frame[~good]):
        notes.append(f"left out {row['count']:g} of {_day(row['date'])}: no count of shares")
    frame = frame[good]
    if not frame["date"].is_monotonic_increasing:
        notes.append("the counts were not in order of their dates, and were sorted")
        frame = frame.sort_values("date", kind="stable")
    return pd.DataFrame(frame.assign(unit=[unit_of(c) for c in frame["count"]]).reset_index(drop=True))


def _in_own_units(
    frame: pd.DataFrame, splits: pd.DataFrame, day: pd.Timestamp, ratio: float, notes: list[str]
) -> pd.DataFrame:
    """Put counts around one split that are in the other side's shares into those of their own date."""
    size = max(ratio, 1 / ratio)
    level = _level(frame, splits[splits["date"] != day])  # comparable but for this split
    away: IntArray = (frame["date"] - day).dt.days.to_numpy().astype(np.int64)
    before, near = away < 0, np.abs(away) <= _AROUND
    old, new = _typical(level, away, away < -_AROUND), _typical(level, away, away > _AROUND)
    if size < _TELLING or (size < _SURE and (old is None or new is None)):
        return frame
    if old is not None and new is not None and abs(np.log(new / old)) < abs(np.log(new / old / ratio)):
        return _not_followed(frame, before, day, ratio, notes)
    if not near.any():
        return frame
    if old is None:
        old = level[0] if new is None and before[-1] else (new or level[-1]) / ratio
    new = new or old * ratio
    is_old = np.abs(np.log(level / old)) < np.abs(np.log(level / new))
    by = np.where(near & before & ~is_old, 1 / ratio, np.where(near & ~before & is_old, ratio, 1.0))
    return _multiplied(frame, by, f"is in the shares of the other side of the split of {_day(day)}", notes)


def _typical(level: FloatArray, away: IntArray, side: BoolArray) -> float | None:
    """Return the level on one side of a split: of a year, so that a late change of units is outvoted."""
    year = side & (np.abs(away) <= _AROUND + 365)
    return float(np.median(level[year if year.any() else side])) if side.any() else None


def _multiplied(frame: pd.DataFrame, by: FloatArray, why: str, notes: list[str]) -> pd.DataFrame:
    for row, factor in zip(_format.rows(frame), by, strict=True):
        if factor != 1:
            was = f"{row['count']:,.0f} of {_day(row['date'])}"
            notes.append(f"{was} {why}; taken as {row['count'] * factor:,.0f}")
    unit = np.where(frame["unit"] > 1, frame["unit"] * by, 1.0)
    return frame.assign(count=np.round(frame["count"] * by), unit=unit)


def _not_followed(
    frame: pd.DataFrame, before: BoolArray, day: pd.Timestamp, ratio: float, notes: list[str]
) -> pd.DataFrame:
    what = f"the counts do not follow the split of {_day(day)} ({ratio:g} for one)"
    if max(ratio, 1 / ratio) < _SURE:
        notes.append(f"{what}, which may be a spin-off; they stay as they are")
        return frame
    notes.append(f"{what}: left out all {before.sum()} before it, whose units are not known")
    return frame[~before].reset_index(drop=True)


def _one_a_day(frame: pd.DataFrame, splits: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    frame = frame.assign(level=_level(frame, splits)).drop_duplicates(["date", "count"])
    later = frame.loc[frame["date"] > frame["date"].min(), "level"]
    last = float(later.iloc[0]) if len(later) else None  # the first day has no day before it
    kept = []
    for _, group in frame.groupby("date"):
        at = nearest(list(group["level"]), last)
        last = float(group["level"].iloc[at])
        kept.append(group.index[at])
        others = ", ".join(f"{c:,.0f}" for c in group["count"].drop(kept[-1]))
        if others:
            day, took = _day(group["date"].iloc[0]), f"{group['count'].iloc[at]:,.0f}"
            notes.append(f"{day} has several counts: took {took}, left out {others}")
    return frame.loc[kept].drop(columns="level").reset_index(drop=True)


def _plausible(frame: pd.DataFrame, splits: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    bad = implausible(_level(frame, splits))
    for row in _format.rows(frame[bad]):
        notes.append(f"left out {row['count']:,.0f} of {_day(row['date'])}: a jump that no split explains")
    frame = frame[~bad].reset_index(drop=True)
    for row in _format.rows(frame.iloc[jumps(_level(frame, splits))]):
        notes.append(
            f"jump to {row['count']:,.0f} on {_day(row['date'])}, which no split explains and which stays: kept"
        )
    return frame


def _level(frame: pd.DataFrame, splits: pd.DataFrame) -> FloatArray:
    """Return the counts in the shares of after the last of the splits."""
    later = [factor_of(splits[splits["date"] > day]) for day in frame["date"]]
    return np.asarray(frame["count"].to_numpy(dtype=float) * np.array(later, dtype=float))


def _day(day: pd.Timestamp) -> str:
    return str(day)[:10]
