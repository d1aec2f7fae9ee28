"""Frames made by other people, read strictly: nothing is sorted, dropped or filled on the way."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import InvalidOperation
from typing import Any

import numpy as np
import pandas as pd

from .._names import clean_names, refuse_unseen
from .._native import as_pandas
from .._typing import BoolArray, DateArray, FloatArray, Frame
from ..errors import Argument, InputError, PriceError, Words
from .codes import is_code, not_positive
from .zones import refuse_midnights_elsewhere

# A month without its day is no date, and what follows a day is a time of day, with or without its zone.
_DAY = r"\d{4}-\d{2}-\d{2}([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?"
_MOST = 1e6  # a return above is a misprint: a share worth a cent became worth ten thousand dollars in a day
_LEAST = 1e-37  # smaller numbers of single precision have lost digits
PERCENT = 0.2  # a typical return above is no daily return
PERCENT_SHARE = 0.05  # a larger share of returns above 1 neither
_YEARS = (1800, 2200)  # nanoseconds wrap around not far beyond


def pandas_frame(parameter: str, frame: Frame) -> pd.DataFrame:
    """Return a pandas, polars or Arrow frame as a pandas frame, its column names without surrounding blanks.

    Raises `InputError` if it is no frame; as `as_pandas` and `clean_names`.
    """
    came = as_pandas(parameter, frame)
    if not isinstance(came, pd.DataFrame):
        what = f"got a {type(came).__name__}"
        if isinstance(came, (list, tuple)) and came and not isinstance(came[0], (int, float)):
            remedy = 'join them: one.join(other, how="outer"), or ms.read_prices([...]) for files'
            raise InputError(parameter, f"{what} of {len(came)}", remedy)
        raise InputError(parameter, what, "give a DataFrame: dates as index or column, one column per ticker")
    refuse_half(parameter, came)
    return with_clean_columns(parameter, came)


def refuse_half(parameter: str, frame: pd.DataFrame) -> None:
    """Raise `PriceError` if a column is of half precision.

    It has three digits, so that a CAR is off by a percent. Single precision has seven, more than a price.
    """
    half = {kind for kind in set(frame.dtypes) if str(kind) in ("float16", "halffloat[pyarrow]")}
    for name, kind in zip(frame.columns, frame.dtypes, strict=True):
        if kind in half:
            what = f"column {name!r} is of half precision (float16), which holds three digits"
            raise PriceError(parameter, what, "give float64, from the source of the numbers")


def with_clean_columns(parameter: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose column names, on every level, have no surrounding blanks; as `clean_names`."""
    columns = frame.columns
    for at in range(columns.nlevels):
        level = columns.levels[at] if isinstance(columns, pd.MultiIndex) else columns
        text = [name for name in level if isinstance(name, str)]
        clean = dict(zip(text, clean_names(parameter, text), strict=True))
        if list(clean) != list(clean.values()):
            columns = pd.Index([_renamed(column, at, clean) for column in columns]).set_names(frame.columns.names)
    return frame if columns is frame.columns else frame.set_axis(columns, axis=1)


def _renamed(column: Any, level: int, clean: dict[str, str]) -> Any:
    if not isinstance(column, tuple):
        return clean.get(column, column)
    return tuple(clean.get(part, part) if at == level else part for at, part in enumerate(column))


def dated(parameter: str, frame: Frame) -> pd.DataFrame:
    """Return a pandas, polars or Arrow frame with its dates as index.

    A column named date (in any case) becomes the index, unless the index is made of dates already. Nothing is parsed
    and nothing sorted.

    Raises
    ------
    InputError
        If it is no frame, has no dates, or more than one column of that name.
    """
    frame = pandas_frame(parameter, frame)
    if isinstance(frame.index, pd.DatetimeIndex):
        return frame
    found = [c for c in frame.columns if _is_date_column(c)]
    numbered = pd.api.types.is_integer_dtype(frame.index)
    if len(found) > 1:
        raise InputError(parameter, f"has {len(found)} columns of dates: {found}", "keep one of them")
    if found and not numbered:
        remedy = "keep the one that holds the dates"
        raise InputError(parameter, f"has a column {found[0]!r} and an index of its own", remedy)
    if not found and isinstance(frame.index, pd.RangeIndex):
        what = f"has no column 'date' (the first is {frame.columns[0]!r})" if len(frame.columns) else "has no column"
        raise InputError(parameter, what, "name the date column 'date', or make it the index")
    return pd.DataFrame(frame.set_index(found[0]).rename_axis(index="date")) if found else frame


