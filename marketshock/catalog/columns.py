"""Frames of events read column by column, and everything that can be wrong with them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from .._names import refuse_unseen
from .._typing import DateArray, FloatArray, IntArray, StrArray
from ..errors import InputError, check_choice, twice
from .vocabulary import COLUMNS, OWN_WINDOWS, TAKEN, folded, refuse_misnamed

LINE = "line"  # name of an index that holds the lines of a file
ROW_ID = "_row_id"

_MANY = 100_000  # events from which on it matters how many bytes a number takes
_YEARS = (1800, 2200)  # what a timestamp may be; beyond, nanoseconds wrap around
_ISO = r"\d{4}-\d{2}-\d{2}"
_MOST_DAYS = 100_000  # four centuries of trading days: a date written as a number is above
_NUMBERED = ("index", "level_0")  # what pandas calls row numbers that became a column


def named(frame: pd.DataFrame, crossed: bool) -> pd.DataFrame:
    """Return a frame with its columns under the names of `COLUMNS`, levels of the index among them.

    Raises `InputError` if a name stands there twice, or means or nearly spells one of ours; as `refuse_misnamed`.

    Parameters
    ----------
    frame : DataFrame
        As the user gave it; levels of its index that have a name are columns too, and so is an index of dates where no
        column is named date.
    crossed : bool
        Whether the securities are named elsewhere.
    """
    if frame.columns.nlevels > 1:
        raise InputError("events", f"has columns of {frame.columns.nlevels} levels", "give one name a column")
    frame = with_index(frame)
    known = {c: folded(c) for c in frame.columns if folded(c) in COLUMNS}
    names = [known.get(c, str(c).strip()) for c in frame.columns]
    refuse_unseen("events", names)
    if (again := twice(names)) is not None:
        raise InputError("events", f"has the column {again!r} twice", "keep one of them")
    refuse_misnamed("events", frame.columns, crossed)
    if "index" in names and pd.to_numeric(frame.iloc[:, names.index("index")], errors="coerce").isna().any():
        remedy = "name it 'benchmark' if it is meant, or drop it (any other name is kept as a trait)"
        raise InputError("events", "column 'index' is not read", remedy)  # numbers are what reset_index left
    return frame.set_axis(names, axis=1)


def with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose index holds nothing that its columns lack, without columns that only number the rows."""
    there = {folded(c): at for at, c in enumerate(frame.columns)}
    levels: dict[Any, Any] = {}
    for at, name in enumerate(frame.index.names):
        level = frame.index.get_level_values(at)
        if name is None and isinstance(level, pd.DatetimeIndex) and "date" not in there:
            name = "date"
        if name is None or (name == LINE and frame.index.nlevels == 1):
            continue
        if folded(name) not in there:
            levels[name] = level
        elif not (np.asarray(level, object) == frame.iloc[:, there[folded(name)]].to_numpy(object)).all():
            problem = f"has a column {name!r} and an index of that name, which differ"
            raise InputError("events", problem, "keep one of the two")
    numbers = [at for name, at in there.items() if name in _NUMBERED and _counts_rows(frame.iloc[:, at])]
    if not levels and not numbers:
        return frame
    rows = frame.index if frame.index.name == LINE else pd.RangeIndex(len(frame))
    kept = frame.iloc[:, [at for at in range(frame.shape[1]) if at not in numbers]].set_axis(rows, axis=0)
    for at, (name, level) in enumerate(levels.items()):
        kept.insert(at, name, pd.Series(level, index=rows))
    return kept


