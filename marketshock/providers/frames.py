"""Frames made by other people, read strictly: nothing is sorted, dropped or filled on the way."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._typing import DateArray
from ..errors import InputError, PriceError

_LONG_PRICES = ("adj_close", "close", "price", "prc")
_MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "n/a", "null", "NULL", "None", "<NA>", ".")
_DAY = r"\d{4}-\d{2}-\d{2}([T ].*)?"  # a month without its day is no date
_LONG_RETURNS = ("ret", "return", "returns")


def session_dates(parameter: str, index: pd.Index) -> DateArray:
    """Return a frame's index as strictly increasing session dates.

    A time zone is dropped (the date in that zone is kept).

    Raises
    ------
    PriceError
        If the index is not made of dates, or has duplicate or unsorted ones.
    """
    if not isinstance(index, pd.DatetimeIndex):
        index = _parsed_index(parameter, index)
    if index.tz is not None:
        index = index.tz_localize(None)
    if index.hasnans:
        raise PriceError(parameter, "an index entry is no date", "drop the rows without a date")
    days = index.to_numpy().astype("datetime64[D]")
    step = np.diff(days)
    if (step == np.timedelta64(0, "D")).any():
        twice = days[1:][step == np.timedelta64(0, "D")][0]
        raise PriceError(parameter, f"{twice} stands in the index more than once", "keep one row a session")
    if (step < np.timedelta64(0, "D")).any():
        at = int(np.argmax(step < np.timedelta64(0, "D")))
        raise PriceError(
            parameter,
            f"dates are not sorted: {days[at + 1]} comes after {days[at]}",
            "call .sort_index() first",
        )
    return days


def numeric_values(parameter: str, frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a wide frame's values as floats, NaN where missing.

    Raises
    ------
    PriceError
        If a column holds text, or a value is infinite.
    """
    if all(isinstance(dtype, np.dtype) and dtype.kind in "fiu" for dtype in frame.dtypes):
        values = frame.to_numpy(dtype=np.float64, copy=True)
        if np.isinf(values).any():
            _raise_at(parameter, frame, np.isinf(values), "is infinite")
        return values
    for column in frame.columns:
        if pd.api.types.is_numeric_dtype(frame[column]):
            continue
        text = [(day, v) for day, v in zip(frame.index, frame[column], strict=True) if isinstance(v, str)]
        if text:
            day, value = next(((d, v) for d, v in text if not _is_number(v)), text[0])
            what = f"column {column!r} holds text ({value!r} at {str(day).removesuffix(' 00:00:00')})"
            raise PriceError(parameter, what, "convert it to numbers first")
        if pd.api.types.is_datetime64_any_dtype(frame[column]):
            raise PriceError(parameter, f"column {column!r} holds dates", "leave it out")
    try:
        values = frame.astype(object).where(frame.notna(), np.nan).to_numpy(dtype=np.float64, copy=True)
    except (ValueError, TypeError) as error:
        raise PriceError(parameter, f"holds what is no number: {error}", "convert it to numbers first") from error
    infinite = np.isinf(values)
    if infinite.any():
        _raise_at(parameter, frame, infinite, "is infinite")
    return values


def check_positive(parameter: str, frame: pd.DataFrame, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """Raise `PriceError` if a price is zero or negative."""
    if (values <= 0).any():
        _raise_at(parameter, frame, values <= 0, "is not positive")


def check_columns(parameter: str, frame: pd.DataFrame) -> None:
    """Raise unless a wide frame has one uniquely named column a ticker."""
    if hasattr(frame, "to_pandas"):
        raise InputError(
            parameter, f"got a frame of {type(frame).__module__}", f"pass {parameter}.to_pandas() with dates as index"
        )
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            parameter,
            f"got a {type(frame).__name__}",
            "give a wide DataFrame: dates as index, one column a ticker",
        )
    if frame.empty:
        raise InputError(parameter, "the frame is empty", "give at least one row and one column")
    date = next((c for c in frame.columns if str(c).casefold() == "date"), None)
    if date is not None and not isinstance(frame.index, pd.DatetimeIndex):
        long = any(str(c).casefold() in ("ticker", "symbol") for c in frame.columns)
        remedy = "pivot it: one column a ticker" if long else f"call .set_index({date!r}) first"
        raise InputError(parameter, f"dates stand in the column {date!r}, not in the index", remedy)
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InputError(parameter, f"column {twice!r} stands there twice", "keep one column a ticker")


def read_table(path: str | Path, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        The file.
    text : tuple of str, optional
        Columns (in lower case) that stay text whatever they look like: a ticker may be 0005, TRUE or NA. "*" is all.

    Raises
    ------
    InputError
        If the file is missing, empty, not of these kinds, cannot be decoded, has a column twice, or rows longer than
        its header.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(str(path), "no such file", "check the path")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if path.suffix.lower() in (".csv", ".txt"):
            return _read_csv(path, text)
    except ImportError as error:
        raise InputError(str(path), "Parquet needs pyarrow", "pip install 'marketshock[parquet]'") from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "is not UTF-8 text", "save it as UTF-8") from error
    except InputError:
        raise
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OSError) as error:
        problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(str(path), f"cannot be read as {path.suffix[1:]}: {problem}", "check the file") from error
    raise InputError(str(path), f"unknown kind of file {path.suffix!r}", "give a .csv or a .parquet file")