def _is_date_column(name: Any) -> bool:
    parts = [str(part).strip() for part in (name if isinstance(name, tuple) else (name,))]
    return [part.casefold() for part in parts if part] == ["date"]


def session_dates(parameter: str, index: pd.Index, frame: pd.DataFrame | None = None) -> DateArray:
    """Return a frame's index as strictly increasing session dates.

    A time zone is dropped (the date in that zone is kept). With the `frame` the days of each column are looked at by
    themselves. Raises `PriceError` if the index is not made of dates, has duplicate or unsorted ones, or is a day early
    because midnight of another zone was converted.
    """
    given = index
    if not isinstance(index, pd.DatetimeIndex):
        index = parsed_index(parameter, index)
    if index.tz is not None:
        index = index.tz_localize(None)
    if index.hasnans:
        raise PriceError(parameter, "an index entry is no date", "drop the rows without a date")
    days = index.to_numpy().astype("datetime64[D]")
    check_years(parameter, days)
    refuse_midnights_elsewhere(parameter, given, days, None if frame is None else lambda: _moved(frame))
    step = np.diff(days)
    if (step == np.timedelta64(0, "D")).any():
        twice = days[1:][step == np.timedelta64(0, "D")][0]
        raise PriceError(parameter, f"{twice} stands in the index more than once", "keep one row per session")
    if (step < np.timedelta64(0, "D")).any():
        at = int(np.argmax(step < np.timedelta64(0, "D")))
        what = f"dates are not sorted: {days[at + 1]} comes after {days[at]}"
        raise PriceError(parameter, what, "sort the rows by date, the oldest first")
    return days


def _moved(frame: pd.DataFrame) -> BoolArray:
    """Return where a frame has a value that is neither 0 nor carried from the row before, (T, S)."""
    return np.asarray(frame.notna() & (frame != 0) & (frame != frame.shift()))


def check_years(parameter: str, days: DateArray) -> None:
    """Raise `PriceError` if a day is of no year in which prices were taken."""
    bounds = np.array([f"{_YEARS[0]}-01-01", f"{_YEARS[1]}-12-31"], dtype="datetime64[D]")
    outside = (days < bounds[0]) | (days > bounds[1])
    if outside.any():
        what = f"{days[outside][0]} is not between {_YEARS[0]} and {_YEARS[1]}"
        raise PriceError(parameter, what, "correct the date")


def parsed_index(parameter: str, index: pd.Index) -> pd.DatetimeIndex:
    """Return an index of dates or of ISO text as a DatetimeIndex.

    Raises `PriceError` if an entry is a number or no date.
    """
    if pd.api.types.is_numeric_dtype(index):
        what = f"dates are numbers (the first is {index[0]})"
        raise PriceError(parameter, what, "write them as YYYY-MM-DD, or parse them first")
    try:
        text = index.astype(str) if not isinstance(index, pd.DatetimeIndex) else None
        if text is not None and text.str.fullmatch(_DAY).all():
            return pd.DatetimeIndex(pd.to_datetime(text.str.slice(0, 10), format="%Y-%m-%d"))
        return pd.DatetimeIndex(pd.to_datetime(index, format="%Y-%m-%d"))
    except (ValueError, TypeError) as error:
        bad = next((v for v in index if not _is_iso(v)), index[0])
        raise PriceError(parameter, f"{bad!r} is no date", "write dates as YYYY-MM-DD") from error


