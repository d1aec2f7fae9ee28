"""Tables, prices, returns and events read from files."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO, TypeAlias

import numpy as np
import pandas as pd

from .._files import read_bytes
from .._typing import BoolArray
from ..catalog.columns import LINE, place
from ..catalog.vocabulary import refuse_misnamed
from ..errors import InputError, PriceError, twice
from .arrow_file import REMEDY, arrow_frame
from .base import Prices, prices_of
from .frames import check_columns, numeric_values, session_dates
from .joined import joined_prices
from .shapes import return_frame

_MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "n/a", "null", "NULL", "None", "<NA>", ".")
_TICKERS = ("ticker", "symbol")
Kind: TypeAlias = Literal["CSV", "Parquet", "Feather"]

_SUFFIXES: dict[str, Kind] = {".csv": "CSV", ".txt": "CSV", ".parquet": "Parquet", ".pq": "Parquet"}
_SUFFIXES |= dict.fromkeys((".feather", ".arrow", ".ipc"), "Feather")
_MAGIC: dict[bytes, Kind] = {b"PAR1": "Parquet", b"ARROW1": "Feather", b"FEA1": "Feather"}
_MOST_BYTES = 2**30  # of a file, and of what it holds at eight bytes a number
_MOST_COLUMNS = 100_000
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_prices(path: str | Path | Sequence[str | Path], *, adjusted: bool | None = None) -> Prices:
    """Read a file of prices, or several of different tickers, which are joined by date.

    Parameters
    ----------
    path : str or Path, or sequence of them
        CSV (UTF-8, separated by commas, dates as YYYY-MM-DD), Parquet, or Feather (.feather, .arrow, .ipc), up to one
        gigabyte on disk and in memory; in any of the shapes of `Prices.from_frame`. A CSV file may have the two header
        rows (and the row ``Date,,,``) with which pandas writes a frame of yfinance. A pipe, or another file without a
        suffix, is what its first bytes say.
    adjusted : bool, optional
        Whether closes without adjusted ones beside them are dividend-adjusted; see `Prices.from_frame`.

    Returns
    -------
    Prices
        Missing fields (empty, NA, NaN, null, None, a lone point) are NaN.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or is ambiguous, or two have a ticker in common; the message names the
        file.
    PriceError
        If a date or a price cannot be right.
    """
    if not isinstance(path, (str, os.PathLike)):
        return joined_prices("path", [(Path(one).name, read_prices(one, adjusted=adjusted)) for one in path])
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
    index = pd.DatetimeIndex(session_dates(str(path), table.index, table).astype("datetime64[ns]"), name="date")
    return pd.DataFrame(numeric_values(str(path), table), index=index, columns=[str(c) for c in table.columns])


def read_events(path: str | Path) -> pd.DataFrame:
    """Read a file of events.

    Parameters
    ----------
    path : str or Path
        CSV, Parquet or Feather. Columns without a name that are empty or number the rows are left out.

    Returns
    -------
    DataFrame
        Column names in lower case; the columns of a CSV file are text until they are checked, and its index, named
        line, has the line of each row in the file.

    Raises
    ------
    InputError
        As `read_table`; or if there is no column "date", or one means ticker, date or another column that is read.
    """
    table = read_lines(path, text=("*",))
    table = table.loc[:, [not _is_nothing(name, table[name]) for name in table.columns]]
    table.columns = [str(c).strip().casefold() for c in table.columns]
    refuse_misnamed(str(path), table.columns, crossed=True)
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
    table = read_lines(path)
    table.columns = [str(c).strip().casefold() for c in table.columns]
    missing = [name for name in ("time", "ticker", "open") if name not in table.columns]
    if missing:
        raise InputError(str(path), f"has no column {missing[0]!r}", "write it with fetch --interval 5m --out")
    time = pd.to_datetime(table["time"], utc=True, errors="coerce")
    if time.isna().any():
        where = place(table.index, int(time.isna().to_numpy().argmax()))
        raise InputError(str(path), f"{where} has no time", "write it with its zone")
    wide = table.assign(time=time).pivot_table(index="time", columns="ticker", values="open", sort=True)
    return pd.concat({"open": wide}, axis=1)


def read_table(path: str | Path, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a CSV, Parquet or Feather file.

    Raises `InputError` if the file is missing, empty, a device, larger than one gigabyte on disk or in memory, not of
    these kinds, or cannot be decoded; if it has more than 100,000 columns; if a CSV file has a column twice, rows
    longer or shorter than its header, or another separator than a comma.

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
        As it stands there; numbers of a CSV file to the last digit, without the rows that are wholly empty.
    """
    table = read_lines(path, text)
    return table.reset_index(drop=True) if table.index.name == LINE else table


