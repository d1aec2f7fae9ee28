"""Tables, prices, returns and events read from files."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from ..errors import InputError
from .base import Prices, prices_of
from .frames import check_columns, numeric_values, session_dates
from .shapes import return_frame

_MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "n/a", "null", "NULL", "None", "<NA>", ".")
_TICKERS = ("ticker", "symbol")
_SUFFIXES = {".csv": "CSV", ".txt": "CSV", ".parquet": "Parquet", ".pq": "Parquet"}
_SUFFIXES |= dict.fromkeys((".feather", ".arrow", ".ipc"), "Feather")
_MOST_BYTES = 2**30
_UNREADABLE = (csv.Error, ValueError, OSError, NotImplementedError, KeyError, TypeError, MemoryError)
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_prices(path: str | Path, *, adjusted: bool | None = None) -> Prices:
    """Read a file of prices.

    Parameters
    ----------
    path : str or Path
        CSV (UTF-8, separated by commas, dates as YYYY-MM-DD), Parquet, or Feather (.feather, .arrow, .ipc), up to one
        gigabyte; in any of the shapes of `Prices.from_frame`. A CSV file may have the two header rows (and the row
        ``Date,,,``) with which pandas writes a frame of yfinance.
    adjusted : bool, optional
        Whether closes without adjusted ones beside them are dividend-adjusted; see `Prices.from_frame`.

    Returns
    -------
    Prices
        Missing fields (empty, NA, NaN, null, None, a lone point) are NaN.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or is ambiguous; the message names the file.
    PriceError
        If a date or a price cannot be right.
    """
    return prices_of(str(path), _market_table(path), None, adjusted, Path(path).name)


def read_returns(path: str | Path) -> pd.DataFrame:
    """Read a file of decimal returns, wide (date, one column per ticker or factor) or long (date, ticker, ret).

    Parameters
    ----------
    path : str or Path
        As in `read_prices`.

    Returns
    -------
    DataFrame
        Floats, NaN where missing; indexed by date, one column per ticker.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, is ambiguous, or has no returns.
    PriceError
        If a date is none, or a return is infinite or text.
    """
    table = return_frame(str(path), _market_table(path))
    check_columns(str(path), table)
    index = pd.DatetimeIndex(session_dates(str(path), table.index).astype("datetime64[ns]"), name="date")
    return pd.DataFrame(numeric_values(str(path), table), index=index, columns=[str(c) for c in table.columns])


def read_events(path: str | Path) -> pd.DataFrame:
    """Read a file of events; column names are folded to lower case, dates stay text until they are checked.

    Raises `InputError` as `read_table`, or if there is no column "date".
    """
    table = read_table(path, text=("*",))
    table.columns = [str(c).strip().casefold() for c in table.columns]
    if "date" not in table.columns:
        what = f"has no column 'date' (it has {', '.join(table.columns)})"
        raise InputError(str(path), what, "events need ticker and date")
    return table


def read_bars(path: str | Path) -> pd.DataFrame:
    """Read the opens of bars within the day, as ``marketshock fetch --interval`` writes them.

    Raises `InputError` if a column (time, ticker, open) or a time is missing.

    Returns
    -------
    DataFrame
        Rows are the starts of the bars in UTC, columns (field, ticker), as `yahoo_intraday` returns them.
    """
    table = read_table(path)
    table.columns = [str(c).strip().casefold() for c in table.columns]
    missing = [name for name in ("time", "ticker", "open") if name not in table.columns]
    if missing:
        raise InputError(str(path), f"has no column {missing[0]!r}", "write it with fetch --interval 5m --out")
    time = pd.to_datetime(table["time"], utc=True, errors="coerce")
    if time.isna().any():
        raise InputError(str(path), f"row {int(time.isna().argmax())} has no time", "write it with its zone")
    wide = table.assign(time=time).pivot_table(index="time", columns="ticker", values="open", sort=True)
    return pd.concat({"open": wide}, axis=1)


def read_table(path: str | Path, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a CSV, Parquet or Feather file.

    Raises `InputError` if the file is missing, empty, larger than one gigabyte, not of these kinds, or cannot be
    decoded; if a CSV file has a column twice, rows longer or shorter than its header, or another separator than a
    comma.

    Parameters
    ----------
    path : str or Path
        The file.
    text : tuple of str, optional
        Columns (in lower case) of a CSV file that stay text whatever they look like: a ticker may be 0005, TRUE or NA.
        "*" is all.

    Returns
    -------
    DataFrame
        As it stands there; numbers of a CSV file to the last digit.
    """
    path = Path(path)
    kind = _kind(path)
    try:
        if kind == "CSV":
            return _read_csv(path, text)
        return pd.read_parquet(path) if kind == "Parquet" else pd.read_feather(path)
    except ImportError as error:
        raise InputError(str(path), f"{kind} needs pyarrow", "pip install 'marketshock[parquet]'") from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "is not UTF-8 text", "save it as UTF-8") from error
    except InputError:
        raise
    except _UNREADABLE as error:
        problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(str(path), f"cannot be read as {path.suffix[1:]}: {problem}", "check the file") from error


