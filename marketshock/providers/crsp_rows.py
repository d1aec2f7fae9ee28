"""The rows of a CRSP file: its two sets of names, its dates, and its codes for what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._typing import BoolArray, DateArray, FloatArray, Frame, StrArray
from ..catalog.columns import place
from ..errors import InputError, PriceError, twice
from .files import read_lines
from .frames import check_columns, check_years, pandas_frame, with_clean_columns

# The daily stock file until 2024, and the names of the format that took its place (CIZ).
_LEGACY = {name: name for name in ("date", "ret", "prc", "dlret", "dlstcd", "cfacpr", "cfacshr", "vol")}
_CURRENT = {
    "dlycaldt": "date",
    "dlyret": "ret",
    "dlyprc": "prc",
    "dlyprcflg": "flag",
    "dlydelflg": "delisted",
    "dlycumfacpr": "cfacpr",
    "dlycumfacshr": "cfacshr",
    "dlyvol": "vol",
}
_BOTH = {name: name for name in ("permno", "ticker", "shrout")}
_NEEDED = ("permno", "date", "ret", "prc")
_NUMBERS = ("ret", "prc", "dlret", "dlstcd", "cfacpr", "cfacshr", "vol", "shrout")

# Data Descriptions Guide, CRSP US Stock and Indexes, "Holding Period Total Return" and "Delisting Return".
_CODES = (-44.0, -55.0, -66.0, -77.0, -88.0, -99.0)
_LETTERS = {"ret": ("A", "B", "C", "D", "E"), "dlret": ("A", "P", "S", "T")}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file, (R,) each; numbers NaN where missing or where there is no such column."""

    where: str  # the file or parameter, for errors
    current: bool  # whether the file has the names of the current format, whose returns contain delisting returns
    # permno, day: security, as text, and date (datetime64[D])
    permno: StrArray
    day: DateArray
    # ret (decimal), prc (USD, as it stands there), dlret, dlstcd, cfacpr, cfacshr, vol (shares), shrout (thousands)
    number: dict[str, FloatArray]
    # flag, delisted: whether the current format marks the price as an average of bid and ask; as a payment
    # after delisting
    flag: BoolArray
    delisted: BoolArray
    ticker: StrArray  # ticker, "" where there is none
    columns: frozenset[str]  # which of our names the file has
    notes: tuple[str, ...]  # what was found on the way


def read_rows(source: str | Path | Frame) -> Rows:
    """Read the rows of a CRSP file or frame.

    Raises `InputError` if a column is missing or stands there twice, the names of both formats are there, or a permno
    is none; `PriceError` if a date is none, or text stands where a number must.
    """
    where = str(source) if isinstance(source, (str, Path)) else "source"
    table = read_lines(source, ("ticker",)) if isinstance(source, (str, Path)) else _columns_only(source)
    table = with_clean_columns(where, table)
    check_columns(where, table)
    table, current, not_read = _named(where, table)
    number, notes = {}, []
    for name in _NUMBERS:
        number[name], note = _numbers(where, name, table)
        notes += note
    if not_read:
        notes.append(f"columns not read: {', '.join(not_read)}")
    empty = pd.Series("", index=table.index, dtype=object)
    text = {name: table.get(name, empty).astype(object) for name in ("flag", "delisted", "ticker")}
    text = {name: column.where(column.notna(), "").astype(str).str.strip() for name, column in text.items()}
    flag, delisted = (
        (text[name].str.upper() == value).to_numpy(bool) for name, value in (("flag", "BA"), ("delisted", "Y"))
    )
    return Rows(
        where,
        current,
        _once(_permnos, where, table["permno"]),
        _once(_days, where, table["date"]),
        number,
        flag,
        delisted,
        text["ticker"].to_numpy(object),
        frozenset(table.columns),
        tuple(notes),
    )


def _columns_only(frame: Frame) -> pd.DataFrame:
    """Return a frame whose permno or date may stand in its index, as columns."""
    table = pandas_frame("source", frame)
    return table.reset_index(drop=all(name is None for name in table.index.names))