def _counts_rows(column: pd.Series[Any]) -> bool:
    """Return whether a column holds the numbers of the rows and nothing else."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return bool(len(values) == 0 or ((np.diff(values) == 1).all() and values[0] in (0, 1)))


def place(index: pd.Index, at: int) -> str:
    """Return the words for a row: its line in the file it came from, else its position from 0."""
    return f"line {index[at]}" if index.name == LINE else f"row {at}"


def securities(column: pd.Series[Any]) -> tuple[IntArray, StrArray]:
    """Return which security each row is of, and their names."""
    code, known = _coded(column)
    names = np.empty(len(known), dtype=object)
    names[:] = [str(name) for name in known]
    refuse_unseen("events", (name.strip() for name in names), lambda at: place(column.index, _first(code, at)))
    blank = np.flatnonzero([not name.strip() for name in names])
    bad = (code < 0) | np.isin(code, blank) if len(blank) else code < 0
    if bad.any():
        raise InputError(
            "events", f"{place(column.index, int(np.argmax(bad)))} has no ticker", "fill it or drop the row"
        )
    return (code.astype(np.int32) if len(code) > _MANY else code), names


def _coded(column: pd.Series[Any]) -> tuple[IntArray, Any]:
    """Return which value stands in each row, -1 for none, and the values; as `_refuse_lists`."""
    try:
        return pd.factorize(column)
    except TypeError:
        _refuse_lists(column)
        raise


def _refuse_lists(column: pd.Series[Any]) -> None:
    """Raise `InputError` if a field holds many values: a list, a dict, an array, a frame."""
    if column.dtype != object:
        return
    many = next((at for at, value in enumerate(column) if not _is_one(value)), None)
    if many is not None:
        what = f"column {column.name!r} holds a {type(column.iloc[many]).__name__} in {place(column.index, many)}"
        raise InputError("events", what, "give one value a row")


def _is_one(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _first(code: IntArray, at: int) -> int:
    return int(np.argmax(code == at))


def text(frame: pd.DataFrame, name: str, allowed: tuple[str, ...] = ()) -> StrArray | None:
    """Return a column as text, "" where it is empty; None if it is absent."""
    if name not in frame.columns:
        return None
    values = frame[name].to_numpy(dtype=object, copy=True)
    if pd.api.types.infer_dtype(values, skipna=False) != "string":
        values = frame[name].astype(object).where(frame[name].notna(), "").astype(str).to_numpy(dtype=object)
    if allowed:
        for value in pd.unique(values):
            check_choice(f"events, column {name!r}", value, allowed)
    return values


def names_of(frame: pd.DataFrame, name: str) -> StrArray | None:
    """Return a column of names without surrounding blanks, "" where it is empty; None if it is absent.

    What is neither text nor a number stays the object it is.
    """
    if name not in frame.columns:
        return None
    code, known = _coded(frame[name])
    plain = np.empty(len(known) + 1, dtype=object)  # the last is that of an empty field
    plain[:-1] = [str(v).strip() if isinstance(v, (str, int, float, np.generic)) else v for v in known]
    plain[-1] = ""
    if any(isinstance(v, str) and not v.isprintable() for v in plain):
        refuse_hidden(frame, name, plain[code])
    return plain[code]


def refuse_hidden(frame: pd.DataFrame, name: str, values: StrArray | None) -> None:
    """Raise `InputError` if a name in a column has a character that is not seen: tables and lines could not hold it."""
    if values is not None:
        known = pd.unique(values)
        texts = (value if isinstance(value, str) else "" for value in known)
        refuse_unseen(
            "events", texts, lambda at: f"{place(frame.index, int(np.argmax(values == known[at])))} of column {name!r}"
        )


def own_windows(frame: pd.DataFrame) -> FloatArray | None:
    """Return the days of `OWN_WINDOWS`, (E, 4), NaN where a field is empty; None if no row has one.

    Raises `InputError` if an entry is no whole number.
    """
    if not any(name in frame.columns for name in OWN_WINDOWS):
        return None
    days = np.full((len(frame), len(OWN_WINDOWS)), np.nan)
    for at, name in enumerate(OWN_WINDOWS):
        if name in frame.columns:
            days[:, at] = _whole_days(name, frame[name])
    return None if np.isnan(days).all() else days


def _whole_days(name: str, column: pd.Series[Any]) -> FloatArray:
    empty = column.isna().to_numpy()
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        plain = column.astype(object)
        empty = empty | np.array([isinstance(v, str) and not v.strip() for v in plain], dtype=bool)
        number = np.array([_is_days(v) for v in plain])
        values = pd.to_numeric(plain.where(number), errors="coerce").to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        bad = ~empty & ~((values == np.trunc(values)) & (np.abs(values) <= _MOST_DAYS))
    if bad.any():
        at = int(np.argmax(bad))
        problem = f"column {name!r} holds {str(column.iloc[at])!r} in {place(column.index, at)}"
        raise InputError("events", problem, "give whole numbers, trading days relative to day 0 such as -260")
    return np.where(empty, np.nan, values)


def _is_days(value: Any) -> bool:
    """Return whether an object can be a number of days; a whole number that no float holds is none."""
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) <= _MOST_DAYS
    return isinstance(value, (str, float, np.number))


def traits(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the columns that are none of `COLUMNS`, each (E,) as it was given, in their order.

    Raises `InputError` if one has a name that results give to a column of their own, or a text that is none.
    """
    own = [c for c in frame.columns if c not in COLUMNS and c != ROW_ID]
    clash = next((c for c in own if folded(c) in TAKEN), None)
    if clash is not None:
        raise InputError("events", f"column {clash!r} has the name of a column of the results", "rename it or drop it")
    for name in own:
        _refuse_halves(name, frame[name])
    return {c: _values(frame[c]) for c in own}


def _refuse_halves(name: str, column: pd.Series[Any]) -> None:
    """Raise `InputError` if a text holds half of a character beyond 16 bits, which no table and no file can."""
    if column.dtype != object:
        return
    for at, value in enumerate(column):
        half = None if not isinstance(value, str) or value.isascii() else re.search("[\ud800-\udfff]", value)
        if half:
            what = f"column {name!r} has half of a character (U+{ord(half[0]):04X}) in {place(column.index, at)}"
            raise InputError("events", what, "read the file in its own encoding, or remove it")