def iso_days(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return the days of dates or of text that begins with YYYY-MM-DD, in their own zone; NaT for anything else."""
    text = values.astype(str)
    return pd.to_datetime(text.str.slice(0, 10).where(text.str.fullmatch(_DAY)), format="%Y-%m-%d", errors="coerce")


def numeric_values(parameter: str, frame: pd.DataFrame, copy: bool = True) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a wide frame's values as floats, NaN where missing; without `copy`, where possible, the frame's own.

    Raises `PriceError` if a column holds text, or a value is infinite.
    """
    refuse_half(parameter, frame)
    if all(isinstance(dtype, np.dtype) and dtype.kind in "fiu" for dtype in frame.dtypes):
        values = frame.to_numpy(dtype=np.float64, copy=copy)
        with np.errstate(invalid="ignore", over="ignore"):
            suspicious = not np.isfinite(values.sum())  # one pass where nothing is missing
        if suspicious and np.isinf(values).any():
            _raise_at(parameter, frame, np.isinf(values), "is infinite")
        return values
    for column in frame.columns:
        if pd.api.types.is_bool_dtype(frame[column]):
            raise PriceError(parameter, f"column {column!r} holds true and false", "leave it out")
        if pd.api.types.is_numeric_dtype(frame[column]):
            continue
        text = [(day, v) for day, v in zip(frame.index, frame[column], strict=True) if isinstance(v, (str, bytes))]
        if text:
            day, value = next(((d, v) for d, v in text if not _is_number(v)), text[0])
            what = f"column {column!r} holds text ({value!r} at {str(day).removesuffix(' 00:00:00')})"
            raise PriceError(parameter, what, "convert it to numbers first")
        if pd.api.types.is_datetime64_any_dtype(frame[column]):
            raise PriceError(parameter, f"column {column!r} holds dates", "leave it out")
    try:
        values = frame.astype(object).where(frame.notna(), np.nan).to_numpy(dtype=np.float64, copy=True)
    except (ValueError, TypeError, ArithmeticError) as error:
        problem = "a decimal that signals" if isinstance(error, InvalidOperation) else error
        raise PriceError(parameter, f"holds what is no number: {problem}", "convert it to numbers first") from error
    infinite = np.isinf(values)
    if infinite.any():
        _raise_at(parameter, frame, infinite, "is infinite")
    return values


def check_positive(parameter: str, frame: pd.DataFrame, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """Raise `PriceError` if a price is zero or negative, or so small that floats hold less than all its digits."""
    bad = values <= 0
    if bad.any():
        row, column = np.argwhere(bad)[0]
        cause, remedy = not_positive(values[:, column], int(row))
        _raise_at(parameter, frame, bad, "is not positive", remedy, cause)
    bad = values < _LEAST
    if bad.any():
        _raise_at(parameter, frame, bad, "is too small for a price")


def check_columns(parameter: str, frame: Any) -> None:
    """Raise unless a wide frame has one uniquely named column per ticker."""
    if not isinstance(frame, pd.DataFrame):
        what = f"got a {type(frame).__name__}"
        raise InputError(parameter, what, "give a wide DataFrame: dates as index, one column per ticker")
    if frame.empty:
        raise InputError(parameter, "the frame is empty", "give at least one row and one column")
    blank = [c for c in frame.columns if isinstance(c, str) and c.strip() != c]
    if blank:
        raise InputError(parameter, f"the name {blank[0]!r} begins or ends with a blank", "remove the blank")
    refuse_unseen(parameter, (c for c in frame.columns if isinstance(c, str)))
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise InputError(parameter, f"column {twice!r} stands there twice", "keep one column per ticker")


def _is_number(text: str | bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_iso(value: object) -> bool:
    return bool(iso_days(pd.Series([value], dtype=object)).notna().iloc[0])


def _raise_at(
    parameter: str,
    frame: pd.DataFrame,
    bad: Any,
    problem: str,
    remedy: str = "correct it, or set it to NaN",
    cause: str = "",
) -> None:
    row, column = np.argwhere(bad)[0]
    count = int(bad.sum())
    more = f" ({count} such values)" if count > 1 else ""
    label = frame.index[row]
    day = label.date() if isinstance(label, pd.Timestamp) else label
    value = frame.iloc[row, column]
    what = f"{frame.columns[column]} on {day} {problem}: {value:g}{f', {cause}' if cause else ''}{more}"
    raise PriceError(parameter, what, remedy)


def check_returns(parameter: str, names: Sequence[str], days: DateArray, values: FloatArray, log: bool) -> None:
    """Refuse what can be no daily return.

    Raises `PriceError` if a return is infinite, a missing-value code, a loss of more than everything, or absurdly
    large; or if a column can only be prices or percentages.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    names, days : sequence of str, ndarray of datetime64[D]
        Of the columns and of the rows.
    values : ndarray of shape (T, S)
        Decimal returns, NaN where missing.
    log : bool
        Whether they are logarithmic.
    """
    lowest, highest = _range(values)
    if lowest < -1:
        _refuse_codes(parameter, names, days, values, values < -1)
    if lowest < -1 and not log:
        row, column = np.argwhere(values < -1)[0]
        raise PriceError(
            parameter,
            f"{names[column]} on {days[row]} is {values[row, column]:g}, a loss of more than everything",
            Words("give decimals (0.01 is one percent), or ", Argument("log", True), " for log returns"),
        )
    if max(highest, -lowest) > PERCENT:
        refuse_absurd(parameter, names, days, values)
        _refuse_levels(parameter, names, values)
    if highest > 1:  # among prices 99 is one of them, and they are named first
        _refuse_codes(parameter, names, days, values, values > 1)


def _refuse_codes(parameter: str, names: Sequence[str], days: DateArray, values: FloatArray, within: BoolArray) -> None:
    coded = np.argwhere(within & is_code(values))
    if len(coded):
        row, column = coded[0]
        more = f" ({len(coded)} such values)" if len(coded) > 1 else ""
        what = f"{names[column]} on {days[row]} is {values[row, column]:g}, a missing-value code{more}"
        raise PriceError(parameter, what, "set it to NaN")


def refuse_absurd(parameter: str, names: Sequence[str], days: DateArray, values: FloatArray) -> None:
    """Refuse a return so large that the arithmetic of a study would end in infinities."""
    lowest, highest = _range(values)
    if max(highest, -lowest) > _MOST:
        bad = np.abs(values) > _MOST
        row, column = np.argwhere(bad)[0]
        what = f"{names[column]} on {days[row]}: a return of {values[row, column]:.3g} cannot be right"
        raise PriceError(parameter, what, "correct it, or set it to NaN")


def _range(values: FloatArray) -> tuple[float, float]:
    """Return the smallest and the largest value; (0, 0) where there is none."""
    if not values.size:
        return 0.0, 0.0
    flat = values.T if values.flags.f_contiguous else values  # along the memory
    with np.errstate(invalid="ignore"):  # nothing but NaN
        lowest, highest = float(np.fmin.reduce(flat, axis=None)), float(np.fmax.reduce(flat, axis=None))
    return (lowest, highest) if lowest == lowest else (0.0, 0.0)


def _refuse_levels(parameter: str, names: Sequence[str], values: FloatArray) -> None:
    """Refuse what can only be prices or percentages: a typical size above 0.2, or many values above 1."""
    for at in range(values.shape[1]):
        size = np.abs(values[:, at])
        n = np.count_nonzero(size == size)
        if 2 * np.count_nonzero(size > PERCENT) < n and np.count_nonzero(size > 1) <= PERCENT_SHARE * n:
            continue
        typical, above = (float(np.nanmedian(size)), np.count_nonzero(size > 1) / n) if n else (0.0, 0.0)
        if typical > PERCENT or above > PERCENT_SHARE:
            often = "" if typical > PERCENT else f", and {100 * above:.0f} % of them above 1"
            what = f"{names[at]} has a median size of {typical:g}{often}: these look like prices or percentages"
            remedy = Words("pass prices as ", Argument("prices"), ", returns as decimals (0.01 is one percent)")
            raise PriceError(parameter, what, remedy)
