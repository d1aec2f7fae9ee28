"""A CRSP file as matrices of days by securities: delistings, closes, and closes adjusted by the returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._typing import BoolArray, FloatArray, StrArray
from ..errors import InputError, PriceError
from .crsp_rows import Rows
from .shapes import pivoted


@dataclass(frozen=True, slots=True)
class Grid:
    """The columns of a file, (T, N) each."""

    where: str  # the file or parameter, for errors
    current: bool  # whether it has the names of the current format
    columns: frozenset[str]  # which columns the file has
    # (T, N): the numbers of `Rows`, and "average", "delisted" and "there" (0 or 1); NaN where there is no row
    value: dict[str, FloatArray]
    dates: pd.DatetimeIndex  # (T,): days, in order
    names: list[str]  # N securities
    notes: list[str]  # what was found and done; the functions of this module add to it

    def frame(self, values: Any) -> pd.DataFrame:
        """Return a matrix as a frame of dates by securities."""
        return pd.DataFrame(values, index=self.dates, columns=self.names)

    def place(self, cells: BoolArray) -> str:
        """Return the security and day of the first of some cells, for errors."""
        day, at = np.argwhere(cells)[0]
        return f"{self.names[at]} on {self.dates[day].date()}"


def grid_of(rows: Rows, names: StrArray) -> Grid:
    """Spread rows by day and name. Raises `PriceError` if two rows are of one security and day."""
    numbers = {**rows.number, "delisted": rows.delisted.astype(float), "there": np.ones(len(names))}
    numbers["average"] = (rows.flag | (rows.number["prc"] < 0)).astype(float)
    long = pd.DataFrame({**numbers, "name": names}, index=pd.DatetimeIndex(rows.day.astype("datetime64[ns]")))
    frames = pivoted(rows.where, long, "name", {name: name for name in numbers})
    there = frames["there"]
    value = {name: frame.to_numpy() for name, frame in frames.items()}
    dates = pd.DatetimeIndex(there.index)
    return Grid(rows.where, rows.current, rows.columns, value, dates, list(there.columns), list(rows.notes))


def with_delisting(grid: Grid, missing_dlret: float | None) -> FloatArray:
    """Return total returns, delisting returns compounded with the return of their row, (T, N).

    Raises `PriceError` if a return is below -1, or a security has two delisting returns; `InputError` if
    `missing_dlret` is no loss, or there is no use for it.
    """
    ret, (dlret, imputed) = grid.value["ret"], _delisting_returns(grid, missing_dlret)
    low = (ret < -1) | (dlret < -1)
    if low.any():
        what = f"{grid.place(low)}: a return below -1 that is no code for missing"
        raise PriceError(grid.where, what, "correct it, or leave it empty")
    there, alone = ~np.isnan(dlret), np.isnan(ret)
    for which, what in ((there & ~imputed, ""), (imputed, f"imputed (missing_dlret={missing_dlret}) ")):
        if which.any():
            how = f"compounded with the return of their day ({int((which & alone).sum())} of them without one)"
            grid.notes.append(f"{int(which.sum())} {what}delisting returns {how}")
    return np.where(there, np.where(alone, dlret, (1 + ret) * (1 + dlret) - 1), ret)


def closes(grid: Grid) -> FloatArray:
    """Return absolute prices over the price factor, (T, N); NaN where there was no trade and no quote.

    A price without a factor, in a file that has factors, is in units nobody knows: NaN too.

    Raises
    ------
    PriceError
        If a factor is negative.
    """
    price = np.abs(grid.value["prc"])
    average, zero = (grid.value["average"] == 1) & (price > 0), price == 0
    if average.any():
        grid.notes.append(f"{int(average.sum())} prices are averages of bid and ask: see prices.extra['average']")
    if zero.any():
        grid.notes.append(f"{int(zero.sum())} prices of 0: missing")
    price[zero | (grid.value["delisted"] == 1)] = np.nan
    if "cfacpr" not in grid.columns:
        return price
    factor = grid.value["cfacpr"]
    if (factor < 0).any():
        raise PriceError(grid.where, f"{grid.place(factor < 0)}: cfacpr is negative", "correct it, or leave it empty")
    without = ~np.isnan(price) & ~(factor > 0)
    if without.any():
        who = some(grid, without.any(axis=0))
        grid.notes.append(f"{int(without.sum())} prices have a cfacpr of 0 or none: no close there ({who})")
    grid.notes.append("closes are divided by cfacpr")
    return np.divide(price, factor, out=np.full_like(price, np.nan), where=factor > 0)


def adjusted_closes(grid: Grid, close: FloatArray, total: FloatArray) -> FloatArray:
    """Return the last close of each security carried along its returns, (T, N).

    Missing where the return is missing, unless the day before has neither return nor price: a new start, from which the
    next return leads on. Raises `PriceError` if a security has a price or a return after a return of -1.
    """
    known, priced = ~np.isnan(total), ~np.isnan(close)
    _check_losses(grid, total, priced, known | priced)
    with np.errstate(over="ignore"):  # what is infinite is refused by Prices
        level = np.cumprod(np.where(known, 1 + total, 1.0), axis=0)
    last, at = _last(priced), np.arange(len(grid.names))
    # What the last close was worth before a delisting return of its own row, which may be -1.
    before = np.where(last > 0, level[last - 1, at], 1.0) * (1 + np.nan_to_num(grid.value["ret"][last, at]))
    gap = np.vstack([np.ones((1, len(at)), dtype=bool), ~(known | priced)[:-1]])
    _note_gaps(grid, known, priced, gap)
    return np.where((known | (priced & gap)) & (level > 0), close[last, at] / before * level, np.nan)


def some(grid: Grid, which: Any) -> str:
    """Return the names of the first few of some securities."""
    names = [grid.names[i] for i in np.flatnonzero(which)]
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _delisting_returns(grid: Grid, missing_dlret: float | None) -> tuple[FloatArray, BoolArray]:
    """Return delisting returns and which of them are imputed, (T, N): performance-related ones if a value is given."""
    _check_missing_dlret(grid, missing_dlret)
    dlret, code = grid.value["dlret"].copy(), grid.value["dlstcd"]
    paid = int((grid.value["delisted"] == 1).sum())
    if paid:
        grid.notes.append(f"{paid} delisting returns stand in dlyret already; the payments are no closes")
    twice = (~np.isnan(dlret)).sum(axis=0) > 1
    if twice.any():
        what = f"{some(grid, twice)}: more than one delisting return"
        raise PriceError(grid.where, what, "keep the one of the delisting")
    last, at = _last(~np.isnan(code)), np.arange(len(grid.names))
    codes = code[last, at]
    without = (codes >= 200) & np.isnan(dlret).all(axis=0)
    poor = without & ((codes == 500) | ((codes >= 520) & (codes <= 584)))
    done = "left missing" if missing_dlret is None else f"imputed as {missing_dlret:g}"
    _note_missing(
        grid, poor, f"performance-related delistings (dlstcd 500, 520 to 584) have no delisting return: {done}"
    )
    _note_missing(grid, without & ~poor, "other delistings have no delisting return: left missing")
    imputed = np.zeros(dlret.shape, dtype=bool)
    if missing_dlret is not None:
        imputed[last[poor], at[poor]] = True
        dlret[imputed] = missing_dlret
    return dlret, imputed


def _check_missing_dlret(grid: Grid, value: float | None) -> None:
    if value is None:
        return
    if grid.current:
        raise InputError("missing_dlret", f"got {value!r}, and dlyret contains delisting returns", "leave it out")
    if "dlstcd" not in grid.columns:
        raise InputError("missing_dlret", f"got {value!r}, and there is no column dlstcd", "add it, or leave this out")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1 <= value <= 0:
        raise InputError("missing_dlret", f"got {value!r}", "give a loss between -1 and 0, such as -0.30")


def _note_missing(grid: Grid, which: BoolArray, what: str) -> None:
    if which.any():
        grid.notes.append(f"{int(which.sum())} {what} ({some(grid, which)})")


def _note_gaps(grid: Grid, known: BoolArray, priced: BoolArray, gap: BoolArray) -> None:
    """Note prices without a return, and returns over several days; `gap` is True after a day with neither."""
    without = priced & ~known & ~gap
    if without.any():
        grid.notes.append(f"{int(without.sum())} prices have no return: no adjusted close there")
    begun = np.cumsum(priced, axis=0) > priced  # there was a price before
    covering = known & gap & begun
    if covering.any():
        grid.notes.append(f"{int(covering.sum())} returns follow days without a price and cover them too")


def _check_losses(grid: Grid, total: FloatArray, priced: BoolArray, there: BoolArray) -> None:
    """Note who lost everything, and refuse what goes on after that."""
    lost = total == -1
    if not lost.any():
        return
    after = (np.cumsum(lost, axis=0) - lost > 0) & there | (grid.value["ret"] == -1) & priced
    if after.any():
        what = f"{grid.place(after)}: a price or a return after a return of -1"
        raise PriceError(grid.where, what, "correct the return, or drop what comes after it")
    grid.notes.append(f"{int(lost.sum())} returns of -1: no adjusted close is left ({some(grid, lost.any(axis=0))})")


def _last(there: BoolArray) -> Any:
    """Return the last row that is True in each column; the last of all where none is."""
    return len(there) - 1 - np.argmax(there[::-1], axis=0)