def _values(column: pd.Series[Any]) -> Any:
    """Return the values as an array of their own: of NumPy, or of pandas where NumPy has no such kind."""
    return column.to_numpy(copy=True) if isinstance(column.dtype, np.dtype) else column.array.copy()


def dates(column: pd.Series[Any]) -> tuple[DateArray, DateArray | None, IntArray | None]:
    """Read a column of dates, timestamps or ISO text.

    Returns
    -------
    given : ndarray of shape (E,), datetime64[D]
        The date, of a timestamp that in its own zone.
    utc : ndarray of shape (E,), datetime64[us], or None
        Timestamp in UTC, NaT for a date without a time; None if no row has one.
    offset : ndarray of shape (E,), int, or None
        Minutes by which the zone of each timestamp is ahead of UTC, 0 for a date without a time; None if no row has
        one.
    """
    if isinstance(column.dtype, pd.ArrowDtype):
        column = column.astype(object)
    _refuse_lists(column)
    _refuse_halves("date", column)
    dated = pd.api.types.is_datetime64_any_dtype(column)
    blank = (column.isna() if dated else column.isna() | (column.astype(object) == "")).to_numpy()
    if blank.any():
        where = place(column.index, int(np.argmax(blank)))
        raise InputError("events", f"{where} has no date", "fill it or drop the row")
    if pd.api.types.is_numeric_dtype(column):
        raise InputError(
            "events",
            f"dates are numbers (the first is {column.iloc[0]})",
            "write them as YYYY-MM-DD, or parse them first",
        )
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        utc = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        local = column.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        return local.astype("datetime64[D]"), utc, ((local - utc) // np.timedelta64(1, "m")).astype(np.int64)
    if pd.api.types.is_datetime64_any_dtype(column):
        return _naive_days(column.to_numpy()), None, None
    words = column.astype(str)
    if words.str.fullmatch(_ISO).all():
        try:
            return words.to_numpy(dtype="U10").astype("datetime64[D]"), None, None
        except ValueError as error:
            raise InputError("events", f"a date that is none: {error}", "write YYYY-MM-DD") from error
    parsed = [_parsed(value) for value in column]
    utc, offset = np.full(len(parsed), np.datetime64("NaT", "us")), np.zeros(len(parsed), dtype=np.int64)
    given = np.array([np.datetime64(p.date()) for p in parsed], dtype="datetime64[D]")
    for row, stamp in enumerate(parsed):
        if stamp.tzinfo is not None:
            utc[row], offset[row] = utc_of(stamp), ahead_of(stamp)
        elif stamp != stamp.normalize():
            raise _naive_time(stamp)
    return given, utc, offset


def _parsed(value: Any) -> pd.Timestamp:
    try:
        if isinstance(value, str) and not re.fullmatch(_ISO + r"([T ].*)?", value.strip()):
            raise ValueError("no ISO date")
        stamp = pd.to_datetime(value, format="ISO8601") if isinstance(value, str) else pd.Timestamp(value)
        if pd.isna(stamp) or not _YEARS[0] <= stamp.year <= _YEARS[1]:
            raise ValueError("not a time")
        return stamp
    except (ValueError, TypeError) as error:
        raise InputError("events", f"{value!r} is no date", "write YYYY-MM-DD, or a timestamp with its zone") from error


def refuse_blank(frame: pd.DataFrame, name: str, values: StrArray) -> None:
    """Raise `InputError` if a row of a column of text is empty."""
    if (values == "").any():
        where = place(frame.index, int(np.argmax(values == "")))
        raise InputError("events", f"{where} has no {name}", "fill it or drop the row")


def _naive_days(values: DateArray) -> DateArray:
    days = values.astype("datetime64[D]")
    timed = values != days
    if timed.any():
        raise _naive_time(pd.Timestamp(values[timed][0]))
    return days


def _naive_time(stamp: pd.Timestamp) -> InputError:
    return InputError(
        "events",
        f"timestamp {stamp} has no time zone",
        "give the zone (2025-01-29T14:00:00-05:00), or the date alone with a column timing",
    )


def ahead_of(stamp: pd.Timestamp) -> int:
    """Return the minutes by which the zone of a timestamp is ahead of UTC."""
    ahead = stamp.utcoffset()
    return int(ahead.total_seconds() // 60) if ahead is not None else 0


def utc_of(stamp: pd.Timestamp) -> np.datetime64:
    """Return a zoned timestamp in UTC, to the microsecond."""
    return stamp.tz_convert("UTC").tz_localize(None).as_unit("us").to_datetime64()
