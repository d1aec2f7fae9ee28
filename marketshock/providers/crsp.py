"""CRSP daily stock files: returns with delistings, prices and share counts, and what was done with each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from .._typing import BoolArray, FloatArray, Frame, StrArray
from ..errors import InputError, check_choice
from .base import AS_TRADED, Prices
from .crsp_grid import Grid, adjusted_closes, closes, grid_of, some, with_delisting
from .crsp_rows import Rows, read_rows
from .shares import SharesTable

_SAME = 1e-9  # share counts nearer to each other than this, relatively, are one count


@dataclass(frozen=True, eq=False)
class CRSP:
    """Contents of a CRSP file.

    Attributes
    ----------
    returns : DataFrame of shape (n_days, n_securities)
        Total returns as decimals, delisting returns compounded; NaN where missing.
    prices : Prices
        ``close`` in USD, divided by the price factor where the file has it; ``adj_close`` from the returns;
        ``extra["average"]`` is True where a price is the average of bid and ask, ``extra["volume"]`` in shares, as
        traded.
    shares : SharesTable or None
        One row per change of a security's count, in the unit of ``close``: their product is the market cap in USD of
        that date. Basis "vendor": CRSP does not give filing dates. None if the file has no usable shrout.
    notes : tuple of str
        Everything that was changed, taken or left, with counts.
    """

    returns: pd.DataFrame
    prices: Prices
    shares: SharesTable | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        days = self.returns.index
        head = f"CRSP: {self.returns.shape[1]} securities, {len(days)} days, {days[0].date()} to {days[-1].date()}"
        return "\n".join([head, *(f"- {note}" for note in self.notes)])


def read_crsp(
    source: str | Path | Frame, *, by: Literal["permno", "ticker"] = "permno", missing_dlret: float | None = None
) -> CRSP:
    """Read a CRSP daily stock file.

    Parameters
    ----------
    source : str, Path or DataFrame
        CSV, Parquet or Feather, or a pandas, polars or Arrow frame; one row per security and day. Either the legacy
        names: permno, date, ret, prc, and if there shrout (thousands), dlret, dlstcd, cfacpr, cfacshr, vol, ticker; or
        the current ones (CIZ): permno, dlycaldt, dlyret, dlyprc, and if there dlyprcflg, dlydelflg, shrout,
        dlycumfacpr, dlycumfacshr, dlyvol, ticker. Upper or lower case, rows in any order; dates as YYYYMMDD or
        YYYY-MM-DD.
    by : {"permno", "ticker"}, optional
        What names a security. Tickers only where each stands for one permno and each permno for one ticker.
    missing_dlret : float, optional
        Delisting return (decimal) of performance-related delistings (dlstcd 500, 520 to 584) that have none, such as
        Shumway's -0.30. By default they stay missing. Notes say how many there are, and how many were imputed.

    Returns
    -------
    CRSP

    Raises
    ------
    InputError
        If a column is missing, permno or date have text that is none, or tickers are ambiguous.
    PriceError
        If there are two rows of a security and day, a return below -1 that is no code, two delisting returns of a
        security, a negative price factor, or text in numbers.

    Notes
    -----
    A negative price is the average of bid and ask: its absolute value is taken and marked. A price of 0 is missing, and
    so are the letters and the codes -44, -55, -66, -77, -88 and -99 of returns.

    A delisting return is compounded with the return of its row, (1 + ret)(1 + dlret) - 1, and stands alone where that
    is missing. The current format's returns contain it already; the payment that format gives as a price of that day is
    no close.

    ``adj_close`` is the last close of a security (before its delisting return) carried back and forth by the returns.
    Where a return is missing it is missing too, unless the day before has no price: there a new start is made. A CRSP
    return after days without a price covers them all; it stands in `returns`, and a note counts such.

    Share counts are multiplied by the factor by which prices are divided (cfacpr), so that market caps are those of
    their dates whatever was split or spun off. Where it is 0 or missing there is neither close nor count; notes count
    such rows.

    References
    ----------
    Shumway (1997), The delisting bias in CRSP data, Journal of Finance 52(1), 327-340.
    """
    check_choice("by", by, ("permno", "ticker"))
    rows = read_rows(source)
    grid = grid_of(rows, rows.permno if by == "permno" else _tickers(rows))
    total = with_delisting(grid, missing_dlret)
    close = closes(grid)
    extra = {"average": grid.frame(grid.value["average"] == 1)}
    if "vol" in grid.columns:
        extra["volume"] = grid.frame(grid.value["vol"])
    adjusted = grid.frame(adjusted_closes(grid, close, total))
    shares = _shares(grid) if "shrout" in grid.columns else None
    notes = tuple(grid.notes)
    about = {"source": "CRSP", "returns_from": "adj_close", "close_is": AS_TRADED, "notes": notes}
    return CRSP(grid.frame(total), Prices(grid.frame(close), adjusted, extra, about), shares, notes)


def _tickers(rows: Rows) -> StrArray:
    """Return the ticker of each row's security, where tickers and permnos stand for each other one to one."""
    if "ticker" not in rows.columns:
        raise InputError("by", "got 'ticker', and the file has no column ticker", "use by='permno'")
    pairs = pd.DataFrame({"permno": rows.permno, "ticker": rows.ticker}).drop_duplicates()
    pairs = pairs[pairs["ticker"] != ""]
    for one, other in (("permno", "ticker"), ("ticker", "permno")):
        twice = pairs[pairs[one].duplicated(keep=False)]
        if len(twice):
            same = twice[twice[one] == twice[one].iloc[0]]
            what = f"{one} {same[one].iloc[0]} has {len(same)} {other}s ({', '.join(same[other])})"
            raise InputError("by", what, "use by='permno'")
    nameless = sorted(set(rows.permno) - set(pairs["permno"]))
    if nameless:
        raise InputError("by", f"permno {nameless[0]} has no ticker", "use by='permno'")
    named: StrArray = pd.Series(rows.permno).map(pairs.set_index("permno")["ticker"]).to_numpy(object)
    return named