def read_lines(path: str | Path, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a file as `read_table` does; the index of a CSV file has the line of each row."""
    path = Path(path)
    kind, content = _read(path)
    try:
        table = _read_csv(path, content, text) if kind == "CSV" else arrow_frame(str(path), content, kind, _MOST_BYTES)
    except ImportError as error:
        raise InputError(str(path), f"{kind} needs pyarrow", "pip install 'marketshock[parquet]'") from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "is not UTF-8 text", "save it as UTF-8") from error
    except InputError:
        raise
    except Exception as error:  # of csv, pandas or pyarrow, which promise no kinds of errors for damaged bytes
        problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(str(path), f"cannot be read as {_word(path, kind)}: {problem}", "check the file") from error
    _check_width(path, table.shape[1])
    return table


def _word(path: Path, kind: str) -> str:
    return path.suffix[1:] or kind


def _market_table(path: str | Path) -> pd.DataFrame:
    """Read a table of prices or returns; in a wide one every column has a name."""
    table = read_lines(path, _TICKERS)
    names = [str(c).casefold() for c in table.columns]
    blank = [i for i, name in enumerate(names) if name.startswith("unnamed: ")]  # what pandas calls them
    if blank and not set(names) & set(_TICKERS):
        raise InputError(str(path), f"column {blank[0] + 1} has no name", "name it date or by its ticker, or remove it")
    if table.index.name != LINE:
        return table
    for what, kinds, kind in (("date", ("date",), PriceError), ("ticker", _TICKERS, InputError)):
        for name in (c for c in table.columns if str(c).strip().casefold() in kinds):
            empty = (table[name].isna() | (table[name].astype(str).str.strip() == "")).to_numpy()
            if empty.any():
                where = place(table.index, int(empty.argmax()))
                raise kind(str(path), f"{where} has no {what}", "fill it or drop the row")
    return table.reset_index(drop=True)


def _is_nothing(name: str, column: pd.Series[Any]) -> bool:
    """Return whether a column without a name is empty, or the row numbers that pandas writes."""
    if not name.startswith("Unnamed: "):
        return False
    values = pd.to_numeric(column, errors="coerce")
    return bool((column.isna() | (column == "")).all() or (values == np.arange(len(column))).all())


def _read(path: Path) -> tuple[Kind, bytes]:
    """Return the kind of a file, by its suffix, else by its first bytes, and its content."""
    kind = _SUFFIXES.get(path.suffix.lower())
    content = read_bytes(path, _MOST_BYTES, REMEDY, kind=path.suffix[1:] or "a table")
    if kind is None and path.suffix:
        raise InputError(str(path), f"unknown kind of file {path.suffix!r}", f"give one of {', '.join(_SUFFIXES)}")
    if kind is not None:
        return kind, content
    for magic, known in _MAGIC.items():
        if content.startswith(magic):
            return known, content
    return "CSV", content


def _check_width(path: Path, columns: int) -> None:
    if columns > _MOST_COLUMNS:
        raise InputError(str(path), f"has {columns:,} columns, and at most {_MOST_COLUMNS:,} are read", REMEDY)


def _read_csv(path: Path, content: bytes, text: tuple[str, ...]) -> pd.DataFrame:
    head, last, lines, kept = _checked_rows(path, content)
    if len(lines) * len(head[0]) * 8 > _MOST_BYTES:
        what = f"holds {len(lines):,} rows of {len(head[0]):,} fields, more than 1 GB in memory"
        raise InputError(str(path), what, REMEDY)
    options: dict[str, Any] = {"encoding": "utf-8-sig", "keep_default_na": False, "low_memory": False}
    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):  # later versions read to the last digit by themselves
        options["float_precision"] = "round_trip"
    if _has_two_headers(head):
        options |= {"header": None, "skiprows": last, "index_col": 0, "na_values": _MISSING}
        table = pd.DataFrame(pd.read_csv(io.BytesIO(content), **options))
        return table.set_axis(pd.MultiIndex.from_arrays([head[0][1:], head[1][1:]]), axis=1).rename_axis(index="date")
    options |= {"index_col": False, **_kinds_of_columns(path, head[0], text)}
    table = pd.DataFrame(pd.read_csv(io.BytesIO(content), **options))
    if len(table) != len(lines):  # pandas sees other rows than the csv module: their lines are not known
        return table
    return table.set_axis(lines, axis=0) if kept is None else table.loc[kept].set_axis(lines[kept], axis=0)


def _kinds_of_columns(path: Path, header: list[str], text: tuple[str, ...]) -> dict[str, Any]:
    """Return which columns stay text, and what is missing in each."""
    folded = [name.strip().casefold() for name in header]
    if (again := twice(filter(None, folded))) is not None:
        raise InputError(str(path), f"has the column {again!r} twice", "keep one of them")
    as_text = [name for name, low in zip(header, folded, strict=True) if low in text or text == ("*",)]
    keep = {name: [""] for name in as_text}  # NA is a ticker too: only an empty field is missing
    others = {name: list(_MISSING) for name in header if name not in keep}
    return {"dtype": dict.fromkeys(as_text, str), "na_values": keep | others}


def _checked_rows(path: Path, content: bytes) -> tuple[list[list[str]], int, pd.Index, BoolArray | None]:
    """Return what pandas does not say of a file, once every row is known to be as long as the first.

    These are its first three rows, the lines they take, the line in which each row below the first begins, and which of
    these rows are not wholly empty (None if all).

    pandas fills short rows with missing values and takes the first column of long ones for labels: a file cut off in
    transit would be read with no error.
    """
    head: list[list[str]] = []
    last = end = count = 0
    offsets: list[tuple[int, int]] = []  # from which row on, how much more its line is
    empty: list[int] = []
    with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(_without_nul(path, file), strict=True)
        for row in rows:
            begins, end = end + 1, rows.line_num
            if not row:  # pandas skips empty lines too
                continue
            if not head:
                _check_width(path, len(row))
                _check_separator(path, row)
            else:
                if len(row) != len(head[0]):
                    more = "more" if len(row) > len(head[0]) else "fewer"
                    what = f"line {begins} has {more} fields than its header ({len(row)}, not {len(head[0])})"
                    raise InputError(str(path), what, "correct the row or the header")
                if not offsets or begins - count != offsets[-1][1]:
                    offsets.append((count, begins - count))
                if not any(row):
                    empty.append(count)
                count += 1
            if len(head) < 3:
                head.append(row)
                last = end
    if not head:
        raise InputError(str(path), "cannot be read as csv: it is empty", "give a header and rows")
    kept = np.ones(count, dtype=bool)
    kept[empty] = False
    return head, last, _lines(count, offsets), kept if empty else None


def _lines(count: int, offsets: list[tuple[int, int]]) -> pd.Index:
    """Return the line of each row."""
    if len(offsets) < 2:
        first = offsets[0][1] if offsets else 2
        return pd.RangeIndex(first, first + count, name=LINE)
    at, more = (np.array(part) for part in zip(*offsets, strict=True))
    lines: pd.Index = pd.Index(np.arange(count) + np.repeat(more, np.diff([*at, count])), name=LINE)
    return lines


def _without_nul(path: Path, file: TextIO) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        if "\0" in line:
            raise InputError(str(path), f"has a NUL byte in line {number}", "save it as UTF-8 text")
        yield line


def _check_separator(path: Path, header: list[str]) -> None:
    text = ",".join(header)
    if text.casefold().startswith("sep="):
        raise InputError(str(path), f"begins with {text!r}, a line that only Excel reads", "remove that line")
    for separator, name in _OTHER_SEPARATORS.items():
        if text.count(separator) > text.count(","):
            remedy = "separate them by commas, with a point in decimal numbers"
            raise InputError(str(path), f"has fields separated by {name}", remedy)


def _has_two_headers(head: list[list[str]]) -> bool:
    """Return whether these are the rows (field, ...), (ticker, ...), (Date, nothing) of a two-level frame."""
    return len(head) == 3 and head[2][0].strip().casefold() == "date" and len(head[2]) > 1 and not any(head[2][1:])