def _market_table(path: str | Path) -> pd.DataFrame:
    """Read a table of prices or returns; in a wide one every column has a name."""
    table = read_table(path, _TICKERS)
    names = [str(c).casefold() for c in table.columns]
    blank = [i for i, name in enumerate(names) if name.startswith("unnamed: ")]  # what pandas calls them
    if blank and not set(names) & set(_TICKERS):
        raise InputError(str(path), f"column {blank[0] + 1} has no name", "name it date or by its ticker, or remove it")
    return table


def _kind(path: Path) -> str:
    if not os.path.isfile(path):
        what = "is a folder" if os.path.isdir(path) else "no such file"
        raise InputError(str(path), what, "give the path of a file")
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise InputError(str(path), f"unknown kind of file {path.suffix!r}", f"give one of {', '.join(_SUFFIXES)}")
    size = path.stat().st_size
    if size > _MOST_BYTES:
        remedy = "read the columns and rows needed yourself, and pass the frame"
        raise InputError(str(path), f"has {size / 2**30:.1f} GB, and at most 1 GB is read", remedy)
    return kind


def _read_csv(path: Path, text: tuple[str, ...]) -> pd.DataFrame:
    head, lines = _checked_rows(path)
    options: dict[str, Any] = {"encoding": "utf-8-sig", "keep_default_na": False, "low_memory": False}
    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):  # later versions read to the last digit by themselves
        options["float_precision"] = "round_trip"
    if _has_two_headers(head):
        options |= {"header": None, "skiprows": lines, "index_col": 0, "na_values": _MISSING}
        table = pd.DataFrame(pd.read_csv(path, **options))
        return table.set_axis(pd.MultiIndex.from_arrays([head[0][1:], head[1][1:]]), axis=1).rename_axis(index="date")
    options |= {"index_col": False, **_kinds_of_columns(path, head[0], text)}
    return pd.DataFrame(pd.read_csv(path, **options))


def _kinds_of_columns(path: Path, header: list[str], text: tuple[str, ...]) -> dict[str, Any]:
    """Return which columns stay text, and what is missing in each."""
    folded = [name.strip().casefold() for name in header]
    twice = [name for i, name in enumerate(folded) if name and name in folded[:i]]
    if twice:
        raise InputError(str(path), f"has the column {twice[0]!r} twice", "keep one of them")
    as_text = [name for name, low in zip(header, folded, strict=True) if low in text or text == ("*",)]
    keep = {name: [""] for name in as_text}  # NA is a ticker too: only an empty field is missing
    others = {name: list(_MISSING) for name in header if name not in keep}
    return {"dtype": dict.fromkeys(as_text, str), "na_values": keep | others}


def _checked_rows(path: Path) -> tuple[list[list[str]], int]:
    """Return the first three rows and the lines they take, once every row is known to be as long as the first.

    pandas fills short rows with missing values and takes the first column of long ones for labels: a file cut off in
    transit would be read with no error.
    """
    head: list[list[str]] = []
    lines = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(_without_nul(path, file), strict=True)
        for row in rows:
            if not row:  # pandas skips empty lines too
                continue
            if not head:
                _check_separator(path, row)
            elif len(row) != len(head[0]):
                more = "more" if len(row) > len(head[0]) else "fewer"
                what = f"line {rows.line_num} has {more} fields than its header ({len(row)}, not {len(head[0])})"
                raise InputError(str(path), what, "correct the row or the header")
            if len(head) < 3:
                head.append(row)
                lines = rows.line_num
    if not head:
        raise InputError(str(path), "cannot be read as csv: it is empty", "give a header and rows")
    return head, lines


def _without_nul(path: Path, file: TextIO) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        if "\0" in line:
            raise InputError(str(path), f"has a NUL byte in line {number}", "save it as UTF-8 text")
        yield line


def _check_separator(path: Path, header: list[str]) -> None:
    text = ",".join(header)
    for separator, name in _OTHER_SEPARATORS.items():
        if text.count(separator) > text.count(","):
            remedy = "separate them by commas, with a point in decimal numbers"
            raise InputError(str(path), f"has fields separated by {name}", remedy)


def _has_two_headers(head: list[list[str]]) -> bool:
    """Return whether these are the rows (field, ...), (ticker, ...), (Date, nothing) of a two-level frame."""
    return len(head) == 3 and head[2][0].strip().casefold() == "date" and len(head[2]) > 1 and not any(head[2][1:])