def _shares(grid: Grid) -> SharesTable | None:
    """Return one count per change, in the unit of the closes."""
    thousands = grid.value["shrout"]
    none = (grid.value["there"] == 1) & ~(thousands > 0)
    if none.any():
        grid.notes.append(f"{int(none.sum())} rows without a share count ({some(grid, none.any(axis=0))})")
    factor = np.ones_like(thousands)
    if "cfacpr" in grid.columns:
        factor = grid.value["cfacpr"]
        _note_factors(grid, factor, thousands > 0)
    table = pd.concat([_changes(grid, at, thousands[:, at], factor[:, at]) for at in range(len(grid.names))])
    if table.empty:
        grid.notes.append("no share count is usable: there is no table of counts")
        return None
    table["filed"] = pd.NaT
    return SharesTable.from_frame(table.assign(basis="vendor", form="CRSP shrout"), source="CRSP shrout")


def _note_factors(grid: Grid, factor: FloatArray, counted: BoolArray) -> None:
    grid.notes.append("share counts are multiplied by cfacpr: count x close is the market cap of the date")
    without = counted & ~(factor > 0)
    if without.any():
        who = some(grid, without.any(axis=0))
        grid.notes.append(f"{int(without.sum())} share counts have a cfacpr of 0 or none: not given ({who})")
    other = (factor > 0) & (np.abs(grid.value["cfacshr"] - factor) > _SAME * factor)
    if other.any():
        grid.notes.append(f"{int(other.sum())} rows have a cfacshr that differs from cfacpr (spin-offs): not used")


def _changes(grid: Grid, at: int, thousands: FloatArray, factor: FloatArray) -> pd.DataFrame:
    good = np.flatnonzero((thousands > 0) & (factor > 0))
    unit = 1000 * factor[good]
    count = thousands[good] * unit
    new = np.ones(len(count), dtype=bool)
    new[1:] = np.abs(count[1:] / count[:-1] - 1) > _SAME
    days = grid.dates[good[new]]
    return pd.DataFrame({"firm": grid.names[at], "shares": count[new], "rounding": unit[new], "as_of": days})