def _named(where: str, table: pd.DataFrame) -> tuple[pd.DataFrame, bool, list[str]]:
    """Return the columns that are read, under one set of names, whether they are the current ones, and the others."""
    folded = {column: str(column).strip().casefold() for column in table.columns}
    found = set(folded.values())
    current = not found.isdisjoint({"dlycaldt", "dlyret", "dlyprc"})
    if current and not found.isdisjoint({"date", "ret", "prc", "dlret"}):
        both = sorted(found & (set(_LEGACY) | set(_CURRENT)))
        raise InputError(where, f"has columns of both formats: {', '.join(both)}", "keep those of one of them")
    known = (_CURRENT if current else _LEGACY) | _BOTH
    named = {column: known[name] for column, name in folded.items() if name in known}
    if again := twice(named.values()):
        raise InputError(where, f"has the column {again!r} twice", "keep one of them")
    missing = [name for name in _NEEDED if name not in named.values()]
    if missing:
        theirs = [old for name in missing for old, ours in known.items() if ours == name]
        needed = "permno, date, ret, prc (or permno, dlycaldt, dlyret, dlyprc)"
        raise InputError(where, f"has no column {', '.join(theirs)}", f"needed are {needed}")
    left = [str(column) for column in table.columns if column not in named]
    return table[list(named)].rename(columns=named), current, left


def _once(read: Callable[[str, pd.Series[Any]], Any], where: str, column: pd.Series[Any]) -> Any:
    """Return what `read` makes of a column, which it sees without repetitions: a file has few days and securities."""
    code, _ = pd.factorize(column)  # missing is -1
    at = np.flatnonzero(~pd.Series(code).duplicated())
    values = read(where, column.iloc[at])
    order = np.empty(len(at), dtype=np.int64)
    order[code[at]] = np.arange(len(at))
    return values[order[code]]


def _permnos(where: str, column: pd.Series[Any]) -> StrArray:
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip().str.removesuffix(".0")
    bad = ~text.str.fullmatch(r"[1-9]\d{4,5}")
    if bad.any():
        at = int(np.argmax(bad))
        what = f"{place(column.index, at)}: {column.iloc[at]!r} is no permno"
        raise InputError(where, what, "a permno is a number of five digits")
    return text.to_numpy(object)


def _days(where: str, column: pd.Series[Any]) -> DateArray:
    if column.isna().any():
        raise PriceError(
            where,
            f"{place(column.index, int(column.isna().to_numpy().argmax()))} has no date",
            "fill it or drop the row",
        )
    if pd.api.types.is_datetime64_any_dtype(column):
        days: DateArray = column.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    else:
        days = _written_days(where, column)
    check_years(where, days)
    return days


def _written_days(where: str, column: pd.Series[Any]) -> DateArray:
    """Read dates written as YYYYMMDD or as YYYY-MM-DD, all of them in one way."""
    text = column.astype(object).astype(str).str.strip()
    text = text.str.removesuffix(".0") if pd.api.types.is_numeric_dtype(column) else text.str.removesuffix(" 00:00:00")
    number, iso = text.str.fullmatch(r"\d{8}"), text.str.fullmatch(r"\d{4}-\d{2}-\d{2}")
    if number.any() and iso.any():
        what = f"dates are written in two ways ({text[number].iloc[0]}, {text[iso].iloc[0]})"
        raise PriceError(where, what, "write them all as YYYYMMDD or as YYYY-MM-DD")
    days = pd.to_datetime(text, format="%Y%m%d" if number.any() else "%Y-%m-%d", errors="coerce")
    bad = days.isna() | ~(number | iso)
    if bad.any():
        raise PriceError(where, f"{text[bad].iloc[0]!r} is no date", "write dates as YYYYMMDD or as YYYY-MM-DD")
    written: DateArray = days.to_numpy().astype("datetime64[D]")
    return written


def _numbers(where: str, name: str, table: pd.DataFrame) -> tuple[FloatArray, list[str]]:
    """Return a column as floats, its missing codes as NaN, and a note of how many there were."""
    if name not in table:
        return np.full(len(table), np.nan), []
    column = table[name]
    coded = pd.Series(False, index=column.index)
    if not pd.api.types.is_numeric_dtype(column):
        text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
        coded = text.str.upper().str.removeprefix(".").isin(_LETTERS.get(name, ()))
        column = pd.to_numeric(text.where(~coded & (text != ""), "nan"), errors="coerce")
        bad = column.isna() & ~coded & (text != "") & (text.str.casefold() != "nan")
        if bad.any():
            at = int(np.argmax(bad))
            row = place(column.index, at)
            raise PriceError(where, f"{row}: column {name} holds {text.iloc[at]!r}", "correct it, or leave it empty")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    if np.isinf(values).any():
        row = place(column.index, int(np.argmax(np.isinf(values))))
        raise PriceError(where, f"{row}: column {name} is infinite", "correct it")
    by_code = np.isin(values, _CODES) if name in _LETTERS else (values < 0) & (name == "vol")
    missing = coded.to_numpy(bool) | by_code
    values[missing] = np.nan
    what = {"ret": "returns", "dlret": "delisting returns", "vol": "volumes"}.get(name, name)
    return values, [f"{int(missing.sum())} {what} bear a code for missing: NaN"] if missing.any() else []