def _read_csv(path: Path, text: tuple[str, ...]) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    folded = [name.strip().casefold() for name in header]
    twice = [name for i, name in enumerate(folded) if name and name in folded[:i]]
    if twice:
        raise InputError(str(path), f"has the column {twice[0]!r} twice", "keep one of them")
    as_text = [name for name, low in zip(header, folded, strict=True) if low in text or text == ("*",)]
    keep = {name: [""] for name in as_text}  # NA is a ticker too: only an empty field is missing
    others = {name: list(_MISSING) for name in header if name not in keep}
    table = pd.read_csv(
        path, encoding="utf-8-sig", dtype=dict.fromkeys(as_text, str), na_values=keep | others, keep_default_na=False
    )
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(str(path), "has rows with more fields than its header names", "correct the header or the rows")
    return table


def read_wide(path: str | Path, kind: str) -> pd.DataFrame:
    """Read a file of prices or returns, wide (date, one column a ticker) or long (date, ticker, value).

    Parameters
    ----------
    path : str or Path
        CSV or Parquet.
    kind : {"prices", "returns"}
        Which value column of a long file is meant.

    Returns
    -------
    DataFrame
        Dates as index, one column a ticker, missing values NaN. Rows keep the file's order in a wide file.

    Raises
    ------
    InputError
        If there is no date column, or a long file has no value column or a duplicate row.
    """
    table = read_table(path, text=("ticker", "symbol"))
    if isinstance(table.index, pd.DatetimeIndex):
        name = "date" if "date" not in table.columns else None
        table = table.reset_index(names="date") if name else table.reset_index(drop=True)
    date = next((c for c in table.columns if str(c).casefold() == "date"), None)
    if date is None:
        first = table.columns[0] if len(table.columns) else "nothing"
        raise InputError(str(path), f"has no column 'date' (the first is {first!r})", "name the date column 'date'")
    table = table.rename(columns={date: "date"})
    index = _parsed_index(str(path), pd.Index(table["date"]))
    by_name = {str(c).strip().casefold().replace(" ", "_"): c for c in table.columns}
    if "ticker" not in by_name:
        return table.drop(columns="date").set_index(index)
    wanted = _LONG_PRICES if kind == "prices" else _LONG_RETURNS
    value = next((by_name[name] for name in wanted if name in by_name), None)
    if value is None:
        raise InputError(
            str(path), f"is a long table without a column of {kind}", f"name it one of {', '.join(wanted)}"
        )
    ticker = by_name["ticker"]
    long = table.assign(date=index)
    if long[ticker].isna().any():
        raise InputError(
            str(path), f"row {int(np.argmax(long[ticker].isna()))} has no ticker", "fill it or drop the row"
        )
    if long.duplicated(["date", ticker]).any():
        row = long[long.duplicated(["date", ticker])].iloc[0]
        raise PriceError(
            str(path),
            f"{row['date'].date()} stands there more than once for {row[ticker]}",
            "keep one row a session",
        )
    return long.pivot(index="date", columns=ticker, values=value).rename_axis(columns=None)


def read_events(path: str | Path) -> pd.DataFrame:
    """Read a file of events; column names are folded to lower case, dates stay text until they are checked.

    Raises
    ------
    InputError
        As `read_table`, or if there is no column "date".
    """
    table = read_table(path, text=("*",))
    table.columns = [str(c).strip().casefold() for c in table.columns]
    if "date" not in table.columns:
        raise InputError(
            str(path),
            f"has no column 'date' (it has {', '.join(table.columns)})",
            "events need ticker and date",
        )
    return table


def split_fields(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split a frame whose columns are (field, ticker) or (ticker, field), as yfinance gives it, by field.

    Raises
    ------
    InputError
        If neither level names the field "Close".
    """
    for level in range(frame.columns.nlevels):
        names = {str(n).casefold().replace(" ", "_"): n for n in frame.columns.get_level_values(level).unique()}
        if "close" in names:
            return {field: pd.DataFrame(frame.xs(name, axis=1, level=level)) for field, name in names.items()}
    raise InputError("frame", "has two-level columns without a field 'Close'", "pass one field: df['Close']")


def _parsed_index(parameter: str, index: pd.Index) -> pd.DatetimeIndex:
    if pd.api.types.is_numeric_dtype(index):
        raise PriceError(
            parameter,
            f"dates are numbers (the first is {index[0]})",
            "write them as YYYY-MM-DD, or parse them first",
        )
    try:
        text = index.astype(str) if not isinstance(index, pd.DatetimeIndex) else None
        if text is not None and text.str.fullmatch(_DAY).all():
            return pd.DatetimeIndex(pd.to_datetime(text.str.slice(0, 10), format="%Y-%m-%d"))
        return pd.DatetimeIndex(pd.to_datetime(index, format="%Y-%m-%d"))
    except (ValueError, TypeError) as error:
        bad = next((v for v in index if not _is_iso(v)), index[0])
        raise PriceError(parameter, f"{bad!r} is no date", "write dates as YYYY-MM-DD") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_iso(value: object) -> bool:
    try:
        pd.to_datetime(str(value)[:10], format="%Y-%m-%d")
    except (ValueError, TypeError):
        return False
    return True


def _raise_at(parameter: str, frame: pd.DataFrame, bad: Any, problem: str) -> None:
    row, column = np.argwhere(bad)[0]
    count = int(bad.sum())
    more = f" ({count} such values)" if count > 1 else ""
    label = frame.index[row]
    day = label.date() if isinstance(label, pd.Timestamp) else label
    value = frame.iloc[row, column]
    raise PriceError(
        parameter,
        f"{frame.columns[column]} on {day} {problem}: {value:g}{more}",
        "correct it, or set it to NaN",
    )
