"""Frames made by other people, read strictly: nothing is sorted, dropped or filled on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .._typing import DateArray
from ..errors import InputError, PriceError

_DAY = r"\d{4}-\d{2}-\d{2}([T ].*)?"  # a month without its day is no date


def session_dates(parameter: str, index: pd.Index) -> DateArray:
    """Return a frame's index as strictly increasing session dates.

    A time zone is dropped (the date in that zone is kept).

    Raises
    ------
    PriceError
        If the index is not made of dates, or has duplicate or unsorted ones.
    """
    if not isinstance(index, pd.DatetimeIndex):
        index = parsed_index(parameter, index)
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


def parsed_index(parameter: str, index: pd.Index) -> pd.DatetimeIndex:
    """Return an index of dates or of ISO text as a DatetimeIndex.

    Raises
    ------
    PriceError
        If an entry is a number or no date.
    """
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
